#include "heatbath/studies/ergodicity_breaking.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "heatbath/error.hpp"
#include "heatbath/measure/estimate.hpp"
#include "trainers/src/ergodicity/cell_requirements.hpp"

namespace heatbath::trainers {

Chains magnetisation(const SpinRecords& records) {
  Chains chains{records.shots, records.records, {}};
  for (std::uint32_t shot = 0; shot < records.shots; ++shot) {
    for (std::uint32_t record = 0; record < records.records; ++record) {
      int sum = 0;
      for (const Spin spin : records.state(shot, record)) sum += spin;
      chains.values.push_back(static_cast<double>(sum) / records.cells);
    }
  }
  return chains;
}

double r_hat(const Chains& chains) {
  if (chains.chains < 2 || chains.records < 4) throw Error(HB_BAD_ARG, "R-hat needs 2 chains of 4 records at least");
  return measure::split_r_hat(chains.values, chains.chains);
}

std::vector<double> fluctuation_metric(const Chains& chains) {
  std::vector<double> sums(chains.chains, 0.0), metric;
  for (std::uint32_t record = 0; record < chains.records; ++record) {
    double centre = 0, variance = 0;
    for (std::uint32_t chain = 0; chain < chains.chains; ++chain) {
      sums[chain] += chains.chain(chain)[record];
      centre += sums[chain] / chains.chains;
    }
    for (const double sum : sums) variance += (sum - centre) * (sum - centre) / (chains.chains - 1);
    const double time = record + 1;
    metric.push_back(variance / (time * time));
  }
  return metric;
}

measure::Estimate chain_mean(const Chains& chains, std::uint32_t first_record) {
  std::vector<double> means;
  for (std::uint32_t chain = 0; chain < chains.chains; ++chain) {
    double mean = 0;
    for (const double value : chains.chain(chain).subspan(first_record)) mean += value;
    means.push_back(mean / (chains.records - first_record));
  }
  const measure::Estimate mean = measure::mean_of_independent(means);
  return {mean.value, mean.standard_error};
}

Chains overlaps(const SpinRecords& records, std::uint32_t first_record) {
  Chains chains{records.shots / 2, records.records - first_record, {}};
  for (std::uint32_t pair = 0; pair < chains.chains; ++pair) {
    for (std::uint32_t record = first_record; record < records.records; ++record) {
      const std::span<const Spin> a = records.state(2 * pair, record), b = records.state(2 * pair + 1, record);
      int sum = 0;
      for (std::uint32_t i = 0; i < records.cells; ++i) sum += a[i] * b[i];
      chains.values.push_back(static_cast<double>(sum) / records.cells);
    }
  }
  return chains;
}

std::vector<double> histogram(const Chains& chains, std::uint32_t bins) {
  std::vector<double> parts(bins, 0.0);
  for (const double value : chains.values) {
    const auto bin = static_cast<std::int64_t>(std::floor((value + 1) / 2 * bins));
    parts[static_cast<std::size_t>(std::clamp<std::int64_t>(bin, 0, std::int64_t{bins} - 1))] +=
        1.0 / static_cast<double>(chains.values.size());
  }
  return parts;
}

namespace {

/// Mean of times of which `runs - escapes` were watched for `watched` without an end: all time spent over all escapes,
/// which is exact for the exponential tail that long times have.
void settle(EscapeTime& escape) {
  std::ranges::sort(escape.times);
  escape.escapes = static_cast<std::uint32_t>(escape.times.size());
  if (escape.escapes < 2) throw Error(HB_BAD_ARG, "fewer than two of the runs escaped; more runs are needed");
  double spent = (escape.runs - escape.escapes) * escape.watched;
  for (const double time : escape.times) spent += time;
  const double mean = spent / escape.escapes;
  double squares = 0;
  for (const double time : escape.times) squares += (time - mean) * (time - mean);
  // Censored runs carry the spread of an exponential tail.
  squares += (escape.runs - escape.escapes) * mean * mean;
  escape.measured = {mean, std::sqrt(squares) / escape.escapes};
}

constexpr double kWatched = 8;  // exact times

}  // namespace

SpinMachine curie_weiss_machine(std::uint32_t cells) {
  SpinMachine machine(cells);
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t j = 0; j < i; ++j) machine.couple(i, j, 1.0f / static_cast<float>(cells));
  return machine;
}

double curie_weiss_time(std::uint32_t cells, double beta) {
  // State k: k spins up. T_k, the mean time from k to k - 1, obeys T_k = (1 + up_k T_{k+1})/down_k.
  const double n = cells;
  double from_above = 0, total = 0;
  for (std::uint32_t k = cells; k > cells / 2; --k) {
    const double m = 2.0 * k - n;
    const double up = (n - k) * (1 + std::tanh(beta * (m + 1) / n)) / 2;
    const double down = k * (1 - std::tanh(beta * (m - 1) / n)) / 2;
    from_above = (1 + up * from_above) / down;
    total += from_above;
  }
  return total;
}

double curie_weiss_square(std::uint32_t cells, double beta) {
  double sum = 0, squares = 0;
  for (std::uint32_t k = 0; k <= cells; ++k) {
    const double n = cells, m = (2.0 * k - n) / n;
    const double weight =
        std::exp(std::lgamma(n + 1) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1) + beta * n * m * m / 2);
    sum += weight;
    squares += weight * m * m;
  }
  return squares / sum;
}

EscapeTime curie_weiss_escape(Device& device, std::uint64_t seed, std::uint32_t cells, double beta, std::uint32_t runs,
                              const Progress& progress) {
  const Capabilities& capabilities = device.capabilities();
  require_cells(capabilities, "the escape of spins", CellKind::pbit, cells);
  if (capabilities.stepper != Stepper::random_sequential)
    throw Error(HB_UNSUPPORTED,
                std::string("the escape of spins needs CAPS_CELL.STEPPER random-sequential; this device has ") +
                    name(capabilities.stepper));
  if (cells < 2 || cells % 2 != 0 || !(beta > 0) || runs < 2)
    throw Error(HB_BAD_ARG,
                "the escape of spins: an even number of cells, beta above 0 and two runs or more are needed");
  require(capabilities.kT_programmable, "the escape of spins", "KT_PROGRAMMABLE");
  if (capabilities.dt_programmable) device.set_step_time_units(1.0 / cells);
  const Ticks step = device.step();
  if (step.count == 0 || std::lround(device.time_units(step) * cells) != 1)
    throw Error(HB_UNSUPPORTED, "the escape of spins needs a device whose step can be one update of " +
                                    std::to_string(cells) + " cells");

  EscapeTime escape;
  escape.parameter = beta;
  escape.cells = cells;
  escape.exact = curie_weiss_time(cells, beta);
  escape.runs = runs;
  const auto updates = static_cast<std::uint64_t>(std::ceil(kWatched * escape.exact * cells));
  escape.watched = static_cast<double>(updates) / cells;
  Program program(capabilities, cells);
  network_of(curie_weiss_machine(cells)).load_into(program);
  program.load_temperature(static_cast<float>(1 / beta)).commit().clamp(0, cells, 1.0f).release(0, cells);
  program.capture_start(step, false).evolve(step * updates).capture_stop();
  network::Shots shots(device, {.seed_where_taken = seed, .progress = progress});
  const auto first_passages = [&](std::uint32_t, Result&& result) {
    for (std::uint32_t shot = 0; shot < result.capture.shots(); ++shot) {
      for (std::uint64_t record = 0; record < result.capture.records(); ++record) {
        float sum = 0;
        for (const float spin : result.capture.state(shot, record)) sum += spin;
        if (sum > 0) continue;
        escape.times.push_back(static_cast<double>(record + 1) / cells);
        break;
      }
    }
  };
  shots.run(runs, network::bytes_per_shot(program), [&](std::uint32_t, std::uint32_t) { return program; }, first_passages);
  settle(escape);
  return escape;
}

double double_well_time(double height) {
  // Midpoints of both integrals in one pass; the inner one grows along the way.
  constexpr double kLow = -3, kFrom = -1;
  constexpr int kSteps = 400000;
  const auto energy = [height](double x) { return height * (x * x - 1) * (x * x - 1); };
  const double dx = -kLow / kSteps;
  double inner = 0, total = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double x = kLow + (i + 0.5) * dx;
    const double weight = std::exp(-energy(x)) * dx;
    inner += weight / 2;
    if (x > kFrom) total += std::exp(energy(x)) * inner * dx;
    inner += weight / 2;
  }
  return total;
}

EscapeTime double_well_escape(Device& device, std::uint64_t seed, double height, std::uint32_t cells,
                              std::uint32_t shots, const Progress& progress) {
  const Capabilities& capabilities = device.capabilities();
  require_cells(capabilities, "the escape from a well", CellKind::overdamped, cells);
  if (!(height > 0) || cells == 0 || shots == 0)
    throw Error(HB_BAD_ARG, "the escape from a well: height above 0, cells and shots are needed");
  const double kT = capabilities.kT_programmable && capabilities.kT_max >= 1 && capabilities.range_j2 >= 64
                        ? 1.0
                        : static_cast<double>(capabilities.kT_reset);
  const double slower = 1 / (kT * static_cast<double>(capabilities.mobility));  // all times against T = mu = 1
  const Ticks period = device.capture_period(Ticks{0});
  const double unit = device.time_units(period) / slower;  // D in times of T = mu = 1

  EscapeTime escape;
  escape.parameter = height;
  escape.cells = cells;
  escape.exact = double_well_time(height);
  escape.runs = cells * shots;
  const auto records = static_cast<std::uint64_t>(std::ceil(kWatched * escape.exact / unit));
  escape.watched = static_cast<double>(records) * unit;
  const double boundary = -0.5826 * std::sqrt(2 * unit);
  Program program(capabilities, cells);
  network::Network::double_wells(cells, height).load_into(program, {.energy = kT});
  program.at_temperature(static_cast<float>(kT)).commit().clamp(0, cells, -1.0f).release(0, cells);
  program.capture_start(period, false).evolve(period * records).capture_stop();
  network::Shots numbered(device, {.seed_where_taken = seed, .progress = progress});
  const auto first_passages = [&](std::uint32_t, Result&& result) {
    for (std::uint32_t shot = 0; shot < result.capture.shots(); ++shot) {
      std::vector<char> escaped(cells, 0);
      for (std::uint64_t record = 0; record < result.capture.records(); ++record) {
        const std::span<const float> state = result.capture.state(shot, record);
        for (std::uint32_t i = 0; i < cells; ++i) {
          if (escaped[i] != 0 || static_cast<double>(state[i]) < boundary) continue;
          escaped[i] = 1;
          escape.times.push_back(static_cast<double>(record + 1) * unit);
        }
      }
    }
  };
  numbered.run(shots, network::bytes_per_shot(program), [&](std::uint32_t, std::uint32_t) { return program; }, first_passages);
  settle(escape);
  return escape;
}

double linear_cells_r_hat(Device& device, std::uint64_t seed, std::uint32_t shots) {
  const Capabilities& capabilities = device.capabilities();
  require_cells(capabilities, "the control of linear cells", CellKind::overdamped, 1);
  constexpr std::uint32_t kRecords = 256;
  const double kT =
      capabilities.kT_programmable && capabilities.kT_max >= 1 ? 1.0 : static_cast<double>(capabilities.kT_reset);
  const double relax = 1 / (kT * static_cast<double>(capabilities.mobility));
  std::vector<float> starts(shots);
  for (std::uint32_t shot = 0; shot < shots; ++shot) starts[shot] = shot % 2 != 0 ? 3.0f : -3.0f;
  Program program(capabilities, 1);
  network::Network::quadratic_form(std::vector<double>{1}, std::vector<double>{0}).load_into(program, {.energy = kT});
  program.at_temperature(static_cast<float>(kT)).commit().clamp_per_shot(0, 1, starts, shots).release(0, 1).evolve(device.ticks(8 * relax));
  program.loop_begin(kRecords).evolve(device.ticks(2 * relax)).sample().loop_end();
  const Result result = network::Shots(device, {.seed_where_taken = seed}).run(program, shots);
  Chains chains{shots, kRecords, {}};
  for (std::uint32_t shot = 0; shot < shots; ++shot)
    for (std::uint32_t record = 0; record < kRecords; ++record)
      chains.values.push_back(static_cast<double>(result.capture.state(shot, record)[0]));
  return r_hat(chains);
}

}  // namespace heatbath::trainers
