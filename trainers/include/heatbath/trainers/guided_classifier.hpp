#pragma once
// A classifier of noisy quartic cells that learned, by gradient descent, to move as guide paths do (Whitelam, Training
// thermodynamic computers by gradient descent, arXiv:2509.15324, PNAS 2026).

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/trainers/images.hpp"

namespace heatbath::trainers {

/// Output and hidden cells that start at 0 beside input cells that are held at the pixels; the class is that of the
/// largest output after `duration`, whether or not anything has come to rest. In the sign of
///   V = sum (J2 x^2 + J4 x^4 + b x) + sum_pi W_pi s_p x_i + sum_{i<j} J_ij x_i x_j.
struct ClassifierMachine {
  std::uint32_t inputs = 784, outputs = 10, hidden = 64;
  double j2 = 1, j4 = 1, kT = 1;
  double duration = 0.2;            ///< time units
  double pixel_scale = 2.4;         ///< state of an input cell that is held at full ink; 0 without ink
  std::vector<float> bias;          ///< outputs, hidden
  std::vector<float> inward;        ///< W, inputs x (outputs + hidden)
  std::vector<float> couplings;     ///< J, (outputs + hidden)^2, symmetric, zero diagonal

  /// Cells that move; all cells.
  std::uint32_t moving() const { return outputs + hidden; }
  std::uint32_t cells() const { return moving() + inputs; }
};

/// Sizes and rates of a training.
struct ClassifierOptions {
  std::uint32_t layer = 32;         ///< units of each of the teacher's two hidden layers; twice as many hidden cells
  std::uint32_t teacher_steps = 2400;
  std::uint32_t steps = 1600;       ///< of the machine
  std::uint32_t batch = 100;
  double teacher_rate = 3e-3;       ///< of Adam; falls to 0 by half a cosine
  double rate = 1e-2;               ///< likewise
  double drive = 100;               ///< force of the guide on a cell whose unit of the teacher is at 1
  std::uint64_t seed = 1;
  unsigned threads = 0;             ///< 0: one per processor
};

/// The digital network whose units the cells imitate: inputs-layer-layer-10, tanh, softmax. One list, layer by layer,
/// weights (to x from, row-major), then biases.
struct ClassifierTeacher {
  std::uint32_t inputs = 784, layer = 32;
  std::vector<float> parameters;

  /// Of the list.
  std::size_t size() const {
    return std::size_t{layer} * (inputs + 1) + std::size_t{layer} * (layer + 1) + std::size_t{10} * (layer + 1);
  }
};

/// Where a training stands: all that going on to the same bits needs.
struct ClassifierTraining {
  ClassifierTeacher teacher;
  ClassifierMachine machine;
  std::uint32_t step = 0;               ///< the next one; the teacher's come first
  std::vector<float> momentum, square;  ///< Adam's, of teacher or machine; empty between the two and at the end
  std::vector<double> losses;           ///< means over 50 steps: of the teacher's cross entropy, then of the share of the drive missed
  double loss_sum = 0;
};

/// Learns. The guide of an image is the path of uncoupled cells at kT = 0 from 0 under the force drive A_i, A_i being the
/// teacher's tanh (hidden cells) or twice its softmax less 1 (outputs). What the machine minimises is the forward action
/// of these paths with the pixels held: the mean of |drive A_i + b_i + sum_p W_pi s_p + sum_j J_ij x_j(t)|^2, which is
/// quadratic in the parameters; no path of the machine is computed. Touches no device. All draws are functions of seed
/// and step, so that a training that is taken up ends with the same bits, for any number of threads.
class ClassifierTrainer {
 public:
  /// After each step: steps made, of how many, its loss. False stops.
  using AfterStep = std::function<bool(std::uint64_t done, std::uint64_t total, double loss)>;

  /// `data` is kept by reference. Error(BAD_ARG) that names the option or what is wrong with the data.
  ClassifierTrainer(const Images& data, const ClassifierOptions& options);
  ~ClassifierTrainer();

  /// Makes the steps that are left, unless `after` stops it; whether none is left; steps in all; where it stands; as given.
  void train(const AfterStep& after = {});
  bool finished() const;
  std::uint64_t total_steps() const;
  const ClassifierTraining& training() const;
  const ClassifierOptions& options() const;
  /// Takes up a training of the same options (but for threads). Error(BAD_ARG) where it has other sizes.
  void resume(ClassifierTraining training);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Share of the images that the teacher reads as labelled.
double teacher_accuracy(const ClassifierTeacher& teacher, const Images& data, unsigned threads);

/// How images are classified.
struct InferenceOptions {
  std::uint32_t runs = 10;          ///< of each image, at least 1; their mean outputs decide
  std::uint64_t seed = 1;           ///< where the device takes one
  std::uint32_t first_shot = 0;
  Progress progress = {};           ///< false: Error(ABORTED)
};

/// What the device made of images.
struct Inference {
  std::uint32_t runs = 0;
  std::vector<float> outputs;           ///< images x outputs: means over the runs, states of the machine
  std::vector<std::uint8_t> classes;    ///< of the largest
  measure::Estimate accuracy, top_two;  ///< by the means over the runs
  measure::Estimate single;             ///< of one run; its error is over images
  measure::Estimate heat_kT;            ///< of one run, from the meters; NaN where the device has none
  double heat_joules = 0;               ///< the same by CAPS energy units; NaN where not known
  double device_seconds = 0;            ///< of one run
  std::uint64_t steps = 0;              ///< of the array in one run; 0 where the device hides its step
};

/// Runs the machine on a device of overdamped cells. Image n, run r is shot first_shot + n * runs + r. Error(BAD_ARG or
/// UNSUPPORTED) before anything runs.
Inference infer(Device& device, const ClassifierMachine& machine, const Images& images, const InferenceOptions& options = {});

/// Fine-tuning on a chip that is not what its parameters say: images run on it, and where cells end elsewhere than the
/// guides do, biases and couplings are moved by the product of that difference with the states beside it (the delta
/// rule, Widrow & Hoff 1960), by Adam, on master values in float32 that are rounded when they are loaded.
struct FineTuneOptions {
  std::uint32_t updates = 100;
  std::uint32_t batch = 200;        ///< images of an update
  double rate = 3e-3;               ///< falls to 0 by half a cosine
  double drive = 100;               ///< of the guides
  std::uint64_t seed = 1;
};
struct FineTuning {
  std::uint32_t updates = 0;            ///< made
  std::vector<float> momentum, square;  ///< biases, W, J (each pair once, the upper triangle)
  std::vector<double> misses;           ///< of each update: root mean square of the differences at the end
};
/// The first shot of fine-tuning; those before it are for reading.
inline constexpr std::uint32_t first_tuning_shot = 0x80000000u;
/// Makes the updates that are left; update u has shots of its own from first_shot on. `after` false stops.
void fine_tune(Device& device, ClassifierMachine& machine, const ClassifierTeacher& teacher, const Images& data,
               const FineTuneOptions& options, FineTuning& state, std::uint32_t first_shot, const std::function<bool()>& after = {});

}  // namespace heatbath::trainers
