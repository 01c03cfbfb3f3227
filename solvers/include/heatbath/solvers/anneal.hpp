#pragma once
// Searches for states of low energy of a network of spins: annealing in temperature, and parallel tempering.
//
// Everything runs on the device but energies, exchanges and clusters, which the host does in double precision. Noise and
// choices follow the seed: on a seeded device the same options give the same bits, for any number of lanes and threads.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/network/network.hpp"
#include "heatbath/solvers/sample_set.hpp"

namespace heatbath::solvers {

/// From where all spins move to where none does, in the network's energy units. Hottest: twice the largest sqrt(b^2 +
/// sum J^2) of a cell; coldest: where the flip against the median over cells of their smallest coupling or field comes
/// about once in a hundred sweeps, 2 |J|/ln 100, but no colder than a twentieth of the median over cells of sqrt(b^2 + sum
/// J^2), where few cells of many neighbours still move. 1 and 1 for a network without couplings and fields.
struct TemperatureRange {
  double coldest = 0, hottest = 0;  ///< kT, the network's energy units
};
TemperatureRange temperature_range(const network::Network& network);  ///< of a network of spins

/// How the temperature falls from hottest to coldest.
enum class Cooling : std::uint8_t {
  inverse,  ///< in equal steps of 1/kT
  ratio     ///< in equal ratios of kT, which spends more sweeps where it is cold
};

/// How spins are cooled.
struct AnnealOptions {
  std::uint32_t reads = 32;      ///< independent runs, on the device's lanes
  std::uint32_t sweeps = 1000;   ///< of each, at least 1
  double coldest = 0, hottest = 0;  ///< 0: temperature_range()
  Cooling cooling = Cooling::ratio;
  /// Spin reversals: reads are shared among so many random choices of which spins the device holds with their sign
  /// turned (couplings and fields accordingly), at most `reads`. On an exact device nothing changes but the noise; what a
  /// chip adds to couplings and fields by itself then differs from choice to choice. 0: none is turned.
  std::uint32_t reversals = 0;
  bool polish = false;           ///< flip single spins on the host as long as that lowers an energy; named in the result
  std::uint64_t seed = 1;
  std::uint64_t first_run = 0;   ///< number of the run with this seed: others give other starts and noise
  Progress progress = nullptr;
};

/// Sweeps at temperatures that fall from hottest to coldest, from random states. One row per read. Error(BAD_ARG) for options out of range, Error(UNSUPPORTED) for what the device lacks, Error(ABORTED) when
/// progress ends it.
SampleSet anneal(Device& device, const network::Network& network, const AnnealOptions& options = {});

/// A ladder of temperatures, coldest first.
struct TemperingOptions {
  std::vector<double> ladder;        ///< given: kept; at least 2 rising temperatures. Empty: found, of `temperatures`
  std::uint32_t temperatures = 16;   ///< at least 2
  double coldest = 0, hottest = 0;   ///< 0: temperature_range()
  std::uint32_t replicas = 16;       ///< of each temperature, on the device's lanes: independent ladders
  std::uint32_t sweeps = 4;          ///< between exchanges
  std::uint32_t settle = 100;        ///< rounds before anything is measured; a ladder that is found moves in them
  std::uint32_t rounds = 400;        ///< after that
  bool clusters = false;             ///< isoenergetic cluster moves between replicas of one temperature, each round
  std::uint32_t cluster_temperatures = 0;  ///< the coldest ones that make them; 0: all
  bool partition_functions = false;  ///< TemperingResult::log_partition, whose time grows with the number of energies met
  std::optional<double> target;      ///< ends when an energy at or below it is found
  bool polish = false;               ///< as above, of the best states
  std::uint64_t seed = 1;
  Progress progress = nullptr;       ///< false ends the run with what it has (TemperingResult::interrupted)
  /// Sees every state after the sweeps of each measured round, before exchanges. May be empty.
  struct View {
    std::uint64_t round;  ///< measured rounds before it
    std::size_t temperature;  ///< of the ladder
    std::uint32_t replica;
    std::span<const float> state;
    double energy;
  };
  std::function<void(const View&)> observe = nullptr;  ///< called in the thread of the search
};

/// Exchanges are tried between all even, then all odd neighbours (non-reversible: Okabe et al. 2001; Syed et al.,
/// arXiv:1905.02939). A ladder that is found has equal rates of refusal, from their sum along 1/kT (section 5 there).
struct TemperingResult {
  SampleSet best{1, Origin::search};    ///< of each replica the lowest state it met: a search
  std::vector<double> ladder;           ///< coldest first
  std::vector<measure::Estimate> energy;  ///< mean of each temperature: averages over the law there
  /// ln Z of each temperature minus that of the coldest, from the energies of all of them (measure::Multistate), where
  /// they were asked for and 16 rounds were measured; else empty.
  std::vector<measure::Estimate> log_partition;
  std::vector<double> refused;          ///< mean probability that neighbours t and t + 1 do not change places
  double barrier = 0;                   ///< sum of `refused`: the communication barrier
  std::uint64_t round_trips = 0;        ///< of all walkers, hottest - coldest - hottest, in the measured rounds
  /// That a ladder with these rates makes, 1/(2 + 2 sum r/(1 - r)) a round and ladder (Syed et al.), where states at
  /// one temperature forget theirs between exchanges.
  double predicted_round_trips = 0;
  std::uint64_t rounds = 0;             ///< made, with those that settled
  std::uint64_t best_round = 0;         ///< in which the lowest energy came first
  std::uint64_t best_updates = 0;       ///< updates of cells until then
  double mean_cluster = 0;              ///< cells of a cluster
  bool interrupted = false;
};

/// Error(BAD_ARG) for options out of range, Error(UNSUPPORTED) for what the device lacks.
TemperingResult temper(Device& device, const network::Network& network, const TemperingOptions& options = {});

}  // namespace heatbath::solvers
