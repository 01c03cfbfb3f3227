#pragma once
// A score network made of cells: slow visible cells, fast hidden ones between them, parameters of its own in each
// segment of the noise. Denoising score matching with tied weights: Vincent, Neural Computation 23, 1661 (2011); reverse
// diffusion: Anderson 1982, Song et al., ICLR 2021.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "heatbath/job.hpp"
#include "heatbath/trainers/images.hpp"

namespace heatbath::trainers {

/// The law of one hidden cell under a field u, p(h) proportional to exp(-A h^2 - B h^4 + u h), and its mean m(u) as a
/// table of float32: cubic pieces through m and m' at equal distances, so that slope() is the derivative of mean();
/// rounding of the points leaves an error of up to 2e-5 in it. Beyond the table's ends (|u| = 256) both go on as a
/// straight line.
class CellLaw {
 public:
  /// Error(BAD_ARG) unless B is positive and both are finite.
  CellLaw(double A, double B);

  /// As given.
  double A() const { return A_; }
  double B() const { return B_; }
  /// m(u), and m'(u), which is the variance of h.
  float mean(float u) const;
  float slope(float u) const;
  /// Both of many: means[k] = m(fields[k]), slopes[k] = m'(fields[k]).
  void of(std::span<const float> fields, std::span<float> means, std::span<float> slopes) const;

 private:
  double A_, B_;
  std::vector<float> table_;  // m and distance * m' at each point
};

/// Parameters of one segment, in units of kT: the force on visible cells is
///   F(x) = a o x + c + L^T y + W^T m(u),   u = W x + b + U^T y,
/// y being the state of the label cells. One list, for one optimizer: W (hidden x visible, row-major), a, c, L (labels x
/// visible), b, U (labels x hidden).
class ScoreLayout {
 public:
  /// Sizes of a network.
  ScoreLayout(std::uint32_t visible, std::uint32_t hidden, std::uint32_t labels)
      : visible_(visible), hidden_(hidden), labels_(labels) {}
  /// As given; then parameters in all, and where each block begins (W begins at 0).
  std::uint32_t visible() const { return visible_; }
  std::uint32_t hidden() const { return hidden_; }
  std::uint32_t labels() const { return labels_; }
  std::size_t size() const { return std::size_t{hidden_} * visible_ + (2 + std::size_t{labels_}) * visible_ + (1 + std::size_t{labels_}) * hidden_; }
  std::size_t a() const { return std::size_t{hidden_} * visible_; }
  std::size_t c() const { return a() + visible_; }
  std::size_t L() const { return c() + visible_; }
  std::size_t b() const { return L() + std::size_t{labels_} * visible_; }
  std::size_t U() const { return b() + hidden_; }

 private:
  std::uint32_t visible_, hidden_, labels_;
};

/// A stretch of the noise's clock: x_tau = e^-tau x_0 + sqrt(1 - e^-2tau) n, from tau_first down to tau_last.
struct ScoreSegment {
  double tau_first = 0, tau_last = 0;  ///< of the clock
  std::vector<float> parameters;  ///< as ScoreLayout says
};

/// A trained machine: all that drawing needs. Pixels are brought to [-1, 1].
struct ScoreNetwork {
  std::uint32_t rows = 28, columns = 28, hidden = 512;  ///< of an image; hidden cells
  std::uint32_t labels = 10;  ///< label cells: class l is cell l at 1, the others at 0; all at 0: any class
  double A = 0.5, B = 1;      ///< of the hidden cells
  std::vector<ScoreSegment> segments;  ///< in the order of drawing

  std::uint32_t visible() const { return rows * columns; }  ///< pixels
  std::uint32_t cells() const { return visible() + hidden + labels; }  ///< visible, hidden and label cells
  ScoreLayout layout() const { return {visible(), hidden, labels}; }  ///< of a segment's parameters
};

/// Settings of a training.
struct ScoreOptions {
  std::uint32_t hidden = 512;  ///< cells
  std::uint32_t segments = 16;     ///< 1 to 64; their ends are equally spaced in log tau
  std::uint32_t steps = 1000;      ///< of the optimizer, in each segment; three fifths of it when a coarse one is learned again
  std::uint32_t first_steps = 0;   ///< in the first one, which starts from nothing; 0: twice as many
  std::uint32_t batch = 256;
  double learning_rate = 3e-3;     ///< of Adam; falls to a hundredth of it in each segment, by half a cosine
  /// Segments with more noise than this in their middle (a variance) are learned again from nothing when all are learned,
  /// at coarse_rate and in centred coordinates: how classes part is found fast there, and strokes would be learned by heart
  /// at that rate. 1: none.
  double coarse_noise = 0.4;
  double coarse_rate = 2e-2;       ///< falls likewise; of W, that of the others is five times as large
  double tau_first = 3, tau_last = 0.01;
  double A = 0.5, B = 1;
  bool labels = true;
  double unlabelled = 0.1;         ///< share of the batch that is learned with all label cells at 0
  std::uint64_t seed = 1;
  unsigned threads = 0;            ///< 0: one per processor
};

/// Where a training stands, beside the network: all that going on to the same bits needs.
struct ScoreCheckpoint {
  std::uint32_t segment = 0, step = 0;      ///< the next one to be made; coarse segments are counted again behind the last
  std::vector<float> momentum, square;      ///< Adam's, of the parameters of the present segment; empty between segments
  std::vector<double> losses;               ///< means over 50 steps, of all segments one after the other
  double loss_sum = 0;                      ///< of the steps since the last mean
};

/// Denoising score matching, segment by segment from the noisiest on; each starts from the one before, and the coarse ones are
/// learned twice (ScoreOptions::coarse_noise). The loss of an
/// image x_0, its label and a tau of the segment (log-uniform) is |sigma/2 (F(x_tau) - x_tau) + n|^2 with sigma^2 = 1 -
/// e^-2tau. Touches no device. Images, taus and noise are pure functions of seed, segment and step, so a training that
/// is taken up ends with the bits of one that was never stopped, with any number of threads.
class ScoreTrainer {
 public:
  /// After each step: steps made, of how many, and the mean loss per visible cell of it. False stops.
  using AfterStep = std::function<bool(std::uint64_t done, std::uint64_t total, double loss)>;

  /// `data`: what is learned, kept by reference. Error(BAD_ARG) that names the option or what is wrong with the data.
  ScoreTrainer(const Images& data, const ScoreOptions& options);
  ~ScoreTrainer();

  /// Makes the steps that are left, or fewer when `after` says stop.
  void train(const AfterStep& after = {});
  bool finished() const;
  std::uint64_t total_steps() const;
  std::uint32_t segment() const;  ///< that is learned next; those of the network when all is done

  /// Takes up a training of the same options (but for threads), which `options` were its own. Error(BAD_ARG) that names
  /// what differs, was and is.
  void resume(const ScoreNetwork& network, const ScoreOptions& options, ScoreCheckpoint checkpoint);

  /// As it is now: the network; the settings; what a resumed training needs.
  const ScoreNetwork& network() const;
  const ScoreOptions& options() const;
  const ScoreCheckpoint& checkpoint() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Pixels of one image in [-1, 1].
std::vector<float> score_pixels(const Images& data, std::size_t image);

}  // namespace heatbath::trainers
