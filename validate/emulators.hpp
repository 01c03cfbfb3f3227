#pragma once
// The ladder on emulators. Apart from the rest: who holds a board to the ladder links no emulator.

#include "validate/ladder.hpp"

namespace heatbath::validation {

/// Runs the ladder on the emulators that suit each row best, opened one at a time.
Outcome climb(const LadderOptions& options);

}  // namespace heatbath::validation
