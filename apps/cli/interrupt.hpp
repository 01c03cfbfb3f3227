#pragma once
// Ctrl-C.

namespace heatbath::apps {

/// From now on the first SIGINT is only noted, and a second one kills the process as usual.
void watch_interrupts();

/// Whether SIGINT has come since watch_interrupts().
bool interrupted() noexcept;

/// Exit status of a command that stopped because of it: 128 + SIGINT, as shells report it.
inline constexpr int kInterruptedStatus = 130;

}  // namespace heatbath::apps
