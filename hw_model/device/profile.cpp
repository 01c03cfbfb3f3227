#include "hw_model/device/profile.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <toml.hpp>
#include <utility>
#include <variant>

#include "hw_model/device/built_in_profiles.hpp"

namespace heatbath::model {
namespace {

using Member = std::variant<std::string Profile::*, bool Profile::*, std::uint32_t Profile::*, std::uint64_t Profile::*,
                            float Profile::*, Storage Profile::*>;

/// One key of the file. Numbers lie in [low, high].
struct Key {
  const char* table;
  const char* name;
  Member member;
  double low = 0, high = 0;
};

constexpr double u32 = 4294967295.0;
constexpr double tiny = 1e-30, huge = 1e30;  // what float32 holds with room to compute

const std::vector<Key>& keys() {
  using P = Profile;
  static const std::vector<Key> list = {
      {"identity", "name", &P::name},
      {"identity", "description", &P::description},
      {"identity", "vendor", &P::vendor, 0, u32},
      {"identity", "part", &P::part, 0, u32},
      {"identity", "revision", &P::revision, 0, u32},
      {"identity", "serial", &P::serial, 0, 9.2e18},
      {"features", "seeded", &P::seeded},
      {"features", "state_write", &P::state_write},
      {"features", "meters", &P::meters},
      {"features", "dt_programmable", &P::dt_programmable},
      {"features", "increments_markov", &P::increments_markov},
      {"features", "free_running", &P::free_running},
      {"features", "capture_stalls", &P::capture_stalls},
      {"features", "kT_programmable", &P::kT_programmable},
      {"features", "lane_operands", &P::lane_operands},
      {"features", "readback", &P::readback},
      {"features", "dma", &P::dma},
      {"array", "cells", &P::cells, 1, 65536},
      {"array", "cells_max", &P::cells_max, 1, 65536},
      {"array", "lanes", &P::lanes, 1, 65536},
      {"array", "lanes_max", &P::lanes_max, 1, 65536},
      {"array", "mobility", &P::mobility, tiny, huge},
      {"array", "rail", &P::rail, tiny, huge},
      {"time", "tick_ps", &P::tick_ps, 1, u32},
      {"time", "time_unit_ticks", &P::time_unit_ticks, 1, u32},
      {"time", "dt_ticks", &P::dt_ticks, 1, u32},
      {"time", "capture_min_ticks", &P::capture_min_ticks, 0, u32},
      {"temperature", "kT_reset", &P::kT_reset, 0, huge},
      {"temperature", "kT_min", &P::kT_min, 0, huge},
      {"temperature", "kT_max", &P::kT_max, 0, huge},
      {"temperature", "energy_unit_joules", &P::energy_unit_joules, tiny, huge},
      {"parameters", "storage", &P::parameter_storage},
      {"parameters", "bits", &P::parameter_bits, 0, 16},
      {"parameters", "range_j2", &P::range_j2, tiny, huge},
      {"parameters", "range_j4", &P::range_j4, tiny, huge},
      {"parameters", "range_bias", &P::range_bias, tiny, huge},
      {"parameters", "range_coupling", &P::range_coupling, tiny, huge},
      {"capture", "storage", &P::capture_storage},
      {"capture", "bits", &P::capture_bits, 0, 16},
      {"memory", "bytes", &P::memory_bytes, 4096, 1099511627776.0},
      {"memory", "program_max", &P::program_max, 1, 16777216},
      {"memory", "loop_depth", &P::loop_depth, 0, 64},
      {"mismatch", "cell_gain_sd", &P::cell_gain_sd, 0, 0.5},
      {"mismatch", "coupling_gain_sd", &P::coupling_gain_sd, 0, 0.5},
      {"mismatch", "bias_offset_sd_steps", &P::bias_offset_sd_steps, 0, 1000},
      {"timing", "bus_request_ticks", &P::bus_request_ticks, 0, 1e9},
      {"timing", "bus_response_ticks", &P::bus_response_ticks, 0, 1e9},
      {"timing", "bus_bytes_per_tick", &P::bus_bytes_per_tick, 0, 1e9},
      {"timing", "fetch_ticks", &P::fetch_ticks, 0, 1e9},
      {"timing", "operand_bytes_per_tick", &P::operand_bytes_per_tick, 0, 1e9},
      {"timing", "dac_settle_ticks", &P::dac_settle_ticks, 0, 1e9},
      {"timing", "adc_conversion_ticks", &P::adc_conversion_ticks, 0, 1e9},
  };
  return list;
}

std::string text(double number) {
  std::ostringstream out;
  out.precision(12);
  out << number;
  return out.str();
}

std::string shown(const toml::value& value) {
  if (value.is_boolean()) return value.as_boolean() ? "true" : "false";
  if (value.is_integer()) return std::to_string(value.as_integer());
  if (value.is_floating()) return text(value.as_floating());
  if (value.is_string()) return "\"" + value.as_string().str + "\"";
  if (value.is_array()) return "an array";
  if (value.is_table()) return "a table";
  return "a date or time";
}

/// Reads one file: names it in every complaint.
class Reader {
 public:
  Reader(std::string file, const std::string& contents) : file_(std::move(file)) {
    std::istringstream in(contents);
    try {
      root_ = toml::parse(in, file_);
    } catch (const toml::exception& error) {
      std::string reason = error.what();
      reason.erase(std::min(reason.find('\n'), reason.size()));
      throw std::invalid_argument(file_ + ": line " + std::to_string(error.location().line()) +
                                  " is not TOML: " + reason);
    } catch (const std::exception& error) {
      throw std::invalid_argument(file_ + ": is not TOML: " + std::string(error.what()).substr(0, 200));
    }
  }

  Profile read() const {
    check_names();
    Profile profile;
    for (const Key& key : keys()) {
      const toml::value& value = find(key);
      std::visit([&](auto member) { profile.*member = convert(key, value, profile.*member); }, key.member);
    }
    check(profile);
    return profile;
  }

 private:
  [[noreturn]] void fail(const std::string& where, const std::string& what) const {
    throw std::invalid_argument(file_ + ": " + where + ": " + what);
  }
  [[noreturn]] void fail(const Key& key, const std::string& found, const std::string& right) const {
    fail(std::string("[") + key.table + "] " + key.name, "found " + found + "; it must be " + right);
  }

  static std::map<std::string, toml::value> sorted(const toml::value& table) {
    return {table.as_table().begin(), table.as_table().end()};
  }

  void check_names() const {
    for (const auto& [table, contents] : sorted(root_)) {
      const bool known = std::any_of(keys().begin(), keys().end(), [&](const Key& key) { return table == key.table; });
      if (!known) fail("[" + table + "]", "unknown table; the tables are " + tables());
      if (!contents.is_table()) fail(table, "found " + shown(contents) + "; it must be a table, [" + table + "]");
      for (const auto& entry : sorted(contents)) {
        const std::string& name = entry.first;
        const bool here = std::any_of(keys().begin(), keys().end(),
                                      [&](const Key& key) { return table == key.table && name == key.name; });
        if (!here) fail("[" + table + "] " + name, "unknown key; the keys are " + names(table));
      }
    }
  }

  static std::string tables() {
    std::string list;
    std::string last;
    for (const Key& key : keys()) {
      if (last == key.table) continue;
      list += (list.empty() ? "" : ", ") + std::string(key.table);
      last = key.table;
    }
    return list;
  }
  static std::string names(const std::string& table) {
    std::string list;
    for (const Key& key : keys()) {
      if (table == key.table) list += (list.empty() ? "" : ", ") + std::string(key.name);
    }
    return list;
  }

  static std::string wanted(const Key& key) {
    if (std::holds_alternative<std::string Profile::*>(key.member)) return "a string";
    if (std::holds_alternative<bool Profile::*>(key.member)) return "true or false";
    if (std::holds_alternative<Storage Profile::*>(key.member)) return "\"float32\", \"code8\" or \"code16\"";
    const bool real = std::holds_alternative<float Profile::*>(key.member);
    return std::string(real ? "a number in " : "a whole number in ") + text(key.low) + ".." + text(key.high);
  }

  const toml::value& find(const Key& key) const {
    const auto table = root_.as_table().find(key.table);
    if (table == root_.as_table().end()) fail(std::string("[") + key.table + "]", "the table is missing");
    const auto entry = table->second.as_table().find(key.name);
    if (entry == table->second.as_table().end())
      fail(std::string("[") + key.table + "] " + key.name, "the key is missing; it must be " + wanted(key));
    return entry->second;
  }

  std::string convert(const Key& key, const toml::value& value, const std::string&) const {
    if (!value.is_string()) fail(key, shown(value), wanted(key));
    return value.as_string().str;
  }
  bool convert(const Key& key, const toml::value& value, bool) const {
    if (!value.is_boolean()) fail(key, shown(value), wanted(key));
    return value.as_boolean();
  }
  template <class Unsigned>
  Unsigned whole(const Key& key, const toml::value& value) const {
    if (!value.is_integer()) fail(key, shown(value), wanted(key));
    const auto number = static_cast<double>(value.as_integer());
    if (number < key.low || number > key.high) fail(key, shown(value), wanted(key));
    return static_cast<Unsigned>(value.as_integer());
  }
  std::uint32_t convert(const Key& key, const toml::value& value, std::uint32_t) const {
    return whole<std::uint32_t>(key, value);
  }
  std::uint64_t convert(const Key& key, const toml::value& value, std::uint64_t) const {
    return whole<std::uint64_t>(key, value);
  }
  float convert(const Key& key, const toml::value& value, float) const {
    if (!value.is_floating() && !value.is_integer()) fail(key, shown(value), wanted(key));
    const double number = value.is_integer() ? static_cast<double>(value.as_integer()) : value.as_floating();
    if (!(number >= key.low && number <= key.high)) fail(key, shown(value), wanted(key));
    return static_cast<float>(number);
  }
  Storage convert(const Key& key, const toml::value& value, Storage) const {
    const std::string name = value.is_string() ? value.as_string().str : std::string();
    if (name == "float32") return Storage::float32;
    if (name == "code8") return Storage::code8;
    if (name == "code16") return Storage::code16;
    fail(key, shown(value), wanted(key));
  }

  void check_bits(const char* where, Storage storage, std::uint32_t bits) const {
    const std::uint32_t low = storage == Storage::float32 ? 0 : 2;
    const std::uint32_t high = storage == Storage::float32 ? 0 : storage == Storage::code8 ? 8 : 16;
    if (bits < low || bits > high)
      fail(std::string("[") + where + "] bits", "found " + std::to_string(bits) + "; for this storage it must be " +
                                                    (low == high ? "0" : "2.." + std::to_string(high)));
  }

  /// What the keys must be to each other.
  void check(const Profile& p) const {
    const auto at_most = [&](const char* where, double value, double limit, const char* name) {
      if (value > limit) fail(where, "found " + text(value) + "; it must be at most " + name + " = " + text(limit));
    };
    at_most("[array] cells", p.cells, p.cells_max, "cells_max");
    at_most("[array] lanes", p.lanes, p.lanes_max, "lanes_max");
    at_most("[temperature] kT_min", static_cast<double>(p.kT_min), static_cast<double>(p.kT_max), "kT_max");
    if (p.kT_reset < p.kT_min || p.kT_reset > p.kT_max)
      fail("[temperature] kT_reset", "found " + text(static_cast<double>(p.kT_reset)) +
                                         "; it must lie in kT_min..kT_max = " + text(static_cast<double>(p.kT_min)) +
                                         ".." + text(static_cast<double>(p.kT_max)));
    check_bits("parameters", p.parameter_storage, p.parameter_bits);
    check_bits("capture", p.capture_storage, p.capture_bits);
    if (p.memory_bytes % 64 != 0)
      fail("[memory] bytes", "found " + std::to_string(p.memory_bytes) + "; it must be a multiple of 64");
    if (p.free_running && p.seeded)
      fail("[features] seeded",
           "found true; it must be false with free_running: noise spent while idle has no address in a job");
    if (p.free_running && p.capture_stalls)
      fail("[features] capture_stalls",
           "found true; it must be false with free_running: such an array cannot be stalled");
    if (p.free_running && p.dt_programmable)
      fail("[features] dt_programmable",
           "found true; it must be false with free_running: steps are numbered from reset");
    if (p.parameter_storage == Storage::float32 && p.bias_offset_sd_steps != 0)
      fail("[mismatch] bias_offset_sd_steps", "found " + text(static_cast<double>(p.bias_offset_sd_steps)) +
                                                  "; it must be 0 with storage = \"float32\", which has no steps");
  }

  std::string file_;
  toml::value root_;
};

}  // namespace

std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (const BuiltInProfile& profile : built_in_profiles()) names.emplace_back(profile.name);
  return names;
}

Profile load_profile(std::string_view name) {
  if (name.ends_with(".toml")) {
    const std::string path(name);
    std::ifstream in(path, std::ios::binary);
    std::ostringstream contents;
    contents << in.rdbuf();
    if (!in) throw std::invalid_argument(path + ": cannot be read; it must be a chip profile (TOML)");
    return Reader(path, contents.str()).read();
  }
  std::string names;
  for (const BuiltInProfile& profile : built_in_profiles()) {
    if (profile.name == name) return Reader(std::string(name) + ".toml", std::string(profile.text)).read();
    names += std::string(profile.name) + ", ";
  }
  throw std::invalid_argument("unknown profile '" + std::string(name) + "'; it must be " + names +
                              "or the name of a file that ends in .toml");
}

}  // namespace heatbath::model
