#pragma once
// Calls of a link that can be stopped before their end.

#include <cstdint>
#include <functional>

namespace heatbath {

/// The host's wish about a call in progress. pause: return at the next point from which the device can continue without
/// loss; stop: return soon; unfinished work of the device is done again if it continues.
enum class Wish : std::uint8_t { go_on, pause, stop };

/// An optional second interface of a transport, whose calls ask for a wish while the device works. Without it a call
/// lasts as long as the device takes.
class Interruptible {
 public:
  virtual ~Interruptible() = default;
  /// From now on `wish` is called several times a second inside long calls, in their thread; empty: no longer. Once it
  /// answers other than go_on, a wait returns early with false, and a register is accessed at the time that the device
  /// has reached.
  /// Device time is not lost: the next call continues from there; an ABORT written now acts before the program does
  /// anything else.
  virtual void ask(std::function<Wish()> wish) = 0;
};

}  // namespace heatbath
