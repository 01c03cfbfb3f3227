#pragma once
// Knowledge as a breaking of ergodicity, as one study on a device: He & Lubchenko, arXiv:2412.16411, Neural Computation
// 37(4):742 (2025).

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/studies/ergodicity_breaking.hpp"
#include "heatbath/trainers/ergodicity/binary_digits.hpp"
#include "heatbath/trainers/ergodicity/experts.hpp"
#include "heatbath/trainers/ergodicity/library_machine.hpp"
#include "heatbath/trainers/ergodicity/training_potential.hpp"

namespace heatbath::trainers {

/// Which cells a part of the study wants.
enum class Board {
  spins,             ///< p-bits, swept
  spins_one_by_one,  ///< p-bits, updated one at a time at random
  bistable           ///< overdamped cells
};
/// Opens a device of that kind with at least so many cells. A part that is not essential is left out when this throws
/// Error(UNSUPPORTED); only the first is.
using OpenBoard = std::function<Device(Board board, std::uint32_t cells)>;

/// Sizes of the study.
struct ErgodicityOptions {
  std::uint32_t experts = 2;  ///< machines of the mixture
  std::uint64_t seed = 1;  ///< of host and device
  std::uint32_t updates = 300;      ///< of each machine
  double limit = 3;                 ///< largest field and coupling of machines of small patterns
  std::uint32_t library_cells = 8;  ///< of the temperature sweep: 8 or 16
  double effort = 1;                ///< factor on the number of shots of every measurement
};

/// One temperature of the library.
struct LibraryPoint {
  double kT;  ///< temperature
  measure::Estimate measured;  ///< probability of the library, from records
  double exact;  ///< of the pairwise machine
  double ideal;  ///< of the closed form
};
/// The library over temperatures.
struct LibrarySweep {
  std::uint32_t cells = 0, patterns = 0, chains = 0;  ///< sizes
  double depth = 0;  ///< = coupling
  std::vector<LibraryPoint> points;
  measure::Estimate transition;  ///< T*, between the two points about one half; NaN without such points
  double transition_exact = 0, transition_ideal = 0;
  double gap_per_cell = 0;  ///< T* ln((2^N - M)/M)/N measured: what the library lies below the rest, per cell
};
/// Runs the machine at each temperature, half of the chains begun in the library and half at random, after ten times
/// the time it takes to find the library by chance.
LibrarySweep sweep_library(SpinDevice& device, const LibraryMachine& machine, const std::vector<double>& temperatures,
                           std::uint32_t chains, const Progress& progress = {});

/// Curie–Weiss spins at one inverse temperature, half of the chains begun up and half down.
struct BreakingPoint {
  double beta = 0;  ///< inverse temperature
  std::uint32_t cells = 0;  ///< spins
  double r_hat = 0;  ///< of the chains' magnetization
  std::vector<double> fluctuation;  ///< by sweep
  std::vector<double> overlap;      ///< histogram over -1..1 of pairs begun in different basins
  measure::Estimate square_overlap;          ///< <q^2> of those pairs
  double square_overlap_exact = 0;
};
/// Runs `chains` chains of `sweeps` sweeps on the device.
BreakingPoint measure_breaking(SpinDevice& device, std::uint32_t cells, double beta, std::uint32_t chains,
                               std::uint32_t sweeps);

/// One row of the table of parity experts.
struct ParityRow {
  double strength = 0;  ///< K
  Board board = Board::spins;
  measure::Estimate measured;  ///< KL from frequencies; the error holds that of the calibration
  double exact = 0;
};
/// Both experts of strength K on a device, both minima of each begun in.
ParityRow measure_parity(SpinDevice& device, double strength, std::uint32_t shots, std::uint32_t records);
/// The same on bistable cells of this height, calibrated first.
ParityRow measure_soft_parity(Device& device, std::uint64_t seed, double height, double strength, std::uint32_t shots,
                              Calibration& calibration);

/// One truncation of the training potential.
struct LadderRow {
  Truncation exact;  ///< all states counted
  std::optional<measure::Estimate> measured;  ///< where a pairwise device can run it: orders 1 and 2
};

/// All that is in training; complete after every update.
struct ErgodicityState {
  MachineTraining single;  ///< one machine
  Experts experts;  ///< the mixture
};

/// All that the study found.
struct ErgodicityReport {
  std::string problem;  ///< its name
  std::uint32_t cells = 0, patterns = 0;  ///< sizes
  std::size_t parameters_single = 0, parameters_experts = 0;  ///< of each remedy

  // The training potential; empty above kEnumerableCells.
  std::vector<LadderRow> ladder;  ///< of the potential
  double conjoint_free_energy = 0, entropy = 0;  ///< A at kT = 1; T sum x ln(1/x) of the data
  /// Minima of the free energy at a temperature.
  struct Minima {
    double kT;  ///< temperature
    Theory theory;  ///< which potential
    std::vector<FreeEnergyMinimum> minima;  ///< that were found
  };
  std::vector<Minima> minima;  ///< by theory and temperature

  // The remedy. Divergences are not defined for digits.
  /// from frequencies, or from ramps where states are too many
  std::optional<measure::Estimate> kl_single, kl_experts;
  std::optional<double> kl_single_exact, kl_experts_exact;  ///< of the trained machines, by enumeration
  /// One expert of the mixture.
  struct Expert {
    double share = 0;  ///< of the patterns
    measure::Estimate free_energy;  ///< from ramps
    std::optional<double> free_energy_exact;  ///< where states can be counted
  };
  std::vector<Expert> experts;  ///< in order
  std::vector<double> state_data, state_single, state_experts;  ///< probabilities by state, up to 4 cells
  std::vector<ParityRow> parity;
  std::optional<Calibration> calibration;

  // Digits.
  std::optional<measure::Estimate> likelihood_single, likelihood_experts;  ///< held out, nats per pattern
  std::optional<measure::Estimate> margin;  ///< experts - single, paired, error of the ramps in it
  std::vector<std::uint8_t> digits;
  std::vector<double> shares_data, shares_single, shares_experts;  ///< by class; the last class is the rare one
  std::vector<Spin> drawn_data, drawn_single, drawn_experts;       ///< some patterns of each, count x 64

  // Ergodicity.
  LibrarySweep library;  ///< see LibrarySweep
  std::vector<BreakingPoint> breaking;  ///< by temperature and size
  std::vector<EscapeTime> escapes_spins, escapes_wells;  ///< of spins; of soft cells
  std::optional<double> r_hat_linear;  ///< of chains of linear cells
  std::vector<std::string> left_out;  ///< what was not measured, and why
};

/// Called during the work with the present part and the fraction of the whole that is done. Returning false stops it:
/// Error(ABORTED).
using ErgodicityProgress = std::function<bool(std::string_view what, double fraction)>;

/// The study on patterns: training potential, minima, the single machine and the experts, then the library, escape
/// times and measures of ergodicity. `state`: where to begin (default-made: at the beginning) and what is trained so
/// far; `save` is called now and then with it whole. Throws Error(BAD_ARG) before anything ran for what cannot be.
ErgodicityReport study_patterns(const OpenBoard& open, const Patterns& patterns, const std::string& problem,
                                const ErgodicityOptions& options, ErgodicityState& state,
                                const std::function<void(const ErgodicityState&)>& save = {},
                                const ErgodicityProgress& progress = {});

/// The same on digits: held-out likelihoods by annealed importance sampling on the device instead of divergences, and
/// the share of the rare class among what each draws. The single machine has as many parameters as the experts
/// together, by hidden cells.
ErgodicityReport study_digits(const OpenBoard& open, const BinaryDigits& digits, const ErgodicityOptions& options,
                              ErgodicityState& state, const std::function<void(const ErgodicityState&)>& save = {},
                              const ErgodicityProgress& progress = {});

}  // namespace heatbath::trainers
