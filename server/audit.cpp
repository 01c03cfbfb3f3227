#include "server/audit.hpp"

#include <cerrno>
#include <ctime>

#include <fcntl.h>
#include <unistd.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/text_file.hpp"

namespace heatbath {
namespace {

std::string utc(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// A string of JSON; what is no printable ASCII becomes '?'.
std::string quoted(const std::string& text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    json += c >= ' ' && c <= '~' ? c : '?';
  }
  return json + '"';
}

}  // namespace

Audit::Audit(const std::string& path) {
  if (path.empty()) return;
  file_ = FileDescriptor(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file_) throw Error(HB_IO, "audit file " + path + ": " + numerics::system_words(errno));
}

bool Audit::add(const Entry& entry) noexcept {
  if (!file_) return true;
  try {
    const auto now = std::chrono::system_clock::now();
    const double seconds = std::chrono::duration<double>(now - entry.began).count();
    std::string line = "{\"what\":" + quoted(entry.what) + (entry.number != 0 ? ",\"number\":" + std::to_string(entry.number) : "") +
                       ",\"peer\":" + quoted(entry.peer) + ",\"token\":" + (entry.token ? "true" : "false") + ",\"began\":\"" +
                       utc(entry.began) + "\",\"seconds\":" + numerics::fixed(seconds, 3) + ",\"requests\":" + std::to_string(entry.requests) +
                       (entry.ticks ? ",\"ticks\":" + std::to_string(*entry.ticks) : "") + ",\"ended\":" + quoted(entry.ended) +
                       ",\"by_server\":" + (entry.by_server ? "true" : "false") + "}\n";
    return ::write(file_.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace heatbath
