#include "report/earlier_run.hpp"

#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/text_file.hpp"

namespace heatbath::apps {

namespace {

constexpr std::size_t kLongestReport = std::size_t{64} << 20;

/// A number of the report; NaN for null and for what is not there.
double number_at(const nlohmann::json& report, const nlohmann::json::json_pointer& key) {
  return report.contains(key) && report[key].is_number() ? report[key].get<double>() : EarlierRun::unknown;
}

std::string word_at(const nlohmann::json& report, const nlohmann::json::json_pointer& key) {
  return report.contains(key) && report[key].is_string() ? report[key].get<std::string>() : "";
}

std::optional<PngBytes> bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const auto* const data = reinterpret_cast<const std::byte*>(bytes.data());
  if (bytes.size() < 8 || bytes.compare(1, 3, "PNG") != 0) return std::nullopt;
  return PngBytes(data, data + bytes.size());
}

}  // namespace

EarlierRun earlier_run(const std::filesystem::path& folder) {
  using Key = nlohmann::json::json_pointer;
  const std::filesystem::path file = folder / "report.json";
  std::string text;
  try {
    text = numerics::read_text_file(file, kLongestReport);
  } catch (const numerics::UnreadableFile& error) {
    throw Error(HB_IO, numerics::escaped(file.string()) + ": " + error.what());
  }
  const nlohmann::json report = nlohmann::json::parse(text, nullptr, false);
  const std::string command = report.is_object() ? word_at(report, Key("/command")) : "";
  if (command != "train generate" && command != "generate")
    throw Error(HB_BAD_ARG, numerics::escaped(file.string()) + ": no report of heatbath train generate or heatbath generate");

  EarlierRun run;
  run.folder = folder.string();
  run.papers_recipe = word_at(report, Key("/optimizer")) == "gradient" && number_at(report, Key("/settings/segments")) == 1 &&
                      word_at(report, Key("/settings/drive")) == "pixel" &&
                      word_at(report, Key("/settings/scaling")) == "common-norm";
  run.heat = number_at(report, Key("/heat_mean_kT"));
  run.heat_sd = number_at(report, Key("/heat_sd_kT"));
  run.v0 = number_at(report, Key("/v0_kT"));
  run.vf = number_at(report, Key("/vf_kT"));
  run.action_first = number_at(report, Key("/action_first"));
  run.action_last = number_at(report, Key("/action_last"));
  run.correlation = number_at(report, Key("/correlation"));
  run.inverted = number_at(report, Key("/inverted_fraction"));
  run.asked = number_at(report, Key("/asked_fraction"));
  run.recognised = number_at(report, Key("/quality/recognised"));
  run.drawings = bytes_of(folder / "samples.png");
  return run;
}

}  // namespace heatbath::apps
