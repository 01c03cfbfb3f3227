#pragma once
// Bus masters for test benches: one that calls b_transport from the test, one that speaks four phases.

#include <cstring>
#include <functional>
#include <string>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

#include "heatbath/program.h"
#include "heatbath/regs.h"
#include "tests/device/board.hpp"

namespace heatbath::systemc::testing {

/// Simulates `span` and all that happens at its end.
inline void simulate(const sc_core::sc_time& span) {
  if (span > sc_core::SC_ZERO_TIME) sc_core::sc_start(span);
  while (sc_core::sc_pending_activity_at_current_time()) sc_core::sc_start(sc_core::SC_ZERO_TIME);
}

/// A master without local time: each access lets simulated time pass by its delay.
class Master : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Master> socket;

  explicit Master(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
    socket.register_invalidate_direct_mem_ptr(this, &Master::invalidate);
  }

  /// An access as described; response and delay are kept. No time passes.
  tlm::tlm_response_status transport(tlm::tlm_command command, std::uint64_t address, void* data, unsigned bytes,
                                     tlm::tlm_generic_payload&& access = tlm::tlm_generic_payload()) {
    access.set_command(command);
    access.set_address(address);
    access.set_data_ptr(static_cast<unsigned char*>(data));
    access.set_data_length(bytes);
    if (access.get_streaming_width() == 0) access.set_streaming_width(bytes);
    access.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    delay = sc_core::SC_ZERO_TIME;
    socket->b_transport(access, delay);
    dmi_hint = access.is_dmi_allowed();
    return access.get_response_status();
  }

  std::uint32_t r(std::uint32_t offset) {
    std::uint32_t value = 0;
    transport(tlm::TLM_READ_COMMAND, offset, &value, 4);
    simulate(delay);
    return value;
  }
  std::uint64_t r64(std::uint32_t low) { return r(low) | std::uint64_t{r(low + 4)} << 32; }
  void w(std::uint32_t offset, std::uint32_t value) {
    transport(tlm::TLM_WRITE_COMMAND, offset, &value, 4);
    simulate(delay);
  }
  template <class T>
  void put(std::uint64_t at, const std::vector<T>& values) {
    transport(tlm::TLM_WRITE_COMMAND, HB_MEMORY_BASE + at, const_cast<T*>(values.data()),
              static_cast<unsigned>(values.size() * sizeof(T)));
    simulate(delay);
  }
  template <class T>
  std::vector<T> get(std::uint64_t at, std::size_t count) {
    std::vector<T> values(count);
    transport(tlm::TLM_READ_COMMAND, HB_MEMORY_BASE + at, values.data(), static_cast<unsigned>(count * sizeof(T)));
    simulate(delay);
    return values;
  }

  /// Places a program (HALT appended) and sets the registers of a job; COMMAND is left to the caller.
  void prepare(std::vector<hb_instruction_t> program, std::uint32_t cells, std::uint32_t shots) {
    program.push_back(model::bench::op(HB_OP_HALT));
    put(model::bench::program_at, program);
    w(HB_ACTIVE_CELLS_OFFSET, cells);
    w(HB_SHOTS_OFFSET, shots);
    w(HB_PROGRAM_ADDR_LO_OFFSET, model::bench::program_at);
    w(HB_PROGRAM_COUNT_OFFSET, static_cast<std::uint32_t>(program.size()));
    w(HB_CAPTURE_BASE_LO_OFFSET, model::bench::ring_at);
    w(HB_CAPTURE_SLOTS_OFFSET, 64);
    w(HB_INTR_ENABLE_OFFSET, 0x1F);
  }
  /// Starts a DMA transfer.
  void dma(std::uint32_t code, std::uint32_t host_at, std::uint32_t device_at, std::uint32_t bytes, std::uint32_t burst) {
    w(HB_DMA_HOST_LO_OFFSET, host_at);
    w(HB_DMA_DEVICE_LO_OFFSET, device_at);
    w(HB_DMA_BYTES_OFFSET, bytes);
    w(HB_DMA_BURST_OFFSET, burst);
    w(HB_DMA_COMMAND_OFFSET, code | ((r(HB_DMA_COMMAND_OFFSET) & 0xFFFF0000u) + 0x10000u));
  }
  void command(std::uint32_t code) {
    const std::uint32_t sequence = ((r(HB_COMMAND_ACK_OFFSET) >> 16) + 1) & 0xFFFF;
    w(HB_COMMAND_OFFSET, code | sequence << 16);
  }

  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  bool dmi_hint = false;
  int invalidations = 0;

 private:
  void invalidate(sc_dt::uint64, sc_dt::uint64) { ++invalidations; }
};

/// A master that speaks the four phases of the base protocol and notes when each came.
class PhaseMaster : public sc_core::sc_module, public tlm::tlm_mm_interface {
 public:
  struct Times {
    sc_core::sc_time begin_req, end_req, begin_resp;
    tlm::tlm_response_status response;
  };
  tlm_utils::simple_initiator_socket<PhaseMaster> socket;

  SC_HAS_PROCESS(PhaseMaster);
  explicit PhaseMaster(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
    socket.register_nb_transport_bw(this, &PhaseMaster::nb_transport_bw);
    SC_METHOD(send);
    sensitive << send_;
    dont_initialize();
  }

  /// One access, with all the simulated time that it takes.
  Times transport(tlm::tlm_command command, std::uint64_t address, void* data, unsigned bytes) {
    auto* access = new tlm::tlm_generic_payload(this);
    access->acquire();
    access->set_command(command);
    access->set_address(address);
    access->set_data_ptr(static_cast<unsigned char*>(data));
    access->set_data_length(bytes);
    access->set_streaming_width(bytes);
    next_ = access;
    answered_ = false;
    send_.notify(sc_core::SC_ZERO_TIME);
    while (!answered_) simulate(sc_core::sc_time(1, sc_core::SC_NS));
    times_.response = access->get_response_status();
    access->release();
    return times_;
  }
  std::uint32_t r(std::uint32_t offset) {
    std::uint32_t value = 0;
    transport(tlm::TLM_READ_COMMAND, offset, &value, 4);
    return value;
  }
  void w(std::uint32_t offset, std::uint32_t value) { transport(tlm::TLM_WRITE_COMMAND, offset, &value, 4); }
  void free(tlm::tlm_generic_payload* payload) override {
    payload->reset();
    delete payload;
    ++freed;
  }

  int freed = 0;

 private:
  void send() {
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    times_.begin_req = sc_core::sc_time_stamp();
    socket->nb_transport_fw(*next_, phase, delay);
  }
  tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload&, tlm::tlm_phase& phase, sc_core::sc_time&) {
    if (phase == tlm::END_REQ) times_.end_req = sc_core::sc_time_stamp();
    if (phase != tlm::BEGIN_RESP) return tlm::TLM_ACCEPTED;
    times_.begin_resp = sc_core::sc_time_stamp();
    answered_ = true;
    phase = tlm::END_RESP;
    return tlm::TLM_COMPLETED;
  }

  sc_core::sc_event send_;
  tlm::tlm_generic_payload* next_ = nullptr;
  Times times_{};
  bool answered_ = false;
};

/// Memory of a host at bus address 0, that takes `latency` for each access and answers none beyond its end.
class HostRam : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<HostRam> socket;

  explicit HostRam(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
    socket.register_b_transport(this, &HostRam::b_transport);
  }

  std::vector<unsigned char> bytes = std::vector<unsigned char>(4096);
  sc_core::sc_time latency = sc_core::SC_ZERO_TIME;
  std::vector<sc_core::sc_time> bursts;  ///< when each acted
  std::function<void()> during;          ///< called in the middle of each

 private:
  void b_transport(tlm::tlm_generic_payload& access, sc_core::sc_time& delay) {
    bursts.push_back(sc_core::sc_time_stamp() + delay);
    delay += latency;
    if (during) during();
    const std::uint64_t at = access.get_address();
    if (at + access.get_data_length() > bytes.size()) return access.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    if (access.is_read()) {
      std::memcpy(access.get_data_ptr(), bytes.data() + at, access.get_data_length());
    } else {
      std::memcpy(bytes.data() + at, access.get_data_ptr(), access.get_data_length());
    }
    access.set_response_status(tlm::TLM_OK_RESPONSE);
  }
};

}  // namespace heatbath::systemc::testing
