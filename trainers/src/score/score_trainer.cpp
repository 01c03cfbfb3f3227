// Denoising score matching of the segments, one after the other.

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "normal_rows.hpp"
#include "score_loss.hpp"
#include "trainers/src/adam.hpp"

namespace heatbath::trainers {
namespace {

constexpr std::uint32_t kStepsPerLoss = 50;
constexpr std::size_t kPiece = 16384;                             // parameters updated by one piece of work
constexpr float kOthersRate = 5;  // of all parameters but W, over the rate of the coarse segments: they are few and of order 1 to 100

/// What the numbers of a step are for: words 3 of their address.
enum : std::uint32_t { kRows = 0, kNoise = 1, kWeights = 2 };

void check_options(const Images& data, const ScoreOptions& options) {
  const auto check = [](bool good, const std::string& what) {
    if (!good) throw Error(HB_BAD_ARG, "ScoreTrainer: " + what);
  };
  check(options.hidden >= 1, "hidden is 0, at least 1 hidden cell is needed");
  check(options.segments >= 1 && options.segments <= 64,
        "segments is " + std::to_string(options.segments) + ", 1 to 64 are possible");
  check(options.steps >= 1, "steps is 0, at least 1 is needed");
  check(options.batch >= 1 && options.batch <= 65536, "batch is " + std::to_string(options.batch) + ", 1 to 65536 are possible");
  check(options.learning_rate > 0 && std::isfinite(options.learning_rate), "learning_rate must be positive and finite");
  check(options.coarse_rate > 0 && std::isfinite(options.coarse_rate), "coarse_rate must be positive and finite");
  check(options.coarse_noise >= 0 && options.coarse_noise <= 1, "coarse_noise is a variance, 0 to 1");
  check(options.tau_last > 0 && options.tau_first > options.tau_last && options.tau_first <= 20,
        "tau_first and tau_last must be 20 >= tau_first > tau_last > 0");
  check(options.unlabelled >= 0 && options.unlabelled <= 1, "unlabelled is a share, 0 to 1");
  check(data.size() > 0 && data.pixels.size() == data.size() * data.rows * data.columns,
        data.source + " holds " + std::to_string(data.size()) + " labels and " + std::to_string(data.pixels.size()) +
            " pixels, which do not belong together");
  for (const std::uint8_t label : data.labels) check(label <= 9, "label " + std::to_string(label) + ", classes are 0 to 9");
}

}  // namespace

std::vector<float> score_pixels(const Images& data, std::size_t image) {
  const auto pixels = data.image(image);
  std::vector<float> scaled(pixels.size());
  for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] = static_cast<float>(pixels[i]) * (2.0f / 255.0f) - 1.0f;
  return scaled;
}

struct ScoreTrainer::Impl {
  Impl(const Images& images, const ScoreOptions& the_options)
      : data(images),
        options((check_options(images, the_options), the_options)),
        team(options.threads),
        law(options.A, options.B),
        layout(data.rows * data.columns, options.hidden, options.labels ? 10 : 0),
        loss(layout, law, team) {
    if (options.first_steps == 0) options.first_steps = 2 * options.steps;
    network.rows = data.rows;
    network.columns = data.columns;
    network.hidden = options.hidden;
    network.labels = layout.labels();
    network.A = options.A;
    network.B = options.B;
    const double ratio = std::log(options.tau_last / options.tau_first);
    const auto tau_at = [&](std::uint32_t s) {
      return s == 0 ? options.tau_first : s == options.segments ? options.tau_last : options.tau_first * std::exp(ratio * s / options.segments);
    };
    for (std::uint32_t s = 0; s < options.segments; ++s) network.segments.push_back({tau_at(s), tau_at(s + 1), {}});

    // Per pixel: mean and variance, for the linear part that each segment starts from.
    const std::size_t visible = layout.visible();
    pixel_mean.assign(visible, 0);
    pixel_variance.assign(visible, 0);
    for (std::size_t n = 0; n < data.size(); ++n) {
      const auto pixels = data.image(n);
      for (std::size_t i = 0; i < visible; ++i) {
        const double x = pixels[i] / 127.5 - 1;
        pixel_mean[i] += x;
        pixel_variance[i] += x * x;
      }
    }
    for (std::size_t i = 0; i < visible; ++i) {
      pixel_mean[i] /= static_cast<double>(data.size());
      pixel_variance[i] = std::max(0.0, pixel_variance[i] / static_cast<double>(data.size()) - pixel_mean[i] * pixel_mean[i]);
    }
    gradient.resize(layout.size());
    batch.rows = options.batch;
    batch.x.resize(std::size_t{options.batch} * visible);
    batch.noise.resize(batch.x.size());
    batch.sigma.resize(options.batch);
    batch.labels.resize(options.batch);
  }

  // Places: all segments, then the coarse ones again.
  std::uint32_t coarse() const {
    std::uint32_t count = 0;
    while (count < options.segments) {
      const ScoreSegment& own = network.segments[count];
      if (!(-std::expm1(-2 * std::sqrt(own.tau_first * own.tau_last)) > options.coarse_noise)) break;
      ++count;
    }
    return count;
  }
  std::uint32_t places() const { return options.segments + coarse(); }
  bool again(std::uint32_t place) const { return place >= options.segments; }
  std::uint32_t segment_at(std::uint32_t place) const { return again(place) ? place - options.segments : place; }
  std::uint32_t steps_of(std::uint32_t place) const {
    const std::uint32_t steps = segment_at(place) == 0 ? options.first_steps : options.steps;
    return again(place) ? static_cast<std::uint32_t>((std::uint64_t{3} * steps + 4) / 5) : steps;
  }
  std::uint64_t steps_before(std::uint32_t place) const {
    std::uint64_t sum = 0;
    for (std::uint32_t p = 0; p < place; ++p) sum += steps_of(p);
    return sum;
  }
  std::uint64_t total() const { return steps_before(places()); }
  std::uint64_t done() const { return steps_before(state.segment) + state.step; }

  /// The parameters that a segment starts from: those of the one before it, and what two independent Gaussian pixels
  /// need of a and c at its middle.
  void start(std::uint32_t segment) {
    ScoreSegment& own = network.segments[segment];
    const auto linear = [&](const ScoreSegment& s, std::size_t i) {
      const double tau = std::sqrt(s.tau_first * s.tau_last), decay = std::exp(-tau), noise = -std::expm1(-2 * tau);
      const double variance = decay * decay * pixel_variance[i] + noise;
      return std::array<double, 2>{1 - 2 / variance, 2 * decay * pixel_mean[i] / variance};
    };
    if (segment > 0) {
      own.parameters = network.segments[segment - 1].parameters;
    } else {
      own.parameters.assign(layout.size(), 0.0f);
      const double deviation = 0.5 / std::sqrt(static_cast<double>(layout.visible()));
      for (std::size_t k = 0; k < layout.hidden(); ++k) {
        normal_row(key(segment, 0, static_cast<std::uint32_t>(k), kWeights),
                   std::span(own.parameters).subspan(k * layout.visible(), layout.visible()));
      }
      for (std::size_t k = 0; k < layout.a(); ++k) own.parameters[k] *= static_cast<float>(deviation);
    }
    for (std::size_t i = 0; i < layout.visible(); ++i) {
      const auto [a, c] = linear(own, i);
      const auto [a_before, c_before] = segment > 0 ? linear(network.segments[segment - 1], i) : std::array<double, 2>{0, 0};
      own.parameters[layout.a() + i] += static_cast<float>(a - a_before);
      own.parameters[layout.c() + i] += static_cast<float>(c - c_before);
    }
    state.momentum.assign(layout.size(), 0.0f);
    state.square.assign(layout.size(), 0.0f);
  }

  std::uint64_t key(std::uint32_t segment, std::uint32_t step, std::uint32_t row, std::uint32_t purpose) const {
    const auto words = numerics::random_words(options.seed, numerics::HostPurpose::score_noise, step, row, segment * 4 + purpose);
    return words[0] | std::uint64_t{words[1]} << 32;
  }

  void fill_batch(std::uint32_t segment, std::uint32_t step) {
    const ScoreSegment& own = network.segments[segment];
    const std::size_t visible = layout.visible();
    const double low = std::log(own.tau_last), span = std::log(own.tau_first) - low;
    team.run(options.batch, [&](std::size_t r) {
      const auto words = numerics::random_words(options.seed, numerics::HostPurpose::score_noise, step,
                                                static_cast<std::uint32_t>(r), segment * 4 + kRows);
      const std::size_t image = static_cast<std::size_t>((std::uint64_t{words[0]} * data.size()) >> 32);
      const double tau = std::exp(low + span * numerics::unit_interval(words[1]));
      const auto decay = static_cast<float>(std::exp(-tau)), sigma = static_cast<float>(std::sqrt(-std::expm1(-2 * tau)));
      const bool told = layout.labels() > 0 && numerics::unit_interval(words[2]) >= options.unlabelled;
      batch.labels[r] = told ? data.labels[image] : -1;
      batch.sigma[r] = sigma;
      float* noise = batch.noise.data() + r * visible;
      float* x = batch.x.data() + r * visible;
      normal_row(key(segment, step, static_cast<std::uint32_t>(r), kNoise), {noise, visible});
      const std::uint8_t* pixels = data.image(image).data();
      for (std::size_t i = 0; i < visible; ++i) {
        x[i] = decay * (static_cast<float>(pixels[i]) * (2.0f / 255.0f) - 1.0f) + sigma * noise[i];
      }
    });
  }

  void update_plain(std::vector<float>& parameters, const Adam& adam) {
    const std::size_t size = layout.size();
    team.run((size + kPiece - 1) / kPiece, [&](std::size_t piece) {
      const std::size_t last = std::min(size, (piece + 1) * kPiece);
      float* p = parameters.data();
      float* m = state.momentum.data();
      float* v = state.square.data();
      const float* g = gradient.data();
      for (std::size_t i = piece * kPiece; i < last; ++i) adam.move(p[i], m[i], v[i], g[i]);
    });
  }

  /// Adam in centred coordinates: x and m enter as distances from their means x' and m' over the batch, so that W does
  /// not learn what b and c can (Montavon & Mueller 2012; Cho, Raiko & Ilin 2011). The gradient of W loses
  /// g_b x'^T + m' g_c^T, and a change D of it moves b by -D x' and c by -D^T m'. `gradient` is used up.
  void update_centred(std::vector<float>& parameters, const Adam& adam) {
    const std::size_t visible = layout.visible(), hidden = layout.hidden(), rows = batch.rows;
    const auto mean_over_batch = [&](std::span<const float> values, std::vector<float>& mean, std::size_t width) {
      mean.assign(width, 0.0f);
      team.run((width + kSumColumns - 1) / kSumColumns, [&](std::size_t piece) {
        const std::size_t first = piece * kSumColumns, last = std::min(width, first + kSumColumns);
        for (std::size_t r = 0; r < rows; ++r)
          for (std::size_t i = first; i < last; ++i) mean[i] += values[r * width + i];
        for (std::size_t i = first; i < last; ++i) mean[i] /= static_cast<float>(rows);
      });
    };
    mean_over_batch(batch.x, x_mean, visible);
    mean_over_batch(loss.means(), hidden_mean, hidden);
    float* p = parameters.data();
    float* g = gradient.data();
    const auto change = [&](std::size_t i, float slope, float times = 1) {
      return adam.move(p[i], state.momentum[i], state.square[i], slope, times);
    };
    // The changes of W take the place of its gradient.
    team.run(hidden, [&](std::size_t k) {
      const float of_b = g[layout.b() + k], mean = hidden_mean[k];
      float* row = g + k * visible;
      const float* of_c = g + layout.c();
      for (std::size_t i = 0; i < visible; ++i) row[i] = change(k * visible + i, row[i] - of_b * x_mean[i] - mean * of_c[i]);
    });
    const std::size_t first_other = layout.a(), others = layout.size() - first_other;
    team.run((others + kPiece - 1) / kPiece, [&](std::size_t piece) {
      const std::size_t last = std::min(others, (piece + 1) * kPiece);
      for (std::size_t i = piece * kPiece; i < last; ++i) change(first_other + i, g[first_other + i], kOthersRate);
    });
    team.run(hidden, [&](std::size_t k) {
      for (std::size_t i = 0; i < visible; ++i) p[layout.b() + k] += g[k * visible + i] * x_mean[i];
    });
    team.run((visible + kSumColumns - 1) / kSumColumns, [&](std::size_t piece) {
      const std::size_t first = piece * kSumColumns, last = std::min(visible, first + kSumColumns);
      float* c = p + layout.c();
      for (std::size_t k = 0; k < hidden; ++k)
        for (std::size_t i = first; i < last; ++i) c[i] += g[k * visible + i] * hidden_mean[k];
    });
  }

  /// One step of Adam; returns the loss per visible cell.
  double step() {
    const std::uint32_t place = state.segment, segment = segment_at(place), number = state.step;
    if (number == 0) start(segment);
    fill_batch(segment, number);
    std::vector<float>& parameters = network.segments[segment].parameters;
    const double value = loss.evaluate(parameters, batch, gradient) / layout.visible();
    const double progress = static_cast<double>(number) / steps_of(place);
    const double rate = (again(place) ? options.coarse_rate : options.learning_rate) * (0.01 + 0.99 * 0.5 * (1 + std::cos(std::numbers::pi * progress)));
    const Adam adam(rate, number);
    if (again(place)) update_centred(parameters, adam);
    else update_plain(parameters, adam);
    state.loss_sum += value;
    ++state.step;
    if (state.step % kStepsPerLoss == 0 || state.step == steps_of(place)) {
      const std::uint32_t in_mean = state.step % kStepsPerLoss == 0 ? kStepsPerLoss : state.step % kStepsPerLoss;
      state.losses.push_back(state.loss_sum / in_mean);
      state.loss_sum = 0;
    }
    if (state.step == steps_of(place)) {
      ++state.segment;
      state.step = 0;
      state.momentum.clear();
      state.square.clear();
    }
    return value;
  }

  const Images& data;
  ScoreOptions options;
  numerics::ThreadTeam team;
  CellLaw law;
  ScoreLayout layout;
  ScoreLoss loss;
  ScoreNetwork network;
  ScoreCheckpoint state;
  std::vector<double> pixel_mean, pixel_variance;
  std::vector<float> gradient, x_mean, hidden_mean;
  ScoreBatch batch;
};

ScoreTrainer::ScoreTrainer(const Images& data, const ScoreOptions& options) : impl_(std::make_unique<Impl>(data, options)) {}
ScoreTrainer::~ScoreTrainer() = default;

bool ScoreTrainer::finished() const { return impl_->state.segment == impl_->places(); }
std::uint64_t ScoreTrainer::total_steps() const { return impl_->total(); }
std::uint32_t ScoreTrainer::segment() const {
  return finished() ? impl_->options.segments : impl_->segment_at(impl_->state.segment);
}
const ScoreNetwork& ScoreTrainer::network() const { return impl_->network; }
const ScoreOptions& ScoreTrainer::options() const { return impl_->options; }
const ScoreCheckpoint& ScoreTrainer::checkpoint() const { return impl_->state; }

void ScoreTrainer::train(const AfterStep& after) {
  while (!finished()) {
    const double value = impl_->step();
    if (!std::isfinite(value)) {
      throw Error(HB_BAD_ARG, "ScoreTrainer: the loss is no longer finite; a smaller learning_rate than " +
                                  numerics::general(impl_->options.learning_rate) + " is needed");
    }
    if (after && !after(impl_->done(), impl_->total(), value)) return;
  }
}

void ScoreTrainer::resume(const ScoreNetwork& network, const ScoreOptions& options, ScoreCheckpoint checkpoint) {
  const auto check = [](bool good, const std::string& what) {
    if (!good) throw Error(HB_BAD_ARG, "ScoreTrainer: " + what);
  };
  const ScoreNetwork& own = impl_->network;
  std::string changed;
  const auto compare = [&](const char* name, auto was, auto is) {
    if (was == is) return;
    changed += std::string(changed.empty() ? "" : ", ") + name + " was " + numerics::general(static_cast<double>(was)) +
               " and is " + numerics::general(static_cast<double>(is));
  };
  compare("rows", network.rows, own.rows);
  compare("columns", network.columns, own.columns);
  compare("hidden", network.hidden, own.hidden);
  compare("labels", network.labels, own.labels);
  compare("segments", network.segments.size(), own.segments.size());
  compare("A", network.A, own.A);
  compare("B", network.B, own.B);
  compare("steps", options.steps, impl_->options.steps);
  compare("first_steps", options.first_steps, impl_->options.first_steps);
  compare("batch", options.batch, impl_->options.batch);
  compare("learning_rate", options.learning_rate, impl_->options.learning_rate);
  compare("coarse_rate", options.coarse_rate, impl_->options.coarse_rate);
  compare("coarse_noise", options.coarse_noise, impl_->options.coarse_noise);
  compare("tau_first", options.tau_first, impl_->options.tau_first);
  compare("tau_last", options.tau_last, impl_->options.tau_last);
  compare("unlabelled", options.unlabelled, impl_->options.unlabelled);
  compare("seed", options.seed, impl_->options.seed);
  check(changed.empty(), "a training that goes on needs its own settings; " + changed);
  const std::uint32_t places = impl_->places();
  check(checkpoint.segment <= places && (checkpoint.segment == places ? checkpoint.step == 0 : checkpoint.step < impl_->steps_of(checkpoint.segment)),
        "the checkpoint is at step " + std::to_string(checkpoint.step) + " of segment " + std::to_string(checkpoint.segment) +
            ", beyond this training");
  const std::size_t begun = std::min<std::size_t>(own.segments.size(), checkpoint.segment + (checkpoint.step > 0 ? 1 : 0)), size = impl_->layout.size();
  for (std::size_t s = 0; s < begun; ++s)
    check(network.segments[s].parameters.size() == size, "segment " + std::to_string(s) + " of the checkpoint lacks parameters");
  check(checkpoint.step == 0 || (checkpoint.momentum.size() == size && checkpoint.square.size() == size),
        "the checkpoint lacks the state of the optimizer");
  impl_->network = network;
  impl_->state = std::move(checkpoint);
}

}  // namespace heatbath::trainers
