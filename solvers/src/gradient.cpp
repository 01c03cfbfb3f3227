#include "heatbath/solvers/gradient.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "heatbath/cells.h"
#include "heatbath/error.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/solvers/sample.hpp"

namespace heatbath::solvers {
namespace {

using measure::BlockedMeans;
using network::Edge;
using network::Network;
using network::Scaling;
using network::Shots;

constexpr std::size_t jackknife_blocks = 128;

[[noreturn]] void refuse(const std::string& what) { throw Error(HB_BAD_ARG, "gradient: " + what); }
[[noreturn]] void unsupported(const std::string& what) { throw Error(HB_UNSUPPORTED, "gradient: " + what); }

std::string name_of(const Parameter& p) {
  if (!p.section) return "the coupling of " + std::to_string(p.i) + " and " + std::to_string(p.j);
  return std::string(hb_section_name(static_cast<hb_section_t>(*p.section))) + " " + std::to_string(p.i);
}

/// The network with a parameter moved by `by`.
Network moved(const Network& network, const Parameter& p, double by) {
  Network other = network;
  if (p.section) {
    std::vector<double> values(network.values_in(*p.section));
    for (std::uint32_t at = 0; at < values.size(); ++at) values[at] = network.value(*p.section, at);
    values[p.i] += by;
    other.set(*p.section, values);
    return other;
  }
  std::vector<Edge> edges(network.couplings().begin(), network.couplings().end());
  const auto [low, high] = std::minmax(p.i, p.j);
  const auto at = std::ranges::find_if(edges, [low = low, high = high](const Edge& edge) { return edge.i == low && edge.j == high; });
  if (at != edges.end()) at->value += by;
  else edges.push_back({low, high, by});
  other.set_couplings(edges);
  return other;
}

/// V is linear in every parameter that it has: dV/dp is the energy of the network in which p is 1 and all else 0.
Network derivative_of_energy(const Network& network, const Parameter& p) {
  return moved(Network(network.kind(), network.cells(), network.states()), p, 1);
}

void check(const Network& network, std::span<const Parameter> parameters, const GradientOptions& options) {
  if (network.directed()) unsupported("couplings that differ in their two directions");
  if (!(options.kT > 0) || !std::isfinite(options.kT)) refuse("kT is " + numerics::general(options.kT, 4) + "; above 0");
  if (options.shots < 2) refuse(std::to_string(options.shots) + " shots; 2 or more");
  if (!(options.time >= 0) || !std::isfinite(options.time)) refuse("time is " + numerics::general(options.time, 4) + "; 0 or more");
  const bool timed = options.method != GradientMethod::equilibrium;
  if (timed && options.time == 0) refuse("a time is needed, from the start to the reading");
  if (timed && !options.start.empty() && options.start.size() != network.cells())
    refuse("start has " + std::to_string(options.start.size()) + " values for " + std::to_string(network.cells()) + " cells");
  if (!timed && !options.start.empty()) refuse("equilibrium forgets its start; leave it empty");
  for (const Parameter& p : parameters) {
    if (!p.section) {
      if (p.i >= network.cells() || p.j >= network.cells() || p.i == p.j)
        refuse(name_of(p) + "; cells are numbered 0 to " + std::to_string(network.cells() - 1));
      if (network.kind() == CellKind::rlc) unsupported("edges of an rlc array are capacitances, which have no part in V");
      continue;
    }
    if (*p.section != CellSection::j2 && *p.section != CellSection::j4 && *p.section != CellSection::bias)
      unsupported(name_of(p) + " has no part in V");
    if (!has_section(network.kind(), *p.section))
      unsupported(std::string(name(network.kind())) + " cells have no " + hb_section_name(static_cast<hb_section_t>(*p.section)));
    if (p.i >= network.values_in(*p.section))
      refuse(name_of(p) + "; there are " + std::to_string(network.values_in(*p.section)) + " values");
  }
}

/// States in the network's units, and the observable's value at them.
class Reading {
 public:
  Reading(const Observable& observable, const Scaling* scaling) : observable_(observable), scaling_(scaling) {}

  std::span<const double> state(std::span<const float> of_device) {
    state_.resize(of_device.size());
    std::ranges::transform(of_device, state_.begin(), [&](float x) {
      return scaling_ != nullptr ? scaling_->state(static_cast<double>(x)) : static_cast<double>(x);
    });
    return state_;
  }
  double observed(std::span<const double> state) const {
    const double value = observable_(state);
    if (!std::isfinite(value)) refuse("the observable is not finite");
    return value;
  }

 private:
  const Observable& observable_;
  const Scaling* scaling_;
  std::vector<double> state_;
};

/// Rows of (O, a_1, O a_1, a_2, O a_2, ...), of which the covariances of O with each a are wanted.
class Covariances {
 public:
  explicit Covariances(std::size_t parameters) : means_(1 + 2 * parameters, jackknife_blocks), row_(1 + 2 * parameters) {}

  void add(std::size_t owner, double observed, std::span<const double> with) {
    row_[0] = observed;
    for (std::size_t p = 0; p < with.size(); ++p) {
      row_[1 + 2 * p] = with[p];
      row_[2 + 2 * p] = observed * with[p];
    }
    means_.add(owner, row_);
  }

  Gradient times(double factor) const {
    Gradient result{means_.mean_estimate(0), {}};
    for (std::size_t p = 0; 1 + 2 * p < row_.size(); ++p)
      result.derivatives.push_back(means_.estimate(
          [&](std::span<const double> m) { return factor * (m[2 + 2 * p] - m[0] * m[1 + 2 * p]); }));
    return result;
  }

 private:
  BlockedMeans means_;
  std::vector<double> row_;
};

Gradient at_equilibrium(Device& device, const Network& network, std::span<const Parameter> parameters,
                        const Observable& observable, const GradientOptions& options) {
  SampleOptions sampling;
  sampling.kT = options.kT;
  sampling.chains = options.shots;
  sampling.records = options.records;
  sampling.burn_in = options.time;
  sampling.seed = options.seed;
  sampling.progress = options.progress;
  const SampleSet samples = sample(device, network, sampling).samples;
  std::vector<Network> slopes;
  for (const Parameter& p : parameters) slopes.push_back(derivative_of_energy(network, p));
  Reading read(observable, nullptr);
  Covariances covariances(parameters.size());
  std::vector<double> with(parameters.size());
  for (std::size_t row = 0; row < samples.size(); ++row) {
    const std::span<const double> state = read.state(samples.state(row));
    for (std::size_t p = 0; p < with.size(); ++p) with[p] = slopes[p].energy(state);
    covariances.add(row / options.records, read.observed(state), with);
  }
  return covariances.times(-1 / options.kT);
}

/// Cells with a start stand there, then move. Clamping works on every device; writing states does not.
void begin(Program& program, const Scaling& scaling, const GradientOptions& options) {
  if (options.start.empty()) return;
  const std::vector<float> start = scaling.to_device(options.start);
  program.clamp(0, start).release(0, static_cast<std::uint32_t>(start.size()));
}

Gradient by_common_noise(Device& device, const Network& network, std::span<const Parameter> parameters,
                         const Observable& observable, const GradientOptions& options) {
  require(device.capabilities().seeded, "gradient by common noise", "SEEDED");
  const double step = options.difference;
  if (!(step > 0) || !std::isfinite(step)) refuse("difference is " + numerics::general(step, 4) + "; above 0");
  // Room for the values that are moved beyond the largest.
  network::ScalingOptions wanted{.kT = options.kT, .stiffness = options.stiffness};
  for (const Parameter& p : parameters) {
    const double largest = p.section ? network.largest(*p.section) : network.largest_coupling();
    if (largest > 0) wanted.room = std::min(wanted.room, 0.98 * largest / (largest + step));
  }
  const Scaling scaling(network, device.capabilities(), wanted);
  scaling.set_step(device);
  Reading read(observable, &scaling);
  const double runs = 1 + 2 * static_cast<double>(parameters.size());
  double done = 0;
  const auto observe = [&](const Network& of) {
    Shots shots(device, {.seed = options.seed,
                         .progress = options.progress ? Progress([&](double part) { return options.progress((done + part) / runs); }) : nullptr,
                         .strict = true});
    Program program(device.capabilities(), of.cells());
    scaling.load_into(program, of);
    program.commit();
    begin(program, scaling, options);
    program.evolve(scaling.ticks(device, options.time)).sample();
    const Result result = shots.run(program, options.shots);
    ++done;
    std::vector<double> values(options.shots);
    for (std::uint32_t shot = 0; shot < options.shots; ++shot) values[shot] = read.observed(read.state(result.capture.state(shot, 0)));
    return values;
  };
  Gradient result{measure::mean_of_independent(observe(network)), {}};
  for (const Parameter& p : parameters) {
    const std::vector<double> up = observe(moved(network, p, step)), down = observe(moved(network, p, -step));
    std::vector<double> slopes(up.size());
    for (std::size_t k = 0; k < up.size(); ++k) slopes[k] = (up[k] - down[k]) / (2 * step);
    result.derivatives.push_back(measure::mean_of_independent(slopes));
  }
  return result;
}

Gradient by_path_weights(Device& device, const Network& network, std::span<const Parameter> parameters,
                         const Observable& observable, const GradientOptions& options) {
  const Capabilities& caps = device.capabilities();
  if (network.kind() != CellKind::overdamped)
    unsupported("path weights are those of overdamped cells; these are " + std::string(name(network.kind())));
  require(caps.increments_markov, "gradient by path weights", "INCREMENTS_MARKOV");
  if (caps.stepper != Stepper::euler_maruyama)
    unsupported("path weights are those of euler-maruyama steps; the device makes " + std::string(name(caps.stepper)) + " ones");
  if (caps.capture_bits != 0) unsupported("path weights need captures in float32; the device rounds them to codes");
  const Scaling scaling(network, caps, {.kT = options.kT, .stiffness = options.stiffness});
  scaling.set_step(device);
  const double dt = scaling.time(device, device.step());
  const Network held = scaling.held();  // what makes the steps
  Program program = scaling.program();
  begin(program, scaling, options);
  program.capture_start(device.capture_period(device.step())).evolve(scaling.ticks(device, options.time)).capture_stop();

  std::vector<Network> slopes;
  for (const Parameter& p : parameters) slopes.push_back(derivative_of_energy(network, p));
  Reading read(observable, &scaling);
  Covariances covariances(parameters.size());
  std::vector<double> scores(parameters.size()), now, next;
  Shots shots(device, {.seed_where_taken = options.seed, .progress = options.progress, .strict = true});
  shots.run(
      options.shots, network::bytes_per_shot(program), [&](std::uint32_t, std::uint32_t) { return program; },
      [&](std::uint32_t first, Result&& result) {
        const Capture& capture = result.capture;
        for (std::uint32_t shot = 0; shot < capture.shots(); ++shot) {
          std::ranges::fill(scores, 0.0);
          const auto at = [&](std::uint64_t record) {
            const auto state = read.state(capture.state(shot, record));
            return std::vector<double>(state.begin(), state.end());
          };
          now = at(0);
          for (std::uint64_t record = 1; record < capture.records(); ++record, now.swap(next)) {
            next = at(record);
            std::vector<double> noise = held.gradient(now);
            for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = next[i] - now[i] + noise[i] * dt;
            for (std::size_t p = 0; p < slopes.size(); ++p) {
              const std::vector<double> turn = slopes[p].gradient(now);
              for (std::size_t i = 0; i < noise.size(); ++i) scores[p] -= noise[i] * turn[i] / (2 * options.kT);
            }
          }
          covariances.add(first + shot, read.observed(now), scores);
        }
      });
  return covariances.times(1);
}

}  // namespace

Gradient gradient(Device& device, const Network& network, std::span<const Parameter> parameters, const Observable& observable,
                  const GradientOptions& options) {
  if (!observable) refuse("no observable");
  check(network, parameters, options);
  switch (options.method) {
    case GradientMethod::common_noise: return by_common_noise(device, network, parameters, observable, options);
    case GradientMethod::path_weights: return by_path_weights(device, network, parameters, observable, options);
    case GradientMethod::equilibrium: break;
  }
  return at_equilibrium(device, network, parameters, observable, options);
}

}  // namespace heatbath::solvers
