#pragma once
// Free energy differences from the work of driven runs. Works and kT in one energy unit.

#include <span>
#include <vector>

#include "heatbath/capabilities.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/program.h"

namespace heatbath::measure {

/// Metered work of each shot.
std::vector<double> works(std::span<const hb_meters_t> meters);

/// Work and the integrator's shadow work of each shot: <exp(-w/kT)> = exp(-dF/kT) at any step of rules whose path heat
/// is the logarithm of a path's weight over that of its reverse: these are the works of the unbiased path-weight
/// estimator (Wu, Koehler & Noe, arXiv:2002.06707). Throws Error(UNSUPPORTED) for others: devices without
/// CAPS.INCREMENTS_MARKOV (Heun, Leimkuhler–Matthews, coloured noise) and Euler–Maruyama with inertia, whose steps have
/// no reverse.
std::vector<double> path_works(const Capabilities& capabilities, std::span<const hb_meters_t> meters);

/// dF = -kT ln <exp(-w/kT)> (Jarzynski 1997) of at least 2 independent works, corrected for the bias of order 1/n, with
/// the error of the jackknife. Effective samples: (sum e)^2/sum e^2 of e = exp(-w/kT), all of them where the works are
/// equal. Where one block of the jackknife (of 256, or one work of fewer) holds more than half of the sum, the value is
/// not corrected and the error is infinite: nothing is known about works that were not met.
Estimate jarzynski(std::span<const double> works, double kT);

/// Crooks' relation P_F(w)/P_R(-w) = exp((w - dF)/kT) as a line: logistic regression of which of the two ensembles a
/// work value comes from, slope free.
struct CrooksLine {
  Estimate slope;     ///< in units of 1/kT: 1 where the relation holds
  Estimate crossing;  ///< the work at which the two laws are equal: dF
};
/// `forward`: works of the process 0 -> 1; `reverse`: works of 1 -> 0 under the reversed drive. Independent values, at
/// least 10 of each, laws that overlap in more than one value: else std::invalid_argument. Errors from the Fisher
/// information. Where every forward work is w and every reverse one -w the crossing is w without error, 1 effective
/// sample, and any slope goes through it: NaN.
CrooksLine crooks_crossing(std::span<const double> forward, std::span<const double> reverse, double kT);

/// Bennett's acceptance ratio (1976): the same with slope 1, the least-variance estimate of dF. Laws that do not
/// overlap give a value between them with an error that is as wide as the gap, or infinite.
Estimate bennett(std::span<const double> forward, std::span<const double> reverse, double kT);

}  // namespace heatbath::measure
