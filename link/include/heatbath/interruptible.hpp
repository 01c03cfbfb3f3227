#pragma once
// Calls of a link that come back early when somebody wants to stop.

#include <cstdint>
#include <functional>

namespace heatbath {

/// What a host wants of a call in progress. pause: that it comes back at the next point from which the device goes on
/// without loss; stop: that it comes back soon, and what the device was half-way through is made again, should it go
/// on.
enum class Wish : std::uint8_t { go_on, pause, stop };

/// What a transport may be beside a Transport: one whose calls look up while the device works. Without it a call lasts
/// as long as the device takes.
class Interruptible {
 public:
  virtual ~Interruptible() = default;
  /// From now on `wish` is asked several times a second inside calls that last, in their thread; empty: no longer. Once
  /// it is not to go on a wait returns early, false, and a register is accessed at the time the device has come to.
  /// Device time is not lost: the next call goes on from there; an ABORT written now acts before the program does
  /// anything else.
  virtual void ask(std::function<Wish()> wish) = 0;
};

}  // namespace heatbath
