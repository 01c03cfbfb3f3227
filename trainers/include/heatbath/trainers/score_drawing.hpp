#pragma once
// Drawing with a score network on a device: slow visible cells, fast noisy hidden ones, segment by segment.

#include <cstdint>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/trainers/score_network.hpp"

namespace heatbath::trainers {

/// How the noise that the last segment leaves on the pictures is removed.
enum class LastNoise {
  none,     ///< not at all
  cold,     ///< visible cells go on in the last segment's force at the lowest temperature, hidden ones stay warm
  averaged  ///< mean of captures while all cells go on in the last segment's force
};

/// How many drawings, of what, and how strongly they are asked for.
struct ScoreDrawOptions {
  std::uint32_t shots = 1000;  ///< drawings
  /// What the label cell of the class asked for is clamped to, where it learned with 1: one value for each of as many
  /// equal parts of the segments, from the noisiest on.
  std::vector<double> guidance = {1.5};
  /// Of each class: what of the guidance lies above 1 is multiplied by it. Empty: 1.
  std::vector<double> class_guidance = {};
  std::vector<std::uint8_t> asked = {};  ///< classes, in turn; empty: all
  bool unlabelled = false;               ///< all label cells at 0: any class
  std::uint32_t steps = 60;              ///< steps of the device in each segment, at least
  /// An Euler step of hidden cells in their own time (mobility times kT at amplitude 1): 12 B h^2 times it must stay
  /// below 2.
  double hidden_step = 0.012;
  /// Hidden cells are at least this many times as fast as visible ones, in more steps where `steps` are too few for that:
  /// slower ones hold visible cells back, and drawings keep too near to their mean.
  double speed_ratio = 6;
  std::uint32_t finish_steps = 20;  ///< of the removal of the last noise, at least; averages take 19 times as many
  /// How far the last noise is removed: 1 is the time sigma^2/2 in which the force, taken as constant, moves a picture to
  /// the mean of those that it may come from (Tweedie's formula). Longer goes on to the nearest maximum of the law, and
  /// drawings lose variety.
  double finish = 1;
  bool remove_last_noise = true;    ///< cold where the device has CAPS.KT_PER_CELL in float32, else averaged
  std::uint64_t seed = 1;
  std::uint32_t first_shot = 0;
  std::uint32_t path_shots = 3;  ///< shots whose states at the end of each segment are kept
  Progress progress = {};        ///< false cancels: Error(ABORTED)
};

/// What the device runs for one segment. V/kT of the device's states v = x and k = kappa h is that of the network.
struct ScoreStretch {
  double kT = 0;          ///< device energy units: the clock, dtau = mobility kT dt
  double kappa = 0;       ///< amplitude of hidden cells: they are 1/kappa^2 times faster than visible ones
  std::uint64_t steps = 0;
};

/// The plan of a drawing on this device: `steps` steps in each segment, or more at a lower kT where the ranges of kT, J2,
/// J4, biases or couplings need that. Where hidden cells would not be speed_ratio times as fast as visible ones, kT falls
/// until they are. Error(UNSUPPORTED) that names the range or capability that does not do at any kT.
std::vector<ScoreStretch> plan_stretches(const Device& device, const ScoreNetwork& network, const ScoreDrawOptions& options);

/// The same of the removal of the last noise, in the force of the last segment.
ScoreStretch plan_finish(const Device& device, const ScoreNetwork& network, const ScoreDrawOptions& options);

/// What the label cell of `digit` is clamped to in a segment.
double guidance_in(const ScoreDrawOptions& options, std::size_t segment, std::size_t segments, std::uint32_t digit);

/// Loads the parameters of a segment, in device units, into the program's shadow: J2, J4, biases and couplings; not the
/// temperature, stretch.kT, no COMMIT. Cells: visible, hidden, label cells, for which no parameter of their own matters.
void load_segment(Program& program, const ScoreNetwork& network, std::size_t segment, const ScoreStretch& stretch);

/// What a network drew.
struct ScoreDrawings {
  std::uint32_t shots = 0, visible = 0;  ///< sizes of what follows
  std::vector<float> images;          ///< shots x visible, 1: ink, -1: background
  std::vector<std::uint8_t> asked;    ///< class of each; empty where unlabelled
  LastNoise last_noise = LastNoise::none;
  std::vector<ScoreStretch> stretches;
  ScoreStretch finish;          ///< of the removal of the last noise
  /// Per shot, from the meters: heat over the temperature it was given off at, and work likewise, summed over the
  /// segments; empty on a device without meters.
  std::vector<double> heat_kT, work_kT;
  std::vector<double> heat;     ///< the same heat in energy units of the device
  std::vector<double> heat_kT_of_segment;  ///< means over the shots
  std::vector<float> paths;     ///< path_shots x path_times x visible: noise, the end of each segment, the picture
  std::uint32_t path_times = 0;
  std::uint64_t steps = 0;      ///< of the array in one drawing, those before the first segment included
  double device_seconds = 0;    ///< of one drawing on the device
  std::uint64_t clips = 0, rails = 0;
  double seconds = 0;           ///< wall time of the host and the emulator
};

/// A class for each of options.shots drawings, chosen by the label cells: uncoupled linear cells in equilibrium with the
/// bath, of which the highest is the class. All have one law, so each class is as likely as any other. To be asked for,
/// as ScoreDrawOptions::asked, of the drawings with the same options: the noise is that of other shots, from first_shot +
/// 2^29 on, which is the most drawings. options.progress is asked. Needs label cells, overdamped cells, CAPS.KT_PROGRAMMABLE, else Error(BAD_ARG or UNSUPPORTED); throws what
/// Device::run throws.
std::vector<std::uint8_t> choose_classes(Device& device, const ScoreNetwork& network, const ScoreDrawOptions& options);

/// Draws. Needs overdamped cells, all pairs coupled, CAPS.KT_PROGRAMMABLE. Shot k of a seeded device is noise shot
/// first_shot + k. Error(BAD_ARG or UNSUPPORTED) before anything runs; throws what Device::run throws.
ScoreDrawings draw(Device& device, const ScoreNetwork& network, const ScoreDrawOptions& options);

}  // namespace heatbath::trainers
