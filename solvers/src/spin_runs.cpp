#include "solvers/src/spin_runs.hpp"

#include <algorithm>
#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/text.hpp"
#include "solvers/src/scaling_notes.hpp"

namespace heatbath::solvers {

namespace {

network::ScalingOptions options_for(const Capabilities& capabilities, double coldest, double hottest) {
  network::ScalingOptions options{.kT = coldest};
  if (capabilities.kT_programmable && hottest > 0) {
    const bool codes = capabilities.parameter_number != Number::float32;
    const double most = static_cast<double>(capabilities.kT_max) / hottest;
    if (codes || most < 1) options.most_energy = most;
  }
  return options;
}

Program base_of(const network::Scaling& scaling, const Capabilities& capabilities, std::uint32_t cells) {
  Program program(capabilities, cells);
  scaling.load_into(program);
  return program;
}

}  // namespace

std::vector<float> random_spins(std::uint64_t seed, std::size_t count) {
  numerics::RandomStream random(seed);
  std::vector<float> spins(count);
  for (std::size_t k = 0; k < count; k += 64) {
    const std::uint64_t word = random.word();
    for (std::size_t bit = 0; bit < std::min<std::size_t>(64, count - k); ++bit) spins[k + bit] = word >> bit & 1 ? 1.0f : -1.0f;
  }
  return spins;
}

std::vector<Stretch> cooling_schedule(const TemperatureRange& range, std::uint32_t sweeps, Cooling cooling, bool ramps) {
  const bool ratio = cooling == Cooling::ratio;
  const double fall = std::log(range.hottest / range.coldest);
  const auto at = [&](double part) {
    return ratio ? range.hottest * std::exp(-fall * part) : 1 / ((1 - part) / range.hottest + part / range.coldest);
  };
  // A temperature for every sweep, or for a few of them; of equal ratios ramps by a quarter, in which they fall within
  // 1 % of that.
  constexpr std::uint32_t levels = 1000;
  const auto pieces = static_cast<std::uint32_t>(std::clamp(std::ceil(fall / 0.25), 1.0, static_cast<double>(levels)));
  const bool in_ramps = ratio && ramps && sweeps > pieces;
  const std::uint32_t count = std::min(sweeps, in_ramps ? pieces : levels);
  std::vector<Stretch> schedule;
  for (std::uint32_t k = 0; k < count; ++k) {
    const auto first = static_cast<std::uint32_t>(std::uint64_t{sweeps} * k / count);
    const auto last = static_cast<std::uint32_t>(std::uint64_t{sweeps} * (k + 1) / count);
    if (in_ramps) {
      schedule.push_back({at(static_cast<double>(k) / count), last - first, at(static_cast<double>(k + 1) / count)});
    } else {
      schedule.push_back({at(count == 1 ? 1 : static_cast<double>(k) / (count - 1)), last - first});
    }
  }
  return schedule;
}

SpinRuns::SpinRuns(Device& device, const network::Network& network, double coldest, double hottest,
                   const network::ShotOptions& shots)
    : device_(&device),
      cells_(network.cells()),
      coldest_(coldest),
      scaling_(network, device.capabilities(), options_for(device.capabilities(), coldest, hottest)),
      shots_(device, shots),
      base_(base_of(scaling_, device.capabilities(), network.cells())) {
  scaling_.set_step(device);
  const double factor = scaling_.factors().of(CellSection::bias);
  for (std::uint32_t i = 0; i < cells_; ++i)
    fields_.push_back(static_cast<float>(factor * network.value(CellSection::bias, i)));
  coupled_ = !network.couplings().empty();
  uniform_field_ = std::ranges::all_of(fields_, [&](float b) { return b == fields_.front(); });
}

void SpinRuns::climate(Program& program, double kT) const {
  const Capabilities& capabilities = device_->capabilities();
  if (capabilities.kT_programmable) {
    program.load_temperature(static_cast<float>(scaling_.factors().energy * kT)).commit();
    return;
  }
  const double part = coldest_ / kT;
  if (uniform_field_) {
    program.load(CellSection::bias, static_cast<float>(part * static_cast<double>(fields_.front())));
  } else {
    std::vector<float> fields(fields_);
    for (float& field : fields) field = static_cast<float>(part * static_cast<double>(field));
    program.load(CellSection::bias, fields);
  }
  program.load_gain(coupled_ ? static_cast<float>(part) : 0.0f).commit();
}

void SpinRuns::count(const Result& result, std::uint32_t shots) {
  const std::uint32_t lanes = std::max(1u, device_->capabilities().lanes);
  ticks_ = ticks_ + result.array_ticks * ((shots + lanes - 1) / lanes);
}

void SpinRuns::anneal(std::span<float> states, std::span<const Stretch> schedule) {
  const auto shots = static_cast<std::uint32_t>(states.size() / cells_);
  const std::uint64_t most = std::max<std::uint64_t>(16, device_->capabilities().program_max) - 8;
  for (std::size_t first = 0; first < schedule.size();) {
    // As many stretches as one program holds.
    Program program = base_;
    program.clamp_per_shot(0, cells_, states, shots).release(0, cells_);
    std::uint64_t sweeps = 0;
    while (first < schedule.size() && program.steps().size() + 5 < most) {
      const Stretch& stretch = schedule[first++];
      climate(program, stretch.kT);
      const Ticks duration = scaling_.ticks(*device_, stretch.sweeps);
      if (stretch.ramped_to != 0) {
        program.load_temperature(static_cast<float>(scaling_.factors().energy * stretch.ramped_to)).ramp(duration);
      } else {
        program.evolve(duration);
      }
      sweeps += stretch.sweeps;
    }
    program.sample();
    const Result result = shots_.run(program, shots);
    std::ranges::copy(result.capture.values(), states.begin());
    count(result, shots);
    updates_ += sweeps * shots * cells_;
  }
}

void SpinRuns::sweep(std::span<float> states, std::span<const double> temperatures, std::uint32_t replicas,
                     std::uint32_t sweeps) {
  const std::size_t row = std::size_t{replicas} * cells_;
  const std::uint64_t bytes = 8 * row;  // states to the device and back
  const std::uint64_t room = std::max<std::uint64_t>(1, device_->capabilities().memory_bytes / 4 / bytes);
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(room, std::max(16u, device_->capabilities().program_max) / 8));
  for (std::size_t first = 0; first < temperatures.size(); first += most) {
    const std::size_t count_here = std::min(most, temperatures.size() - first);
    Program program = base_;
    for (std::size_t t = first; t < first + count_here; ++t) {
      program.clamp_per_shot(0, cells_, states.subspan(t * row, row), replicas).release(0, cells_);
      climate(program, temperatures[t]);
      program.evolve(scaling_.ticks(*device_, sweeps)).sample();
    }
    const Result result = shots_.run(program, replicas);
    for (std::uint32_t shot = 0; shot < replicas; ++shot)
      for (std::size_t t = 0; t < count_here; ++t)
        std::ranges::copy(result.capture.state(shot, t), states.begin() + static_cast<std::ptrdiff_t>((first + t) * row + std::size_t{shot} * cells_));
    count(result, replicas);
    updates_ += std::uint64_t{sweeps} * replicas * cells_ * count_here;
  }
}

std::vector<std::string> SpinRuns::notes() const {
  return scaling_notes(scaling_, "energies are those of the problem as given");
}

}  // namespace heatbath::solvers
