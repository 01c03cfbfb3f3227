// machine.npz of train graph, and the patterns that it learns from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "error_of.hpp"
#include "files/graph_machine_file.hpp"
#include "files/npz_file.hpp"
#include "heatbath/open.hpp"
#include "temporary_folder.hpp"

namespace heatbath::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kTorus = "func:cell=pbit&topology=torus:4x3&lanes=8&threads=1";

SavedGraphMachine begun() {
  SavedGraphMachine saved;
  saved.patterns = "p.npy";
  saved.device = kTorus;
  saved.array = "states";
  saved.crc32 = 12345;
  saved.held_out = 3;
  saved.options.updates = 6;
  saved.options.shots = 20;
  saved.options.sweeps = 3;
  saved.options.settle = 2;
  saved.options.phase = trainers::FreePhase::persistent;
  trainers::GraphMachine machine = trainers::machine_on(open(kTorus).capabilities());
  machine.visible = {0, 2, 7, 10};
  saved.training = trainers::begin_training(trainers::two_patterns(), machine, 5);
  saved.first_learned = -0.25;
  return saved;
}

void train(SavedGraphMachine& saved, std::uint32_t until) {
  Device device = open(kTorus);
  trainers::SpinDevice on(device, 5);
  trainers::train_machine(on, trainers::two_patterns(), saved.options, until, saved.training);
}

void expect_same(const SavedGraphMachine& a, const SavedGraphMachine& b) {
  EXPECT_EQ(a.patterns, b.patterns);
  EXPECT_EQ(a.array, b.array);
  EXPECT_EQ(a.crc32, b.crc32);
  EXPECT_EQ(a.held_out, b.held_out);
  EXPECT_EQ(a.first_learned, b.first_learned);
  EXPECT_EQ(a.first_held_out, b.first_held_out);
  EXPECT_EQ(a.options.shots, b.options.shots);
  EXPECT_EQ(a.options.settle, b.options.settle);
  EXPECT_EQ(a.options.phase, b.options.phase);
  EXPECT_EQ(a.training.machine.field, b.training.machine.field);
  EXPECT_EQ(a.training.machine.coupling, b.training.machine.coupling);
  EXPECT_EQ(a.training.machine.edges, b.training.machine.edges);
  EXPECT_EQ(a.training.machine.visible, b.training.machine.visible);
  EXPECT_EQ(a.training.chains, b.training.chains);
  EXPECT_EQ(a.training.clamped, b.training.clamped);
  EXPECT_EQ(a.training.gaps, b.training.gaps);
  EXPECT_EQ(a.training.seed, b.training.seed);
}

TEST(GraphMachineFile, TakesATrainingUpToTheSameBits) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "machine.npz";
  SavedGraphMachine saved = begun(), whole = begun();
  train(whole, 6);
  train(saved, 4);
  write_graph_machine(path, saved);
  SavedGraphMachine read = read_graph_machine(path);
  expect_same(read, saved);
  train(read, 6);
  expect_same(read, whole);
}

TEST(GraphMachineFile, NamesWhatIsWrong) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "machine.npz";
  EXPECT_THAT(error_of(HB_IO, [&] { read_graph_machine(path); }), HasSubstr("--continue goes on from"));
  NpzFile other;
  other.add("states", std::span<const float>(std::vector<float>{1, -1}), {2});
  other.write(path);
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read_graph_machine(path); }), HasSubstr("the array settings is missing: it is no machine of train graph"));
  write_graph_machine(path, begun());
  std::string bytes = [&] {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  for (const std::size_t cut : {bytes.size() / 2, bytes.size() - 30}) {
    std::ofstream(path, std::ios::binary) << bytes.substr(0, cut);
    EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read_graph_machine(path); }), HasSubstr("machine.npz"));
  }
  bytes[bytes.find("coupling.npy") + 200] ^= 0x55;
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read_graph_machine(path); }), HasSubstr("machine.npz"));
}

TEST(SpinRows, AreRecordsOfSpinsOrBits) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "p.npz";
  const auto write = [&](std::vector<float> values, std::vector<std::size_t> shape) {
    NpzFile file;
    file.add("states", std::span<const float>(values), shape);
    file.add("energies", std::span<const float>(std::vector<float>{1}), {1});
    file.write(path);
  };
  write({1, -1, -1, -1, 1, 1}, {1, 2, 3});
  const trainers::Patterns spins = read_spin_rows(path, "states", 3);
  EXPECT_THAT(spins.spins, ElementsAre(1, -1, -1, -1, 1, 1));
  EXPECT_THAT(spins.weights, ElementsAre(0.5, 0.5));
  write({1, 0, 0, 1}, {2, 2});
  EXPECT_THAT(read_spin_rows(path, "states", 2).spins, ElementsAre(1, -1, -1, 1));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read_spin_rows(path, "states", 3); }), HasSubstr("rows of 2 values; patterns of 3 cells"));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read_spin_rows(path, "", 2); }), HasSubstr("p.npz"));
  write({1, 0.5f, 0, 1}, {2, 2});
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read_spin_rows(path, "states", 2); }), HasSubstr("cell 1 of pattern 0 is 0.5"));
  write({1, -1, 0, 1}, {2, 2});
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read_spin_rows(path, "states", 2); }), HasSubstr("cell 0 of pattern 1 is 0"));
}

TEST(CellNumbers, RiseAndAreOfTheDevice) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "visible.txt";
  const auto read = [&](const char* text) {
    std::ofstream(path) << text;
    return read_cell_numbers(path, 12);
  };
  EXPECT_THAT(read("0\n2\n11\n"), ElementsAre(0u, 2u, 11u));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read("0\n12\n"); }), HasSubstr("12 is no cell behind the one before it"));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read("3\n3\n"); }), HasSubstr("3 is no cell behind"));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read("1.5\n"); }), HasSubstr("1.5 is no cell"));
}

}  // namespace
}  // namespace heatbath::apps
