#pragma once
// The verilated register block with a host on its AXI4-Lite port and something that plays the hardware behind it.

#include <cstdint>

namespace heatbath::rtl {

/// What lies behind the register block.
class Hardware {
 public:
  virtual ~Hardware() = default;
  /// Value of a ro register, and what a rw or cmd register should hold.
  virtual std::uint32_t value(std::uint32_t offset) = 0;
  /// Reset value of a rw register that the profile decides.
  virtual std::uint32_t reset_value(std::uint32_t offset) = 0;
  /// A write took effect; true: the storage of the block resets (soft_reset) and rw registers follow value().
  virtual bool written(std::uint32_t offset, std::uint32_t data) = 0;
  /// A repeated sequence number; an access answered SLVERR.
  virtual void repeated(std::uint32_t offset, std::uint32_t data) = 0;
  virtual void refused() = 0;
  /// Whether rw registers are made to follow value() after a write (hw_load); else they keep what was written.
  virtual bool corrects() const = 0;
};

/// An AXI response.
enum class Response : std::uint32_t { okay = 0, slverr = 2 };

struct Reply {
  Response response;
  std::uint32_t data;  ///< of a read
};

/// Cycles by which the host delays the address and data of a write, and its readiness for the answer.
struct Delays {
  unsigned address = 0, data = 0, ready = 0;
};

/// The one register block of this process (SystemC elaborates once), clocked by the calls below.
class FrontEnd {
 public:
  static FrontEnd& get();

  /// Puts `hardware` behind the block, which must outlive its use, and resets the block by aresetn.
  void attach(Hardware& hardware);

  /// One transaction to its end. Fails the test, in one line, when the block does not answer within 1000 cycles.
  Reply read(std::uint32_t address, unsigned ready_delay = 0);
  Response write(std::uint32_t address, std::uint32_t data, unsigned strobes = 0xF, Delays delays = {});
  /// A write and a read issued in the same cycle; the write answer is taken only after that of the read.
  Reply write_and_read(std::uint32_t write_address, std::uint32_t data, std::uint32_t read_address);

  /// soft_reset for one cycle.
  void soft_reset();
  /// Clock cycles so far, and cycles in which pulse_COMMAND was 1.
  std::uint64_t cycles() const;
  std::uint64_t command_pulses() const;

 private:
  FrontEnd();
  struct Impl;
  Impl& impl_;  // lives as long as the simulation
};

}  // namespace heatbath::rtl
