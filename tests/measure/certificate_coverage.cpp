// certificate_coverage [SEEDS [ROW [FIRST]]]: how often the 95 % interval of a certificate's inverse temperature holds the truth, per
// problem and autocorrelation time, as a Markdown table, or one of its rows from 1. tools/certificate_coverage.sh runs it.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "tests/measure/known_samplers.hpp"

using namespace heatbath;
using testing::Glass;
using testing::KnownSamples;
using testing::Springs;

namespace {

int wrong = 0, rows = 0, only = 0, first = 1;

void row(const char* problem, const char* shape, const measure::EnergyView& view, int seeds,
         const std::function<KnownSamples(std::uint64_t seed)>& draw, measure::CertificateOptions options = {}) {
  if (++rows != only && only != 0) return;
  int covered = 0, alarms = 0;
  double tau = 0, error = 0;
  for (int seed = first; seed < first + seeds; ++seed) {
    const KnownSamples samples = draw(static_cast<std::uint64_t>(seed));
    options.kT = 1 / samples.beta;
    const measure::Certificate c = measure::certify(samples.states, samples.chains, view, options);
    covered += c.low <= samples.beta && samples.beta <= c.high;
    alarms += !c.clean();
    tau += c.autocorrelation_time / seeds;
    error += c.inverse_temperature.standard_error / samples.beta / seeds;
  }
  const double share = 100.0 * covered / seeds;
  if (share < 92 || share > 98) ++wrong;
  std::printf("| %s | %s | %.3g | %.2g %% | %.1f %% | %d |\n", problem, shape, tau, 100 * error, share, alarms);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
  const int seeds = count > 1 ? std::atoi(words[1]) : 200;
  only = count > 2 ? std::atoi(words[2]) : 0;
  first = count > 3 ? std::atoi(words[3]) : 1;
  const Glass glass(10);
  const std::vector<double> law = glass.enumerated().probabilities(1);
  if (only == 0)
    std::printf("| problem | chains x records | autocorrelation time found | error of beta | interval holds it | findings |\n"
                "|---|---|---|---|---|---|\n");
  row("glass of 10 spins, independent", "500 x 1", glass.view(), seeds,
      [&](auto seed) { return testing::redrawn_spins(glass, 1, 1, 500, 1, seed); }, {.law = law});
  row("glass of 10 spins, independent", "100 x 10", glass.view(), seeds,
      [&](auto seed) { return testing::redrawn_spins(glass, 1, 1, 100, 10, seed); }, {.law = law});
  for (const std::size_t tau : {3u, 10u, 100u, 1000u}) {
    const std::string shape = "4 x " + std::to_string(200 * tau);
    row("glass of 10 spins, redrawn at random", shape.c_str(), glass.view(), seeds,
        [&](auto seed) { return testing::redrawn_spins(glass, 1, static_cast<double>(tau), 4, 200 * tau, seed); }, {.law = law});
  }
  row("glass of 10 spins, one updated per record", "8 x 4000", glass.view(), seeds,
      [&](auto seed) { return testing::updated_spins(glass, 1, 8, 4000, seed); }, {.law = law});
  row("the same at beta 2", "8 x 10000", glass.view(), seeds,
      [&](auto seed) { return testing::updated_spins(glass, 2, 8, 10000, seed); });
  row("4 coupled springs, independent", "500 x 1", Springs::view(), seeds,
      [&](auto seed) { return Springs::samples(2, 1, 500, 1, seed); });
  for (const std::size_t tau : {3u, 10u, 100u, 1000u}) {
    const std::string shape = "4 x " + std::to_string(200 * tau);
    row("4 coupled springs, autoregressive", shape.c_str(), Springs::view(), seeds,
        [&](auto seed) { return Springs::samples(2, static_cast<double>(tau), 4, 200 * tau, seed); });
  }
  row("4 coupled springs, short shots", "200 x 8", Springs::view(), seeds,
      [&](auto seed) { return Springs::samples(2, 4, 200, 8, seed); });
  if (only == 0) std::printf("\n%d seeds; %d rows outside of 92 to 98 %%\n", seeds, wrong);
  return wrong > 0 ? 1 : 0;
}
