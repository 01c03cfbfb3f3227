#include "hw_model/systemc/host_bus.hpp"

#include <algorithm>
#include <stdexcept>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include "heatbath/regs.h"
#include "hw_model/device/host_memory.hpp"
#include "hw_model/systemc/heatbath_chip.hpp"

namespace heatbath::systemc {
namespace {

using sc_core::sc_time;

constexpr std::uint64_t quantum_accesses = 1000;
constexpr unsigned longest_burst = 1u << 20;  // bytes of one transaction
/// Ticks at the end of simulated time that waits leave to accesses.
constexpr std::uint64_t reserve_ticks = std::uint64_t{1} << 24;

ChipConfig config_of(const HostChip& chip) {
  ChipConfig config;
  config.profile = chip.profile;
  config.cells = chip.cells;
  config.lanes = chip.lanes;
  config.seed = chip.seed;
  config.threads = chip.threads;
  config.timing = chip.approximate ? Timing::approximate : Timing::loose;
  config.choices = chip.choices;
  return config;
}

std::string chosen(const HostChip& chip) {
  std::string list;
  for (const auto& [name, value] : chip.choices) list.append(", ").append(name).append(" ").append(value);
  return list;
}

/// Payloads whose life the two sides of a bus count; there is one, used again and again.
class OnePayload : public tlm::tlm_mm_interface {
 public:
  OnePayload() : payload_(this) { payload_.acquire(); }
  tlm::tlm_generic_payload& operator*() { return payload_; }
  void free(tlm::tlm_generic_payload*) override {}

 private:
  tlm::tlm_generic_payload payload_;
};

/// The top of the simulation: the chip, its reset and interrupt lines, and the bus master.
class Board : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Board);
  Board(const sc_core::sc_module_name& name, const HostChip& host)
      : sc_module(name), chip_config(host), chip("chip", config_of(host)), socket_("socket"), irq_("irq_line") {
    socket_.register_nb_transport_bw(this, &Board::nb_transport_bw);
    socket_.bind(chip.socket);
    chip.irq(irq_);
    if (chip.dma_socket) {
      host_socket_ = std::make_unique<HostSocket>("host_socket");
      host_socket_->register_b_transport(this, &Board::serve_dma);
      chip.dma_socket->bind(*host_socket_);
    }
    quantum_ = sc_time::from_value(quantum_accesses * chip.tick().value());
    SC_METHOD(request);
    sensitive << request_;
    dont_initialize();
    SC_METHOD(stop);
    sensitive << irq_.posedge_event() << alarm_;
    dont_initialize();
  }

  /// One access of the bus, with its time.
  void access(tlm::tlm_command command, std::uint64_t address, void* data, unsigned bytes) {
    tlm::tlm_generic_payload& payload = *payload_;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(static_cast<unsigned char*>(data));
    payload.set_data_length(bytes);
    payload.set_streaming_width(bytes);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    if (!chip_config.approximate) {
      if (local_ >= quantum_) synchronize();
      socket_->b_transport(payload, local_);
    } else {
      expect_left(chip.access_ticks(payload));
      answered_ = false;
      request_.notify(sc_core::SC_ZERO_TIME);
      while (!answered_) sc_core::sc_start();
    }
    // A wrong register access has its effect in ERR_ACCESS, as on every link.
  }

  /// A word as a debugger reads it: no phases, no time.
  std::uint32_t peek(std::uint64_t address) {
    std::uint32_t value = 0;
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_READ_COMMAND);
    payload.set_address(address);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
    payload.set_data_length(sizeof value);
    payload.set_streaming_width(sizeof value);
    socket_->transport_dbg(payload);
    return value;
  }

  /// Lets simulated time reach the master's local time.
  void synchronize() {
    expect_left(2 * quantum_accesses);
    const sc_time ahead = local_;
    local_ = sc_core::SC_ZERO_TIME;
    run(ahead);
  }

  void reset() {
    synchronize();
    chip.reset();
    run(sc_core::SC_ZERO_TIME);
  }

  std::vector<std::byte> save() {
    synchronize();
    return chip.save();
  }

  void restore(std::span<const std::byte> saved) {
    synchronize();
    chip.restore(saved, [this](const sc_time& at) {
      const sc_time more = at > sc_core::sc_time_stamp() ? at - sc_core::sc_time_stamp() : sc_core::SC_ZERO_TIME;
      expect_left(more.value() / chip.tick().value() + 2 * quantum_accesses);
      if (more > sc_core::SC_ZERO_TIME) run(more);
    });
    run(sc_core::SC_ZERO_TIME);
  }

  /// Device memory as DMI grants it; empty where it does not.
  std::span<std::byte> memory() {
    tlm::tlm_generic_payload& payload = *payload_;
    payload.set_command(tlm::TLM_READ_COMMAND);
    payload.set_address(HB_MEMORY_BASE);
    tlm::tlm_dmi dmi;
    if (!socket_->get_direct_mem_ptr(payload, dmi)) return {};
    return {reinterpret_cast<std::byte*>(dmi.get_dmi_ptr()), dmi.get_end_address() - dmi.get_start_address() + 1};
  }

  bool wait_irq(std::uint64_t limit_ticks) {
    if (local_ > sc_core::SC_ZERO_TIME) synchronize();
    if (irq_.read()) return true;
    const std::uint64_t there = left(), waits = there > reserve_ticks ? there - reserve_ticks : 0;
    if (limit_ticks >= waits) used_up(limit_ticks, waits);
    const sc_time span = sc_time::from_value(limit_ticks * chip.tick().value());
    chip.run_ahead(sc_core::sc_time_stamp() + span);
    stopping_ = true;
    run(span);
    stopping_ = false;
    return irq_.read();
  }

  const HostChip chip_config;
  HeatbathChip chip;
  model::HostMemory host_memory;  // what the chip's DMA engine reaches
  bool open = false;

 private:
  /// Ticks to the end of simulated time.
  std::uint64_t left() const {
    return (sc_core::sc_max_time() - sc_core::sc_time_stamp()).value() / chip.tick().value();
  }
  void expect_left(std::uint64_t ticks) const {
    if (const std::uint64_t there = left(); there <= ticks) used_up(ticks, there);
  }
  [[noreturn]] static void used_up(std::uint64_t ticks, std::uint64_t left) {
    throw std::out_of_range("waiting for " + std::to_string(ticks) + " ticks leaves simulated time, of which " +
                            std::to_string(left) + " ticks are left; use a shorter limit, or func:");
  }

  /// Simulates `span`, all that happens at its end included, or until stop() pauses.
  void run(const sc_time& span) {
    alarm_.notify(span);
    stopped_ = false;
    while (!stopped_) sc_core::sc_start();
    alarm_.cancel();
    // What follows in later delta cycles of this instant: an instruction's interrupt reaches irq one after the other.
    while (sc_core::sc_pending_activity_at_current_time()) sc_core::sc_start(sc_core::SC_ZERO_TIME);
  }

  void stop() {
    const bool interrupted = stopping_ && irq_.read();
    if (!interrupted && !alarm_.triggered()) return;
    stopped_ = true;
    sc_core::sc_pause();
  }

  void request() {
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_time delay = sc_core::SC_ZERO_TIME;
    socket_->nb_transport_fw(*payload_, phase, delay);
  }

  tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload&, tlm::tlm_phase& phase, sc_time&) {
    if (phase != tlm::BEGIN_RESP) return tlm::TLM_ACCEPTED;
    answered_ = true;
    phase = tlm::END_RESP;
    sc_core::sc_pause();
    return tlm::TLM_COMPLETED;
  }

  /// A burst of the chip: host memory answers without delay.
  void serve_dma(tlm::tlm_generic_payload& burst, sc_time&) {
    const std::span<std::byte> data(reinterpret_cast<std::byte*>(burst.get_data_ptr()), burst.get_data_length());
    const bool ok = burst.is_read() ? host_memory.read(burst.get_address(), data).ok
                                    : host_memory.write(burst.get_address(), data).ok;
    burst.set_response_status(ok ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
  }

  using HostSocket = tlm_utils::simple_target_socket<Board>;
  std::unique_ptr<HostSocket> host_socket_;
  tlm_utils::simple_initiator_socket<Board> socket_;
  sc_core::sc_signal<bool> irq_;
  OnePayload payload_;
  sc_core::sc_event request_, alarm_;
  sc_time quantum_;
  sc_time local_ = sc_core::SC_ZERO_TIME;  // of the master, ahead of simulated time
  bool answered_ = false, stopping_ = false, stopped_ = false;
};

/// Modules must outlive the simulation, which ends with the process: never destroyed.
Board* the_board = nullptr;

}  // namespace

std::unique_ptr<HostBus> HostBus::open(const HostChip& chip) {
  if (the_board == nullptr) {
    if (sc_core::sc_get_status() != sc_core::SC_ELABORATION)
      throw Taken("a SystemC simulation of this process has started; a chip in it must be made before that");
    the_board = new Board("heatbath", chip);
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
  } else {
    if (the_board->open) throw Busy("the SystemC chip of this process is open already");
    if (!(the_board->chip_config == chip))
      throw Taken("this process has a SystemC chip of another configuration (profile " +
                  the_board->chip_config.profile + ", " + std::to_string(the_board->chip_config.cells) + " cells, " +
                  std::to_string(the_board->chip_config.lanes) + " lanes, seed " +
                  std::to_string(the_board->chip_config.seed) +
                  (the_board->chip_config.approximate ? ", timing at" : ", timing lt") + chosen(the_board->chip_config) +
                  ")");
    the_board->reset();
  }
  the_board->open = true;
  return std::unique_ptr<HostBus>(new HostBus());
}

HostBus::HostBus() = default;
HostBus::~HostBus() {
  the_board->host_memory = model::HostMemory();
  the_board->open = false;
}

std::optional<HostBus::Buffer> HostBus::dma_alloc(std::uint64_t bytes) {
  if (!the_board->chip.dma_socket) return std::nullopt;
  const model::HostMemory::Buffer buffer = the_board->host_memory.allot(bytes);
  return Buffer{buffer.address, buffer.bytes};
}

void HostBus::dma_free(std::uint64_t address) { the_board->host_memory.release(address); }

std::uint32_t HostBus::read32(std::uint64_t address) {
  std::uint32_t value = 0;
  the_board->access(tlm::TLM_READ_COMMAND, address, &value, sizeof value);
  return value;
}

void HostBus::write32(std::uint64_t address, std::uint32_t value) {
  the_board->access(tlm::TLM_WRITE_COMMAND, address, &value, sizeof value);
}

std::uint32_t HostBus::peek32(std::uint64_t address) { return the_board->peek(address); }

std::size_t HostBus::topology_bytes() const { return the_board->chip.topology_bytes(); }

std::span<std::byte> HostBus::memory() { return the_board->memory(); }

void HostBus::read(std::uint64_t address, std::span<std::byte> out) {
  for (std::size_t done = 0; done < out.size();) {
    const auto bytes = static_cast<unsigned>(std::min<std::size_t>(out.size() - done, longest_burst));
    the_board->access(tlm::TLM_READ_COMMAND, address + done, out.data() + done, bytes);
    done += bytes;
  }
}

void HostBus::write(std::uint64_t address, std::span<const std::byte> data) {
  for (std::size_t done = 0; done < data.size();) {
    const auto bytes = static_cast<unsigned>(std::min<std::size_t>(data.size() - done, longest_burst));
    // A write command does not change the data it carries.
    the_board->access(tlm::TLM_WRITE_COMMAND, address + done, const_cast<std::byte*>(data.data() + done), bytes);
    done += bytes;
  }
}

bool HostBus::wait_irq(std::uint64_t limit_ticks) { return the_board->wait_irq(limit_ticks); }

std::vector<std::byte> HostBus::save() { return the_board->save(); }
void HostBus::restore(std::span<const std::byte> saved) { the_board->restore(saved); }

std::uint64_t HostBus::ticks() const { return the_board->chip.ticks(); }

}  // namespace heatbath::systemc
