#include "hw_model/physics/array.hpp"

#include <cmath>
#include <stdexcept>

#include "heatbath/numerics/text.hpp"
#include "hw_model/physics/categorical_kernels.hpp"
#include "hw_model/physics/cell_law.hpp"
#include "hw_model/physics/general_array.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/linear_step.hpp"
#include "hw_model/physics/overdamped_array.hpp"
#include "hw_model/physics/step_table.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {

Stepper default_stepper(CellKind kind, const Graph* graph) {
  return law(kind).default_stepper(graph);
}

std::optional<Refusal> refusal(const ArraySpec& spec) {
  const auto no = [](std::string why) { return Refusal{std::move(why)}; };
  if (spec.cells == 0 || spec.lanes == 0) return no("an array needs at least one cell and one lane");
  if (!(spec.rail > 0) || !std::isfinite(spec.rail)) return no("the rail of an array is positive and finite");
  if (spec.graph && spec.graph->cells() != spec.cells)
    return no("a graph of " + std::to_string(spec.graph->cells()) + " cells for an array of " +
              std::to_string(spec.cells));
  const StepperRule& by = rule(spec);
  const Stepper stepper = by.stepper;
  if (!goes_with(stepper, spec.kind))
    return no("stepper " + std::string(name(stepper)) + " is not for cells of kind " + std::string(name(spec.kind)));
  if (has_labels(spec.kind) && (spec.states < 2 || spec.states > states_max))
    return no("cells of kind " + std::string(name(spec.kind)) + " have 2.." + std::to_string(states_max) +
              " states, not " + std::to_string(spec.states));
  if (law(spec.kind).capacitive && !spec.reciprocal)
    return no("couplings of rlc nodes are capacitances: they are reciprocal");
  if (by.by_colour && !spec.graph)
    return no("two-colour updates need a graph: with dense couplings no two cells may be updated at once");
  if (by.by_colour && spec.graph->colours().empty()) {
    const Coupler odd = spec.graph->odd_coupler();
    return no("two-colour updates need a bipartite graph: coupler (" + std::to_string(odd.i) + ", " +
              std::to_string(odd.j) + ") closes an odd cycle");
  }
  if (spec.spin_noise != SpinNoise::words && !law(spec.kind).spins)
    return no("random bits in planes are for p-bits, not for cells of kind " + std::string(name(spec.kind)));
  const NoiseColour& c = spec.colour;
  if (c.kind != NoiseColour::Kind::white && (!(c.correlation_time > 0) || !std::isfinite(c.correlation_time)))
    return no("noise of colour " + std::string(name(c.kind)) + " needs a correlation time > 0");
  if (!(c.common >= 0) || !(c.common <= 1)) return no("the common fraction of the noise is in 0..1");
  if (!c.white() && !takes_colour(stepper))
    return no("coloured or common noise needs stepper euler-maruyama or heun, not " + std::string(name(stepper)));
  return std::nullopt;
}

namespace {

ArraySpec settled(ArraySpec spec) {
  if (const auto no = refusal(spec)) throw std::invalid_argument(no->what);
  if (spec.stepper == Stepper::none) spec.stepper = default_stepper(spec.kind, spec.graph.get());
  return spec;
}

}  // namespace

Array::Array(ArraySpec spec) : spec_(settled(std::move(spec))) {}
Array::~Array() = default;

std::int32_t Array::turns(std::uint32_t, std::uint32_t) const { return 0; }

namespace {

bool fused(const ArraySpec& spec) {
  const CellLaw& cell = law(spec.kind);
  return rule(spec).stepper == Stepper::euler_maruyama && !cell.inertia && !cell.periodic && spec.reciprocal &&
         spec.colour.white();
}

}  // namespace

std::optional<Refusal> refusal(const ArraySpec& spec, const Parameters& p) {
  if (p.couplings->code_grid() && !fused(spec))
    return Refusal{"couplings are summed in integers for overdamped cells with stepper euler-maruyama, reciprocal "
                   "couplings and white noise only"};
  const StepperRule& by = rule(spec);
  for (std::uint32_t i = 0; i < spec.cells; ++i) {
    const auto no = [i](std::string what) { return Refusal{std::move(what) + " of cell " + std::to_string(i), i}; };
    if (!(p.kT_of(i) >= 0)) return no("temperature below 0");
    if (!(p.mass_of(i) > 0)) return no("mass or capacitance not above 0");
    if (!(p.damping_of(i) >= 0)) return no("damping or conductance below 0");
    if (by.needs_noise && p.kT_of(i) == 0) return no(std::string(name(by.stepper)) + " needs noise: temperature 0");
    if (by.exact == Exact::whole && p.j4[i] != 0) return no("exact-ou is for linear cells: J4 = " + numerics::general(p.j4[i]));
  }
  if (law(spec.kind).capacitive) {
    const auto c = capacitances(p);
    const auto n = static_cast<Eigen::Index>(spec.cells);
    if (const auto pivot = failing_pivot(Eigen::Map<const Eigen::MatrixXd>(c.data(), n, n)))
      return Refusal{"the capacitance matrix is not positive definite: pivot of cell " + std::to_string(*pivot),
                     *pivot};
  }
  return std::nullopt;
}

bool can_refine(const ArraySpec& spec) { return spec.colour.white() && rule(spec).refines; }

std::optional<Refusal> refusal_of_step(const ArraySpec& spec, double dt) {
  const StepperRule& by = rule(spec);
  if (!is_discrete(spec.kind)) return std::nullopt;
  if (by.at_random) {
    if (std::llround(dt * spec.cells) >= 1) return std::nullopt;
    return Refusal{"a step of " + numerics::general(dt) + " time units makes no update of " + std::to_string(spec.cells) +
                   " p-bits: at least 1 / cells"};
  }
  if (std::abs(dt - 1.0) < 1e-9) return std::nullopt;
  return Refusal{std::string(name(by.stepper)) + " updates make whole sweeps: a step is 1 time unit, not " +
                 numerics::general(dt)};
}

void check_run(const ArraySpec& spec, const Run& run) {
  if (const auto no = refusal_of_step(spec, run.dt)) throw std::invalid_argument(no->what);
  if (run.noise.refinement > 0 && !can_refine(spec))
    throw std::invalid_argument(
        "only white noise of euler-maruyama, heun, leimkuhler-matthews and baoab can be refined");
}

std::optional<Refusal> refusal_of_cut(const ArraySpec& spec) {
  const StepperRule& by = rule(spec);
  const auto no = [](std::string why) { return Refusal{"an array cut over ranks " + std::move(why)}; };
  if (!spec.graph) return no("is on a graph: dense couplings join all cells of all ranks");
  if (law(spec.kind).capacitive) return no("has no rlc nodes: their capacitances are one matrix");
  if (by.exact == Exact::whole) return no("does not take stepper exact-ou, whose step is one matrix");
  if (by.at_random) return no("does not take random-sequential updates, which follow each other over all cells");
  if (!spec.colour.white()) return no("has white noise of its own in each cell");
  return std::nullopt;
}

std::unique_ptr<Array> make_array(const ArraySpec& spec, numerics::ThreadTeam* team) {
  const ArraySpec whole = settled(spec);
  if (law(whole.kind).make) return law(whole.kind).make(whole, team);
  if (fused(whole)) return std::make_unique<OverdampedArray>(whole, team);
  return std::make_unique<GeneralArray>(whole, team);
}

}  // namespace heatbath::physics
