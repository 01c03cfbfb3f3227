#pragma once
// Which instruction set the vector kernels run on.

#include <string_view>
#include <vector>

namespace heatbath::numerics {

/// Instruction sets with a compiled kernel, in rising order. All give the same bits; they differ in speed only.
enum class Isa { portable, avx2, avx512 };

/// The best one this processor has, or the one HEATBATH_ISA names (portable, avx2, avx512). Throws
/// std::invalid_argument when that is none of this processor's.
Isa active_isa();

/// Makes `isa` the active one for this process. False (and no change) when the processor lacks it.
bool select_isa(Isa isa);

/// All that this processor has, in rising order.
std::vector<Isa> available_isas();

std::string_view name(Isa isa);

}  // namespace heatbath::numerics
