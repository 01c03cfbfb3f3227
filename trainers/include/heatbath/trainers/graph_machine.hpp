#pragma once
// Boltzmann machines on the graph of a sparse device: one coupling for each coupler, no matrix anywhere, so that they
// are as large as the device (Ackley, Hinton & Sejnowski, Cognitive Science 9, 147, 1985, on any graph).

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "heatbath/capabilities.hpp"
#include "heatbath/trainers/machine_training.hpp"

namespace heatbath::trainers {

/// A machine of binary cells on a graph,
///   E(s) = -sum_i h_i s_i - sum_e J_e s_i(e) s_j(e),
/// in the sign of the papers: positive couplings align. Memory: 8 bytes a cell and 12 an edge.
struct GraphMachine {
  std::uint32_t cells = 0;           ///< visible and hidden
  std::vector<std::uint32_t> visible;  ///< cells that carry the pattern, rising; the others are hidden and may couple
  std::vector<Coupler> edges;        ///< i < j, sorted, each once
  std::vector<float> field;          ///< h, one per cell
  std::vector<float> coupling;       ///< J, one per edge

  /// Without hidden cells.
  bool all_visible() const { return visible.size() == cells; }
};

/// The machine as a network of p-bits.
network::Network network_of(const GraphMachine& machine);

/// A machine on all couplers of a sparse device, fields and couplings 0, every cell visible. Error(UNSUPPORTED) for
/// a device whose cells all couple to one another (SpinMachine is for those).
GraphMachine machine_on(const Capabilities& capabilities);

/// A training of it, complete after every update, and all that is needed to go on.
struct GraphTraining {
  GraphMachine machine;         ///< as it is now
  std::uint32_t updates = 0;    ///< made so far
  std::uint64_t seed = 1;       ///< of the training
  std::vector<Spin> chains;     ///< shots x cells, where the last free phase ended
  std::vector<Spin> clamped;    ///< shots x cells, where the last clamped phase ended; empty without hidden cells
  std::vector<double> gaps;     ///< root mean square of (data average - device average) over the parameters, by update
};

/// A training before its first update: fields of visible cells that give the patterns' means, small random couplings of
/// edges with a hidden cell, which tell hidden cells apart, and 0 elsewhere; none larger than `limit`, where it is not 0. Error(BAD_ARG) for patterns of another
/// length than the visible cells, and for a machine whose lists do not fit one another.
GraphTraining begin_training(const Patterns& data, GraphMachine machine, std::uint64_t seed, double limit = 0);

/// Updates a machine until it has had `until` of options.updates updates, as train_machine() does for all pairs:
/// dJ_e = rate (<s s>_data - <s s>_device) on every edge, and the same for fields. Without hidden cells the averages of
/// the data are those of all patterns, taken once; else the device runs a clamped phase of options.settle sweeps, with
/// the visible cells held at the patterns, all of them in turn. Chains are contrastive or persistent. Sums are in the
/// order of the shots: bits do not depend on lanes, blocks, ranks or the boards of a rack. `after` is called after
/// every update; false stops. Where visible cells are scattered each run of them costs the device two instructions, and each of
/// those a look at all cells: thousands of runs are fast, a million is not. Error(BAD_ARG) for options out of range and tempered chains, Error(UNSUPPORTED) for a pair
/// without a coupler; Error(ABORTED) of the device's progress leaves the training as after the last whole update.
void train_machine(SpinDevice& device, const Patterns& data, const BoltzmannOptions& options, std::uint32_t until,
                   GraphTraining& training, const std::function<bool()>& after = {});

/// Mean over patterns and cells of ln p(s_i | all other cells) at kT, in nats (Besag, The Statistician 24, 179, 1975):
/// exact, from fields alone, -ln 2 of a machine that knows nothing. Error(BAD_ARG) for hidden cells, patterns of
/// another length, weights that are all 0 and a kT that is not above 0.
double pseudolikelihood(const Patterns& data, const GraphMachine& machine, double kT);

}  // namespace heatbath::trainers
