// Phases and p-bits: averages of every stepper x condition after some long steps, against operators of these very
// steps: quadrature over the noise of two phases, the vector of all states of four spins.
#include "heatbath/open.hpp"
#include "oracles/spin_sweep_law.hpp"
#include "oracles/stepped_phase_law.hpp"
#include "tests/crossed/crossed.hpp"

namespace heatbath::crossed {
namespace {

struct Row {
  std::string stepper;
  Condition condition;

  std::string name() const {
    std::string text = stepper + condition.name();
    std::erase(text, '-');
    return text;
  }
  friend std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name(); }
};

std::string name_of(const ::testing::TestParamInfo<Row>& info) { return info.param.name(); }

std::vector<Row> rows_of(std::initializer_list<const char*> steppers) {
  std::vector<Row> rows;
  for (const char* stepper : steppers)
    for (const Condition& condition : conditions(true)) rows.push_back({stepper, condition});
  return rows;
}

float between(float a, float b, double part) { return a + static_cast<float>(part) * (b - a); }

// -- phases -----------------------------------------------------------------------------------------------------------

struct PhaseLoad {
  std::vector<float> bias, j2, frequency, coupling, kT;
};

class PhasesOf : public ::testing::TestWithParam<Row> {};

TEST_P(PhasesOf, FollowTheLawOfTheirSteps) {
  constexpr double dt = 0.08;
  constexpr int steps = 10;
  const Row& row = GetParam();
  const Condition& c = row.condition;
  Numbers draw("phase" + row.name());
  const auto drawn = [&] {
    PhaseLoad load;
    for (int i = 0; i < 2; ++i) {
      load.bias.push_back(draw.single(-0.9, 0.9));
      load.j2.push_back(draw.single(-0.4, 0.4));
      load.frequency.push_back(draw.single(-1.5, 1.5));
      load.kT.push_back(c.temperatures || i == 0 ? draw.single(0.5, 1.3) : load.kT[0]);
    }
    const float pull = draw.single(-1.1, 1.1);
    load.coupling = {0, pull, c.one_way ? draw.single(-1.1, 1.1) : pull, 0};
    return load;
  };
  const PhaseLoad from = drawn();
  PhaseLoad to = c.ramp ? drawn() : from;
  to.kT = from.kT;
  const std::array<float, 2> start{draw.single(-2.5, 2.5), draw.single(-2.5, 2.5)}, held_at{draw.single(-2.5, 2.5), draw.single(-2.5, 2.5)};

  Device device = open("func:cells=2&lanes=4096&cell=phase&stepper=" + row.stepper + (c.one_way ? "&reciprocal=no" : ""));
  device.set_step_time_units(dt);
  Program program(device.capabilities(), 2);
  const auto load = [&](const PhaseLoad& p) {
    program.load(CellSection::bias, p.bias).load(CellSection::j2, p.j2).load(CellSection::frequency, p.frequency);
    program.load(CellSection::kT, p.kT).load_couplings(p.coupling).load_gain(1.0f);
  };
  load(from);
  program.commit().set(0, start);
  // A mask of two cells: the first is held, then the second. The oracle goes back through all steps; held phases are
  // put in their place by a start of their own, so the second half of a mask begins where the first was released.
  const bool held_first = c.mask, held_second = c.clamp;
  if (held_first) program.clamp(0, 1, held_at[0]);
  if (held_second) program.clamp(1, 1, held_at[1]);
  const Ticks time = device.step() * std::uint64_t{steps};
  if (c.ramp) {
    load(to);
    program.ramp(time);
  } else {
    program.evolve(time);
  }
  if (c.mask) program.release(0, 1).evolve(time);
  program.sample();

  const auto rule = row.stepper == "heun"                  ? reference::PhaseRule::heun
                    : row.stepper == "leimkuhler-matthews" ? reference::PhaseRule::leimkuhler_matthews
                                                           : reference::PhaseRule::euler_maruyama;
  const auto at = [&](int step) {
    const double part = !c.ramp ? 0 : std::min(1.0, (step + (rule == reference::PhaseRule::heun ? 0.5 : 0.0)) / steps);
    reference::TwoPhases p;
    for (std::size_t i = 0; i < 2; ++i) {
      p.bias[i] = between(from.bias[i], to.bias[i], part);
      p.j2[i] = between(from.j2[i], to.j2[i], part);
      p.frequency[i] = between(from.frequency[i], to.frequency[i], part);
      p.coupling[i] = between(from.coupling[i == 0 ? 1 : 2], to.coupling[i == 0 ? 1 : 2], part);
      p.temperature[i] = from.kT[i];
    }
    p.held = {held_first && step < steps, held_second};
    p.mobility = static_cast<double>(device.capabilities().mobility);
    return p;
  };
  const std::vector<std::pair<std::string, std::function<double(double, double)>>> observables{
      {"cos of 0", [](double a, double) { return std::cos(a); }},
      {"sin of 0", [](double a, double) { return std::sin(a); }},
      {"cos of 1", [](double, double b) { return std::cos(b); }},
      {"sin of 1", [](double, double b) { return std::sin(b); }},
      {"cos of the difference", [](double a, double b) { return std::cos(a - b); }},
      {"sin of the difference", [](double a, double b) { return std::sin(a - b); }},
      {"cos of twice 0", [](double a, double) { return std::cos(2 * a); }}};
  std::vector<std::function<double(double, double)>> functions;
  for (const auto& [what, f] : observables) functions.push_back(f);
  const std::vector<double> exact = reference::stepped_phase_averages(
      at, rule, dt, c.mask ? 2 * steps : steps,
      {held_first ? held_at[0] : start[0], held_second ? held_at[1] : start[1]}, functions);

  const Result result = device.run(program, {.shots = shots, .seed = draw.seed()});
  for (std::size_t f = 0; f < observables.size(); ++f) {
    std::vector<double> values;
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const auto th = result.capture.state(shot, 0);
      values.push_back(functions[f](th[0], th[1]));
    }
    expect_mean(values, exact[f], observables[f].first);
  }
}

INSTANTIATE_TEST_SUITE_P(Crossed, PhasesOf, ::testing::ValuesIn(rows_of({"euler-maruyama", "heun", "leimkuhler-matthews"})),
                         name_of);

// -- p-bits -----------------------------------------------------------------------------------------------------------

class SpinsOf : public ::testing::TestWithParam<Row> {};

TEST_P(SpinsOf, FollowTheLawOfTheirSweeps) {
  constexpr std::uint32_t n = 4;
  constexpr int sweeps = 3;
  const Row& row = GetParam();
  const Condition& c = row.condition;
  Numbers draw("pbit" + row.name());
  const bool ring = row.stepper == "two-colour", drawn_cells = row.stepper == "random-sequential";
  struct Load {
    std::vector<float> bias, coupling, kT;
  };
  const auto drawn = [&] {
    Load load;
    load.coupling.assign(n * n, 0.0f);
    for (std::uint32_t i = 0; i < n; ++i) {
      load.bias.push_back(draw.single(-0.7, 0.7));
      load.kT.push_back(c.temperatures || i == 0 ? draw.single(0.6, 1.8) : load.kT[0]);
      for (std::uint32_t k = 0; k < i; ++k) {
        if (ring && (i + k) % 2 == 0) continue;  // 0-1-2-3-0
        load.coupling[i * n + k] = draw.single(-0.8, 0.8);
        load.coupling[k * n + i] = c.one_way ? draw.single(-0.8, 0.8) : load.coupling[i * n + k];
      }
    }
    return load;
  };
  const Load from = drawn();
  Load to = c.ramp ? drawn() : from;
  to.kT = from.kT;
  std::vector<float> start, held_at;
  std::uint32_t state = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    start.push_back(draw(0, 1) < 0.5 ? -1.0f : 1.0f);
    held_at.push_back(draw(0, 1) < 0.5 ? -1.0f : 1.0f);
    if (start[i] > 0) state |= 1u << i;
  }
  Device device = open("func:cells=4&lanes=4096&cell=pbit&stepper=" + row.stepper + (c.one_way ? "&reciprocal=no" : "") +
                       (ring ? "&topology=ring:4" : ""));
  if (drawn_cells) device.set_step_time_units(0.5);  // two updates in a step
  Program program(device.capabilities(), n);
  const auto load = [&](const Load& p) {
    program.load(CellSection::bias, p.bias).load(CellSection::kT, p.kT).load_couplings(p.coupling).load_gain(1.0f);
  };
  load(from);
  program.commit().set(0, start);
  const int steps = drawn_cells ? 2 * sweeps : sweeps;
  reference::Spins spins{Eigen::MatrixXd::Zero(n, n), Eigen::VectorXd::Zero(n), Eigen::VectorXd::Zero(n),
                         std::vector<bool>(n, false)};
  const auto put = [&](double part) {
    for (std::uint32_t i = 0; i < n; ++i) {
      spins.bias[i] = between(from.bias[i], to.bias[i], part);
      spins.temperature[i] = from.kT[i];
      for (std::uint32_t k = 0; k < n; ++k) spins.coupling(i, k) = between(from.coupling[i * n + k], to.coupling[i * n + k], part);
    }
  };
  const auto sweep = [&](reference::SpinSweepLaw& law) {
    if (drawn_cells)
      for (int update = 0; update < 2; ++update) law.update_any(spins);
    else if (ring)
      for (const std::uint32_t i : {0u, 2u, 1u, 3u}) law.update(spins, i);
    else
      for (std::uint32_t i = 0; i < n; ++i) law.update(spins, i);
  };
  const auto hold = [&](std::uint32_t i) {
    program.clamp(i, 1, held_at[i]);
    spins.held[i] = true;
    state = held_at[i] > 0 ? state | 1u << i : state & ~(1u << i);
  };
  if (c.clamp) hold(1);
  if (c.mask) hold(0);
  reference::SpinSweepLaw law(n, state);
  const Ticks time = device.step() * static_cast<std::uint64_t>(steps);
  double work = 0;
  program.meter_clear();
  put(0);
  const double begun = c.one_way ? 0 : law.energy(spins);
  if (c.ramp) {
    load(to);
    program.ramp(time);
  } else {
    program.evolve(time);
  }
  for (int k = 0; k < steps; ++k) {
    put(c.ramp ? static_cast<double>(k) / steps : 0);
    sweep(law);
    if (!c.one_way && c.ramp) {
      const double before = law.energy(spins);
      put(static_cast<double>(k + 1) / steps);
      work += law.energy(spins) - before;
    }
  }
  if (c.mask) {
    put(c.ramp ? 1 : 0);
    program.release(0, 1).evolve(time);
    spins.held[0] = false;
    for (int k = 0; k < steps; ++k) sweep(law);
  }
  program.meter_snapshot().sample();

  const Result result = device.run(program, {.shots = shots, .seed = draw.seed()});
  for (std::uint32_t i = 0; i < n; ++i) {
    for (std::uint32_t j = 0; j <= i; ++j) {
      std::vector<double> values;
      for (std::uint32_t shot = 0; shot < shots; ++shot) {
        const auto s = result.capture.state(shot, 0);
        values.push_back(i == j ? s[i] : s[i] * s[j]);
      }
      expect_mean(values, i == j ? law.mean(i) : law.pair(i, j), "<s" + std::to_string(i) + " s" + std::to_string(j) + ">");
    }
  }
  if (c.one_way) return;
  std::vector<double> energy, worked, heat;
  for (const hb_meters_t& m : result.meters[0]) {
    energy.push_back(m.energy);
    worked.push_back(m.work);
    heat.push_back(m.heat_path);
  }
  expect_mean(energy, law.energy(spins), "energy");
  expect_mean(worked, work, "work");
  expect_mean(heat, work - law.energy(spins) + begun, "heat of the path");
}

INSTANTIATE_TEST_SUITE_P(Crossed, SpinsOf, ::testing::ValuesIn(rows_of({"sequential", "random-sequential", "two-colour"})),
                         name_of);

}  // namespace
}  // namespace heatbath::crossed
