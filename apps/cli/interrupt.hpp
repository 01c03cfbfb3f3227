#pragma once
// Ctrl-C, and the other signals that ask a process to end.

namespace heatbath::apps {

/// From now on the first SIGINT (Ctrl-C), SIGTERM (a scheduler's time limit) or SIGHUP (a terminal that went away) is
/// only noted; one that comes half a second later or more kills the process as usual. Earlier ones belong to the first:
/// timeout(1) sends two. A SIGHUP that is ignored, as under nohup, stays so.
void watch_interrupts();

/// Whether such a signal has come since watch_interrupts().
bool interrupted() noexcept;

/// Exit status of a command that stopped because of it: 128 and the signal's number, as shells report it (Ctrl-C: 130).
int interrupted_status() noexcept;

}  // namespace heatbath::apps
