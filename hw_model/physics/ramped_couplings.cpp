#include "hw_model/physics/ramped_couplings.hpp"

namespace heatbath::physics {

RampedCouplings::RampedCouplings(const Parameters& from, const Parameters& to, double at) {
  const double gain = from.gain + at * (to.gain - from.gain);
  const bool two = from.couplings != to.couplings;
  if (!from.couplings->zero()) couplings_a = from.couplings;
  if (two && !to.couplings->zero()) couplings_b = to.couplings;
  gain_a = static_cast<float>(two ? gain * (1.0 - at) : gain);
  gain_b = static_cast<float>(two ? gain * at : 0.0);
  potential = (!couplings_a || couplings_a->symmetric()) && (!couplings_b || couplings_b->symmetric());
}

}  // namespace heatbath::physics
