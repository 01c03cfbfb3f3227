#include "heatbath/studies/score_bound.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "line_programs.hpp"
#include "sample_statistics.hpp"
#include "stoppable.hpp"

namespace heatbath::trainers {
namespace {

constexpr double kLogTwoPi = 1.8378770664093454836;
constexpr std::array<double, 6> kGenerationFractions{1.0 / 24, 1.0 / 12, 1.0 / 6, 1.0 / 3, 2.0 / 3, 1.0};
constexpr double kKnee = 0.1;  // of the variable in which integrals over the clock are smooth, about that of the levels
constexpr std::uint64_t kFreshData = 0x9E3779B97F4A7C15u;  // another seed for data that generations are compared with

double normal_log_density(double x, double variance) { return -0.5 * (kLogTwoPi + std::log(variance) + x * x / variance); }

/// a <- a + weight b.
void add(Column& a, double weight, const Column& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += weight * b[i];
}

measure::Estimate half(measure::Estimate m) { return {0.5 * m.value, 0.5 * m.standard_error}; }

/// Score and divergence of the evaluated values at one level: the model's, and the law's where it is known.
struct Level {
  Column s, ds, law_s, law_ds;
};

class Analysis {
 public:
  Analysis(const DataLaw& law, const BoundOptions& options, const LinePlan& plan, const LineRun& run,
           const std::vector<double>& x0, const ScoreModel& model, bool exact, std::size_t first, const Look& look)
      : law_(law),
        options_(options),
        plan_(plan),
        run_(run),
        x0_(x0.begin() + static_cast<std::ptrdiff_t>(first), x0.end()),
        model_(model),
        exact_(exact),
        look_(look),
        first_(first),
        count_(x0.size() - first),
        vp_(plan.process == Process::vp),
        diffusion_(vp_ ? 1.0 : 0.5),
        weights_(clock_weights(plan.clock, kKnee)) {}

  void walk(BoundResult& result) {
    const std::size_t last = plan_.levels() - 1;
    const double D = diffusion_, divergence_of_force = vp_ ? -1 : 0;
    Column rate(count_), square(count_), divergence(count_), exchange(count_), production(count_), mismatch(count_);
    Column ito(count_), ito_square(count_), y(count_);
    Level level, next;
    fill(0, level);
    for (std::size_t k = 0; k <= last; ++k) {
      if (k > 0) std::swap(level, next);
      const bool defined = k > 0 || !law_.has_edges();
      const double w = weights_[k];
      const LinearNoise& noise = plan_.noise[k];
      in_blocks(count_, look_, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
          const double x = state(k, i), s = level.s[i], ds = level.ds[i];
          const double f = vp_ ? -x : 0, nu = f - D * s;
          rate[i] += w * (divergence_of_force - 2 * D * ds - D * s * s);
          square[i] += w * D * s * s;
          divergence[i] += w * 2 * D * ds;
          production[i] += w * nu * nu / D;
          exchange[i] -= w * f * nu / D;
          if (known()) mismatch[i] += w * D * (level.law_s[i] - s) * (level.law_s[i] - s);
        }
      });
      if (defined) result.rates.push_back(rates_at(k, level, y));
      if (k == last) break;
      fill(k + 1, next);
      if (known() && defined) {
        // Ito sums of the noise between the levels: mean 0 for the exact transition.
        const LinearNoise& after = plan_.noise[k + 1];
        const double decay = after.decay / noise.decay;
        const double added = after.variance - decay * decay * noise.variance;
        for (std::size_t i = 0; i < count_; ++i) {
          const double step = state(k + 1, i) - decay * state(k, i);
          ito[i] += level.law_s[i] * step;
          ito_square[i] += 0.5 * level.law_ds[i] * (step * step - added);
        }
      }
    }

    std::vector<const Column*> controls;
    Column start(count_), end(count_);
    if (known()) {
      result.entropy_data = {law_.entropy(plan_.noise.front()), 0};
      result.entropy_end = {law_.entropy(plan_.noise[last]), 0};
      in_blocks(count_, look_, [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) {
          start[i] = -law_.log_density(plan_.noise.front(), x0_[i]) - result.entropy_data.value;
          end[i] = -law_.log_density(plan_.noise[last], state(last, i)) - result.entropy_end.value;
        }
      });
      controls = {&ito, &ito_square, &start, &end};
    } else {
      result.entropy_data = neighbour_entropy(law_.list());
      result.entropy_end = neighbour_entropy(values(last));
    }
    const double entropies = 0.5 * (result.entropy_data.value + result.entropy_end.value);

    // Negative log-likelihood of each value, or its path bound.
    Column nll(count_);
    const bool linear = !exact_ && !options_.given && options_.score == ScoreKind::linear;
    const double a2 = law_.variance() / (options_.ratio * options_.ratio);
    result.nll_is_density = exact_ || linear;
    Column terminal(count_, 0.0);
    for (std::size_t i = 0; i < count_; ++i) {
      const double x = state(last, i);
      if (exact_) {
        nll[i] = -law_.log_density(plan_.noise.front(), x0_[i]);
      } else if (linear) {
        const double spread = plan_.noise[last].decay * plan_.noise[last].decay * a2 + plan_.noise[last].variance;
        nll[i] = -normal_log_density(x0_[i] - law_.mean(), a2);
        if (known()) {
          terminal[i] = law_.log_density(plan_.noise[last], x) -
                        normal_log_density(x - plan_.noise[last].decay * law_.mean(), spread);
        }
      } else {
        const double prior = normal_log_density(x, vp_ ? 1 : plan_.clock[last]);
        nll[i] = -prior - rate[i];
        if (known()) terminal[i] = law_.log_density(plan_.noise[last], x) - prior;
      }
    }
    Column bound(count_), gap(count_), naive_score(count_), naive_divergence(count_);
    const double elapsed = plan_.clock[last];
    for (std::size_t i = 0; i < count_; ++i) {
      bound[i] = entropies - 0.5 * rate[i];
      gap[i] = nll[i] - bound[i];
      naive_score[i] = nll[i] - entropies + 0.5 * (divergence_of_force * elapsed + square[i]);
      naive_divergence[i] = nll[i] - entropies + 0.5 * (divergence_of_force * elapsed - 0.5 * divergence[i]);
    }
    result.nll = controlled_mean(nll);
    result.bound = controlled_mean(bound, controls);
    result.gap = controlled_mean(gap, controls);
    result.gap_naive_score = controlled_mean(naive_score, controls);
    result.gap_naive_divergence = controlled_mean(naive_divergence, controls);
    if (known()) {
      result.half_path_kl = half(controlled_mean(mismatch));
      result.terminal_kl = controlled_mean(terminal);
      if (exact_) result.terminal_kl = {0, 0};
    } else {
      const double ends = 0.5 * std::hypot(result.entropy_data.standard_error, result.entropy_end.standard_error);
      for (measure::Estimate* m : {&result.bound, &result.gap, &result.gap_naive_score, &result.gap_naive_divergence}) {
        m->standard_error = std::hypot(m->standard_error, ends);
      }
    }
    if (!vp_) result.identity_ratio = ratio_of_means(divergence, square);
    result.production = controlled_mean(production);
    result.exchange_total = controlled_mean(exchange);
    result.heat_total = heat_until(last);
    if (vp_ && known()) {
      Column drop(count_);
      for (std::size_t i = 0; i < count_; ++i) {
        const double x = state(last, i);
        drop[i] = law_.log_density(plan_.noise.front(), x0_[i]) - normal_log_density(x0_[i], 1) -
                  law_.log_density(plan_.noise[last], x) + normal_log_density(x, 1);
      }
      result.divergence_drop = controlled_mean(drop);
    }
  }

 private:
  bool known() const { return law_.closed_form(); }
  double state(std::size_t level, std::size_t i) const { return run_.states[level][first_ + i]; }
  Column values(std::size_t level) const {
    return {run_.states[level].begin() + static_cast<std::ptrdiff_t>(first_), run_.states[level].end()};
  }

  void fill(std::size_t k, Level& out) const {
    out.s.resize(count_);
    out.ds.resize(count_);
    if (known()) {
      out.law_s.resize(count_);
      out.law_ds.resize(count_);
      in_blocks(count_, look_, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
          out.law_s[i] = law_.score(plan_.noise[k], state(k, i));
          out.law_ds[i] = law_.divergence(plan_.noise[k], state(k, i));
        }
      });
    }
    if (exact_) {
      out.s = out.law_s;
      out.ds = out.law_ds;
      return;
    }
    in_blocks(count_, look_, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        out.s[i] = model_.score(k, state(k, i));
        out.ds[i] = model_.divergence(k, state(k, i));
      }
    });
  }

  /// Rates per process time: g^2 = sigma^2t units of clock in one of t. Where the law is known, Stein's identities
  /// E[div s_theta + s_theta s] = 0 and E[div f + f s] = 0 take the divergences out of the system rate: near the
  /// stationary law what is left has as little scatter as it has value.
  EntropyRate rates_at(std::size_t k, const Level& level, Column& y) const {
    EntropyRate now;
    now.clock = plan_.clock[k];
    now.time = process_time(plan_.process, now.clock, options_.sigma);
    const double speed = vp_ ? 1 : std::pow(options_.sigma, 2 * now.time), D = diffusion_;
    const auto mean = [&](auto&& rate) {
      look_();
      for (std::size_t i = 0; i < count_; ++i) y[i] = speed * rate(vp_ ? -state(k, i) : 0.0, i);
      return controlled_mean(y);
    };
    now.system = mean([&](double f, std::size_t i) {
      const double s = level.s[i];
      if (known()) return 2 * D * s * level.law_s[i] - D * s * s - f * level.law_s[i];
      return (vp_ ? -1 : 0) - 2 * D * level.ds[i] - D * s * s;
    });
    now.intrinsic = mean([&](double f, std::size_t i) { return (f - D * level.s[i]) * (f - D * level.s[i]) / D; });
    now.exchange = mean([&](double f, std::size_t i) { return -f * (f - D * level.s[i]) / D; });
    now.heat = heat_until(k);
    return now;
  }

  /// Mean over the evaluated shots of the heat/kT per value from level 0 to `level`.
  measure::Estimate heat_until(std::size_t level) const {
    const std::size_t shot = first_ / plan_.cells;
    Column sums(plan_.shots - shot, 0.0);
    for (std::size_t k = 0; k < level; ++k) {
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += run_.heat[k][shot + i] / plan_.cells;
    }
    return controlled_mean(sums);
  }

  const DataLaw& law_;
  const BoundOptions& options_;
  const LinePlan& plan_;
  const LineRun& run_;
  Column x0_;
  const ScoreModel& model_;
  bool exact_;
  const Look& look_;
  std::size_t first_, count_;
  bool vp_;
  double diffusion_;
  std::vector<double> weights_;
};

/// Reverse force between levels, -f + g^2 s per unit of clock, for a score that a cell can have (linear or cell). In a
/// segment the mean of the coefficients at its two ends acts.
std::vector<CellForce> reverse_forces(const ScoreModel& model, bool vp) {
  const auto at = [&](std::size_t level) {
    const std::vector<double>& c = model.coefficients[level];
    const double scale = model.scale[level], shift = model.shift[level] / scale;
    const double g2 = vp ? 2 : 1;
    CellForce force{g2 * (c[0] - c[1] * shift), g2 * c[1] / scale + (vp ? 1 : 0), 0};
    if (model.kind == ScoreKind::cell) force.cubic = g2 * c[2] / (scale * scale * scale);
    return force;
  };
  std::vector<CellForce> forces;
  for (std::size_t k = 0; k + 1 < model.levels(); ++k) {
    const CellForce low = at(k), high = at(k + 1);
    forces.push_back({0.5 * (low.constant + high.constant), 0.5 * (low.linear + high.linear),
                      0.5 * (low.cubic + high.cubic)});
  }
  return forces;
}

/// Integral of the measured intrinsic rate from no noise to a level.
double produced_until(const LinePlan& plan, const std::vector<EntropyRate>& rates, std::size_t level, double sigma) {
  const std::size_t first = plan.levels() - rates.size();  // 1 where the law has edges: weight 0 there
  double sum = 0;
  if (level < 3) {
    const EntropyRate& rate = rates[level - first];
    return 0.5 * rate.intrinsic.value * rate.time;
  }
  const std::vector<double> weights = clock_weights(std::span(plan.clock).first(level + 1), kKnee);
  for (std::size_t k = std::max<std::size_t>(first, 1); k <= level; ++k) {
    const EntropyRate& rate = rates[k - first];
    const double speed = plan.process == Process::vp ? 1 : std::pow(sigma, 2 * rate.time);
    sum += weights[k] * rate.intrinsic.value / speed;
  }
  return sum;
}

void check_given(const ScoreModel& model, const LinePlan& plan) {
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "score_bound: the given score " + what); };
  model.check("score_bound: the given score");
  if (model.process != plan.process) {
    refuse(std::string("belongs to the process ") + (model.process == Process::vp ? "vp" : "ve") + ", this run is of the other");
  }
  if (model.levels() != plan.levels()) {
    refuse("has " + std::to_string(model.levels()) + " levels of noise, this run has " + std::to_string(plan.levels()));
  }
  for (std::size_t k = 0; k < plan.levels(); ++k) {
    if (std::abs(model.clock[k] - plan.clock[k]) > 1e-6 * (1e-9 + plan.clock[k])) {
      refuse("has level " + std::to_string(k) + " at clock " + numerics::general(model.clock[k]) + ", this run at " +
             numerics::general(plan.clock[k]));
    }
  }
}

}  // namespace

BoundResult score_bound(Device& device, const DataLaw& law, const BoundOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  const bool exact = options.score == ScoreKind::exact && !options.given;
  if (exact && !law.closed_form()) {
    throw Error(HB_BAD_ARG, "score_bound: " + law.name() +
                                " has no score in closed form; use a linear, radial or cell score");
  }
  const LinePlan plan = line_plan(device, law, options);
  if (options.given) check_given(*options.given, plan);
  const bool vp = plan.process == Process::vp;
  const bool learned = !options.given && (options.score == ScoreKind::radial || options.score == ScoreKind::cell);
  // A cell's drive follows linear forces and cubic ones; other scores are driven by the cell that fits best.
  const bool drive_is_score = options.given ? options.given->kind != ScoreKind::radial
                                            : options.score == ScoreKind::linear || options.score == ScoreKind::cell ||
                                                  (exact && law.is_gaussian());
  if (learned && plan.shots < 2) {
    throw Error(HB_BAD_ARG, "score_bound: a learned score needs at least two shots of " + std::to_string(plan.cells) +
                                " values, one to learn from and one to be judged by; raise samples");
  }

  BoundOptions part = options;
  const double total = options.generate ? 3.0 : 1.0;
  double done = 0, share = 1 / total;
  bool stopped = false;
  if (options.progress) {
    part.progress = [&](double fraction) {
      stopped = !options.progress(done + fraction * share);
      return !stopped;
    };
  }

  BoundResult result;
  result.samples = static_cast<std::uint32_t>(plan.values());
  result.unit = plan.unit;
  result.heat_source = device.capabilities().meters ? "meter" : "states";
  const Look look = [&] {
    if (options.progress && !options.progress(done)) throw Error(HB_ABORTED, "score_bound: stopped");
  };
  const auto drawn = [&](std::uint64_t seed) {
    std::vector<double> values(plan.values());
    in_blocks(values.size(), look, [&](std::size_t first, std::size_t last) { law.draw(seed, first, std::span(values).subspan(first, last - first)); });
    return values;
  };
  const std::vector<double> x0 = drawn(options.seed);
  const LineRun run = noise_values(device, plan, x0, part);
  done = share;
  result.clips = run.clips;
  result.rails = run.rails;

  const std::size_t taught = learned ? std::size_t{plan.shots / 2} * plan.cells : 0;
  const auto fit = [&](ScoreKind kind, std::size_t count) {
    std::vector<std::vector<double>> states;
    for (const std::vector<double>& level : run.states) {
      states.emplace_back(level.begin(), level.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return fit_score(kind, plan.process, plan.clock, plan.noise, std::span(x0).first(count), states);
  };
  if (options.given) {
    result.model = *options.given;
  } else if (learned) {
    result.model = fit(options.score, taught);
  } else if (options.score == ScoreKind::linear) {
    result.model = linear_score(plan.process, plan.clock, plan.noise, law.mean(),
                                law.variance() / (options.ratio * options.ratio));
  }
  result.evaluated = static_cast<std::uint32_t>(plan.values() - taught);
  Analysis(law, options, plan, run, x0, result.model, exact, taught, look).walk(result);

  if (options.generate) {
    const ScoreModel drive = !drive_is_score ? fit(ScoreKind::cell, plan.values())
                             : exact         ? linear_score(plan.process, plan.clock, plan.noise, law.mean(), law.variance())
                                             : result.model;
    result.generated_by_cell = !drive_is_score;
    const std::vector<CellForce> forces = reverse_forces(drive, vp);
    result.data_values = drawn(options.seed ^ kFreshData);
    const std::vector<double> other = drawn(options.seed ^ (kFreshData << 1));
    result.wasserstein_floor = wasserstein(result.data_values, other).value;
    const double end = process_time(plan.process, plan.clock.back(), options.sigma);
    std::size_t previous = 0;
    for (std::size_t g = 0; g < kGenerationFractions.size(); ++g) {
      done = (1 + 2.0 * static_cast<double>(g) / kGenerationFractions.size()) / total;
      share = 2.0 / kGenerationFractions.size() / total;
      std::size_t level = 1;
      for (std::size_t k = 1; k < plan.levels(); ++k) {
        const auto off = [&](std::size_t at) {
          return std::abs(process_time(plan.process, plan.clock[at], options.sigma) - kGenerationFractions[g] * end);
        };
        if (off(k) < off(level)) level = k;
      }
      level = std::max(level, previous + 1);
      if (level >= plan.levels()) break;
      previous = level;
      const double variance = vp ? 1 : plan.clock[level];
      LineRun generated;
      try {
        generated = generate_values(device, plan, std::span(forces).first(level), variance, static_cast<std::uint32_t>(g), part);
      } catch (const Error& error) {
        if (error.code() != HB_ABORTED || !stopped) throw;
        result.stopped = true;
        break;
      }
      result.rails += generated.rails;
      result.clips += generated.clips;
      Generation point;
      point.clock = plan.clock[level];
      point.time = process_time(plan.process, point.clock, options.sigma);
      Column heat(plan.shots, 0.0);
      for (const std::vector<double>& segment : generated.heat) add(heat, 1.0 / plan.cells, segment);
      point.heat = controlled_mean(heat);
      const std::vector<double>& last = generated.states.back();
      const measure::Estimate entropy = neighbour_entropy(last);
      const double before = 0.5 * (1 + kLogTwoPi + std::log(variance));
      point.entropy_production = {point.heat.value + entropy.value - before, std::hypot(point.heat.standard_error, entropy.standard_error)};
      point.noising_production = produced_until(plan, result.rates, level, options.sigma);
      point.wasserstein = wasserstein(last, result.data_values);
      // Draws from a list repeat its values, which are no nearer for it.
      point.divergence = neighbour_divergence(law.closed_form() ? result.data_values : law.list(), last);
      result.generations.push_back(point);
      if (!vp) {
        const double ratio = -point.heat.value / point.entropy_production.value;
        result.generation_ratio = {ratio, std::abs(ratio) * std::hypot(point.heat.standard_error / point.heat.value,
                                                                       point.entropy_production.standard_error /
                                                                           point.entropy_production.value)};
      }
      result.generated_values = last;
    }
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace heatbath::trainers
