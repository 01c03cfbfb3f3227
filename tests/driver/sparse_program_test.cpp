// Programs of sparse devices, and what differs from shot to shot.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "tests/apps/temporary_folder.hpp"

namespace heatbath {
namespace {

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::vector<float> states(Device& device, Program program, std::uint32_t shots = 3) {
  program.load(CellSection::j2, 1.0f).commit().evolve(device.ticks(0.3)).sample();  // currents die out
  const Result result = device.run(program, {.shots = shots, .seed = 11});
  std::vector<float> all;
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    const auto state = result.capture.state(shot, 0);
    all.insert(all.end(), state.begin(), state.end());
  }
  return all;
}

TEST(CouplingList, GivesTheBitsOfTheMatrix) {
  for (const char* uri : {"func:cells=6", "func:topology=grid:3x2", "func:cells=6&reciprocal=no",
                          "func:topology=king:3x2&reciprocal=no", "func:profile=coded&cells=6"}) {
    SCOPED_TRACE(uri);
    Device device = open(uri);
    const Capabilities& caps = device.capabilities();
    std::vector<Coupling> list{{4, 3, 0.25f}, {0, 1, -0.5f}, {2, 5, 0.75f}, {1, 4, -1.0f}, {0, 3, 0.125f}};
    if (caps.couplings_full) list.push_back({3, 4, -0.5f});
    std::vector<float> matrix(36, 0.0f);
    for (const Coupling& c : list) {
      matrix[c.i * 6 + c.j] = c.value;
      if (!caps.couplings_full) matrix[c.j * 6 + c.i] = c.value;
    }
    Program a(caps, 6), b(caps, 6);
    a.load_couplings(matrix);
    b.load_coupling_list(list);
    ASSERT_EQ(a.operands().size(), 1u);
    ASSERT_EQ(b.operands().size(), 1u);
    EXPECT_EQ(*a.operands()[0].bytes, *b.operands()[0].bytes);
    EXPECT_EQ(states(device, a), states(device, b));
  }
}

TEST(CouplingList, NamesThePairThatIsWrong) {
  Device dense = open("func:cells=5&threads=1"), sparse = open("func:topology=chain:5&threads=1");
  Program program(dense.capabilities(), 5), chain(sparse.capabilities(), 4);
  const auto list = [](Program& p, std::vector<Coupling> couplings) {
    return refusal([&] { p.load_coupling_list(couplings); });
  };
  EXPECT_TRUE(has(list(program, {{0, 1, 1}, {1, 0, 1}}), "pair (1,0) comes twice"));
  EXPECT_TRUE(has(list(program, {{2, 2, 1}}), "pair (2,2) couples a cell to itself"));
  EXPECT_TRUE(has(list(program, {{0, 5, 1}}), "pair (0,5); the program has cells 0..4"));
  EXPECT_TRUE(has(list(program, {{0, 1, NAN}}), "pair (0,1) is nan; it must be finite"));
  EXPECT_TRUE(has(list(chain, {{0, 1, 1}, {2, 0, 1}}), "no coupler between cells 0 and 2"));
  EXPECT_TRUE(has(list(chain, {{3, 4, 1}}), "cells 0..3")) << "the program has four of five cells";
  EXPECT_EQ(list(chain, {{3, 2, 1}, {0, 1, 1}}), "accepted");
  EXPECT_EQ(chain.steps().size(), 1u) << "a program that was refused a call is unchanged";
}

TEST(CouplingList, OneValueReachesEveryCoupler) {
  for (const char* uri : {"func:cells=4&threads=1", "func:topology=ring:4&threads=1", "func:cells=4&reciprocal=no&threads=1"}) {
    SCOPED_TRACE(uri);
    Device device = open(uri);
    Program program(device.capabilities(), 4);
    program.load_couplings(0.5f).commit().readback_couplings().sample();
    const std::vector<float> matrix = device.run(program, {}).readback[0];
    const bool ring = device.capabilities().sparse();
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t j = 0; j < 4; ++j)
        EXPECT_EQ(matrix[i * 4 + j], i == j || (ring && (i + j) % 2 == 0) ? 0.0f : 0.5f) << i << ", " << j;
  }
}

TEST(Readback, OfASparseDeviceIsAsItsCouplersLie) {
  for (const char* uri : {"func:topology=king:3x3&threads=1", "func:topology=king:3x3&reciprocal=no&threads=1"}) {
    Device device = open(uri);
    Program program(device.capabilities(), 9);
    std::vector<float> values(program.values_of(HB_SECTION_COUPLING));
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = 0.125f * static_cast<float>(k) - 1;
    program.load_coupler_values(values).commit().readback_coupler_values().readback_couplings().sample();
    const Result result = device.run(program, {});
    EXPECT_EQ(result.readback[0], values);
    EXPECT_EQ(result.readback[1].size(), 81u);
  }
  Device dense = open("func:cells=3&threads=1");
  Program program(dense.capabilities(), 3);
  EXPECT_TRUE(has(refusal([&] { program.readback_coupler_values(); }), "needs a sparse topology"));
  Device large = open("func:topology=chain:16385&threads=1");
  Program chain(large.capabilities(), 16385);
  EXPECT_TRUE(has(refusal([&] { chain.readback_couplings(); }), "a matrix of 16385 x 16385 couplings"));
}

TEST(PerShot, StatesStartFromTheRowOfTheirShot) {
  // More shots than lanes: two passes. Without per-lane operands: one shot at a time.
  for (const char* uri : {"func:cells=3&lanes=4&threads=1", "func:profile=silicon&cells=3&threads=1"}) {
    SCOPED_TRACE(uri);
    Device device = open(uri);
    if (!device.capabilities().state_write) continue;
    std::vector<float> rows(6 * 3);
    for (std::size_t k = 0; k < rows.size(); ++k) rows[k] = 0.25f * static_cast<float>(k) - 2;
    Program program(device.capabilities(), 3);
    program.set_per_shot(0, 3, rows, 6).sample();
    const Result result = device.run(program, {.shots = 6});
    for (std::uint32_t shot = 0; shot < 6; ++shot)
      for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(result.capture.state(shot, 0)[i], rows[shot * 3 + i]);
    EXPECT_TRUE(has(refusal([&] { device.run(program, {.shots = 5}); }), "per-shot operands are for 6"));
    EXPECT_TRUE(has(refusal([&] { program.set_per_shot(0, 3, rows, 5); }), "5 shots given; the program's other"));
    Program other(device.capabilities(), 3);
    EXPECT_TRUE(has(refusal([&] { other.set_per_shot(0, 3, rows, 5); }), "shots x count = 15 are needed"));
  }
}

TEST(GraphFile, BringsItsCouplingsToTheDriver) {
  const TemporaryFolder folder;
  std::ofstream(folder / "w.edges") << "0 1 -0.5\n3 1 0.75\n";
  std::ofstream(folder / "one_way.mtx") << "%%MatrixMarket matrix coordinate real general\n3 3 3\n1 2 4\n2 1 -5\n3 2 6\n";
  const std::string edges = (folder / "w.edges").string(), matrix = (folder / "one_way.mtx").string();
  const Device device = open("func:topology=" + edges);
  ASSERT_TRUE(device.capabilities().graph_couplings);
  EXPECT_EQ(*device.capabilities().graph_couplings, (std::vector<float>{-0.5f, 0.75f}));
  EXPECT_EQ(device.capabilities().cells, 4u);
  const Device more = open("func:topology=" + edges + "&cells=9");
  EXPECT_EQ(more.capabilities().cells, 9u) << "the last five have no coupler";
  EXPECT_EQ(*more.capabilities().graph_couplings, (std::vector<float>{-0.5f, 0.75f}));
  EXPECT_TRUE(has(refusal([&] { open("func:topology=" + edges + "&cells=3"); }), "takes no fewer"));
  EXPECT_TRUE(has(refusal([&] { open("func:topology=" + matrix + "&cells=4&reciprocal=no"); }), "has 3"));
  const Device one_way = open("func:topology=" + matrix + "&reciprocal=no");
  EXPECT_EQ(*one_way.capabilities().graph_couplings, (std::vector<float>{4, -5, 0, 6}));
  EXPECT_TRUE(has(refusal([&] { open("func:topology=" + matrix); }), "line 4: entry (1, 0), counted from 0, differs"));
  EXPECT_FALSE(open("func:topology=grid:2x2").capabilities().graph_couplings);
}

TEST(GraphFile, MayHaveMoreCellsThanADenseArray) {
  Device device = open("func:topology=torus:256x128&threads=1");
  EXPECT_EQ(device.capabilities().cells, 32768u);
  Program program(device.capabilities(), 32768);
  std::vector<Coupling> list;
  for (const Coupler& at : program.couplers()) list.push_back({at.j, at.i, -0.25f});
  program.load(CellSection::j2, 1.0f).load_coupling_list(list).commit().evolve(device.ticks(0.01)).sample();
  const Result result = device.run(program, {.seed = 4});
  EXPECT_EQ(result.capture.cells(), 32768u);
  double sum = 0;
  for (const float x : result.capture.state(0, 0)) sum += static_cast<double>(x) * static_cast<double>(x);
  EXPECT_NEAR(sum / 32768, 2 * 0.01, 0.002) << "kT = 1: diffusion from 0";
  EXPECT_TRUE(has(refusal([] { open("func:cell=rlc&topology=chain:9000"); }), "dense matrices"));
  EXPECT_TRUE(has(refusal([] { open("func:stepper=exact-ou&topology=chain:9000"); }), "at most 8192 cells"));
}

}  // namespace
}  // namespace heatbath
