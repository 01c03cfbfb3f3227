#include "files/provenance.hpp"

#include <chrono>
#include <ctime>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "heatbath/cells.h"
#include "heatbath/chip_correction.hpp"
#include "heatbath/device.hpp"
#include "heatbath_version.hpp"

namespace heatbath::apps {

namespace {

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

const char* number_name(Number number) {
  switch (number) {
    case Number::float32: return "float32";
    case Number::code8: return "code8";
    case Number::code16: return "code16";
  }
  return "?";
}

/// The name of an enumerator, or the number of something newer.
template <class Enum>
std::string known_name(Enum of) {
  const std::string_view known = name(of);
  return known != "?" ? std::string(known) : fmt::format("number {}, unknown to this version", static_cast<unsigned>(of));
}

std::string stepper_line(Stepper stepper) {
  const auto number = static_cast<std::uint32_t>(stepper);
  return number < HB_STEPPERS ? fmt::format("{} ({})", known_name(stepper), hb_stepper_order(number)) : known_name(stepper);
}

std::string coupling_layout(const Capabilities& caps) {
  if (caps.sparse()) return caps.couplings_full ? "two per coupler" : "one per coupler";
  return caps.couplings_full ? "full matrix" : "upper triangle";
}

std::vector<std::string> sections_of(CellKind kind) {
  std::vector<std::string> names;
  for (std::uint32_t section = 0; section < HB_SECTIONS; ++section) {
    if (has_section(kind, static_cast<hb_section_t>(section)))
      names.emplace_back(hb_section_name(static_cast<hb_section_t>(section)));
  }
  return names;
}

}  // namespace

std::string version_line() {
  return *kSource ? fmt::format("heatbath {} ({})", kVersion, kSource) : fmt::format("heatbath {}", kVersion);
}

nlohmann::json provenance() {
  return {{"heatbath_version", kVersion},
          {"source", kSource},
          {"compiler", kCompiler},
          {"build_type", kBuildType},
          {"date", utc_now()}};
}

std::string device_line(const Device& device) {
  const Identity& id = device.identity();
  const auto& correction = device.capabilities().correction;
  return fmt::format("{} (vendor {:#06x}, part {:#x}, revision {}, serial {}{})", device.link().uri, id.vendor, id.part,
                     id.revision, id.serial, correction ? "; " + correction->text() : "");
}

nlohmann::json describe_device(const Device& device) {
  const Identity& id = device.identity();
  const Capabilities& caps = device.capabilities();
  const LinkInfo link = device.link();
  nlohmann::json all = {
      {"link", {{"uri", link.uri}, {"description", link.description}}},
      {"identity",
       {{"vendor", id.vendor},
        {"part", id.part},
        {"revision", id.revision},
        {"serial", id.serial},
        {"map_version", fmt::format("{}.{}", id.map_major, id.map_minor)},
        {"map_hash", fmt::format("{:08x}", id.map_hash)}}},
      {"time",
       {{"time_unit_seconds", caps.time_unit_seconds()},
        {"step_ticks", device.step().count},
        {"stepper", stepper_line(caps.stepper)}}},
      {"formats",
       {{"parameters", number_name(caps.parameter_number)},
        {"parameter_bits", caps.parameter_bits},
        {"couplings", coupling_layout(caps)},
        {"capture", number_name(caps.capture_number)},
        {"capture_bits", caps.capture_bits}}},
      {"cell",
       {{"kind", known_name(caps.cell_kind)},
        {"parameters", sections_of(caps.cell_kind)},
        {"state_variables", caps.components},
        {"topology", known_name(caps.topology)},
        {"couplers", caps.sparse() ? caps.couplers().size() : std::size_t{caps.cells} * (caps.cells - 1) / 2},
        {"reciprocal", !caps.couplings_full}}},
  };
  if (caps.correction) all["calibration"]["used"] = caps.correction->text();
  all["meters"] = nlohmann::json::array();
  for (const MeterFacts& meter : meter_list)
    if (caps.*meter.present) all["meters"].push_back(meter.name);
  for (const NamedCapability& one : capability_list()) {
    if (*one.group == '\0') continue;
    nlohmann::json& value = all[one.group][one.key];
    const double number = one.value(caps);
    switch (one.kind) {
      case NamedCapability::Kind::flag: value = number != 0; break;
      case NamedCapability::Kind::integer: value = static_cast<std::uint64_t>(number); break;
      case NamedCapability::Kind::real: value = number; break;
    }
  }
  return all;
}

}  // namespace heatbath::apps
