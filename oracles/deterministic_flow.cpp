#include "oracles/deterministic_flow.hpp"

#include <boost/numeric/odeint/integrate/integrate_adaptive.hpp>
#include <boost/numeric/odeint/stepper/controlled_runge_kutta.hpp>
#include <boost/numeric/odeint/stepper/generation.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>

namespace heatbath::reference {

std::vector<double> deterministic_flow(const FlowRate& rate, std::vector<double> x, double from, double to,
                                       double tolerance) {
  namespace odeint = boost::numeric::odeint;
  using State = std::vector<double>;
  if (to != from) {
    odeint::integrate_adaptive(
        odeint::make_controlled<odeint::runge_kutta_dopri5<State>>(tolerance, tolerance),
        [&](const State& s, State& ds, double time) { rate(s, ds, time); }, x, from, to, (to - from) * 1e-3);
  }
  return x;
}

}  // namespace heatbath::reference
