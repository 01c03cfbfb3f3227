// The exported circuit, simulated by ngspice: an independent judge of the linear theory and of the integrator.
#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <ngspice/sharedspice.h>

#include "apps/bridges/netlist.hpp"
#include "heatbath/device.hpp"
#include "heatbath/regs.h"
#include "hw_model/physics/noise.hpp"
#include "sim/reference/exact_ou.hpp"

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

std::string node(std::uint32_t cell) {
  std::string name("x");
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

TEST(Netlist, NoiseAnalysisGivesTheCovarianceOfLinearNetworks) {
  Device device = open("func:profile=ideal&cells=8&lanes=1&threads=1");
  const CircuitScale scale = circuit_scale(device.capabilities(), 1e-9);
  EXPECT_NEAR(scale.ohms, 1000, 1e-6) << "RC is the time unit, 1 us";
  EXPECT_NEAR(scale.kelvin(1), 300, 0.2);
  double worst = 0;
  for (std::uint64_t network_number = 1; network_number <= 5; ++network_number) {
    const auto n = static_cast<std::uint32_t>(1 + network_number);
    const Network network = random_network(n, network_number, network_number % 2 == 0 ? 0.3f : 1.7f);
    const Eigen::MatrixXd exact = reference::stationary_covariance(
        reference::linear_network(stiffness(network), static_cast<double>(network.kT)));
    Spice& spice = Spice::get();
    spice.load(netlist(network, scale));
    // Variance of a voltage, in units of x squared.
    const auto variance = [&](const std::string& of) {
      spice.command("noise v(" + of + ") iac dec 40 1 1e12");
      const std::vector<double> total = spice.vector("onoise_total");
      const double volts = total.empty() ? 0 : total.front();
      return volts * volts / (scale.volts * scale.volts);
    };
    Eigen::MatrixXd found(exact.rows(), exact.cols());
    for (std::uint32_t i = 0; i < n; ++i) found(i, i) = variance(node(i));
    for (std::uint32_t i = 0; i < n; ++i)
      for (std::uint32_t k = i + 1; k < n; ++k)  // polarisation
        found(i, k) = found(k, i) =
            (found(i, i) + found(k, k) - variance(node(i) + "," + node(k))) / 2;
    const double error = (found - exact).cwiseAbs().maxCoeff() / exact.cwiseAbs().maxCoeff();
    EXPECT_LT(error, 1e-3) << "network " << network_number << "\n" << found << "\n\n" << exact;
    worst = std::max(worst, error);
  }
  std::printf("largest error of a covariance: %.2e of the largest entry\n", worst);
}

TEST(Netlist, TheSameNoiseGivesTheSamePathsQuarticCellsIncluded) {
  Device device = open("func:profile=ideal&cells=3&lanes=1&threads=1");
  constexpr double dt = 1e-3, length = 3;
  constexpr std::uint64_t seed = 11;
  device.set_step_time_units(dt);
  Network network;
  network.source = "two bistable cells and a linear one";
  network.j2 = {-1, -0.5f, 1};
  network.j4 = {1, 2, 0};
  network.bias = {0.1f, -0.2f, 0.3f};
  network.couplings = {0, -0.6f, 0.4f, -0.6f, 0, -0.3f, 0.4f, -0.3f, 0};
  network.kT = 0.4f;
  network.initial = {0.5f, -0.5f, 0};

  Program program(device.capabilities(), 3);
  program.load(CellSection::j2, network.j2).load(CellSection::j4, network.j4).load(CellSection::bias, network.bias);
  program.load_couplings(network.couplings).load_temperature(network.kT).commit();
  program.set(0, network.initial).capture_start(device.step()).evolve(device.ticks(length)).capture_stop();
  const Capture path = device.run(program, {.shots = 1, .seed = seed}).capture;

  // The step adds sqrt(2 mu kT dt) n to x: a charge that flows evenly during dt.
  const CircuitScale scale = circuit_scale(device.capabilities(), 1e-9);
  const double step_seconds = dt * scale.seconds;
  const double coulombs = std::sqrt(2 * static_cast<double>(network.kT) * dt) * scale.volts * scale.farads;
  std::vector<std::vector<double>> charge(3, std::vector<double>(static_cast<std::size_t>(length / dt) + 3));
  for (std::uint32_t cell = 0; cell < 3; ++cell)
    for (std::size_t step = 0; step + 1 < charge[cell].size(); ++step)
      charge[cell][step + 1] =
          charge[cell][step] + coulombs * static_cast<double>(physics::normal(seed, cell, step, 0));
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
  const std::vector<double> time = spice.vector("time");
  ASSERT_GT(time.size(), 1000u);
  double error = 0, signal = 0;
  for (std::uint32_t cell = 0; cell < 3; ++cell) {
    const std::vector<double> voltage = spice.vector(node(cell));
    std::size_t at = 0;
    for (std::uint64_t record = 0; record < path.records(); ++record) {
      const double when = device.time_units(path.ticks()[record]) * scale.seconds;
      while (at + 2 < time.size() && time[at + 1] < when) ++at;
      const double part = (when - time[at]) / (time[at + 1] - time[at]);
      const double x = (voltage[at] + part * (voltage[at + 1] - voltage[at])) / scale.volts;
      const double ours = static_cast<double>(path.state(0, record)[cell]);
      error += (x - ours) * (x - ours);
      signal += ours * ours;
    }
  }
  spice.current = nullptr;
  const double relative = std::sqrt(error / signal);
  EXPECT_LT(relative, 0.02);
  EXPECT_GT(relative, 0) << "two simulators do not agree to the last bit";
  std::printf("paths differ by %.2e of the signal\n", relative);
}

TEST(Netlist, RefusesWhatHasNoCircuitAndSaysWhy) {
  Capabilities capabilities;
  capabilities.cell_kind = 77;
  const auto refusal = [](auto function) -> std::string {
    try {
      function();
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_NE(refusal([&] { circuit_scale(capabilities, 1e-9); }).find("CAPS_CELL.KIND"), std::string::npos);
  const Device device = open("func:cells=2&lanes=1&threads=1");
  EXPECT_NE(refusal([&] { circuit_scale(device.capabilities(), 0); }).find("must be positive"), std::string::npos);
  Network one_way = random_network(3, 1, 1);
  one_way.couplings[2] = 0.25f;
  const std::string reason = refusal([&] { netlist(one_way, circuit_scale(device.capabilities(), 1e-9)); });
  EXPECT_NE(reason.find("cells 0 and 2"), std::string::npos) << reason;
  EXPECT_NE(reason.find("reciprocal"), std::string::npos) << reason;
}

}  // namespace
}  // namespace heatbath::apps
