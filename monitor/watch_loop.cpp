#include "monitor/watch_loop.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/provenance.hpp"
#include "files/register_exports.hpp"
#include "files/utf8.hpp"
#include "heatbath/codes.h"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/program.h"
#include "heatbath/regs.h"
#include "monitor/fault_json.hpp"
#include "monitor/picture_levels.hpp"

namespace heatbath::monitor {
namespace {

using Clock = std::chrono::steady_clock;

/// Registers of every look: those that live.
constexpr std::uint32_t first_register = 0x100, register_bytes = 0x220, all_register_bytes = 0x400;
/// Instructions of a program that are read, and arrays whose meters are.
constexpr std::uint32_t most_instructions = 256, most_metered = 1024;

template <typename Value>
Value at(const std::vector<std::byte>& bytes, std::size_t offset) {
  Value value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::uint32_t value_bytes(Number number) { return number == Number::float32 ? 4 : number == Number::code16 ? 2 : 1; }

float value_of(const std::byte* bytes, const Capabilities& capabilities) {
  switch (capabilities.capture_number) {
    case Number::code8: {
      std::int8_t code = 0;
      std::memcpy(&code, bytes, sizeof code);
      return hb_code_to_value(code, capabilities.range_state, capabilities.capture_bits);
    }
    case Number::code16: {
      std::int16_t code = 0;
      std::memcpy(&code, bytes, sizeof code);
      return hb_code_to_value(code, capabilities.range_state, capabilities.capture_bits);
    }
    default: {
      float value = 0;
      std::memcpy(&value, bytes, sizeof value);
      return value;
    }
  }
}

}  // namespace

WatchLoop::WatchLoop(const std::string& uri, WatchOptions options)
    : view_(nullptr),
      device_([&] {
        auto view = std::make_unique<View>(uri);
        view_ = view.get();
        return view;
      }()),
      options_(std::move(options)),
      registers_(register_bytes) {
  if (!options_.folder.empty()) folder_.emplace(options_.folder);
  const Capabilities& capabilities = device_.capabilities();
  const bool phases = capabilities.cell_kind == CellKind::phase;
  reach_ = phases ? std::numbers::pi : capabilities.states > 1 ? capabilities.states - 1 : 1e-6;
  about_ = apps::json_text({{"watch", true},
                            {"device", apps::describe_device(device_)},
                            {"source", "looking on"},
                            {"cells", capabilities.cells},
                            {"shots", capabilities.lanes},
                            {"kind", name(capabilities.cell_kind)},
                            {"layout", {{"kind", "grid"}, {"columns", 1}, {"rows", 1}, {"cells", {0}}}},
                            {"folder", apps::valid_utf8(options_.folder.string())},
                            {"calibration", "not known to who looks on"},
                            {"version", apps::version_line()}});
}

void WatchLoop::ask(const Request&) { throw Error(HB_UNSUPPORTED, "this page looks on: the device is somebody else's"); }

std::string WatchLoop::program() { throw Error(HB_UNSUPPORTED, "this page looks on: it ran no program that could be repeated"); }

std::string WatchLoop::states() {
  const std::lock_guard lock(mutex_);
  std::string csv = "cell,state\n";
  for (std::size_t cell = 0; cell < states_.size(); ++cell) csv += fmt::format("{},{}\n", cell, numerics::text_of(states_[cell]));
  return csv;
}

std::string WatchLoop::picture(const std::string& name) {
  const std::lock_guard lock(folder_mutex_);
  return folder_ ? folder_->picture(name) : std::string();
}

std::uint32_t WatchLoop::word(std::uint32_t offset) const { return at<std::uint32_t>(registers_, offset - first_register); }

/// `program`: as many instructions as have been read.
WatchLoop::Plan WatchLoop::plan_of(const std::vector<std::byte>& program) const {
  const auto wide = [this](std::uint32_t low, std::uint32_t high) { return word(low) | std::uint64_t{word(high)} << 32; };
  const std::uint64_t memory = device_.capabilities().memory_bytes;
  const auto there = [memory](std::uint64_t offset, std::uint64_t bytes) { return offset <= memory && bytes <= memory - offset; };
  Plan plan;
  plan.program = wide(HB_PROGRAM_ADDR_LO_OFFSET, HB_PROGRAM_ADDR_HI_OFFSET);
  plan.instructions = std::min(word(HB_PROGRAM_COUNT_OFFSET), most_instructions);
  if (!there(plan.program, plan.instructions * sizeof(hb_instruction_t))) plan.instructions = 0;
  plan.lanes = word(HB_SHOTS_OFFSET);
  plan.ring = wide(HB_CAPTURE_BASE_LO_OFFSET, HB_CAPTURE_BASE_HI_OFFSET);
  plan.slots = word(HB_CAPTURE_SLOTS_OFFSET);
  plan.record_bytes = word(HB_CAPTURE_RECORD_BYTES_OFFSET);
  if (plan.record_bytes < sizeof(hb_record_header_t) || !there(plan.ring, std::uint64_t{plan.slots} * plan.record_bytes)) plan.slots = 0;
  for (std::size_t k = 0; (k + 1) * sizeof(hb_instruction_t) <= program.size(); ++k) {
    const auto instruction = at<hb_instruction_t>(program, k * sizeof(hb_instruction_t));
    if (instruction.op == HB_OP_METER_SNAPSHOT && there(instruction.addr, std::uint64_t{plan.lanes} * sizeof(hb_meters_t))) plan.meters = instruction.addr;
  }
  return plan;
}

/// One look at registers, program, record and meters where the plan has them. False when the plan was of another moment:
/// then only registers are new, and so is the plan.
bool WatchLoop::look_by_plan() {
  const Capabilities& capabilities = device_.capabilities();
  const std::uint32_t bytes_of_value = value_bytes(capabilities.capture_number);
  std::vector<View::Range> ranges{{first_register, register_bytes}};
  const std::uint32_t program_bytes = plan_.instructions * static_cast<std::uint32_t>(sizeof(hb_instruction_t));
  if (program_bytes > 0) ranges.push_back({HB_MEMORY_BASE + plan_.program, program_bytes});
  const bool records = plan_.slots > 0 && head_ > 0;
  std::uint32_t record_bytes = 0;
  if (records) {
    record_bytes = std::min(plan_.record_bytes, static_cast<std::uint32_t>(sizeof(hb_record_header_t)) + most_cells * bytes_of_value);
    ranges.push_back({HB_MEMORY_BASE + plan_.ring + std::uint64_t{(head_ - 1) % plan_.slots} * plan_.record_bytes, record_bytes});
  }
  const std::uint32_t metered = plan_.meters ? std::min(plan_.lanes, most_metered) : 0;
  if (metered > 0) ranges.push_back({HB_MEMORY_BASE + *plan_.meters, metered * static_cast<std::uint32_t>(sizeof(hb_meters_t))});

  const View::Moment moment = view_->look(ranges);
  std::copy_n(moment.bytes.begin(), register_bytes, registers_.begin());
  if (moment.session != session_) {
    session_ = moment.session;
    meters_.reset();
    const std::lock_guard lock(mutex_);
    states_.clear();
  }
  ticks_ = moment.ticks.value_or(ticks_);
  auto next = moment.bytes.begin() + register_bytes;
  const std::vector<std::byte> program(next, next + program_bytes);
  next += program_bytes;
  const Plan plan = plan_of(program);
  const std::uint32_t head = word(HB_CAPTURE_HEAD_OFFSET);
  const bool as_planned = plan == plan_ && (head > 0) == records && (head == 0 || head_ <= head);
  plan_ = plan;
  head_ = head;
  if (!as_planned) return false;
  if (records) {
    const std::vector<std::byte> record(next, next + record_bytes);
    next += record_bytes;
    const auto header = at<hb_record_header_t>(record, 0);
    const std::size_t cells = std::min<std::size_t>({header.cells, (record.size() - sizeof header) / bytes_of_value, most_cells});
    if (header.lanes == plan_.lanes && header.first == 0) {
      const std::lock_guard lock(mutex_);
      states_.resize(cells);
      for (std::size_t cell = 0; cell < cells; ++cell)
        states_[cell] = value_of(record.data() + sizeof header + cell * bytes_of_value, capabilities);
    }
  }
  if (metered > 0) {
    const std::vector<std::byte> all(next, next + metered * static_cast<std::ptrdiff_t>(sizeof(hb_meters_t)));
    hb_meters_t mean{};
    for (std::uint32_t lane = 0; lane < metered; ++lane) {
      const auto one = at<hb_meters_t>(all, lane * sizeof(hb_meters_t));
      mean.energy += one.energy / metered;
      mean.work += one.work / metered;
      mean.heat += one.heat / metered;
      mean.ticks = one.ticks;
    }
    if (mean.ticks > 0) meters_ = mean;
  }
  return true;
}

void WatchLoop::look() {
  constexpr int most_tries = 3;  // registers, then the program they name, then what that names
  for (int tries = 0; tries < most_tries && !look_by_plan(); ++tries) {
  }
}

void WatchLoop::note_changes() {
  const double time = device_.time_units(Ticks{ticks_});
  if (session_ != said_.session) {
    if (said_.session != 0) note_event(time, "session", fmt::format("{} ended", said_.session));
    if (session_ != 0) note_event(time, "session", fmt::format("{} began", session_));
    said_ = {.session = session_, .ticks = ticks_};
    moved_ = {};
  } else if (ticks_ != said_.ticks) {
    said_.ticks = ticks_;
    moved_ = Clock::now();
  }
  const std::uint32_t pending = word(HB_INTR_STATE_OFFSET);
  interrupts_.note(pending & ~said_.pending, ticks_);
  said_.pending = pending;
  const std::uint32_t fault = word(HB_FAULT_CODE_OFFSET);
  if (fault != said_.fault && fault != HB_OK)
    note_event(time, "fault", fmt::format("{} at instruction {}", hb_status_name(static_cast<hb_status_t>(fault)), word(HB_FAULT_PC_OFFSET)));
  said_.fault = fault;
  const bool clipped = word(HB_CLIP_COUNT_OFFSET) != 0, railed = word(HB_RAIL_COUNT_OFFSET) != 0;
  if (clipped && !said_.clipped) note_event(time, "clip", "parameters beyond their range");
  if (railed && !said_.railed) note_event(time, "rail", "cells were held at a rail");
  said_.clipped = clipped;
  said_.railed = railed;
}

std::string WatchLoop::frame_of() {
  const Capabilities& capabilities = device_.capabilities();
  const auto number = [](double value, int digits = 6) { return std::isfinite(value) ? numerics::general(value, digits) : std::string("null"); };
  std::string map, layout = "null";
  std::uint64_t frame_number = 0;
  {
    const std::lock_guard lock(mutex_);
    frame_number = newest_.number + 1;
    if (!states_.empty()) {
      const bool labels = capabilities.states > 1;
      if (!labels && capabilities.cell_kind != CellKind::phase) {
        double most = 0;
        for (const float x : states_) most = std::max<double>(most, std::fabs(x));
        reach_ = std::max(most, 0.98 * reach_);
      }
      for (const float x : states_) map += level_of(labels ? x / reach_ : (x + reach_) / (2 * reach_));
      constexpr std::size_t side = 28;
      const std::size_t cells = states_.size();
      const bool image = cells >= side * side && cells <= 2 * side * side;
      const auto across = image ? side : static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(cells))));
      layout = fmt::format(R"({{"kind":"{}","columns":{},"rows":{}}})", image ? "image" : "grid", across, (cells + across - 1) / across);
    }
  }
  const std::string meters = meters_ ? fmt::format(R"({{"energy":{},"work":{},"heat":{},"joules":{},"closure":null}})", number(meters_->energy),
                                                   number(meters_->work), number(meters_->heat),
                                                   number(meters_->heat * capabilities.energy_unit_joules))
                                     : "null";
  std::string events;
  {
    const std::lock_guard lock(mutex_);
    events = events_.json();
  }
  constexpr std::chrono::seconds between_jobs{3};  // a trainer thinks between its jobs
  const bool at_work = session_ != 0 && Clock::now() - moved_ < between_jobs;
  const std::string health = fmt::format(
      R"({{"status":{},"fault":{},"fault_pc":{},"die":{},"clips":{},"rails":{},"jobs":null,"failed":null,"interrupts":{},"enabled":{},"shots":{},"records":{}}})",
      word(HB_STATUS_OFFSET), fault_json(word(HB_FAULT_CODE_OFFSET)), word(HB_FAULT_PC_OFFSET), word(HB_DIE_TEMPERATURE_OFFSET), word(HB_CLIP_COUNT_OFFSET),
      word(HB_RAIL_COUNT_OFFSET), word(HB_INTR_STATE_OFFSET), word(HB_INTR_ENABLE_OFFSET), word(HB_SHOTS_OFFSET), word(HB_CAPTURE_HEAD_OFFSET));
  return fmt::format(
      R"({{"number":{},"time":{},"running":{},"fps":{},"session":{},"at_work":{},"reach":{},"map":"{}","layout":{},"meters":{},"health":{},"training":{},"interrupts":{},"events":{}}})",
      frame_number, number(device_.time_units(Ticks{ticks_}), 9), word(HB_STATUS_OFFSET) & HB_STATUS_RUNNING_MASK, number(frames_per_second_, 3), session_,
      at_work, number(reach_), map, layout, meters, health, training_, interrupts_.json(device_.time_units(Ticks{1})), events);
}

std::string WatchLoop::read_registers() {
  const View::Range all{0, all_register_bytes};
  const View::Moment moment = view_->look(std::span(&all, 1));
  nlohmann::json rows = nlohmann::json::parse(apps::register_export("json"))["registers"];
  for (nlohmann::json& row : rows) row["value"] = at<std::uint32_t>(moment.bytes, row["offset"].get<std::size_t>());
  return apps::json_text(rows);
}

void WatchLoop::run(const std::function<bool()>& stop) {
  using std::chrono::duration;
  const double rate = options_.looks_per_second > 0 ? std::min<double>(options_.looks_per_second, most_frames_per_second) : most_frames_per_second;
  const auto period = std::chrono::duration_cast<Clock::duration>(duration<double>(1 / rate));
  constexpr std::chrono::milliseconds training_period{500}, doze{100};
  constexpr std::chrono::seconds sign_of_life{10};  // a viewer that looks at nothing is sent away
  auto due = Clock::now(), training_due = due, counted_from = due, last_look = Clock::time_point{};
  std::uint64_t counted = 0;
  while (!stop()) {
    std::deque<std::promise<std::string>> readers;
    bool watched = false;
    {
      std::unique_lock lock(mutex_);
      const auto now = Clock::now();
      turned_.wait_until(lock, viewers_ > 0 ? std::clamp(due, now, now + doze) : now + doze,
                         [&] { return !register_readers_.empty() || (viewers_ > 0 && Clock::now() >= due); });
      watched = viewers_ > 0;
      readers.swap(register_readers_);
    }
    for (auto& reader : readers) reader.set_value(read_registers());
    const auto now = Clock::now();
    if (!watched) {
      if (now - last_look < sign_of_life) continue;
      view_->look({});
      last_look = now;
      continue;
    }
    if (now < due) continue;
    due = std::max(due + period, now);
    look();
    note_changes();
    last_look = now;
    if (folder_ && now >= training_due) {
      const std::lock_guard lock(folder_mutex_);
      training_ = folder_->json();
      for (const std::string& news : folder_->news()) note_event(device_.time_units(Ticks{ticks_}), "training", news);
      training_due = now + training_period;
    }
    ++counted;
    if (now - counted_from >= std::chrono::seconds(1)) {
      frames_per_second_ = static_cast<double>(counted) / duration<double>(now - counted_from).count();
      counted = 0;
      counted_from = now;
    }
    auto frame = std::make_shared<const std::string>(frame_of());
    {
      const std::lock_guard lock(mutex_);
      newest_ = {newest_.number + 1, std::move(frame)};
    }
    framed_.notify_all();
  }
}

}  // namespace heatbath::monitor
