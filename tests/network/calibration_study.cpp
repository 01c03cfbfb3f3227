// calibration_study [CHIP [CELLS [EFFORT [RECORDS [KEYS]]]]]: a random linear network on an uncalibrated and on a calibrated chip:
// how far its covariance is from the wanted one, without the noise of the samples; the effective temperature; and the
// errors of the calibration in units of its standard errors. KEYS are added to the device's URI: perfect=drift. tools/calibration_study.sh runs it.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <Eigen/Dense>

#include "heatbath/codes.h"
#include "heatbath/network/calibration.hpp"
#include "heatbath/network/certificate.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/open.hpp"
#include "tests/network/part_figures.hpp"

using namespace heatbath;

namespace {

double uniform(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<double>(state >> 11) * 0x1p-53;
}

struct Found {
  double distance = 0;  ///< relative, Frobenius; from the product of the errors of two halves, which their noise leaves alone
  double noise = 0;     ///< what the samples alone would make of it
  measure::Certificate certificate;
};

Found covariance_of(Device& device, const network::Network& wanted, const Eigen::MatrixXd& exact, double kT,
                    std::uint32_t records) {
  const network::Scaling scaling(wanted, device.capabilities(), {.kT = kT});
  const auto n = static_cast<Eigen::Index>(wanted.cells());
  Eigen::MatrixXd second[2] = {Eigen::MatrixXd::Zero(n, n), Eigen::MatrixXd::Zero(n, n)};
  Eigen::VectorXd first[2] = {Eigen::VectorXd::Zero(n), Eigen::VectorXd::Zero(n)};
  std::vector<float> kept;
  Program program = scaling.program();
  program.evolve(scaling.burn_in(device)).loop_begin(records).evolve(scaling.ticks(device, 0.4)).sample().loop_end();
  JobOptions job;
  job.records = [&](const RecordOfPass& record) {
    const int half = record.record < records / 2 ? 0 : 1;
    Eigen::VectorXd x(n);
    for (Eigen::Index i = 0; i < n; ++i) x[i] = scaling.state(static_cast<double>(record.states[static_cast<std::size_t>(i)]));
    second[half].selfadjointView<Eigen::Lower>().rankUpdate(x);
    first[half] += x;
    if (record.record % 8 == 0) kept.insert(kept.end(), record.states.begin(), record.states.end());
  };
  device.run(program, job);
  Eigen::MatrixXd error[2];
  for (int half = 0; half < 2; ++half) {
    const double count = records / 2.0;
    const Eigen::MatrixXd whole = second[half].selfadjointView<Eigen::Lower>();
    const Eigen::VectorXd mean = first[half] / count;
    error[half] = whole / count - mean * mean.transpose() - exact;
  }
  Found found;
  const double product = error[0].cwiseProduct(error[1]).sum(), squares = exact.squaredNorm();
  found.distance = std::copysign(std::sqrt(std::fabs(product) / squares), product);
  found.noise = (error[0] - error[1]).norm() / 2 / std::sqrt(squares);
  found.certificate = network::certify(wanted, kT, kept, 1, scaling.factors().state);
  return found;
}

}  // namespace

int main(int count, char** words) {
  const std::uint64_t chip = count > 1 ? std::strtoull(words[1], nullptr, 10) : 1;
  const auto cells = static_cast<std::uint32_t>(count > 2 ? std::atoi(words[2]) : 64);
  const double effort = count > 3 ? std::atof(words[3]) : 4;
  const auto records = static_cast<std::uint32_t>(count > 4 ? std::atoi(words[4]) : 200000);
  constexpr double kT = 0.25;
  Device device = open("func:profile=hb-1024&threads=1&cells=" + std::to_string(cells) + "&chip=" + std::to_string(chip) + (count > 5 ? std::string("&") + words[5] : std::string()));

  std::uint64_t state = chip;
  Eigen::MatrixXd A = Eigen::MatrixXd::Zero(cells, cells);
  for (Eigen::Index i = 0; i < A.rows(); ++i) {
    A(i, i) = 2.5 + uniform(state);
    for (Eigen::Index j = 0; j < i; ++j) A(i, j) = A(j, i) = (uniform(state) - 0.5) * 1.6 / std::sqrt(cells);
  }
  std::vector<double> b(cells);
  for (double& value : b) value = uniform(state) - 0.5;
  const network::Network wanted = network::Network::quadratic_form(std::span(A.data(), static_cast<std::size_t>(A.size())), b);
  const Eigen::MatrixXd exact = kT * A.inverse();

  const Found before = covariance_of(device, wanted, exact, kT, records);
  const network::Calibration calibration = network::calibrate(device, {.effort = effort});
  testing::PartFigures part(chip);
  // The biases of the measurement of offsets reach so far.
  const testing::ActingFigures acting(part, cells, 0.6 * 0.7 * static_cast<double>(device.capabilities().range_state) * 0.75, device.time_units(device.now()));
  network::correct(device, calibration);
  const Found after = covariance_of(device, wanted, exact, kT, records);
  testing::Scores offsets, gains;
  double gain = 0, truth = 0, bias = 0, of_part = 0;
  for (std::uint32_t i = 0; i < cells; ++i) {
    offsets.add(calibration.cells[i].bias_offset, acting.bias[i].offset);
    bias += calibration.cells[i].bias_gain.value, of_part += acting.bias[i].gain;
  }
  for (const network::CouplerFigures& one : calibration.couplers) {
    const double is = acting.coupling_factor * static_cast<double>(part.mismatch.coupling_gain(one.i, one.j));
    gains.add(one.gain, is);
    gain += one.gain.value, truth += is;
  }
  const auto beta = [&](const Found& found) { return found.certificate.inverse_temperature.value * kT; };
  std::printf("| %llu | %u | %.2f | %.2f | %.2f %% | %.2f %% | %.2f %% | %.4f | %.4f +- %.4f |\n",
              static_cast<unsigned long long>(chip), cells, offsets.root_mean_square(), gains.root_mean_square(), 100 * before.distance,
              100 * after.distance, 100 * after.noise, beta(before), beta(after), after.certificate.inverse_temperature.standard_error * kT);
  std::fprintf(stderr, "chip %llu: bias gains over those of the part %.4f, coupler gains %.4f; s.e. of an offset %.2g, of a coupler gain %.2g; step %.5f +- %.5f;"
               " change per million time units: cells %.4f +- %.4f, couplers %.4f +- %.4f, at %.0f\n", static_cast<unsigned long long>(chip),
               bias / of_part, gain / truth, calibration.cells[0].bias_offset.standard_error, calibration.couplers[0].gain.standard_error,
               calibration.step.value, calibration.step.standard_error, 1e6 * calibration.cell_rate.value, 1e6 * calibration.cell_rate.standard_error,
               1e6 * calibration.coupler_rate.value, 1e6 * calibration.coupler_rate.standard_error, device.time_units(device.now()));
  return 0;
}
