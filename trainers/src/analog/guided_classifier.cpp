#include "heatbath/trainers/guided_classifier.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/network/network.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/matrix_product.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "trainers/src/adam.hpp"

namespace heatbath::trainers {
namespace {

using numerics::MatrixView;

constexpr std::size_t kOutputs = 10;
constexpr std::uint32_t kStepsPerMean = 50;
constexpr float kGuideStep = 1e-3f;        // of the guides' Euler steps, in time units
constexpr std::size_t kGuideTimes = 20;    // states of a guide that the action is summed over
constexpr double kReach = 3.5;            // |x| that cells at a drive of 100 and kT 1 stay within
constexpr double kStiffness = 0.1;         // a step of 1e-3 where cells are at 2.8

/// Last words of the addresses of what is drawn here.
enum : std::uint32_t { kBatchOfTeacher = 0x100, kBatchOfMachine = 0x101, kBatchOfTuning = 0x102, kWeightsOfTeacher = 0x103 };

std::ptrdiff_t span_of(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

[[noreturn]] void refuse_classifier(const std::string& what) { throw Error(HB_BAD_ARG, "classifier: " + what); }

void check_images(const Images& data, std::size_t inputs) {
  if (data.size() == 0 || data.pixels.size() != data.size() * data.rows * data.columns)
    refuse_classifier(data.source + " holds " + std::to_string(data.size()) + " labels and " + std::to_string(data.pixels.size()) + " pixels");
  if (std::size_t{data.rows} * data.columns != inputs)
    refuse_classifier("images of " + std::to_string(data.rows) + " x " + std::to_string(data.columns) + " pixels for " + std::to_string(inputs) + " inputs");
  for (const std::uint8_t label : data.labels)
    if (label >= kOutputs) refuse_classifier("label " + std::to_string(label) + ", classes are 0 to 9");
}

/// Falls from 1 to 0 by half a cosine.
double fallen(std::uint32_t step, std::uint32_t steps) { return 0.5 * (1 + std::cos(std::numbers::pi * step / steps)); }

/// One step of Adam over all parameters.
void move_by_adam(std::span<float> parameters, std::span<const float> gradient, std::span<float> momentum, std::span<float> square, double rate,
                  std::uint32_t step) {
  const Adam adam(rate, step);
  for (std::size_t i = 0; i < parameters.size(); ++i) adam.move(parameters[i], momentum[i], square[i], gradient[i]);
}

/// Units of the teacher for rows of pixels (0 to 1): both hidden layers, and the softmax.
struct TeacherUnits {
  std::vector<float> first, second, share;
};

struct TeacherLayers {
  std::array<std::size_t, 4> width;                // 784, layer, layer, 10
  std::array<std::size_t, 3> weights, biases;      // where each begins
  explicit TeacherLayers(const ClassifierTeacher& teacher) : width{teacher.inputs, teacher.layer, teacher.layer, kOutputs}, weights{}, biases{} {
    std::size_t at = 0;
    for (std::size_t l = 0; l < 3; ++l) {
      weights[l] = at;
      at += width[l] * width[l + 1];
      biases[l] = at;
      at += width[l + 1];
    }
  }
};

TeacherUnits units_of(const ClassifierTeacher& teacher, std::span<const float> pixels, std::size_t rows, numerics::ThreadTeam* team) {
  const TeacherLayers layers(teacher);
  TeacherUnits units;
  const float* from = pixels.data();
  std::array<std::vector<float>*, 3> out{&units.first, &units.second, &units.share};
  for (std::size_t l = 0; l < 3; ++l) {
    const std::size_t n = layers.width[l + 1], k = layers.width[l];
    const float* p = teacher.parameters.data();
    out[l]->resize(rows * n);
    numerics::matrix_product(rows, n, k, {from, span_of(k)}, MatrixView{p + layers.weights[l], span_of(k)}.transposed(), out[l]->data(), n, false, team);
    for (std::size_t r = 0; r < rows; ++r) {
      float* row = out[l]->data() + r * n;
      for (std::size_t i = 0; i < n; ++i) row[i] += p[layers.biases[l] + i];
      if (l < 2) {
        for (std::size_t i = 0; i < n; ++i) row[i] = std::tanh(row[i]);
      } else {
        const float most = *std::max_element(row, row + n);
        float sum = 0;
        for (std::size_t i = 0; i < n; ++i) sum += row[i] = std::exp(row[i] - most);
        for (std::size_t i = 0; i < n; ++i) row[i] /= sum;
      }
    }
    from = out[l]->data();
  }
  return units;
}

/// A_i of the moving cells, outputs first: 2 softmax - 1, then the tanh of both layers. rows x moving.
std::vector<float> targets_of(const ClassifierTeacher& teacher, const TeacherUnits& units, std::size_t rows) {
  const std::size_t layer = teacher.layer, moving = kOutputs + 2 * layer;
  std::vector<float> targets(rows * moving);
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = targets.data() + r * moving;
    for (std::size_t i = 0; i < kOutputs; ++i) row[i] = 2 * units.share[r * kOutputs + i] - 1;
    for (std::size_t i = 0; i < layer; ++i) row[kOutputs + i] = units.first[r * layer + i];
    for (std::size_t i = 0; i < layer; ++i) row[kOutputs + layer + i] = units.second[r * layer + i];
  }
  return targets;
}

/// States of an uncoupled cell at kT = 0 under a constant force, at the middles of kGuideTimes equal parts of `duration`
/// (written with a distance of `stride`); returns the one at the end.
float guide_of(float force, float j2, float j4, double duration, float* states, std::size_t stride) {
  const auto steps = static_cast<std::size_t>(std::max(1.0, std::round(duration / double{kGuideStep})));
  const auto h = static_cast<float>(duration / static_cast<double>(steps));
  float x = 0;
  std::size_t next = 0;
  for (std::size_t n = 0; n <= steps; ++n) {
    while (states != nullptr && next < kGuideTimes && n * 2 * kGuideTimes >= (2 * next + 1) * steps) states[next++ * stride] = x;
    if (n < steps) x += h * (force - x * (2 * j2 + 4 * j4 * x * x));
  }
  return x;
}

/// An image's pixels from 0 to 1, shifted.
void shifted_pixels(const Images& data, std::size_t image, int down, int right, float* out) {
  const int rows = static_cast<int>(data.rows), columns = static_cast<int>(data.columns);
  const auto pixels = data.image(image);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) {
      const int y = i - down, x = j - right;
      const bool inside = y >= 0 && x >= 0 && y < rows && x < columns;
      out[i * columns + j] = inside ? static_cast<float>(pixels[static_cast<std::size_t>(y * columns + x)]) * (1.0f / 255.0f) : 0.0f;
    }
  }
}

}  // namespace

struct ClassifierTrainer::Impl {
  Impl(const Images& images, const ClassifierOptions& the_options)
      : data(images), options((check(images, the_options), the_options)), team(options.threads) {
    state.teacher.inputs = data.rows * data.columns;
    state.teacher.layer = options.layer;
    state.machine.inputs = state.teacher.inputs;
    state.machine.hidden = 2 * options.layer;
    const std::size_t moving = state.machine.moving();
    state.machine.bias.assign(moving, 0.0f);
    state.machine.inward.assign(state.machine.inputs * moving, 0.0f);
    state.machine.couplings.assign(moving * moving, 0.0f);
    const TeacherLayers layers(state.teacher);
    state.teacher.parameters.assign(state.teacher.size(), 0.0f);
    for (std::size_t l = 0; l < 3; ++l) {
      const double width = std::sqrt(1.0 / static_cast<double>(layers.width[l]));
      for (std::size_t i = 0; i < layers.width[l] * layers.width[l + 1]; ++i) {
        const auto words = numerics::random_words(options.seed, numerics::HostPurpose::classifier, static_cast<std::uint32_t>(i),
                                                  static_cast<std::uint32_t>(l), kWeightsOfTeacher);
        state.teacher.parameters[layers.weights[l] + i] = static_cast<float>(width * numerics::standard_normal(words[0], words[1]));
      }
    }
    pixels.resize(std::size_t{options.batch} * state.machine.inputs);
    labels.resize(options.batch);
  }

  static void check(const Images& data, const ClassifierOptions& o) {
    check_images(data, std::size_t{data.rows} * data.columns);
    if (o.layer < 1 || o.layer > 4096) refuse_classifier("layer is " + std::to_string(o.layer) + ", 1 to 4096 are possible");
    if (o.teacher_steps < 1 || o.steps < 1 || o.batch < 1) refuse_classifier("teacher_steps, steps and batch must be at least 1");
    if (!(o.teacher_rate > 0) || !(o.rate > 0) || !(o.drive > 0)) refuse_classifier("rates and drive must be above 0");
  }

  std::uint64_t total() const { return std::uint64_t{options.teacher_steps} + options.steps; }

  /// Images of a step, each shifted by up to a pixel.
  void fill_batch(std::uint32_t step, std::uint32_t purpose) {
    team.run(options.batch, [&](std::size_t r) {
      const auto words = numerics::random_words(options.seed, numerics::HostPurpose::classifier, step, static_cast<std::uint32_t>(r), purpose);
      const auto image = static_cast<std::size_t>((std::uint64_t{words[0]} * data.size()) >> 32);
      labels[r] = data.labels[image];
      shifted_pixels(data, image, static_cast<int>(words[1] % 3) - 1, static_cast<int>(words[2] % 3) - 1, pixels.data() + r * state.machine.inputs);
    });
  }

  double teacher_step(std::uint32_t step) {
    fill_batch(step, kBatchOfTeacher);
    const std::size_t rows = options.batch;
    const TeacherLayers layers(state.teacher);
    TeacherUnits units = units_of(state.teacher, pixels, rows, &team);
    double loss = 0;
    std::vector<float> back = units.share;
    for (std::size_t r = 0; r < rows; ++r) {
      loss -= std::log(std::max(1e-30, double{back[r * kOutputs + labels[r]]}));
      back[r * kOutputs + labels[r]] -= 1;
    }
    for (float& value : back) value /= static_cast<float>(rows);
    std::vector<float> gradient(state.teacher.size(), 0.0f);
    const std::array<const float*, 3> in{pixels.data(), units.first.data(), units.second.data()};
    for (std::size_t l = 3; l-- > 0;) {
      const std::size_t n = layers.width[l + 1], k = layers.width[l];
      numerics::matrix_product(n, k, rows, MatrixView{back.data(), span_of(n)}.transposed(), {in[l], span_of(k)}, gradient.data() + layers.weights[l], k,
                               false, &team);
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t i = 0; i < n; ++i) gradient[layers.biases[l] + i] += back[r * n + i];
      if (l == 0) break;
      std::vector<float> before(rows * k);
      numerics::matrix_product(rows, k, n, {back.data(), span_of(n)}, {state.teacher.parameters.data() + layers.weights[l], span_of(k)}, before.data(), k,
                               false, &team);
      for (std::size_t i = 0; i < before.size(); ++i) before[i] *= 1 - in[l][i] * in[l][i];
      back = std::move(before);
    }
    move_by_adam(state.teacher.parameters, gradient, state.momentum, state.square, options.teacher_rate * fallen(step, options.teacher_steps), step);
    return loss / static_cast<double>(rows);
  }

  double machine_step(std::uint32_t step) {
    fill_batch(step, kBatchOfMachine);
    ClassifierMachine& machine = state.machine;
    const std::size_t rows = options.batch, moving = machine.moving(), inputs = machine.inputs, all = rows * kGuideTimes;
    const std::vector<float> targets = targets_of(state.teacher, units_of(state.teacher, pixels, rows, &team), rows);
    for (float& value : pixels) value *= static_cast<float>(machine.pixel_scale);
    const auto drive = static_cast<float>(options.drive);
    // Guides: all times of an image, then the next image.
    std::vector<float> guides(all * moving), missed(all * moving), force(rows * moving), mean(rows * moving, 0.0f);
    team.run(rows, [&](std::size_t r) {
      for (std::size_t i = 0; i < moving; ++i)
        guide_of(drive * targets[r * moving + i], static_cast<float>(machine.j2), static_cast<float>(machine.j4), machine.duration,
                 guides.data() + r * kGuideTimes * moving + i, moving);
    });
    numerics::matrix_product(rows, moving, inputs, {pixels.data(), span_of(inputs)}, {machine.inward.data(), span_of(moving)}, force.data(), moving, false,
                             &team);
    numerics::matrix_product(all, moving, moving, {guides.data(), span_of(moving)}, {machine.couplings.data(), span_of(moving)}, missed.data(), moving,
                             false, &team);
    std::vector<double> loss_of(rows, 0.0);
    team.run(rows, [&](std::size_t r) {
      for (std::size_t i = 0; i < moving; ++i) force[r * moving + i] += machine.bias[i] + drive * targets[r * moving + i];
      for (std::size_t t = 0; t < kGuideTimes; ++t) {
        float* row = missed.data() + (r * kGuideTimes + t) * moving;
        for (std::size_t i = 0; i < moving; ++i) {
          row[i] = (row[i] + force[r * moving + i]) / drive;
          loss_of[r] += double{row[i]} * double{row[i]};
          mean[r * moving + i] += row[i] / kGuideTimes;
        }
      }
    });
    double loss = 0;
    for (const double value : loss_of) loss += value;
    // Biases, W, J: one list for the optimizer.
    const std::size_t w = moving, j = w + inputs * moving;
    std::vector<float> gradient(j + moving * moving, 0.0f);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t i = 0; i < moving; ++i) gradient[i] += mean[r * moving + i];
    numerics::matrix_product(inputs, moving, rows, MatrixView{pixels.data(), span_of(inputs)}.transposed(), {mean.data(), span_of(moving)},
                             gradient.data() + w, moving, false, &team);
    std::vector<float> outer(moving * moving);
    numerics::matrix_product(moving, moving, all, MatrixView{guides.data(), span_of(moving)}.transposed(), {missed.data(), span_of(moving)}, outer.data(),
                             moving, false, &team);
    for (std::size_t a = 0; a < moving; ++a)
      for (std::size_t b = 0; b < moving; ++b)
        if (a != b) gradient[j + a * moving + b] = (outer[a * moving + b] + outer[b * moving + a]) / kGuideTimes;
    for (float& value : gradient) value /= static_cast<float>(rows);
    const double rate = options.rate * fallen(step, options.steps);
    const auto moved = [&](std::vector<float>& parameters, std::size_t from) {
      const std::size_t n = parameters.size();
      move_by_adam(parameters, std::span(gradient).subspan(from, n), std::span(state.momentum).subspan(from, n), std::span(state.square).subspan(from, n),
                   rate, step);
    };
    moved(machine.bias, 0);
    moved(machine.inward, w);
    moved(machine.couplings, j);
    return loss / static_cast<double>(all * moving);
  }

  double step() {
    const bool teaching = state.step < options.teacher_steps;
    const std::uint32_t number = teaching ? state.step : state.step - options.teacher_steps;
    const ClassifierMachine& m = state.machine;
    if (number == 0) {
      const std::size_t size = teaching ? state.teacher.size() : m.bias.size() + m.inward.size() + m.couplings.size();
      state.momentum.assign(size, 0.0f);
      state.square.assign(size, 0.0f);
    }
    const double value = teaching ? teacher_step(number) : machine_step(number);
    if (!std::isfinite(value)) refuse_classifier("the loss is no longer finite; smaller rates than " + numerics::general(options.teacher_rate) + " and " + numerics::general(options.rate) + " are needed");
    state.loss_sum += value;
    ++state.step;
    const std::uint32_t made = number + 1, of = teaching ? options.teacher_steps : options.steps;
    if (made % kStepsPerMean == 0 || made == of) {
      state.losses.push_back(state.loss_sum / (made % kStepsPerMean == 0 ? kStepsPerMean : made % kStepsPerMean));
      state.loss_sum = 0;
    }
    if (made == of) {
      state.momentum.clear();
      state.square.clear();
    }
    return value;
  }

  const Images& data;
  ClassifierOptions options;
  numerics::ThreadTeam team;
  ClassifierTraining state;
  std::vector<float> pixels;
  std::vector<std::uint8_t> labels;
};

ClassifierTrainer::ClassifierTrainer(const Images& data, const ClassifierOptions& options) : impl_(std::make_unique<Impl>(data, options)) {}
ClassifierTrainer::~ClassifierTrainer() = default;

bool ClassifierTrainer::finished() const { return impl_->state.step == impl_->total(); }
std::uint64_t ClassifierTrainer::total_steps() const { return impl_->total(); }
const ClassifierTraining& ClassifierTrainer::training() const { return impl_->state; }
const ClassifierOptions& ClassifierTrainer::options() const { return impl_->options; }

void ClassifierTrainer::train(const AfterStep& after) {
  while (!finished()) {
    const double value = impl_->step();
    if (after && !after(impl_->state.step, impl_->total(), value)) return;
  }
}

void ClassifierTrainer::resume(ClassifierTraining training) {
  const ClassifierTraining& own = impl_->state;
  const ClassifierMachine &is = own.machine, &was = training.machine;
  if (was.inputs != is.inputs || was.hidden != is.hidden || was.outputs != is.outputs || training.teacher.inputs != own.teacher.inputs ||
      training.teacher.layer != own.teacher.layer || was.bias.size() != is.bias.size() || was.inward.size() != is.inward.size() ||
      was.couplings.size() != is.couplings.size() || training.teacher.parameters.size() != own.teacher.parameters.size())
    refuse_classifier("the training to be taken up is of " + std::to_string(was.inputs) + " inputs and " + std::to_string(was.hidden) + " hidden cells, this one of " +
                      std::to_string(is.inputs) + " and " + std::to_string(is.hidden));
  const ClassifierOptions& o = impl_->options;
  if (training.step > impl_->total()) refuse_classifier("the training to be taken up is at step " + std::to_string(training.step) + " of " + std::to_string(impl_->total()));
  const bool teaching = training.step < o.teacher_steps;
  const bool between = training.step == 0 || training.step == o.teacher_steps || training.step == impl_->total();
  const std::size_t size = between ? 0 : teaching ? own.teacher.size() : is.bias.size() + is.inward.size() + is.couplings.size();
  if (training.momentum.size() != size || training.square.size() != size) refuse_classifier("the training to be taken up lacks the state of its optimizer");
  impl_->state = std::move(training);
}

double teacher_accuracy(const ClassifierTeacher& teacher, const Images& data, unsigned threads) {
  check_images(data, teacher.inputs);
  numerics::ThreadTeam team(threads);
  std::vector<float> pixels(data.size() * teacher.inputs);
  for (std::size_t n = 0; n < data.size(); ++n) shifted_pixels(data, n, 0, 0, pixels.data() + n * teacher.inputs);
  const TeacherUnits units = units_of(teacher, pixels, data.size(), &team);
  double right = 0;
  for (std::size_t n = 0; n < data.size(); ++n) {
    const float* row = units.share.data() + n * kOutputs;
    right += std::max_element(row, row + kOutputs) - row == data.labels[n] ? 1 : 0;
  }
  return right / static_cast<double>(data.size());
}

namespace {

/// The machine as a network, cells in the order outputs, hidden, inputs.
network::Network network_of(const ClassifierMachine& machine) {
  const std::uint32_t moving = machine.moving();
  if (machine.outputs != kOutputs || machine.bias.size() != moving || machine.inward.size() != std::size_t{machine.inputs} * moving || machine.couplings.size() != std::size_t{moving} * moving)
    refuse_classifier("a machine of another shape");
  network::Network network(CellKind::overdamped, machine.cells());
  std::vector<double> bias(machine.cells(), 0.0);
  std::ranges::copy(machine.bias, bias.begin());
  std::vector<network::Edge> edges;
  for (std::uint32_t i = 0; i < moving; ++i)
    for (std::uint32_t j = i + 1; j < moving; ++j) edges.push_back({i, j, double{machine.couplings[i * moving + j]}});
  for (std::uint32_t i = 0; i < moving; ++i)
    for (std::uint32_t p = 0; p < machine.inputs; ++p) edges.push_back({i, moving + p, double{machine.inward[p * moving + i]}});
  network.set(CellSection::j2, machine.j2).set(CellSection::j4, machine.j4).set(CellSection::bias, bias).set_couplings(edges);
  return network;
}

/// Runs images and calls take(shot, states of the moving cells, heat in kT or NaN). Shot: image * runs + run.
struct ImageRun {
  std::uint64_t steps = 0;
  double device_seconds = 0, joules_per_kT = std::numeric_limits<double>::quiet_NaN();
};
template <class Take>
ImageRun run_images(Device& device, const ClassifierMachine& machine, const Images& images, std::span<const std::size_t> which, std::uint32_t runs,
                    std::uint64_t seed, std::uint32_t first_shot, const Progress& progress, const Take& take) {
  const Capabilities& capabilities = device.capabilities();
  require_cell_kind(capabilities, "classifier", CellKind::overdamped);
  if (machine.cells() > capabilities.cells)
    throw Error(HB_UNSUPPORTED, "classifier: " + std::to_string(machine.cells()) + " cells are needed, the device has " + std::to_string(capabilities.cells));
  const network::Network network = network_of(machine);
  // Cells in the fields of trained machines, and the inputs.
  const double reach = std::max(1.05 * machine.pixel_scale, kReach);
  const network::Scaling scaling(network, capabilities, {.kT = machine.kT, .reach = reach, .stiffness = kStiffness});
  scaling.set_step(device);
  const Ticks duration = scaling.ticks(device, machine.duration);
  if (duration.count == 0) refuse_classifier("the duration " + numerics::general(machine.duration) + " is less than the device's step");
  const std::uint32_t moving = machine.moving();
  const std::uint64_t all = std::uint64_t{which.size()} * runs;
  if (first_shot + all > std::uint64_t{1} << 32)
    refuse_classifier(std::to_string(which.size()) + " images by " + std::to_string(runs) + " runs from shot " +
                      std::to_string(first_shot) + " on; a seed has 4294967296 shots");
  const auto total = static_cast<std::uint32_t>(all);
  ImageRun out;
  out.steps = device.step().count > 0 ? duration.count / device.step().count : 0;
  out.device_seconds = static_cast<double>(duration.count) * capabilities.tick_seconds();
  if (capabilities.energy_unit_joules > 0) out.joules_per_kT = scaling.device_kT() * capabilities.energy_unit_joules;
  network::Shots shots(device, {.seed_where_taken = seed, .first_shot = first_shot, .progress = progress});
  const auto program_of = [&](std::uint32_t first, std::uint32_t count) {
    std::vector<double> held(std::size_t{count} * machine.inputs);
    for (std::uint32_t k = 0; k < count; ++k) {
      const auto pixels = images.image(which[(first + k) / runs]);
      for (std::size_t p = 0; p < machine.inputs; ++p) held[k * machine.inputs + p] = pixels[p] * (machine.pixel_scale / 255);
    }
    Program program(capabilities, machine.cells());
    scaling.load_into(program, network);
    program.clamp(0, moving, 0.0f).clamp_per_shot(moving, machine.inputs, scaling.to_device(held), count).commit();
    if (capabilities.meters) program.meter_clear().meter_snapshot();
    program.release(0, moving).evolve(duration);
    if (capabilities.meters) program.meter_snapshot();
    program.sample();
    return program;
  };
  JobOptions job;
  job.capture_cells = moving;
  std::vector<double> states(moving);
  shots.run(total, std::uint64_t{moving} * sizeof(float), program_of, [&](std::uint32_t first, Result&& result) {
    for (std::uint32_t k = 0; k < result.capture.shots(); ++k) {
      const auto state = result.capture.state(k, 0);
      for (std::uint32_t i = 0; i < moving; ++i) states[i] = scaling.state(double{state[i]});
      const double heat = result.meters.size() >= 2 ? (result.meters[1][k].heat - result.meters[0][k].heat) / scaling.device_kT()
                                                    : std::numeric_limits<double>::quiet_NaN();
      take(first + k, std::span<const double>(states), heat);
    }
  }, job);
  return out;
}

measure::Estimate share_of(double right, double of) {
  // Of a share near 1 the binomial error would be 0: half a count more on either side.
  const double careful = (right + 0.5) / (of + 1);
  return {right / of, std::sqrt(careful * (1 - careful) / of), of};
}

}  // namespace

Inference infer(Device& device, const ClassifierMachine& machine, const Images& images, const InferenceOptions& options) {
  check_images(images, machine.inputs);
  if (options.runs < 1) refuse_classifier("runs is 0, at least 1 is needed");
  std::vector<std::size_t> which(images.size());
  for (std::size_t n = 0; n < which.size(); ++n) which[n] = n;
  Inference out;
  out.runs = options.runs;
  out.outputs.assign(images.size() * machine.outputs, 0.0f);
  std::vector<double> single(images.size(), 0.0), heat(images.size(), 0.0);
  const ImageRun run = run_images(device, machine, images, which, options.runs, options.seed, options.first_shot, options.progress,
                                  [&](std::uint32_t shot, std::span<const double> states, double heat_kT) {
    const std::size_t n = shot / options.runs;
    for (std::uint32_t i = 0; i < machine.outputs; ++i) out.outputs[n * machine.outputs + i] += static_cast<float>(states[i] / options.runs);
    const auto best = std::max_element(states.begin(), states.begin() + machine.outputs) - states.begin();
    single[n] += best == images.labels[n] ? 1.0 / options.runs : 0.0;
    heat[n] += heat_kT / options.runs;
  });
  double right = 0, of_two = 0;
  for (std::size_t n = 0; n < images.size(); ++n) {
    const float* row = out.outputs.data() + n * machine.outputs;
    const auto best = static_cast<std::uint8_t>(std::max_element(row, row + machine.outputs) - row);
    out.classes.push_back(best);
    right += best == images.labels[n] ? 1 : 0;
    std::uint32_t larger = 0;
    for (std::uint32_t i = 0; i < machine.outputs; ++i) larger += row[i] > row[images.labels[n]] ? 1 : 0;
    of_two += larger < 2 ? 1 : 0;
  }
  const auto count = static_cast<double>(images.size());
  out.accuracy = share_of(right, count);
  out.top_two = share_of(of_two, count);
  const auto mean_of = [](const std::vector<double>& values) {
    return values.size() > 1 ? measure::mean_of_independent(values) : measure::Estimate{values[0], std::numeric_limits<double>::quiet_NaN(), 1};
  };
  out.single = mean_of(single);
  out.heat_kT = mean_of(heat);
  out.heat_joules = out.heat_kT.value * run.joules_per_kT;
  out.device_seconds = run.device_seconds;
  out.steps = run.steps;
  return out;
}

void fine_tune(Device& device, ClassifierMachine& machine, const ClassifierTeacher& teacher, const Images& data,
               const FineTuneOptions& options, FineTuning& state, std::uint32_t first_shot, const std::function<bool()>& after) {
  check_images(data, machine.inputs);
  if (options.updates < 1 || options.batch < 1 || !(options.rate > 0) || !(options.drive > 0)) refuse_classifier("updates, batch, rate and drive must be above 0");
  if (teacher.inputs != machine.inputs || 2 * teacher.layer != machine.hidden || machine.outputs != kOutputs)
    refuse_classifier("a teacher of another shape");
  if (first_shot + std::uint64_t{options.updates} * options.batch > std::uint64_t{1} << 32)
    refuse_classifier("the updates take more shots than a seed has, 4294967296");
  const std::size_t moving = machine.moving(), inputs = machine.inputs, rows = options.batch, pairs = moving * (moving - 1) / 2;
  const std::size_t w = moving, j = w + inputs * moving, size = j + pairs;
  if (state.momentum.empty()) {
    state.momentum.assign(size, 0.0f);
    state.square.assign(size, 0.0f);
  }
  if (state.momentum.size() != size || state.square.size() != size) refuse_classifier("the fine-tuning to be taken up is of another machine");
  std::vector<float> parameters(size), gradient(size), pixels(rows * inputs), difference(rows * moving), states(rows * moving);
  std::vector<std::size_t> which(rows);
  while (state.updates < options.updates) {
    for (std::size_t r = 0; r < rows; ++r) {
      const auto words = numerics::random_words(options.seed, numerics::HostPurpose::classifier, state.updates, static_cast<std::uint32_t>(r), kBatchOfTuning);
      which[r] = static_cast<std::size_t>((std::uint64_t{words[0]} * data.size()) >> 32);
      shifted_pixels(data, which[r], 0, 0, pixels.data() + r * inputs);
    }
    const std::vector<float> targets = targets_of(teacher, units_of(teacher, pixels, rows, nullptr), rows);
    double missed = 0;
    run_images(device, machine, data, which, 1, options.seed, first_shot + state.updates * options.batch, {},
               [&](std::uint32_t shot, std::span<const double> at, double) {
      for (std::size_t i = 0; i < moving; ++i) {
        const float end = guide_of(static_cast<float>(options.drive) * targets[shot * moving + i], static_cast<float>(machine.j2),
                                   static_cast<float>(machine.j4), machine.duration, nullptr, 0);
        const auto x = static_cast<float>(at[i]);
        states[shot * moving + i] = x;
        // A larger parameter pulls down: V's sign.
        difference[shot * moving + i] = (end - x) / static_cast<float>(rows);
        missed += double{end - x} * double{end - x};
      }
    });
    for (float& value : pixels) value *= static_cast<float>(machine.pixel_scale);
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t i = 0; i < moving; ++i) gradient[i] += difference[r * moving + i];
    numerics::matrix_product(inputs, moving, rows, MatrixView{pixels.data(), span_of(inputs)}.transposed(), {difference.data(), span_of(moving)},
                             gradient.data() + w, moving);
    std::vector<float> outer(moving * moving);
    numerics::matrix_product(moving, moving, rows, MatrixView{states.data(), span_of(moving)}.transposed(), {difference.data(), span_of(moving)},
                             outer.data(), moving);
    std::copy(machine.bias.begin(), machine.bias.end(), parameters.begin());
    std::copy(machine.inward.begin(), machine.inward.end(), parameters.begin() + span_of(w));
    std::size_t at = j;
    for (std::size_t a = 0; a < moving; ++a)
      for (std::size_t b = a + 1; b < moving; ++b, ++at) {
        gradient[at] = outer[a * moving + b] + outer[b * moving + a];
        parameters[at] = machine.couplings[a * moving + b];
      }
    move_by_adam(parameters, gradient, state.momentum, state.square, options.rate * fallen(state.updates, options.updates), state.updates);
    std::copy_n(parameters.begin(), moving, machine.bias.begin());
    std::copy_n(parameters.begin() + span_of(w), inputs * moving, machine.inward.begin());
    at = j;
    for (std::size_t a = 0; a < moving; ++a)
      for (std::size_t b = a + 1; b < moving; ++b, ++at) machine.couplings[a * moving + b] = machine.couplings[b * moving + a] = parameters[at];
    state.misses.push_back(std::sqrt(missed / static_cast<double>(rows * moving)));
    ++state.updates;
    if (after && !after()) return;
  }
}

}  // namespace heatbath::trainers
