// The score network against quadratures, finite differences and exact laws that share no code with it.
#include "heatbath/trainers/score_network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>

#include "heatbath/error.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/drawing_judge.hpp"
#include "heatbath/trainers/score_drawing.hpp"
#include "oracles/boltzmann_cell.hpp"
#include "trainers/src/score/normal_rows.hpp"
#include "trainers/src/score/score_loss.hpp"

namespace heatbath::trainers {
namespace {

using ::testing::HasSubstr;

reference::BoltzmannLaw cell_under(double A, double B, double u) { return reference::QuarticCell{A, B, -u}.law(1); }
double exact_mean(double A, double B, double u) { return cell_under(A, B, u).average([](double h) { return h; }); }

/// A network of one segment with parameters of order `size`.
ScoreNetwork some_network(std::uint32_t rows, std::uint32_t columns, std::uint32_t hidden, std::uint32_t labels, double size) {
  ScoreNetwork network;
  network.rows = rows;
  network.columns = columns;
  network.hidden = hidden;
  network.labels = labels;
  ScoreSegment segment{0.5, 0.2, std::vector<float>(network.layout().size())};
  std::mt19937 random(7);
  std::normal_distribution<double> normal(0, size);
  for (float& p : segment.parameters) p = static_cast<float>(normal(random));
  for (std::size_t i = 0; i < network.visible(); ++i) segment.parameters[network.layout().a() + i] -= 3;  // confined
  network.segments.push_back(std::move(segment));
  return network;
}

TEST(CellLaw, IsThatOfTheQuadrature) {
  for (const auto [A, B] : {std::array{0.5, 1.0}, std::array{0.0, 1.0}, std::array{-1.5, 1.0}, std::array{2.0, 0.1}}) {
    const CellLaw law(A, B);
    for (const double u : {0.0, 0.03, -0.4, 1.0, -2.71, 5.0, 17.3, -60.0, 200.0, 255.9}) {
      const reference::BoltzmannLaw exact = cell_under(A, B, u);
      const double mean = exact.average([](double h) { return h; });
      const double variance = exact.average([&](double h) { return (h - mean) * (h - mean); });
      EXPECT_NEAR(law.mean(static_cast<float>(u)), mean, 1e-5 + 1e-5 * std::abs(mean)) << A << " " << B << " " << u;
      EXPECT_NEAR(law.slope(static_cast<float>(u)), variance, 1e-3 * variance + 2e-5) << A << " " << B << " " << u;
    }
  }
}

TEST(CellLaw, GoesOnBeyondItsTableAndRefusesACellWithoutBounds) {
  const CellLaw law(0.5, 1);
  EXPECT_NEAR(law.mean(300), law.mean(256) + 44 * law.slope(256), 1e-4);
  EXPECT_FLOAT_EQ(law.mean(-300), -law.mean(300));
  EXPECT_THROW(CellLaw(0.5, 0), Error);
  EXPECT_THROW(CellLaw(std::nan(""), 1), Error);
}

TEST(NormalRow, HasTheMomentsOfANormalLawAndNoMemory) {
  constexpr std::size_t n = 784, rows = 1000;
  double sum = 0, square = 0, fourth = 0, neighbours = 0, halves = 0, across = 0;
  std::vector<float> row(n), before(n, 0.0f);
  for (std::size_t r = 0; r < rows; ++r) {
    normal_row(r, row);
    for (std::size_t i = 0; i < n; ++i) {
      const double x = row[i];
      sum += x;
      square += x * x;
      fourth += x * x * x * x;
      neighbours += x * row[(i + 1) % n];
      halves += x * row[(i + n / 2) % n];
      across += x * before[i];
    }
    before = row;
  }
  const double count = n * rows;
  EXPECT_LT(std::abs(sum / std::sqrt(count)), 4);
  EXPECT_LT(std::abs((square - count) / std::sqrt(2 * count)), 4);
  EXPECT_LT(std::abs((fourth - 3 * count) / std::sqrt(96 * count)), 4);
  EXPECT_LT(std::abs(neighbours / std::sqrt(count)), 4);
  EXPECT_LT(std::abs(halves / std::sqrt(2 * count)), 4);  // each product twice
  EXPECT_LT(std::abs(across / std::sqrt(count)), 4);
}

/// Mean loss in double precision, cell by cell, with the law of a cell by quadrature.
double slow_loss(const ScoreLayout& layout, std::span<const double> p, const ScoreBatch& batch, double A, double B) {
  const std::size_t visible = layout.visible(), hidden = layout.hidden();
  double loss = 0;
  for (std::size_t r = 0; r < batch.rows; ++r) {
    const int label = batch.labels[r];
    std::vector<double> force(visible);
    for (std::size_t i = 0; i < visible; ++i) {
      force[i] = p[layout.a() + i] * double{batch.x[r * visible + i]} + p[layout.c() + i];
      if (label >= 0) force[i] += p[layout.L() + static_cast<std::size_t>(label) * visible + i];
    }
    for (std::size_t k = 0; k < hidden; ++k) {
      double u = p[layout.b() + k];
      if (label >= 0) u += p[layout.U() + static_cast<std::size_t>(label) * hidden + k];
      for (std::size_t i = 0; i < visible; ++i) u += p[k * visible + i] * double{batch.x[r * visible + i]};
      const double h = exact_mean(A, B, u);
      for (std::size_t i = 0; i < visible; ++i) force[i] += p[k * visible + i] * h;
    }
    for (std::size_t i = 0; i < visible; ++i) {
      const double x = batch.x[r * visible + i];
      const double residual = double{batch.sigma[r]} / 2 * (force[i] - x) + double{batch.noise[r * visible + i]};
      loss += residual * residual / batch.rows;
    }
  }
  return loss;
}

TEST(ScoreLoss, AndItsGradientAreThoseOfASlowOneByDifferences) {
  const ScoreNetwork network = some_network(2, 3, 4, 3, 0.6);
  const ScoreLayout layout = network.layout();
  ScoreBatch batch;
  batch.rows = 3;
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  for (std::size_t i = 0; i < 3 * 6; ++i) {
    batch.x.push_back(static_cast<float>(normal(random)));
    batch.noise.push_back(static_cast<float>(normal(random)));
  }
  batch.sigma = {0.1f, 0.4f, 0.99f};
  batch.labels = {0, 2, -1};
  const CellLaw law(network.A, network.B);
  std::vector<float> gradient(layout.size());
  std::vector<double> parameters(network.segments[0].parameters.begin(), network.segments[0].parameters.end());
  numerics::ThreadTeam team(1), pair(2);
  ScoreLoss loss(layout, law, team), same(layout, law, pair);
  const double fast = loss.evaluate(network.segments[0].parameters, batch, gradient);
  EXPECT_NEAR(fast, slow_loss(layout, parameters, batch, network.A, network.B), 1e-4 * fast);
  for (std::size_t i = 0; i < layout.size(); ++i) {
    const double at = parameters[i], step = 1e-4;
    parameters[i] = at + step;
    const double up = slow_loss(layout, parameters, batch, network.A, network.B);
    parameters[i] = at - step;
    const double down = slow_loss(layout, parameters, batch, network.A, network.B);
    parameters[i] = at;
    EXPECT_NEAR(gradient[i], (up - down) / (2 * step), 2e-4) << "parameter " << i;
  }
  std::vector<float> other(layout.size());
  EXPECT_EQ(same.evaluate(network.segments[0].parameters, batch, other), fast);
  EXPECT_EQ(other, gradient);
}

/// Images of 1 x 2 pixels: class 0 is ink on the left, class 1 on the right.
Images two_pixels(std::size_t count) {
  Images images;
  images.rows = 1;
  images.columns = 2;
  images.source = "two pixels";
  for (std::size_t i = 0; i < count; ++i) {
    images.labels.push_back(static_cast<std::uint8_t>(i % 2));
    images.pixels.push_back(i % 2 == 0 ? 255 : 0);
    images.pixels.push_back(i % 2 == 0 ? 0 : 255);
  }
  return images;
}

ScoreOptions small_options() {
  ScoreOptions options;
  options.hidden = 6;
  options.segments = 3;
  options.steps = 40;
  options.batch = 32;
  options.threads = 1;
  return options;
}

TEST(ScoreTrainer, GoesOnToTheSameBitsWithAnyNumberOfThreads) {
  const Images data = draw_digits(1, 3);
  ScoreOptions options = small_options();
  ScoreTrainer whole(data, options);
  whole.train();
  for (const std::uint64_t stop : {1u, 80u, 97u, 160u, 170u}) {
    ScoreTrainer first(data, options);
    first.train([&](std::uint64_t done, std::uint64_t, double) { return done < stop; });
    ASSERT_FALSE(first.finished());
    options.threads = 2;
    ScoreTrainer second(data, options);
    second.resume(first.network(), first.options(), first.checkpoint());
    second.train();
    options.threads = 1;
    ASSERT_TRUE(second.finished());
    for (std::size_t s = 0; s < 3; ++s) EXPECT_EQ(second.network().segments[s].parameters, whole.network().segments[s].parameters);
    EXPECT_EQ(second.checkpoint().losses, whole.checkpoint().losses);
  }
  EXPECT_EQ(whole.checkpoint().losses.size(), 5u);  // the first segment again: 48 steps
  EXPECT_LT(whole.checkpoint().losses[1], whole.checkpoint().losses[0]);
}

TEST(ScoreTrainer, LearnsCoarseSegmentsAgainAndBetterAndLeavesTheFineOnes) {
  const Images data = draw_digits(1, 20);
  ScoreOptions options = small_options();
  options.hidden = 32;
  options.segments = 4;
  options.steps = 150;
  ScoreTrainer twice(data, options);
  twice.train();
  options.coarse_noise = 1;
  ScoreTrainer once(data, options);
  once.train();
  ASSERT_EQ(once.total_steps(), 750u);
  ASSERT_EQ(twice.total_steps(), 750u + 180u + 90u);  // middles of variance 0.95, 0.51, 0.16 and 0.04
  EXPECT_NE(twice.network().segments[0].parameters, once.network().segments[0].parameters);
  EXPECT_NE(twice.network().segments[1].parameters, once.network().segments[1].parameters);
  EXPECT_EQ(twice.network().segments[2].parameters, once.network().segments[2].parameters);
  EXPECT_EQ(twice.network().segments[3].parameters, once.network().segments[3].parameters);
  const std::vector<double>& losses = twice.checkpoint().losses;
  ASSERT_EQ(losses.size(), 15u + 4u + 2u);
  std::printf("loss of the second segment: %.4f, again %.4f\n", losses[8], losses.back());
  EXPECT_LT(losses.back(), 0.9 * losses[8]);
}

TEST(ScoreTrainer, NamesWhatDiffersFromTheTrainingItIsToTakeUp) {
  const Images data = two_pixels(10);
  ScoreOptions options = small_options();
  ScoreTrainer first(data, options);
  first.train([](std::uint64_t, std::uint64_t, double) { return false; });
  options.batch = 33;
  options.seed = 2;
  ScoreTrainer second(data, options);
  try {
    second.resume(first.network(), first.options(), first.checkpoint());
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("batch was 32 and is 33, seed was 1 and is 2"));
  }
}

TEST(ScoreTrainer, RefusesWhatItCannotDo) {
  const Images data = two_pixels(10);
  const auto refused = [&](auto change) {
    ScoreOptions options = small_options();
    change(options);
    EXPECT_THROW(ScoreTrainer(data, options), Error);
  };
  refused([](ScoreOptions& o) { o.hidden = 0; });
  refused([](ScoreOptions& o) { o.segments = 65; });
  refused([](ScoreOptions& o) { o.steps = 0; });
  refused([](ScoreOptions& o) { o.batch = 0; });
  refused([](ScoreOptions& o) { o.tau_last = 4; });
  refused([](ScoreOptions& o) { o.B = 0; });
  refused([](ScoreOptions& o) { o.coarse_rate = 0; });
  refused([](ScoreOptions& o) { o.coarse_noise = 1.5; });
  refused([](ScoreOptions& o) { o.unlabelled = 1.5; });
}

// The hidden cells of the device, explicit and noisy, push visible cells that are held with W^T m(Wx + b + U y).
TEST(ScoreOnTheDevice, FastHiddenCellsGiveTheForceOfTheNetwork) {
  const ScoreNetwork network = some_network(1, 3, 4, 2, 0.8);
  const ScoreLayout layout = network.layout();
  const std::vector<float>& p = network.segments[0].parameters;
  Device device = open("func:cells=16&lanes=1024&seed=5");
  const double h = device.time_units(device.step());
  ScoreStretch stretch;
  stretch.kT = 0.7;
  stretch.kappa = std::sqrt(stretch.kT * h / 0.001);
  const std::array<float, 3> x{0.8f, -1.1f, 0.3f};
  const std::array<float, 2> y{1.5f, 0};
  // docs: begin held_pixels
  // Hidden cells of one segment relax under pixels x and label cells y that are held.
  Program program(device.capabilities(), network.cells());
  load_segment(program, network, 0, stretch);
  program.load_gain(1).load_temperature(static_cast<float>(stretch.kT)).commit();
  program.clamp(0, x).clamp(7, y).evolve(device.step() * 5000);
  program.capture_start(device.step() * 200).evolve(device.step() * 10000).capture_stop();
  const Result result = device.run(program, {.shots = 1024});
  // docs: end held_pixels
  std::vector<double> exact(3, 0.0);
  std::array<std::vector<double>, 3> measured;
  for (std::uint32_t shot = 0; shot < 1024; ++shot) {
    std::array<double, 3> force{};
    for (std::uint64_t r = 0; r < result.capture.records(); ++r) {
      const auto state = result.capture.state(shot, r);
      for (std::size_t k = 0; k < 4; ++k)
        for (std::size_t i = 0; i < 3; ++i)
          force[i] += double{p[k * 3 + i]} * double{state[3 + k]} / stretch.kappa / static_cast<double>(result.capture.records());
    }
    for (std::size_t i = 0; i < 3; ++i) measured[i].push_back(force[i]);
  }
  for (std::size_t k = 0; k < 4; ++k) {
    double u = double{p[layout.b() + k]} + 1.5 * double{p[layout.U() + k]};
    for (std::size_t i = 0; i < 3; ++i) u += double{p[k * 3 + i]} * double{x[i]};
    for (std::size_t i = 0; i < 3; ++i) exact[i] += double{p[k * 3 + i]} * exact_mean(network.A, network.B, u);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const measure::Estimate force = measure::mean_of_independent(measured[i]);
    std::printf("force on %zu: %9.5f +- %.5f exact %9.5f\n", i, force.value, force.standard_error, exact[i]);
    EXPECT_LT(std::abs(force.value - exact[i]), 4 * force.standard_error);
    EXPECT_LT(force.standard_error, 0.01);
  }
}

// A visible cell and two hidden ones, all free: the law of the visible one is that of V/kT with the hidden ones
// integrated out, by quadrature, whatever the ratio of their speeds.
TEST(ScoreOnTheDevice, TheStationaryLawIsThatOfTheEliminatedHiddenCells) {
  ScoreNetwork network = some_network(1, 1, 2, 0, 0);
  network.segments[0].parameters = {1.6f, -0.7f, -1.5f, 0.4f, 0.5f, -0.8f};  // W, a, c, b
  const auto log_weight = [&](double x) {
    const auto cell = [&](double u) { return reference::QuarticCell{network.A, network.B, -u}.law(1).log_partition(); };
    return -1.5 * x * x / 2 + 0.4 * x + cell(1.6 * x + 0.5) + cell(-0.7 * x - 0.8);
  };
  const reference::QuadratureRule rule = reference::gauss_rule(-6, 7, 40);
  double norm = 0;
  std::array<double, 3> exact{};
  for (std::size_t k = 0; k < rule.nodes.size(); ++k) {
    const double x = rule.nodes[k], weight = rule.weights[k] * std::exp(log_weight(x));
    norm += weight;
    exact[0] += weight * x;
    exact[1] += weight * x * x;
    exact[2] += weight * x * x * x * x;
  }
  Device device = open("func:cells=4&lanes=4096&seed=9");
  const double h = device.time_units(device.step());
  for (const double ratio : {1.0, 5.0}) {
    ScoreStretch stretch;
    const double hidden_step = 0.003;
    stretch.kT = hidden_step / ratio / h;
    stretch.kappa = std::sqrt(stretch.kT * h / hidden_step);
    const auto relax = static_cast<std::uint64_t>(6 / (stretch.kT * h));
    Program program(device.capabilities(), 3);
    load_segment(program, network, 0, stretch);
    program.load_gain(1).load_temperature(static_cast<float>(stretch.kT)).commit();
    program.clamp(0, 3, 0.0f).release(0, 3).evolve(device.step() * relax).sample();
    const Result result = device.run(program, {.shots = 8192, .capture_cells = 1});
    std::array<std::vector<double>, 3> moments;
    for (const float value : result.capture.values()) {
      const double x = value;
      moments[0].push_back(x);
      moments[1].push_back(x * x);
      moments[2].push_back(x * x * x * x);
    }
    for (std::size_t m = 0; m < 3; ++m) {
      const measure::Estimate got = measure::mean_of_independent(moments[m]);
      std::printf("ratio %g moment %zu: %9.5f +- %.5f exact %9.5f\n", ratio, m, got.value, got.standard_error, exact[m] / norm);
      EXPECT_LT(std::abs(got.value - exact[m] / norm), 4 * got.standard_error);
    }
  }
}

TEST(ScoreOnTheDevice, LabelCellsChooseEachClassAsOftenAndIndependentlyOfTheDrawingsNoise) {
  ScoreNetwork network = some_network(1, 10, 4, 10, 0.3);
  Device device = open("func:cells=32&lanes=1024&seed=3");
  ScoreDrawOptions options;
  options.shots = 8000;
  const std::vector<std::uint8_t> classes = choose_classes(device, network, options);
  ASSERT_EQ(classes.size(), 8000u);
  std::array<double, 10> count{};
  for (const std::uint8_t c : classes) ++count.at(c);
  double chi_square = 0;
  for (const double n : count) chi_square += (n - 800) * (n - 800) / 800;
  std::printf("chi^2 of 9: %.2f\n", chi_square);
  EXPECT_LT(chi_square, 9 + 4 * std::sqrt(18.0));
  EXPECT_GT(chi_square, 0.5);  // chosen, not dealt in turn
  double same = 0;  // neighbours in the list
  for (std::size_t k = 1; k < classes.size(); ++k) same += classes[k] == classes[k - 1] ? 1 : 0;
  EXPECT_LT(std::abs(same - 799.9) / std::sqrt(7999 * 0.09), 4);
  EXPECT_EQ(choose_classes(device, network, options), classes);
  options.seed = 2;
  EXPECT_NE(choose_classes(device, network, options), classes);
  options.seed = 1;
  // Ten pixels and ten label cells: with the noise of the same shots the highest pixel would be the class.
  options.shots = options.path_shots = 2000;
  options.remove_last_noise = false;
  const ScoreDrawings drawings = draw(device, network, options);
  double together = 0;
  for (std::size_t k = 0; k < 2000; ++k) {
    const auto noise = drawings.paths.begin() + static_cast<std::ptrdiff_t>(k * drawings.path_times * 10);
    together += std::max_element(noise, noise + 10) - noise == classes[k] ? 1 : 0;
  }
  EXPECT_LT(std::abs(together - 200) / std::sqrt(2000 * 0.09), 4);
  options.first_shot = 100;
  options.shots = 50;
  EXPECT_EQ(choose_classes(device, network, options), std::vector<std::uint8_t>(classes.begin() + 100, classes.begin() + 150));
  network.labels = 0;
  EXPECT_THROW(choose_classes(device, network, options), Error);
}

// Hidden cells of a small amplitude begin inside their wells: the first steps are as tame as the others.
TEST(ScoreOnTheDevice, VeryFastHiddenCellsGiveOffNoMoreHeatThanTheyHold) {
  const ScoreNetwork network = some_network(1, 3, 4, 2, 0.3);
  Device device = open("func:cells=16&lanes=256&seed=4");
  ScoreDrawOptions options;
  options.shots = 256;
  options.path_shots = 0;
  options.speed_ratio = 30;
  options.remove_last_noise = false;
  const ScoreDrawings drawings = draw(device, network, options);
  double most = 0;
  for (const double heat : drawings.heat_kT) most = std::max(most, std::abs(heat));
  std::printf("kappa %.3f, largest heat %.3g kT\n", drawings.stretches[0].kappa, most);
  EXPECT_LT(drawings.stretches[0].kappa, 0.2);
  EXPECT_LT(most, 100);  // seven cells of a few kT each
}

TEST(ScoreOnTheDevice, DrawsTheClassThatIsAskedForTheSameWithAnyBlock) {
  const Images data = two_pixels(64);
  ScoreOptions options = small_options();
  options.hidden = 8;
  options.segments = 8;
  options.steps = 300;
  options.batch = 64;
  options.learning_rate = 2e-2;  // few couplings, each a large one
  options.coarse_noise = 1;
  ScoreTrainer trainer(data, options);
  trainer.train();
  Device device = open("func:cells=32&lanes=256&seed=1");
  ScoreDrawOptions draw_options;
  draw_options.shots = 400;
  draw_options.guidance = {1};
  draw_options.finish = 200;  // to the nearest maximum
  draw_options.finish_steps = 300;
  const ScoreDrawings drawings = draw(device, trainer.network(), draw_options);
  ASSERT_EQ(drawings.asked.size(), 400u);
  EXPECT_EQ(drawings.last_noise, LastNoise::cold);
  double right = 0, distance = 0, asked = 0;
  for (std::size_t shot = 0; shot < 400; ++shot) {
    if (drawings.asked[shot] > 1) continue;  // classes that the data do not hold
    ++asked;
    const float x = drawings.images[2 * shot], y = drawings.images[2 * shot + 1];
    const float sign = drawings.asked[shot] == 0 ? 1.0f : -1.0f;
    right += sign * x > 0.5f && sign * y < -0.5f ? 1 : 0;
    distance += double{std::abs(sign * x - 1) + std::abs(sign * y + 1)} / 2;
  }
  std::printf("right %.3f, mean distance %.3f, heat %.3g kT\n", right / asked, distance / asked, drawings.heat_kT[0]);
  EXPECT_EQ(asked, 80);
  EXPECT_GT(right / asked, 0.95);
  EXPECT_LT(distance / asked, 0.15);
  // Guided in the second half only: the first half is that of other drawings, the end is not.
  ScoreDrawOptions guided = draw_options;
  guided.shots = guided.path_shots = 20;
  guided.asked = {0, 1};
  guided.guidance = {1, 3};
  const ScoreDrawings late = draw(device, trainer.network(), guided);
  const std::size_t each = std::size_t{late.path_times} * late.visible, half = std::size_t{5} * late.visible;
  guided.guidance = {1};
  const ScoreDrawings plain = draw(device, trainer.network(), guided);
  guided.guidance = {3};
  guided.class_guidance = std::vector<double>(10, 0.0);
  const ScoreDrawings undone = draw(device, trainer.network(), guided);
  for (std::size_t shot = 0; shot < 20; ++shot) {
    const auto part = [&](const ScoreDrawings& of, std::size_t from, std::size_t to) {
      return std::vector<float>(of.paths.begin() + static_cast<std::ptrdiff_t>(shot * each + from), of.paths.begin() + static_cast<std::ptrdiff_t>(shot * each + to));
    };
    EXPECT_EQ(part(late, 0, half), part(plain, 0, half)) << shot;
    EXPECT_NE(part(late, half, each), part(plain, half, each)) << shot;
    EXPECT_EQ(part(undone, 0, each), part(plain, 0, each)) << shot;
  }
  // No work but that of switching, and energy is conserved: dE = W - Q in each stretch, so heat is finite and metered.
  EXPECT_EQ(drawings.heat_kT.size(), 400u);
  Device narrow = open("func:cells=32&lanes=16&seed=1&threads=2");
  const ScoreDrawings again = draw(narrow, trainer.network(), draw_options);
  EXPECT_EQ(again.images, drawings.images);
  EXPECT_EQ(again.heat_kT, drawings.heat_kT);
}

TEST(ScoreOnTheDevice, GuidanceIsThatOfThePartOfTheSegmentsAndOfTheClass) {
  ScoreDrawOptions options;
  options.guidance = {1, 2, 4};
  options.class_guidance = {1, 0.5};
  std::vector<double> of_first, of_second;
  for (std::size_t s = 0; s < 7; ++s) {
    of_first.push_back(guidance_in(options, s, 7, 0));
    of_second.push_back(guidance_in(options, s, 7, 1));
  }
  EXPECT_THAT(of_first, ::testing::ElementsAre(1, 1, 1, 2, 2, 4, 4));
  EXPECT_THAT(of_second, ::testing::ElementsAre(1, 1, 1, 1.5, 1.5, 2.5, 2.5));
}

TEST(ScoreOnTheDevice, TakesMoreStepsAtALowerTemperatureWhereTheRangesAskForIt) {
  const ScoreNetwork network = some_network(1, 3, 4, 2, 2.0);
  ScoreDrawOptions options;
  options.steps = 10;
  Device ideal = open("func:cells=16"), coded = open("func:profile=coded&cells=16");
  const Capabilities& capabilities = coded.capabilities();
  const double h = capabilities.mobility * coded.time_units(coded.step());
  options.speed_ratio = 0.4;
  EXPECT_EQ(plan_stretches(ideal, network, options).at(0).steps, 10u);
  options.speed_ratio = 6;  // 0.012 of a hidden cell's time in a step, 0.3 of a visible one's in all
  EXPECT_EQ(plan_stretches(ideal, network, options).at(0).steps, 150u);
  const ScoreStretch stretch = plan_stretches(coded, network, options).at(0);
  std::printf("%llu steps at kT %g, hidden cells %g times as fast\n", static_cast<unsigned long long>(stretch.steps), stretch.kT,
              1 / (stretch.kappa * stretch.kappa));
  EXPECT_GT(stretch.steps, 10u);
  EXPECT_NEAR(stretch.kT * h * static_cast<double>(stretch.steps), 0.3, 1e-9);
  // The largest of each parameter, in device units, lies within its range; one fewer step and one does not.
  const auto fits = [&](double kT) {
    const ScoreLayout layout = network.layout();
    const auto& p = network.segments[0].parameters;
    const double kappa = std::max({std::sqrt(kT * h / options.hidden_step), std::pow(kT * network.B / capabilities.range_j4, 0.25),
                                   std::sqrt(kT * network.A / capabilities.range_j2)});
    const auto most = [&](std::size_t from, std::size_t to) {
      double value = 0;
      for (std::size_t i = from; i < to; ++i) value = std::max(value, std::abs(double{p[i]}));
      return value * kT;
    };
    const double slack = 1 + 1e-5;
    return kT <= capabilities.kT_max * slack && most(0, layout.a()) / kappa <= capabilities.range_coupling * slack &&
           most(layout.a(), layout.c()) / 2 <= capabilities.range_j2 * slack &&
           std::max(most(layout.c(), layout.L()), most(layout.b(), layout.U()) / kappa) <= capabilities.range_bias * slack &&
           most(layout.L(), layout.b()) <= capabilities.range_coupling * slack &&
           most(layout.U(), layout.size()) / kappa <= capabilities.range_coupling * slack && kappa * kappa * 6 <= slack;
  };
  EXPECT_TRUE(fits(stretch.kT));
  EXPECT_FALSE(fits(stretch.kT * 1.01));
}

TEST(ScoreOnTheDevice, IsRefusedByNameWhereTheDeviceDoesNotDo) {
  ScoreNetwork network = some_network(1, 2, 2, 0, 0.1);
  const auto refusal = [&](const char* uri, ScoreDrawOptions options) {
    Device device = open(uri);
    try {
      draw(device, network, options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_THAT(refusal("func:cells=3", {}), HasSubstr("4 cells are needed, the device has 3"));
  EXPECT_THAT(refusal("func:cell=pbit&cells=8", {}), HasSubstr("overdamped"));
  EXPECT_THAT(refusal("func:topology=ring:8", {}), HasSubstr("graph"));
  ScoreDrawOptions asked;
  asked.asked = {1};
  EXPECT_THAT(refusal("func:cells=8", asked), HasSubstr("class 1"));
  ScoreDrawOptions guided;
  guided.guidance = {1, 2};
  EXPECT_THAT(refusal("func:cells=8", guided), HasSubstr("guidance has 2 values, 1 to 1"));
  guided.guidance = {1};
  guided.class_guidance = {1};
  EXPECT_THAT(refusal("func:cells=8", guided), HasSubstr("class_guidance has 1 values, the network has 0 classes"));
  guided.class_guidance = {};
  guided.finish = 0;
  EXPECT_THAT(refusal("func:cells=8", guided), HasSubstr("finish"));
  network.segments[0].parameters.clear();
  EXPECT_THAT(refusal("func:cells=8", {}), HasSubstr("not trained"));
}

TEST(DrawingJudge, FrechetDistanceOfAScaledSampleIsExact) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  constexpr std::size_t width = 7;
  std::vector<float> a, b;
  for (std::size_t i = 0; i < 300 * width; ++i) {
    a.push_back(normal(random) * static_cast<float>(1 + i % width));
    b.push_back(3 * a.back() + (i % width == 2 ? 5.0f : 0.0f));
  }
  double trace = 0, shift = 0;
  for (std::size_t k = 0; k < width; ++k) {
    double mean = 0, square = 0;
    for (std::size_t r = 0; r < 300; ++r) mean += double{a[r * width + k]} / 300;
    for (std::size_t r = 0; r < 300; ++r) square += std::pow(double{a[r * width + k]} - mean, 2) / 299;
    trace += square;
    shift += std::pow(2 * mean + (k == 2 ? 5 : 0), 2);
  }
  EXPECT_NEAR(frechet_distance(a, b, width), shift + 4 * trace, 1e-3 * trace);
  EXPECT_NEAR(frechet_distance(a, a, width), 0, 1e-6 * trace);
}

TEST(DrawingJudge, TellsDigitsFromTheirNegativesAndHeldOutOnesFromNone) {
  const SplitImages split = split_images(draw_digits(1, 110), 100);
  ASSERT_EQ(split.held_out.size(), 100u);
  const DigitReader reader(split.learned, 1, 1);
  EXPECT_GT(reader.accuracy(split.held_out), 0.9);
  std::vector<float> drawings, negatives;
  for (std::size_t i = 0; i < 100; ++i) {
    const std::vector<float> pixels = score_pixels(split.held_out, i);
    drawings.insert(drawings.end(), pixels.begin(), pixels.end());
  }
  for (const float v : drawings) negatives.push_back(-v);
  const DrawingQuality held = judge_drawings(drawings, split.held_out.labels, reader, split.learned, split.held_out, 1);
  EXPECT_DOUBLE_EQ(held.asked_fraction.value, held.reader_accuracy);
  EXPECT_EQ(held.inverted_fraction, 0);
  EXPECT_DOUBLE_EQ(held.frechet.value, held.frechet_held_out.value);
  EXPECT_DOUBLE_EQ(held.nearest_training_distance.value, held.nearest_held_out_distance.value);
  EXPECT_LT(std::abs(held.within_class_variance.value - 1), 0.1);
  const DrawingQuality inverted = judge_drawings(negatives, split.held_out.labels, reader, split.learned, split.held_out, 1);
  EXPECT_EQ(inverted.inverted_fraction, 1);
  EXPECT_GT(inverted.frechet.value, 5 * held.frechet.value);
}

}  // namespace
}  // namespace heatbath::trainers
