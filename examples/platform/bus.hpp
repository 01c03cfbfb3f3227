#pragma once
// A router: masters on one side, address ranges on the other.

#include <algorithm>
#include <cstdint>
#include <systemc>
#include <tlm>
#include <tlm_utils/multi_passthrough_initiator_socket.h>
#include <tlm_utils/multi_passthrough_target_socket.h>
#include <vector>

namespace platform {

/// Loosely timed bus without arbitration: each access passes at once, at a cost of `latency`. A target sees addresses
/// from the beginning of its range. An access that is not within one range ends with an address error. DMI and debug
/// accesses pass, too.
class Bus : public sc_core::sc_module {
 public:
  tlm_utils::multi_passthrough_target_socket<Bus> masters;

  Bus(const sc_core::sc_module_name& name, const sc_core::sc_time& latency)
      : sc_module(name), masters("masters"), targets_("targets"), latency_(latency) {
    masters.register_b_transport(this, &Bus::b_transport);
    masters.register_get_direct_mem_ptr(this, &Bus::get_direct_mem_ptr);
    masters.register_transport_dbg(this, &Bus::transport_dbg);
    targets_.register_invalidate_direct_mem_ptr(this, &Bus::invalidate);
  }

  /// Puts a target at [base, base + bytes).
  template <class Socket>
  void map(Socket& target, std::uint64_t base, std::uint64_t bytes) {
    targets_.bind(target);
    ranges_.push_back({base, bytes});
  }

 private:
  struct Range {
    std::uint64_t base, bytes;
  };

  /// Number of the range that holds the access, or none.
  int decode(const tlm::tlm_generic_payload& access) const {
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      const auto [base, bytes] = ranges_[i];
      const std::uint64_t offset = access.get_address() - base;
      if (offset < bytes && access.get_data_length() <= bytes - offset) return static_cast<int>(i);
    }
    return -1;
  }
  void b_transport(int, tlm::tlm_generic_payload& access, sc_core::sc_time& delay) {
    delay += latency_;
    const int target = decode(access);
    if (target < 0) {
      access.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    const std::uint64_t address = access.get_address();
    access.set_address(address - ranges_[target].base);
    targets_[target]->b_transport(access, delay);
    access.set_address(address);
  }
  bool get_direct_mem_ptr(int, tlm::tlm_generic_payload& access, tlm::tlm_dmi& dmi) {
    const int target = decode(access);
    if (target < 0) return false;
    const Range& range = ranges_[target];
    const std::uint64_t address = access.get_address();
    access.set_address(address - range.base);
    const bool granted = targets_[target]->get_direct_mem_ptr(access, dmi);
    access.set_address(address);
    const std::uint64_t last = std::min<std::uint64_t>(dmi.get_end_address(), range.bytes - 1);
    dmi.set_start_address(dmi.get_start_address() + range.base);
    dmi.set_end_address(last + range.base);
    return granted;
  }
  unsigned transport_dbg(int, tlm::tlm_generic_payload& access) {
    const int target = decode(access);
    if (target < 0) return 0;
    const std::uint64_t address = access.get_address();
    access.set_address(address - ranges_[target].base);
    const unsigned bytes = targets_[target]->transport_dbg(access);
    access.set_address(address);
    return bytes;
  }
  void invalidate(int target, sc_dt::uint64 first, sc_dt::uint64 last) {
    const Range& range = ranges_[target];
    last = std::min<sc_dt::uint64>(last, range.bytes - 1);
    for (unsigned master = 0; master < masters.size(); ++master) {
      masters[static_cast<int>(master)]->invalidate_direct_mem_ptr(first + range.base, last + range.base);
    }
  }

  tlm_utils::multi_passthrough_initiator_socket<Bus> targets_;
  std::vector<Range> ranges_;
  sc_core::sc_time latency_;
};

}  // namespace platform
