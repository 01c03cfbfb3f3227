#pragma once
// Programs that mpirun starts on several ranks, for devices of the scheme mpi:.

#include <optional>

namespace heatbath {

/// To be called first in main. Where an argument, or the environment's HEATBATH_DEVICE, names a device mpi:… and the
/// program links heatbath::mpi: begins MPI; on the first rank, and without mpirun, returns nothing, and the program goes
/// on as it would anywhere, with the other ranks at its device's service until it exits; on the others, serves and returns
/// their exit status. Ranks of different versions all end with status 2 and one line from the first. In any other
/// program, or without such a device: nothing, and MPI is not begun.
std::optional<int> serve_as_rank(int argc, const char* const* argv);

}  // namespace heatbath
