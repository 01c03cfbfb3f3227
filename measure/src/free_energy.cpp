#include "heatbath/measure/free_energy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string_view>

#include "heatbath/error.hpp"
#include "series.hpp"

namespace heatbath::measure {
namespace {

constexpr int most_turns = 200;

/// Forward works over kT and reverse ones over -kT, shifted and scaled.
struct BothWays {
  Deviations u;
  std::span<const double> forward, reverse;

  BothWays(std::span<const double> forward_works, std::span<const double> reverse_works, double kT, const char* who)
      : u(joined(forward_works, reverse_works, kT, who), who),
        forward(std::span(u.values).first(forward_works.size())),
        reverse(std::span(u.values).subspan(forward_works.size())) {}

 private:
  static std::vector<double> joined(std::span<const double> forward, std::span<const double> reverse, double kT,
                                    const char* who) {
    want(forward.size() >= 10 && reverse.size() >= 10 && kT > 0,
         std::string(who) + ": wants kT > 0 and at least 10 finite works of each direction");
    std::vector<double> all;
    for (const double w : forward) all.push_back(w / kT);
    for (const double w : reverse) all.push_back(-w / kT);
    return all;
  }
};

/// Log-likelihood of the logistic model p(F | v) = 1/(1 + exp(-(a v + c))), its gradient and information.
struct Likelihood {
  double value = 0, score_a = 0, score_c = 0, aa = 0, ac = 0, cc = 0;
};

Likelihood likelihood(const BothWays& works, double a, double c) {
  Likelihood sum;
  const auto visit = [&](double v, bool forward) {
    const double logit = a * v + c, e = std::exp(-std::fabs(logit)), less = e / (1 + e), more = 1 / (1 + e);
    const double p = logit < 0 ? less : more, q = logit < 0 ? more : less, weight = less * more;
    const double miss = forward ? q : -p;
    sum.value -= std::max(forward ? -logit : logit, 0.0) + std::log1p(e);
    sum.score_a += miss * v;
    sum.score_c += miss;
    sum.aa += weight * v * v;
    sum.ac += weight * v;
    sum.cc += weight;
  };
  for (const double v : works.forward) visit(v, true);
  for (const double v : works.reverse) visit(v, false);
  return sum;
}

double log_of_ratio(const BothWays& works) {
  return std::log(static_cast<double>(works.forward.size()) / static_cast<double>(works.reverse.size()));
}

/// What the counts, which were chosen, add to the variance of the intercept (Anderson, Biometrika 59, 1972).
double chosen_counts(const BothWays& works) {
  return 1 / static_cast<double>(works.forward.size()) + 1 / static_cast<double>(works.reverse.size());
}

}  // namespace

std::vector<double> works(std::span<const hb_meters_t> meters) {
  std::vector<double> values;
  for (const hb_meters_t& m : meters) values.push_back(m.work);
  return values;
}

std::vector<double> path_works(const Capabilities& capabilities, std::span<const hb_meters_t> meters) {
  require(capabilities.increments_markov, "path_works", "INCREMENTS_MARKOV");
  const CellKind kind = capabilities.cell_kind;
  if (capabilities.stepper == Stepper::euler_maruyama && (kind == CellKind::underdamped || kind == CellKind::rlc))
    throw Error(HB_UNSUPPORTED, "path_works: steps of euler-maruyama with inertia have no reverse and no path weights; "
                                "stepper=baoab has them");
  std::vector<double> values;
  for (const hb_meters_t& m : meters) values.push_back(m.work + m.work_shadow);
  return values;
}

Estimate jarzynski(std::span<const double> works, double kT) {
  want(works.size() >= 2 && kT > 0, "jarzynski: wants kT > 0 and at least 2 works");
  want_finite(works, "jarzynski");
  const double least = *std::ranges::min_element(works);
  const std::size_t blocks = std::min<std::size_t>(works.size(), 256);
  BlockedMeans means(1, blocks);
  double sum = 0, squares = 0;
  std::vector<double> held(blocks);  // weights of each block
  for (std::size_t i = 0; i < works.size(); ++i) {
    const double weight = std::exp(-(works[i] - least) / kT);
    means.add(i, {weight});
    held[i % blocks] += weight;
    sum += weight;
    squares += weight * weight;
  }
  const auto from = [&](double mean) { return least - kT * std::log(mean); };
  const double effective = std::min(sum * sum / squares, static_cast<double>(works.size()));
  // The jackknife needs weight in more than one block: an expansion in 1/n about a single work has no terms.
  if (*std::ranges::max_element(held) > 0.5 * sum && works.size() > 2)
    return {from(sum / static_cast<double>(works.size())), std::numeric_limits<double>::infinity(), effective};
  Estimate result = means.estimate([&](std::span<const double> m) { return from(m[0]); });
  result.effective_samples = effective;
  return result;
}

CrooksLine crooks_crossing(std::span<const double> forward, std::span<const double> reverse, double kT) {
  const BothWays works(forward, reverse, kT, "crooks_crossing");
  const auto n = static_cast<double>(works.u.values.size());
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  if (works.u.still()) return {{nan, nan, 0}, {kT * works.u.origin, 0, 1}};
  // One threshold that parts both laws is all that can keep the likelihood from having a maximum.
  const auto [least_forward, most_forward] = std::ranges::minmax(works.forward);
  const auto [least_reverse, most_reverse] = std::ranges::minmax(works.reverse);
  want(most_reverse > least_forward && most_forward > least_reverse,
       "crooks_crossing: the forward and reverse works do not overlap, or in one value only");
  const double offset = log_of_ratio(works);
  double a = 0, c = offset;
  Likelihood at = likelihood(works, a, c);
  for (int turn = 0; turn < most_turns; ++turn) {
    const double determinant = at.aa * at.cc - at.ac * at.ac;
    const double da = (at.cc * at.score_a - at.ac * at.score_c) / determinant;
    const double dc = (at.aa * at.score_c - at.ac * at.score_a) / determinant;
    if (!std::isfinite(da) || !std::isfinite(dc)) break;
    double step = 1;  // halved until the likelihood, which is concave, does not fall
    Likelihood next = likelihood(works, a + da, c + dc);
    while (next.value < at.value - 1e-9 * std::fabs(at.value) && step > 1e-6) {
      step /= 2;
      next = likelihood(works, a + step * da, c + step * dc);
    }
    a += step * da;
    c += step * dc;
    at = next;
    if (std::fabs(da) + std::fabs(dc) > 1e-10 * (1 + std::fabs(a) + std::fabs(c))) continue;
    const double information = at.aa * at.cc - at.ac * at.ac;
    const double vaa = at.cc / information, vcc = at.aa / information - chosen_counts(works), vac = -at.ac / information;
    const double crossing = -(c - offset) / a;
    const double variance = std::max((vcc + 2 * crossing * vac + crossing * crossing * vaa) / (a * a), 0.0);
    const double unit = works.u.unit, samples = std::min(at.cc, n);
    return {{a / unit, std::sqrt(vaa) / unit, samples},
            {kT * (works.u.origin + unit * crossing), kT * unit * std::sqrt(variance), samples}};
  }
  throw std::invalid_argument("crooks_crossing: the forward and reverse works overlap too little for a line");
}

Estimate bennett(std::span<const double> forward, std::span<const double> reverse, double kT) {
  const BothWays works(forward, reverse, kT, "bennett");
  const double offset = log_of_ratio(works);
  if (works.u.still()) return {kT * works.u.origin, 0, 1};
  // The score falls with c from nf to -nr: bisection, between works that hold every possible crossing.
  const double slope = works.u.unit, reach = 2 * slope + 50;
  double low = -reach, high = reach;
  for (int turn = 0; turn < most_turns && high - low > 1e-13 * (1 + std::fabs(low)); ++turn) {
    const double middle = (low + high) / 2;
    (likelihood(works, slope, middle + offset).score_c > 0 ? low : high) = middle;
  }
  const double c = (low + high) / 2;
  const double overlap = likelihood(works, slope, c + offset).cc;
  // Bennett's variance: 1/sum p(1 - p) - 1/nf - 1/nr.
  return {kT * (works.u.origin - c), kT * std::sqrt(std::max(1 / overlap - chosen_counts(works), 0.0)), overlap};
}

}  // namespace heatbath::measure
