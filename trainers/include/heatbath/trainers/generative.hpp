#pragma once
// Generative thermodynamic computing: couplings trained so that the chip turns thermal noise into images.
// Whitelam, arXiv:2506.15121 [G]; online rule: Wang & Deng, arXiv:2609.15439 [O].

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/trainers/images.hpp"

namespace heatbath::trainers {

/// How images are scaled: all to one norm, or pixels to one variance (generative.md 2.4).
enum class Scaling { common_norm, unit_variance };
/// What drives hidden cells while noising (2.2).
enum class Drive { pixel, projection };
/// Batch rule of [G]; online rule of [O]; the exact optimum from the means and variances of uncoupled cells.
enum class Optimizer { gradient, online, least_squares };

/// Shot numbers, in which a seeded device addresses its noise. Update u of a training run is shot u; held-out
/// trajectories, generation and the drawings that balance the classes have ranges of their own, so that jobs of one
/// seed share no noise.
constexpr std::uint32_t kTrainingFirstShot = 0;
constexpr std::uint32_t kHeldOutFirstShot = 0x40000000;
constexpr std::uint32_t kGenerationFirstShot = 0x80000000;
constexpr std::uint32_t kBalanceFirstShot = 0xC0000000;
constexpr std::uint32_t kShotsPerRange = 0x40000000;

/// Settings of a training.
struct GenerativeOptions {
  std::uint32_t hidden = 512;  ///< cells
  std::uint32_t updates = 100;  ///< trajectories: one update each, or all of one solution
  Scaling scaling = Scaling::common_norm;  ///< of images
  Drive drive = Drive::pixel;  ///< while noising
  Optimizer optimizer = Optimizer::gradient;  ///< of the parameters
  std::vector<std::uint8_t> digits{0, 1, 2};  ///< classes to learn
  std::uint32_t images_per_class = 1;  ///< learned, the first of each class in file order
  /// Equal stretches of time with couplings and biases (of visible cells, too, when there are several) of their own.
  /// More than one needs Optimizer::least_squares.
  std::uint32_t segments = 1;
  double ramp_end = 0.75;  ///< part of tf in which the drive falls to 0 while noising, above 0 and below 1 [G]
  bool labels = false;     ///< one clamped cell per class, coupled to all others; needs Optimizer::least_squares
  /// Rounds of drawing and fitting again after the fit, with image weights that make rare classes less rare; needs
  /// Optimizer::least_squares and no labels.
  std::uint32_t balance_rounds = 0;
  std::uint32_t balance_shots = 100;  ///< drawings of a round
  std::uint64_t seed = 1;
  Ticks capture_period{0};  ///< 0: the shortest the device has
  unsigned threads = 0;     ///< host work; 0: one per processor
  double tf = 2.5;          ///< duration of each stage in time units
  /// on the gradient summed over a trajectory (a time integral: no capture period in it) [G]
  double learning_rate = 4e-4;
  float j2 = 1, j4 = 1, kT = 0.1f;
  /// Trajectories simulated in one job at most. Changes speed and memory only: on a seeded device never a bit.
  std::uint32_t block = 32;
};

/// The images a model was trained on, as scaled, and their classes.
struct Prototypes {
  std::vector<std::uint8_t> digits;  ///< class of each
  std::vector<float> images;         ///< digits.size() x visible, scaled as the drive uses them
};

/// A trained machine: all that generation needs.
struct GenerativeModel {
  std::uint32_t visible = 784, hidden = 512;  ///< cells
  std::uint32_t labels = 0;    ///< cells behind the hidden ones, one per class of classes(), clamped to 0 or 1
  std::uint32_t segments = 1;  ///< equal parts of tf, in the order of drawing
  std::vector<float> couplings;  ///< segments x N x N, symmetric, zero diagonal, zero visible-visible and label blocks
  std::vector<float> bias;       ///< segments x N, zero for labels, and for visible cells of a model of one segment
  float j2 = 1, j4 = 1, kT = 0.1f;
  double tf = 2.5;
  Scaling scaling = Scaling::common_norm;
  Drive drive = Drive::pixel;
  Optimizer optimizer = Optimizer::gradient;
  double ramp_end = 0.75;     ///< part of tf in which the drive fell to 0
  std::uint32_t updates = 0;  ///< made so far; least squares: trajectories learned from
  std::uint64_t seed = 1;
  Prototypes prototypes;
  std::string data_source;
  std::string device;  ///< what trained it: URI and part
  double capture_period = 0;  ///< of its trajectories, time units; 0: not known

  std::uint32_t cells() const { return visible + hidden + labels; }  ///< visible, hidden and label cells
  /// Cells that move: visible and hidden.
  std::uint32_t moving() const { return visible + hidden; }
  /// Of a part of the drawing: couplings, cells() x cells(); biases, cells().
  std::span<const float> couplings_of(std::uint32_t segment) const {
    return std::span(couplings).subspan(std::size_t{segment} * cells() * cells(), std::size_t{cells()} * cells());
  }
  std::span<const float> bias_of(std::uint32_t segment) const {
    return std::span(bias).subspan(std::size_t{segment} * cells(), cells());
  }
  /// Classes of the prototypes, each once, in order of appearance: label cell l stands for classes()[l].
  std::vector<std::uint8_t> classes() const;
};

/// Wall-clock split of a run, for reports only.
struct Seconds {
  double build_programs = 0, simulate = 0, gradient = 0, generate = 0, total = 0;  ///< in seconds
};

/// Image scaling of generative.md 2.4: (pixel/255 - 0.13066)/0.30811, then per image the norm 44.48, or mean 0 and
/// variance 1. images: indices into `data`. Returns images.size() x visible values. Throws Error(BAD_ARG) for an index
/// beyond the data or an image of one grey.
std::vector<float> scale_images(const Images& data, std::span<const std::size_t> images, Scaling scaling);

/// Drive h of all cells for one scaled image (visible values): h_visible = 2 s; hidden by `drive` (2.2): the drive of
/// pixel a mod visible, or 2 P^T s with a random projection P that is a pure function of the seed.
std::vector<float> drive_field(std::span<const float> image, std::uint32_t hidden, Drive drive, std::uint64_t seed);

/// Reverse action of a trajectory (generative.md 1.1).
struct ReverseAction {
  double per_step = 0;  ///< mean action per step
  double floor = 0;     ///< sum dx^2 / (4 mu kT D) per step: what no parameter can change
};

/// What least squares has gathered of trajectories: sums, which go on to the same bits. Empty (no trajectories) for
/// other optimizers.
struct GatheredSums {
  std::vector<std::uint64_t> trajectories;          ///< of each image
  std::vector<double> states, forces, squares, ends;  ///< as NoisingStatistics orders them
  double end_square = 0;
};

/// Mean of at least one.
ReverseAction mean_action(std::span<const ReverseAction> each);

/// Reverse action of a trajectory and its gradient, with the capture period in place of dt.
/// For models of one segment without labels. trajectory: (steps + 1) x cells, row-major, at least one step; period:
/// capture period D in time units. gradient_couplings: cells x cells, symmetric, zero diagonal and zero visible-visible
/// block; gradient_bias: cells, zero for visible cells; summed over the steps; either may be empty when not wanted.
/// Matrix products on `threads` threads (0: one per processor); the same bits for any number. Throws Error(BAD_ARG)
/// when a size is wrong.
ReverseAction reverse_action(const GenerativeModel& model, std::span<const float> trajectory, double period,
                             double mobility, std::span<float> gradient_couplings, std::span<float> gradient_bias,
                             unsigned threads = 0);

/// Trains a machine on a device, one noising trajectory per update (generative.md 2.2): cells are clamped to 0,
/// released, driven by their image for tf, then recorded every capture period D while the drive fades to 0 in ramp_end
/// tf and for the rest of tf; where D does not divide tf the last record is at its last multiple. Couplings are off
/// meanwhile, so the trajectories of several updates are simulated in one job.
///
/// Least squares: the reverse action is quadratic in the parameters, and without couplings the cells are independent
/// given the image, so means of x and of c = -dx/(mu D) + 2 J2 x + 4 J4 x^3 per image, and the variances of x, are all
/// the statistics: `updates` trajectories are averaged (at least two of each image), then P(JC + CJ) = -P(B + B^T),
/// with the biases, is solved by preconditioned conjugate gradients, segment by segment. Balance: a fit of means and
/// variances says nothing of how often each class is drawn, so each round draws on the device, raises the weights in
/// the averages of images of classes that are rare, in steps that shrink where they went too far, and solves again. The
/// weights of the round with the most even classes remain.
///
/// Needs CAPS.KT_PROGRAMMABLE, or kT as the device has it. A device whose increments are not Markov is refused unless
/// the capture period is at least ten of its steps: its path action at one step has no meaning.
class GenerativeTrainer {
 public:
  /// Called after each update: updates made, their total, the update's action. False stops training after it.
  using AfterUpdate = std::function<bool(std::uint32_t done, std::uint32_t total, const ReverseAction& action)>;

  /// `device` must outlive the trainer; `data` need not. Throws Error(BAD_ARG or UNSUPPORTED) that names the option or
  /// the capability when the device or the data cannot serve the options, before it does anything.
  GenerativeTrainer(Device& device, const Images& data, const GenerativeOptions& options);
  ~GenerativeTrainer();

  /// Makes the updates that are left of options.updates (fewer when `after` says stop; a further call goes on). The
  /// model is complete after every update. Throws what Device::run throws; the model is that of the last update then.
  void train(const AfterUpdate& after = {});

  /// Called during the jobs of train, held_out and in_sample with the fraction of the job; false ends the call with
  /// Error(ABORTED), and the model is that of the last update.
  void set_progress(Progress progress);

  /// Takes up a training that stopped: model and actions as they were, of the same options. The next update is
  /// model.updates, with the noise it would have had. Least squares goes on from `sums` with the actions that belong to
  /// them; without, it starts again and ends with the same result. Throws Error(BAD_ARG) that names each setting that
  /// differs, what it was and what it is.
  void resume(const GenerativeModel& model, const std::vector<ReverseAction>& actions, GatheredSums sums = {});

  /// Of least squares, while and after it trains; a training that ended by itself needs none.
  GatheredSums sums() const;

  /// As it is now; complete after every update.
  const GenerativeModel& model() const;
  /// Action of each update so far, on its trajectory before the update; with the online rule, each step with the
  /// parameters it finds; with least squares, at zero parameters.
  const std::vector<ReverseAction>& actions() const;
  /// Mean action per step of the present model on `trajectories` (at least 1) noising trajectories that are not used in
  /// training, images in turn. A seeded device gives the same trajectories at every call.
  ReverseAction held_out(std::uint32_t trajectories);
  /// The same, one value per trajectory: paired where two models are judged with one seed.
  std::vector<ReverseAction> held_out_each(std::uint32_t trajectories);
  /// Least squares: what the noise at the end of noising still tells of the image, sum over cells of m²/2v in nats
  /// (about 20 for the ramp of [G]); NaN before the fit and for other optimizers.
  double noise_memory() const;
  /// Share of each image in the fit, of sum 1: equal without balance_rounds.
  const std::vector<double>& image_weights() const;
  /// Mean action per step of the present model on the first trajectories of the training: in-sample.
  ReverseAction in_sample(std::uint32_t trajectories);
  /// Time spent so far; `generate` is the caller's to fill.
  const Seconds& seconds() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// How many drawings, and of what.
struct GenerateOptions {
  std::uint32_t shots = 200;  ///< drawings
  /// Class asked for, with label cells: shot k is asked for asked[k mod size]; empty: all classes in turn.
  std::vector<std::uint8_t> asked = {};
  std::uint64_t seed = 1;
  std::uint32_t first_shot = kGenerationFirstShot;  ///< of the noise of a seeded device
  std::uint32_t trajectory_shots = 3;  ///< shots whose states at trajectory_times are kept
  std::uint32_t trajectory_times = 8;  ///< equally spaced from the noise state to tf; at least 2
  unsigned threads = 0;                ///< host work; 0: one per processor
  Progress progress = {};  ///< false cancels: generate throws Error(ABORTED)
};

/// What a model draws.
struct Samples {
  std::uint32_t shots = 0, visible = 0;  ///< sizes of what follows
  float kT = 0;                       ///< temperature of the run, energy units
  std::vector<float> images;          ///< shots x visible: visible cells at tf
  std::vector<double> heat;           ///< Q per shot, energy units; with one segment Q = v0 - vf
  std::vector<double> v0, vf;         ///< V_theta after the noise stage and at tf
  std::string heat_source;            ///< "meter", or "states": V of the model's parameters at captured states
  std::vector<std::uint8_t> asked;    ///< class asked of each shot; empty without label cells
  std::vector<float> trajectories;    ///< trajectory_shots x trajectory_times x visible
  std::vector<double> trajectory_time_units;
  std::vector<float> applied_bias;       ///< cells, as applied in the first segment; empty where it cannot be read back
  std::vector<float> applied_couplings;  ///< cells x cells, likewise
  std::uint64_t clips = 0, rails = 0;    ///< parameter values clipped (once per program); cell-steps held at a rail
  double seconds = 0;
};

/// Runs the generation program of generative.md 2.3: cells clamped to 0 and released, uncoupled noise for tf, then the
/// learned couplings and biases for tf, segment by segment; label cells are clamped all the time. Shot k of a seeded
/// device is noise shot first_shot + k, whatever the number of shots. Throws Error(BAD_ARG or UNSUPPORTED) that names
/// what is wrong before it does anything, and what Device::run throws.
Samples generate(Device& device, const GenerativeModel& model, const GenerateOptions& options);

/// Samples against the prototypes: class = prototype with the largest |Pearson correlation|, inverted when it is
/// negative. Throws Error(BAD_ARG) when the sizes differ.
struct Classification {
  std::vector<int> prototype;         ///< per shot: index into Prototypes
  std::vector<float> correlation;     ///< per shot: signed correlation with that prototype
  std::vector<double> fractions;      ///< per prototype
  double inverted_fraction = 0;
  double mean_abs_correlation = 0;
  double asked_fraction = 0;          ///< samples of the class they were asked for; NaN when none was
};
/// Nearest prototypes of samples; see Classification.
Classification classify(const Samples& samples, const Prototypes& prototypes);

}  // namespace heatbath::trainers
