// machine.json of train boltzmann.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "files/atomic_file.hpp"
#include "files/boltzmann_file.hpp"
#include "files/ergodicity_file.hpp"
#include "heatbath/error.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::filesystem::path& path) {
  try {
    read_boltzmann(path);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(BoltzmannFile, TakesATrainingUpToTheSameBits) {
  const trainers::Patterns data = trainers::bars_and_stripes(2);
  const auto training_to = [&](SavedBoltzmann& saved, std::uint32_t until) {
    Device device = open("func:cell=pbit&cells=7&lanes=8&threads=1");
    trainers::SpinDevice on(device, 5);
    train_machine(on, data, saved.options, until, saved.training);
  };
  SavedBoltzmann saved;
  saved.problem = "bars";
  saved.device = "func:";
  saved.options.updates = 6;
  saved.options.shots = 20;
  saved.options.sweeps = 3;
  saved.options.settle = 2;
  saved.options.phase = trainers::FreePhase::tempered;
  saved.options.temperatures = 3;
  saved.training = trainers::begin_training(data, 3, 5);
  saved.training.machine.hidden_coupled = true;
  SavedBoltzmann whole = saved;
  training_to(whole, 6);
  training_to(saved, 4);
  saved.curve = {{0, 1.5}, {4, 0.1}};

  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "boltzmann_file_test.json";
  write_file(path, boltzmann_text(saved));
  SavedBoltzmann read = read_boltzmann(path);
  EXPECT_EQ(boltzmann_text(read), boltzmann_text(saved));
  EXPECT_EQ(read.curve, saved.curve);
  training_to(read, 6);
  read.curve = whole.curve;
  EXPECT_EQ(boltzmann_text(read), boltzmann_text(whole));

  std::string text = boltzmann_text(saved);
  char& digit = text[text.find_first_of("123456789", text.find("\"rate\":"))];
  digit = digit == '1' ? '2' : '1';
  write_file(path, text);
  EXPECT_THAT(refusal(path), HasSubstr("crc32: the file is damaged or was changed"));
  SavedMachines others;
  others.options.experts = 1;
  others.state.single = saved.training;
  others.state.experts.machines.push_back(saved.training);
  others.state.experts.shares = {1};
  others.state.experts.free_energies.resize(1);
  write_file(path, machines_text(others));
  EXPECT_THAT(refusal(path), HasSubstr("machine of train boltzmann"));
  EXPECT_TRUE(read_machines(path).state.single.machine.hidden_coupled);
  std::filesystem::remove(path);
  EXPECT_THAT(refusal(path), HasSubstr("--continue goes on from the machine of an earlier training"));
}

}  // namespace
}  // namespace heatbath::apps
