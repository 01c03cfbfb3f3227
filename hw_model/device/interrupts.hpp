#pragma once
// Pending interrupts and how the host handles them.

#include <cstdint>

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::model {

/// INTR_STATE, INTR_ENABLE and INTR_TAG. Masks use the bits of INTR_STATE (heatbath/regs.h).
class Interrupts {
 public:
  void raise(std::uint32_t mask);
  void clear(std::uint32_t mask);
  /// Raises PROGRAM with a tag.
  void raise_program(std::uint32_t tag);
  void enable(std::uint32_t mask) { enabled_ = mask; }
  void reset();
  /// The next interrupt of a job (JOB_DONE, FAULT, ABORTED, CAPTURE) is not raised.
  void lose_next() { loses_next_ = true; }

  std::uint32_t state() const { return state_; }
  std::uint32_t tag() const { return tag_; }
  bool enabled(std::uint32_t mask) const { return (enabled_ & mask) != 0; }
  /// The interrupt output.
  bool output() const { return (state_ & enabled_) != 0; }

  void exchange(numerics::Archive& archive);

 private:
  std::uint32_t state_ = 0, enabled_ = 0, tag_ = 0;
  bool loses_next_ = false;
};

}  // namespace heatbath::model
