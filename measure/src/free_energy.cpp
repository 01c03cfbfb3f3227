#include "heatbath/measure/free_energy.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string_view>

#include "heatbath/cells.h"
#include "heatbath/error.hpp"

namespace heatbath::measure {
namespace {

constexpr int kTurns = 200;

// Sums over both ensembles of the logistic model p(F | u) = 1/(1 + exp(-(a u + c))), u = w/kT for forward works and
// -w/kT for reverse ones.
struct Slope {
  double score_a = 0, score_c = 0;           // gradient of the log-likelihood
  double aa = 0, ac = 0, cc = 0;             // information
};

Slope look(std::span<const double> forward, std::span<const double> reverse, double kT, double a, double c) {
  Slope sum;
  const auto visit = [&](double u, double label) {
    const double p = 1 / (1 + std::exp(-(a * u + c))), weight = p * (1 - p);
    sum.score_a += (label - p) * u;
    sum.score_c += label - p;
    sum.aa += weight * u * u;
    sum.ac += weight * u;
    sum.cc += weight;
  };
  for (const double w : forward) visit(w / kT, 1);
  for (const double w : reverse) visit(-w / kT, 0);
  return sum;
}

void check(std::span<const double> forward, std::span<const double> reverse, double kT, const char* who) {
  const auto finite = [](double w) { return std::isfinite(w); };
  if (forward.size() < 10 || reverse.size() < 10 || !(kT > 0) || !std::ranges::all_of(forward, finite) ||
      !std::ranges::all_of(reverse, finite)) {
    throw std::invalid_argument(std::string(who) + ": wants kT > 0 and at least 10 finite works of each direction");
  }
}

}  // namespace

std::vector<double> works(std::span<const hb_meters_t> meters) {
  std::vector<double> values;
  for (const hb_meters_t& m : meters) values.push_back(m.work);
  return values;
}

std::vector<double> path_works(const Capabilities& capabilities, std::span<const hb_meters_t> meters) {
  require(capabilities.increments_markov, "path_works", "INCREMENTS_MARKOV");
  const std::string_view kind = hb_cell_kind_name(capabilities.cell_kind), stepper = hb_stepper_name(capabilities.stepper);
  if (stepper == "euler-maruyama" && (kind == "underdamped" || kind == "rlc"))
    throw Error(HB_UNSUPPORTED, "path_works: steps of euler-maruyama with inertia have no reverse and no path weights; "
                                "stepper=baoab has them");
  std::vector<double> values;
  for (const hb_meters_t& m : meters) values.push_back(m.work + m.work_shadow);
  return values;
}

Estimate jarzynski(std::span<const double> works, double kT) {
  if (works.size() < 2 || !(kT > 0)) throw std::invalid_argument("jarzynski: wants kT > 0 and at least 2 works");
  const double least = *std::ranges::min_element(works);
  BlockedMeans means(1, std::min<std::size_t>(works.size(), 256));
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < works.size(); ++i) {
    const double weight = std::exp(-(works[i] - least) / kT);
    if (!std::isfinite(weight)) throw std::invalid_argument("jarzynski: a work is not a finite number");
    means.add(i, {weight});
    sum += weight;
    squares += weight * weight;
  }
  Estimate result = means.estimate([&](std::span<const double> m) { return least - kT * std::log(m[0]); });
  result.effective_samples = sum * sum / squares;
  return result;
}

CrooksLine crooks_crossing(std::span<const double> forward, std::span<const double> reverse, double kT) {
  check(forward, reverse, kT, "crooks_crossing");
  double a = 0, c = std::log(static_cast<double>(forward.size()) / static_cast<double>(reverse.size()));
  const double offset = c;
  Slope at;
  for (int turn = 0; turn < kTurns; ++turn) {
    at = look(forward, reverse, kT, a, c);
    const double determinant = at.aa * at.cc - at.ac * at.ac;
    const double da = (at.cc * at.score_a - at.ac * at.score_c) / determinant;
    const double dc = (at.aa * at.score_c - at.ac * at.score_a) / determinant;
    a += da;
    c += dc;
    if (!std::isfinite(a) || !std::isfinite(c)) break;
    if (std::fabs(da) + std::fabs(dc) < 1e-10) {
      // The counts of both ensembles were chosen, not drawn: the intercept knows them (Anderson, Biometrika 59, 1972).
      const double chosen = 1 / static_cast<double>(forward.size()) + 1 / static_cast<double>(reverse.size());
      const double vaa = at.cc / determinant, vcc = at.aa / determinant - chosen, vac = -at.ac / determinant;
      const double crossing = -(c - offset) / a;
      const double variance = (vcc + 2 * crossing * vac + crossing * crossing * vaa) / (a * a);
      return {{a, std::sqrt(vaa), at.cc}, {kT * crossing, kT * std::sqrt(variance), at.cc}};
    }
  }
  throw std::invalid_argument("crooks_crossing: the forward and reverse works do not overlap");
}

Estimate bennett(std::span<const double> forward, std::span<const double> reverse, double kT) {
  check(forward, reverse, kT, "bennett");
  const double nf = static_cast<double>(forward.size()), nr = static_cast<double>(reverse.size());
  const double offset = std::log(nf / nr);
  // The score falls with c from nf to -nr: bisection, between works that hold every possible crossing.
  double low = -1, high = 1;
  for (const double w : forward) low = std::min(low, -w / kT - 50), high = std::max(high, -w / kT + 50);
  for (const double w : reverse) low = std::min(low, w / kT - 50), high = std::max(high, w / kT + 50);
  for (int turn = 0; turn < kTurns && high - low > 1e-13 * (1 + std::fabs(low)); ++turn) {
    const double middle = (low + high) / 2;
    (look(forward, reverse, kT, 1, middle + offset).score_c > 0 ? low : high) = middle;
  }
  const double c = (low + high) / 2;
  const double overlap = look(forward, reverse, kT, 1, c + offset).cc;
  // Bennett's variance: 1/sum p(1 - p) - 1/nf - 1/nr.
  return {-kT * c, kT * std::sqrt(std::max(1 / overlap - 1 / nf - 1 / nr, 0.0)), overlap};
}

}  // namespace heatbath::measure
