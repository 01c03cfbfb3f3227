#include "bench/rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

#include "bench/limits.hpp"
#include "bench/one_processor.hpp"
#include "bench/systems.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/generative.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/noise.hpp"
#include "hw_model/physics/topology.hpp"

namespace heatbath::bench {
namespace {

using physics::Array;
using physics::ArraySpec;
using physics::Parameters;

constexpr std::string_view per_cell_step = "ns per cell-step";

// Goals that the issue of speed states as rates are bounds on a time here.
constexpr RowInfo list[] = {
    {"noise", "Gaussian noise of 64 Ki cells", "ns per normal", "mt19937_64 and std::normal_distribution", 1.1,
     GoalOf::value, ""},
    {"noise-std", "Gaussian noise of 64 Ki cells", "ns per normal", "mt19937_64 and std::normal_distribution", 0.1,
     GoalOf::ratio, ""},
    {"dense-1024x256", "dense N=1024, 256 lanes, metered", per_cell_step, "Eigen's product of the same shape", 1.0,
     GoalOf::ratio, ""},
    {"dense-1024x256-codes", "dense N=1024, 256 lanes, metered, 8-bit codes", per_cell_step,
     "Eigen's float32 product of the same shape", 0.65, GoalOf::ratio, ""},
    {"dense-1024x1", "dense N=1024, 1 lane", per_cell_step, "reading J (float32) once", 1.15, GoalOf::ratio, ""},
    {"dense-1024x1-codes", "dense N=1024, 1 lane, 8-bit codes", per_cell_step, "reading J (float32) once", 0.125,
     GoalOf::ratio, ""},
    {"dense-1024x1-torch", "dense N=1024, 1 lane", per_cell_step, "PyTorch", 1.15 / 3, GoalOf::ratio,
     "torch dense-1024 1"},
    {"dense-64x1", "dense N=64, 1 lane", per_cell_step, "the noise alone", 1e3 / 300, GoalOf::value, ""},
    {"dense-64x1-torch", "dense N=64, 1 lane", per_cell_step, "PyTorch", 0.02, GoalOf::ratio, "torch dense-64 1"},
    {"dense-64x1-brian", "dense N=64, 1 lane", per_cell_step, "Brian2", 0.02, GoalOf::ratio, "brian dense-64 1"},
    {"dense-64x256-torch", "dense N=64, 256 lanes", per_cell_step, "PyTorch", 1 / 3.5, GoalOf::ratio,
     "torch dense-64 256"},
    {"dense-64x256-numpy", "dense N=64, 256 lanes", per_cell_step, "numpy", 1 / 3.5, GoalOf::ratio,
     "numpy dense-64 256"},
    {"grid-1024", "grid 1024x1024, nearest neighbours", per_cell_step, "the noise alone", 1.5, GoalOf::ratio, ""},
    {"grid-1024-torch", "grid 1024x1024, nearest neighbours", per_cell_step, "PyTorch", 1.0 / 6, GoalOf::ratio,
     "torch grid-1024 1"},
    {"sparse-1e5", "random graph, 1e5 cells, degree 6", per_cell_step, "the noise alone", 4.0, GoalOf::ratio, ""},
    {"sparse-1e5-scipy", "random graph, 1e5 cells, degree 6", per_cell_step, "scipy CSR and numpy", 0.2, GoalOf::ratio,
     "scipy sparse-1e5 1"},
    {"exact-ou-64", "exact Ornstein-Uhlenbeck, N=64, 1 lane", per_cell_step, "numpy", 0.1, GoalOf::ratio,
     "numpy exact-ou-64 1"},
    {"exact-ou-64-ngspice", "exact Ornstein-Uhlenbeck, N=64, 1 lane", per_cell_step, "ngspice, transient noise", 0.1,
     GoalOf::ratio, "ngspice exact-ou-64 1"},
    {"underdamped-256-lammps", "underdamped cells on a torus of 256x256, harmonic, 1 lane", per_cell_step,
     "LAMMPS, springs and Langevin's bath, three cells per atom", 1 / 3.5, GoalOf::ratio, "lammps torus-256 1"},
    {"phase-64x256", "phase oscillators, dense N=64, 256 lanes", per_cell_step, "numpy", 1 / 3.5, GoalOf::ratio,
     "numpy phase-64 256"},
    {"pbit-lattice", "p-bit sweeps of a 2048x2048 lattice glass, 1 lane", "ns per flip", "the noise alone", 1 / 1.2,
     GoalOf::value, ""},
    {"pbit-lattice-x16", "p-bit sweeps of a 512x512 lattice glass, 16 lanes", "ns per flip", "the noise alone", 1 / 1.2,
     GoalOf::value, ""},
    {"pbit-planes-4", "p-bit sweeps of a 64x64 lattice glass, 512 lanes, random bits in planes", "ns per flip",
     "the noise alone", 0.2, GoalOf::value, ""},
    {"pbit-planes-16", "p-bit sweeps of a glass on the grid of degree 16, 64x64, 512 lanes, random bits in planes", "ns per flip",
     "the noise alone", 1.5, GoalOf::value, ""},
    {"two-cores-planes", "p-bit sweeps of a 64x64 lattice glass, 1024 lanes, random bits in planes, two threads", "ns per flip",
     "one thread", 1 / 1.85, GoalOf::ratio, "", 2},
    {"categorical-3", "updates of cells of 3 states, 256x256 torus, 16 lanes", "ns per update",
     "p-bits with the same couplings", 5.0, GoalOf::ratio, ""},
    {"categorical-16", "updates of cells of 16 states, 256x256 torus, 16 lanes", "ns per update",
     "p-bits with the same couplings", 20.0, GoalOf::ratio, ""},
    {"two-cores-dense-1024x256", "dense N=1024, 256 lanes, two threads", per_cell_step, "one thread", 1 / 1.85,
     GoalOf::ratio, "", 2},
    {"two-cores-dense-64x256", "dense N=64, 256 lanes, two threads", per_cell_step, "one thread", 1 / 1.85,
     GoalOf::ratio, "", 2},
    {"two-cores-codes", "dense N=1024, 256 lanes, 8-bit codes, two threads", per_cell_step, "one thread", 1 / 1.85,
     GoalOf::ratio, "", 2},
    {"meters-fixed", "meters, dense N=64, 256 lanes, fixed couplings", per_cell_step, "the same without meters", 1.1,
     GoalOf::ratio, ""},
    {"meters-gain", "meters, dense N=64, 256 lanes, gain ramped", per_cell_step, "the same without meters", 1.1,
     GoalOf::ratio, ""},
    {"meters-ramp", "meters, dense N=64, 256 lanes, ramp between two coupling images", per_cell_step,
     "fixed couplings without meters", 2.0, GoalOf::ratio, ""},
    {"driver", "a program of 1 ms device time through the driver, N=64, 1 lane", per_cell_step, "the bare kernel", 1.02,
     GoalOf::ratio, ""},
    {"growth-grid", "grid 1000x1000", per_cell_step, "grid 32x32", 1.2, GoalOf::ratio, ""},
    {"growth-random", "random graph, degree 6, 1e6 cells", per_cell_step, "1e3 cells", 1.2, GoalOf::ratio, ""},
    {"growth-dense", "dense N=1024, 64 lanes, per coupling", "ns per coupling-step", "N=256", 1.2, GoalOf::ratio, ""},
    {"generator", "100 updates of the generator, paper recipe, two threads", "s", "numpy, gradient batched as products",
     7.0, GoalOf::value, "", 2},
    {"generator-numpy", "100 updates of the generator, paper recipe, two threads", "s",
     "numpy, gradient batched as products", 1.0 / 3, GoalOf::ratio, "numpy generator 2", 2},
};

/// An array with its parameters, and a piece of work: `steps` steps.
struct Work {
  std::unique_ptr<numerics::ThreadTeam> team;
  Parameters parameters, target;
  std::unique_ptr<Array> array;
  physics::Run run;

  Work(ArraySpec spec, Parameters p, std::uint64_t steps, unsigned threads = 1)
      : team(threads > 1 ? std::make_unique<numerics::ThreadTeam>(threads) : nullptr), parameters(std::move(p)) {
    spec.cells = static_cast<std::uint32_t>(parameters.j2.size());
    array = physics::make_array(spec, team.get());
    run.steps = steps;
    run.dt = step_time;
    run.noise.seed = 1;
  }
  void operator()() {
    array->advance(run, parameters);
    run.noise.step += run.steps;
  }
  double cell_steps() const { return static_cast<double>(run.steps) * array->cells() * array->lanes(); }
};

ArraySpec lanes(std::uint32_t count) {
  ArraySpec spec;
  spec.lanes = count;
  spec.rail = 16.0f;
  return spec;
}

ArraySpec of_graph(const Parameters& p) {
  ArraySpec spec = lanes(1);
  spec.graph = p.couplings->graph();
  return spec;
}

struct NoiseAlone {
  std::vector<float> out;
  std::uint64_t step = 0;
  explicit NoiseAlone(std::size_t cells) : out(cells) {}
  void operator()() { physics::normals(1, step++, 0, static_cast<std::uint32_t>(out.size()), out.data()); }
  double normals() const { return static_cast<double>(out.size()); }
};

Spread scaled(Spread s, double factor) { return {s.median * factor, s.low * factor, s.high * factor}; }

void judge(Row& row) {
  row.measured = true;
  row.met = (row.info->goal_of == GoalOf::value ? row.value.median : row.ratio.median) <= row.info->goal;
  if (row.info->goal_of == GoalOf::ratio && !row.compared) row.met = false;
}

/// Fills the row from times in seconds per `ours` and `reference` units; the unit of the row is `unit` seconds.
void fill(Row& row, const Comparison& c, double ours, double reference, double unit = 1e-9) {
  row.value = scaled(c.ours, 1 / (ours * unit));
  row.turns = c.turns;
  if (c.reference.median > 0) {
    row.compared = true;
    row.reference = scaled(c.reference, 1 / (reference * unit));
    row.ratio = scaled(c.ratio, reference / ours);
  }
  judge(row);
}

void noise(Row& row, const RowOptions& options) {
  NoiseAlone ours(1 << 16);
  std::vector<float> out(1 << 14);
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  const auto standard = [&] { std::generate(out.begin(), out.end(), [&] { return normal(random); }); };
  fill(row, compare(std::ref(ours), standard, options.seconds, Clock::thread), ours.normals(),
       static_cast<double>(out.size()));
}

void dense_many(Row& row, const RowOptions& options, bool codes) {
  constexpr std::uint32_t n = 1024, count = 256;
  Work ours(lanes(count), dense(n, codes), 4);
  ours.array->enable_meters(true);
  EigenProduct eigen(n, count);
  fill(row,
       compare(
           std::ref(ours), [&] { eigen.multiply(); }, options.seconds, Clock::thread),
       ours.cell_steps(), n * count);
}

void dense_one(Row& row, const RowOptions& options, bool codes) {
  constexpr std::uint32_t n = 1024;
  Work ours(lanes(1), dense(n, codes), 50);
  const std::vector<float> j(std::size_t{n} * n, 1.0f);
  volatile float sum = 0;
  fill(row,
       compare(
           std::ref(ours), [&] { sum = read_once(j.data(), j.size()); }, options.seconds, Clock::thread),
       ours.cell_steps(), n);
}

void against_noise(Row& row, const RowOptions& options, Work ours, double units_per_cell_step = 1) {
  NoiseAlone alone(std::max<std::size_t>(ours.array->cells(), 4096));
  fill(row, compare(std::ref(ours), std::ref(alone), options.seconds, Clock::thread),
       ours.cell_steps() * units_per_cell_step, alone.normals());
}

void two_cores(Row& row, const RowOptions& options, std::uint32_t cells, std::uint64_t steps, bool codes) {
  const Parameters p = dense(cells, codes);
  Work ours(lanes(256), p, steps, 2), single(lanes(256), p, steps);
  fill(row, compare(std::ref(ours), std::ref(single), options.seconds, Clock::wall), ours.cell_steps(),
       single.cell_steps());
}

enum class Change { none, gain, couplings };

void meters(Row& row, const RowOptions& options, Change change) {
  constexpr std::uint32_t n = 64, count = 256;
  const Parameters p = dense(n);
  Work ours(lanes(count), p, 100), plain(lanes(count), p, 100);
  ours.array->enable_meters(true);
  Parameters target = p;
  if (change == Change::gain) target.gain = 0.5f;
  if (change == Change::couplings) {
    std::vector<float> matrix(std::size_t{n} * n, 0.0f);
    for (std::uint32_t i = 0; i < n; ++i)
      for (std::uint32_t k = 0; k < n; ++k) matrix[i * n + k] = -0.5f * p.couplings->at(i, k);
    target.couplings = std::make_shared<const physics::Couplings>(n, std::move(matrix));
  }
  // Inside a long ramp, so that neither its begin nor its end is timed.
  const auto ramp = [&](Work& work) {
    if (change == Change::none) return;
    work.run.target = &target;
    work.run.ramp_steps = std::uint64_t{1} << 40;
    work.run.ramp_first = std::uint64_t{1} << 39;
  };
  ramp(ours);
  if (change == Change::gain) ramp(plain);
  const auto go = [](Work& work) {
    work();
    work.run.ramp_first += work.run.steps;
  };
  fill(row, compare([&] { go(ours); }, [&] { go(plain); }, options.seconds, Clock::thread), ours.cell_steps(),
       plain.cell_steps());
}

void driver(Row& row, const RowOptions& options) {
  constexpr std::uint32_t n = 64;
  Device device = open("func:profile=ideal&cells=64&lanes=1&threads=1");
  const Parameters p = dense(n);
  std::vector<float> matrix(std::size_t{n} * n);
  for (std::uint32_t i = 0; i < n; ++i)
    for (std::uint32_t k = 0; k < n; ++k) matrix[i * n + k] = p.couplings->at(i, k);
  Program program(device.capabilities(), n);
  program.load(CellSection::j2, 1).load(CellSection::j4, 0.25f).load_couplings(matrix).load_temperature(1).commit();
  const Ticks millisecond = device.ticks(1000);  // ideal: 1 us per time unit
  program.evolve(millisecond);
  const auto steps = millisecond.count / device.step().count;
  Work bare(lanes(1), p, steps);
  bare.run.dt = device.time_units(device.step());
  fill(row,
       compare([&] { device.run(program, {.shots = 1, .seed = 1}); }, std::ref(bare), options.seconds, Clock::thread),
       bare.cell_steps(), bare.cell_steps());
}

void growth_sparse(Row& row, const RowOptions& options, std::shared_ptr<const physics::Graph> million,
                   std::shared_ptr<const physics::Graph> thousand) {
  const Parameters large = on_graph(std::move(million)), small = on_graph(std::move(thousand));
  Work ours(of_graph(large), large, 10), few(of_graph(small), small, 1000);
  fill(row, compare(std::ref(ours), std::ref(few), options.seconds, Clock::thread), ours.cell_steps(),
       few.cell_steps());
}

void growth_dense(Row& row, const RowOptions& options) {
  Work ours(lanes(64), dense(1024), 4), small(lanes(64), dense(256), 64);
  fill(row, compare(std::ref(ours), std::ref(small), options.seconds, Clock::thread), ours.cell_steps() * 1024,
       small.cell_steps() * 256);
}

/// Couplings on a torus of side x side cells, each as `value` draws it.
template <class Value>
Parameters on_torus(std::uint32_t side, Value value) {
  std::vector<physics::Coupler> couplers;
  for (std::uint32_t y = 0; y < side; ++y)
    for (std::uint32_t x = 0; x < side; ++x) {
      const std::uint32_t here = y * side + x;
      couplers.push_back({here, y * side + (x + 1) % side});
      couplers.push_back({here, (y + 1) % side * side + x});
    }
  const auto graph = std::make_shared<const physics::Graph>(side * side, std::move(couplers));
  std::vector<float> values(graph->couplers().size());
  std::mt19937 random(1);
  for (float& v : values) v = value(random);
  Parameters p = uncoupled(graph->cells());
  p.couplings = std::make_shared<const physics::Couplings>(graph, std::move(values));
  return p;
}

/// Sweeps of discrete cells, one colour after the other.
Work sweeps(physics::CellKind kind, Parameters p, std::uint32_t count, std::uint64_t steps, std::uint32_t states = 0,
            physics::SpinNoise noise = physics::SpinNoise::words, unsigned threads = 1) {
  ArraySpec spec = of_graph(p);
  spec.lanes = count;
  spec.kind = kind;
  spec.states = states;
  spec.spin_noise = noise;
  spec.stepper = physics::Stepper::two_colour;
  if (states > 0) p.bias.assign(std::size_t{states} * spec.graph->cells(), 0.0f);
  Work work(spec, std::move(p), steps, threads);
  work.run.dt = 1;
  return work;
}

/// A coupling of a glass of +-1.
float sign(std::mt19937& random) { return random() & 1u ? 1.0f : -1.0f; }

/// A glass of +-1 on a torus of side x side spins.
void pbits(Row& row, const RowOptions& options, std::uint32_t side, std::uint32_t count, std::uint64_t steps) {
  against_noise(row, options, sweeps(physics::CellKind::pbit, on_torus(side, sign), count, steps));
}

/// The same with random bits in planes; on the grid of 16 neighbours.
Work planes(Parameters p, std::uint32_t count, unsigned threads = 1) {
  return sweeps(physics::CellKind::pbit, std::move(p), count, 100, 0, physics::SpinNoise::planes, threads);
}

Parameters glass_of_degree_16() {
  Parameters p = on_graph(physics::named_graph("z1:64x64"));
  std::vector<float> values(p.couplings->graph()->couplers().size());
  std::mt19937 random(1);
  for (float& v : values) v = sign(random);
  p.couplings = std::make_shared<const physics::Couplings>(p.couplings->graph(), std::move(values));
  return p;
}

void two_cores_planes(Row& row, const RowOptions& options) {
  Work ours = planes(on_torus(64, sign), 1024, 2), single = planes(on_torus(64, sign), 1024);
  fill(row, compare(std::ref(ours), std::ref(single), options.seconds, Clock::wall), ours.cell_steps(), single.cell_steps());
}

/// Couplings of many sizes, which p-bits cannot take as bits.
void categorical(Row& row, const RowOptions& options, std::uint32_t states) {
  const auto any = [](std::mt19937& random) { return std::uniform_real_distribution<float>(-1, 1)(random); };
  const Parameters p = on_torus(256, any);
  Work ours = sweeps(physics::CellKind::categorical, p, 16, 4, states), spins = sweeps(physics::CellKind::pbit, p, 16, 8);
  fill(row, compare(std::ref(ours), std::ref(spins), options.seconds, Clock::thread), ours.cell_steps(), spins.cell_steps());
}

// -- peers --------------------------------------------------------------------------------------------------------

struct PeerResult {
  Spread seconds;  ///< per unit
  Statistics statistics;
};

/// Runs FOLDER/peer.py, for two minutes at most, with the row's words; it prints one line of numbers. Throws with the
/// peer's last line when it cannot.
PeerResult run_peer(std::string_view words, const std::filesystem::path& folder) {
  const std::string command =
      "timeout 120 /usr/bin/python3 '" + (folder / "peer.py").string() + "' " + std::string(words) + " 2>&1";
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) throw std::runtime_error("cannot run " + command);
  std::string last;
  std::array<char, 1024> line{};
  while (std::fgets(line.data(), line.size(), pipe.get())) last = line.data();
  while (!last.empty() && last.back() == '\n') last.pop_back();
  PeerResult r;
  if (std::sscanf(last.c_str(), "seconds %lf %lf %lf square %lf %lf pair %lf %lf", &r.seconds.median, &r.seconds.low,
                  &r.seconds.high, &r.statistics.square, &r.statistics.square_error, &r.statistics.pair,
                  &r.statistics.pair_error) != 7)
    throw std::runtime_error("peer " + std::string(words) + ": " + (last.empty() ? "no answer" : last));
  return r;
}

double z_of(double a, double a_error, double b, double b_error) {
  return std::abs(a - b) / std::max(std::hypot(a_error, b_error), 1e-12);
}

/// Our time in two halves around the peer's; the peer's counts only when its statistics agree with ours. `more_words`:
/// behind the row's.
void against_peer(Row& row, const RowOptions& options, const std::function<void()>& work, double units, Clock clock,
                  double unit, const std::function<Statistics()>& own, const std::string& more_words = "") {
  const Comparison first = time_of(work, options.seconds / 2, clock);
  std::string why;
  PeerResult peer;
  if (options.peers.empty()) {
    why = "peer not run";
  } else {
    try {
      peer = run_peer(std::string(row.info->peer) + more_words, options.peers);
    } catch (const std::exception& error) {
      why = error.what();
    }
  }
  const Comparison second = time_of(work, options.seconds / 2, clock);
  Comparison both = first;
  both.ours.median = 0.5 * (first.ours.median + second.ours.median);
  both.ours.low = std::min(first.ours.low, second.ours.low);
  both.ours.high = std::max(first.ours.high, second.ours.high);
  both.turns = first.turns + second.turns;
  if (why.empty()) {
    const Statistics mine = own();
    const Statistics& theirs = peer.statistics;
    const double z_square = z_of(mine.square, mine.square_error, theirs.square, theirs.square_error);
    const double z_pair = z_of(mine.pair, mine.pair_error, theirs.pair, theirs.pair_error);
    std::array<char, 160> text{};
    std::snprintf(text.data(), text.size(), "<x^2> %.5f and %.5f, z = %.1f; pairs %.5f and %.5f, z = %.1f", mine.square,
                  theirs.square, z_square, mine.pair, theirs.pair, z_pair);
    why = text.data();
    if (z_square < 4 && z_pair < 4) {
      both.reference = peer.seconds;
      both.ratio = {both.ours.median / units / peer.seconds.median, both.ours.low / units / peer.seconds.high,
                    both.ours.high / units / peer.seconds.low};
      fill(row, both, units, 1.0, unit);
      row.ratio = both.ratio;
      row.note = "statistics agree: " + why;
      judge(row);
      return;
    }
    why = "statistics disagree, so the peer's time does not count: " + why;
  }
  fill(row, both, units, 1.0, unit);
  row.note = why;
}

void array_against_peer(Row& row, const RowOptions& options, const ArraySpec& spec, const Parameters& p,
                        std::uint64_t steps, std::uint32_t gate_lanes) {
  Work ours(spec, p, steps);
  against_peer(row, options, std::ref(ours), ours.cell_steps(), Clock::thread, 1e-9, [&] {
    ArraySpec gate = spec;
    gate.lanes = gate_lanes;
    Work work(gate, p, 1);
    return statistics(*work.array, p);
  });
}

void exact_ou(Row& row, const RowOptions& options) {
  Parameters p = dense(64);
  std::fill(p.j4.begin(), p.j4.end(), 0.0f);
  ArraySpec spec = lanes(1);
  spec.stepper = physics::Stepper::exact_ou;
  array_against_peer(row, options, spec, p, 1000, 256);
}

void underdamped(Row& row, const RowOptions& options) {
  Parameters p = on_graph(physics::named_graph("torus:256x256"));
  std::fill(p.j4.begin(), p.j4.end(), 0.0f);
  ArraySpec spec = of_graph(p);
  spec.kind = physics::CellKind::underdamped;
  spec.stepper = physics::Stepper::baoab;
  array_against_peer(row, options, spec, p, 20, 3);
}

void phases(Row& row, const RowOptions& options) {
  ArraySpec spec = lanes(256);
  spec.kind = physics::CellKind::phase;
  array_against_peer(row, options, spec, dense(64), 50, 256);
}

/// The fields of all cells for each image of a model, float32, in a file that goes with this.
struct DrivesFile {
  std::string path = (std::filesystem::temp_directory_path() / "heatbath-drives-XXXXXX").string();

  DrivesFile(const trainers::GenerativeModel& model, std::uint64_t seed) {
    const int file = mkstemp(path.data());
    if (file < 0) throw std::runtime_error("no temporary file " + path);
    ::close(file);
    std::ofstream out(path, std::ios::binary);
    for (std::size_t image = 0; image < model.prototypes.digits.size(); ++image) {
      const auto pixels = std::span(model.prototypes.images).subspan(image * model.visible, model.visible);
      const std::vector<float> field = trainers::drive_field(pixels, model.hidden, model.drive, seed);
      out.write(reinterpret_cast<const char*>(field.data()), static_cast<std::streamsize>(field.size() * sizeof(float)));
    }
    if (!out.flush()) throw std::runtime_error("cannot write " + path);
  }
  ~DrivesFile() { std::filesystem::remove(path); }
  DrivesFile(const DrivesFile&) = delete;
  DrivesFile& operator=(const DrivesFile&) = delete;
};

void generator(Row& row, const RowOptions& options) {
  using namespace heatbath::trainers;
  const Images digits = draw_digits(1, 1);
  Device device = open("func:profile=ideal&threads=2");
  GenerativeOptions recipe;
  recipe.updates = 32;
  recipe.threads = 2;
  double floor = 0;
  std::uint32_t cells = 0;
  const auto train = [&] {
    GenerativeTrainer trainer(device, digits, recipe);
    trainer.train();
    floor = 0;
    for (const ReverseAction& action : trainer.actions())
      floor += action.floor / static_cast<double>(trainer.actions().size());
    cells = trainer.model().cells();
  };
  const double updates = recipe.updates / 100.0;
  if (row.info->peer.empty()) {
    fill(row, time_of(train, options.seconds, Clock::wall), updates, updates, 1.0);
    return;
  }
  // Gate: the floor of the action per step and cell, 1/2 and what the drift adds, chi-squared over all steps. The drift
  // follows the drive: the peer gets ours.
  const GenerativeModel model = GenerativeTrainer(device, digits, recipe).model();
  const DrivesFile drives(model, recipe.seed);
  against_peer(row, options, train, updates, Clock::wall, 1.0, [&] {
    return Statistics{floor / cells, std::sqrt(0.5 / (2500.0 * cells * recipe.updates)), 0, 0};
  }, " '" + drives.path + "'");
}

void measure_into(Row& row, const RowOptions& options) {
  const std::string_view name = row.info->name;
  const auto is = [&](std::string_view other) { return name == other; };
  if (is("noise") || is("noise-std")) return noise(row, options);
  if (is("dense-1024x256")) return dense_many(row, options, false);
  if (is("dense-1024x256-codes")) return dense_many(row, options, true);
  if (is("dense-1024x1")) return dense_one(row, options, false);
  if (is("dense-1024x1-codes")) return dense_one(row, options, true);
  if (is("dense-1024x1-torch")) return array_against_peer(row, options, lanes(1), dense(1024), 50, 64);
  if (is("dense-64x1")) return against_noise(row, options, Work(lanes(1), dense(64), 2000));
  if (is("dense-64x1-torch") || is("dense-64x1-brian"))
    return array_against_peer(row, options, lanes(1), dense(64), 2000, 256);
  if (is("dense-64x256-torch") || is("dense-64x256-numpy"))
    return array_against_peer(row, options, lanes(256), dense(64), 50, 256);
  if (is("grid-1024") || is("grid-1024-torch")) {
    const Parameters p = on_graph(physics::named_graph("grid:1024x1024"));
    if (is("grid-1024")) return against_noise(row, options, Work(of_graph(p), p, 20));
    return array_against_peer(row, options, of_graph(p), p, 20, 1);
  }
  if (is("sparse-1e5") || is("sparse-1e5-scipy")) {
    const Parameters p = on_graph(random_graph(100'000));
    if (is("sparse-1e5")) return against_noise(row, options, Work(of_graph(p), p, 50));
    return array_against_peer(row, options, of_graph(p), p, 50, 1);
  }
  if (is("exact-ou-64") || is("exact-ou-64-ngspice")) return exact_ou(row, options);
  if (is("underdamped-256-lammps")) return underdamped(row, options);
  if (is("phase-64x256")) return phases(row, options);
  if (is("pbit-lattice")) return pbits(row, options, 2048, 1, 200);
  if (is("pbit-lattice-x16")) return pbits(row, options, 512, 16, 50);
  if (is("pbit-planes-4")) return against_noise(row, options, planes(on_torus(64, sign), 512));
  if (is("pbit-planes-16")) return against_noise(row, options, planes(glass_of_degree_16(), 512));
  if (is("two-cores-planes")) return two_cores_planes(row, options);
  if (is("categorical-3")) return categorical(row, options, 3);
  if (is("categorical-16")) return categorical(row, options, 16);
  if (is("two-cores-dense-1024x256")) return two_cores(row, options, 1024, 4, false);
  if (is("two-cores-dense-64x256")) return two_cores(row, options, 64, 200, false);
  if (is("two-cores-codes")) return two_cores(row, options, 1024, 8, true);
  if (is("meters-fixed")) return meters(row, options, Change::none);
  if (is("meters-gain")) return meters(row, options, Change::gain);
  if (is("meters-ramp")) return meters(row, options, Change::couplings);
  if (is("driver")) return driver(row, options);
  if (is("growth-grid"))
    return growth_sparse(row, options, physics::named_graph("grid:1000x1000"), physics::named_graph("grid:32x32"));
  if (is("growth-random")) return growth_sparse(row, options, random_graph(1'000'000), random_graph(1000));
  if (is("growth-dense")) return growth_dense(row, options);
  if (is("generator") || is("generator-numpy")) return generator(row, options);
  throw std::logic_error("row " + std::string(name) + " is listed but not measured");
}

}  // namespace

std::span<const RowInfo> rows() { return list; }

const RowInfo* find_row(std::string_view name) {
  const auto found = std::ranges::find(list, name, &RowInfo::name);
  return found == std::end(list) ? nullptr : &*found;
}

Row measure(const RowInfo& info, const RowOptions& options) {
  Row row;
  row.info = &info;
  try {
    std::optional<OnOneProcessor> here;
    if (info.threads == 1) {
      NoiseAlone noise(1 << 16);
      here.emplace([&] {
        for (int call = 0; call < 20; ++call) noise();
      });
    }
    measure_into(row, options);
  } catch (const std::exception& error) {
    row.note = error.what();
  }
  return row;
}

}  // namespace heatbath::bench
