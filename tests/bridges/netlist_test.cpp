// The exported circuit, simulated by ngspice: an independent check of the linear theory and of the integrator.
#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <ngspice/sharedspice.h>

#include "bridges/netlist.hpp"
#include "files/toml_program.hpp"
#include "heatbath/open.hpp"
#include "heatbath/regs.h"
#include "hw_model/physics/noise.hpp"
#include "oracles/exact_ou.hpp"

namespace heatbath::apps {
namespace {

/// The simulator of this process. Current sources named in<cell> get their values from `current`.
class Spice {
 public:
  static Spice& get() {
    static Spice it;
    return it;
  }

  /// Mean current between two instants.
  std::function<double(std::uint32_t cell, double begin, double end)> current;
  std::string said;  ///< what ngspice printed since load()

  void load(const std::string& deck) {
    said.clear();
    begin_ = end_ = 0;
    std::vector<std::string> lines;
    std::istringstream in(deck);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    std::vector<char*> pointers;
    for (std::string& line : lines) pointers.push_back(line.data());
    pointers.push_back(nullptr);
    ASSERT_EQ(ngSpice_Circ(pointers.data()), 0) << said;
  }
  void command(std::string text) { ASSERT_EQ(ngSpice_Command(text.data()), 0) << text << '\n' << said; }
  /// A real vector of the present plot.
  std::vector<double> vector(std::string name) {
    const pvector_info info = ngGet_Vec_Info(name.data());
    if (info == nullptr || info->v_realdata == nullptr) {
      ADD_FAILURE() << "ngspice has no vector " << name << '\n' << said;
      return {};
    }
    return {info->v_realdata, info->v_realdata + info->v_length};
  }

 private:
  Spice() {
    ngSpice_Init(&Spice::print, nullptr, &Spice::quit, nullptr, nullptr, nullptr, this);
    ngSpice_Init_Sync(nullptr, &Spice::source, nullptr, nullptr, this);
  }
  static int print(char* text, int, void* self) {
    static_cast<Spice*>(self)->said += std::string(text) + '\n';
    return 0;
  }
  static int quit(int, NG_BOOL, NG_BOOL, int, void*) { return 0; }
  static int source(double* value, double seconds, char* name, int, void* self) {
    // Backward Euler takes this value for the whole internal step, which begins where the last accepted one ended; an
    // earlier instant than before is the same step, tried again and shorter.
    Spice& it = *static_cast<Spice*>(self);
    if (seconds > it.end_) it.begin_ = it.end_;
    it.end_ = seconds;
    const auto cell = static_cast<std::uint32_t>(std::strtoul(name + 2, nullptr, 10));
    *value = it.current && it.end_ > it.begin_ ? it.current(cell, it.begin_, it.end_) : 0.0;
    return 0;
  }

  double begin_ = 0, end_ = 0;  // of the internal step
};

std::string node(char kind, std::uint32_t cell) {
  std::string name(1, kind);
  name += std::to_string(cell);
  return name;
}

/// A linear network of n cells with couplings of both signs and a spectrum well above 0.
Network random_network(std::uint32_t n, std::uint64_t seed, float kT) {
  std::mt19937_64 rng(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Network it;
  it.source = "a random network";
  it.kT = kT;
  it.gain = 0.8f;
  it.couplings.assign(std::size_t{n} * n, 0.0f);
  it.j4.assign(n, 0.0f);
  it.bias.assign(n, 0.0f);
  std::vector<float> sums(n, 0.0f);
  for (std::uint32_t i = 0; i < n; ++i)
    for (std::uint32_t k = i + 1; k < n; ++k) {
      const float j = uniform(rng);
      it.couplings[i * n + k] = it.couplings[k * n + i] = j;
      sums[i] += it.gain * std::abs(j), sums[k] += it.gain * std::abs(j);
    }
  // Diagonally dominant, some cells softer and some stiffer than the resistor of their bath.
  for (std::uint32_t i = 0; i < n; ++i) it.j2.push_back(0.5f * (sums[i] + 0.2f + 0.8f * std::abs(uniform(rng))));
  return it;
}

Eigen::MatrixXd stiffness(const Network& network) {
  const auto n = static_cast<Eigen::Index>(network.cells());
  Eigen::MatrixXd k(n, n);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j < n; ++j)
      k(i, j) = i == j ? 2.0 * static_cast<double>(network.j2[static_cast<std::size_t>(i)])
                       : static_cast<double>(network.gain) *
                             static_cast<double>(network.couplings[static_cast<std::size_t>(i * n + j)]);
  return k;
}

/// Covariance of voltages of a deck by noise analysis, in units of the scale.
Eigen::MatrixXd noise_covariance(const std::string& deck, const CircuitScale& scale, int points_per_decade,
                                 const std::vector<std::string>& nodes) {
  Spice& spice = Spice::get();
  spice.load(deck);
  const auto variance = [&](const std::string& of) {
    spice.command("noise v(" + of + ") iac dec " + std::to_string(points_per_decade) + " 1 1e12");
    const std::vector<double> total = spice.vector("onoise_total");
    const double volts = total.empty() ? 0 : total.front();
    spice.command("destroy all");
    return volts * volts / (scale.volts * scale.volts);
  };
  const auto n = static_cast<Eigen::Index>(nodes.size());
  const auto name = [&](Eigen::Index i) { return nodes[static_cast<std::size_t>(i)]; };
  Eigen::MatrixXd found(n, n);
  for (Eigen::Index i = 0; i < n; ++i) found(i, i) = variance(name(i));
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index k = i + 1; k < n; ++k)  // polarisation
      found(i, k) = found(k, i) = (found(i, i) + found(k, k) - variance(name(i) + "," + name(k))) / 2;
  return found;
}

/// Largest error of an entry, relative to the largest entry.
double expect_close(const Eigen::MatrixXd& found, const Eigen::MatrixXd& exact, const std::string& what) {
  const double error = (found - exact).cwiseAbs().maxCoeff() / exact.cwiseAbs().maxCoeff();
  EXPECT_LT(error, 1e-3) << what << "\n" << found << "\n\n" << exact;
  return error;
}

/// kT of each cell.
Eigen::VectorXd temperatures(const Network& network) {
  Eigen::VectorXd kT(static_cast<Eigen::Index>(network.cells()));
  for (Eigen::Index i = 0; i < kT.size(); ++i)
    kT(i) = static_cast<double>(network.kT_per_cell.empty() ? network.kT
                                                            : network.kT_per_cell[static_cast<std::size_t>(i)]);
  return kT;
}

TEST(Netlist, NoiseAnalysisGivesTheCovarianceOfLinearNetworks) {
  Device device = open("func:profile=ideal&cells=8&lanes=1&threads=1");
  const CircuitScale scale = circuit_scale(device.capabilities(), 1e-9);
  EXPECT_NEAR(scale.ohms, 1000, 1e-6) << "RC is the time unit, 1 us";
  EXPECT_NEAR(scale.kelvin(1), 300, 0.2);
  double worst = 0;
  for (std::uint64_t number = 1; number <= 6; ++number) {
    const auto n = static_cast<std::uint32_t>(number < 6 ? 1 + number : 3);
    Network network = random_network(n, number, number % 2 == 0 ? 0.3f : 1.7f);
    if (number == 6) network.kT_per_cell = {network.kT, 2.5f, 0.1f};
    reference::LinearNetwork linear = reference::linear_network(stiffness(network), 1);
    linear.diffusion = temperatures(network).asDiagonal();
    std::vector<std::string> nodes;
    for (std::uint32_t i = 0; i < n; ++i) nodes.push_back(node('x', i));
    worst = std::max(worst, expect_close(noise_covariance(netlist(network, scale), scale, 40, nodes),
                                         reference::stationary_covariance(linear), "network " + std::to_string(number)));
  }
  std::printf("largest error of a covariance: %.2e of the largest entry\n", worst);
}

TEST(Netlist, ANetworkOfAProgramHasTheDefaultsOfItsCells) {
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "netlist_test.toml";
  std::ofstream(file) << "schedule = [{ op = \"sample\" }]\n[network]\ncells = 2\nkT = [0.5, 2.0]\nmass = 3.0\n"
                         "initial_second = [0.0, 1.5]\n";
  const Device device = open("func:profile=ideal&cell=underdamped&cells=2&lanes=1&threads=1");
  const Network network = network_of(read_toml_program(file), device.capabilities());
  const Device massless = open("func:profile=ideal&cells=2&lanes=1&threads=1");
  EXPECT_THROW(network_of(read_toml_program(file), massless.capabilities()), Error) << "overdamped cells have no mass";
  std::filesystem::remove(file);
  EXPECT_EQ(network.cell_kind, CellKind::underdamped);
  EXPECT_EQ(network.kT_per_cell, (std::vector<float>{0.5f, 2}));
  EXPECT_EQ(network.mass, (std::vector<float>{3, 3}));
  EXPECT_EQ(network.damping, (std::vector<float>{1, 1}));
  EXPECT_EQ(network.j4, (std::vector<float>{0, 0})) << "as heatbath run has it";
  EXPECT_EQ(network.initial_second, (std::vector<float>{0, 1.5f}));
}

/// Random masses and dampings, and from the third network on a temperature per cell.
void add_inertia(Network& network, std::uint64_t number) {
  std::mt19937_64 rng(100 + number);
  std::uniform_real_distribution<float> uniform(0.4f, 1.6f);
  for (std::uint32_t i = 0; i < network.cells(); ++i) {
    network.mass.push_back(uniform(rng));
    network.damping.push_back(uniform(rng));
    if (number >= 3) network.kT_per_cell.push_back(i == 0 ? network.kT : 2 * uniform(rng));
  }
}

/// Positions and velocities, fluxes and voltages, of every cell.
double expect_exact_covariance(const Network& network, const CircuitScale& scale, const Eigen::MatrixXd& springs,
                               const Eigen::MatrixXd& mass, const std::string& what) {
  std::vector<std::string> nodes;
  for (const char kind : {'x', 'v'})
    for (std::uint32_t i = 0; i < network.cells(); ++i) nodes.push_back(node(kind, i));
  const auto n = static_cast<Eigen::Index>(network.cells());
  const Eigen::VectorXd damping = Eigen::Map<const Eigen::VectorXf>(network.damping.data(), n).cast<double>();
  const Eigen::MatrixXd exact = reference::stationary_covariance(
      reference::underdamped_network(springs, mass, damping, temperatures(network)));
  const Eigen::MatrixXd found = noise_covariance(netlist(network, scale), scale, 400, nodes);
  expect_close(found.topLeftCorner(n, n), exact.topLeftCorner(n, n), what + ", positions");
  expect_close(found.bottomRightCorner(n, n), exact.bottomRightCorner(n, n), what + ", velocities");
  return expect_close(found, exact, what);
}

TEST(Netlist, NoiseAnalysisGivesTheCovarianceOfUnderdampedNetworks) {
  Device device = open("func:profile=ideal&cell=underdamped&cells=4&lanes=1&threads=1");
  const CircuitScale scale = circuit_scale(device.capabilities(), 1e-9);
  double worst = 0;
  for (std::uint64_t number = 1; number <= 3; ++number) {
    const float kT = 0.5f * static_cast<float>(number);
    Network network = random_network(static_cast<std::uint32_t>(1 + number), 10 + number, kT);
    network.cell_kind = device.capabilities().cell_kind;
    add_inertia(network, number);
    const auto n = static_cast<Eigen::Index>(network.cells());
    const Eigen::VectorXd mass = Eigen::Map<const Eigen::VectorXf>(network.mass.data(), n).cast<double>();
    worst = std::max(worst, expect_exact_covariance(network, scale, stiffness(network), mass.asDiagonal(),
                                                    "network " + std::to_string(number)));
  }
  std::printf("largest error of a covariance: %.2e of the largest entry\n", worst);
}

TEST(Netlist, NoiseAnalysisGivesTheCovarianceOfRlcNetworks) {
  Device device = open("func:profile=ideal&cell=rlc&cells=4&lanes=1&threads=1");
  const CircuitScale scale = circuit_scale(device.capabilities(), 1e-9);
  double worst = 0;
  for (std::uint64_t number = 1; number <= 3; ++number) {
    const float kT = 0.5f * static_cast<float>(number);
    Network network = random_network(static_cast<std::uint32_t>(1 + number), 20 + number, kT);
    network.cell_kind = device.capabilities().cell_kind;
    add_inertia(network, number);
    // The matrix that is a stiffness elsewhere is the one of capacitances here; the inductances are others.
    const Eigen::MatrixXd capacitances = stiffness(network);
    const auto n = static_cast<Eigen::Index>(network.cells());
    Eigen::MatrixXd springs = Eigen::MatrixXd::Zero(n, n);
    for (std::uint32_t i = 0; i < network.cells(); ++i) {
      network.mass[i] = 2 * network.j2[i];
      network.j2[i] = 0.3f + 0.4f * static_cast<float>(i);
      springs(i, i) = 2 * static_cast<double>(network.j2[i]);
    }
    worst = std::max(worst, expect_exact_covariance(network, scale, springs, capacitances,
                                                    "network " + std::to_string(number)));
  }
  std::printf("largest error of a covariance: %.2e of the largest entry\n", worst);
}

/// Root mean square difference of the paths of a device and of the circuit under the same noise, relative to the
/// signal. The noise of the device's steps is that of euler-maruyama.
double difference_of_paths(Device& device, const Network& network) {
  constexpr double dt = 1e-3, length = 3;
  constexpr std::uint64_t seed = 11;
  device.set_step_time_units(dt);
  const std::uint32_t n = network.cells();
  Program program(device.capabilities(), n);
  program.load(CellSection::j2, network.j2).load(CellSection::j4, network.j4).load(CellSection::bias, network.bias);
  if (network.inertia()) program.load(CellSection::mass, network.mass).load(CellSection::damping, network.damping);
  program.load_couplings(network.couplings).load_temperature(network.kT).commit();
  program.set(0, network.initial);
  if (network.inertia()) program.set(n, network.initial_second);
  program.capture_start(device.step()).evolve(device.ticks(length)).capture_stop();
  const std::uint32_t variables = network.inertia() ? 2 * n : n;
  const Capture path = device.run(program, {.shots = 1, .seed = seed, .capture_cells = variables}).capture;

  // The step adds sqrt(2 mu kT dt) n to x, sqrt(2 gamma kT dt) n to a momentum: a charge that flows evenly during dt.
  const CircuitScale scale = circuit_scale(device.capabilities(), 1e-9);
  const double step_seconds = dt * scale.seconds;
  std::vector<std::vector<double>> charge(n, std::vector<double>(static_cast<std::size_t>(length / dt) + 3));
  for (std::uint32_t cell = 0; cell < n; ++cell) {
    const double damping = network.inertia() ? static_cast<double>(network.damping[cell]) : 1.0;
    const double coulombs =
        std::sqrt(2 * damping * static_cast<double>(network.kT) * dt) * scale.volts * scale.farads;
    for (std::size_t step = 0; step + 1 < charge[cell].size(); ++step)
      charge[cell][step + 1] =
          charge[cell][step] + coulombs * static_cast<double>(physics::normal(seed, cell, step, 0));
  }
  Spice& spice = Spice::get();
  spice.current = [&](std::uint32_t cell, double begin, double end) {
    const auto charge_at = [&](double seconds) {
      const double steps = seconds / step_seconds;
      const auto whole = static_cast<std::size_t>(steps);
      return charge[cell][whole] + (steps - static_cast<double>(whole)) * (charge[cell][whole + 1] - charge[cell][whole]);
    };
    return (charge_at(end) - charge_at(begin)) / (end - begin);
  };
  NetlistOptions options;
  options.external_sources = true;
  options.transient_time_units = length;
  options.step_time_units = dt;
  std::string deck = netlist(network, scale, options);
  deck.insert(deck.rfind(".end"), ".options method=gear maxord=1\n");
  spice.load(deck);
  spice.command("run");
  spice.current = nullptr;
  const std::vector<double> time = spice.vector("time");
  EXPECT_GT(time.size(), 1000u);
  if (time.size() < 3) return 1;
  double error = 0, signal = 0;
  for (std::uint32_t variable = 0; variable < variables; ++variable) {
    const std::vector<double> voltage = spice.vector(node(variable < n ? 'x' : 'v', variable % n));
    std::size_t at = 0;
    for (std::uint64_t record = 0; record < path.records(); ++record) {
      const double when = device.time_units(path.ticks()[record]) * scale.seconds;
      while (at + 2 < time.size() && time[at + 1] < when) ++at;
      const double part = (when - time[at]) / (time[at + 1] - time[at]);
      const double x = (voltage[at] + part * (voltage[at + 1] - voltage[at])) / scale.volts;
      const double ours = static_cast<double>(path.state(0, record)[variable]);
      error += (x - ours) * (x - ours);
      signal += ours * ours;
    }
  }
  const double relative = std::sqrt(error / signal);
  EXPECT_GT(relative, 0) << "two simulators do not agree to the last bit";
  std::printf("paths differ by %.2e of the signal\n", relative);
  return relative;
}

Network bistable_network() {
  Network network;
  network.source = "two bistable cells and a linear one";
  network.j2 = {-1, -0.5f, 1};
  network.j4 = {1, 2, 0};
  network.bias = {0.1f, -0.2f, 0.3f};
  network.couplings = {0, -0.6f, 0.4f, -0.6f, 0, -0.3f, 0.4f, -0.3f, 0};
  network.kT = 0.4f;
  network.initial = {0.5f, -0.5f, 0};
  return network;
}

TEST(Netlist, TheSameNoiseGivesTheSamePathsQuarticCellsIncluded) {
  Device device = open("func:profile=ideal&cells=3&lanes=1&threads=1");
  EXPECT_LT(difference_of_paths(device, bistable_network()), 0.02);
}

TEST(Netlist, TheSameNoiseGivesTheSamePathsOfCellsWithInertia) {
  for (const char* kind : {"underdamped", "rlc"}) {
    Device device =
        open("func:profile=ideal&cells=3&lanes=1&threads=1&stepper=euler-maruyama&cell=" + std::string(kind));
    Network network = bistable_network();
    network.cell_kind = device.capabilities().cell_kind;
    network.mass = {1, 1.5f, 1.2f};
    network.damping = {0.5f, 1, 0.8f};
    network.initial_second = {0.3f, 0, -0.4f};
    if (network.cell_kind == CellKind::rlc) network.j2[1] = 0;  // a node without an inductor
    EXPECT_LT(difference_of_paths(device, network), 0.02) << kind;
  }
}

TEST(Netlist, RefusesWhatHasNoCircuitAndSaysWhy) {
  Capabilities capabilities;
  capabilities.cell_kind = static_cast<CellKind>(77);
  const auto refusal = [](auto function) -> std::string {
    try {
      function();
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_NE(refusal([&] { circuit_scale(capabilities, 1e-9); }).find("CAPS_CELL.KIND"), std::string::npos);
  capabilities.cell_kind = CellKind::pbit;
  EXPECT_NE(refusal([&] { circuit_scale(capabilities, 1e-9); }).find("flip by chance"), std::string::npos);
  capabilities.cell_kind = CellKind::phase;
  EXPECT_NE(refusal([&] { circuit_scale(capabilities, 1e-9); }).find("no voltage"), std::string::npos);
  const Device device = open("func:cells=2&lanes=1&threads=1");
  EXPECT_NE(refusal([&] { circuit_scale(device.capabilities(), 0); }).find("must be positive"), std::string::npos);
  Network one_way = random_network(3, 1, 1);
  one_way.couplings[2] = 0.25f;
  const std::string reason = refusal([&] { netlist(one_way, circuit_scale(device.capabilities(), 1e-9)); });
  EXPECT_NE(reason.find("cells 0 and 2"), std::string::npos) << reason;
  EXPECT_NE(reason.find("reciprocal"), std::string::npos) << reason;
  Network negative = random_network(3, 1, 1);
  negative.cell_kind = CellKind::rlc;
  negative.mass = {1, 1, 0.01f};
  const std::string indefinite = refusal([&] { netlist(negative, circuit_scale(device.capabilities(), 1e-9)); });
  EXPECT_NE(indefinite.find("not positive definite"), std::string::npos) << indefinite;
}

}  // namespace
}  // namespace heatbath::apps
