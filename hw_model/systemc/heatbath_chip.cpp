#include "hw_model/systemc/heatbath_chip.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "heatbath/regs.h"
#include "heatbath/topology.h"
#include "hw_model/device/chip.hpp"
#include "hw_model/device/register_file.hpp"

// libsystemc.so calls sc_main. Most hosts have a main of their own and no sc_main: this reference keeps the stand-in
// of sc_main.cpp linked wherever the chip is.
extern "C" int sc_main(int count, char* arguments[]);

namespace heatbath::systemc {
namespace {

[[gnu::used]] int (*const entry)(int, char**) = &sc_main;

using sc_core::sc_time;
using sc_core::sc_time_stamp;

model::ChipOptions options_of(const ChipConfig& config) {
  model::ChipOptions options;
  options.cells = config.cells;
  options.lanes = config.lanes;
  options.seed = config.seed;
  options.threads = config.threads;
  options.timed = config.timing == Timing::approximate;
  return options;
}

/// Length of a tick, a whole number of SystemC's time resolution.
sc_time tick_of(const model::Profile& profile) {
  const double units = profile.tick_ps * (sc_time(1, sc_core::SC_SEC) / sc_core::sc_get_time_resolution()) * 1e-12;
  const auto whole = static_cast<sc_time::value_type>(std::llround(units));
  if (whole == 0 || std::abs(units - static_cast<double>(whole)) > 1e-6)
    throw std::invalid_argument("a tick of profile '" + profile.name + "' is " + std::to_string(profile.tick_ps) +
                                " ps: no whole number of the SystemC time resolution, " +
                                sc_core::sc_get_time_resolution().to_string() + "; set that to 1 ps");
  return sc_time::from_value(whole);
}

/// From the present simulated time to `at`; zero when that has passed.
sc_time until(const sc_time& at) { return at > sc_time_stamp() ? at - sc_time_stamp() : sc_core::SC_ZERO_TIME; }

template <class Port>
bool bound(const Port& port) {
  return port.size() > 0;
}

}  // namespace

/// Bursts of the model as transactions of the initiator socket.
struct HeatbathChip::DmaPort : model::HostPort {
  explicit DmaPort(HeatbathChip& of) : chip(of) {}

  Answer read(std::uint64_t address, std::span<std::byte> data) override {
    return transport(tlm::TLM_READ_COMMAND, address, data.data(), data.size());
  }
  Answer write(std::uint64_t address, std::span<const std::byte> data) override {
    // A write command does not change the data it carries.
    return transport(tlm::TLM_WRITE_COMMAND, address, const_cast<std::byte*>(data.data()), data.size());
  }

  Answer transport(tlm::tlm_command command, std::uint64_t address, void* data, std::size_t bytes) {
    if (chip.dma_socket->size() == 0) return {};
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(static_cast<unsigned char*>(data));
    payload.set_data_length(static_cast<unsigned>(bytes));
    payload.set_streaming_width(static_cast<unsigned>(bytes));
    payload.set_byte_enable_ptr(nullptr);
    payload.set_dmi_allowed(false);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    const sc_time before = until(chip.time_of(chip.chip_->now()));
    sc_time delay = before;
    chip.bursting_ = true;
    (*chip.dma_socket)->b_transport(payload, delay);
    chip.bursting_ = false;
    const sc_time late = delay > before ? delay - before : sc_core::SC_ZERO_TIME;
    return {payload.is_response_ok(), (late.value() + chip.tick_.value() - 1) / chip.tick_.value()};
  }

  HeatbathChip& chip;
  tlm::tlm_generic_payload payload;
};

HeatbathChip::HeatbathChip(const sc_core::sc_module_name& name, const ChipConfig& config)
    : sc_module(name),
      socket("socket"),
      irq("irq"),
      trigger_out("trigger_out"),
      sample_clock("sample_clock"),
      trigger_in("trigger_in"),
      reset_n("reset_n"),
      power_good("power_good"),
      config_(config),
      chip_(std::make_unique<model::Chip>(model::load_profile(config.profile, config.choices), options_of(config))),
      tick_(tick_of(chip_->profile())),
      ticks_max_(sc_core::sc_max_time().value() / tick_.value()),
      epoch_(sc_core::SC_ZERO_TIME) {
  register_file = std::make_unique<RegisterFileBlock>("register_file", *chip_);
  sequencer = std::make_unique<SequencerBlock>("sequencer", *chip_);
  dac_bank = std::make_unique<DacBankBlock>("dac_bank", *chip_);
  coupling_fabric = std::make_unique<CouplingFabricBlock>("coupling_fabric", *chip_);
  array = std::make_unique<CellArrayBlock>("array", *chip_, chip_->cells());
  noise = std::make_unique<NoiseBlock>("noise", *chip_);
  adc_bank = std::make_unique<AdcBankBlock>("adc_bank", *chip_);
  meters = std::make_unique<MetersBlock>("meters", *chip_);

  socket.register_b_transport(this, &HeatbathChip::b_transport);
  socket.register_nb_transport_fw(this, &HeatbathChip::nb_transport_fw);
  socket.register_get_direct_mem_ptr(this, &HeatbathChip::get_direct_mem_ptr);
  socket.register_transport_dbg(this, &HeatbathChip::transport_dbg);

  if (chip_->profile().dma) {
    dma_socket = std::make_unique<DmaSocket>("dma_socket");
    dma_port_ = std::make_unique<DmaPort>(*this);
    chip_->attach(dma_port_.get());
  }

  SC_METHOD(wake_process);
  sensitive << wake_;
  dont_initialize();
  SC_METHOD(pins_process);
  sensitive << pins_due_;
  dont_initialize();
  SC_METHOD(bus_process);
  sensitive << bus_;
  dont_initialize();
}

HeatbathChip::~HeatbathChip() = default;

std::uint64_t HeatbathChip::ticks() const { return chip_->now(); }
std::size_t HeatbathChip::topology_bytes() const { return chip_->topology_bytes(); }

// -- time -------------------------------------------------------------------------------------------------------------

sc_time HeatbathChip::span(std::uint64_t ticks) const {
  return ticks < ticks_max_ ? sc_time::from_value(ticks * tick_.value()) : sc_core::sc_max_time();
}

sc_time HeatbathChip::time_of(std::uint64_t ticks) const {
  const sc_time passed = span(ticks);
  return passed < sc_core::sc_max_time() - epoch_ ? epoch_ + passed : sc_core::sc_max_time();
}

std::uint64_t HeatbathChip::ticks_at(const sc_time& at) const {
  return at > epoch_ ? (at - epoch_).value() / tick_.value() : 0;
}

void HeatbathChip::restart_time(const sc_time& at) {
  epoch_ = at;
  planned_ = model::Chip::never;
  wake_.cancel();
}

/// Lets the model reach simulated time `at`; nothing where it is there.
void HeatbathChip::advance_to(const sc_time& at) {
  const std::uint64_t ticks = ticks_at(at);
  stopped_ = false;
  if (active() && ticks > chip_->now()) advance_ticks(ticks);
}

/// Lets the model complete the instants up to `until`, and plans the rise of irq at the instant of its cause.
void HeatbathChip::advance_ticks(std::uint64_t until) {
  stopped_ = false;
  if (!chip_->interrupt()) {
    stopped_ = !chip_->advance_to(until, true);
    update_irq();
  }
  if (chip_->interrupt()) stopped_ = !chip_->advance_to(until);
}

void HeatbathChip::reset() {
  advance_to(sc_time_stamp());
  chip_->reset();
  restart_time(sc_time_stamp());
  update_irq();
  plan();
}

std::vector<std::byte> HeatbathChip::save() {
  advance_to(sc_time_stamp());
  return chip_->save();
}

void HeatbathChip::restore(std::span<const std::byte> saved,
                           const std::function<void(const sc_core::sc_time& at)>& wait) {
  advance_to(sc_time_stamp());
  try {
    chip_->restore(saved);
  } catch (const std::invalid_argument&) {
    if (chip_->now() == 0) restart_time(sc_time_stamp());
    update_irq();
    plan();
    throw;
  }
  const std::uint64_t now = chip_->now();
  const bool was_in_reset = std::exchange(in_reset_, true);  // the model stands still meanwhile
  restart_time(sc_core::SC_ZERO_TIME);
  try {
    wait(span(now));
  } catch (...) {
    in_reset_ = was_in_reset;
    chip_->power_on();
    restart_time(sc_time_stamp());
    throw;
  }
  in_reset_ = was_in_reset;
  restart_time(sc_time_stamp() - span(now));
  update_irq();
  plan();
}

void HeatbathChip::synchronize() {
  lockstep_ = true;
  advance_to(sc_time_stamp());
  plan();
}

void HeatbathChip::run_ahead(const sc_time& until) {
  if (lockstep_ || config_.quantum_ticks > 0 || !active()) return;
  ahead_ = until;
  wake_.cancel();
  wake_.notify(sc_core::SC_ZERO_TIME);
  planned_ = chip_->now();
}

/// Schedules the next wake-up of the model, for the case that no access comes before.
void HeatbathChip::plan() {
  std::uint64_t due = model::Chip::never;
  if (active() && !stopped_) {
    if (marks_wired_) {
      due = chip_->next_event();
    } else if (irq_wired_ && !irq_level_) {
      due = chip_->next_interrupt();
    }
    due = std::min(due, chip_->next_burst());  // masters see host memory change
    if (config_.quantum_ticks > 0 && chip_->sequencer().running())
      due = std::min(due, chip_->now() + std::min(config_.quantum_ticks, model::Chip::never - chip_->now()));
  }
  if (due == planned_) return;
  planned_ = due;
  wake_.cancel();
  if (due == model::Chip::never) return;
  const sc_time at = time_of(due);
  if (at < sc_core::sc_max_time()) wake_.notify(until(at));
}

void HeatbathChip::wake_process() {
  planned_ = model::Chip::never;
  if (!active()) return;
  if (ahead_) {
    const std::uint64_t limit = std::max(ticks_at(*ahead_), chip_->now());
    ahead_.reset();
    stopped_ = !chip_->advance_to(limit, true);
    update_irq();
  } else {
    advance_ticks(std::max(ticks_at(sc_time_stamp()), chip_->now()));
  }
  plan();
}

// -- bus --------------------------------------------------------------------------------------------------------------

std::uint64_t HeatbathChip::request_ticks() const {
  return config_.timing == Timing::approximate ? chip_->profile().bus_request_ticks : 0;
}

std::uint64_t HeatbathChip::access_ticks(const tlm::tlm_generic_payload& access) const {
  const bool is_register = access.get_address() < HB_MEMORY_BASE && !in_topology(access);
  if (config_.timing == Timing::loose) return is_register ? 1 : 0;
  const model::Profile& profile = chip_->profile();
  const std::uint64_t both = std::uint64_t{profile.bus_request_ticks} + profile.bus_response_ticks;
  if (is_register) return std::max<std::uint64_t>(both, 1);
  const std::uint64_t rate = profile.bus_bytes_per_tick;
  return both + (rate == 0 ? 0 : (access.get_data_length() + rate - 1) / rate);
}

void HeatbathChip::b_transport(tlm::tlm_generic_payload& access, sc_time& delay) {
  delay += span(access_ticks(access));
  perform(access, sc_time_stamp() + delay);
}

void HeatbathChip::refuse(tlm::tlm_generic_payload& access, tlm::tlm_response_status response) {
  chip_->count_access_error();
  access.set_response_status(response);
}

/// The access itself, at simulated time `at` or, where the model is past it, at the model's time.
void HeatbathChip::perform(tlm::tlm_generic_payload& access, const sc_time& at) {
  access.set_dmi_allowed(false);
  if (!powered_ || bursting_) {
    access.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
    return;
  }
  if (in_reset_) {  // the bus answers, nothing listens
    if (access.is_read()) std::memset(access.get_data_ptr(), 0, access.get_data_length());
    access.set_response_status(tlm::TLM_OK_RESPONSE);
    return;
  }
  ahead_.reset();
  advance_to(at);
  if (!access.is_read() && !access.is_write()) {
    refuse(access, tlm::TLM_COMMAND_ERROR_RESPONSE);
  } else if (access.get_byte_enable_ptr() != nullptr) {
    refuse(access, tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
  } else if (access.get_data_length() == 0 || access.get_streaming_width() < access.get_data_length()) {
    refuse(access, tlm::TLM_BURST_ERROR_RESPONSE);
  } else if (in_topology(access)) {
    access_topology(access);
  } else if (access.get_address() < HB_MEMORY_BASE) {
    access_register(access, at);
  } else {
    access_memory(access);
  }
  plan();
}

void HeatbathChip::access_register(tlm::tlm_generic_payload& access, const sc_time& at) {
  const auto offset = static_cast<std::uint32_t>(access.get_address());
  const model::Access rule = model::access_of(offset);
  if (rule == model::Access::unmapped) return refuse(access, tlm::TLM_ADDRESS_ERROR_RESPONSE);
  if (access.get_data_length() != 4) return refuse(access, tlm::TLM_BURST_ERROR_RESPONSE);
  if (access.is_write() && rule == model::Access::ro) return refuse(access, tlm::TLM_COMMAND_ERROR_RESPONSE);
  access.set_response_status(tlm::TLM_OK_RESPONSE);
  std::uint32_t value = 0;
  if (access.is_read()) {
    value = chip_->read32(offset);
    std::memcpy(access.get_data_ptr(), &value, sizeof value);
    return;
  }
  std::memcpy(&value, access.get_data_ptr(), sizeof value);
  const std::uint64_t before = chip_->now();
  const sc_time acts = std::max(at, time_of(before));
  chip_->write32(offset, value);
  if (chip_->now() < before) restart_time(acts);  // it was a RESET
  update_irq();
}

bool HeatbathChip::in_topology(const tlm::tlm_generic_payload& access) const {
  const std::uint64_t list = hb_topology_address(topology_bytes());
  return access.get_address() >= list && access.get_address() - list < topology_bytes();
}

void HeatbathChip::access_topology(tlm::tlm_generic_payload& access) {
  const std::uint64_t offset = access.get_address() - hb_topology_address(topology_bytes());
  if (access.get_data_length() > topology_bytes() - offset) return refuse(access, tlm::TLM_ADDRESS_ERROR_RESPONSE);
  if (access.is_write()) return refuse(access, tlm::TLM_COMMAND_ERROR_RESPONSE);
  chip_->read_topology(offset, std::as_writable_bytes(std::span(access.get_data_ptr(), access.get_data_length())));
  access.set_response_status(tlm::TLM_OK_RESPONSE);
}

void HeatbathChip::access_memory(tlm::tlm_generic_payload& access) {
  const std::span<std::byte> memory = chip_->memory();
  const std::uint64_t offset = access.get_address() - HB_MEMORY_BASE;
  const std::size_t bytes = access.get_data_length();
  if (offset > memory.size() || bytes > memory.size() - offset) return refuse(access, tlm::TLM_ADDRESS_ERROR_RESPONSE);
  if (access.is_read()) {
    std::memcpy(access.get_data_ptr(), memory.data() + offset, bytes);
  } else {
    std::memcpy(memory.data() + offset, access.get_data_ptr(), bytes);
  }
  access.set_dmi_allowed(config_.timing == Timing::loose);
  access.set_response_status(tlm::TLM_OK_RESPONSE);
}

bool HeatbathChip::get_direct_mem_ptr(tlm::tlm_generic_payload& access, tlm::tlm_dmi& dmi) {
  const std::span<std::byte> memory = chip_->memory();
  const std::uint64_t address = access.get_address();
  dmi.init();
  if (address < HB_MEMORY_BASE) {
    dmi.set_end_address(HB_MEMORY_BASE - 1);
  } else {
    dmi.set_start_address(HB_MEMORY_BASE);
    dmi.set_end_address(HB_MEMORY_BASE + memory.size() - 1);
  }
  if (config_.timing != Timing::loose || !powered_ || address < HB_MEMORY_BASE ||
      address - HB_MEMORY_BASE >= memory.size()) {
    dmi.allow_none();
    return false;
  }
  dmi.set_dmi_ptr(reinterpret_cast<unsigned char*>(memory.data()));
  dmi.set_read_latency(sc_core::SC_ZERO_TIME);
  dmi.set_write_latency(sc_core::SC_ZERO_TIME);
  dmi.allow_read_write();
  return true;
}

unsigned HeatbathChip::transport_dbg(tlm::tlm_generic_payload& access) {
  const std::uint64_t address = access.get_address();
  unsigned char* const data = access.get_data_ptr();
  const unsigned bytes = access.get_data_length();
  if (!powered_ || (!access.is_read() && !access.is_write())) return 0;
  if (in_topology(access)) {
    const std::uint64_t offset = address - hb_topology_address(topology_bytes());
    const auto count = static_cast<unsigned>(std::min<std::uint64_t>(bytes, topology_bytes() - offset));
    if (!access.is_read()) return 0;
    chip_->read_topology(offset, std::as_writable_bytes(std::span(data, count)));
    return count;
  }
  if (address < HB_MEMORY_BASE) {
    unsigned done = 0;
    for (; access.is_read() && done + 4 <= bytes; done += 4) {
      const auto offset = static_cast<std::uint32_t>(address + done);
      if (model::access_of(offset) == model::Access::unmapped) break;
      const std::uint32_t value = chip_->peek32(offset);
      std::memcpy(data + done, &value, sizeof value);
    }
    return done;
  }
  const std::span<std::byte> memory = chip_->memory();
  const std::uint64_t offset = address - HB_MEMORY_BASE;
  if (offset >= memory.size()) return 0;
  const auto count = static_cast<unsigned>(std::min<std::uint64_t>(bytes, memory.size() - offset));
  if (access.is_read()) {
    std::memcpy(data, memory.data() + offset, count);
  } else {
    std::memcpy(memory.data() + offset, data, count);
  }
  return count;
}

// Four phases: BEGIN_REQ arrives; END_REQ after the request time; the access acts and BEGIN_RESP is sent after the
// rest; END_RESP ends it.

tlm::tlm_sync_enum HeatbathChip::nb_transport_fw(tlm::tlm_generic_payload& access, tlm::tlm_phase& phase,
                                                 sc_time& delay) {
  if (phase == tlm::BEGIN_REQ) {
    if (access.has_mm()) access.acquire();
    arrivals_.push_back({&access, sc_time_stamp() + delay});
    if (bus_phase_ == BusPhase::idle) begin_transaction();
  } else if (phase == tlm::END_RESP && bus_phase_ == BusPhase::acknowledge) {
    bus_.notify(delay);
  }
  return tlm::TLM_ACCEPTED;
}

void HeatbathChip::begin_transaction() {
  bus_phase_ = BusPhase::request;
  bus_.notify(until(arrivals_.front().at) + span(request_ticks()));
}

void HeatbathChip::bus_process() {
  tlm::tlm_generic_payload& access = *arrivals_.front().access;
  sc_time delay = sc_core::SC_ZERO_TIME;
  switch (bus_phase_) {
    case BusPhase::request: {
      bus_phase_ = BusPhase::response;
      bus_.notify(span(access_ticks(access) - request_ticks()));
      tlm::tlm_phase phase = tlm::END_REQ;
      socket->nb_transport_bw(access, phase, delay);
      break;
    }
    case BusPhase::response: {
      perform(access, sc_time_stamp());
      bus_phase_ = BusPhase::acknowledge;
      tlm::tlm_phase phase = tlm::BEGIN_RESP;
      const tlm::tlm_sync_enum answer = socket->nb_transport_bw(access, phase, delay);
      if (answer == tlm::TLM_COMPLETED || (answer == tlm::TLM_UPDATED && phase == tlm::END_RESP)) bus_.notify(delay);
      break;
    }
    case BusPhase::acknowledge: end_of_transaction(); break;
    case BusPhase::idle: break;
  }
}

void HeatbathChip::end_of_transaction() {
  tlm::tlm_generic_payload& access = *arrivals_.front().access;
  arrivals_.pop_front();
  if (access.has_mm()) access.release();
  bus_phase_ = BusPhase::idle;
  if (!arrivals_.empty()) begin_transaction();
}

// -- pins -------------------------------------------------------------------------------------------------------------

void HeatbathChip::end_of_elaboration() {
  const auto watch = [this](PinIn& pin, void (HeatbathChip::*process)(), const char* name) {
    if (!bound(pin)) return;
    lockstep_ = true;
    sc_core::sc_spawn_options options;
    options.spawn_method();
    options.dont_initialize();
    options.set_sensitivity(&pin->value_changed_event());
    sc_core::sc_spawn([this, process] { (this->*process)(); }, name, &options);
  };
  watch(reset_n, &HeatbathChip::reset_process, "reset_process");
  watch(power_good, &HeatbathChip::power_process, "power_process");
  watch(trigger_in, &HeatbathChip::trigger_process, "trigger_process");
  irq_wired_ = bound(irq);
  marks_wired_ = bound(trigger_out) || bound(sample_clock);
  if (!marks_wired_) return;
  chip_->observe([this](model::Mark mark, std::uint64_t ticks) {
    const Pin pin = mark == model::Mark::record ? Pin::sample_clock : Pin::trigger_out;
    change_pin(time_of(ticks), pin, true);
    change_pin(time_of(ticks + 1), pin, false);
  });
}

void HeatbathChip::start_of_simulation() {
  powered_ = !bound(power_good) || power_good->read();
  in_reset_ = bound(reset_n) && !reset_n->read();
  plan();
}

PinOut& HeatbathChip::port(Pin pin) {
  return pin == Pin::irq ? irq : pin == Pin::trigger_out ? trigger_out : sample_clock;
}

void HeatbathChip::change_pin(const sc_time& at, Pin pin, bool level) {
  if (!bound(port(pin))) return;
  const auto later = std::upper_bound(pin_changes_.begin(), pin_changes_.end(), at,
                                      [](const sc_time& time, const PinChange& change) { return time < change.at; });
  pin_changes_.insert(later, {at, pin, level});
  pins_due_.notify(until(pin_changes_.front().at));
}

void HeatbathChip::pins_process() {
  while (!pin_changes_.empty() && pin_changes_.front().at <= sc_time_stamp()) {
    const PinChange change = pin_changes_.front();
    pin_changes_.pop_front();
    port(change.pin)->write(change.level);
  }
  if (!pin_changes_.empty()) pins_due_.notify(until(pin_changes_.front().at));
}

void HeatbathChip::update_irq() {
  const bool level = active() && chip_->interrupt();
  if (level == irq_level_) return;
  irq_level_ = level;
  change_pin(active() ? time_of(chip_->now()) : sc_time_stamp(), Pin::irq, level);
}

void HeatbathChip::reset_process() {
  const bool low = !reset_n->read();
  if (low == in_reset_) return;
  if (low) {
    advance_to(sc_time_stamp());
    if (powered_) chip_->reset();
  }
  in_reset_ = low;
  restart_time(sc_time_stamp());
  update_irq();
  plan();
}

void HeatbathChip::power_process() {
  const bool good = power_good->read();
  if (good == powered_) return;
  powered_ = good;
  if (good) {
    chip_->power_on();
    restart_time(sc_time_stamp());
  } else {
    socket->invalidate_direct_mem_ptr(HB_MEMORY_BASE, HB_MEMORY_BASE + chip_->memory().size() - 1);
  }
  update_irq();
  plan();
}

void HeatbathChip::trigger_process() {
  if (!trigger_in->read() || !active()) return;
  advance_to(sc_time_stamp());
  chip_->trigger();
  update_irq();
  plan();
}

}  // namespace heatbath::systemc
