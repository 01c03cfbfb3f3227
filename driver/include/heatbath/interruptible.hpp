#pragma once
// Calls of a link that come back early when somebody wants to stop.

#include <functional>

namespace heatbath {

/// What a transport may be beside a Transport: one whose calls look up while the device works. Without it a call lasts
/// as long as the device takes.
class Interruptible {
 public:
  virtual ~Interruptible() = default;
  /// From now on `stop` is asked several times a second inside calls that last, in their thread; empty: no longer. Once
  /// it says so a wait returns early, false, and a register is accessed at the time the device has come to. Device time
  /// is not lost: the next call goes on from there; an ABORT written now acts before the program does anything else.
  virtual void stop_when(std::function<bool()> stop) = 0;
};

}  // namespace heatbath
