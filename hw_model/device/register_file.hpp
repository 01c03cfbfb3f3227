#pragma once
// Storage of the registers and the rules of access, from the generated register table.

#include <array>
#include <cstdint>

#include "heatbath/regs.h"

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::model {

/// What access rules say of a register.
enum class Access : std::uint8_t { unmapped, ro, rw, cmd };

/// Access rule of the register at a byte offset; unmapped where there is none.
Access access_of(std::uint32_t offset);

/// Plain storage of every register and the counters of wrong accesses. It knows no effects: those are the chip's.
class RegisterFile {
 public:
  RegisterFile();

  /// Values after reset of the registers the map fixes; those of the profile are poked by the chip. The error counters
  /// stay.
  void reset();
  /// reset(), and the error counters start at 0.
  void power_on();

  /// True for a register that may be read at this byte offset; a wrong offset is counted.
  bool admits_read(std::uint32_t offset);
  /// Access right of a write at this byte offset: rw or cmd, with `value` masked to the declared fields; else unmapped,
  /// and the access is counted.
  Access admits_write(std::uint32_t offset, std::uint32_t& value);

  /// Storage, without rules. `offset` is that of a register.
  std::uint32_t get(std::uint32_t offset) const { return value_[offset / 4]; }
  void set(std::uint32_t offset, std::uint32_t value) { value_[offset / 4] = value; }
  /// A 64-bit value in two registers, `low_offset` and the next.
  std::uint64_t get64(std::uint32_t low_offset) const;

  /// Counts a wrong access; a repeated sequence number.
  void count_access_error() { ++access_errors_; }
  void count_sequence_error() { ++sequence_errors_; }
  std::uint32_t access_errors() const { return access_errors_; }
  std::uint32_t sequence_errors() const { return sequence_errors_; }

  /// Registers that a host can write, by address, and the counters; the others are the profile's.
  void exchange(numerics::Archive& archive);

 private:
  static constexpr std::uint32_t words = HB_WINDOW_BYTES / 4;
  std::array<std::uint32_t, words> value_{};
  std::uint32_t access_errors_ = 0, sequence_errors_ = 0;
};

}  // namespace heatbath::model
