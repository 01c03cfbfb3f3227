#include "files/model_file.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "files/hdf5_file.hpp"
#include "heatbath/error.hpp"
#include "heatbath/trainers/setting_names.hpp"
#include "heatbath_version.hpp"

namespace heatbath::apps {

namespace {

using trainers::GenerativeModel;
using trainers::ReverseAction;

constexpr double kPaperRampEnd = 0.75;
constexpr const char* kModelFormat = "heatbath generative model";
/// More cells than any profile has; a guard against sizes that no file of ours holds.
constexpr std::uint64_t kMostCells = 65536;
constexpr std::uint64_t kMostSegments = 64, kMostLabels = 10;
/// Of each segment, in the sums of least squares.
constexpr std::size_t kMostStretches = 128;
constexpr double kFreeMatrixBytes = 256 << 20;

class ModelReader {
 public:
  explicit ModelReader(const std::filesystem::path& path) : path_(path.string()), file_(path) {}

  const Hdf5Reader& file() const { return file_; }

  [[noreturn]] void fail(const std::string& what) const { throw Error(HB_IO, fmt::format("{}: {}", path_, what)); }

  std::uint32_t count(const char* name, std::uint64_t lowest, std::uint64_t highest) const {
    const std::uint64_t value = file_.integer(name);
    if (value < lowest || value > highest) {
      fail(fmt::format("attribute {} = {}; it lies in {} to {}", name, value, lowest, highest));
    }
    return static_cast<std::uint32_t>(value);
  }

  double positive(const char* name, bool zero_too = false) const {
    const double value = file_.number(name);
    if (!std::isfinite(value) || value < 0 || (value == 0 && !zero_too)) {
      fail(fmt::format("attribute {} = {}; it is a finite {} number", name, value,
                       zero_too ? "non-negative" : "positive"));
    }
    return value;
  }

  double finite(const char* name) const {
    const double value = file_.number(name);
    if (!std::isfinite(value)) fail(fmt::format("attribute {} = {}; it is a finite number", name, value));
    return value;
  }

  std::vector<float> finite_floats(const char* name, const Shape& shape) const {
    std::vector<float> values = file_.floats(name, shape);
    const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
    if (bad != values.end()) {
      fail(fmt::format("data set {} has {} at value {}; all are finite numbers", name, *bad, bad - values.begin()));
    }
    return values;
  }

  template <typename Named>
  auto choice(const char* name, Named named) const {
    return named(file_.text(name), fmt::format("{}: attribute {}", path_, name));
  }

 private:
  std::string path_;
  Hdf5Reader file_;
};

void write_action(Hdf5Writer& file, const std::string& name, const ReverseAction& action) {
  file.attribute(name + "_per_step", action.per_step);
  file.attribute(name + "_floor", action.floor);
}

ReverseAction read_action(const Hdf5Reader& file, const std::string& name) {
  return {file.number(name + "_per_step"), file.number(name + "_floor")};
}

}  // namespace

void save_model(const std::filesystem::path& path, const SavedModel& saved) {
  const GenerativeModel& model = saved.model;
  const std::size_t visible = model.visible, hidden = model.hidden, cells = model.cells();

  const std::size_t segments = model.segments, labels = model.labels;
  std::vector<float> visible_hidden, hidden_hidden, bias_visible, bias_hidden, couplings_label;
  visible_hidden.reserve(segments * visible * hidden);
  hidden_hidden.reserve(segments * hidden * hidden);
  for (std::uint32_t segment = 0; segment < model.segments; ++segment) {
    const std::span<const float> matrix = model.couplings_of(segment), bias = model.bias_of(segment);
    for (std::size_t row = 0; row < visible + hidden; ++row) {
      const auto first = matrix.begin() + static_cast<std::ptrdiff_t>(row * cells + visible);
      auto& block = row < visible ? visible_hidden : hidden_hidden;
      block.insert(block.end(), first, first + static_cast<std::ptrdiff_t>(hidden));
    }
    for (std::size_t row = visible + hidden; row < cells; ++row) {
      const auto first = matrix.begin() + static_cast<std::ptrdiff_t>(row * cells);
      couplings_label.insert(couplings_label.end(), first, first + static_cast<std::ptrdiff_t>(visible + hidden));
    }
    bias_visible.insert(bias_visible.end(), bias.begin(), bias.begin() + static_cast<std::ptrdiff_t>(visible));
    bias_hidden.insert(bias_hidden.end(), bias.begin() + static_cast<std::ptrdiff_t>(visible),
                       bias.begin() + static_cast<std::ptrdiff_t>(visible + hidden));
  }
  const bool plain = segments == 1 && labels == 0;
  const auto shape = [&](std::initializer_list<std::size_t> sizes) {
    Shape result(sizes);
    if (!plain) result.insert(result.begin(), segments);
    return result;
  };

  Hdf5Writer file(path);
  file.attribute("format", kModelFormat);
  file.attribute("format_version", plain ? std::uint64_t{1} : kModelFormatVersion);
  file.attribute("heatbath_version", kVersion);
  file.attribute("source", kSource);
  file.attribute("seed", model.seed);
  file.attribute("device", model.device);
  file.attribute("data_source", model.data_source);
  file.attribute("scaling", name_of(model.scaling));
  file.attribute("drive", name_of(model.drive));
  file.attribute("optimizer", name_of(model.optimizer));
  file.attribute("visible", std::uint64_t{model.visible});
  file.attribute("hidden", std::uint64_t{model.hidden});
  file.attribute("updates", std::uint64_t{model.updates});
  file.attribute("j2", double{model.j2});
  file.attribute("j4", double{model.j4});
  file.attribute("kT", double{model.kT});
  file.attribute("tf", model.tf);
  file.attribute("held_out_trajectories", std::uint64_t{saved.held_out_trajectories});
  write_action(file, "held_out_first", saved.held_out_first);
  write_action(file, "held_out_last", saved.held_out_last);

  if (!plain) {
    file.attribute("segments", std::uint64_t{segments});
    file.attribute("labels", std::uint64_t{labels});
    file.dataset("bias_visible", bias_visible, {segments, visible}, "energy units");
  }
  if (model.ramp_end != kPaperRampEnd) file.attribute("ramp_end", model.ramp_end);
  file.dataset("couplings_visible_hidden", visible_hidden, shape({visible, hidden}), "energy units");
  file.dataset("couplings_hidden_hidden", hidden_hidden, shape({hidden, hidden}), "energy units");
  file.dataset("bias_hidden", bias_hidden, shape({hidden}), "energy units");
  if (labels > 0) {
    file.dataset("couplings_label", couplings_label, {segments, labels, visible + hidden}, "energy units");
  }
  file.dataset("prototypes_images", model.prototypes.images, {model.prototypes.digits.size(), visible},
               "scaled ink, dimensionless");
  file.dataset("prototypes_digits", model.prototypes.digits, {model.prototypes.digits.size()}, "class");
  if (model.capture_period > 0) file.attribute("capture_period", model.capture_period);
  if (const trainers::GatheredSums& sums = saved.sums; !sums.trajectories.empty()) {
    const std::size_t images = sums.trajectories.size(), moving = visible + hidden;
    const std::size_t stretches = sums.states.size() / (segments * images * moving);
    const Shape whole{segments, images, stretches, moving};
    const std::vector<double> trajectories(sums.trajectories.begin(), sums.trajectories.end());
    file.dataset("sums_trajectories", trajectories, {images}, "trajectories");
    file.dataset("sums_states", sums.states, whole, "dimensionless");
    file.dataset("sums_forces", sums.forces, whole, "energy units");
    file.dataset("sums_squares", sums.squares, {segments, images, moving}, "dimensionless");
    file.dataset("sums_ends", sums.ends, {2, images, moving}, "dimensionless");
    file.attribute("sums_end_square", sums.end_square);
  }
  if (!saved.actions.empty()) {
    std::vector<double> per_step, floor;
    for (const ReverseAction& action : saved.actions) {
      per_step.push_back(action.per_step);
      floor.push_back(action.floor);
    }
    file.dataset("training_action_per_step", per_step, {per_step.size()}, "dimensionless");
    file.dataset("training_action_floor", floor, {floor.size()}, "dimensionless");
  }
  file.commit();
}

SavedModel load_model(const std::filesystem::path& path) {
  const ModelReader in(path);
  if (!in.file().has_attribute("format") || in.file().text("format") != kModelFormat) {
    in.fail("not a Heatbath model; use a model.h5 that heatbath train generate wrote");
  }
  const std::uint64_t version = in.file().integer("format_version");
  if (version < 1 || version > kModelFormatVersion) {
    in.fail(
        fmt::format("format version {}; this heatbath ({}) reads versions 1 to {}: train again, or use the heatbath "
                    "that wrote it ({})",
                    version, kVersion, kModelFormatVersion,
                    in.file().has_attribute("heatbath_version") ? in.file().text("heatbath_version") : "unknown"));
  }

  SavedModel saved;
  GenerativeModel& model = saved.model;
  model.visible = in.count("visible", 1, kMostCells);
  model.hidden = in.count("hidden", 1, kMostCells);
  model.updates = in.count("updates", 0, std::numeric_limits<std::uint32_t>::max());
  model.seed = in.file().integer("seed");
  model.device = in.file().text("device");
  model.data_source = in.file().text("data_source");
  model.scaling = in.choice("scaling", trainers::scaling_named);
  model.drive = in.choice("drive", trainers::drive_named);
  model.optimizer = in.choice("optimizer", trainers::optimizer_named);
  model.j2 = static_cast<float>(in.finite("j2"));
  model.j4 = static_cast<float>(in.positive("j4", true));
  model.kT = static_cast<float>(in.positive("kT"));
  model.tf = in.positive("tf");

  if (version > 1) {
    model.segments = in.count("segments", 1, kMostSegments);
    model.labels = in.count("labels", 0, kMostLabels);
  }
  if (in.file().has_attribute("ramp_end")) {
    model.ramp_end = in.positive("ramp_end");
    if (model.ramp_end >= 1) in.fail(fmt::format("attribute ramp_end = {}; it lies between 0 and 1", model.ramp_end));
  }

  const std::size_t visible = model.visible, hidden = model.hidden, cells = model.cells();
  const std::size_t segments = model.segments, labels = model.labels, moving = visible + hidden;
  const auto shape = [&](std::initializer_list<std::size_t> sizes) {
    Shape result(sizes);
    if (version > 1) result.insert(result.begin(), segments);
    return result;
  };
  // The matrices are dense, the file is not: with 784 cells to see and few hidden ones they are the larger.
  const double matrices = sizeof(float) * static_cast<double>(segments) * std::pow(static_cast<double>(cells), 2);
  if (matrices > kFreeMatrixBytes + 2 * static_cast<double>(std::filesystem::file_size(path)))
    in.fail(fmt::format("{} matrices of {} x {} cells are too large for a file of this size", segments, cells, cells));
  const std::vector<float> visible_hidden = in.finite_floats("couplings_visible_hidden", shape({visible, hidden}));
  const std::vector<float> hidden_hidden = in.finite_floats("couplings_hidden_hidden", shape({hidden, hidden}));
  const std::vector<float> bias = in.finite_floats("bias_hidden", shape({hidden}));
  std::vector<float> bias_visible(segments * visible, 0.0f), couplings_label;
  if (version > 1) bias_visible = in.finite_floats("bias_visible", {segments, visible});
  if (labels > 0) couplings_label = in.finite_floats("couplings_label", {segments, labels, moving});
  model.couplings.assign(segments * cells * cells, 0.0f);
  model.bias.assign(segments * cells, 0.0f);
  for (std::size_t segment = 0; segment < segments; ++segment) {
    const float* vh = visible_hidden.data() + segment * visible * hidden;
    const float* hh = hidden_hidden.data() + segment * hidden * hidden;
    for (std::size_t i = 0; i < hidden; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        const float here = hh[i * hidden + j];
        if (here != hh[j * hidden + i] || (i == j && here != 0)) {
          in.fail(
              fmt::format("data set couplings_hidden_hidden at ({}, {}): it is symmetric with a zero diagonal", i, j));
        }
      }
    }
    float* matrix = model.couplings.data() + segment * cells * cells;
    for (std::size_t h = 0; h < hidden; ++h) {
      float* row = matrix + (visible + h) * cells;
      for (std::size_t v = 0; v < visible; ++v) row[v] = matrix[v * cells + visible + h] = vh[v * hidden + h];
      std::copy_n(hh + h * hidden, hidden, row + visible);
    }
    for (std::size_t l = 0; l < labels; ++l) {
      for (std::size_t i = 0; i < moving; ++i) {
        matrix[(moving + l) * cells + i] = matrix[i * cells + moving + l] =
            couplings_label[(segment * labels + l) * moving + i];
      }
    }
    std::copy_n(bias_visible.data() + segment * visible, visible, model.bias.data() + segment * cells);
    std::copy_n(bias.data() + segment * hidden, hidden, model.bias.data() + segment * cells + visible);
  }

  const Shape prototypes = in.file().shape("prototypes_digits");
  if (prototypes.size() != 1 || prototypes[0] == 0) in.fail("data set prototypes_digits is missing or not a list");
  model.prototypes.digits = in.file().bytes("prototypes_digits", prototypes);
  for (const std::uint8_t digit : model.prototypes.digits) {
    if (digit > 9) in.fail(fmt::format("data set prototypes_digits holds {}; digits are 0 to 9", digit));
  }
  model.prototypes.images = in.finite_floats("prototypes_images", {prototypes[0], visible});
  if (model.labels > 0 && model.classes().size() != model.labels) {
    in.fail(fmt::format("{} label cells and {} classes of prototypes; there is one cell per class", model.labels,
                        model.classes().size()));
  }

  saved.held_out_trajectories = in.count("held_out_trajectories", 0, std::numeric_limits<std::uint32_t>::max());
  saved.held_out_first = read_action(in.file(), "held_out_first");
  saved.held_out_last = read_action(in.file(), "held_out_last");
  const Shape training = in.file().shape("training_action_per_step");
  if (!training.empty()) {
    const std::vector<double> per_step = in.file().doubles("training_action_per_step", training);
    const std::vector<double> floor = in.file().doubles("training_action_floor", training);
    for (std::size_t i = 0; i < per_step.size(); ++i) saved.actions.push_back({per_step[i], floor[i]});
  }
  if (in.file().has_attribute("capture_period")) model.capture_period = in.positive("capture_period");
  if (const Shape whole = in.file().shape("sums_states"); !whole.empty()) {
    const std::size_t images = model.prototypes.digits.size();
    if (whole.size() != 4 || whole[0] != segments || whole[1] != images || whole[2] < 1 || whole[2] > kMostStretches ||
        whole[3] != moving)
      in.fail(fmt::format("data set sums_states is of another shape than {} x {} x (1 to {}) x {}", segments, images,
                          kMostStretches, moving));
    trainers::GatheredSums& sums = saved.sums;
    for (const double count : in.file().doubles("sums_trajectories", {images}))
      sums.trajectories.push_back(static_cast<std::uint64_t>(count));
    sums.states = in.file().doubles("sums_states", whole);
    sums.forces = in.file().doubles("sums_forces", whole);
    sums.squares = in.file().doubles("sums_squares", {segments, images, moving});
    sums.ends = in.file().doubles("sums_ends", {2, images, moving});
    sums.end_square = in.finite("sums_end_square");
  }
  return saved;
}

}  // namespace heatbath::apps
