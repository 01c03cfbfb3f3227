// Claims on the device as a sampler: its temperature, its law, every coupler, and noise that is used once.

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include <Eigen/Dense>

#include "conformance/claims.hpp"
#include "conformance/expect.hpp"
#include "conformance/repeatable.hpp"
#include "heatbath/cells.h"
#include "heatbath/codes.h"
#include "heatbath/measure/certificate.hpp"
#include "heatbath/measure/irreversibility.hpp"
#include "heatbath/numerics/text.hpp"
#include "oracles/enumeration.hpp"
#include "oracles/spin_sweep_law.hpp"

namespace heatbath::conformance {
namespace {

using numerics::general;

constexpr double wrong_alarm = 1e-5;     // chance that a sound device breaks one of these claims
constexpr std::uint32_t patch_cells = 8; // coupled cells whose law is counted or inverted
constexpr double converted_gain = 0.06, converted_steps = 4;  // of a converter's part, as in the claim "readback"

/// |z| beyond which one of `count` normal numbers lies with the chance wrong_alarm.
double bound_of(std::size_t count) {
  double low = 3, high = 12;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (measure::two_sided_probability(middle) * static_cast<double>(count) > wrong_alarm ? low : high) = middle;
  }
  return high;
}

/// A fixed number in [-1, 1) for three indices (splitmix64).
double drawn(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  std::uint64_t z = a * 0x9E3779B97F4A7C15u + b * 0xC2B2AE3D27D4EB4Fu + c * 0x165667B19E3779F9u + 0x27D4EB2F165667C5u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-52 - 1;
}
float sign_of(std::uint64_t a, std::uint64_t b, std::uint64_t c) { return drawn(a, b, c) < 0 ? -1.0f : 1.0f; }

/// What a device's parameters may be off by: nothing where they are numbers and the step is known, else what converters
/// and mismatch of a part are allowed.
bool converted(const Device& device) {
  return device.capabilities().parameter_number != Number::float32 || device.step().count == 0;
}
const char* grade_of(const Device& device) { return converted(device) ? "within the tolerance of converters" : "exact"; }

double parameter_step(const Capabilities& caps, float range) {
  return caps.parameter_number == Number::float32 ? 0.0 : static_cast<double>(hb_code_step(range, caps.parameter_bits));
}
/// The nearest value that the device's codes hold.
float held(const Capabilities& caps, double value, float range) {
  if (caps.parameter_number == Number::float32) return static_cast<float>(value);
  return hb_code_to_value(hb_value_to_code(static_cast<float>(value), range, caps.parameter_bits), range, caps.parameter_bits);
}

bool is_spin(const Capabilities& caps) { return caps.cell_kind == CellKind::pbit; }
bool is_phase(const Capabilities& caps) { return caps.cell_kind == CellKind::phase; }
bool has_inertia(const Capabilities& caps) {
  return caps.cell_kind == CellKind::underdamped || caps.cell_kind == CellKind::rlc;
}

/// The claims here are about cells with one number and one bias each.
void needs_one_number(const Capabilities& caps) {
  if (caps.cell_kind == CellKind::categorical) throw Skipped("its cells are categorical, which statistics.states judges");
}

double usable_kT(const Capabilities& caps, double wanted) {
  if (!caps.kT_programmable) return static_cast<double>(caps.kT_reset);
  return std::clamp(wanted, static_cast<double>(caps.kT_min), static_cast<double>(caps.kT_max));
}

/// Of the networks that are sampled.
constexpr std::uint32_t most_sampled_cells = 32;

/// A random network in patches of a few coupled cells, in the device's units; values are such that its codes hold.
struct Patches {
  std::uint32_t cells = 0;
  double kT = 0, j2 = 0;
  std::vector<float> bias;
  std::vector<Coupling> couplings;
  std::vector<std::vector<std::uint32_t>> members;

  explicit Patches(const Capabilities& caps) {
    cells = std::min(caps.cells, most_sampled_cells);
    const bool spins = is_spin(caps);
    kT = usable_kT(caps, spins ? 1 : 0.25);
    j2 = spins || is_phase(caps) ? 0 : static_cast<double>(held(caps, std::min(1.5f, caps.range_j2 * 0.75f), caps.range_j2));
    // Of positions a row of 7 couplings stays below a third of the stiffness 2 J2.
    const double strength = std::min(spins ? 0.3 * kT : is_phase(caps) ? 0.5 * kT : 0.25 * j2, 0.9 * static_cast<double>(caps.range_coupling));
    const double field = std::min(spins || is_phase(caps) ? 0.5 * kT : 0.5, 0.9 * static_cast<double>(caps.range_bias));
    for (std::uint32_t i = 0; i < cells; ++i)
      bias.push_back(held(caps, is_phase(caps) ? -2 * field : field * (0.6 + 0.4 * drawn(i, 0, 1)) * static_cast<double>(sign_of(i, 1, 1)), caps.range_bias));
    std::vector<std::uint32_t> patch(cells);
    std::iota(patch.begin(), patch.end(), 0u);
    const auto size = [&](std::uint32_t of) { return std::ranges::count(patch, of); };
    const auto couple = [&](std::uint32_t i, std::uint32_t j) {
      const std::uint32_t a = patch[i], b = patch[j];
      if (a != b && size(a) + size(b) > static_cast<std::ptrdiff_t>(patch_cells)) return;
      std::ranges::replace(patch, std::max(a, b), std::min(a, b));
      couplings.push_back({i, j, held(caps, strength * (0.6 + 0.4 * drawn(i, j, 2)) * static_cast<double>(sign_of(i, j, 3)), caps.range_coupling)});
    };
    if (caps.cell_kind != CellKind::rlc) {  // whose couplings are capacitances
      if (caps.sparse()) {
        for (const Coupler& at : Program(caps, cells).couplers()) couple(at.i, at.j);
      } else {
        for (std::uint32_t i = 0; i < cells; ++i)
          for (std::uint32_t j = i + 1; j < cells; ++j) couple(i, j);
      }
    }
    std::map<std::uint32_t, std::vector<std::uint32_t>> by_patch;
    for (std::uint32_t i = 0; i < cells; ++i) by_patch[patch[i]].push_back(i);
    for (auto& [of, list] : by_patch) members.push_back(std::move(list));
  }

  void load_into(Program& program) const {
    const Capabilities& caps = program.capabilities();
    if (j2 > 0) program.load(CellSection::j2, static_cast<float>(j2));
    if (has_section(caps.cell_kind, HB_SECTION_J4) && caps.stepper != Stepper::exact_ou) program.load(CellSection::j4, 0.0f);
    program.load(CellSection::bias, bias);
    std::vector<Coupling> list = couplings;
    if (caps.couplings_full)
      for (const Coupling& one : couplings) list.push_back({one.j, one.i, one.value});
    if (list.empty())
      program.load_gain(0);
    else
      program.load_coupling_list(list).load_gain(1);
    program.at_temperature(static_cast<float>(kT)).commit();
  }

  measure::EnergyView view(const Capabilities& caps) const {
    measure::EnergyView view;
    view.cells = cells;
    view.spins = is_spin(caps);
    const bool phases = is_phase(caps);
    view.at = [this, phases](std::span<const float> x, std::span<double> slopes) {
      measure::LocalEnergy local;
      for (std::uint32_t i = 0; i < cells; ++i) {
        const auto here = static_cast<double>(x[i]), b = static_cast<double>(bias[i]);
        local.energy += phases ? b * std::cos(here) : here * (b + j2 * here);
        slopes[i] = phases ? -b * std::sin(here) : b + 2 * j2 * here;
        local.laplacian += phases ? -b * std::cos(here) : 2 * j2;
      }
      for (const auto& [i, j, value] : couplings) {
        const auto a = static_cast<double>(x[i]), b = static_cast<double>(x[j]), J = static_cast<double>(value);
        local.energy += J * (phases ? std::cos(a - b) : a * b);
        slopes[i] += phases ? -J * std::sin(a - b) : J * b;
        slopes[j] += phases ? J * std::sin(a - b) : J * a;
        if (phases) local.laplacian -= 2 * J * std::cos(a - b);
      }
      return local;
    };
    return view;
  }
};

/// Time in which cells of stiffness `k` forget a start to e^-times, in time units; sweeps of spins.
double forgetting(const Capabilities& caps, double k, double times) {
  if (is_spin(caps)) return std::ceil(4 * times);
  if (has_inertia(caps)) return 2 * times * std::max(1.0, 1 / k);
  return times / (static_cast<double>(caps.mobility) * k);
}

/// Samples of the patches after a start from clamped cells: shots of several records.
Capture sampled(Device& device, const Patches& patches, std::uint32_t shots, std::uint32_t records) {
  const Capabilities& caps = device.capabilities();
  Program program(caps, patches.cells);
  patches.load_into(program);
  const double stiff = is_spin(caps) ? 1 : is_phase(caps) ? patches.kT : 1.3 * patches.j2;  // the softest mode, about
  program.clamp(0, patches.cells, 0.0f).evolve(device.capture_period(Ticks{1})).release(0, patches.cells);
  program.evolve(device.nearest_ticks(forgetting(caps, stiff, 8)));
  const Ticks apart = device.capture_period(device.nearest_ticks(forgetting(caps, stiff, 1.5)));
  program.loop_begin(records).evolve(apart).sample().loop_end();
  return device.run(program, repeatable(caps, shots, 71)).capture;
}

/// Mean of a number per shot, with the error of the scatter of the shots.
struct OfShots {
  double sum = 0, squares = 0, count = 0;
  void add(double value) {
    sum += value;
    squares += value * value;
    ++count;
  }
  double mean() const { return sum / count; }
  double error() const { return std::sqrt(std::max(squares / count - mean() * mean(), 1e-12) / (count - 1)); }
};

/// Means and pairs of the exact law of a patch: of linear cells the inverse of the stiffness, of spins counted states.
struct PatchLaw {
  std::vector<double> mean;
  Eigen::MatrixXd second;  // <x_i x_j>
};
PatchLaw law_of(const Patches& patches, const std::vector<std::uint32_t>& members, bool spins) {
  const auto n = static_cast<Eigen::Index>(members.size());
  const auto place = [&](std::uint32_t cell) {
    return static_cast<Eigen::Index>(std::ranges::find(members, cell) - members.begin());
  };
  PatchLaw law{std::vector<double>(members.size()), Eigen::MatrixXd::Zero(n, n)};
  if (spins) {
    std::vector<reference::Bond> bonds;
    std::vector<double> bias;
    for (const auto& [i, j, value] : patches.couplings)
      if (place(i) < n) bonds.push_back({static_cast<int>(place(i)), static_cast<int>(place(j)), static_cast<double>(value)});
    for (const std::uint32_t cell : members) bias.push_back(static_cast<double>(patches.bias[cell]));
    const reference::Enumeration counted(static_cast<int>(n), bonds, bias);
    law.second = counted.correlations(patches.kT);
    for (int i = 0; i < static_cast<int>(n); ++i)
      law.mean[static_cast<std::size_t>(i)] =
          counted.average(patches.kT, [i](reference::BinaryState state) { return reference::spin(state, i); });
    return law;
  }
  Eigen::MatrixXd stiffness = Eigen::MatrixXd::Identity(n, n) * (2 * patches.j2);
  Eigen::VectorXd bias(n);
  for (Eigen::Index i = 0; i < n; ++i) bias[i] = static_cast<double>(patches.bias[members[static_cast<std::size_t>(i)]]);
  for (const auto& [i, j, value] : patches.couplings)
    if (place(i) < n) stiffness(place(i), place(j)) = stiffness(place(j), place(i)) = static_cast<double>(value);
  const Eigen::MatrixXd inverse = stiffness.inverse();
  const Eigen::VectorXd mean = -inverse * bias;
  law.second = patches.kT * inverse + mean * mean.transpose();
  std::copy(mean.begin(), mean.end(), law.mean.begin());
  return law;
}

/// Pairs of cells on two sides, all of them over the rounds: a cell lies on the side of bit `round` of its number.
bool on_side(std::uint32_t cell, std::uint32_t round, bool swapped) { return ((cell >> round & 1) != 0) != swapped; }

double correlation(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// Rows of unit length and mean 0, one per shot: all its records, of uncoupled cells, as long after one another as they
/// remember.
std::vector<std::vector<double>> noise_of_shots(Device& device, std::uint32_t cells, std::uint32_t shots, std::uint32_t records,
                                                std::uint64_t seed, std::uint32_t first_shot) {
  const Capabilities& caps = device.capabilities();
  const double k = 2 * (is_phase(caps) ? 0.5 : std::min(1.0, static_cast<double>(caps.range_j2)));
  Program program(caps, cells);
  if (has_section(caps.cell_kind, HB_SECTION_J2) && !is_phase(caps)) program.load(CellSection::j2, static_cast<float>(k / 2));
  if (has_section(caps.cell_kind, HB_SECTION_J4) && caps.stepper != Stepper::exact_ou) program.load(CellSection::j4, 0.0f);
  program.load(CellSection::bias, is_phase(caps) ? std::max(-1.0f, -caps.range_bias) : 0.0f).load_gain(0);
  program.at_temperature(static_cast<float>(usable_kT(caps, 0.25))).commit();
  program.clamp(0, cells, 0.0f).evolve(device.capture_period(Ticks{1})).release(0, cells);
  const Ticks apart = device.capture_period(device.nearest_ticks(is_spin(caps) ? 1 : forgetting(caps, k, 4)));
  program.loop_begin(records).evolve(apart).sample().loop_end();
  const Capture capture = device.run(program, repeatable(caps, shots, seed, first_shot)).capture;
  std::vector<double> mean(cells, 0.0);
  for (std::uint32_t shot = 0; shot < shots; ++shot)
    for (std::uint32_t record = 0; record < records; ++record)
      for (std::uint32_t cell = 0; cell < cells; ++cell) mean[cell] += static_cast<double>(capture.state(shot, record)[cell]) / shots / records;
  std::vector<std::vector<double>> rows;
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    std::vector<double> row;
    for (std::uint32_t record = 0; record < records; ++record)
      for (std::uint32_t cell = 0; cell < cells; ++cell) row.push_back(static_cast<double>(capture.state(shot, record)[cell]) - mean[cell]);
    const double length = std::sqrt(correlation(row, row));
    expect(length > 0, "uncoupled cells do not move: shot " + std::to_string(shot) + " has one state in all of its records");
    for (double& value : row) value /= length;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

namespace checks {

std::string sampler_law(Device& device) {
  const Capabilities& caps = device.capabilities();
  needs_one_number(caps);
  constexpr std::uint32_t records = 8;
  const Patches patches(caps);
  // What a sample says of the temperature grows with its cells: as many samples of few cells as say the same.
  const std::uint32_t shots = 512 * ((most_sampled_cells + patches.cells - 1) / patches.cells);
  const Capture capture = sampled(device, patches, shots, records);
  const bool loose = converted(device);
  const double dt = device.time_units(device.step());
  // Finite steps move variances by half of step times stiffness: of the stiffest cell, twice that is allowed.
  const double of_step = is_spin(caps) || caps.stepper == Stepper::exact_ou ? 0 : dt * static_cast<double>(caps.mobility) * (4 * patches.j2 + 2 * patches.kT);
  const double tolerance = of_step + (loose ? silicon_tolerance : 0);

  const measure::Certificate certificate = measure::certify(capture.values(), shots, patches.view(caps), {.kT = patches.kT});
  const double beta = certificate.inverse_temperature.value * patches.kT, error = certificate.inverse_temperature.standard_error * patches.kT;
  expect(std::isfinite(beta) && std::fabs(beta - 1) <= bound_of(1) * error + tolerance,
         "the effective inverse temperature of its samples is " + general(beta) + " +- " + general(error, 2) +
             " of the one asked for (tolerance " + general(tolerance, 2) + ")");
  expect(error < 0.01, "its samples are worth " + general(certificate.effective_samples, 3) + " independent ones of " +
                           std::to_string(certificate.samples) + ": they hardly move");
  const std::string kept = "inverse temperature " + general(beta, 4) + " +- " + general(error, 2) + " of the wanted, " + grade_of(device);
  if (is_phase(caps)) return kept;

  std::size_t numbers = 0;
  for (const auto& members : patches.members) numbers += members.size() * (members.size() + 3) / 2;
  const double bound = bound_of(numbers);
  const double shift = loose ? converted_steps * parameter_step(caps, caps.range_bias) / (is_spin(caps) ? patches.kT : patches.j2) : 0;
  const double part = tolerance + (loose ? converted_gain : 0);
  for (const auto& members : patches.members) {
    const PatchLaw law = law_of(patches, members, is_spin(caps));
    for (std::size_t a = 0; a < members.size(); ++a) {
      for (std::size_t b = 0; b <= members.size(); ++b) {  // b == size: the mean
        if (b < a || (b == a && is_spin(caps))) continue;
        OfShots of;
        for (std::uint32_t shot = 0; shot < shots; ++shot) {
          double sum = 0;
          for (std::uint32_t record = 0; record < records; ++record) {
            const auto x = capture.state(shot, record);
            sum += static_cast<double>(x[members[a]]) * (b < members.size() ? static_cast<double>(x[members[b]]) : 1);
          }
          of.add(sum / records);
        }
        const auto ia = static_cast<Eigen::Index>(a), ib = static_cast<Eigen::Index>(b);
        const bool pair = b < members.size();
        const double exact = pair ? law.second(ia, ib) : law.mean[a];
        const double scale = pair ? std::sqrt(law.second(ia, ia) * law.second(ib, ib)) : std::sqrt(law.second(ia, ia));
        const double allowed = bound * of.error() + part * scale + shift * (pair ? 2 * scale : 1);
        expect(std::fabs(of.mean() - exact) <= allowed,
               "<x" + std::to_string(members[a]) + (pair ? " x" + std::to_string(members[b]) : std::string()) + "> is " + general(of.mean()) +
                   ", expected " + general(exact) + " +- " + general(of.error(), 2) + " (allowed " + general(allowed, 2) + ")");
      }
    }
  }
  return kept;
}

std::string sampler_couplers(Device& device) {
  const Capabilities& caps = device.capabilities();
  needs_one_number(caps);
  const bool spins = is_spin(caps), loose = converted(device);
  if (caps.cell_kind == CellKind::rlc || is_phase(caps))
    throw Skipped(std::string("its cells are ") + name(caps.cell_kind) + ", which other claims couple");
  const std::uint32_t cells = std::min(caps.cells, spins || loose ? 64u : 256u);
  if (cells < 2) throw Skipped("the device has one cell");
  std::vector<Coupler> couplers = Program(caps, cells).couplers();
  if (!caps.sparse())
    for (std::uint32_t i = 0; i < cells; ++i)
      for (std::uint32_t j = i + 1; j < cells; ++j) couplers.push_back({i, j});
  // Partners of a free cell at a time: gains of a part that scatter must not add up to one coupler.
  const std::uint32_t together = loose ? 8 : cells;
  const double k = spins ? 0 : 2 * static_cast<double>(held(caps, std::min(1.0f, caps.range_j2), caps.range_j2));
  const double dt = device.time_units(device.step()) * static_cast<double>(caps.mobility);
  std::vector<bool> seen(couplers.size());

  for (std::uint32_t round = 0; (cells - 1) >> round != 0; ++round) {
    for (const bool swapped : {false, true}) {
      for (std::uint32_t group = 0;; ++group) {
        std::vector<std::vector<std::size_t>> partners(cells);  // of free cells, by coupler
        std::size_t most = 0;
        for (std::size_t c = 0; c < couplers.size(); ++c) {
          const auto [i, j] = couplers[c];
          if (on_side(i, round, swapped) == on_side(j, round, swapped)) continue;
          const std::uint32_t free = on_side(i, round, swapped) ? j : i;
          partners[free].push_back(c);
        }
        for (auto& list : partners) {
          const std::size_t first = std::min<std::size_t>(std::size_t{group} * together, list.size());
          list = {list.begin() + static_cast<std::ptrdiff_t>(first),
                  list.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(first + together, list.size()))};
          most = std::max(most, list.size());
        }
        if (most == 0) break;
        const double spread = std::sqrt(static_cast<double>(most));
        const double J = static_cast<double>(held(caps, std::min(0.25, 0.9 * static_cast<double>(caps.range_coupling)), caps.range_coupling));
        const double B = static_cast<double>(held(caps, std::min(J, 0.9 * static_cast<double>(caps.range_bias)), caps.range_bias));
        std::vector<Coupling> list;
        std::vector<double> field(cells, 0.0);
        std::vector<float> hold(cells, 0.0f);
        for (std::uint32_t cell = 0; cell < cells; ++cell)
          if (on_side(cell, round, swapped)) hold[cell] = sign_of(cell, round, 10 + group);
        std::vector<float> bias(cells, 0.0f);
        for (std::uint32_t free = 0; free < cells; ++free) {
          if (partners[free].empty()) continue;
          bias[free] = static_cast<float>(B) * sign_of(free, round, 30 + group);
          field[free] = static_cast<double>(bias[free]);
          for (const std::size_t c : partners[free]) {
            const auto [i, j] = couplers[c];
            const float value = static_cast<float>(J) * sign_of(c, round, 20 + group + (swapped ? 1000 : 0));
            list.push_back({i, j, value});
            if (caps.couplings_full) list.push_back({j, i, value});
            field[free] += static_cast<double>(value) * static_cast<double>(hold[i == free ? j : i]);
            seen[c] = true;
          }
        }
        double largest = 0;
        for (const double value : field) largest = std::max(largest, std::fabs(value));
        // As cold as the device can be; but the increments of a lattice walk must be able to carry the force.
        const double cold = caps.stepper == Stepper::lattice_walk ? largest * largest * dt : 1e-4;
        const double kT = usable_kT(caps, spins ? J * spread : cold);
        Program program(caps, cells);
        if (!spins) program.load(CellSection::j2, static_cast<float>(k / 2));
        if (has_section(caps.cell_kind, HB_SECTION_J4) && caps.stepper != Stepper::exact_ou) program.load(CellSection::j4, 0.0f);
        program.load(CellSection::bias, bias).load_coupling_list(list).load_gain(1).at_temperature(static_cast<float>(kT)).commit();
        // Free cells from 0, or from +1: they forget it.
        program.clamp(0, hold).evolve(device.capture_period(Ticks{1}));
        for (std::uint32_t cell = 0; cell < cells; ++cell)
          if (!on_side(cell, round, swapped)) program.release(cell, 1);
        // The change that one coupler makes, and samples enough to see it.
        const double effect = spins ? 0.4 * J / kT : J / k;
        const double scatter = spins ? 1 : std::sqrt(kT / k);
        const auto samples = static_cast<std::uint32_t>(std::clamp(std::pow(15 * scatter / effect, 2), 8.0, 30000.0));
        const std::uint32_t records = std::min(samples, spins ? 64u : 1u), shots = (samples + records - 1) / records;
        program.evolve(device.nearest_ticks(spins ? 2 : forgetting(caps, k, 9)));
        program.loop_begin(records).sample().evolve(device.capture_period(device.nearest_ticks(spins ? 1 : forgetting(caps, k, 1)))).loop_end();
        const Capture capture = device.run(program, repeatable(caps, shots, 72)).capture;
        const double bound = bound_of(cells * 16);
        for (std::uint32_t free = 0; free < cells; ++free) {
          if (partners[free].empty()) continue;
          double sum = 0;
          for (std::uint32_t shot = 0; shot < shots; ++shot)
            for (std::uint32_t record = 0; record < records; ++record) sum += static_cast<double>(capture.state(shot, record)[free]);
          const double found = sum / shots / records, count = static_cast<double>(shots) * records;
          const double exact = spins ? -std::tanh(field[free] / kT) : -field[free] / k;
          const double error = spins ? std::sqrt(std::max(1 - exact * exact, 1 / count) / count) : scatter / std::sqrt(count);
          // Gains of the couplers scatter independently, that of the cell and its offset do not.
          const double slope = spins ? (1 - exact * exact) / kT : 1 / k;
          double systematic = 2e-4 * std::fabs(exact) + 1e-5;
          if (loose)
            systematic += slope * (converted_gain * J * std::sqrt(static_cast<double>(partners[free].size())) +
                                   converted_steps / 2 * parameter_step(caps, caps.range_bias)) +
                          converted_gain * std::fabs(exact) * (spins ? 0 : 1) + (spins ? 0 : static_cast<double>(caps.range_state) / 1024);
          expect(std::fabs(found - exact) <= bound * error + systematic,
                 "cell " + std::to_string(free) + " under " + std::to_string(partners[free].size()) + " couplings to clamped cells has the mean " +
                     general(found) + ", expected " + general(exact) + " +- " + general(error, 2) + " (systematic " + general(systematic, 2) + ")");
        }
        if (together >= cells) break;
      }
    }
  }
  const auto count = static_cast<std::size_t>(std::ranges::count(seen, true));
  return std::to_string(count) + " couplers, " + grade_of(device);
}

std::string sampler_independence(Device& device) {
  const Capabilities& caps = device.capabilities();
  needs_one_number(caps);
  const std::uint32_t cells = std::min(caps.cells, 64u), records = std::max(16u, (1024 + cells - 1) / cells);
  const std::uint32_t shots = std::clamp(caps.lanes, 8u, 128u);
  const auto first = noise_of_shots(device, cells, shots, records, 73, 0);
  const auto length = static_cast<double>(first[0].size());

  // Cells of a shot: the sum over them has the variance of as many independent ones.
  double together = 0;
  for (const auto& row : first) {
    for (std::uint32_t record = 0; record < records; ++record) {
      double sum = 0;
      for (std::uint32_t cell = 0; cell < cells; ++cell) sum += row[record * cells + cell];
      together += sum * sum;
    }
  }
  const double ratio = together / shots, count = static_cast<double>(shots) * records;
  expect(std::fabs(ratio - 1) <= bound_of(2) * std::sqrt(2 / count) + 0.01,
         "uncoupled cells move together: the variance of their sum is " + general(ratio) + " of that of independent cells");

  const double bound = bound_of(std::size_t{4} * shots * shots) / std::sqrt(length) + 0.02;
  const auto compare = [&](const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b, bool same, const std::string& what) {
    for (std::size_t i = 0; i < a.size(); ++i)
      for (std::size_t j = same ? i + 1 : 0; j < b.size(); ++j) {
        const double r = correlation(a[i], b[j]);
        expect(std::fabs(r) <= bound, "the noise of shots " + std::to_string(i) + " and " + std::to_string(j) + " " + what +
                                          " is correlated: " + general(r, 3) + " (allowed " + general(bound, 2) + ")");
      }
  };
  compare(first, first, true, "of one job");
  compare(first, noise_of_shots(device, cells, shots, records, 73, shots), false, "of two jobs of one seed");
  if (caps.seeded) compare(first, noise_of_shots(device, cells, shots, records, 74, 0), false, "of two seeds");
  return std::to_string(shots) + " shots of 2 jobs, " + std::to_string(cells) + " cells";
}

std::string sampler_sweeps(Device& device) {
  const Capabilities& caps = device.capabilities();
  if (!is_spin(caps)) throw Skipped("its cells are no p-bits");
  if (caps.stepper != Stepper::sequential) throw Skipped("its sweeps are not in the order of the cells");
  const std::uint32_t cells = std::min(caps.cells, 6u);
  constexpr std::uint32_t shots = 16384;
  const double kT = usable_kT(caps, 1);
  reference::Spins spins{Eigen::MatrixXd::Zero(cells, cells), Eigen::VectorXd::Zero(cells), Eigen::VectorXd::Constant(cells, kT), std::vector<bool>(cells)};
  std::vector<Coupling> list;
  std::vector<Coupler> couplers = Program(caps, cells).couplers();
  if (!caps.sparse())
    for (std::uint32_t i = 0; i < cells; ++i)
      for (std::uint32_t j = i + 1; j < cells; ++j) couplers.push_back({i, j});
  std::vector<float> bias;
  for (std::uint32_t i = 0; i < cells; ++i) {
    bias.push_back(held(caps, std::min(0.3 * kT, 0.9 * static_cast<double>(caps.range_bias)) * drawn(i, 4, 4), caps.range_bias));
    spins.bias[i] = static_cast<double>(bias[i]);
  }
  for (const auto [i, j] : couplers) {
    const float value = held(caps, std::min(0.5 * kT, 0.9 * static_cast<double>(caps.range_coupling)) * static_cast<double>(sign_of(i, j, 5)), caps.range_coupling);
    list.push_back({i, j, value});
    if (caps.couplings_full) list.push_back({j, i, value});
    spins.coupling(i, j) = spins.coupling(j, i) = static_cast<double>(value);
  }
  const Ticks sweep = device.ticks(1);
  Program program(caps, cells);
  program.load(CellSection::bias, bias);
  if (list.empty()) program.load_gain(0);
  else program.load_coupling_list(list).load_gain(1);
  program.at_temperature(static_cast<float>(kT)).commit().clamp(0, cells, 1.0f).evolve(sweep).release(0, cells);
  program.evolve(sweep).sample().evolve(sweep).sample();
  const Capture capture = device.run(program, repeatable(caps, shots, 75)).capture;
  reference::SpinSweepLaw law(cells, (1u << cells) - 1);
  const double bound = bound_of(cells * (cells + 1)), part = converted(device) ? silicon_tolerance : 0;
  for (std::uint32_t record = 0; record < 2; ++record) {
    for (std::uint32_t cell = 0; cell < cells; ++cell) law.update(spins, cell);
    for (std::uint32_t a = 0; a < cells; ++a) {
      for (std::uint32_t b = a; b < cells; ++b) {
        double sum = 0;
        for (std::uint32_t shot = 0; shot < shots; ++shot) {
          const auto s = capture.state(shot, record);
          sum += static_cast<double>(a == b ? s[a] : s[a] * s[b]);
        }
        const double found = sum / shots, exact = a == b ? law.mean(a) : law.pair(a, b);
        const double error = std::sqrt(std::max(1 - exact * exact, 1e-4) / shots);
        expect(std::fabs(found - exact) <= bound * error + part,
               "after " + std::to_string(record + 1) + " sweeps from +1 <s" + std::to_string(a) + (a == b ? std::string() : " s" + std::to_string(b)) +
                   "> is " + general(found) + ", of cells updated in order it is " + general(exact) + " +- " + general(error, 2));
      }
    }
  }
  return grade_of(device);
}

std::string meter_signs(Device& device) {
  const Capabilities& caps = device.capabilities();
  needs(caps.meters, "METERS");
  needs_one_number(caps);
  if (has_inertia(caps) || is_phase(caps)) throw Skipped(std::string("its cells are ") + name(caps.cell_kind) + ", whose energies stand in statistics");
  const std::uint32_t cells = std::min(4u, caps.cells), shots = 8;
  const bool stiff = has_section(caps.cell_kind, HB_SECTION_J2);
  const float j2 = stiff ? held(caps, std::min(1.0f, caps.range_j2), caps.range_j2) : 0, at = stiff ? 1.5f : 1.0f;
  const float before = held(caps, std::min(0.5f, caps.range_bias), caps.range_bias), after = held(caps, -0.25 * static_cast<double>(before), caps.range_bias);
  Program program(caps, cells);
  if (stiff) program.load(CellSection::j2, j2);
  if (has_section(caps.cell_kind, HB_SECTION_J4) && caps.stepper != Stepper::exact_ou) program.load(CellSection::j4, 0.0f);
  program.load(CellSection::bias, before).load_gain(0).at_temperature(static_cast<float>(usable_kT(caps, 0.05))).commit();
  program.clamp(0, cells, at).evolve(device.capture_period(Ticks{1})).meter_clear().meter_snapshot();
  program.load(CellSection::bias, after).commit().meter_snapshot();
  program.release(0, cells).evolve(device.nearest_ticks(forgetting(caps, stiff ? 2 * static_cast<double>(j2) : 1, 5))).sample().meter_snapshot();
  const Result result = device.run(program, repeatable(caps, shots, 76));
  const auto n = static_cast<double>(cells), x = static_cast<double>(at), part = converted(device) ? 0.15 : 1e-3;
  const auto energy = [&](double bias, double state) { return state * (bias + static_cast<double>(j2) * state); };
  const auto close = [&](double found, double wanted, const std::string& what) {
    expect(std::fabs(found - wanted) <= part * n * energy(static_cast<double>(before), x) + 1e-4,
           what + " is metered as " + general(found) + ", its states and parameters say " + general(wanted));
  };
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    const hb_meters_t &held_there = result.meters[0][shot], &changed = result.meters[1][shot], &relaxed = result.meters[2][shot];
    close(held_there.energy, n * energy(static_cast<double>(before), x), "the energy of clamped cells");
    close(changed.work, n * x * static_cast<double>(after - before), "the work of a change of their biases");
    double there = 0;
    for (std::uint32_t cell = 0; cell < cells; ++cell) there += energy(static_cast<double>(after), static_cast<double>(result.capture.state(shot, 0)[cell]));
    close(relaxed.energy, there, "the energy of relaxed cells");
    close(relaxed.heat - changed.heat, n * energy(static_cast<double>(after), x) - there, "the heat given off while they relaxed");
  }
  return {};
}

}  // namespace checks
}  // namespace heatbath::conformance
