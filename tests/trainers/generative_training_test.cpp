// The trainer and the generator on emulated devices, small.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/generative.hpp"

namespace heatbath::trainers {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const Images& digits() {
  static const Images images = draw_digits(1, 2);
  return images;
}

GenerativeOptions small_options() {
  GenerativeOptions options;
  options.hidden = 16;
  options.updates = 7;
  options.tf = 0.2;
  options.threads = 1;
  return options;
}

GenerativeModel trained(const std::string& uri, const GenerativeOptions& options) {
  Device device = open(uri);
  GenerativeTrainer trainer(device, digits(), options);
  trainer.train();
  return trainer.model();
}

void expect_same_parameters(const GenerativeModel& a, const GenerativeModel& b) {
  EXPECT_EQ(a.couplings, b.couplings);
  EXPECT_EQ(a.bias, b.bias);
}

double size_of(const std::vector<float>& values) {
  double squares = 0;
  for (const float value : values) squares += double{value} * value;
  return std::sqrt(squares);
}

TEST(GenerativeTrainer, BitsDoNotDependOnBlocksLanesOrThreads) {
  GenerativeOptions options = small_options();
  const GenerativeModel model = trained("func:lanes=16&seed=5", options);
  EXPECT_EQ(model.updates, 7u);
  EXPECT_GT(size_of(model.couplings), 0);
  options.block = 1;
  expect_same_parameters(model, trained("func:lanes=16&seed=6", options));
  options.block = 5;
  options.threads = 2;
  expect_same_parameters(model, trained("func:lanes=16&threads=2", options));
  options.block = 16;
  expect_same_parameters(model, trained("func:lanes=3", options));
}

TEST(GenerativeTrainer, SeedChangesTheNoise) {
  GenerativeOptions options = small_options();
  options.updates = 1;
  const GenerativeModel model = trained("func:lanes=4", options);
  options.seed = 2;
  EXPECT_NE(model.couplings, trained("func:lanes=4", options).couplings);
}

TEST(GenerativeTrainer, NoTwoUpdatesShareTheirNoise) {
  GenerativeOptions options = small_options();
  options.digits = {0};
  options.updates = 3;
  Device device = open("func:lanes=4");
  GenerativeTrainer trainer(device, digits(), options);
  trainer.train();
  // With shared noise the trajectories of one image would be equal, and so their floors.
  EXPECT_NE(trainer.actions()[0].floor, trainer.actions()[1].floor);
  EXPECT_NE(trainer.actions()[1].floor, trainer.actions()[2].floor);
}

TEST(GenerativeTrainer, ModelIsCompleteWhenStoppedAndTrainingGoesOn) {
  const GenerativeOptions options = small_options();
  const GenerativeModel whole = trained("func:lanes=16", options);
  Device device = open("func:lanes=16");
  GenerativeTrainer trainer(device, digits(), options);
  std::vector<std::uint32_t> seen;
  trainer.train([&](std::uint32_t done, std::uint32_t total, const ReverseAction& action) {
    EXPECT_EQ(total, 7u);
    EXPECT_GT(action.per_step, action.floor);
    EXPECT_EQ(trainer.model().updates, done);
    seen.push_back(done);
    return done < 3;
  });
  EXPECT_THAT(seen, ::testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(trainer.actions().size(), 3u);
  GenerativeOptions three = options;
  three.updates = 3;
  expect_same_parameters(trainer.model(), trained("func:lanes=16", three));
  trainer.train();
  EXPECT_EQ(trainer.actions().size(), 7u);
  expect_same_parameters(trainer.model(), whole);
}

TEST(GenerativeTrainer, ModelSaysWhatItIs) {
  GenerativeOptions options = small_options();
  options.digits = {4, 2};
  options.scaling = Scaling::unit_variance;
  options.drive = Drive::projection;
  options.updates = 1;
  const GenerativeModel model = trained("func:lanes=4", options);
  EXPECT_EQ(model.cells(), 784u + 16u);
  EXPECT_EQ(model.prototypes.digits, options.digits);
  const std::vector<std::size_t> expected{4, 2};
  EXPECT_EQ(model.prototypes.images, scale_images(digits(), expected, Scaling::unit_variance));
  EXPECT_EQ(model.data_source, digits().source);
  EXPECT_THAT(model.device, HasSubstr("func:"));
  const std::size_t n = model.cells();
  for (std::size_t i = 0; i < n; ++i) {
    ASSERT_EQ(model.couplings[i * n + i], 0.0f);
    ASSERT_TRUE(i >= 784 || model.bias[i] == 0.0f);
    for (std::size_t j = 0; j < n; ++j) {
      ASSERT_EQ(model.couplings[i * n + j], model.couplings[j * n + i]);
      ASSERT_TRUE(i >= 784 || j >= 784 || model.couplings[i * n + j] == 0.0f);
    }
  }
}

TEST(GenerativeTrainer, CapturePeriodNeedNotDivideTheDuration) {
  GenerativeOptions options = small_options();
  Device device = open("func:lanes=16");
  options.capture_period = Ticks{device.step().count * 30};  // 6 records after the first in 200 steps
  GenerativeTrainer trainer(device, digits(), options);
  trainer.train();
  EXPECT_EQ(trainer.actions().size(), 7u);
  // Per recorded step the untrained action is about half the number of cells, whatever the period.
  EXPECT_NEAR(trainer.actions()[0].floor, 400, 120);
}

TEST(GenerativeTrainer, HeldOutActionRepeatsAndFallsByTraining) {
  GenerativeOptions options = small_options();
  options.updates = 30;
  options.digits = {0};
  Device device = open("func:lanes=16");
  GenerativeTrainer trainer(device, digits(), options);
  const ReverseAction before = trainer.held_out(5);
  EXPECT_EQ(before.per_step, trainer.held_out(5).per_step);
  trainer.train();
  const ReverseAction after = trainer.held_out(5);
  EXPECT_EQ(before.floor, after.floor) << "the same trajectories";
  EXPECT_LT(after.per_step, before.per_step - 0.05);
  EXPECT_THROW(trainer.held_out(0), Error);
}

TEST(GenerativeTrainer, OnlineRuleTrains) {
  GenerativeOptions options = small_options();
  options.updates = 30;
  options.digits = {0};
  options.optimizer = Optimizer::online;
  Device device = open("func:lanes=16");
  GenerativeTrainer trainer(device, digits(), options);
  const ReverseAction before = trainer.held_out(5);
  trainer.train();
  EXPECT_LT(trainer.held_out(5).per_step, before.per_step - 0.05);
  EXPECT_EQ(trainer.model().optimizer, Optimizer::online);
}

class Refusals : public ::testing::Test {
 protected:
  void expect(hb_status_t code, const std::string& word) {
    try {
      GenerativeTrainer trainer(device_, digits(), options_);
      ADD_FAILURE() << "accepted, but " << word << " is wrong";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_THAT(error.what(), AllOf(HasSubstr(word), HasSubstr("GenerativeTrainer")));
    }
    options_ = small_options();
  }
  Device device_ = open("func:cells=800&lanes=2");
  GenerativeOptions options_ = small_options();
};

TEST_F(Refusals, NameTheOption) {
  options_.hidden = 0;
  expect(HB_BAD_ARG, "hidden");
  options_.hidden = 17;
  expect(HB_BAD_ARG, "801 cells");
  options_.updates = 0;
  expect(HB_BAD_ARG, "updates");
  options_.block = 0;
  expect(HB_BAD_ARG, "block");
  options_.digits = {};
  expect(HB_BAD_ARG, "digits");
  options_.digits = {1, 1};
  expect(HB_BAD_ARG, "twice");
  options_.digits = {10};
  expect(HB_BAD_ARG, "class 10");
  options_.tf = 0;
  expect(HB_BAD_ARG, "tf");
  options_.tf = std::nan("");
  expect(HB_BAD_ARG, "tf");
  options_.kT = -1;
  expect(HB_BAD_ARG, "kT");
  options_.kT = 1e6f;
  expect(HB_BAD_ARG, "kT");
  options_.j4 = 0;
  expect(HB_BAD_ARG, "j4");
  options_.learning_rate = 0;
  expect(HB_BAD_ARG, "learning_rate");
  options_.capture_period = Ticks{device_.ticks(1.0)};
  expect(HB_BAD_ARG, "capture period");
  options_.capture_period = Ticks{device_.step().count * 5 / 2};
  expect(HB_BAD_ARG, "ticks; the next that this device has is " + std::to_string(3 * device_.step().count));
}

TEST_F(Refusals, NameTheAbsentDigit) {
  Images few = digits();
  for (std::uint8_t& label : few.labels) label = static_cast<std::uint8_t>(label == 2 ? 3 : label);
  try {
    GenerativeTrainer trainer(device_, few, options_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_BAD_ARG);
    EXPECT_THAT(error.what(), HasSubstr("class 2"));
  }
}

// -- generation --------------------------------------------------------------------------------------------------

const GenerativeModel& small_model() {
  static const GenerativeModel model = trained("func:lanes=16", small_options());
  return model;
}

TEST(Generate, ShotsDoNotDependOnTheirNumberLanesOrTrajectories) {
  Device device = open("func:lanes=16&seed=9");
  const Samples many = generate(device, small_model(), {.shots = 9, .seed = 4});
  EXPECT_EQ(many.heat_source, "meter");
  Device other = open("func:lanes=2&threads=2");
  const Samples few = generate(other, small_model(), {.shots = 5, .seed = 4, .trajectory_shots = 0});
  EXPECT_TRUE(std::equal(few.images.begin(), few.images.end(), many.images.begin()));
  EXPECT_TRUE(std::equal(few.heat.begin(), few.heat.end(), many.heat.begin()));
  EXPECT_TRUE(few.trajectories.empty());
  const Samples reseeded = generate(other, small_model(), {.shots = 5, .seed = 5});
  EXPECT_NE(few.images, reseeded.images);
}

TEST(Generate, TrajectoriesRunFromNoiseToTheImage) {
  Device device = open("func:lanes=4");
  const Samples samples = generate(device, small_model(), {.shots = 6, .trajectory_shots = 3, .trajectory_times = 8});
  ASSERT_EQ(samples.trajectories.size(), 3u * 8 * 784);
  ASSERT_EQ(samples.trajectory_time_units.size(), 8u);
  EXPECT_EQ(samples.trajectory_time_units.front(), 0);
  EXPECT_NEAR(samples.trajectory_time_units.back(), 0.2, 1e-9);
  for (int shot = 0; shot < 3; ++shot) {
    for (int i = 0; i < 784; ++i) {
      ASSERT_EQ(samples.trajectories[(shot * 8 + 7) * 784 + i], samples.images[shot * 784 + i]);
    }
  }
}

TEST(Generate, ShowsTheNearestTimesThatAChipCanCapture) {
  // 8 segments end 25 ticks apart, eighths are shown of every 200/7, and hb-1024 takes no two records within 10 ticks.
  GenerativeModel model;
  model.visible = 3, model.hidden = 1, model.segments = 8, model.tf = 1;
  model.couplings.assign(8 * 16, 0.0f), model.bias.assign(8 * 4, 0.0f);
  Device device = open("func:profile=hb-1024&cells=4&threads=1");
  const Samples samples = generate(device, model, {.shots = 2, .trajectory_shots = 1, .trajectory_times = 8});
  ASSERT_EQ(samples.trajectory_time_units.size(), 8u);
  EXPECT_EQ(samples.trajectory_time_units.front(), 0);
  EXPECT_EQ(samples.trajectory_time_units.back(), 1);
  for (std::size_t k = 1; k < 8; ++k) {
    EXPECT_NEAR(samples.trajectory_time_units[k], static_cast<double>(k) / 7, 0.05) << "10 ticks are 0.05";
    EXPECT_GE(samples.trajectory_time_units[k] - samples.trajectory_time_units[k - 1], 0.0499);
  }
  try {
    generate(device, model, {.shots = 2, .trajectory_shots = 1, .trajectory_times = 30});
    FAIL() << "30 times of 200 ticks";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("trajectory_times is 30, more than the device can capture within tf of 200 ticks"));
  }
}

TEST(Generate, HeatIsTheFallOfTheEnergy) {
  Device device = open("func:lanes=16");
  const Samples samples = generate(device, small_model(), {.shots = 12});
  for (int shot = 0; shot < 12; ++shot) {
    EXPECT_NEAR(samples.heat[shot], samples.v0[shot] - samples.vf[shot], 1e-5 * samples.v0[shot]);
  }
}

TEST(Generate, ReadsBackWhatWasApplied) {
  Device device = open("func:lanes=2");
  const Samples samples = generate(device, small_model(), {.shots = 1});
  EXPECT_EQ(samples.applied_bias, small_model().bias) << "the ideal chip applies what it is told";
  EXPECT_EQ(samples.applied_couplings, small_model().couplings);
  EXPECT_EQ(samples.clips, 0u);
  EXPECT_EQ(samples.rails, 0u);
}

TEST(Generate, StopsWhenToldTo) {
  Device device = open("func:lanes=2");
  GenerateOptions options{.shots = 40};
  options.progress = [](double fraction) {
    EXPECT_GE(fraction, 0);
    EXPECT_LE(fraction, 1);
    return false;
  };
  try {
    generate(device, small_model(), options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_ABORTED) << error.what();
  }
}

TEST(Generate, RefusesByName) {
  Device device = open("func:cells=800&lanes=2");
  const auto expect = [&](const GenerativeModel& model, const GenerateOptions& options, const std::string& word) {
    try {
      generate(device, model, options);
      ADD_FAILURE() << "accepted, but " << word << " is wrong";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_BAD_ARG);
      EXPECT_THAT(error.what(), AllOf(HasSubstr("generate"), HasSubstr(word)));
    }
  };
  expect(small_model(), {.shots = 0}, "shots");
  expect(small_model(), {.trajectory_times = 1}, "trajectory_times");
  expect(small_model(), {.trajectory_times = 1000}, "trajectory_times");
  GenerativeModel model = small_model();
  model.couplings[5] = std::nanf("");
  expect(model, {}, "finite");
  model = small_model();
  model.bias.pop_back();
  expect(model, {}, "biases");
  model = small_model();
  model.hidden = 17;
  model.couplings.resize(801 * 801);
  model.bias.resize(801);
  expect(model, {}, "801 cells");
}

// -- a device without seed, step, meters or state writes -----------------------------------------------------------

TEST(Silicon, RunsTheSameTrainerAndGenerator) {
  GenerativeOptions options;
  options.hidden = 16;
  options.updates = 4;
  options.drive = Drive::projection;
  options.threads = 2;
  Device device = open("func:profile=silicon");
  ASSERT_FALSE(device.capabilities().seeded);
  ASSERT_FALSE(device.capabilities().meters);
  GenerativeTrainer trainer(device, digits(), options);
  trainer.train();
  EXPECT_EQ(trainer.actions().size(), 4u);
  EXPECT_GT(size_of(trainer.model().couplings), 0);
  const Samples samples = generate(device, trainer.model(), {.shots = 4});
  EXPECT_EQ(samples.heat_source, "states");
  ASSERT_EQ(samples.applied_bias.size(), trainer.model().bias.size());
  double v0 = 0;
  for (int shot = 0; shot < 4; ++shot) {
    EXPECT_EQ(samples.heat[shot], samples.v0[shot] - samples.vf[shot]);
    v0 += samples.v0[shot] / 4;
  }
  // 800 cells of <V> = 0.4544 kT (generative.md 1.3), four shots, s.d. about 20 kT each; converters cost some.
  EXPECT_NEAR(v0 / samples.kT, 800 * 0.4544, 45);
}

}  // namespace
}  // namespace heatbath::trainers
