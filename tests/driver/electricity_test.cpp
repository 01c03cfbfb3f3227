// What a device's work costs: counts of a program, prices, grades.
#include "heatbath/electricity.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "heatbath/open.hpp"

namespace heatbath {
namespace {

TEST(Electricity, CountsWhatAProgramDoes) {
  Device device = open("func:cells=8&lanes=4&threads=1");
  Program program(device.capabilities(), 5);
  program.load(CellSection::j2, 1.0f).load_temperature(1).load_couplings(std::vector<float>(25, 0.0f));
  program.load_gain(0.5f).commit().set(0, 5, 0.25f).evolve(device.ticks(2));
  program.loop_begin(3).load(CellSection::bias, std::vector<float>{1, 2, 3, 4, 5}).commit().evolve(device.ticks(0.5)).sample().loop_end();
  // J2 5, kT 1, couplings 10, gain 1, states 5, biases 3 x 5.
  const Work shot = work_of_shot(program, 4);
  EXPECT_EQ(shot.writes, 5u + 1 + 10 + 1 + 5 + 15);
  EXPECT_EQ(shot.reads, 3u * 4);
  EXPECT_DOUBLE_EQ(shot.samples, 3.5 * 5);
  EXPECT_DOUBLE_EQ(shot.busy_seconds, 3.5e-6);

  // Ten shots in three passes: all shots do it, device time passes three times.
  device.run(program, {.shots = 10, .capture_first = 0, .capture_cells = 4});
  const Work all = device.work();
  EXPECT_EQ(all.writes, 37u * 10);
  EXPECT_EQ(all.reads, 120u);
  EXPECT_DOUBLE_EQ(all.samples, 175);
  EXPECT_DOUBLE_EQ(all.busy_seconds, 10.5e-6);
  EXPECT_GE(all.device_seconds, 10.5e-6);
  EXPECT_GT(all.link_bytes, 3u * 3 * 4 * 4 * 4);
  EXPECT_TRUE(device.bill().items.empty()) << "the ideal device states no prices";
}

TEST(Electricity, IsTheSameForAnyNumberOfLanes) {
  std::vector<Work> works;
  for (const char* uri : {"func:cells=4&lanes=2&threads=1", "func:cells=4&lanes=7&threads=1"}) {
    Device device = open(uri);
    Program program(device.capabilities(), 4);
    program.load(CellSection::j2, 1.0f).commit().evolve(device.ticks(1)).sample();
    device.run(program, {.shots = 14});
    works.push_back(device.work());
  }
  EXPECT_EQ(works[0].writes, works[1].writes);
  EXPECT_EQ(works[0].reads, works[1].reads);
  EXPECT_DOUBLE_EQ(works[0].samples, works[1].samples);
}

TEST(Electricity, MultipliesByThePricesAndHasTheWeakestGrade) {
  Capabilities caps{};
  caps.priced = true;
  caps.sample_joules = 7.09e-15f;
  caps.read_joules = 1.692e-12f;
  caps.write_joules = 1.536e-10f;
  caps.standby_watts = 2;
  caps.cost_grades = 3u | 4u << 4 | 1u << 8 | 5u << 20;
  Work work;
  work.samples = 1e6;
  work.reads = 1000;
  work.writes = 100;
  work.device_seconds = 1e-9;
  work.busy_seconds = 0.25e-9;
  const Bill of = bill(caps, work);
  ASSERT_EQ(of.items.size(), 4u);
  EXPECT_NEAR(of.items[0].joules, 7.09e-9, 1e-14);
  EXPECT_NEAR(of.items[1].joules, 1.692e-9, 1e-14);
  EXPECT_NEAR(of.items[2].joules, 1.536e-8, 1e-13);
  EXPECT_NEAR(of.items[3].joules, 2e-9, 1e-14);
  EXPECT_NEAR(of.joules, 7.09e-9 + 1.692e-9 + 1.536e-8 + 2e-9, 1e-13);
  EXPECT_EQ(of.items[1].grade, Grade::measured);
  EXPECT_EQ(of.grade, Grade::projected);
  EXPECT_EQ(of.unpriced, (std::vector<std::string>{"conversions", "link"}));
  EXPECT_DOUBLE_EQ(of.duty, 0.25);
  EXPECT_NEAR(of.overhead(), (1.692 + 15.36) / (7.09 + 1.692 + 15.36 + 2), 1e-4);
  EXPECT_NE(of.verdict().find("writes take most"), std::string::npos);
}

TEST(Electricity, HasTheLiteraturesPricesWithTheirGrade) {
  Device device = open("func:profile=z1-grid&threads=1&lanes=1");
  const Capabilities& caps = device.capabilities();
  EXPECT_FLOAT_EQ(caps.sample_joules, 7.09e-15f);
  EXPECT_EQ(caps.couplers().size() * 2 / caps.cells, 15u) << "16 neighbours but at the edges";
  Program program(caps, caps.cells);
  program.load_couplings(-0.1f).commit().evolve(device.ticks(10)).sample();
  device.run(program, {.shots = 1});
  const Bill of = device.bill();
  EXPECT_EQ(of.grade, Grade::simulated);
  EXPECT_NEAR(of.items[0].count, 10.0 * caps.cells, 1e-6);
  EXPECT_GT(of.overhead(), 0.9) << "writes and reads dominate";
}

}  // namespace
}  // namespace heatbath
