// Binary cells against every state counted: the 4 x 4 Ising torus, a glass with tempering, Curie–Weiss spins.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "heatbath/measure/thermometers.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/regs.h"
#include "oracles/enumeration.hpp"
#include "oracles/first_passage.hpp"
#include "oracles/ising.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

using measure::BlockedMeans;
using reference::Enumeration;

constexpr CellKind kPbit = CellKind::pbit;
constexpr std::uint32_t kSide = 4, kSpins = kSide * kSide;
constexpr double kTc = 2.269185314213;

const std::vector<reference::Bond>& torus_bonds(bool glass) {
  static const std::vector<reference::Bond> ferro = reference::square_torus(kSide, std::vector<double>{1});
  static const std::vector<reference::Bond> spin_glass = reference::square_torus(kSide, reference::glass_strengths(kSide));
  return glass ? spin_glass : ferro;
}

const Enumeration& torus(bool glass) {
  static const Enumeration ferro(kSpins, torus_bonds(false)), spin_glass(kSpins, torus_bonds(true));
  return glass ? spin_glass : ferro;
}

std::span<const std::pair<std::uint32_t, std::uint32_t>> torus_pairs() {
  static const auto pairs = [] {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> list;
    for (const auto& bond : torus_bonds(false)) {
      list.emplace_back(std::min(bond.a, bond.b), std::max(bond.a, bond.b));
    }
    return list;
  }();
  return pairs;
}

void load_torus(Machine& machine, Program& program, bool glass, double temperature) {
  std::vector<double> matrix(kSpins * kSpins);
  for (const auto& bond : torus_bonds(glass)) {
    matrix[bond.a * kSpins + bond.b] += bond.coupling / temperature;
    matrix[bond.b * kSpins + bond.a] = matrix[bond.a * kSpins + bond.b];
  }
  machine.load(program, CellSection::bias, 0);
  machine.couplings(program, matrix);
  program.commit();
}

reference::BinaryState packed(std::span<const float> spins) {
  reference::BinaryState state = 0;
  for (std::size_t i = 0; i < spins.size(); ++i) state |= spins[i] > 0 ? reference::BinaryState{1} << i : 0;
  return state;
}

std::vector<float> random_spins(Machine& machine, std::size_t count) {
  numerics::RandomStream random(machine.next_seed());
  std::vector<float> spins(count);
  for (float& s : spins) s = random.uniform() < 0.5 ? -1.0f : 1.0f;
  return spins;
}

/// States of `shots` runs at `records` instants, packed: shots x records.
std::vector<reference::BinaryState> torus_states(Machine& machine, double temperature, std::uint32_t shots,
                                                 std::uint32_t records, double period) {
  Program program = machine.program(kSpins);
  load_torus(machine, program, false, temperature);
  std::vector<float> start = random_spins(machine, std::size_t{shots} * kSpins);
  // Stripes of opposite order take long to go: half of the shots begin all up, half all down.
  for (std::size_t k = 0; k < start.size(); ++k) start[k] = k / kSpins % 2 == 0 ? 1.0f : -1.0f;
  machine.start_at(program, start);
  program.evolve(machine.time(40)).capture_start(machine.time(period));
  program.evolve(machine.time(period) * (records - 1));
  const Result result = machine.run(program, shots);
  std::vector<reference::BinaryState> states;
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    for (std::uint32_t record = 0; record < records; ++record) states.push_back(packed(result.capture.state(shot, record)));
  }
  return states;
}

double magnetisation_of(reference::BinaryState state) {
  return (2.0 * __builtin_popcount(state) - kSpins) / kSpins;
}

std::string at(double temperature) {
  return ", T = " + (temperature == kTc ? std::string("Tc") : numerics::fixed(temperature).substr(0, 3));
}

void ferromagnet(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(1, 1);
  const Enumeration& exact = torus(false);
  Curve curve{"4 x 4 Ising torus", "temperature", "per spin",
              {{"E/N, device", {}, {}, {}}, {"<|m|>, device", {}, {}, {}}, {"E/N", {}, {}, {}}, {"<|m|>", {}, {}, {}}}};
  Check* last = nullptr;
  // ln Z from hot to cold: each step reweights the hotter samples, the first one those of 4 to infinite temperature.
  double log_partition = kSpins * std::log(2.0), squared_error = 0, hotter = 0;
  for (const double temperature : {4.0, 3.0, 2.5, kTc, 2.0, 1.5}) {
    const std::uint32_t shots = machine.count(temperature < 1.8 ? 65536 : 32768), records = temperature < 1.9 ? 60 : temperature < 3.5 ? 32 : 80;
    const auto states = torus_states(machine, temperature, shots, records, temperature < 2.2 ? 4 : 5);
    // To the hotter neighbour, where weights vary little: exp((1/T - 1/T') E).
    const double colder = hotter > 0 ? 1 / temperature - 1 / hotter : 1 / temperature, lowest = exact.lowest_energy();
    const double twice = 1 / 2.0 - 1 / 4.0;
    BlockedMeans means(8);
    for (std::size_t k = 0; k < states.size(); ++k) {
      const double energy = exact.energies()[states[k]], e = energy / kSpins, m = magnetisation_of(states[k]);
      const double weight = std::exp(-twice * (energy - lowest));
      means.add(k / records, {e, e * e, std::fabs(m), m * m, m * m * m * m, std::exp(colder * (energy - lowest)), weight,
                              weight * weight});
    }
    const auto fall = means.estimate([=](std::span<const double> m) { return -std::log(m[5]) - colder * lowest; });
    log_partition += fall.value;
    squared_error += fall.standard_error * fall.standard_error;
    hotter = temperature;
    bench.check("ln Z" + at(temperature), exact.log_partition(temperature),
                {log_partition, std::sqrt(squared_error), fall.effective_samples}).relative = 0.003;
    if (temperature == 4) {
      bench.check("reweighting T = 4 to 2: ln Z(2)/Z(4)", exact.log_partition(2) - exact.log_partition(4),
                  means.estimate([=](std::span<const double> m) { return std::log(m[6]) - twice * lowest; })).relative = 0.003;
      bench.check("reweighting T = 4 to 2: share of effective samples",
                  reference::reweighting_efficiency(exact, 4, 2),
                  means.estimate([](std::span<const double> m) { return m[6] * m[6] / m[7]; })).relative = 0.003;
    }
    const auto magnet = reference::magnetisation(exact, temperature);
    const double t2 = temperature * temperature;
    bench.check("E/N" + at(temperature), exact.mean_energy(temperature) / kSpins, means.mean_estimate(0)).relative = 0.003;
    bench.check("C/N" + at(temperature), exact.heat_capacity(temperature) / kSpins,
                means.estimate([=](std::span<const double> m) { return (m[1] - m[0] * m[0]) * kSpins / t2; }))
        .relative = 0.003;
    last = &bench.check("<|m|>" + at(temperature), magnet.absolute, means.mean_estimate(2));
    last->relative = 0.003;
    curve.series[0].x.push_back(temperature);
    curve.series[0].y.push_back(means.mean(0));
    curve.series[0].error.push_back(means.mean_estimate(0).standard_error);
    curve.series[1].x.push_back(temperature);
    curve.series[1].y.push_back(means.mean(2));
    curve.series[1].error.push_back(means.mean_estimate(2).standard_error);
    if (temperature == 1.5) {
      for (int step = 12; step <= 44; ++step) {
        const double t = 0.1 * step;
        curve.series[2].x.push_back(t);
        curve.series[2].y.push_back(exact.mean_energy(t) / kSpins);
        curve.series[3].x.push_back(t);
        curve.series[3].y.push_back(reference::magnetisation(exact, t).absolute);
      }
      last->curve = curve;
    }
    bench.check("<m^2>" + at(temperature), magnet.square, means.mean_estimate(3)).relative = 0.003;
    bench.check("Binder ratio" + at(temperature), magnet.binder,
                means.estimate([](std::span<const double> m) { return 1 - m[4] / (3 * m[3] * m[3]); })).relative = 0.003;
  }
}

// F(m) = -T ln P(m) of the magnetisation, measured at T = 2.5, and at T = 3 with weights that steer it to 2.5.
void free_energy_surface(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(1, 1);
  const Enumeration& exact = torus(false);
  constexpr double kCold = 2.5, kHot = 3;
  const double levels[] = {0, 0.25, 0.5, 0.75};  // beside |m| = 1
  const std::uint32_t shots = machine.count(32768), records = 40;
  Curve curve{"Free energy of the magnetisation of the 4 x 4 torus, T = 2.5", "|m|", "F(m) - F(1)",
              {{"measured at 2.5", {}, {}, {}}, {"steered from 3", {}, {}, {}}, {"exact", {}, {}, {}}}};
  for (const double temperature : {kCold, kHot}) {
    const auto states = torus_states(machine, temperature, shots, records, 5);
    const double colder = 1 / kCold - 1 / temperature, lowest = exact.lowest_energy();
    BlockedMeans means(5);
    for (std::size_t k = 0; k < states.size(); ++k) {
      const double m = std::fabs(magnetisation_of(states[k])), weight = std::exp(-colder * (exact.energies()[states[k]] - lowest));
      const auto at_level = [&](double level) { return m == level ? weight : 0.0; };
      means.add(k / records, {at_level(levels[0]), at_level(levels[1]), at_level(levels[2]), at_level(levels[3]), at_level(1)});
    }
    for (std::size_t k = 0; k < 4; ++k) {
      const auto share = [&](double level) {
        return exact.average(kCold, [&](reference::BinaryState state) { return std::fabs(magnetisation_of(state)) == level ? 1.0 : 0.0; });
      };
      const double expected = -kCold * std::log(share(levels[k]) / share(1));
      const auto found = means.estimate([=](std::span<const double> of) { return -kCold * std::log(of[k] / of[4]); });
      const bool steered = temperature != kCold;
      Check& check = bench.check(std::string(steered ? "F(m) steered from T = 3 to 2.5" : "F(m) at T = 2.5") + ": |m| = " +
                                     numerics::fixed(levels[k], 2) + " less |m| = 1",
                                 expected, found);
      check.floor = 0.02;
      auto& series = curve.series[steered ? 1 : 0];
      series.x.push_back(levels[k]), series.y.push_back(found.value), series.error.push_back(found.standard_error);
      if (steered) curve.series[2].x.push_back(levels[k]), curve.series[2].y.push_back(expected);
      if (steered && k == 3) check.curve = curve;
    }
  }
}

// Acceptance of exchanges between two temperatures, over independent pairs of equilibrated copies.
void swap_acceptances(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(1, 1);
  const Enumeration& exact = torus(false);
  const double ladder[] = {1.5, 2.0, 2.5, 3.0, 4.0};
  const std::uint32_t shots = machine.count(4096), records = 20;
  std::vector<reference::BinaryState> cold = torus_states(machine, ladder[0], shots, records, 4);
  for (int k = 0; k < 4; ++k) {
    const auto hot = torus_states(machine, ladder[k + 1], shots, records, 4);
    BlockedMeans means(1);
    for (std::size_t i = 0; i < hot.size(); ++i) {
      const double delta = (1 / ladder[k] - 1 / ladder[k + 1]) * (exact.energies()[cold[i]] - exact.energies()[hot[i]]);
      means.add(i / records, {std::min(1.0, std::exp(delta))});
    }
    bench.check("swap acceptance T = " + numerics::fixed(ladder[k]).substr(0, 3) + " and " +
                    numerics::fixed(ladder[k + 1]).substr(0, 3),
                reference::swap_acceptance(exact, ladder[k], ladder[k + 1]), means.mean_estimate(0))
        .relative = 0.003;
    cold = hot;
  }
}

// The +-J glass with replica exchange: every shot is a ladder of temperatures of its own.
void glass(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(1, 1);
  const Enumeration& exact = torus(true);
  const std::vector<double> ladder{0.5, 0.7, 1, 1.4, 2, 3};
  const std::uint32_t shots = machine.count(3072);
  constexpr int kSettle = 30, kRounds = 150;
  numerics::RandomStream random(machine.next_seed());
  std::vector<std::vector<float>> states;
  for (std::size_t t = 0; t < ladder.size(); ++t) states.push_back(random_spins(machine, std::size_t{shots} * kSpins));
  struct Tally {
    BlockedMeans means{3}, overlaps{1};
  };
  std::vector<Tally> tallies(ladder.size());
  // Weights to the next hotter temperature, the last one to infinite temperature: ln Z from there.
  BlockedMeans weights(ladder.size());
  const double lowest = exact.lowest_energy();
  const auto colder = [&](std::size_t t) { return 1 / ladder[t] - (t + 1 < ladder.size() ? 1 / ladder[t + 1] : 0); };
  for (int round = 0; round < kSettle + kRounds; ++round) {
    std::vector<std::vector<reference::BinaryState>> now;
    for (std::size_t t = 0; t < ladder.size(); ++t) {
      Program program = machine.program(kSpins);
      load_torus(machine, program, true, ladder[t]);
      machine.start_at(program, states[t]);
      program.evolve(machine.time(4)).sample();
      const Result result = machine.run(program, shots);
      std::vector<reference::BinaryState> ends;
      for (std::uint32_t shot = 0; shot < shots; ++shot) {
        const auto spins = result.capture.state(shot, 0);
        std::copy(spins.begin(), spins.end(), states[t].begin() + std::size_t{shot} * kSpins);
        ends.push_back(packed(spins));
      }
      now.push_back(std::move(ends));
    }
    for (std::size_t t = 0; round >= kSettle && t < ladder.size(); ++t) {
      for (std::uint32_t shot = 0; shot < shots; ++shot) {
        const double e = exact.energies()[now[t][shot]];
        tallies[t].means.add(shot / 2, {e / kSpins, e == lowest ? 1.0 : 0.0, e * e});
        if (shot % 2 == 0 && shot + 1 < shots) {
          const double q = 1 - 2.0 * __builtin_popcount(now[t][shot] ^ now[t][shot + 1]) / kSpins;
          tallies[t].overlaps.add(shot / 2, {q * q});
        }
      }
    }
    for (std::uint32_t shot = 0; round >= kSettle && shot < shots; ++shot) {
      std::vector<double> row;
      for (std::size_t t = 0; t < ladder.size(); ++t)
        row.push_back(std::exp(colder(t) * (exact.energies()[now[t][shot]] - lowest)));
      weights.add(shot / 2, row);
    }
    for (std::size_t t = round % 2; t + 1 < ladder.size(); t += 2) {
      for (std::uint32_t shot = 0; shot < shots; ++shot) {
        const double delta = (1 / ladder[t] - 1 / ladder[t + 1]) *
                             (exact.energies()[now[t][shot]] - exact.energies()[now[t + 1][shot]]);
        if (random.uniform() < std::exp(delta)) {
          std::swap_ranges(states[t].begin() + std::size_t{shot} * kSpins, states[t].begin() + (std::size_t{shot} + 1) * kSpins,
                           states[t + 1].begin() + std::size_t{shot} * kSpins);
        }
      }
    }
  }
  for (const std::size_t t : {std::size_t{0}, std::size_t{2}, std::size_t{4}}) {
    const double temperature = ladder[t];
    bench.check("glass: ln Z" + at(temperature), exact.log_partition(temperature),
                weights.estimate([&](std::span<const double> m) {
                  double sum = kSpins * std::log(2.0) - lowest / temperature;
                  for (std::size_t hot = t; hot < ladder.size(); ++hot) sum -= std::log(m[hot]);
                  return sum;
                })).relative = 0.003;
    bench.check("glass: E/N" + at(temperature), exact.mean_energy(temperature) / kSpins, tallies[t].means.mean_estimate(0))
        .relative = 0.003;
    const double ground = exact.average(temperature, [&](reference::BinaryState state) {
      return exact.energies()[state] == lowest ? 1.0 : 0.0;
    });
    Check& share = bench.check("glass: share of the ground states" + at(temperature), ground,
                               tallies[t].means.mean_estimate(1));
    share.relative = 0.003;
    share.floor = 4e-4;
    bench.check("glass: <q^2>" + at(temperature), exact.mean_square_overlap(temperature),
                tallies[t].overlaps.mean_estimate(0)).relative = 0.003;
  }
}

void load_curie_weiss(Machine& machine, Program& program, std::uint32_t spins, double beta) {
  std::vector<double> matrix(spins * spins, -beta / spins);
  machine.load(program, CellSection::bias, 0);
  machine.copies(program, matrix, spins);
  program.commit();
}

void curie_weiss_laws(Bench& bench, std::initializer_list<std::uint32_t> sizes) {
  Machine& machine = bench.machine();
  machine.step(1, 1);
  for (const std::uint32_t spins : sizes) {
    for (const double beta : {0.5, 1.0, 1.5, 2.0}) {
      const std::uint32_t shots = machine.count(4096), records = 32;
      Program program = machine.program(spins);
      load_curie_weiss(machine, program, spins, beta);
      std::vector<float> start(std::size_t{shots} * spins);
      for (std::size_t k = 0; k < start.size(); ++k) start[k] = k / spins % 2 == 0 ? 1.0f : -1.0f;
      machine.start_at(program, start);
      program.evolve(machine.time(30)).capture_start(machine.time(3)).evolve(machine.time(3) * (records - 1));
      const Result result = machine.run(program, shots);
      BlockedMeans means(1);
      for (std::uint32_t shot = 0; shot < shots; ++shot) {
        for (std::uint32_t record = 0; record < records; ++record) {
          double m = 0;
          for (const float s : result.capture.state(shot, record)) m += s;
          means.add(shot, {m * m / spins / spins});
        }
      }
      bench.check("Curie-Weiss <m^2>, N = " + std::to_string(spins) + ", beta = " + numerics::fixed(beta).substr(0, 3),
                  reference::curie_weiss(static_cast<int>(spins), beta).mean_square_magnetisation, means.mean_estimate(0));
    }
  }
}

void curie_weiss_law(Bench& bench) { curie_weiss_laws(bench, {8, 16}); }
void curie_weiss_law_32(Bench& bench) { curie_weiss_laws(bench, {32}); }

struct Escape {
  std::uint32_t spins;
  double beta, samples;

  std::string says() const {
    return "Curie-Weiss escape time, N = " + std::to_string(spins) + ", beta = " + numerics::fixed(beta).substr(0, 3);
  }
};

// From all up to no magnetisation, one update at a time.
void escapes(Bench& bench, std::initializer_list<Escape> points) {
  Machine& machine = bench.machine();
  for (const Escape& point : points) {
    const auto& [spins, beta, samples] = point;
    machine.step(1.0 / spins, 1.0 / spins);
    const double exact = reference::curie_weiss(static_cast<int>(spins), beta).escape_time;
    std::vector<double> times;
    const std::uint32_t total = machine.count(samples), at_once = std::min(total, 4096u);
    constexpr std::uint32_t kRecords = 512;
    const double update = machine.rounded(1.0 / spins);
    while (times.size() < total) {
      std::vector<float> states(std::size_t{at_once} * spins, 1.0f);
      for (std::uint32_t chunk = 0; !states.empty(); ++chunk) {
        const auto shots = static_cast<std::uint32_t>(states.size() / spins);
        Program program = machine.program(spins);
        load_curie_weiss(machine, program, spins, beta);
        machine.start_at(program, states);
        program.capture_start(machine.time(1.0 / spins), false).evolve(machine.time(1.0 / spins) * kRecords);
        const Result result = machine.run(program, shots);
        states.clear();  // those that have not passed go on
        for (std::uint32_t shot = 0; shot < shots; ++shot) {
          std::uint32_t record = 0;
          const auto magnetised = [&] {
            const auto state = result.capture.state(shot, record);
            return std::accumulate(state.begin(), state.end(), 0.0f) != 0;
          };
          while (record < kRecords && magnetised()) ++record;
          if (record < kRecords) {
            times.push_back((chunk * kRecords + record + 1) * update);
          } else {
            const auto last = result.capture.state(shot, kRecords - 1);
            states.insert(states.end(), last.begin(), last.end());
          }
        }
      }
    }
    bench.check(point.says(), exact, measure::mean_of_independent(times));
  }
}

void curie_weiss_escape(Bench& bench) {
  escapes(bench, {{8, 0.5, 16384}, {8, 1, 16384}, {8, 1.5, 16384}, {16, 0.5, 12288}, {16, 1, 12288}});
}
void long_escapes(Bench& bench) {
  escapes(bench, {{8, 2, 16384}, {16, 1.5, 16384}, {32, 0.5, 12288}, {32, 1, 12288}});
}

// Where a direct passage would take days: milestones. Short runs start at every magnetisation between none and all up;
// their steps to the neighbouring magnetisations, counted wherever they happen, give the rates of the chain that M is
// (spins are exchangeable), and the rates the passage time.
void milestones(Bench& bench) {
  Machine& machine = bench.machine();
  for (const Escape& point : {Escape{16, 1.5, 1.3e5}, Escape{16, 2, 4e5}, Escape{32, 1.5, 7e5}, Escape{32, 2, 1.7e6}}) {
    const auto& [spins, beta, samples] = point;
    machine.step(1.0 / spins, 1.0 / spins);
    const double update = machine.rounded(1.0 / spins);
    constexpr std::uint32_t kRecords = 32, kAtOnce = 32768;
    const std::uint32_t levels = spins / 2 + 1, total = machine.count(samples, 512);
    numerics::RandomStream random(machine.next_seed());
    const auto level_of = [half = static_cast<int>(spins / 2)](std::span<const float> state) {
      return static_cast<int>(std::ranges::count_if(state, [](float s) { return s > 0; })) - half;
    };
    // Of each level k (spins/2 + k spins up): visits, steps up, steps down, per run.
    BlockedMeans means(3 * levels);
    std::vector<double> row(3 * levels);
    for (std::uint32_t done = 0; done < total; done += kAtOnce) {
      const std::uint32_t shots = std::min(kAtOnce, total - done);
      std::vector<float> states(std::size_t{shots} * spins, -1);
      for (std::uint32_t shot = 0; shot < shots; ++shot) {
        // spins/2 + k of them up, anywhere.
        for (std::uint32_t left = spins / 2 + (done + shot) % levels, i = 0; left > 0; ++i) {
          if (random.uniform() * (spins - i) < left) states[std::size_t{shot} * spins + i] = 1, --left;
        }
      }
      Program program = machine.program(spins);
      load_curie_weiss(machine, program, spins, beta);
      machine.start_at(program, states);
      program.capture_start(machine.time(1.0 / spins), false).evolve(machine.time(1.0 / spins) * kRecords);
      const Result result = machine.run(program, shots);
      for (std::uint32_t shot = 0; shot < shots; ++shot) {
        std::ranges::fill(row, 0);
        int level = level_of(std::span(states).subspan(std::size_t{shot} * spins, spins));
        for (std::uint32_t record = 0; record < kRecords; ++record) {
          const int next = level_of(result.capture.state(shot, record));
          if (level >= 0) {
            double* of_level = row.data() + 3 * level;
            of_level[0] += 1;
            if (next != level) of_level[next > level ? 1 : 2] += 1;
          }
          level = next;
        }
        means.add((done + shot) / levels, row);
      }
    }
    const auto time = [&](std::span<const double> m) {
      // T(k) down from k: 1/down(k) (1 + up(k) T(k + 1)), in updates; the sum over the levels above none.
      double sum = 0, above = 0;
      for (std::uint32_t k = levels - 1; k > 0; --k) {
        above = (m[3 * k] + m[3 * k + 1] * above) / m[3 * k + 2];
        sum += above;
      }
      return sum * update;
    };
    bench.check(point.says() + ", by milestones", reference::curie_weiss(static_cast<int>(spins), beta).escape_time,
                means.estimate(time));
  }
}

// Two spins: what they know of each other.
void pair_information(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(1, 1);
  const std::uint32_t shots = machine.count(4096), records = 24;
  Program program = machine.program(2);
  machine.load(program, CellSection::bias, 0);
  machine.couplings(program, std::vector<double>{0, -1, -1, 0});
  program.commit();
  machine.start_at(program, random_spins(machine, std::size_t{shots} * 2));
  program.evolve(machine.time(20)).capture_start(machine.time(4)).evolve(machine.time(4) * (records - 1));
  const Result result = machine.run(program, shots);
  std::vector<double> x, y;
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    for (std::uint32_t record = 0; record < records; ++record) {
      x.push_back(result.capture.state(shot, record)[0]);
      y.push_back(result.capture.state(shot, record)[1]);
    }
  }
  const double together = std::exp(1.0) / (std::exp(1.0) + std::exp(-1.0));
  const double exact = std::log(2.0) + together * std::log(together) + (1 - together) * std::log1p(-together);
  bench.check("mutual information of two spins, J = 1", exact, measure::sign_mutual_information(x, y, shots));
}

}  // namespace

std::span<const Row> ising_rows() {
  constexpr std::string_view kTorus = "cell=pbit&topology=torus:4x4&stepper=two-colour";
  constexpr std::string_view kDense = "cell=pbit&stepper=random-sequential";
  static const Row rows[] = {
      {"ferromagnet", "the 4 x 4 torus at six temperatures: energy, heat capacity, magnetisation, Binder ratio",
       {.kind = kPbit, .cells = kSpins, .coupling = 0.7, .state = 1, .pairs = torus_pairs(), .keys = kTorus,
        .best_cells = kSpins}, false, ferromagnet},
      {"surface", "free energy of the magnetisation of the 4 x 4 torus, measured and steered from another temperature",
       {.kind = kPbit, .cells = kSpins, .coupling = 0.4, .state = 1, .pairs = torus_pairs(), .keys = kTorus,
        .best_cells = kSpins}, false, free_energy_surface},
      {"swap-acceptance", "replica exchange on the 4 x 4 torus",
       {.kind = kPbit, .cells = kSpins, .coupling = 0.7, .state = 1, .pairs = torus_pairs(), .keys = kTorus,
        .best_cells = kSpins}, false, swap_acceptances},
      {"glass", "the +-J glass on the 4 x 4 torus with tempering: energy, ground states, overlap",
       {.kind = kPbit, .cells = kSpins, .coupling = 2, .state = 1, .pairs = torus_pairs(), .keys = kTorus,
        .best_cells = kSpins}, false, glass},
      {"pair-information", "mutual information of two spins",
       {.kind = kPbit, .cells = 2, .coupling = 1, .state = 1, .keys = kDense, .best_cells = kSpins}, false,
       pair_information},
      {"curie-weiss", "all-to-all spins, one at a time in random order: <m^2>",
       {.kind = kPbit, .cells = kSpins, .coupling = 0.25, .state = 1, .keys = kDense, .best_cells = kSpins}, false,
       curie_weiss_law},
      {"curie-weiss-escape", "the same: mean time from all up to no magnetisation",
       {.kind = kPbit, .cells = kSpins, .coupling = 0.2, .state = 1,
        .stepper = Stepper::random_sequential, .keys = kDense, .best_cells = kSpins}, false, curie_weiss_escape},
      {"curie-weiss-32", "32 spins: <m^2>",
       {.kind = kPbit, .cells = 32, .coupling = 0.0625, .state = 1, .keys = kDense, .best_cells = 32}, false, curie_weiss_law_32},
      {"curie-weiss-long", "longer escapes, 8 to 32 spins",
       {.kind = kPbit, .cells = 32, .coupling = 0.25, .state = 1,
        .stepper = Stepper::random_sequential, .keys = kDense, .best_cells = 32}, true, long_escapes},
      {"curie-weiss-milestones", "escapes of up to 124161 sweeps, from steps between neighbouring magnetisations",
       {.kind = kPbit, .cells = 32, .coupling = 0.125, .state = 1,
        .stepper = Stepper::random_sequential, .keys = kDense, .best_cells = 32}, true, milestones},
  };
  return rows;
}

}  // namespace heatbath::validation
