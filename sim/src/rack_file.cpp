#include "heatbath/rack_file.hpp"

#include <cmath>
#include <string_view>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/text_file.hpp"
#include "heatbath/numerics/toml_text.hpp"

namespace heatbath {
namespace {

using numerics::TomlKind;
using numerics::TomlValue;

constexpr std::size_t longest_rack = std::size_t{16} << 20;

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  RackFile read(const TomlValue& root) const {
    RackFile rack;
    for (const auto& [key, value] : root.entries()) {
      if (key == "mixed") rack.mixed = boolean(key, value);
      else if (key == "incomplete") rack.incomplete = boolean(key, value);
      else if (key == "device") list(value, rack);
      else fail(value, key, "unknown key; the keys are mixed, incomplete and tables [[device]]");
    }
    if (rack.devices.empty()) throw Error(HB_BAD_ARG, path_ + ": no device; each needs a table [[device]] with its uri");
    return rack;
  }

 private:
  [[noreturn]] void fail(const TomlValue& at, std::string_view key, const std::string& what) const {
    throw Error(HB_BAD_ARG, path_ + ":" + std::to_string(at.line()) + ": " + numerics::quoted(key) + " " + what);
  }
  bool boolean(std::string_view key, const TomlValue& value) const {
    if (!value.is(TomlKind::boolean)) fail(value, key, "must be true or false");
    return value.boolean();
  }
  std::string text(std::string_view key, const TomlValue& value) const {
    if (!value.is(TomlKind::string) || value.string().empty()) fail(value, key, "must be a text in quotes");
    return value.string();
  }
  std::int64_t whole(std::string_view key, const TomlValue& value) const {
    if (!value.is(TomlKind::integer) || value.integer() < 0) fail(value, key, "must be a whole number, 0 or more");
    return value.integer();
  }
  double weight(std::string_view key, const TomlValue& value) const {
    const double weight = value.is(TomlKind::integer)    ? static_cast<double>(value.integer())
                          : value.is(TomlKind::floating) ? value.floating()
                                                         : 0.0;
    if (!(weight > 0) || !std::isfinite(weight)) fail(value, key, "must be a number above 0");
    return weight;
  }
  void list(const TomlValue& value, RackFile& rack) const {
    if (!value.is(TomlKind::array)) fail(value, "device", "must be tables with headers [[device]]");
    for (const TomlValue table : value.elements()) {
      if (!table.is(TomlKind::table)) fail(table, "device", "must be a table");
      RackFile::Server& server = rack.devices.emplace_back();
      for (const auto& [key, its] : table.entries()) {
        if (key == "uri") server.uri = text(key, its);
        else if (key == "weight") server.weight = weight(key, its);
        else if (key == "token_file") server.token_file = text(key, its);
        else if (key == "host") server.host = text(key, its);
        else if (key == "pid") server.pid = whole(key, its);
        else if (key == "started") server.started = static_cast<std::uint64_t>(whole(key, its));
        else fail(its, key, "unknown key of a device; the keys are uri, weight, token_file, host, pid and started");
      }
      if (server.uri.empty()) fail(table, "device", "has no uri");
    }
  }

  std::string path_;
};

/// Text in double quotes, as TOML has it.
std::string in_quotes(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

RackFile read_rack_file(const std::filesystem::path& path) {
  const std::string name = path.string();
  try {
    const numerics::TomlText document(numerics::read_text_file(path, longest_rack));
    return Reader(name).read(document.root());
  } catch (const numerics::TomlError& error) {
    throw Error(HB_BAD_ARG, name + ":" + std::to_string(error.line()) + ": " + error.what());
  } catch (const numerics::UnreadableFile& error) {
    throw Error(HB_IO, "rack " + name + ": " + error.what());
  }
}

std::string text_of(const RackFile& rack) {
  std::string text;
  if (rack.mixed) text += "mixed = true\n";
  if (rack.incomplete) text += "incomplete = true\n";
  for (const RackFile::Server& server : rack.devices) {
    text += "\n[[device]]\nuri = " + in_quotes(server.uri) + "\n";
    if (server.weight != 1) text += "weight = " + numerics::text_of(server.weight) + "\n";
    if (!server.token_file.empty()) text += "token_file = " + in_quotes(server.token_file) + "\n";
    if (!server.host.empty()) text += "host = " + in_quotes(server.host) + "\n";
    if (server.pid != 0)
      text += "pid = " + std::to_string(server.pid) + "\nstarted = " + std::to_string(server.started) + "\n";
  }
  return text;
}

}  // namespace heatbath
