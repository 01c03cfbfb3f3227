// Parameters that move while a chip works: exact laws of temperature, drift, supply and slow noise, and determinism.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "board.hpp"
#include "hw_model/analog/die.hpp"
#include "hw_model/analog/flicker.hpp"
#include "hw_model/analog/part_pattern.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::model {
namespace {

using namespace bench;

physics::Parameters plain(std::uint32_t cells) {
  physics::Parameters p;
  p.j2.assign(cells, 1.0f);
  p.j4.assign(cells, 2.0f);
  p.bias.assign(cells, 0.0f);
  p.couplings = std::make_shared<const physics::Couplings>(cells);
  p.kT = 1;
  return p;
}

Moment moment_at(std::uint64_t period, double period_time = 1) {
  Moment moment;
  moment.period = period;
  moment.period_time = period_time;
  moment.time = static_cast<double>(period) * period_time;
  moment.seed = 11;
  moment.lanes = 1;
  moment.cells = 64;
  return moment;
}

TEST(Die, WarmsAndCoolsWithItsTimeConstant) {
  Die die({.thermal_time = 50, .idle_warmth = 2, .run_warmth = 12, .coupling_gain = 1e-3}, 1);
  const auto after = [&](double time, bool running) {
    Moment moment = moment_at(0);
    moment.time = time, moment.running = running;
    die.pass(moment);
    return die.warmth();
  };
  EXPECT_DOUBLE_EQ(after(0, false), 2);
  EXPECT_NEAR(after(50, true), 12 - 10 * std::exp(-1.0), 1e-12);
  EXPECT_NEAR(after(80, true), 12 - 10 * std::exp(-1.6), 1e-12);
  EXPECT_NEAR(after(180, false), 2 + (10 - 10 * std::exp(-1.6)) * std::exp(-2.0), 1e-12);
  physics::Parameters p = plain(4);
  die.act(p);
  EXPECT_NEAR(p.kT, 1 + die.warmth() / 300, 1e-6);
  EXPECT_NEAR(p.gain, 1 + 1e-3 * die.warmth(), 1e-6);
}

TEST(Die, GivesCellsTheVarianceOfItsTemperature) {
  Profile profile = load_profile("ideal");
  profile.run_warmth_K = 60;
  profile.thermal_time = 2;
  Board board(profile, {.cells = 1024, .lanes = 16, .threads = 1});
  board.w(HB_SHOTS_OFFSET, 16);
  board.seed(3);
  // V = x²/2: exact variance of Euler-Maruyama at dt is kT / (1 - dt/2).
  const auto records = board.run({load(HB_SECTION_J2, 0.5f), op(HB_OP_COMMIT), timed(HB_OP_EVOLVE, 20000000), op(HB_OP_SAMPLE)});
  ASSERT_EQ(records.size(), 1u);
  double squares = 0;
  for (const float x : records[0].values) squares += static_cast<double>(x) * static_cast<double>(x);
  const double n = static_cast<double>(records[0].values.size()), expected = 1.2 / (1 - 0.0005);
  EXPECT_NEAR(squares / n, expected, 4 * expected * std::sqrt(2 / n));
}

TEST(Drift, FollowsItsPowerLawFromTheAgeOfThePart) {
  Drift drift({.exponent = 0.05, .onset = 10, .age = 100}, 1);
  for (const std::uint64_t t : {0u, 1u, 1000u, 1000000u}) {
    drift.pass(moment_at(t));
    physics::Parameters p = plain(4);
    drift.act(p);
    const double expected = std::pow(1 + (100 + static_cast<double>(t)) / 10, -0.05);
    EXPECT_NEAR(p.gain, expected, 1e-6);
    EXPECT_NEAR(p.j4[3], 2 * expected, 2e-6);
  }
  Drift spread({.exponent_sd = 0.02, .onset = 1}, 7);
  Moment later = moment_at(1000);
  later.cells = 4096;
  spread.pass(later);
  physics::Parameters p = plain(4096);
  spread.act(p);
  double squares = 0;
  for (const float j2 : p.j2) squares += std::pow(std::log(static_cast<double>(j2)) / std::log(1001.0), 2) / 4096;
  EXPECT_NEAR(std::sqrt(squares), 0.02, 5 * 0.02 / std::sqrt(2 * 4096.0));
}

TEST(Drift, WalksAsABrownianPathThatDependsOnTimeAlone) {
  constexpr std::uint32_t cells = 4096;
  const auto at = [&](std::uint64_t t) { return Drift::walk(5, t, cells); };
  const auto product = [&](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::uint32_t i = 0; i < cells; ++i) sum += a[i] * b[i] / cells;
    return sum;
  };
  EXPECT_EQ(at(0), std::vector<double>(cells, 0.0));
  const double error = 5 * std::sqrt(2.0 / cells);
  for (const std::uint64_t s : {1ull, 2ull, 3ull, 1000ull, 123456789ull})
    for (const std::uint64_t t : {1ull, 4ull, 1023ull, 987654321ull})
      EXPECT_NEAR(product(at(s), at(t)) / std::sqrt(static_cast<double>(s) * static_cast<double>(t)),
                  static_cast<double>(std::min(s, t)) / std::sqrt(static_cast<double>(s) * static_cast<double>(t)), error)
          << s << ' ' << t;
  // Increments of neighbouring periods do not know each other.
  std::vector<double> one = at(777), two = at(778), three = at(779);
  for (std::uint32_t i = 0; i < cells; ++i) one[i] = two[i] - one[i], two[i] = three[i] - two[i];
  EXPECT_NEAR(product(one, one), 1, error);
  EXPECT_NEAR(product(one, two), 0, error);
}

TEST(Supply, RipplesAsASine) {
  Supply supply(0.02, 0.1, 8);
  for (const std::uint64_t t : {0u, 1u, 2u, 5u, 801u}) {
    supply.pass(moment_at(t));
    physics::Parameters p = plain(2);
    supply.act(p);
    const double wave = std::sin(2 * std::numbers::pi * static_cast<double>(t) / 8);
    EXPECT_NEAR(p.gain, 1 + 0.02 * wave, 1e-6);
    EXPECT_NEAR(p.kT, 1 + 0.1 * wave, 1e-6);
  }
}

/// Offsets over periods 0..count-1 of 64 cells.
std::vector<std::vector<double>> path(const FlickerLaw& law, std::uint64_t count) {
  Flicker flicker(law);
  std::vector<std::vector<double>> out;
  for (std::uint64_t t = 0; t < count; ++t) {
    flicker.pass(moment_at(t));
    physics::Parameters p = plain(64);
    flicker.act(p);
    out.emplace_back(p.bias.begin(), p.bias.end());
  }
  return out;
}

double autocorrelation(const std::vector<std::vector<double>>& path, std::size_t lag) {
  double sum = 0;
  for (std::size_t t = 0; t + lag < path.size(); ++t)
    for (std::size_t i = 0; i < 64; ++i) sum += path[t][i] * path[t + lag][i];
  return sum / 64 / static_cast<double>(path.size() - lag);
}

TEST(Flicker, TurnsLikeATelegraph) {
  constexpr double step = 0.3, time = 16;
  const auto offsets = path({.telegraph_step = step, .telegraph_time = time}, 20000);
  EXPECT_TRUE(std::ranges::all_of(offsets[500], [&](double x) { return std::abs(std::abs(x) - step) < 1e-6; }));
  const double samples = 64 * 20000 / time;  // correlation time: time / 2
  for (const std::size_t lag : {1u, 4u, 16u, 40u})
    EXPECT_NEAR(autocorrelation(offsets, lag) / step / step, std::exp(-2 * static_cast<double>(lag) / time),
                4 / std::sqrt(samples));
}

TEST(Flicker, HasASpectrumThatFallsAsOneOverF) {
  constexpr double sd = 0.2, time = 1024;
  constexpr std::size_t periods = 16384;
  const auto offsets = path({.flicker_sd = sd, .flicker_time = time}, periods);
  // Autocorrelation: the mean of those of the parts, 1024, 256 … 1.
  for (const std::size_t lag : {0u, 1u, 10u, 200u}) {
    double expected = 0;
    for (int k = 0; k < 6; ++k) expected += std::exp(-static_cast<double>(lag) / (time / std::pow(4.0, k))) / 6;
    EXPECT_NEAR(autocorrelation(offsets, lag) / sd / sd, expected, 4 * std::sqrt(2 * time / 6 / (64.0 * periods))) << lag;
  }
  // Slope of the periodogram over two decades, averaged over cells and octaves of frequency.
  std::vector<double> log_f, log_s;
  for (std::size_t octave = 16; octave <= 1024; octave *= 2) {
    double power = 0;
    int count = 0;
    for (std::size_t k = octave; k < 2 * octave; k += octave / 8, ++count)
      for (std::size_t cell = 0; cell < 64; cell += 4) {
        double re = 0, im = 0;
        for (std::size_t t = 0; t < periods; ++t) {
          const double angle = 2 * std::numbers::pi * static_cast<double>(k * t % periods) / periods;
          re += offsets[t][cell] * std::cos(angle), im += offsets[t][cell] * std::sin(angle);
        }
        power += re * re + im * im;
      }
    log_f.push_back(std::log(1.4 * static_cast<double>(octave)));
    log_s.push_back(std::log(power / count));
  }
  double mean_f = 0, mean_s = 0, both = 0, square = 0;
  for (std::size_t i = 0; i < log_f.size(); ++i) mean_f += log_f[i] / 7, mean_s += log_s[i] / 7;
  for (std::size_t i = 0; i < log_f.size(); ++i)
    both += (log_f[i] - mean_f) * (log_s[i] - mean_s), square += (log_f[i] - mean_f) * (log_f[i] - mean_f);
  EXPECT_NEAR(both / square, -1, 0.1);
}

/// Everything that moves, on a chip whose jobs have seeds.
Profile moving_profile() {
  Profile p = load_profile("ideal");
  p.slow_period = 0.05f;
  p.run_warmth_K = 40;
  p.thermal_time = 3;
  p.bias_offset_sd_per_K = 0.002f;
  p.drift_exponent = 0.02f;
  p.drift_exponent_sd = 0.01f;
  p.bias_walk = 0.05f;
  p.ripple_gain = 0.02f;
  p.ripple_period = 1;
  p.flicker_sd = 0.1f;
  p.flicker_time = 4;
  p.telegraph_step = 0.05f;
  p.telegraph_time = 1;
  return p;
}

const std::vector<hb_instruction_t> program{
    load(HB_SECTION_J2, 1.0f),          load(HB_SECTION_J4, 0.5f),       load(HB_SECTION_COUPLING, -0.2f), op(HB_OP_COMMIT),
    timed(HB_OP_CAPTURE_START, 70000),  timed(HB_OP_EVOLVE, 420000),     load(HB_SECTION_J2, 2.0f),
    timed(HB_OP_RAMP, 330000),          timed(HB_OP_EVOLVE, 110000),     op(HB_OP_SAMPLE)};

std::vector<Record> records_of(unsigned threads, std::uint32_t lanes, std::uint64_t chunk, std::uint64_t seed = 5) {
  Board board(moving_profile(), {.cells = 70, .lanes = lanes, .threads = threads});
  board.w(HB_SHOTS_OFFSET, lanes);
  board.seed(seed);
  EXPECT_EQ(board.start(program), HB_OK);
  if (chunk == 0)
    board.finish();
  else
    while (board.running()) board.chip.advance_to(board.chip.now() + chunk);
  EXPECT_TRUE(board.done());
  return board.drain();
}

TEST(SlowImperfections, GiveTheSameBitsForThreadsLanesAndCuts) {
  const auto whole = records_of(1, 40, 0);
  ASSERT_EQ(whole.size(), 13u);
  EXPECT_EQ(records_of(3, 40, 0), whole);
  EXPECT_EQ(records_of(1, 40, 1234), whole);
  EXPECT_NE(records_of(1, 40, 0, 6), whole);
  const auto few = records_of(2, 3, 33333);
  ASSERT_EQ(few.size(), whole.size());
  for (std::size_t k = 0; k < few.size(); ++k)
    EXPECT_TRUE(std::equal(few[k].values.begin(), few[k].values.end(), whole[k].values.begin())) << k;
}

TEST(SlowImperfections, DoWorkOnWhatTheyMove) {
  // A held cell at x = 1.5: V changes by what J2 does, and all of it is work, in a ramp too.
  for (const char* stepper : {"euler-maruyama", "heun"}) {
    Profile p = load_profile("ideal", {{"stepper", stepper}});
    p.slow_period = 0.05f;
    p.drift_exponent = 0.3f;
    Board board(p, {.cells = 1, .lanes = 2, .threads = 1});
    board.w(HB_SHOTS_OFFSET, 2);
    ASSERT_EQ(board.start({load(HB_SECTION_J2, 1.0f), op(HB_OP_COMMIT), cells_to(HB_OP_CLAMP, 0, 1, 1.5f), op(HB_OP_METER_CLEAR),
                           timed(HB_OP_EVOLVE, 1000000), load(HB_SECTION_J2, 3.0f), timed(HB_OP_RAMP, 2000000),
                           snapshot(meters_at)}), HB_OK);
    board.finish();
    ASSERT_TRUE(board.done());
    const auto meters = board.get<hb_meters_t>(meters_at, 2);
    const double began = board.chip.now() / 1e6 - 3, x2 = 1.5 * 1.5;
    const auto gain = [&](double t) { return std::pow(1 + t, -0.3); };
    // Parameters are those of the last period's beginning: 2.95 time units after the job began.
    const double expected = x2 * (3 * gain(began + 2.95) - gain(began));
    for (const hb_meters_t& lane : meters) {
      EXPECT_NEAR(lane.work, expected, 2e-5) << stepper;
      EXPECT_NEAR(lane.heat, 0, 2e-5);
    }
  }
}

TEST(SlowImperfections, GoOnOverJobsAndResetsButNotOverPowerOn) {
  Profile p = load_profile("ideal");
  p.drift_exponent = 0.5f;
  Board board(p, {.cells = 2, .lanes = 1, .threads = 1});
  const auto gain = [&] {
    EXPECT_EQ(board.start({op(HB_OP_COMMIT), timed(HB_OP_EVOLVE, 1000)}), HB_OK);
    board.finish();
    return board.chip.sequencer().live().gain;
  };
  const float first = gain();
  board.chip.advance_to(50000000);
  const float later = gain();
  EXPECT_NEAR(first, 1, 1e-3);
  EXPECT_NEAR(later, std::pow(51.0, -0.5), 1e-3);
  board.chip.reset();
  board.w(HB_SHOTS_OFFSET, 1);
  board.w(HB_PROGRAM_ADDR_LO_OFFSET, program_at);
  EXPECT_NEAR(gain(), later, 1e-3);
  board.chip.power_on();
  board.w(HB_SHOTS_OFFSET, 1);
  board.w(HB_PROGRAM_ADDR_LO_OFFSET, program_at);
  EXPECT_NEAR(gain(), 1, 1e-3);
}

TEST(ApertureJitter, TakesRecordsEarlyByAHalfNormalTimeAndCountsThemAsDue) {
  constexpr std::uint64_t period = 40, records = 60;
  Profile p = load_profile("ideal"), jittered = p;
  jittered.aperture_jitter = 0.008f;  // eight steps
  const auto run = [&](const Profile& profile, std::uint64_t ticks) {
    Board board(profile, {.cells = 3, .lanes = 1, .threads = 1});
    board.w(HB_CAPTURE_SLOTS_OFFSET, 4096);
    board.seed(4);
    return board.run({load(HB_SECTION_J2, 1.0f), op(HB_OP_COMMIT), timed(HB_OP_CAPTURE_START, ticks),
                      timed(HB_OP_EVOLVE, period * records * 1000)});
  };
  const auto every = run(p, 1000), found = run(jittered, period * 1000);
  ASSERT_EQ(every.size(), period * records);
  ASSERT_EQ(found.size(), records);
  double squares = 0;
  for (std::uint64_t n = 0; n < records; ++n) {
    EXPECT_EQ(found[n].header.ticks, (n + 1) * period * 1000);
    std::uint64_t early = 0;
    while (early < period && every[(n + 1) * period - 1 - early].values != found[n].values) ++early;
    ASSERT_LT(early, period) << "record " << n << " is a state before its time";
    squares += static_cast<double>(early * early) / records;
  }
  EXPECT_NEAR(squares, 64, 4 * 64 * std::sqrt(2.0 / records));
}

/// Four spins in a row, two on each of two tiles; load_profile would have set the period from eta.
Profile two_tiles() {
  Profile p = load_profile("ideal", {{"cell", "pbit"}, {"topology", "chain:4"}});
  p.meters = false;
  p.tiles = 2;
  p.slow_period = 4;
  return p;
}

TEST(Tiles, HearOfEachOtherAtTheBeginningOfPeriodsAlone) {
  // Cell 1 is turned in the middle of a period; cell 2 behind the cut follows it at kT = 0 with the next period.
  Profile p = two_tiles();
  Board board(p, {.cells = 4, .lanes = 1, .threads = 1});
  board.seed(2);
  const std::uint64_t sweep = p.time_unit_ticks;
  board.put(operands_at, std::vector<float>{-1, -2, -1});
  const auto records = board.run({load_from(HB_SECTION_COUPLING, operands_at), load(HB_SECTION_KT, 0.0f), op(HB_OP_COMMIT),
                                  cells_to(HB_OP_CLAMP, 0, 2, 1.0f), timed(HB_OP_EVOLVE, 5 * sweep), op(HB_OP_SAMPLE),
                                  cells_to(HB_OP_CLAMP, 0, 2, -1.0f), timed(HB_OP_EVOLVE, 3 * sweep), op(HB_OP_SAMPLE),
                                  timed(HB_OP_EVOLVE, sweep), op(HB_OP_SAMPLE)});
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].values, (std::vector<float>{1, 1, 1, 1}));
  EXPECT_EQ(records[1].values, (std::vector<float>{-1, -1, 1, 1})) << "the period of step 4 goes on to step 8";
  EXPECT_EQ(records[2].values, (std::vector<float>{-1, -1, -1, -1}));
}

TEST(Tiles, WithoutACouplerBetweenThemAreOneMachine) {
  // Where the coupler at the cut is 0, or there is no cut, these are the bits of one chip.
  Profile whole = load_profile("ideal", {{"cell", "pbit"}, {"topology", "chain:4"}}), cut = two_tiles();
  cut.slow_period = 1;
  const auto sample = [](const Profile& p, float middle) {
    Board board(p, {.cells = 4, .lanes = 16, .threads = 1});
    board.w(HB_SHOTS_OFFSET, 16);
    board.seed(9);
    board.put(operands_at, std::vector<float>{-0.5f, middle, 0.3f});
    return board.run({load_from(HB_SECTION_COUPLING, operands_at), op(HB_OP_COMMIT), timed(HB_OP_EVOLVE, 50 * p.time_unit_ticks),
                      op(HB_OP_SAMPLE)})[0].values;
  };
  EXPECT_EQ(sample(whole, 0.0f), sample(cut, 0.0f));
  EXPECT_NE(sample(whole, -2.0f), sample(cut, -2.0f));
  cut.tiles = 1;
  EXPECT_EQ(sample(whole, -2.0f), sample(cut, -2.0f));
}

TEST(Tiles, LoseMessages) {
  Profile p = two_tiles();
  p.tile_lost = 1;
  Board board(p, {.cells = 4, .lanes = 1, .threads = 1});
  board.seed(2);
  const auto records = board.run({load(HB_SECTION_COUPLING, -1.0f), load(HB_SECTION_KT, 0.0f), op(HB_OP_COMMIT),
                                  cells_to(HB_OP_CLAMP, 0, 2, -1.0f), timed(HB_OP_EVOLVE, 40 * p.time_unit_ticks), op(HB_OP_SAMPLE)});
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].values[2], 1.0f) << "it still believes what it knew when the job began";
}

}  // namespace
}  // namespace heatbath::model
