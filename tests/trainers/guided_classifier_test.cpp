// The classifier of guide paths against its exact optimum, published single cells, and its own bits.
#include "heatbath/trainers/guided_classifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/drawing_judge.hpp"
#include "tests/network/message_of.hpp"

namespace heatbath::trainers {
namespace {

using ::testing::HasSubstr;
using network::message_of;

/// Images of 2 x 2 pixels in three classes, with shades between.
Images four_pixels() {
  Images images;
  images.rows = images.columns = 2;
  images.source = "four pixels";
  const std::array<std::array<std::uint8_t, 4>, 6> pixels{{{255, 0, 0, 0}, {180, 40, 0, 0}, {0, 0, 255, 200}, {20, 0, 120, 255}, {255, 255, 0, 30}, {90, 200, 60, 0}}};
  for (std::size_t n = 0; n < pixels.size(); ++n) {
    images.pixels.insert(images.pixels.end(), pixels[n].begin(), pixels[n].end());
    images.labels.push_back(static_cast<std::uint8_t>(n / 2));
  }
  return images;
}

/// Images of 4 x 4 pixels: a bar upright, a bar that lies, a block; all in the middle, so that a shift by a pixel loses nothing.
Images bars() {
  Images images;
  images.rows = images.columns = 4;
  images.source = "bars";
  for (std::size_t n = 0; n < 30; ++n) {
    std::array<std::uint8_t, 16> pixels{};
    const auto ink = static_cast<std::uint8_t>(255 - 4 * n);
    const std::size_t label = n % 3;
    pixels[5] = ink;
    if (label != 1) pixels[9] = ink;
    if (label != 0) pixels[6] = ink;
    if (label == 2) pixels[10] = ink;
    images.pixels.insert(images.pixels.end(), pixels.begin(), pixels.end());
    images.labels.push_back(static_cast<std::uint8_t>(label));
  }
  return images;
}

ClassifierOptions small_options() {
  ClassifierOptions options;
  options.layer = 2;
  options.teacher_steps = 120;
  options.steps = 130;
  options.batch = 54;
  options.threads = 1;
  return options;
}

/// One image as the machine sees it: pixel states and, for each cell, its drive and its path at 20 times, the path by
/// Runge-Kutta of fourth order.
struct Row {
  std::array<double, 4> s{};
  std::vector<double> force;
  std::array<std::vector<double>, 20> x;
};

Row row_of(const Images& images, std::size_t image, int down, int right, const ClassifierTraining& training, double drive) {
  Row row;
  std::array<double, 4> pixel{};
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j)
      if (i - down >= 0 && i - down < 2 && j - right >= 0 && j - right < 2)
        pixel[static_cast<std::size_t>(2 * i + j)] = images.image(image)[static_cast<std::size_t>(2 * (i - down) + j - right)] / 255.0;
  for (std::size_t p = 0; p < 4; ++p) row.s[p] = training.machine.pixel_scale * pixel[p];
  // The teacher in double: layers of 2, 2 and 10.
  const float* at = training.teacher.parameters.data();
  std::vector<double> in(pixel.begin(), pixel.end()), hidden;
  std::vector<double> z;
  for (const std::size_t width : {2u, 2u, 10u}) {
    z.assign(width, 0.0);
    for (std::size_t i = 0; i < width; ++i)
      for (std::size_t k = 0; k < in.size(); ++k) z[i] += double{at[i * in.size() + k]} * in[k];
    at += width * in.size();
    for (std::size_t i = 0; i < width; ++i) z[i] += double{at[i]};
    at += width;
    if (width == 10) break;
    for (double& value : z) value = std::tanh(value);
    hidden.insert(hidden.end(), z.begin(), z.end());
    in = z;
  }
  double sum = 0;
  for (const double value : z) sum += std::exp(value);
  for (const double value : z) row.force.push_back(drive * (2 * std::exp(value) / sum - 1));
  for (const double value : hidden) row.force.push_back(drive * value);
  for (std::size_t t = 0; t < 20; ++t) row.x[t].assign(row.force.size(), 0.0);
  for (std::size_t i = 0; i < row.force.size(); ++i) {
    const auto velocity = [&](double x) { return row.force[i] - 2 * x - 4 * x * x * x; };
    double x = 0;
    constexpr int per_half = 200;
    const double h = training.machine.duration / 40 / per_half;
    for (int half = 0; half < 40; ++half) {
      if (half % 2 == 1) row.x[static_cast<std::size_t>(half / 2)][i] = x;
      for (int n = 0; n < per_half; ++n) {
        const double a = velocity(x), b = velocity(x + h / 2 * a), c = velocity(x + h / 2 * b), d = velocity(x + h * c);
        x += h / 6 * (a + 2 * b + 2 * c + d);
      }
    }
  }
  return row;
}

TEST(GuidedClassifier, ComesToTheExactMinimumOfTheAction) {
  const Images images = four_pixels();
  ClassifierOptions options = small_options();
  options.steps = 1500;
  options.rate = 0.5;
  ClassifierTrainer trainer(images, options);
  trainer.train();
  const ClassifierTraining& training = trainer.training();
  const ClassifierMachine& machine = training.machine;
  constexpr std::size_t n = 14, unknowns = n + 4 * n + n * (n - 1) / 2;
  // Biases, W, J of each pair: the residual of cell i is linear in them. Normal equations over all images and shifts.
  const auto pair = [](std::size_t a, std::size_t b) { return n + 4 * n + a * n - a * (a + 1) / 2 + b - a - 1; };
  std::vector<double> normal(unknowns * unknowns, 0.0), side(unknowns, 0.0);
  double floor = 0, own = 0, count = 0;
  for (std::size_t image = 0; image < images.size(); ++image)
    for (int down = -1; down <= 1; ++down)
      for (int right = -1; right <= 1; ++right) {
        const Row row = row_of(images, image, down, right, training, options.drive);
        for (const std::vector<double>& x : row.x)
          for (std::size_t i = 0; i < n; ++i) {
            std::vector<std::pair<std::size_t, double>> terms{{i, 1.0}};
            for (std::size_t p = 0; p < 4; ++p) terms.emplace_back(n + p * n + i, row.s[p]);
            for (std::size_t k = 0; k < n; ++k)
              if (k != i) terms.emplace_back(pair(std::min(i, k), std::max(i, k)), x[k]);
            const double target = row.force[i] / options.drive;
            for (const auto& [a, va] : terms) {
              side[a] -= va * target;
              for (const auto& [b, vb] : terms) normal[a * unknowns + b] += va * vb;
            }
            floor += target * target;
            double missed = row.force[i] + double{machine.bias[i]};
            for (std::size_t p = 0; p < 4; ++p) missed += row.s[p] * double{machine.inward[p * n + i]};
            for (std::size_t k = 0; k < n; ++k) missed += x[k] * double{machine.couplings[i * n + k]};
            own += missed * missed / (options.drive * options.drive);
            ++count;
          }
      }
  std::vector<double> solution = side;
  std::vector<double> system = normal;
  for (std::size_t a = 0; a < unknowns; ++a) system[a * unknowns + a] += 1e-9 * count;
  for (std::size_t k = 0; k < unknowns; ++k)  // symmetric and positive: no pivots
    for (std::size_t r = k + 1; r < unknowns; ++r) {
      const double factor = system[r * unknowns + k] / system[k * unknowns + k];
      if (factor == 0) continue;
      for (std::size_t c = k; c < unknowns; ++c) system[r * unknowns + c] -= factor * system[k * unknowns + c];
      solution[r] -= factor * solution[k];
    }
  for (std::size_t k = unknowns; k-- > 0;) {
    for (std::size_t c = k + 1; c < unknowns; ++c) solution[k] -= system[k * unknowns + c] * solution[c];
    solution[k] /= system[k * unknowns + k];
  }
  double best = floor;
  for (std::size_t a = 0; a < unknowns; ++a) best -= solution[a] * side[a];
  std::printf("missed: untrained %.6f, trained %.6f, at the optimum %.6f, told %.6f\n", floor / count, own / count, best / count, training.losses.back());
  EXPECT_GT(own, best * 0.9999);
  EXPECT_LT(own, best * 1.1);
  EXPECT_LT(best, 0.5 * floor);
  EXPECT_NEAR(training.losses.back() * count, own, 0.1 * own);  // mean over the last, random batches
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b) EXPECT_EQ(machine.couplings[a * n + b], a == b ? 0.0f : machine.couplings[b * n + a]);
}

TEST(GuidedClassifier, GoesOnToTheSameBitsWithAnyNumberOfThreads) {
  const Images images = four_pixels();
  ClassifierOptions options = small_options();
  ClassifierTrainer whole(images, options);
  whole.train();
  for (const std::uint64_t stop : {1u, 77u, 120u, 201u}) {
    ClassifierTrainer first(images, options);
    first.train([&](std::uint64_t done, std::uint64_t, double) { return done < stop; });
    ASSERT_FALSE(first.finished());
    ClassifierOptions other = options;
    other.threads = 2;
    ClassifierTrainer second(images, other);
    second.resume(first.training());
    second.train();
    EXPECT_EQ(second.training().machine.inward, whole.training().machine.inward) << stop;
    EXPECT_EQ(second.training().machine.couplings, whole.training().machine.couplings) << stop;
    EXPECT_EQ(second.training().machine.bias, whole.training().machine.bias) << stop;
    EXPECT_EQ(second.training().losses, whole.training().losses) << stop;
  }
}

/// A machine of one pixel and no hidden cells whose outputs feel constant forces.
ClassifierMachine forced(std::initializer_list<float> forces) {
  ClassifierMachine machine;
  machine.inputs = 1;
  machine.hidden = 0;
  machine.inward.assign(10, 0.0f);
  machine.couplings.assign(100, 0.0f);
  for (const float force : forces) machine.bias.push_back(-force);
  return machine;
}

Images one_pixel() {
  Images images;
  images.rows = images.columns = 1;
  images.source = "one pixel";
  images.pixels = {0};
  images.labels = {5};
  return images;
}

// Means and deviations of one cell V = x^2 + x^4 - I x at kT = 1, 0.2 time units after 0: from an independent integration.
TEST(GuidedClassifier, CellsUnderAForceAreWhereAnIndependentIntegrationPutsThem) {
  const std::array<double, 6> mean{0.140, 0.274, 0.652, 1.109, 1.584, 2.864}, deviation{0.453, 0.441, 0.385, 0.269, 0.181, 0.102};
  Device device = open("func:cells=16&lanes=1024&seed=3");
  InferenceOptions options;
  options.runs = 20000;
  const Inference told = infer(device, forced({1, 2, 5, 10, 20, 100, 0, 0, 0, 0}), one_pixel(), options);
  for (std::size_t i = 0; i < 6; ++i) {
    std::printf("cell %zu: %.4f, %.3f\n", i, told.outputs[i], mean[i]);
    EXPECT_NEAR(told.outputs[i], mean[i], 4 * deviation[i] / std::sqrt(20000.0) + 0.002);  // printed to 0.001; step 1e-3
  }
  EXPECT_EQ(told.classes[0], 5);
  EXPECT_EQ(told.accuracy.value, 1);
  // Heat of the falls: V(0) - V(end) per kT, of each cell -(x^2 + x^4 - I x) on average, by the same table for the largest.
  EXPECT_GT(told.heat_kT.value, 100 * 2.864 - 2.864 * 2.864 * (1 + 2.864 * 2.864) - 20);
  EXPECT_GE(told.steps, 200u);
  EXPECT_GT(told.device_seconds, 0);
}

TEST(GuidedClassifier, ReadsDigitsOnTheDeviceTheSameInAnyBlocks) {
  const SplitImages split = split_images(draw_digits(1, 62), 20);
  ClassifierOptions options;
  options.layer = 8;
  options.teacher_steps = 300;
  options.steps = 200;
  options.threads = 1;
  // docs: begin classifier
  ClassifierTrainer trainer(split.learned, options);
  trainer.train();
  Device wide = open("func:cells=1024&lanes=64&seed=1");
  InferenceOptions run;
  run.runs = 3;
  const Inference told = infer(wide, trainer.training().machine, split.held_out, run);  // told.accuracy, told.heat_kT
  // docs: end classifier
  const double teacher = teacher_accuracy(trainer.training().teacher, split.held_out, 1);
  Device narrow = open("func:cells=1024&lanes=16&threads=2");
  std::printf("teacher %.3f, cells %.3f of one run %.3f, heat %.0f kT, %llu steps\n", teacher, told.accuracy.value, told.single.value, told.heat_kT.value,
              static_cast<unsigned long long>(told.steps));
  EXPECT_GT(teacher, 0.85);
  EXPECT_GE(told.accuracy.value, teacher - 0.15);
  EXPECT_GE(told.top_two.value, told.accuracy.value);
  EXPECT_GT(told.heat_kT.value, 1000);
  const Inference same = infer(narrow, trainer.training().machine, split.held_out, run);
  EXPECT_EQ(same.outputs, told.outputs);
}

// A machine whose parameters are wrong by what a chip might do to them, tuned on the device.
TEST(GuidedClassifier, FineTuningUndoesWrongParametersAndGoesOnToTheSameBits) {
  const Images images = bars();
  ClassifierOptions options = small_options();
  options.layer = 4;
  options.teacher_steps = 600;
  options.teacher_rate = 2e-2;
  options.steps = 400;
  options.rate = 0.3;
  ClassifierTrainer trainer(images, options);
  trainer.train();
  ClassifierMachine wrong = trainer.training().machine;
  for (std::size_t i = 0; i < wrong.bias.size(); ++i) wrong.bias[i] += i % 2 == 0 ? 60.0f : -45.0f;
  FineTuneOptions tuning;
  tuning.updates = 60;
  tuning.batch = 48;
  tuning.rate = 3;
  Device device = open("func:cells=40&lanes=64&seed=1&threads=1");
  const Inference trained = infer(device, trainer.training().machine, images), before = infer(device, wrong, images);
  ClassifierMachine tuned = wrong;
  FineTuning state;
  fine_tune(device, tuned, trainer.training().teacher, images, tuning, state, 100000);
  const Inference after = infer(device, tuned, images);
  // Outputs of the machine as trained, of the wrong one and of the tuned one, by runs of their own.
  const auto apart = [&](const Inference& other) {
    double sum = 0;
    for (std::size_t k = 0; k < trained.outputs.size(); ++k) sum += std::pow(double{other.outputs[k]} - double{trained.outputs[k]}, 2);
    return std::sqrt(sum / static_cast<double>(trained.outputs.size()));
  };
  std::printf("misses %.3f -> %.3f, outputs apart %.3f -> %.3f\n", state.misses.front(), state.misses.back(), apart(before), apart(after));
  EXPECT_LT(state.misses.back(), 0.3 * state.misses.front());
  EXPECT_GT(apart(before), 0.5);
  EXPECT_LT(apart(after), 0.3 * apart(before));
  ClassifierMachine again = wrong;
  FineTuning half;
  fine_tune(device, again, trainer.training().teacher, images, tuning, half, 100000, [&] { return half.updates < 23; });
  ASSERT_EQ(half.updates, 23u);
  fine_tune(device, again, trainer.training().teacher, images, tuning, half, 100000);
  EXPECT_EQ(again.inward, tuned.inward);
  EXPECT_EQ(again.couplings, tuned.couplings);
  EXPECT_EQ(half.misses, state.misses);
}

TEST(GuidedClassifier, SaysWhatIsWrong) {
  const Images images = four_pixels();
  ClassifierOptions options = small_options();
  options.layer = 0;
  EXPECT_THAT(message_of([&] { ClassifierTrainer(images, options); }, HB_BAD_ARG), HasSubstr("layer is 0"));
  options = small_options();
  options.drive = 0;
  EXPECT_THAT(message_of([&] { ClassifierTrainer(images, options); }, HB_BAD_ARG), HasSubstr("drive"));
  Device small = open("func:cells=8");
  EXPECT_THAT(message_of([&] { infer(small, forced({0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), one_pixel()); }, HB_UNSUPPORTED), HasSubstr("11 cells are needed, the device has 8"));
  Device device = open("func:cells=16");
  EXPECT_THAT(message_of([&] { infer(device, forced({0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), images); }, HB_BAD_ARG), HasSubstr("2 x 2 pixels for 1 inputs"));
  ClassifierMachine broken = forced({0, 0});
  EXPECT_THAT(message_of([&] { infer(device, broken, one_pixel()); }, HB_BAD_ARG), HasSubstr("another shape"));
}

}  // namespace
}  // namespace heatbath::trainers
