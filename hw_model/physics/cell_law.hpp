#pragma once
// What tells the kinds of cells apart in the physics: a row per kind, and nothing else asks for the kind.

#include <memory>

#include "hw_model/physics/cell_kinds.hpp"

namespace heatbath::numerics {
class ThreadTeam;
}

namespace heatbath::physics {

class Array;
class Graph;
struct ArraySpec;

struct CellLaw {
  CellKind kind;
  bool inertia;     ///< the second component is a velocity, which noise and damping act on
  bool periodic;    ///< a phase: energies by its cosine and sine (heatbath/cells/phase.hpp), full turns beside it
  bool spins;       ///< values +1 and -1 that are updated (heatbath/cells/spin.hpp), not moved
  bool capacitive;  ///< couplings are of velocities, a part of the inertia: the nodes' capacitances
  /// The stepper that `none` stands for; the graph is null for dense couplings.
  Stepper (*default_stepper)(const Graph* graph);
  /// The array of a kind that has one of its own; null: one of cells that the flags describe (make_array).
  std::unique_ptr<Array> (*make)(const ArraySpec& spec, numerics::ThreadTeam* team) = nullptr;
};

const CellLaw& law(CellKind kind);

}  // namespace heatbath::physics
