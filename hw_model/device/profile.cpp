#include "hw_model/device/profile.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "heatbath/numerics/nearest_word.hpp"
#include "heatbath/numerics/pair_file.hpp"
#include "heatbath/numerics/rounding.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/text_file.hpp"
#include "heatbath/numerics/toml_text.hpp"
#include "heatbath/topology.h"
#include "hw_model/analog/defects.hpp"
#include "hw_model/device/built_in_profiles.hpp"
#include "hw_model/device/imperfections.hpp"
#include "hw_model/device/planned_faults.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/physics/categorical_kernels.hpp"
#include "hw_model/physics/integer_spins.hpp"
#include "hw_model/physics/topology.hpp"

namespace heatbath::model {
namespace {

using numerics::TomlKind;
using numerics::TomlValue;
using Member = std::variant<std::string Profile::*, bool Profile::*, std::uint32_t Profile::*, std::uint64_t Profile::*,
                            float Profile::*, Storage Profile::*, physics::CellKind Profile::*,
                            physics::Stepper Profile::*, Stability Profile::*, physics::NoiseColour::Kind Profile::*>;

/// One key of the file. Numbers lie in [low, high]. `part`: the imperfection it belongs to, of imperfection_names.
struct Key {
  const char* table;
  const char* name;
  Member member;
  double low = 0, high = 0;
  std::string_view part = {};
};

constexpr double u32 = 4294967295.0;
constexpr double tiny = 1e-30, huge = 1e30;  // what float32 holds with room to compute
constexpr double rail_max = 1e9;              // so that forces of states at the rail stay finite

const std::vector<Key>& keys() {
  using P = Profile;
  static const std::vector<Key> list = [] {
    std::vector<Key> all = {
        {"identity", "name", &P::name},
        {"identity", "description", &P::description},
        {"identity", "vendor", &P::vendor, 0, u32},
        {"identity", "part", &P::part, 0, u32},
        {"identity", "revision", &P::revision, 0, u32},
        {"identity", "serial", &P::serial, 0, 9.2e18},
        {"array", "cell", &P::cell},
        {"array", "states", &P::states, 2, physics::states_max},
        {"array", "stepper", &P::stepper},
        {"array", "topology", &P::topology},
        {"array", "reciprocal", &P::reciprocal},
        {"array", "cells", &P::cells, 1, 65536},
        {"array", "cells_max", &P::cells_max, 1, 65536},
        {"array", "lanes", &P::lanes, 1, 65536},
        {"array", "lanes_max", &P::lanes_max, 1, 65536},
        {"array", "mobility", &P::mobility, tiny, huge},
        {"array", "rail", &P::rail, tiny, rail_max},
        {"array", "velocity_range", &P::velocity_range, tiny, huge},
        {"array", "refuse_unstable", &P::refuse_unstable},
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
        {"parameters", "integer_sums", &P::integer_sums},
        {"parameters", "range_j2", &P::range_j2, tiny, huge},
        {"parameters", "range_j4", &P::range_j4, tiny, huge},
        {"parameters", "range_bias", &P::range_bias, tiny, huge},
        {"parameters", "range_coupling", &P::range_coupling, tiny, huge},
        {"parameters", "range_mass", &P::range_mass, tiny, huge},
        {"parameters", "range_damping", &P::range_damping, tiny, huge},
        {"parameters", "range_frequency", &P::range_frequency, tiny, huge},
        {"parameters", "inl_sd_steps", &P::parameter_inl_sd_steps, 0, 1000, "parameter-converters"},
        {"parameters", "dnl_sd_steps", &P::parameter_dnl_sd_steps, 0, 1000, "parameter-converters"},
        {"capture", "storage", &P::capture_storage},
        {"capture", "bits", &P::capture_bits, 0, 16},
        {"capture", "inl_sd_steps", &P::read_out_inl_sd_steps, 0, 1000, "read-out"},
        {"capture", "dnl_sd_steps", &P::read_out_dnl_sd_steps, 0, 1000, "read-out"},
        {"capture", "noise_sd_steps", &P::read_out_noise_sd_steps, 0, 1000, "read-out"},
        {"capture", "crosstalk", &P::crosstalk, 0, 0.5, "read-out"},
        {"capture", "aperture_jitter", &P::aperture_jitter, 0, 1e6, "read-out"},
        {"memory", "bytes", &P::memory_bytes, 4096, 1099511627776.0},
        {"memory", "program_max", &P::program_max, 1, 16777216},
        {"memory", "loop_depth", &P::loop_depth, 0, 64},
        {"noise", "colour", &P::noise, 0, 0, "noise"},
        {"noise", "correlation_time", &P::noise_time, 0, huge, "noise"},
        {"noise", "common", &P::noise_common, 0, 1, "noise"},
        {"noise", "planes", &P::noise_planes},
        {"imperfections", "perfect", &P::perfect},
        {"imperfections", "period", &P::slow_period, 1e-6, 1e9},
        {"mismatch", "cell_gain_sd", &P::cell_gain_sd, 0, 0.5, "mismatch"},
        {"mismatch", "j2_sd", &P::j2_sd, 0, 0.5, "mismatch"},
        {"mismatch", "j4_sd", &P::j4_sd, 0, 0.5, "mismatch"},
        {"mismatch", "bias_gain_sd", &P::bias_gain_sd, 0, 0.5, "mismatch"},
        {"mismatch", "bias_offset_sd_steps", &P::bias_offset_sd_steps, 0, 1000, "mismatch"},
        {"mismatch", "kT_sd", &P::kT_sd, 0, 0.5, "mismatch"},
        {"mismatch", "coupling_gain_sd", &P::coupling_gain_sd, 0, 0.5, "mismatch"},
        {"mismatch", "coupling_offset_sd_steps", &P::coupling_offset_sd_steps, 0, 1000, "mismatch"},
        {"mismatch", "correlated_fraction", &P::correlated_fraction, 0, 1, "mismatch"},
        {"mismatch", "correlation_length", &P::correlation_length, 1, 1e6, "mismatch"},
        {"mismatch", "die_columns", &P::die_columns, 1, 65536, "mismatch"},
        {"defects", "dead_cells", &P::dead_cells, 0, 0, "defects"},
        {"defects", "stuck_cells", &P::stuck_cells, 0, 0, "defects"},
        {"defects", "dead_couplers", &P::dead_couplers, 0, 0, "defects"},
        {"defects", "dead_cell_rate", &P::dead_cell_rate, 0, 1, "defects"},
        {"defects", "stuck_cell_rate", &P::stuck_cell_rate, 0, 1, "defects"},
        {"defects", "dead_coupler_rate", &P::dead_coupler_rate, 0, 1, "defects"},
        {"defects", "stuck_at", &P::stuck_at, 0, rail_max, "defects"},
        {"die", "thermal_time", &P::thermal_time, 1e-6, huge, "die"},
        {"die", "idle_warmth_K", &P::idle_warmth_K, -250, 250, "die"},
        {"die", "run_warmth_K", &P::run_warmth_K, -250, 250, "die"},
        {"die", "ambient_K", &P::ambient_K, 1, 1000, "die"},
        {"die", "kT_tracks", &P::kT_tracks, 0, 10, "die"},
        {"die", "coupling_gain_per_K", &P::coupling_gain_per_K, -0.01, 0.01, "die"},
        {"die", "cell_gain_per_K", &P::cell_gain_per_K, -0.01, 0.01, "die"},
        {"die", "bias_offset_sd_per_K", &P::bias_offset_sd_per_K, 0, 1000, "die"},
        {"drift", "exponent", &P::drift_exponent, 0, 1, "drift"},
        {"drift", "exponent_sd", &P::drift_exponent_sd, 0, 1, "drift"},
        {"drift", "onset", &P::drift_onset, 1e-6, huge, "drift"},
        {"drift", "age", &P::drift_age, 0, huge, "drift"},
        {"drift", "bias_walk", &P::bias_walk, 0, 1000, "drift"},
        {"supply", "ripple_gain", &P::ripple_gain, 0, 0.5, "supply"},
        {"supply", "ripple_kT", &P::ripple_kT, 0, 0.5, "supply"},
        {"supply", "ripple_period", &P::ripple_period, 1e-6, huge, "supply"},
        {"flicker", "flicker_sd", &P::flicker_sd, 0, 1000, "flicker"},
        {"flicker", "flicker_time", &P::flicker_time, 1e-6, huge, "flicker"},
        {"flicker", "telegraph_step", &P::telegraph_step, 0, 1000, "flicker"},
        {"flicker", "telegraph_time", &P::telegraph_time, 1e-6, huge, "flicker"},
        {"timing", "bus_request_ticks", &P::bus_request_ticks, 0, 1e9},
        {"timing", "bus_response_ticks", &P::bus_response_ticks, 0, 1e9},
        {"timing", "bus_bytes_per_tick", &P::bus_bytes_per_tick, 0, 1e9},
        {"timing", "fetch_ticks", &P::fetch_ticks, 0, 1e9},
        {"timing", "operand_bytes_per_tick", &P::operand_bytes_per_tick, 0, 1e9},
        {"timing", "dac_settle_ticks", &P::dac_settle_ticks, 0, 1e9},
        {"timing", "adc_conversion_ticks", &P::adc_conversion_ticks, 0, 1e9},
        {"multi", "tiles", &P::tiles, 1, 65536, "multi"},
        {"multi", "eta", &P::tile_eta, 1e-9, 1e9, "multi"},
        {"multi", "latency", &P::tile_latency, 0, 1e9, "multi"},
        {"multi", "bits", &P::tile_bits, 0, 16, "multi"},
        {"multi", "lost", &P::tile_lost, 0, 1, "multi"},
        {"faults", "plan", &P::planned_faults, 0, 0, "faults"},
        {"faults", "monitors", &P::fault_monitors},
        {"faults", "watchdog_time", &P::watchdog_time, 1e-6, huge},
        {"faults", "cool_time", &P::cool_time, 0, huge},
        {"cost", "sample_J", &P::sample_J, 0, 1},
        {"cost", "read_J", &P::read_J, 0, 1},
        {"cost", "write_J", &P::write_J, 0, 1},
        {"cost", "conversion_J", &P::conversion_J, 0, 1},
        {"cost", "link_byte_J", &P::link_byte_J, 0, 1},
        {"cost", "standby_W", &P::standby_W, 0, 1e6},
    };
    for (const FeatureKey& feature : feature_keys) all.push_back({"features", feature.name, feature.member});
    return all;
  }();
  return list;
}

/// Twelve digits, as %.12g.
std::string text(double number) {
  std::array<char, 40> digits;
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::general, 12);
  return std::string(digits.data(), end);
}

constexpr std::array<std::string_view, 6> grade_names{"unstated", "projected", "derived", "simulated", "measured", "metered"};

constexpr std::string_view default_stepper_name = "default";

physics::Stepper stepper_of(std::string_view name) {
  return name == default_stepper_name ? physics::Stepper::none : physics::stepper(name);
}

std::optional<Stability> stability_of(std::string_view name) {
  if (name == "never") return Stability::never;
  if (name == "linear") return Stability::linear;
  if (name == "rail") return Stability::rail;
  return std::nullopt;
}

std::string shown(const TomlValue& value) {
  switch (value.kind()) {
    case TomlKind::boolean: return value.boolean() ? "true" : "false";
    case TomlKind::integer: return std::to_string(value.integer());
    case TomlKind::floating: return text(value.floating());
    case TomlKind::string: return "\"" + numerics::escaped(value.string(), 80) + "\"";
    case TomlKind::array: return "an array";
    case TomlKind::table: return "a table";
    case TomlKind::date: break;
  }
  return "a date or time";
}

/// Which imperfections "none", "all" or a list with commas switches off. `fail` is told what is wrong, and throws.
template <class Fail>
std::vector<std::string_view> parse_switches(std::string_view list, Fail&& fail) {
  if (list == "none") return {};
  if (list == "all") return {imperfection_names.begin(), imperfection_names.end()};
  std::vector<std::string_view> names;
  while (true) {
    const std::size_t comma = list.find(',');
    std::string_view name = list.substr(0, comma);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    const auto known = std::ranges::find(imperfection_names, name);
    if (known == imperfection_names.end()) {
      std::string what = numerics::quoted(name) + " is no imperfection; none, all, or of";
      for (const std::string_view one : imperfection_names) what += (one == imperfection_names.front() ? " " : ", ") + std::string(one);
      fail(what + ", with commas");
    }
    names.push_back(*known);
    if (comma == std::string_view::npos) return names;
    list.remove_prefix(comma + 1);
  }
}

/// Reads one file: names it, and the line, in every complaint.
class Reader {
 public:
  /// Throws TomlError when the contents are no TOML.
  Reader(std::string file, std::string contents) : file_(std::move(file)), document_(std::move(contents)) {}

  /// What the file says; where it says nothing, `usual`.
  Profile read(const Profile& usual) const {
    check_names();
    Profile profile = usual;
    profile.name = file_;
    for (const Key& key : keys())
      if (const auto value = find(key.table, key.name))
        std::visit([&](auto member) { profile.*member = convert(key, *value, profile.*member); }, key.member);
    // A kind of cells brings its stepper, and discrete cells their step: a sweep in a time unit.
    if (find("array", "cell") && !find("array", "stepper")) profile.stepper = physics::Stepper::none;
    if (physics::is_discrete(profile.cell) && !find("time", "dt_ticks")) profile.dt_ticks = profile.time_unit_ticks;
    read_evidence(profile);
    check(profile);
    return profile;
  }

 private:
  [[noreturn]] void fail(const std::string& where, const std::string& what) const {
    throw std::invalid_argument(file_ + ": " + line_of(where) + numerics::escaped(where, 100) + ": " + what);
  }
  /// "line 7: " of "[table]", "[table] key" or "table"; "" for a key that the file does not have.
  std::string line_of(std::string_view where) const {
    if (where.starts_with('[')) where.remove_prefix(1);
    const std::string_view table = where.substr(0, where.find(']'));
    const std::string_view key = where.size() > table.size() + 2 ? where.substr(table.size() + 2) : std::string_view();
    const auto place = key.empty() ? document_.root().find(table) : find(table, key);
    return place ? "line " + std::to_string(place->line()) + ": " : "";
  }
  [[noreturn]] void fail(const Key& key, const std::string& found, const std::string& right) const {
    fail(std::string("[") + key.table + "] " + key.name, "found " + found + "; it must be " + right);
  }

  /// What [evidence] says; a file that says nothing knows nothing.
  void read_evidence(Profile& profile) const {
    profile.evidence.clear();
    profile.usual_evidence = {};
    const auto table = document_.root().find("evidence");
    if (!table) return;
    for (const auto& [key_text, value] : table->entries()) {
      const std::string key(key_text), where = "[evidence] " + key;
      const bool known = key == "usual" || std::ranges::any_of(keys(), [&](const Key& one) {
                           return std::string(one.table) + "." + one.name == key;
                         });
      if (!known) fail(where, "no key of a profile; write it as \"table.key\", or usual");
      const std::string text = value.is(TomlKind::string) ? value.string() : std::string();
      const std::size_t comma = text.find(',');
      const auto grade = std::ranges::find(grade_names, std::string_view(text).substr(0, comma));
      if (grade == grade_names.end()) {
        std::string right = "a grade, then a comma and its source. Grades:";
        for (const std::string_view one : grade_names) right += (one == grade_names.front() ? " " : ", ") + std::string(one);
        fail(where, "found " + shown(value) + "; it must be " + right);
      }
      std::string source = comma == std::string::npos ? "" : text.substr(comma + 1);
      source.erase(0, source.find_first_not_of(' '));
      const Evidence evidence{static_cast<Grade>(grade - grade_names.begin()), source};
      (key == "usual" ? profile.usual_evidence : profile.evidence[key]) = evidence;
    }
  }

  void check_names() const {
    for (const auto& [name_of_table, contents] : document_.root().entries()) {
      const std::string table(name_of_table);
      if (table == "evidence" && contents.is(TomlKind::table)) continue;
      const bool known = std::any_of(keys().begin(), keys().end(), [&](const Key& key) { return table == key.table; });
      if (!known) fail("[" + table + "]", "unknown table" + numerics::did_you_mean(table, tables()) + "; the tables are " + listed(tables()));
      if (!contents.is(TomlKind::table))
        fail(table, "found " + shown(contents) + "; it must be a table, [" + table + "]");
      for (const auto& entry : contents.entries()) {
        const std::string name(entry.first);
        const bool here = std::any_of(keys().begin(), keys().end(),
                                      [&](const Key& key) { return table == key.table && name == key.name; });
        if (!here) fail("[" + table + "] " + name, "unknown key" + numerics::did_you_mean(name, names(table)) + "; the keys are " + listed(names(table)));
      }
    }
  }

  static std::vector<std::string_view> tables() {
    std::vector<std::string_view> list;
    for (const Key& key : keys())
      if (list.empty() || list.back() != key.table) list.emplace_back(key.table);
    list.emplace_back("evidence");
    return list;
  }
  static std::vector<std::string_view> names(const std::string& table) {
    std::vector<std::string_view> list;
    for (const Key& key : keys())
      if (table == key.table) list.emplace_back(key.name);
    return list;
  }
  static std::string listed(const std::vector<std::string_view>& names) {
    std::string list;
    for (const std::string_view name : names) list.append(list.empty() ? "" : ", ").append(name);
    return list;
  }

  static std::string wanted(const Key& key) {
    if (std::holds_alternative<std::string Profile::*>(key.member)) return "a string";
    if (std::holds_alternative<bool Profile::*>(key.member)) return "true or false";
    if (std::holds_alternative<Storage Profile::*>(key.member)) return "\"float32\", \"code8\" or \"code16\"";
    if (std::holds_alternative<Stability Profile::*>(key.member)) return "\"never\", \"linear\" or \"rail\"";
    if (std::holds_alternative<physics::CellKind Profile::*>(key.member)) return "a cell kind";
    if (std::holds_alternative<physics::Stepper Profile::*>(key.member)) return "a stepper, or \"default\"";
    if (std::holds_alternative<physics::NoiseColour::Kind Profile::*>(key.member)) return "a noise colour";
    const bool real = std::holds_alternative<float Profile::*>(key.member);
    return std::string(real ? "a number in " : "a whole number in ") + text(key.low) + ".." + text(key.high);
  }

  std::optional<TomlValue> find(std::string_view table, std::string_view key) const {
    const auto found = document_.root().find(table);
    return found ? found->find(key) : std::nullopt;
  }

  std::string convert(const Key& key, const TomlValue& value, const std::string&) const {
    if (!value.is(TomlKind::string)) fail(key, shown(value), wanted(key));
    return value.string();
  }
  bool convert(const Key& key, const TomlValue& value, bool) const {
    if (!value.is(TomlKind::boolean)) fail(key, shown(value), wanted(key));
    return value.boolean();
  }
  template <class Unsigned>
  Unsigned whole(const Key& key, const TomlValue& value) const {
    if (!value.is(TomlKind::integer)) fail(key, shown(value), wanted(key));
    const auto number = static_cast<double>(value.integer());
    if (number < key.low || number > key.high) fail(key, shown(value), wanted(key));
    return static_cast<Unsigned>(value.integer());
  }
  std::uint32_t convert(const Key& key, const TomlValue& value, std::uint32_t) const {
    return whole<std::uint32_t>(key, value);
  }
  std::uint64_t convert(const Key& key, const TomlValue& value, std::uint64_t) const {
    return whole<std::uint64_t>(key, value);
  }
  float convert(const Key& key, const TomlValue& value, float) const {
    const bool whole = value.is(TomlKind::integer);
    if (!whole && !value.is(TomlKind::floating)) fail(key, shown(value), wanted(key));
    const double number = whole ? static_cast<double>(value.integer()) : value.floating();
    if (!(number >= key.low && number <= key.high)) fail(key, shown(value), wanted(key));
    return static_cast<float>(number);
  }
  Storage convert(const Key& key, const TomlValue& value, Storage) const {
    const std::string name = value.is(TomlKind::string) ? value.string() : std::string();
    if (name == "float32") return Storage::float32;
    if (name == "code8") return Storage::code8;
    if (name == "code16") return Storage::code16;
    fail(key, shown(value), wanted(key));
  }

  Stability convert(const Key& key, const TomlValue& value, Stability) const {
    const auto known = stability_of(convert(key, value, std::string()));
    if (!known) fail(key, shown(value), wanted(key));
    return *known;
  }
  /// One of a list of names that `parse` knows.
  template <class Parse>
  auto named(const Key& key, const TomlValue& value, Parse parse) const {
    const std::string name = convert(key, value, std::string());
    try {
      return parse(name);
    } catch (const std::invalid_argument& unknown) {
      fail(std::string("[") + key.table + "] " + key.name, unknown.what());
    }
  }
  physics::CellKind convert(const Key& key, const TomlValue& value, physics::CellKind) const {
    return named(key, value, physics::cell_kind);
  }
  physics::Stepper convert(const Key& key, const TomlValue& value, physics::Stepper) const {
    return named(key, value, stepper_of);
  }
  physics::NoiseColour::Kind convert(const Key& key, const TomlValue& value, physics::NoiseColour::Kind) const {
    return named(key, value, physics::noise_colour);
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
    if (p.noise == physics::NoiseColour::Kind::white && p.noise_time != 0)
      fail("[noise] correlation_time", "found " + text(static_cast<double>(p.noise_time)) +
                                           "; it must be 0 with colour = \"white\", which has none");
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
    check_steps(p);
    if (p.tiles > 1 && p.meters)
      fail("[multi] tiles", "found " + std::to_string(p.tiles) +
                                "; it must be 1 with meters: what is between tiles is in no energy");
    if (p.tiles > 1 && p.tiles > p.cells)
      fail("[multi] tiles", "found " + std::to_string(p.tiles) + "; it must be at most cells = " + std::to_string(p.cells));
    check_defects(p);
    (void)parse_switches(p.perfect, [&](const std::string& what) { fail("[imperfections] perfect", what); });
  }

  /// What is measured in steps of a converter needs one.
  void check_steps(const Profile& p) const {
    const auto none = [&](const char* where, float value, Storage storage) {
      if (storage == Storage::float32 && value != 0)
        fail(where, "found " + text(static_cast<double>(value)) +
                        "; it must be 0 with storage = \"float32\", which has no steps");
    };
    none("[capture] inl_sd_steps", p.read_out_inl_sd_steps, p.capture_storage);
    none("[capture] dnl_sd_steps", p.read_out_dnl_sd_steps, p.capture_storage);
    none("[capture] noise_sd_steps", p.read_out_noise_sd_steps, p.capture_storage);
    none("[parameters] inl_sd_steps", p.parameter_inl_sd_steps, p.parameter_storage);
    none("[parameters] dnl_sd_steps", p.parameter_dnl_sd_steps, p.parameter_storage);
    none("[mismatch] bias_offset_sd_steps", p.bias_offset_sd_steps, p.parameter_storage);
    none("[mismatch] coupling_offset_sd_steps", p.coupling_offset_sd_steps, p.parameter_storage);
    constexpr std::uint32_t code_errors_bits = 12;  // each code of each converter has an error in memory
    const auto few = [&](const char* where, float value, std::uint32_t bits) {
      if (value != 0 && bits > code_errors_bits)
        fail(where, "found " + text(static_cast<double>(value)) + "; it must be 0 with more than " +
                        std::to_string(code_errors_bits) + " bits");
    };
    few("[capture] dnl_sd_steps", p.read_out_dnl_sd_steps, p.capture_bits);
    few("[parameters] inl_sd_steps", p.parameter_inl_sd_steps, p.parameter_bits);
    few("[parameters] dnl_sd_steps", p.parameter_dnl_sd_steps, p.parameter_bits);
  }

  void check_defects(const Profile& p) const {
    const auto list = [&](const char* where, auto&& parse) {
      try {
        parse();
      } catch (const std::invalid_argument& wrong) {
        fail(where, wrong.what());
      }
    };
    const auto within = [&](std::uint32_t cell) {
      if (cell >= p.cells_max)
        throw std::invalid_argument("cell " + std::to_string(cell) + " does not exist; cells are 0.." +
                                    std::to_string(p.cells_max - 1));
    };
    list("[defects] dead_cells", [&] { std::ranges::for_each(parse_cells(p.dead_cells), within); });
    list("[defects] stuck_cells", [&] {
      for (const HeldCell& stuck : parse_stuck_cells(p.stuck_cells)) {
        within(stuck.cell);
        if (!(std::abs(stuck.state) <= p.rail))
          throw std::invalid_argument("cell " + std::to_string(stuck.cell) + " is stuck beyond the rail of " +
                                      text(static_cast<double>(p.rail)));
      }
    });
    list("[faults] plan", [&] { parse_faults(p.planned_faults); });
    list("[defects] dead_couplers", [&] {
      for (const auto& [i, j] : parse_couplers(p.dead_couplers)) within(i), within(j);
    });
  }

  std::string file_;
  numerics::TomlText document_;
};

}  // namespace

std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (const BuiltInProfile& profile : built_in_profiles()) names.emplace_back(profile.name);
  return names;
}

namespace {

constexpr std::string_view choices_known[] = {"cell",         "stepper",         "topology", "reciprocal",
                                              "rail",         "refuse_unstable", "noise",    "noise_time",
                                              "noise_common", "integer_sums",    "dt",       "chip",
                                              "perfect",      "states",          "faults",   "noise_planes"};

double number_of(const std::string& name, const std::string& value, double low, double high) {
  const auto number = numerics::parse_number<double>(value);
  if (!number || !(*number >= low && *number <= high))
    throw std::invalid_argument(name + "=" + value + ": it must be a number in " + text(low) + ".." + text(high));
  return *number;
}

bool yes_or_no(const std::string& name, const std::string& value) {
  if (value != "yes" && value != "no") throw std::invalid_argument(name + "=" + value + ": it must be yes or no");
  return value == "yes";
}

/// The step of the built-in profiles in time units: a profile that has it has not chosen one.
constexpr double usual_step = 1e-3;

bool has_usual_step(const Profile& profile) {
  return profile.dt_ticks == std::llround(usual_step * profile.time_unit_ticks);
}

/// Ticks of a step in time units.
std::uint32_t step_of(const Profile& profile, const std::string& value) {
  if (!profile.dt_programmable)
    throw std::invalid_argument("dt=" + value + ": the step of this profile is fixed and unseen; dt_ticks in a copy of "
                                                "its file is where it would change");
  const double tick = 1.0 / profile.time_unit_ticks;
  const double wanted = number_of("dt", value, tick, std::numeric_limits<std::uint32_t>::max() * tick) / tick;
  const double ticks = std::round(wanted);
  if (!numerics::is_near(wanted, ticks))
    throw std::invalid_argument("dt=" + value + ": a step has whole ticks of " + text(tick) + " time units; the nearest is " +
                                text(ticks * tick));
  return static_cast<std::uint32_t>(ticks);
}

/// What sums in integers need.
void check_integer_sums(const Profile& p) {
  const auto no = [](const std::string& what) {
    throw std::invalid_argument("integer_sums: it must be false with " + what);
  };
  if (p.parameter_storage == Storage::float32) no("storage = \"float32\", which has no codes");
  if (p.parameter_bits > physics::code_bits_max)
    no("bits = " + std::to_string(p.parameter_bits) + ": codes have at most " + std::to_string(physics::code_bits_max) +
       " bits");
  const auto no_code = [&](const char* key, float value) {
    if (value != 0) no(std::string(key) + " = " + text(static_cast<double>(value)) + ": what couples is no code then");
  };
  no_code("coupling_gain_sd", p.coupling_gain_sd);
  if (p.tiles > 1) no("tiles = " + std::to_string(p.tiles) + ": what couples is no code then");
  no_code("coupling_offset_sd_steps", p.coupling_offset_sd_steps);
  no_code("inl_sd_steps", p.parameter_inl_sd_steps);
  no_code("dnl_sd_steps", p.parameter_dnl_sd_steps);
  if (p.cell == physics::CellKind::pbit) {
    if (p.stepper == physics::Stepper::random_sequential) no("stepper random-sequential");
    if (p.lane_operands) no("lane_operands = true: p-bits in integers have one set of biases");
    const float range = physics::IntegerSpins::kT_range;
    if (p.kT_max > range || p.kT_reset > range) no("kT_max or kT_reset above " + text(static_cast<double>(range)) + ": temperatures of p-bits are codes of that range");
    if (!physics::IntegerSpins::fits({p.parameter_bits, p.range_coupling, p.range_bias}))
      no("range_coupling and range_bias that are no powers of two within a factor of 256 of each other, or are wide: a step of a coupling is 1/2 at most");
    if (Imperfections(p).moves() || Imperfections(p).spreads_temperature()) no("imperfections of p-bits that are no codes");
    no_code("bias_gain_sd", p.bias_gain_sd);
    no_code("bias_offset_sd_steps", p.bias_offset_sd_steps);
    return;
  }
  if (p.cell != physics::CellKind::overdamped || p.stepper != physics::Stepper::euler_maruyama || p.graph ||
      !p.reciprocal || p.noise != physics::NoiseColour::Kind::white || p.noise_common != 0)
    no("anything but overdamped cells with stepper euler-maruyama, dense reciprocal couplings and white noise, or p-bits");
}

/// States of a cell.
std::uint32_t states_of(const Profile& profile, const std::string& value) {
  if (!physics::has_labels(profile.cell))
    throw std::invalid_argument("states=" + value + ": " + std::string(physics::name(profile.cell)) +
                                " cells have none to count; cell=categorical has");
  const double number = number_of("states", value, 2, physics::states_max);
  if (number != std::floor(number)) throw std::invalid_argument("states=" + value + ": it must be a whole number");
  return static_cast<std::uint32_t>(number);
}

void choose(Profile& profile, const std::string& name, const std::string& value) {
  if (name == "cell") {
    const physics::CellKind before = std::exchange(profile.cell, physics::cell_kind(value));
    if (profile.cell == before) return;
    profile.stepper = physics::Stepper::none;
    if (physics::is_discrete(profile.cell) && has_usual_step(profile)) profile.dt_ticks = profile.time_unit_ticks;
  } else if (name == "states") {
    profile.states = states_of(profile, value);
  } else if (name == "stepper") {
    profile.stepper = stepper_of(value);
  } else if (name == "topology") {
    profile.topology = value;
  } else if (name == "reciprocal") {
    profile.reciprocal = yes_or_no(name, value);
  } else if (name == "integer_sums") {
    profile.integer_sums = yes_or_no(name, value);
  } else if (name == "rail") {
    profile.rail = static_cast<float>(number_of(name, value, tiny, rail_max));
  } else if (name == "refuse_unstable") {
    const auto chosen = stability_of(value);
    if (!chosen) throw std::invalid_argument("refuse_unstable=" + value + ": it must be never, linear or rail");
    profile.refuse_unstable = *chosen;
  } else if (name == "noise") {
    profile.noise = physics::noise_colour(value);
  } else if (name == "noise_time") {
    profile.noise_time = static_cast<float>(number_of(name, value, 0, huge));
  } else if (name == "noise_common") {
    profile.noise_common = static_cast<float>(number_of(name, value, 0, 1));
  } else if (name == "noise_planes") {
    profile.noise_planes = yes_or_no(name, value);
  } else if (name == "dt") {
    profile.dt_ticks = step_of(profile, value);
  } else if (name == "chip") {
    const auto serial = numerics::parse_number<std::uint64_t>(value);
    if (!serial) throw std::invalid_argument("chip=" + value + ": it must be a serial number, 0..18446744073709551615");
    profile.serial = *serial;
  } else if (name == "perfect") {
    (void)parse_switches(value, [&](const std::string& what) { throw std::invalid_argument("perfect=" + value + ": " + what); });
    profile.perfect = value;
  } else if (name == "faults") {
    parse_faults(value);
    profile.planned_faults = value;
  } else {
    throw std::invalid_argument("'" + name + "' is nothing to choose");
  }
}

/// Switches off what `perfect` names.
void switch_off(Profile& profile) {
  static const Profile perfect;
  const auto names = parse_switches(profile.perfect, [](const std::string& what) { throw std::invalid_argument(what); });
  for (const Key& key : keys())
    if (std::ranges::find(names, key.part) != names.end())
      std::visit([&](auto member) { profile.*member = perfect.*member; }, key.member);
}

/// Makes one array of what the tables say and what was chosen.
void settle(Profile& profile) {
  switch_off(profile);
  if (profile.tiles > 1) profile.slow_period = 1 / profile.tile_eta;
  constexpr std::string_view dense = "dense";
  if (profile.topology != dense) {
    try {
      physics::Topology topology = physics::load_topology(profile.topology, profile.reciprocal);
      profile.graph = std::move(topology.graph);
      if (!topology.couplings.empty())
        profile.graph_couplings = std::make_shared<const std::vector<float>>(std::move(topology.couplings));
      profile.graph_open = topology.open;
    } catch (const std::invalid_argument& wrong) {
      throw std::invalid_argument("topology: " + std::string(wrong.what()));
    }
  }
  if (profile.stepper == physics::Stepper::none)
    profile.stepper = physics::default_stepper(profile.cell, profile.graph.get());
  if (physics::has_labels(profile.cell) &&
      (profile.tiles > 1 || profile.bias_walk > 0 || profile.bias_offset_sd_per_K > 0 || profile.flicker_sd > 0 ||
       profile.telegraph_step > 0))
    throw std::invalid_argument("[multi] tiles, [drift] bias_walk, [die] bias_offset_sd_per_K and [flicker] are not for cells "
                                "of kind " + std::string(physics::name(profile.cell)));
  if (profile.graph) {
    const std::uint32_t cells = profile.graph->cells();
    const bool matrices = profile.cell == physics::CellKind::rlc || profile.stepper == physics::Stepper::exact_ou;
    if (matrices && cells > profile.cells_max)
      throw std::invalid_argument("topology " + numerics::escaped(profile.topology, 80) + " has " + std::to_string(cells) +
                                  " cells; rlc nodes and exact-ou work with dense matrices, of which this profile has at "
                                  "most " + std::to_string(profile.cells_max) + " cells");
    if (!matrices) profile.cells_max = numerics::most_cells;
    if (!profile.graph_open) profile.cells_max = cells;
    profile.cells = cells;
  }
  if (const auto no = physics::refusal(profile.array(profile.cells, 1))) throw std::invalid_argument(no->what);
  if (profile.integer_sums) check_integer_sums(profile);
  if (!profile.dt_programmable) {
    // Whoever does not see the step has a duration that the array can evolve for: any number of the shortest periods.
    const std::uint64_t step = profile.dt_ticks, steps = std::max<std::uint64_t>(1, (profile.capture_min_ticks + step - 1) / step);
    if (steps * step > std::numeric_limits<std::uint32_t>::max())
      throw std::invalid_argument("[time] capture_min_ticks: " + std::to_string(profile.capture_min_ticks) +
                                  ", in whole steps of " + std::to_string(step) + " ticks, does not fit 32 bits");
    profile.capture_min_ticks = static_cast<std::uint32_t>(steps * step);
  }
  if (profile.capture_storage != Storage::float32 && profile.shown_states() > 1u << (profile.capture_bits - 1u))
    throw std::invalid_argument("states: " + std::to_string(profile.states) + " are more than capture codes of " +
                                std::to_string(profile.capture_bits) + " bits count; at most " +
                                std::to_string(1u << (profile.capture_bits - 1u)));
  const bool white = profile.noise == physics::NoiseColour::Kind::white && profile.noise_common == 0;
  profile.increments_markov &= physics::increments_markov(profile.stepper) && white;
  // What is refined is the path of the Brownian motion that drives a cell.
  profile.refinement &= profile.seeded && physics::can_refine(profile.array(profile.cells, 1));
}

constexpr std::size_t longest_profile = std::size_t{1} << 20;

/// What the profiles have where they do not say: those of `ideal`, and of keys that it does not name the initial values
/// of Profile.
const Profile& usual_profile() {
  static const Profile usual = [] {
    const auto profiles = built_in_profiles();
    const auto ideal = std::ranges::find(profiles, std::string_view("ideal"), &BuiltInProfile::name);
    return Reader("ideal.toml", std::string(ideal->text)).read(Profile());
  }();
  return usual;
}

Profile read_file(const std::string& path) {
  try {
    return Reader(path, numerics::read_text_file(path, longest_profile)).read(usual_profile());
  } catch (const numerics::UnreadableFile& unreadable) {
    throw std::invalid_argument(path + ": " + unreadable.what() + "; it must be a chip profile (TOML)");
  } catch (const numerics::TomlError& error) {
    throw std::invalid_argument(path + ": line " + std::to_string(error.line()) + " is not TOML: " + error.what());
  }
}

Profile read_profile(std::string_view name) {
  if (name.ends_with(".toml")) return read_file(std::string(name));
  std::string names;
  std::vector<std::string_view> known;
  for (const BuiltInProfile& profile : built_in_profiles()) {
    if (profile.name == name) return Reader(std::string(name) + ".toml", std::string(profile.text)).read(usual_profile());
    names += std::string(profile.name) + ", ";
    known.push_back(profile.name);
  }
  throw std::invalid_argument("unknown profile " + numerics::quoted(name) + numerics::did_you_mean(name, known) + "; it must be " + names +
                              "or the name of a file that ends in .toml");
}

}  // namespace

std::span<const std::string_view> choice_names() { return choices_known; }

Profile load_profile(std::string_view name, const Choices& choices) {
  Profile profile = read_profile(name);
  // A cell brings its stepper, which may be chosen in turn.
  if (const auto cell = choices.find("cell"); cell != choices.end()) choose(profile, cell->first, cell->second);
  for (const auto& [choice, value] : choices)
    if (choice != "cell") choose(profile, choice, value);
  if (choices.contains("noise_time") && profile.noise == physics::NoiseColour::Kind::white && profile.noise_time != 0)
    throw std::invalid_argument("noise_time=" + choices.find("noise_time")->second +
                                ": white noise has no correlation time; noise=ornstein-uhlenbeck, telegraph or pink has");
  try {
    settle(profile);
  } catch (const std::invalid_argument& wrong) {
    if (!choices.empty()) throw;
    throw std::invalid_argument(std::string(name) + ": " + wrong.what());
  }
  return profile;
}

float Profile::state_range() const {
  if (cell == physics::CellKind::phase) return std::numbers::pi_v<float>;
  if (!physics::is_discrete(cell)) return rail;
  const bool codes = capture_storage != Storage::float32;
  if (physics::has_labels(cell)) return static_cast<float>(codes ? 1u << (capture_bits - 1u) : states - 1);
  return codes ? 2.0f : 1.0f;  // of codes in [-1, 1] none would be 1
}

float Profile::second_range() const {
  if (components() == 1) return 0;
  if (cell != physics::CellKind::phase) return velocity_range;
  // A turn is a step of codes; float32 counts so far exactly.
  return capture_storage == Storage::float32 ? 0x1p24f : static_cast<float>(1u << (capture_bits - 1u));
}

Converter Profile::state_converter() const {
  return {capture_storage, capture_bits, state_range(), false, cell == physics::CellKind::phase};
}

Converter Profile::second_converter() const { return {capture_storage, capture_bits, second_range()}; }

std::uint32_t Profile::couplers() const {
  return graph ? static_cast<std::uint32_t>(graph->couplers().size()) : 0;
}

std::uint32_t Profile::arithmetic() const {
  if (!dt_programmable) return 0;
  if (noise_planes) return integer_spins() ? physics::plane_integer_spins_revision : physics::plane_spins_revision;
  return integer_spins() ? physics::integer_spins_revision : physics::arithmetic_revision;
}

std::string_view name(Grade grade) { return grade_names[static_cast<std::size_t>(grade)]; }

const Evidence& Profile::evidence_of(std::string_view table, std::string_view key) const {
  const auto at = evidence.find(std::string(table) + "." + std::string(key));
  return at == evidence.end() ? usual_evidence : at->second;
}

std::uint32_t Profile::cost_grades() const {
  std::uint32_t grades = 0, shift = 0;
  for (const char* const key : {"sample_J", "read_J", "write_J", "conversion_J", "link_byte_J", "standby_W"}) {
    grades |= static_cast<std::uint32_t>(evidence_of("cost", key).grade) << shift;
    shift += 4;
  }
  return grades;
}

bool Profile::priced() const {
  return sample_J > 0 || read_J > 0 || write_J > 0 || conversion_J > 0 || link_byte_J > 0 || standby_W > 0;
}

std::vector<DatasheetRow> datasheet(const Profile& profile) {
  struct Shown {
    std::string operator()(const std::string& value) const { return value; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::uint32_t value) const { return std::to_string(value); }
    std::string operator()(std::uint64_t value) const { return std::to_string(value); }
    std::string operator()(float value) const { return numerics::general(value); }
    std::string operator()(Storage value) const {
      return value == Storage::float32 ? "float32" : value == Storage::code8 ? "code8" : "code16";
    }
    std::string operator()(Stability value) const {
      return value == Stability::never ? "never" : value == Stability::linear ? "linear" : "rail";
    }
    std::string operator()(physics::CellKind value) const { return std::string(physics::name(value)); }
    std::string operator()(physics::Stepper value) const { return std::string(physics::name(value)); }
    std::string operator()(physics::NoiseColour::Kind value) const { return std::string(physics::name(value)); }
  };
  std::vector<DatasheetRow> rows;
  for (const Key& key : keys())
    rows.push_back({key.table, key.name, std::visit([&](auto member) { return Shown{}(profile.*member); }, key.member),
                    profile.evidence_of(key.table, key.name)});
  return rows;
}

std::uint64_t Profile::topology_bytes() const {
  if (!graph) return 0;
  return hb_topology_bytes(couplers(), graph_couplings != nullptr, !reciprocal);
}

physics::ArraySpec Profile::array(std::uint32_t array_cells, std::uint32_t array_lanes) const {
  physics::ArraySpec spec;
  spec.kind = cell;
  spec.stepper = stepper;
  spec.states = shown_states();
  spec.cells = array_cells;
  spec.lanes = array_lanes;
  spec.mobility = mobility;
  spec.rail = rail;
  spec.reciprocal = reciprocal;
  if (noise_planes) spec.spin_noise = physics::SpinNoise::planes;
  if (integer_spins()) spec.spin_codes = {parameter_bits, range_coupling, range_bias};
  Imperfections(*this).step(spec);
  spec.graph = graph;
  if (graph && graph->cells() != array_cells) {
    std::vector<physics::Coupler> couplers;
    for (const physics::Coupler& at : graph->couplers())
      if (at.j < array_cells) couplers.push_back(at);
    spec.graph = std::make_shared<const physics::Graph>(array_cells, std::move(couplers));
  }
  return spec;
}

}  // namespace heatbath::model
