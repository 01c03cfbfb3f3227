#include "hw_model/physics/cell_law.hpp"

#include <cstddef>
#include <iterator>

#include "hw_model/physics/categorical_array.hpp"
#include "hw_model/physics/graph.hpp"

namespace heatbath::physics {
namespace {

Stepper euler_maruyama(const Graph*) { return Stepper::euler_maruyama; }
Stepper baoab(const Graph*) { return Stepper::baoab; }
Stepper sweeps(const Graph* graph) {
  return graph && !graph->colours().empty() ? Stepper::two_colour : Stepper::sequential;
}

template <class Own>
std::unique_ptr<Array> made(const ArraySpec& spec, numerics::ThreadTeam* team) {
  return std::make_unique<Own>(spec, team);
}

constexpr CellLaw laws[] = {
    // kind, inertia, periodic, spins, capacitive, default_stepper, make
    {CellKind::overdamped, false, false, false, false, euler_maruyama},
    {CellKind::underdamped, true, false, false, false, baoab},
    {CellKind::phase, false, true, false, false, euler_maruyama},
    {CellKind::rlc, true, false, false, true, baoab},
    {CellKind::pbit, false, false, true, false, sweeps},
    {CellKind::categorical, false, false, false, false, sweeps, made<CategoricalArray>},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < std::size(laws); ++i)
    if (static_cast<std::size_t>(laws[i].kind) != i) return false;
  return true;
}
static_assert(in_order());

}  // namespace

const CellLaw& law(CellKind kind) { return laws[static_cast<std::size_t>(kind)]; }

}  // namespace heatbath::physics
