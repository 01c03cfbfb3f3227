// Linear cells: means and covariances of every kind x stepper x condition after some long steps, against the law that
// the stepper's definition gives to these very steps.
#include "tests/crossed/linear_rows.hpp"

#include "heatbath/open.hpp"
#include "tests/link/served.hpp"

namespace heatbath::crossed {
namespace {

/// Runs a row on an opened device and holds what it captures to the oracle.
void expect_row(Device& device, const LinearRow& row) {
  const Condition& c = row.condition;
  Numbers draw(row.name());
  const LinearLoad from = drawn_load(row, draw), to = c.ramp ? moved_load(row, from, draw) : from;
  device.set_step_time_units(row.dt);
  ASSERT_EQ(device.step().count, static_cast<std::uint64_t>(std::llround(row.dt * 1e6)));
  const std::uint32_t variables = row.inertia() ? 2 * linear_cells : linear_cells;
  std::vector<float> start(variables);
  for (float& x : start) x = draw.single(-1.5, 1.5);
  const std::vector<float> held_at{draw.single(-1.5, 1.5), draw.single(-1.5, 1.5), draw.single(-1.5, 1.5)};

  Program program(device.capabilities(), linear_cells);
  load_into(program, row, from);
  program.commit().set(0, start);
  reference::SteppedLinearLaw law(Eigen::Map<const Eigen::VectorXf>(start.data(), variables).cast<double>(),
                                  colour(c.noise, row.dt), c.common);
  std::vector<bool> held(linear_cells, false);
  const double mobility = static_cast<double>(device.capabilities().mobility);
  /// Evolves or ramps, on the device and by the oracle; `part` of the way from one end to the other in each step.
  const auto advance = [&](int steps, bool ramp, const std::function<double(int)>& part) {
    const Ticks time = device.step() * static_cast<std::uint64_t>(steps);
    ramp ? program.ramp(time) : program.evolve(time);
    for (int k = 0; k < steps; ++k)
      law.step(cells_at(row, from, to, part(k), mobility, ramp ? steps : 0), row.rule, row.dt, held);
  };
  const auto hold = [&](std::uint32_t cell) {
    program.clamp(cell, 1, held_at[cell]);
    law.put(cell, static_cast<double>(held_at[cell]));
    if (row.inertia()) law.put(linear_cells + cell, 0);
    held[cell] = true;
  };
  if (c.clamp) hold(1);
  if (c.mask) hold(0);
  if (c.ramp) {
    load_into(program, row, to);
    advance(row.steps, true, [&](int k) { return ramp_part(row.rule, k, row.steps); });
  } else {
    advance(row.steps, false, [](int) { return 0; });
  }
  if (c.mask) {
    program.release(0, 1);
    held[0] = false;
    hold(2);
    advance(row.steps, false, [&](int) { return 1; });
  }
  program.sample();
  const Result result = device.run(program, {.shots = shots, .seed = draw.seed(), .capture_cells = variables});
  EXPECT_EQ(result.clips, 0u);
  EXPECT_EQ(result.rails, 0u);
  expect_law(result.capture, law.mean(), law.covariance());
}

class LinearCellsOf : public ::testing::TestWithParam<LinearRow> {};

TEST_P(LinearCellsOf, FollowTheLawOfTheirSteps) {
  Device device = open("func:" + uri_of(GetParam()));
  expect_row(device, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Crossed, LinearCellsOf, ::testing::ValuesIn(linear_rows()), name_of);

/// Every ninth row through a server, and on the chip in SystemC: the other roads to the same array.
std::vector<LinearRow> some_rows() {
  std::vector<LinearRow> rows;
  const std::vector<LinearRow> all = linear_rows();
  for (std::size_t i = 4; i < all.size(); i += 9) rows.push_back(all[i]);
  return rows;
}

class LinearCellsElsewhere : public ::testing::TestWithParam<LinearRow> {};

TEST_P(LinearCellsElsewhere, FollowTheLawOfTheirStepsWhenServed) {
  const heatbath::testing::Served served("func:" + uri_of(GetParam()), "unix");
  Device device = open(served.uri());
  expect_row(device, GetParam());
}

#ifdef HEATBATH_HAS_SYSTEMC
TEST_P(LinearCellsElsewhere, FollowTheLawOfTheirStepsInSystemC) {
  // A process has one chip in SystemC; as ctest runs them, every test has a process.
  static bool used = false;
  if (used) GTEST_SKIP() << "this process has its SystemC chip";
  used = true;
  Device device = open("tlm:" + uri_of(GetParam()));
  expect_row(device, GetParam());
}
#endif

INSTANTIATE_TEST_SUITE_P(Crossed, LinearCellsElsewhere, ::testing::ValuesIn(some_rows()), name_of);

}  // namespace
}  // namespace heatbath::crossed
