// The programs of docs/programmers_guide.md, which shows the marked regions.
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <span>
#include <vector>

#include "heatbath/network/shots.hpp"
#include "heatbath/open.hpp"

namespace {

void print_capabilities() {
  // docs: begin open
  heatbath::Device device = heatbath::open("func:profile=ideal&cells=64&lanes=16");
  const heatbath::Capabilities& caps = device.capabilities();
  std::printf("%s: %u cells, %u lanes, tick %u ps, time unit %llu ticks\n", device.link().uri.c_str(), caps.cells,
              caps.lanes, caps.tick_ps, static_cast<unsigned long long>(caps.time_unit.count));
  heatbath::require(caps.meters, "the heat histogram", "METERS");  // throws Error(UNSUPPORTED) by name
  // docs: end open
}

// docs: begin trajectory
// Mean of x0 over many shots while its bias is ramped from 0 to b in five time units: one value per time unit.
std::vector<double> ramp_bias(heatbath::Device& device, float b, std::uint32_t shots) {
  heatbath::Program program(device.capabilities(), 1);
  program.load(heatbath::CellSection::j2, 1).load(heatbath::CellSection::j4, 1).load(heatbath::CellSection::bias, 0);
  program.load_temperature(0.1f).commit();
  program.evolve(device.ticks(5));                                   // thermal equilibrium
  program.capture_start(device.capture_period(device.ticks(1)));     // a record at once, then one per time unit
  program.load(heatbath::CellSection::bias, b).ramp(device.ticks(5));
  program.capture_stop();

  const heatbath::Capture capture = device.run(program, {.shots = shots}).capture;
  std::vector<double> mean(capture.records());
  for (std::uint64_t record = 0; record < capture.records(); ++record) {
    for (std::uint32_t shot = 0; shot < shots; ++shot) mean[record] += double{capture.state(shot, record)[0]} / shots;
  }
  return mean;
}
// docs: end trajectory

// docs: begin streamed
// Mean of x0^2 over `records` records, one every time unit, and all shots; no record is kept.
double mean_square(heatbath::Device& device, std::uint32_t records, std::uint32_t shots) {
  heatbath::Program program(device.capabilities(), 1);
  program.load(heatbath::CellSection::j2, 1).load(heatbath::CellSection::j4, 1).load(heatbath::CellSection::bias, 0);
  program.commit().evolve(device.ticks(5));
  program.loop_begin(records).evolve(device.ticks(1)).sample().loop_end();
  double sum = 0;
  heatbath::JobOptions options{.shots = shots};
  options.records = [&](const heatbath::RecordOfPass& record) {
    for (const float x : record.states) sum += double{x} * x;  // shots of this pass x captured cells
  };
  device.run(program, options);
  return sum / (1.0 * records * shots);
}
// docs: end streamed

// docs: begin per_shot
// One program, one bias per shot: the response of a cell to many inputs in one job.
std::vector<float> responses(heatbath::Device& device, std::span<const float> inputs) {
  const auto shots = static_cast<std::uint32_t>(inputs.size());
  heatbath::Program program(device.capabilities(), 1);
  program.load(heatbath::CellSection::j2, 1).load(heatbath::CellSection::j4, 1).load_temperature(0.1f);
  program.load_bias_per_shot(inputs, shots).commit();
  program.evolve(device.ticks(2)).sample();
  const heatbath::Capture capture = device.run(program, {.shots = shots}).capture;
  std::vector<float> states(shots);
  for (std::uint32_t shot = 0; shot < shots; ++shot) states[shot] = capture.state(shot, 0)[0];
  return states;
}
// docs: end per_shot

// docs: begin seeds
// Eight shots of an experiment: numbered on from call to call, so that no two share noise, and a seed where the device
// takes one.
std::vector<float> final_states(heatbath::network::Shots& shots, const heatbath::Program& program) {
  const heatbath::Capture capture = shots.run(program, 8).capture;
  const heatbath::StridedValues x = capture.column(0, 0);  // cell 0 of all shots at record 0, where it lies
  std::vector<float> states;
  for (std::size_t shot = 0; shot < x.size(); ++shot) states.push_back(x[shot]);
  return states;
}
// docs: end seeds

// docs: begin heat
// Heat, in energy units, that each shot gives to the bath when a bias b is switched on and the cell relaxes: from the
// meters, or from states where the device has none.
std::vector<double> heat_of_relaxation(heatbath::Device& device, float b, std::uint32_t shots) {
  const bool metered = device.capabilities().meters;
  heatbath::Program program(device.capabilities(), 1);
  program.load(heatbath::CellSection::j2, 1).load(heatbath::CellSection::j4, 1).load(heatbath::CellSection::bias, 0);
  program.load_temperature(0.1f).commit();
  program.clamp(0, 1, 0).release(0, 1);  // every device can prepare a state like this
  program.evolve(device.ticks(2));
  program.load(heatbath::CellSection::bias, b).commit();
  if (metered) program.meter_clear();
  program.sample();
  program.evolve(device.ticks(2)).sample();
  if (metered) program.meter_snapshot();

  const heatbath::Result result = device.run(program, {.shots = shots});
  const auto energy = [b](double x) { return x * x + x * x * x * x + b * x; };
  std::vector<double> heat(shots);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    heat[shot] = metered ? result.meters[0][shot].heat
                         : energy(result.capture.state(shot, 0)[0]) - energy(result.capture.state(shot, 1)[0]);
  }
  return heat;
}
// docs: end heat

// docs: begin cell_heat
// Mean heat that each of two cells gives to its bath within 40 time units; a spring joins them.
std::array<double, 2> heat_flow(heatbath::Device& device, float kT_first, float kT_second, std::uint32_t shots) {
  heatbath::Program program(device.capabilities(), 2);
  program.load(heatbath::CellSection::j2, 1).load(heatbath::CellSection::j4, 0);
  program.load_couplings(std::vector<float>{0, -0.5f, -0.5f, 0});
  program.load(heatbath::CellSection::kT, std::vector<float>{kT_first, kT_second}).commit().evolve(device.ticks(4));
  program.meter_clear().evolve(device.ticks(40)).meter_snapshot(heatbath::Meter::heat_per_cell);
  const heatbath::Result result = device.run(program, {.shots = shots});
  std::array<double, 2> mean{};
  for (std::size_t k = 0; k < 2 * shots; ++k) mean[k % 2] += result.meter(heatbath::Meter::heat_per_cell)[k] / shots;
  return mean;
}
// docs: end cell_heat

// docs: begin phases
// Mean square order <r^2> of twelve noisy oscillators on a ring whose neighbours pull with strength K, while the
// whole ring is driven at a frequency that does not matter to it.
double ring_order(float coupling, std::uint32_t shots) {
  heatbath::Device device = heatbath::open("func:cell=phase&topology=ring:12&stepper=heun");
  heatbath::Program program(device.capabilities(), 12);
  program.load(heatbath::CellSection::frequency, 0.5f).load_temperature(0.2f);
  program.load_coupler_values(std::vector<float>(program.couplers().size(), -coupling));  // + J cos(th_i - th_j)
  program.commit().evolve(device.ticks(20)).sample();

  heatbath::JobOptions options{.shots = shots};
  options.capture_cells = program.variables();  // 12 phases, then 12 counts of full turns
  const heatbath::Capture capture = device.run(program, options).capture;
  double order = 0;
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    double x = 0, y = 0;
    for (const float phase : capture.state(shot, 0).first(12)) {
      x += std::cos(phase) / 12;
      y += std::sin(phase) / 12;
    }
    order += (x * x + y * y) / shots;
  }
  return order;
}
// docs: end phases

// docs: begin job
// A job that can be stopped from elsewhere and must end within a device time.
void run_watched(heatbath::Device& device, const heatbath::Program& program, const std::atomic<bool>& stop) {
  heatbath::JobOptions options;
  options.shots = 100;
  options.limit = device.ticks(1e6);
  options.progress = [&stop](double /*fraction done*/) { return !stop; };  // false cancels the job
  try {
    heatbath::Job job = device.start(program, options);
    const heatbath::Result result = job.wait();
    std::printf("%llu parameter values clipped, %llu cell-steps at a rail\n",
                static_cast<unsigned long long>(result.clips), static_cast<unsigned long long>(result.rails));
  } catch (const heatbath::Error& error) {
    std::printf("%s: %s\n", hb_status_name(error.code()), error.what());
    throw;
  }
}
// docs: end job

heatbath::Program noise(heatbath::Device& device) {
  heatbath::Program program(device.capabilities(), 1);
  program.load(heatbath::CellSection::j2, 1).load(heatbath::CellSection::j4, 1).commit();
  program.evolve(device.ticks(1)).sample();
  return program;
}

}  // namespace

int main() {
  print_capabilities();
  heatbath::Device device = heatbath::open();
  bool right = true;
  const auto expect = [&right](bool holds, const char* claim) {
    std::printf("%s: %s\n", holds ? "ok" : "WRONG", claim);
    right = right && holds;
  };

  const std::vector<double> mean = ramp_bias(device, 2, 200);
  expect(mean.size() == 6, "six records: at once, then one per time unit");
  expect(std::abs(mean.front()) < 0.1 && mean.back() < -0.4, "the cell follows its bias downhill, to negative x");

  const double square = mean_square(device, 10, 100);
  expect(square > 0.02 && square < 0.6, "a cell stays near its well");

  const std::vector<float> response = responses(device, std::vector<float>{-4, 0, 4});
  expect(response[0] > response[1] && response[1] > response[2], "a larger bias gives a smaller state");

  const heatbath::Program program = noise(device);
  heatbath::network::Shots shots(device), again(device);
  const std::vector<float> first = final_states(shots, program);
  const std::vector<float> second = final_states(shots, program);
  expect(first != second, "shots 0..7 and 8..15 share no noise");
  expect(!device.capabilities().seeded || first == final_states(again, program), "the same job gives the same states");

  double heat = 0;
  for (const double q : heat_of_relaxation(device, 4, 200)) heat += q / 200;
  expect(heat > 0.5, "relaxation releases heat");

  if (device.capabilities().heat_per_cell && device.capabilities().kT_per_cell) {
    const std::array<double, 2> flow = heat_flow(device, 2, 1, 100);
    expect(flow[0] < -1 && flow[1] > 1, "heat goes from the hot cell to the cold one");
  }

  expect(ring_order(2, 200) > 0.5 && ring_order(0, 200) < 0.2, "coupled oscillators fall into step");

  run_watched(device, program, false);
  try {
    run_watched(device, program, true);
    expect(false, "a stopped job does not return a result");
  } catch (const heatbath::Error& error) {
    expect(error.code() == HB_ABORTED, "a stopped job ends as ABORTED");
  }
  return right ? 0 : 1;
}
