#include "files/calibration_file.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/json_numbers.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/crc32.hpp"
#include "heatbath/numerics/text_file.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

using nlohmann::json;
using network::Calibration;
using network::CellFigures;
using measure::Estimate;

constexpr const char* kCalibrationFormat = "heatbath calibration 1";
constexpr std::size_t kLongest = std::size_t{1} << 30;

struct OfCells {
  const char* name;
  Estimate CellFigures::*figure;
};
constexpr OfCells kFigures[] = {{"j2_gain", &CellFigures::j2_gain},
                                {"j4_gain", &CellFigures::j4_gain},
                                {"bias_gain", &CellFigures::bias_gain},
                                {"bias_offset", &CellFigures::bias_offset},
                                {"temperature", &CellFigures::temperature},
                                {"read_offset", &CellFigures::read_offset}};
constexpr std::size_t kFirstFigures = 5;  // older files have no more

double number_of(const json& value) { return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>(); }

/// [value, standard error, samples]
json of_estimate(const Estimate& is) { return {or_null(is.value), or_null(is.standard_error), is.effective_samples}; }
Estimate estimate_of(const json& is) { return {number_of(is.at(0)), number_of(is.at(1)), is.at(2).get<double>()}; }

std::string checksum_of(const json& calibration) {
  const std::string text = calibration.dump();
  return fmt::format("{:08x}", numerics::crc32(std::as_bytes(std::span(text))));
}

[[noreturn]] void fail(const std::string& source, const std::string& what) { throw Error(HB_IO, fmt::format("{}: {}", source, what)); }

}  // namespace

std::string calibration_text(const Calibration& of) {
  json chip{{"vendor", of.vendor}, {"part", of.part}, {"serial", of.serial}};
  json cells = json::object(), couplers = json::array();
  for (const auto& [name, figure] : kFigures) {
    cells[name] = json::array();
    for (const CellFigures& cell : of.cells) cells[name].push_back(of_estimate(cell.*figure));
  }
  for (const network::CouplerFigures& one : of.couplers)
    couplers.push_back({one.i, one.j, of_estimate(one.gain), of_estimate(one.offset)});
  const json calibration{{"chip", chip},
                         {"made_at", of.made_at},
                         {"valid_seconds", of.valid_seconds},
                         {"die_temperature", or_null(of.die_temperature)},
                         {"valid_kelvin", of.valid_kelvin},
                         {"resets", of.resets},
                         {"made_time", or_null(of.made_time)},
                         {"valid_time", of.valid_time},
                         {"step", of_estimate(of.step)},
                         {"cell_rate", of_estimate(of.cell_rate)},
                         {"coupler_rate", of_estimate(of.coupler_rate)},
                         {"cells", cells},
                         {"couplers", couplers}};
  return json_text({{"format", kCalibrationFormat}, {"crc32", checksum_of(calibration)}, {"calibration", calibration}}) + "\n";
}

Calibration read_calibration(const std::filesystem::path& path) {
  std::string text;
  try {
    text = numerics::read_text_file(path, kLongest);
  } catch (const numerics::UnreadableFile& unreadable) {
    fail(path.string(), unreadable.what());
  }
  return calibration_of_text(text, path.string());
}

Calibration calibration_of_text(const std::string& text, const std::string& source) {
  json file;
  try {
    file = parsed_json(text);
  } catch (const json::parse_error&) {
    fail(source, "it is not JSON; a calibration of heatbath calibrate is needed");
  }
  if (!file.is_object() || !file.contains("format") || file["format"] != kCalibrationFormat)
    fail(source, fmt::format("it is no \"{}\"", kCalibrationFormat));
  if (!file.contains("calibration") || !file.contains("crc32") || file["crc32"] != checksum_of(file["calibration"]))
    fail(source, "the calibration is corrupted: its checksum does not fit");
  try {
    const json& is = file["calibration"];
    Calibration calibration;
    calibration.vendor = is.at("chip").at("vendor").get<std::uint32_t>();
    calibration.part = is.at("chip").at("part").get<std::uint32_t>();
    calibration.serial = is.at("chip").at("serial").get<std::uint64_t>();
    calibration.made_at = is.at("made_at").get<std::int64_t>();
    calibration.valid_seconds = is.at("valid_seconds").get<std::int64_t>();
    calibration.die_temperature = number_of(is.at("die_temperature"));
    // What older files do not have.
    if (is.contains("step")) calibration.step = estimate_of(is.at("step"));
    if (is.contains("made_time")) {
      calibration.valid_kelvin = is.at("valid_kelvin").get<double>();
      calibration.resets = is.at("resets").get<std::uint32_t>();
      calibration.made_time = number_of(is.at("made_time"));
      calibration.valid_time = is.at("valid_time").get<double>();
    }
    if (is.contains("cell_rate")) calibration.cell_rate = estimate_of(is.at("cell_rate"));
    if (is.contains("coupler_rate")) calibration.coupler_rate = estimate_of(is.at("coupler_rate"));
    for (std::size_t k = 0; k < std::size(kFigures); ++k) {
      const auto& [name, figure] = kFigures[k];
      if (k >= kFirstFigures && !is.at("cells").contains(name)) continue;
      const json& values = is.at("cells").at(name);
      if (calibration.cells.empty()) calibration.cells.resize(values.size());
      if (values.size() != calibration.cells.size()) fail(source, fmt::format("{}: {} cells, before it {}", name, values.size(), calibration.cells.size()));
      for (std::size_t i = 0; i < values.size(); ++i) calibration.cells[i].*figure = estimate_of(values[i]);
    }
    for (const json& one : is.at("couplers"))
      calibration.couplers.push_back({one.at(0).get<std::uint32_t>(), one.at(1).get<std::uint32_t>(), estimate_of(one.at(2)), estimate_of(one.at(3))});
    return calibration;
  } catch (const json::exception& wrong) {
    fail(source, "it is no whole calibration: " + numerics::escaped(wrong.what(), 200));
  }
}

std::filesystem::path calibration_of(const Identity& chip) {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  std::filesystem::path folder;
  if (cache != nullptr && *cache != '\0')
    folder = cache;
  else if (home != nullptr && *home != '\0')
    folder = std::filesystem::path(home) / ".cache";
  else
    throw Error(HB_IO, "calibrations are kept in $XDG_CACHE_HOME or ~/.cache, and neither XDG_CACHE_HOME nor HOME is set");
  return folder / "heatbath" / fmt::format("{}-{}-{}.json", chip.vendor, chip.part, chip.serial);
}

}  // namespace heatbath::apps
