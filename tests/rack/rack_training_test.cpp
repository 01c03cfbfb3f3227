// Trainers and solvers give the same on any rack.
#include <gtest/gtest.h>

#include "heatbath/network/network.hpp"
#include "heatbath/open.hpp"
#include "heatbath/solvers/anneal.hpp"
#include "heatbath/trainers/generative.hpp"
#include "tests/rack/racks.hpp"

namespace heatbath::testing {
namespace {

TEST(RackTraining, AnyRackGivesTheSameModel) {
  const trainers::Images digits = trainers::draw_digits(1, 2);
  const std::string uri = "func:lanes=4&threads=1";
  for (const trainers::Optimizer optimizer : {trainers::Optimizer::online, trainers::Optimizer::least_squares}) {
    trainers::GenerativeOptions options;
    options.hidden = 8;
    options.updates = 9;
    options.tf = 0.1;
    options.threads = 1;
    options.optimizer = optimizer;
    const auto trained = [&](Device device) {
      trainers::GenerativeTrainer trainer(device, digits, options);
      trainer.train();
      return trainer.model();
    };
    const trainers::GenerativeModel model = trained(open(uri));
    const auto expect_same = [&](const trainers::GenerativeModel& other) {
      EXPECT_EQ(other.couplings, model.couplings);
      EXPECT_EQ(other.bias, model.bias);
      EXPECT_EQ(other.updates, model.updates);
    };
    expect_same(trained(rack_of(uri, 2)));
    expect_same(trained(rack_of(uri, 3)));
    // Unequal devices, one of which is lost in the middle.
    std::vector<RackDevice> devices{rack_device("func:lanes=1&threads=1"), rack_device(uri, {.waits_before_loss = 40}),
                                    rack_device("func:lanes=7&threads=1", {.of_each_wait = std::chrono::milliseconds(2)})};
    expect_same(trained(Device(make_rack(std::move(devices)))));
  }
}

TEST(RackTraining, SearchesFindTheSameStates) {
  std::vector<double> couplings(36, 0), fields(6, 0.125);
  for (std::size_t i = 0; i < 6; ++i)
    for (std::size_t j = 0; j < i; ++j) couplings[i * 6 + j] = couplings[j * 6 + i] = (i * j) % 3 == 0 ? 1.0 : -0.75;
  const network::Network network = network::Network::ising(couplings, fields);
  const std::string uri = "func:cell=pbit&cells=6&lanes=4&threads=1";
  Device one = open(uri), rack = rack_of(uri, 3);
  const solvers::AnnealOptions options{.reads = 20, .sweeps = 40};
  const solvers::SampleSet of_one = solvers::anneal(one, network, options), of_rack = solvers::anneal(rack, network, options);
  ASSERT_EQ(of_one.size(), of_rack.size());
  for (std::size_t k = 0; k < of_one.size(); ++k) {
    EXPECT_EQ(of_rack.energies()[k], of_one.energies()[k]);
    EXPECT_TRUE(std::ranges::equal(of_rack.state(k), of_one.state(k)));
  }
}

}  // namespace
}  // namespace heatbath::testing
