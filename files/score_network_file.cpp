#include "files/score_network_file.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "files/hdf5_file.hpp"
#include "heatbath/error.hpp"
#include "heatbath_version.hpp"

namespace heatbath::apps {

namespace {

constexpr const char* kScoreNetworkFormat = "heatbath score network";
constexpr std::uint64_t kVersionOfFormat = 2;  // since 2 with coarse segments
/// More than any profile has; guards against sizes that no file of ours holds.
constexpr std::uint64_t kMostCells = 65536, kMostSegments = 64, kMostSide = 4096, kMostSteps = 1000000000;

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path.string()), file_(path) {}
  const Hdf5Reader& file() const { return file_; }
  [[noreturn]] void fail(const std::string& what) const { throw Error(HB_IO, fmt::format("{}: {}", path_, what)); }

  std::uint32_t count(const char* name, std::uint64_t lowest, std::uint64_t highest) const {
    const std::uint64_t value = file_.integer(name);
    if (value < lowest || value > highest) fail(fmt::format("attribute {} = {}; it lies in {} to {}", name, value, lowest, highest));
    return static_cast<std::uint32_t>(value);
  }
  double finite(const char* name) const {
    const double value = file_.number(name);
    if (!std::isfinite(value)) fail(fmt::format("attribute {} = {}; it is a finite number", name, value));
    return value;
  }
  template <class List>
  List checked(const char* name, List values) const {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i])) fail(fmt::format("data set {} has {} at value {}; all are finite numbers", name, values[i], i));
    return values;
  }
  std::vector<float> floats(const char* name, const Shape& shape) const { return checked(name, file_.floats(name, shape)); }
  std::vector<double> doubles(const char* name, const Shape& shape) const { return checked(name, file_.doubles(name, shape)); }

 private:
  std::string path_;
  Hdf5Reader file_;
};

}  // namespace

void save_score_network(const std::filesystem::path& path, const SavedScoreNetwork& saved) {
  const trainers::ScoreNetwork& network = saved.network;
  const trainers::ScoreOptions& options = saved.options;
  const trainers::ScoreCheckpoint& checkpoint = saved.checkpoint;
  Hdf5Writer file(path);
  file.attribute("format", kScoreNetworkFormat);
  file.attribute("format_version", kVersionOfFormat);
  file.attribute("heatbath_version", kVersion);
  file.attribute("source", kSource);
  file.attribute("data_source", saved.data_source);
  const auto whole = [&](const char* name, std::uint64_t value) { file.attribute(name, value); };
  whole("held_out", saved.held_out);
  whole("rows", network.rows);
  whole("columns", network.columns);
  whole("hidden", network.hidden);
  whole("labels", network.labels);
  file.attribute("A", network.A);
  file.attribute("B", network.B);
  whole("segments", network.segments.size());
  whole("steps", options.steps);
  whole("first_steps", options.first_steps);
  whole("batch", options.batch);
  file.attribute("learning_rate", options.learning_rate);
  file.attribute("coarse_noise", options.coarse_noise);
  file.attribute("coarse_rate", options.coarse_rate);
  file.attribute("unlabelled", options.unlabelled);
  whole("seed", options.seed);
  whole("at_segment", checkpoint.segment);
  whole("at_step", checkpoint.step);
  file.attribute("loss_sum", checkpoint.loss_sum);
  std::vector<double> tau{network.segments.front().tau_first};
  std::vector<float> parameters;
  std::size_t begun = 0;
  for (const trainers::ScoreSegment& segment : network.segments) {
    tau.push_back(segment.tau_last);
    parameters.insert(parameters.end(), segment.parameters.begin(), segment.parameters.end());
    begun += segment.parameters.empty() ? 0 : 1;
  }
  file.dataset("tau", tau, {tau.size()}, "1");
  if (begun > 0) file.dataset("parameters", parameters, {begun, network.layout().size()}, "1");
  if (!checkpoint.losses.empty()) file.dataset("losses", checkpoint.losses, {checkpoint.losses.size()}, "1");
  if (!checkpoint.momentum.empty()) {
    file.dataset("momentum", checkpoint.momentum, {checkpoint.momentum.size()}, "1");
    file.dataset("square", checkpoint.square, {checkpoint.square.size()}, "1");
  }
  file.commit();
}

SavedScoreNetwork load_score_network(const std::filesystem::path& path) {
  const Reader reader(path);
  const Hdf5Reader& file = reader.file();
  if (!file.has_attribute("format") || file.text("format") != kScoreNetworkFormat)
    reader.fail(fmt::format("not a score network: attribute format is \"{}\" in one", kScoreNetworkFormat));
  const std::uint32_t version = reader.count("format_version", 1, kVersionOfFormat);
  SavedScoreNetwork saved;
  trainers::ScoreNetwork& network = saved.network;
  trainers::ScoreOptions& options = saved.options;
  saved.data_source = file.text("data_source");
  saved.held_out = file.integer("held_out");
  network.rows = reader.count("rows", 1, kMostSide);
  network.columns = reader.count("columns", 1, kMostSide);
  if (network.visible() > kMostCells) reader.fail(fmt::format("rows x columns = {}; at most {} are possible", network.visible(), kMostCells));
  network.hidden = reader.count("hidden", 1, kMostCells);
  network.labels = reader.count("labels", 0, 10);
  network.A = reader.finite("A");
  network.B = reader.finite("B");
  if (!(network.B > 0)) reader.fail(fmt::format("attribute B = {}; it is positive", network.B));
  const std::uint32_t segments = reader.count("segments", 1, kMostSegments);
  options.hidden = network.hidden;
  options.segments = segments;
  options.labels = network.labels > 0;
  options.A = network.A;
  options.B = network.B;
  options.steps = reader.count("steps", 1, kMostSteps);
  options.first_steps = reader.count("first_steps", 1, kMostSteps);
  options.batch = reader.count("batch", 1, 65536);
  options.learning_rate = reader.finite("learning_rate");
  options.coarse_noise = version < 2 ? 1 : reader.finite("coarse_noise");
  if (version >= 2) options.coarse_rate = reader.finite("coarse_rate");
  options.unlabelled = reader.finite("unlabelled");
  options.seed = file.integer("seed");
  const std::vector<double> tau = reader.doubles("tau", {segments + std::size_t{1}});
  for (std::size_t s = 0; s < segments; ++s) {
    if (!(tau[s] > tau[s + 1]) || !(tau[s + 1] > 0)) reader.fail("data set tau: its values fall, and are positive");
    network.segments.push_back({tau[s], tau[s + 1], {}});
  }
  options.tau_first = tau.front();
  options.tau_last = tau.back();
  trainers::ScoreCheckpoint& checkpoint = saved.checkpoint;
  checkpoint.segment = reader.count("at_segment", 0, version < 2 ? segments : 2 * segments);
  checkpoint.step = reader.count("at_step", 0, kMostSteps);
  checkpoint.loss_sum = reader.finite("loss_sum");
  const std::size_t size = network.layout().size();
  if (checkpoint.segment == (version < 2 ? segments : 2 * segments) && checkpoint.step > 0) reader.fail("attribute at_step is not 0 behind the last segment");
  const std::size_t begun = std::min<std::size_t>(segments, checkpoint.segment + (checkpoint.step > 0 ? 1 : 0));
  if (begun > 0) {
    const std::vector<float> parameters = reader.floats("parameters", {begun, size});
    for (std::size_t s = 0; s < begun; ++s) {
      const auto first = parameters.begin() + static_cast<std::ptrdiff_t>(s * size);
      network.segments[s].parameters.assign(first, first + static_cast<std::ptrdiff_t>(size));
    }
  }
  if (const Shape shape = file.shape("losses"); !shape.empty()) checkpoint.losses = reader.doubles("losses", shape);
  if (checkpoint.step > 0) {
    checkpoint.momentum = reader.floats("momentum", {size});
    checkpoint.square = reader.floats("square", {size});
  }
  return saved;
}

}  // namespace heatbath::apps
