#pragma once
// One array cut over the ranks of a program. The first rank has it as an Array; every rank, the first too, has a part of
// it and does what the first one orders.

#include <cstdint>
#include <memory>
#include <string>

#include "hw_model/physics/array.hpp"
#include "hw_model/ranks/communicator.hpp"

namespace heatbath::ranks {

/// The array for a make, on the first rank. The same bits as make_array's, for any number of ranks. Cells lie in
/// contiguous ranges of whole groups of 64 (cut_points). Sums over all cells and records come to the first rank; so do
/// parameters and states from there: it holds those of all cells. Throws std::invalid_argument with
/// physics::refusal_of_cut, std::bad_alloc where a rank has not enough memory. exchange() has the bytes of a
/// whole array: what one number of ranks has kept, another one reads. Orders of several arrays may come from several threads; `ranks` is borrowed.
std::unique_ptr<physics::Array> make_rank_array(const physics::ArraySpec& spec, Communicator& ranks);

/// On the other ranks: does what the first one orders until it says that this is the end. A failure ends all ranks,
/// with one line on the error stream.
void serve_orders(Communicator& ranks);
/// On the first rank, last: the others come back from serve_orders.
void end_orders(Communicator& ranks);

}  // namespace heatbath::ranks
