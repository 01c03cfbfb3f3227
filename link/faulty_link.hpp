#pragma once
// A link whose frames meet faults: faulty:.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/interruptible.hpp"
#include "heatbath/transport.hpp"

namespace heatbath {

/// What happens to one frame.
enum class FrameFault : std::uint8_t { dropped, reordered, duplicated, truncated, corrupted };

struct PlannedFrameFault {
  FrameFault kind{};
  std::uint64_t frame = 0;  ///< counted from 0: requests and answers take turns
};

/// Puts each access to the device behind it into a frame with a number and a checksum (CRC-32), sends it over a wire that
/// does to the frame what was planned, and acts on what arrives: nothing that is not sound reaches the device or the host.
/// A frame that comes twice is taken once; one that comes late is waited for. What is lost, short or wrong is sent again as
/// often as allowed, and is Error(LINK) that names frame and fault after that. Memory is not lent: every block is sent.
class FaultyLink final : public Transport, public Interruptible {
 public:
  /// `plan`: "KIND@FRAME" with commas; Error(BAD_ARG) where it is not. `retries`: how often a frame is sent again.
  FaultyLink(std::unique_ptr<Transport> device, std::string_view plan, std::uint64_t retries);

  std::uint32_t read32(std::uint64_t address) override;
  void write32(std::uint64_t address, std::uint32_t value) override;
  void read_block(std::uint64_t address, std::span<std::byte> out) override;
  void write_block(std::uint64_t address, std::span<const std::byte> data) override;
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override;
  bool wait_irq(std::uint64_t limit_ticks) override;
  LinkInfo info() const override;
  std::optional<std::uint64_t> device_ticks() const override { return device_->device_ticks(); }
  void ask(std::function<Wish()> wish) override;

  /// Frames sent again or taken once of two, so far.
  std::uint64_t corrected() const { return corrected_; }

 private:
  using Bytes = std::vector<std::byte>;
  /// One frame from one side to the other, as it arrives.
  Bytes pass(Bytes payload, const std::string& what);
  std::optional<FrameFault> fault_of(std::uint64_t frame) const;

  std::unique_ptr<Transport> device_;
  Interruptible* interruptible_;
  std::string plan_text_;
  std::vector<PlannedFrameFault> plan_;
  std::uint64_t retries_, frames_ = 0, corrected_ = 0;
};

}  // namespace heatbath
