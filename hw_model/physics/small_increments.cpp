#include "hw_model/physics/small_increments.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "hw_model/physics/cell_law.hpp"
#include "hw_model/physics/coupling_rows.hpp"
#include "hw_model/physics/exchange.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"
#include "numerics/dense_algebra.hpp"

namespace heatbath::physics {
namespace {

// Sum of |J_ik| over k, or of those that reach `enough`.
double row_sum(const Couplings& couplings, std::uint32_t i, double enough) {
  double sum = 0;
  if (couplings.zero()) return sum;
  if (couplings.graph() == nullptr) {  // a row of a dense matrix is long, and its first few are mostly enough
    for (std::uint32_t k = 0; k < couplings.cells() && sum < enough; ++k) sum += std::abs(couplings.at(i, k));
    return sum;
  }
  for_row(couplings, i, [&](std::uint32_t, float value) {
    if (sum < enough) sum += std::abs(value);
  });
  return sum;
}

// Whether a free cell does, of those that are here.
// free(i): whether cell i moves.
template <class Free>
bool some_lose_increments(const ArraySpec& spec, const Parameters& p, double dt, const Free& free) {
  const CellLaw& cell = law(spec.kind);
  const StepperRule& by = rule(spec);
  if (cell.spins || by.exact == Exact::whole || p.couplings->code_grid()) return false;
  const bool inertia = cell.inertia, phases = cell.periodic, forces = !cell.capacitive;
  const double size = phases ? 2.0 : 1.0, still = 0x1p-14 * size, shaken = 0x1p-21 * size;
  if (!by.by_force) {
    const auto small = [&](double h) { return h > 0 && h < still; };  // none is refused elsewhere
    for (std::uint32_t i = 0; i < spec.cells; ++i)
      if (free(i) && small(std::sqrt(2 * double{spec.mobility} * p.kT_of(i) * dt))) return true;
    return false;
  }
  if (!inertia && !phases) {
    // The rules below find none where each cell's own curvature is enough: passes that cost little on large arrays. The
    // bits of magnitudes rise with them.
    const double mu_dt = double{spec.mobility} * dt;
    std::uint32_t least = std::bit_cast<std::uint32_t>(std::numeric_limits<float>::max());
    for (std::size_t i = 0; i < (p.j2.one_value() ? 1 : p.j2.size()); ++i)
      least = std::min(least, std::bit_cast<std::uint32_t>(p.j2[i]) & 0x7FFFFFFFu);
    if (mu_dt * 2 * double{std::bit_cast<float>(least)} >= still) return false;
    bool none = true;
    for (std::uint32_t i = 0; i < spec.cells; ++i) {
      const double curvature = 2 * std::abs(double{p.j2[i]}) + 12 * double{p.j4[i]};
      none &= !free(i) | (mu_dt * curvature >= still);
    }
    if (none) return false;
  }
  for (std::uint32_t i = 0; i < spec.cells; ++i) {
    if (!free(i)) continue;
    const double kT = p.kT_of(i), damping = inertia ? double{p.damping_of(i)} : 1.0;
    const double mobility = inertia ? 1.0 / p.mass_of(i) : double{spec.mobility}, mu_dt = mobility * dt;
    const double noise = std::sqrt(2 * damping * kT * mu_dt * (inertia ? mobility : 1.0));
    const double bound = noise < noise_that_rounds * size ? still : shaken;
    // What moves the cell beside its forces; BAOAB damps by itself.
    const double apart = phases                                              ? std::abs(double{p.frequency_of(i)}) * dt
                         : inertia && by.exact == Exact::nothing ? mu_dt * damping
                                                                     : 0.0;
    double force = (phases ? 4 : 2) * std::abs(double{p.j2[i]}) + (phases ? 0.0 : 12 * double{p.j4[i]});
    const auto enough = [&] {  // no rule below finds less
      return mu_dt * force + apart >= bound && (!inertia || std::sqrt(force * mobility) * dt >= still);
    };
    if (!enough()) {
      double bias = std::numeric_limits<double>::infinity();
      for (std::size_t at = i; at < p.bias.size(); at += spec.cells) bias = std::min(bias, std::abs(double{p.bias[at]}));
      force += bias;
    }
    const double gain = forces ? std::abs(double{p.gain}) : 0.0;
    if (gain > 0 && !enough()) {
      const double more = std::max(bound / mu_dt, inertia ? still * still / (dt * dt * mobility) : 0.0);
      force += gain * row_sum(*p.couplings, i, more / gain);
    }
    const double slope = mu_dt * force + apart;
    if (slope > 0 && slope < bound) return true;
    if (inertia && (kT > 0 ? std::sqrt(kT * mobility) * dt < 0x1p-18 : std::sqrt(force * mobility) * dt < still))
      return true;
  }
  return false;
}

}  // namespace

bool loses_increments(const ArraySpec& spec, const Parameters& p, double dt, std::span<const std::uint32_t> free) {
  const bool here = some_lose_increments(spec, p, dt, [free](std::uint32_t i) { return free[i] != 0; });
  return spec.exchange ? spec.exchange->any(here) : here;
}

bool loses_increments_beside(const ArraySpec& spec, const Parameters& p, double dt, std::span<const std::uint8_t> held) {
  const bool here = some_lose_increments(spec, p, dt, [held](std::uint32_t i) { return held[i] == 0; });
  return spec.exchange ? spec.exchange->any(here) : here;
}

bool rounding_spoils(const Eigen::MatrixXd& change, const std::vector<Eigen::Index>& moving, double damping) {
  std::vector<Eigen::Index> kept;
  for (const Eigen::Index k : moving) {
    const bool stands = std::ranges::all_of(moving, [&](Eigen::Index i) { return change(i, k) == 0; });
    if (!stands) kept.push_back(k);
  }
  const auto n = static_cast<Eigen::Index>(kept.size());
  if (n == 0) return false;
  const Eigen::MatrixXd moved = change(kept, kept);
  Eigen::MatrixXd rounding(n, n);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index k = 0; k < n; ++k) {
      const double one = i == k ? 1.0 : 0.0;
      rounding(i, k) = (static_cast<double>(static_cast<float>(one + moved(i, k))) - one) - moved(i, k);
    }
  const double largest = rounding.cwiseAbs().rowwise().sum().maxCoeff();
  if (largest == 0) return false;
  if (damping >= 0 && largest > rate_error_max * damping) return true;
  const Eigen::MatrixXd relative = numerics::solution(moved.transpose(), rounding.transpose());
  return !(relative.cwiseAbs().colwise().sum().maxCoeff() <= rate_error_max);
}

}  // namespace heatbath::physics
