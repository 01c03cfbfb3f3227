// The exact optimum of the reverse action, segments, label cells, the classifier of samples, and going on.
#include "trainers/src/least_squares.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <unistd.h>

#include <Eigen/Dense>

#include "heatbath/error.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/sample_quality.hpp"
#include "heatbath/numerics/random.hpp"

namespace heatbath::trainers {
namespace {

using ::testing::HasSubstr;

const Images& digits() {
  static const Images images = draw_digits(1, 100);
  return images;
}

GenerativeOptions small_options() {
  GenerativeOptions options;
  options.hidden = 32;
  options.updates = 30;
  options.drive = Drive::projection;
  options.optimizer = Optimizer::least_squares;
  options.threads = 1;
  return options;
}

// The oracle: all independent parameters in one dense system of the factorised averages, in double precision.
struct Size {
  std::uint32_t v, h, images, steps;
};
class LeastSquaresOf : public ::testing::TestWithParam<Size> {};

TEST_P(LeastSquaresOf, IsTheSolutionOfTheDenseNormalEquations) {
  const auto [v, h, images, steps] = GetParam();
  const std::uint32_t labels = images;
  const std::size_t n = v + h;
  PathScale scale;
  scale.period = 0.01;
  NoisingStatistics statistics(v, h, images, steps, 1, scale);
  numerics::ThreadTeam team(1);
  Eigen::MatrixXd xs = Eigen::MatrixXd::Zero(images * steps, n), cs = xs, squares = Eigen::MatrixXd::Zero(1, n);
  const int shots = 3;
  for (std::uint32_t image = 0; image < images; ++image) {
    for (int shot = 0; shot < shots; ++shot) {
      std::vector<float> path((steps + 1) * n);
      for (std::size_t i = 0; i < path.size(); ++i) {
        const auto words = numerics::random_words(7, numerics::HostPurpose::projection, static_cast<std::uint32_t>(i), image, shot);
        path[i] = static_cast<float>(0.3 * numerics::standard_normal(words[0], words[1]) +
                                     std::sin(0.1 * static_cast<double>(i / n) + static_cast<double>(image + i % n)));
      }
      statistics.add(image, path, team);
      for (std::uint32_t k = 0; k < steps; ++k) {
        for (std::size_t i = 0; i < n; ++i) {
          const double before = path[k * n + i], x = path[(k + 1) * n + i];
          xs(image * steps + k, i) += x / shots;
          cs(image * steps + k, i) += (2 * x + 4 * x * x * x - (x - before) / 0.01) / shots;
          squares(0, i) += x * x / (shots * steps * images);
        }
      }
    }
  }
  const double weight = 1.0 / (images * steps);
  // Parameters: pairs i < j that are not both visible, biases of all cells, label weights.
  std::vector<std::pair<int, int>> pairs;
  for (int i = 0; i < int(n); ++i) {
    for (int j = std::max(i + 1, int(v)); j < int(n); ++j) pairs.emplace_back(i, j);
  }
  const int inputs = 1 + labels, unknowns = int(pairs.size()) + inputs * int(n);
  // Row i of the residual as a linear function of the unknowns, with sources x_j or the inputs.
  Eigen::MatrixXd second = weight * xs.transpose() * xs;
  second.diagonal() = squares.row(0);
  Eigen::MatrixXd u = Eigen::MatrixXd::Zero(images * steps, inputs);
  u.col(0).setOnes();
  for (std::uint32_t image = 0; image < images; ++image) u.block(image * steps, 1 + image, steps, 1).setOnes();
  Eigen::MatrixXd all(n + inputs, n + inputs), force(n, n + inputs);
  all << second, weight * xs.transpose() * u, weight * u.transpose() * xs, weight * u.transpose() * u;
  force << weight * cs.transpose() * xs, weight * cs.transpose() * u;
  Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(unknowns, unknowns);
  Eigen::VectorXd right = Eigen::VectorXd::Zero(unknowns);
  for (int i = 0; i < int(n); ++i) {
    std::vector<std::pair<int, int>> terms;  // unknown, source
    for (int p = 0; p < int(pairs.size()); ++p) {
      if (pairs[p].first == i) terms.emplace_back(p, pairs[p].second);
      if (pairs[p].second == i) terms.emplace_back(p, pairs[p].first);
    }
    for (int k = 0; k < inputs; ++k) terms.emplace_back(int(pairs.size()) + k * int(n) + i, int(n) + k);
    for (const auto& [p, source] : terms) {
      right[p] -= force(i, source);
      for (const auto& [q, other] : terms) normal(p, q) += all(source, other);
    }
  }
  const Eigen::VectorXd exact = normal.completeOrthogonalDecomposition().solve(right);

  std::vector<std::uint32_t> label_of;
  for (std::uint32_t image = 0; image < images; ++image) label_of.push_back(image);
  const NoisingStatistics::Optimum found = statistics.solve(0, true, {}, label_of, labels, {}, team);
  EXPECT_GT(found.iterations, 3u);
  // One direction is free (all label weights up, the bias down), so the action is compared, and what is not free.
  const double size = exact.head(pairs.size()).norm();
  for (int p = 0; p < int(pairs.size()); ++p) {
    const int i = pairs[p].first, j = pairs[p].second;
    const float value = i < int(v) ? found.theta.visible_hidden[i * h + (j - v)]
                                   : found.theta.hidden_hidden[(i - v) * h + (j - v)];
    EXPECT_NEAR(value, exact[p], 5e-3 * size) << i << " " << j;
  }
  for (std::uint32_t l = 0; l < labels; ++l) {
    for (int i = 0; i < int(n); ++i) {
      const float bias = i < int(v) ? found.theta.visible_bias[i] : found.theta.bias[i - v];
      EXPECT_NEAR(bias + found.label_weights[l * n + i], exact[pairs.size() + i] + exact[pairs.size() + (1 + l) * n + i],
                  2e-2 * size);
    }
  }
}

// Many rows of means, and fewer than half as many as cells: the two ways in which the matrix is applied.
INSTANTIATE_TEST_SUITE_P(Sizes, LeastSquaresOf, ::testing::Values(Size{3, 4, 3, 40}, Size{9, 16, 2, 6}));

// At the optimum of its window no parameter may help: the held-out action of the gradient rule stays above, though it
// has ten times the trajectories.
TEST(LeastSquares, BeatsManyGradientUpdatesOnTheSameTrajectories) {
  Device device = open("func:lanes=32&threads=1");
  GenerativeOptions options = small_options();
  options.capture_period = device.ticks(0.025);
  options.updates = 33;
  GenerativeTrainer exact(device, digits(), options);
  exact.train();
  EXPECT_EQ(exact.model().updates, 33u);
  options.optimizer = Optimizer::gradient;
  options.updates = 330;
  GenerativeTrainer gradient(device, digits(), options);
  gradient.train();
  const auto best = exact.held_out_each(30), other = gradient.held_out_each(30);
  const auto moments = [&](const auto& value) {
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < best.size(); ++i) mean += value(i) / 30, square += value(i) * value(i) / 30;
    return std::pair(mean, std::sqrt((square - mean * mean) * 30 / 29));
  };
  for (std::size_t i = 0; i < best.size(); ++i) EXPECT_EQ(best[i].floor, other[i].floor) << "the same trajectories";
  const auto [gain, gain_sd] = moments([&](std::size_t i) { return other[i].per_step - best[i].per_step; });
  EXPECT_GT(gain / (gain_sd / std::sqrt(30)), 4);
  // In-sample and held out agree: with means and variances for all statistics there is nothing to overfit.
  const ReverseAction in = exact.in_sample(12);
  const auto [held, held_sd] = moments([&](std::size_t i) { return best[i].per_step - best[i].floor; });
  EXPECT_NEAR(in.per_step - in.floor, held, 3 * held_sd * std::sqrt(1.0 / 12 + 1.0 / 30));
}

TEST(Segments, LowerTheActionAndRemoveInvertedDigits) {
  Device device = open("func:lanes=64&threads=1");
  double inverted[2], action[2];
  int which = 0;
  for (const std::uint32_t segments : {1u, 8u}) {
    GenerativeOptions options = small_options();
    options.segments = segments;
    options.ramp_end = segments == 1 ? 0.75 : 0.35;
    GenerativeTrainer trainer(device, digits(), options);
    trainer.train();
    const ReverseAction held = trainer.held_out(6);
    action[which] = held.per_step - held.floor;
    GenerateOptions draw;
    draw.shots = 32;
    const Samples samples = generate(device, trainer.model(), draw);
    const Classification classes = classify(samples, trainer.model().prototypes);
    inverted[which] = classes.inverted_fraction;
    std::printf("%u segments: action %.3f above floor, inverted %.2f, likeness %.2f, heat %.0f kT\n", segments, action[which],
                inverted[which], classes.mean_abs_correlation, samples.heat[0] / 0.1);
    // The first law, with the work of switching.
    if (segments == 1) {
      EXPECT_NEAR(samples.heat[0], samples.v0[0] - samples.vf[0], 1e-3 * std::abs(samples.vf[0]));
    }
    ++which;
  }
  EXPECT_GT(inverted[0], 0.2);
  EXPECT_LT(inverted[1], 0.05);
}

/// sum over cells of m²/2v at the end of noising, by independent cells: the mean of each as a function of its drive
/// from a table of simulated ones, the variance of free ones.
double memory_of_independent_cells(const std::vector<float>& fields, double images, double ramp_end) {
  const double dt = 5e-3, tf = 2.5, kT = 0.1;
  const int steps = static_cast<int>(tf / dt), cells = 2000, knots = 24;
  std::mt19937_64 words(5);
  std::normal_distribution<double> normal(0, std::sqrt(2 * kT * dt));
  const auto [low, high] = std::minmax_element(fields.begin(), fields.end());
  std::vector<double> table;
  double variance = 0;
  for (int k = 0; k <= knots; ++k) {
    const double h = *low + (*high - *low) * k / knots;
    double sum = 0, squares = 0;
    for (int cell = 0; cell < cells; ++cell) {
      double x = 0;
      for (int step = 0; step < 2 * steps; ++step) {
        const double a = step < steps ? 1 : std::max(0.0, 1 - (step - steps) * dt / (ramp_end * tf));
        x += (a * h - 2 * x - 4 * x * x * x) * dt + normal(words);
      }
      sum += x;
      squares += x * x;
    }
    table.push_back(sum / cells);
    variance += (squares / cells - table.back() * table.back()) / (knots + 1);
  }
  double total = 0;
  for (const float h : fields) {
    const double at = (h - *low) / (*high - *low) * knots;
    const int k = std::min(knots - 1, static_cast<int>(at));
    const double m = table[k] + (at - k) * (table[k + 1] - table[k]);
    total += m * m / (2 * variance) / images;
  }
  return total;
}

// The drawing starts from noise, so what the noising leaves of the image is missing there.
TEST(RampEnd, LetsTheNoiseForgetTheImage) {
  Device device = open("func:lanes=32");
  double memory[2];
  int which = 0;
  for (const double end : {0.75, 0.35}) {
    GenerativeOptions options = small_options();
    options.ramp_end = end;
    options.updates = 60;
    options.capture_period = device.ticks(0.05);
    GenerativeTrainer trainer(device, digits(), options);
    EXPECT_TRUE(std::isnan(trainer.noise_memory()));
    trainer.train();
    memory[which++] = trainer.noise_memory();
    if (end == 0.75) {
      std::vector<float> fields;
      for (std::size_t p = 0; p < 3; ++p) {
        const std::vector<float>& images = trainer.model().prototypes.images;
        const auto field = drive_field({images.data() + p * 784, 784}, options.hidden, options.drive, options.seed);
        fields.insert(fields.end(), field.begin(), field.end());
      }
      const double exact = memory_of_independent_cells(fields, 3, end);
      std::printf("%.2f nats, independent cells %.2f\n", memory[0], exact);
      EXPECT_NEAR(memory[0], exact, 0.15 * exact);
    }
  }
  std::printf("memory %.2f and %.2f nats\n", memory[0], memory[1]);
  EXPECT_LT(std::abs(memory[1]), 0.1 * memory[0]);
}

// Means and variances do not tell how often a class is drawn; drawing does.
TEST(Balance, MakesTheRarestClassLessRare) {
  Device device = open("func:lanes=64&threads=1");
  GenerativeOptions options = small_options();
  options.segments = 8;
  options.ramp_end = 0.35;
  double rarest[2];
  for (const std::uint32_t rounds : {0u, 6u}) {
    options.balance_rounds = rounds;
    options.balance_shots = 64;
    GenerativeTrainer trainer(device, digits(), options);
    trainer.train();
    const Samples samples = generate(device, trainer.model(), {.shots = 64});
    const Classification classes = classify(samples, trainer.model().prototypes);
    rarest[rounds > 0] = *std::min_element(classes.fractions.begin(), classes.fractions.end());
    std::printf("%u rounds: classes %.2f %.2f %.2f, weights %.3f %.3f %.3f, inverted %.2f\n", rounds, classes.fractions[0],
                classes.fractions[1], classes.fractions[2], trainer.image_weights()[0], trainer.image_weights()[1],
                trainer.image_weights()[2], classes.inverted_fraction);
    EXPECT_EQ(classes.inverted_fraction, 0);
    double sum = 0;
    for (const double weight : trainer.image_weights()) sum += weight;
    EXPECT_NEAR(sum, 1, 1e-12);
    if (rounds == 0) {
      EXPECT_THAT(trainer.image_weights(), ::testing::Each(1.0 / 3));
    }
  }
  EXPECT_GT(rarest[1], rarest[0] + 0.1);
  EXPECT_GT(rarest[1], 0.15);
}

#ifdef HEATBATH_HAS_SYSTEMC
// The chip in SystemC, approximately timed, is trained by the same code: the same trajectories and drawings.
TEST(Tlm, LearnsAndDrawsWhatTheFunctionalBackendDoes) {
  GenerativeOptions options = small_options();
  options.hidden = 8;
  options.tf = 0.1;
  options.updates = 6;
  options.segments = 2;
  std::vector<GenerativeModel> models;
  std::vector<Samples> drawn;
  for (const char* uri : {"func:lanes=2", "tlm:lanes=2"}) {
    Device device = open(uri);
    GenerativeTrainer trainer(device, digits(), options);
    trainer.train();
    models.push_back(trainer.model());
    GenerateOptions draw;
    draw.shots = 2;
    draw.trajectory_shots = 0;
    drawn.push_back(generate(device, trainer.model(), draw));
  }
  EXPECT_EQ(models[0].couplings, models[1].couplings);
  EXPECT_EQ(drawn[0].images, drawn[1].images);
  EXPECT_EQ(drawn[0].heat, drawn[1].heat);
}
#endif

// The same noise on the same machine, once with meters and once without: a profile that hides them.
TEST(Segments, HeatIsTheSameFromMetersAndFromStates) {
  GenerativeOptions options = small_options();
  options.tf = 0.2;
  options.updates = 12;
  options.segments = 3;
  Device device = open("func:lanes=16");
  GenerativeTrainer trainer(device, digits(), options);
  trainer.train();
  GenerateOptions draw;
  draw.shots = 4;
  draw.trajectory_shots = 1;
  draw.trajectory_times = 2;
  std::ifstream ideal(HEATBATH_SOURCE_DIR "/hw_model/profiles/ideal.toml");
  std::stringstream text;
  text << ideal.rdbuf();
  std::string profile = text.str();
  const std::size_t at = profile.find("meters = true");
  ASSERT_NE(at, std::string::npos);
  profile.replace(at, 13, "meters = false");
  const std::string path = ::testing::TempDir() + "no_meters_" + std::to_string(::getpid()) + ".toml";
  std::ofstream(path) << profile;
  Device blind = open("func:profile=" + path + "&lanes=16");
  const Samples metered = generate(device, trainer.model(), draw), observed = generate(blind, trainer.model(), draw);
  std::filesystem::remove(path);
  EXPECT_EQ(metered.heat_source, "meter");
  EXPECT_EQ(observed.heat_source, "states");
  EXPECT_EQ(observed.images, metered.images);
  EXPECT_EQ(observed.trajectories, metered.trajectories);
  for (int shot = 0; shot < 4; ++shot) {
    EXPECT_NEAR(observed.heat[shot], metered.heat[shot], 1e-3 * std::abs(metered.heat[shot]) + 0.1);
    // Switching is work: the energies at the ends alone do not give the heat.
    EXPECT_GT(std::abs(metered.v0[shot] - metered.vf[shot] - metered.heat[shot]), 1);
  }
}

TEST(Labels, DrawTheClassAskedFor) {
  Device device = open("func:lanes=64&threads=1");
  GenerativeOptions options = small_options();
  options.labels = true;
  options.segments = 4;
  options.ramp_end = 0.35;
  GenerativeTrainer trainer(device, digits(), options);
  trainer.train();
  EXPECT_EQ(trainer.model().labels, 3u);
  EXPECT_EQ(trainer.model().cells(), 784u + 32 + 3);
  GenerateOptions draw;
  draw.shots = 30;
  const Samples samples = generate(device, trainer.model(), draw);
  const Classification classes = classify(samples, trainer.model().prototypes);
  EXPECT_GE(classes.asked_fraction, 0.9);
  EXPECT_LT(classes.inverted_fraction, 0.1);
  draw.shots = 8;
  draw.asked = {2};
  const Samples twos = generate(device, trainer.model(), draw);
  EXPECT_THAT(twos.asked, ::testing::Each(2));
  EXPECT_GE(classify(twos, trainer.model().prototypes).fractions[2], 0.8);
  draw.asked = {7};
  EXPECT_THROW(generate(device, trainer.model(), draw), Error);
}

TEST(Resume, EndsWhereAnUnbrokenTrainingEnds) {
  for (const Optimizer optimizer : {Optimizer::gradient, Optimizer::online, Optimizer::least_squares}) {
    GenerativeOptions options = small_options();
    options.optimizer = optimizer;
    options.tf = 0.2;
    options.updates = 7;
    Device device = open("func:lanes=16");
    GenerativeTrainer whole(device, digits(), options), first(device, digits(), options), second(device, digits(), options);
    whole.train();
    first.train([](std::uint32_t done, std::uint32_t, const ReverseAction&) { return done < 6; });
    EXPECT_EQ(first.model().updates, 6u);
    second.resume(first.model(), first.actions());
    second.train();
    EXPECT_EQ(second.model().couplings, whole.model().couplings);
    EXPECT_EQ(second.model().bias, whole.model().bias);
    EXPECT_EQ(second.actions().size(), 7u);
    options.seed = 9;
    GenerativeTrainer other(device, digits(), options);
    EXPECT_THROW(other.resume(first.model(), first.actions()), Error);
  }
}

TEST(Refused, SegmentsAndLabelsWithoutLeastSquaresAndTooFewTrajectories) {
  Device device = open("func:lanes=2");
  const auto says = [&](const GenerativeOptions& options, const std::string& word) {
    try {
      GenerativeTrainer trainer(device, digits(), options);
      ADD_FAILURE() << "accepted, but " << word << " is wrong";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_BAD_ARG);
      EXPECT_THAT(error.what(), HasSubstr(word));
    }
  };
  GenerativeOptions options = small_options();
  options.optimizer = Optimizer::gradient;
  options.segments = 2;
  says(options, "segment");
  options.segments = 1;
  options.labels = true;
  says(options, "label");
  options.labels = false;
  options.balance_rounds = 1;
  says(options, "balance_rounds needs");
  options.optimizer = Optimizer::least_squares;
  options.labels = true;
  says(options, "balance_rounds with labels");
  options.labels = false;
  options.balance_rounds = 0;
  options.updates = 5;
  says(options, "at least 6");
  options.updates = 30;
  options.ramp_end = 1;
  says(options, "ramp_end");
  options.ramp_end = 0.75;
  options.images_per_class = 0;
  says(options, "images_per_class");
  options.images_per_class = 1000;
  options.updates = 10000;
  says(options, "class 0");
}

TEST(DigitClassifier, ReadsDigitsItHasNotSeen) {
  const DigitClassifier drawn(digits());
  EXPECT_GT(drawn.accuracy(), 0.9);
  EXPECT_THROW(drawn.digit(std::vector<float>(10)), Error);
  if (!std::filesystem::exists(HEATBATH_MNIST)) GTEST_SKIP() << "no MNIST in " << HEATBATH_MNIST;
  const DigitClassifier real(read_idx(HEATBATH_MNIST));
  std::printf("drawn %.3f, MNIST %.3f\n", drawn.accuracy(), real.accuracy());
  EXPECT_GT(real.accuracy(), 0.9);
}

TEST(Quality, OfTheTrainingImagesThemselvesIsPerfect) {
  const std::vector<std::size_t> chosen{0, 1, 2};
  GenerativeModel model;
  model.prototypes = {{0, 1, 2}, scale_images(digits(), chosen, Scaling::common_norm)};
  Samples samples;
  samples.shots = 6;
  samples.visible = 784;
  for (int copy = 0; copy < 2; ++copy) {
    samples.images.insert(samples.images.end(), model.prototypes.images.begin(), model.prototypes.images.end());
  }
  const Quality quality = judge_samples(samples, model, DigitClassifier(digits()), classify(samples, model.prototypes));
  EXPECT_NEAR(quality.recognised, 1, 1e-9);
  EXPECT_NEAR(quality.class_entropy, std::log(3.0), 1e-9);
  EXPECT_NEAR(quality.images_drawn, 3, 1e-9);
  EXPECT_NEAR(quality.images_held, 3, 1e-9);
  EXPECT_NEAR(quality.prototype_distance, 0, 1e-3);
  EXPECT_NEAR(quality.diversity, 0, 1e-3);
}

}  // namespace
}  // namespace heatbath::trainers
