#pragma once
// The chip whose array is cut over the ranks of an MPI program, for programs that have it: only those need MPI.

#include <string>

#include "heatbath/transport.hpp"
#include "hw_model/device/chip.hpp"

/// Opens the functional emulator with an array over all ranks; the caller owns the transport. Throws as
/// FunctionalTransport, and std::invalid_argument for arrays that cannot be cut. Null in a program that does not link
/// heatbath::mpi, which defines it.
extern "C" [[gnu::weak, gnu::visibility("hidden")]] heatbath::Transport* heatbath_open_ranks(
    const heatbath::model::Profile& profile, const heatbath::model::ChipOptions& options, const std::string& uri);

/// What heatbath::serve_as_rank does where the program names a device over ranks: the exit status of a rank that has
/// served, or -1 on the first one. Null likewise.
extern "C" [[gnu::weak, gnu::visibility("hidden")]] int heatbath_serve_as_rank();
