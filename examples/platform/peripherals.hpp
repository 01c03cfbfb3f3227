#pragma once
// What stands beside the chip: memory, timer, console.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

namespace platform {

/// RAM that lends its bytes by DMI. Zero at the start.
class Memory : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<Memory> socket;

  Memory(const sc_core::sc_module_name& name, std::uint64_t size) : sc_module(name), socket("socket"), bytes_(size) {
    socket.register_b_transport(this, &Memory::b_transport);
    socket.register_get_direct_mem_ptr(this, &Memory::get_direct_mem_ptr);
    socket.register_transport_dbg(this, &Memory::transport_dbg);
  }

 private:
  void b_transport(tlm::tlm_generic_payload& access, sc_core::sc_time&) {
    if (access.get_byte_enable_ptr() != nullptr) {
      access.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    } else if (access.get_streaming_width() < access.get_data_length()) {
      access.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    } else if (transport_dbg(access) != access.get_data_length()) {
      access.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    } else {
      access.set_dmi_allowed(true);
      access.set_response_status(tlm::TLM_OK_RESPONSE);
    }
  }
  bool get_direct_mem_ptr(tlm::tlm_generic_payload&, tlm::tlm_dmi& dmi) {
    dmi.set_dmi_ptr(bytes_.data());
    dmi.set_start_address(0);
    dmi.set_end_address(bytes_.size() - 1);
    dmi.allow_read_write();
    return true;
  }
  unsigned transport_dbg(tlm::tlm_generic_payload& access) {
    const std::uint64_t at = access.get_address();
    const unsigned count = access.get_data_length();
    if (at > bytes_.size() || count > bytes_.size() - at) return 0;
    if (access.is_write()) std::memcpy(bytes_.data() + at, access.get_data_ptr(), count);
    if (access.is_read()) std::memcpy(access.get_data_ptr(), bytes_.data() + at, count);
    return count;
  }

  std::vector<unsigned char> bytes_;
};

/// A peripheral of 32-bit registers. Another size than one aligned word is an address error.
class Registers : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<Registers> socket;

 protected:
  explicit Registers(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
    socket.register_b_transport(this, &Registers::b_transport);
  }
  /// The register at an offset; `at` is the local time of the caller. None: there is no such register.
  virtual std::optional<std::uint32_t> read(std::uint64_t offset, const sc_core::sc_time& at) = 0;
  /// False: there is no such register.
  virtual bool write(std::uint64_t offset, std::uint32_t value, const sc_core::sc_time& at) = 0;

 private:
  void b_transport(tlm::tlm_generic_payload& access, sc_core::sc_time& delay) {
    access.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    const std::uint64_t offset = access.get_address();
    if (access.get_data_length() != 4 || offset % 4 != 0 || access.get_byte_enable_ptr() != nullptr) return;
    const sc_core::sc_time at = sc_core::sc_time_stamp() + delay;
    if (access.is_read()) {
      const std::optional<std::uint32_t> value = read(offset, at);
      if (!value) return;
      std::memcpy(access.get_data_ptr(), &*value, 4);
    } else if (access.is_write()) {
      std::uint32_t value = 0;
      std::memcpy(&value, access.get_data_ptr(), 4);
      if (!write(offset, value, at)) return;
    }
    access.set_response_status(tlm::TLM_OK_RESPONSE);
  }
};

/// Microseconds since the start at 0 (low word) and 4 (high word), the time of the alarm at 8 and 12. irq is high while
/// time >= alarm; the alarm is all ones at the start.
class Timer : public Registers {
 public:
  sc_core::sc_out<bool> irq{"irq"};

  SC_HAS_PROCESS(Timer);
  explicit Timer(const sc_core::sc_module_name& name) : Registers(name) {
    SC_METHOD(update);
    sensitive << changed_;
  }

 private:
  static std::uint64_t microseconds(const sc_core::sc_time& at) {
    return at.value() / sc_core::sc_time(1, sc_core::SC_US).value();
  }
  std::optional<std::uint32_t> read(std::uint64_t offset, const sc_core::sc_time& at) override {
    if (offset > 12) return std::nullopt;
    const std::uint64_t value = offset < 8 ? microseconds(at) : alarm_;
    return static_cast<std::uint32_t>(value >> (offset % 8 * 8));
  }
  bool write(std::uint64_t offset, std::uint32_t value, const sc_core::sc_time&) override {
    if (offset != 8 && offset != 12) return false;
    const unsigned shift = offset == 8 ? 0 : 32;
    alarm_ = (alarm_ & ~(std::uint64_t{0xFFFF'FFFF} << shift)) | std::uint64_t{value} << shift;
    changed_.notify(sc_core::SC_ZERO_TIME);
    return true;
  }
  void update() {
    const std::uint64_t time = microseconds(sc_core::sc_time_stamp());
    irq.write(time >= alarm_);
    constexpr std::uint64_t horizon = 1'000'000;  // looks again at least once a second, so that a far alarm cannot wrap
    if (time < alarm_) {
      const std::uint64_t wait_us = std::min(alarm_ - time, horizon);
      next_trigger(sc_core::sc_time(1, sc_core::SC_US) * static_cast<double>(wait_us), changed_);
    }
  }

  std::uint64_t alarm_ = ~std::uint64_t{0};
  sc_core::sc_event changed_;
};

/// Where the firmware writes. 0: a byte for stdout; 4: reads 1, there is always room; 8: ends the simulation with this
/// exit status.
class Console : public Registers {
 public:
  explicit Console(const sc_core::sc_module_name& name) : Registers(name) {}
  /// What was written to register 8, if it was.
  std::optional<std::uint32_t> exit_status() const { return exit_status_; }

 private:
  std::optional<std::uint32_t> read(std::uint64_t offset, const sc_core::sc_time&) override {
    if (offset == 4) return 1;
    return std::nullopt;
  }
  bool write(std::uint64_t offset, std::uint32_t value, const sc_core::sc_time&) override {
    if (offset == 0) {
      std::fputc(static_cast<int>(value & 0xFF), stdout);
    } else if (offset == 8) {
      exit_status_ = value;
      sc_core::sc_stop();
    } else {
      return false;
    }
    return true;
  }

  std::optional<std::uint32_t> exit_status_;
};

}  // namespace platform
