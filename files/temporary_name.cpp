#include "files/temporary_name.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace fs = std::filesystem;

namespace {

using numerics::parse_number;

constexpr std::string_view kPrefix = ".heatbath-", kSuffix = ".tmp";
/// What another machine left that has not changed for this long is abandoned.
constexpr std::int64_t kForgottenSeconds = 24 * 3600;

/// When a process began, in clock ticks after the start of the system; nothing for one that does not exist.
std::optional<std::uint64_t> start_of(const std::string& process) {
  std::ifstream file("/proc/" + process + "/stat");
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  // Field 22 of proc(5); the second is a name in brackets that may hold anything.
  std::size_t at = line.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = line.find(' ', at + 1);
  if (at == std::string::npos) return std::nullopt;
  return parse_number<std::uint64_t>(std::string_view(line).substr(at + 1, line.find(' ', at + 1) - at - 1));
}

/// Where the numbers of processes mean this process's neighbours: this machine, this container.
const std::string& place() {
  static const std::string text = [] {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    std::error_code ignored;
    const std::string space = fs::read_symlink("/proc/self/ns/pid", ignored).string();
    return fmt::format("{:08x}", static_cast<std::uint32_t>(std::hash<std::string>{}(host.data() + space)));
  }();
  return text;
}

/// Whether what has this name is abandoned: the process that made it has ended or, for one of another machine, it has
/// not changed for a long time.
bool is_forgotten(std::string_view name, std::int64_t changed) {
  const auto word = [&] {
    const std::string_view first = name.substr(0, name.find('-'));
    name.remove_prefix(std::min(name.size(), first.size() + 1));
    return first;
  };
  name.remove_prefix(kPrefix.size());
  const bool here = word() == place();
  const std::string process(word());
  const auto began = parse_number<std::uint64_t>(word());
  if (here && parse_number<pid_t>(process) && began) return start_of(process) != *began;
  return std::time(nullptr) - changed > kForgottenSeconds;
}

}  // namespace

std::string temporary_name() {
  std::uint64_t random = 0;
  while (::getrandom(&random, sizeof random, 0) != sizeof random) {
  }
  return fmt::format("{}{}-{}-{}-{:016x}{}", kPrefix, place(), ::getpid(), start_of("self").value_or(0), random, kSuffix);
}

void remove_forgotten(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    struct stat found {};
    if (name.starts_with(kPrefix) && name.find(kSuffix) != std::string::npos && ::lstat(at->path().c_str(), &found) == 0 &&
        (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode)) && found.st_uid == ::geteuid() &&
        is_forgotten(name, found.st_mtim.tv_sec)) {
      std::error_code ignored;
      fs::remove_all(at->path(), ignored);
    }
  }
}

}  // namespace heatbath::apps
