#include "monitor/chip_loop.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "files/program_builder.hpp"
#include "files/provenance.hpp"
#include "files/register_exports.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/regs.h"
#include "monitor/fault_json.hpp"
#include "monitor/picture_levels.hpp"

namespace heatbath::monitor {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_listed_couplings = 20000, most_matrix = 128;

std::string number(double value, int digits = 6) { return std::isfinite(value) ? numerics::general(value, digits) : "null"; }

/// Couplings for the eye: all where they are few, else the mean over squares of a matrix of at most most_matrix rows.
nlohmann::json couplings_of(const Scene& scene) {
  nlohmann::json json{{"count", scene.couplings.size()}, {"listed", scene.listed}};
  const std::uint32_t side = std::min<std::uint32_t>(scene.cells, most_matrix);
  std::vector<double> sums(std::size_t{side} * side);
  std::vector<std::uint32_t> counts(sums.size());
  double most = 0;
  const auto put = [&](std::uint32_t i, std::uint32_t j, double value) {
    const std::size_t at = std::uint64_t{i} * side / scene.cells * side + std::uint64_t{j} * side / scene.cells;
    sums[at] += value;
    ++counts[at];
  };
  for (const Coupling& one : scene.couplings) {
    put(one.i, one.j, one.value);
    if (!scene.directed) put(one.j, one.i, one.value);
  }
  for (std::size_t k = 0; k < sums.size(); ++k) {
    if (counts[k] > 0) sums[k] /= counts[k];
    most = std::max(most, std::fabs(sums[k]));
  }
  std::string picture;  // 32: none
  for (const double sum : sums) picture += picture_levels[static_cast<std::size_t>(std::lround(32 + (most > 0 ? 31 * sum / most : 0)))];
  double strongest = 0;
  for (const Coupling& one : scene.couplings) strongest = std::max<double>(strongest, std::fabs(one.value));
  json["strongest"] = strongest;
  json["side"] = side;
  json["most"] = most;
  json["matrix"] = picture;
  if (scene.couplings.size() <= most_listed_couplings && scene.cells <= 256) {
    for (const Coupling& one : scene.couplings) json["list"].push_back({one.i, one.j, one.value});
  }
  return json;
}

void need(bool good, const std::string& what) {
  if (!good) throw Error(HB_BAD_ARG, what);
}

}  // namespace

ChipLoop::ChipLoop(Device& device, Scene scene, LoopOptions options, const InterruptLog* interrupts)
    : device_(device),
      scene_(std::move(scene)),
      options_(std::move(options)),
      interrupts_(interrupts),
      shots_(std::clamp<std::uint32_t>(options_.shots, 1, std::max(device.capabilities().lanes, 1u))),
      certifier_(scene_, device.capabilities().cell_kind, std::clamp<std::uint32_t>(options_.shots, 1, std::max(device.capabilities().lanes, 1u))) {
  const Capabilities& capabilities = device_.capabilities();
  constexpr double most_values = 1 << 21;  // that a job captures
  shots_ = std::min(shots_, static_cast<std::uint32_t>(std::max(1.0, most_values / scene_.cells)));
  records_ = static_cast<std::uint32_t>(std::clamp(most_values / (static_cast<double>(shots_) * scene_.cells), 1.0, 32.0));
  knobs_.kT = scene_.kT;
  knobs_.gain = scene_.gain;
  constexpr std::uint64_t steps_of_record = 5;
  const bool sweeps = capabilities.cell_kind == CellKind::pbit || capabilities.states > 1;
  knobs_.period = device_.capture_period(Ticks{std::max<std::uint64_t>(device_.step().count, 1) * (sweeps ? 1 : steps_of_record)}).count;
  knobs_.scope_cells.clear();
  for (std::uint32_t k = 0; k < std::min(4u, scene_.cells); ++k) knobs_.scope_cells.push_back(k * (scene_.cells / std::min(4u, scene_.cells)));
  live_ = knobs_;
  changes_.push_back({0, knobs_.kT, knobs_.gain, 0});
  metered_ = capabilities.meters;
  const bool phases = capabilities.cell_kind == CellKind::phase;
  reach_ = phases ? std::numbers::pi : capabilities.states > 1 ? capabilities.states - 1 : 1;
  restart_histogram();
  (void)next_program(knobs_);  // what is refused is refused here

  nlohmann::json about{{"device", apps::describe_device(device_)},
                       {"source", apps::valid_utf8(scene_.source)},
                       {"cells", scene_.cells},
                       {"shots", shots_},
                       {"records", records_},
                       {"kind", name(capabilities.cell_kind)},
                       {"layout", {{"kind", name(scene_.layout.kind)}, {"columns", scene_.layout.columns}, {"rows", scene_.layout.rows},
                                   {"cells", scene_.layout.cells}, {"places", scene_.layout.places}}},
                       {"tick_time_units", device_.time_units(Ticks{1})},
                       {"tick_seconds", capabilities.tick_seconds()},
                       {"energy_unit_joules", capabilities.energy_unit_joules},
                       {"metered", metered_},
                       {"heat_source", metered_ ? "meter" : "none"},
                       {"knobs", {{"kT", capabilities.kT_programmable}, {"gain", true}, {"field", true}}},
                       {"kT_range", {capabilities.kT_min, capabilities.kT_max}},
                       {"field_range", capabilities.range_bias},
                       {"calibration", options_.calibration},
                       {"couplings", couplings_of(scene_)},
                       {"shortest_period", device_.time_units(device_.capture_period(Ticks{1}))},
                       {"version", apps::version_line()}};
  about_ = apps::json_text(about);
}

void ChipLoop::ask(const Request& request) {
  const Capabilities& capabilities = device_.capabilities();
  const auto finite = [](const std::optional<double>& value, const char* what) {
    need(!value || std::isfinite(*value), std::string(what) + ": needs a finite number");
  };
  finite(request.kT, "kT");
  finite(request.gain, "gain");
  finite(request.field, "field");
  finite(request.period_time_units, "period");
  if (request.kT) {
    if (!capabilities.kT_programmable) throw Error(HB_UNSUPPORTED, "kT: this device has one temperature");
    need(*request.kT >= capabilities.kT_min && *request.kT <= capabilities.kT_max,
         fmt::format("kT: needs {} to {}", capabilities.kT_min, capabilities.kT_max));
  }
  need(!request.gain || std::fabs(*request.gain) <= 1e6, "gain: needs -1e6 to 1e6");
  need(!request.field || std::fabs(*request.field) <= capabilities.range_bias, fmt::format("field: needs -{0} to {0}", capabilities.range_bias));
  need(!request.period_time_units || (*request.period_time_units > 0 && *request.period_time_units <= 1e6), "period: needs 0 to 1e6 time units");
  need(!request.histogram_cell || *request.histogram_cell < scene_.cells, fmt::format("histogram: needs a cell, 0 to {}", scene_.cells - 1));
  if (request.scope_cells) {
    need(!request.scope_cells->empty() && request.scope_cells->size() <= most_scope_cells, fmt::format("cells: needs 1 to {} of them", most_scope_cells));
    for (const std::uint32_t cell : *request.scope_cells) need(cell < scene_.cells, fmt::format("cells: there is no cell {}; the last is {}", cell, scene_.cells - 1));
  }
  need(request.steps <= 10000, "step: needs 1 to 10000");
  {
    const std::lock_guard lock(mutex_);
    if (request.kT) knobs_.kT = *request.kT;
    if (request.gain) knobs_.gain = *request.gain;
    if (request.field) knobs_.field = *request.field;
    if (request.period_time_units) knobs_.period = device_.capture_period(device_.nearest_ticks(*request.period_time_units)).count;
    if (request.histogram_cell) knobs_.histogram_cell = *request.histogram_cell;
    if (request.scope_cells) knobs_.scope_cells = *request.scope_cells;
    stale_ = true;
    if (request.running) knobs_.running = *request.running;
    steps_ += request.steps;
  }
  turned_.notify_all();
}

std::string ChipLoop::program() {
  const std::lock_guard lock(mutex_);
  if (changes_.size() > most_changes) throw Error(HB_UNSUPPORTED, fmt::format("more than {} changes of knobs", most_changes));
  return repeating_program(scene_, device_, changes_, array_ticks_, shots_, options_.seed);
}

std::string ChipLoop::states() {
  const std::lock_guard lock(mutex_);
  std::string csv = "cell,state\n";
  for (std::size_t cell = 0; cell < last_states_.size(); ++cell) csv += fmt::format("{},{}\n", cell, numerics::text_of(last_states_[cell]));
  return csv;
}

void ChipLoop::note(const char* kind, const std::string& text) { note_event(device_.time_units(Ticks{array_ticks_}), kind, text); }

void ChipLoop::restart_histogram() {
  counts_.fill(0);
  outside_ = samples_ = 0;
  sum_ = squares_ = 0;
  settle_until_ = array_ticks_ + device_.nearest_ticks(5).count;
  law_ = exact_law(scene_, device_.capabilities().cell_kind, live_.kT, live_.gain, live_.field, live_.histogram_cell, bins);
  low_ = law_ ? law_->low : -1.1 * reach_;
  high_ = law_ ? law_->high : 1.1 * reach_;
}

Program ChipLoop::next_program(const Knobs& wanted) {
  const Capabilities& capabilities = device_.capabilities();
  Program program(capabilities, scene_.cells);
  if (metered_) program.meter_clear();
  bool changed = false;
  const auto biases = [&] {
    std::vector<float> values = *scene_.parameters.bias;
    for (float& value : values) value = static_cast<float>(value + wanted.field);
    if (values.size() == 1) program.load(CellSection::bias, values.front());
    else program.load(CellSection::bias, values);
  };
  if (!begun_) {
    apps::ParameterSet set = scene_.parameters;
    set.bias.reset();
    apps::load(program, set);
    program.load_gain(static_cast<float>(wanted.gain)).at_temperature(static_cast<float>(wanted.kT));
    biases();
    program.commit();
    if (capabilities.state_write) {
      const float usual = capabilities.cell_kind == CellKind::pbit ? 1.0f : 0.0f;
      if (scene_.initial.size() == scene_.cells) program.set(0, scene_.initial);
      else program.set(0, scene_.cells, scene_.initial.empty() ? usual : scene_.initial.front());
      if (capabilities.components > 1) program.set(scene_.cells, scene_.cells, 0);
    }
  }
  if (begun_ && wanted.field != live_.field) biases(), changed = true;
  if (begun_ && wanted.gain != live_.gain) program.load_gain(static_cast<float>(wanted.gain)), changed = true;
  if (begun_ && wanted.kT != live_.kT) program.at_temperature(static_cast<float>(wanted.kT)), changed = true;
  if (changed) program.commit();
  const Ticks period{wanted.period};
  program.capture_start(period, false).evolve(Ticks{period.count * records_}).capture_stop();
  if (metered_) program.meter_snapshot();
  return program;
}

void ChipLoop::take_job(const Knobs& wanted) {
  const bool turned = wanted.kT != live_.kT || wanted.gain != live_.gain || wanted.field != live_.field;
  const Program program = next_program(wanted);
  JobOptions job{.shots = shots_};
  if (device_.capabilities().seeded) {
    job.seed = options_.seed;
    job.first_step = step_count_;
  }
  Result result = device_.run(program, job, std::move(capture_));
  const bool new_cell = wanted.histogram_cell != live_.histogram_cell;
  live_ = wanted;
  begun_ = true;
  ++jobs_;
  if (turned) {
    {
      const std::lock_guard lock(mutex_);
      if (changes_.size() <= most_changes) changes_.push_back({array_ticks_, live_.kT, live_.gain, live_.field});
    }
    certifier_.restart();
    note("knob", fmt::format("kT {}, gain {}, field {}", number(live_.kT), number(live_.gain), number(live_.field)));
  }
  if (turned || new_cell) restart_histogram();
  const std::uint64_t ticks = wanted.period * records_;
  if (const std::uint64_t step = device_.step().count; step > 0) step_count_ += ticks / step;
  if (!result.meters.empty()) {
    hb_meters_t mean{};
    for (const hb_meters_t& one : result.meters.back()) {
      mean.energy += one.energy / shots_;
      mean.work += one.work / shots_;
      mean.heat += one.heat / shots_;
    }
    if (jobs_ == 1) first_energy_ = mean.energy - mean.work + mean.heat;
    work_ += mean.work;
    heat_ += mean.heat;
    energy_ = mean.energy;
  }
  if (result.clips > 0) note("clip", fmt::format("{} parameters beyond their range", result.clips));
  if (result.rails > 0 && rails_ == 0) note("rail", fmt::format("cell {} was held at a rail", result.rail_cell));
  clips_ += result.clips;
  rails_ += result.rails;
  capture_ = std::move(result.capture);
  take_capture(capture_);
  certifier_.take(capture_, live_.kT, live_.gain, live_.field);
  {
    const std::lock_guard lock(mutex_);
    array_ticks_ += ticks;
    const auto last = capture_.state(0, capture_.records() - 1);
    last_states_.assign(last.begin(), last.end());
  }
}

void ChipLoop::take_capture(const Capture& capture) {
  double most = 0;
  for (const float x : capture.state(0, capture.records() - 1)) most = std::max<double>(most, std::fabs(x));
  reach_ = std::max(most, 0.98 * reach_);
  if (device_.capabilities().cell_kind == CellKind::phase) reach_ = std::numbers::pi;
  if (array_ticks_ < settle_until_) return;
  if (!law_ && samples_ == 0) low_ = -1.5 * reach_, high_ = 1.5 * reach_;
  const double scale = bins / (high_ - low_);
  for (std::uint32_t shot = 0; shot < capture.shots(); ++shot)
    for (std::uint64_t record = 0; record < capture.records(); ++record) {
      const double x = capture.state(shot, record)[live_.histogram_cell];
      const double bin = std::floor((x - low_) * scale);
      if (bin >= 0 && bin < static_cast<double>(bins)) ++counts_[static_cast<std::size_t>(bin)];
      else ++outside_;
      ++samples_;
      sum_ += x;
      squares_ += x * x;
    }
}

std::string ChipLoop::frame_of(double frames_per_second) {
  const Capture& capture = capture_;
  const auto last = capture.state(0, capture.records() - 1);
  std::string map;
  map.reserve(scene_.layout.cells.size());
  const bool labels = device_.capabilities().states > 1;
  for (const std::uint32_t cell : scene_.layout.cells) map += level_of(labels ? last[cell] / reach_ : (last[cell] + reach_) / (2 * reach_));
  std::string scope = "{";
  for (const std::uint32_t cell : live_.scope_cells) {
    scope += fmt::format("{}\"{}\":[", scope.size() > 1 ? "," : "", cell);
    for (std::uint64_t record = 0; record < capture.records(); ++record)
      scope += (record > 0 ? "," : "") + number(capture.state(0, record)[cell], 4);
    scope += ']';
  }
  scope += '}';
  const double n = static_cast<double>(samples_), mean = samples_ > 0 ? sum_ / n : 0;
  std::string law = "null";
  if (law_) {
    law = fmt::format(R"({{"name":"{}","mean":{},"variance":{},"probability":[)", law_->name, number(law_->mean), number(law_->variance));
    for (std::size_t k = 0; k < law_->probability.size(); ++k) law += (k > 0 ? "," : "") + number(law_->probability[k], 4);
    law += "]}";
  }
  const double joules = device_.capabilities().energy_unit_joules;
  const std::string meters = metered_ ? fmt::format(R"({{"energy":{},"work":{},"heat":{},"joules":{},"closure":{}}})", number(energy_),
                                                    number(work_), number(heat_), number(heat_ * joules),
                                                    number(energy_ - first_energy_ - work_ + heat_, 3))
                                      : "null";
  std::string events;
  std::uint64_t running = 0, number_of_frame = 0;
  {
    const std::lock_guard lock(mutex_);
    events = events_.json();
    running = knobs_.running ? 1 : 0;
    number_of_frame = newest_.number + 1;
  }
  return fmt::format(
      R"({{"number":{},"time":{},"running":{},"fps":{},"knobs":{{"kT":{},"gain":{},"field":{},"period":{},"histogram":{},"cells":[{}]}},)"
      R"("reach":{},"map":"{}","scope":{},"meters":{},)"
      R"("histogram":{{"cell":{},"low":{},"high":{},"samples":{},"outside":{},"mean":{},"variance":{},"counts":[{}],"law":{}}},)"
      R"("certificate":{},"health":{},"interrupts":{},"events":{}}})",
      number_of_frame, number(device_.time_units(Ticks{array_ticks_}), 9), running, number(frames_per_second, 3), number(live_.kT), number(live_.gain),
      number(live_.field), number(device_.time_units(Ticks{live_.period})), live_.histogram_cell, fmt::join(live_.scope_cells, ","),
      number(reach_), map, scope, meters, live_.histogram_cell, number(low_), number(high_), samples_, outside_, number(mean),
      number(samples_ > 1 ? std::max(0.0, squares_ / n - mean * mean) : 0), fmt::join(counts_, ","), law, certifier_.json(),
      health_.empty() ? "null" : health_, interrupts_ != nullptr ? interrupts_->json(device_.time_units(Ticks{1})) : "null", events);
}

void ChipLoop::read_health() {
  Transport& link = device_.transport();
  const auto read = [&](std::uint64_t offset) { return link.read32(offset); };
  health_ = fmt::format(R"({{"status":{},"fault":{},"fault_pc":{},"die":{},"clips":{},"rails":{},"jobs":{},"failed":{},"interrupts":{},"enabled":{},"errors":[{},{},{}]}})",
                        read(HB_STATUS_OFFSET), fault_json(read(HB_FAULT_CODE_OFFSET)), read(HB_FAULT_PC_OFFSET), read(HB_DIE_TEMPERATURE_OFFSET), clips_, rails_,
                        jobs_, faults_, read(HB_INTR_STATE_OFFSET), read(HB_INTR_ENABLE_OFFSET), read(HB_ERR_ACCESS_OFFSET),
                        read(HB_ERR_SEQUENCE_OFFSET), read(HB_ERR_PARITY_OFFSET));
}

std::string ChipLoop::read_registers() {
  const nlohmann::json map = nlohmann::json::parse(apps::register_export("json"));
  nlohmann::json rows = nlohmann::json::array();
  for (const nlohmann::json& one : map["registers"]) {
    nlohmann::json row = one;
    row["value"] = device_.transport().read32(one["offset"].get<std::uint64_t>());
    rows.push_back(std::move(row));
  }
  return apps::json_text(rows);
}

void ChipLoop::run(const std::function<bool()>& stop) {
  using std::chrono::duration;
  auto due = Clock::now(), counted_from = due;
  double frames_per_second = 0;
  std::uint64_t counted = 0;
  while (!stop()) {
    Knobs wanted;
    std::deque<std::promise<std::string>> readers;
    bool seen = false, work = false;
    {
      std::unique_lock lock(mutex_);
      const auto wake = [&] {
        return !register_readers_.empty() || (!knobs_.running && (steps_ > 0 || (viewers_ > 0 && stale_)));
      };
      const auto until = std::min(knobs_.running ? due : Clock::now() + std::chrono::milliseconds(100), Clock::now() + std::chrono::milliseconds(100));
      turned_.wait_until(lock, until, wake);
      wanted = knobs_;
      readers.swap(register_readers_);
      seen = viewers_ > 0;
      seen = seen && stale_;
      work = knobs_.running ? Clock::now() >= due : steps_ > 0;
      if (work && !knobs_.running) --steps_;
    }
    for (auto& reader : readers) reader.set_value(read_registers());
    if (!work) {
      if (seen && !wanted.running) publish(frames_per_second);  // that it is paused, or what no one saw so far
      continue;
    }
    try {
      take_job(wanted);
    } catch (const Error& error) {
      if (error.code() == HB_LINK) throw;
      ++faults_;
      note("fault", error.what());
      {
        const std::lock_guard lock(mutex_);
        knobs_ = live_;
        knobs_.running = false;
        stale_ = true;
      }
      begun_ = false;  // everything is loaded again
      continue;
    }
    const auto now = Clock::now();
    if (options_.frames_per_second > 0) {
      due += std::chrono::duration_cast<Clock::duration>(duration<double>(1 / options_.frames_per_second));
      if (due < now - std::chrono::milliseconds(200)) due = now;
    } else {
      due = now;
    }
    ++counted;
    if (now - counted_from >= std::chrono::seconds(1)) {
      frames_per_second = static_cast<double>(counted) / duration<double>(now - counted_from).count();
      counted = 0;
      counted_from = now;
    }
    bool watched = false;
    {
      const std::lock_guard lock(mutex_);
      stale_ = true;
      watched = viewers_ > 0;
    }
    if (watched && Clock::now() - published_ >= std::chrono::microseconds(1000000 / most_frames_per_second)) publish(frames_per_second);
  }
}

void ChipLoop::publish(double frames_per_second) {
  if (const auto now = Clock::now(); now - health_read_ >= std::chrono::milliseconds(500)) {
    read_health();
    health_read_ = now;
  }
  auto frame = std::make_shared<const std::string>(frame_of(frames_per_second));
  published_ = Clock::now();
  {
    const std::lock_guard lock(mutex_);
    newest_ = {newest_.number + 1, std::move(frame)};
    stale_ = false;
  }
  framed_.notify_all();
}

}  // namespace heatbath::monitor
