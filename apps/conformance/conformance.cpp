#include "apps/conformance/conformance.hpp"

#include <array>

#include "apps/conformance/claims.hpp"

namespace heatbath::conformance {
namespace {

constexpr std::array all{
    Claim{"identity", "The identity block is a Heatbath device's and the link carries every bit.", checks::identity},
    Claim{"reset-values", "After RESET every register has the value the map gives it.", checks::reset_values},
    Claim{"read-write", "Read-write registers hold what their fields hold.", checks::read_write},
    Claim{"read-only", "Read-only registers ignore writes, which are counted.", checks::read_only},
    Claim{"unmapped", "Offsets without a register read 0 and ignore writes.", checks::unmapped},
    Claim{"commands", "A command takes effect once per sequence number.", checks::commands},
    Claim{"interrupts", "Interrupts are raised, masked and acknowledged one by one.", checks::interrupts},
    Claim{"time", "Time advances with accesses and waits, and 64-bit times are read whole.", checks::time},
    Claim{"memory", "Device memory keeps bytes, through a reset, and nothing lies beyond it.", checks::memory},
    Claim{"programs", "A program runs its instructions in order and leaves what it promises.", checks::programs},
    Claim{"loops", "Loops repeat, and records stand where the program puts them.", checks::loops},
    Claim{"refusals", "A wrong program is refused with the instruction and field at fault.", checks::refusals},
    Claim{"busy", "A running device refuses a second START and changes of its step.", checks::busy},
    Claim{"ring-wraps", "A capture ring that is read in time wraps without a loss.", checks::ring_wraps},
    Claim{"ring-full", "A full capture ring stalls the array or fails the job; it never loses silently.", checks::ring_full},
    Claim{"abort", "ABORT stops a program at the next grid point, and it is not reported done.", checks::abort},
    Claim{"timeout", "A job that passes its limit of device ticks is stopped.", checks::timeout},
    Claim{"reset-in-run", "RESET ends a running program and restores the reset state.", checks::reset_in_run},
    Claim{"shots", "Any number of shots runs, whatever the number of lanes.", checks::shots},
    Claim{"determinism", "The same seeded job gives the same bits, whatever ran before and however it is split.",
          checks::determinism},
    Claim{"meters", "Energy, work and heat balance in every shot.", checks::meters},
    Claim{"readback", "Parameters read back as loaded, to the resolution of their format.", checks::readback},
    Claim{"clipping", "Parameters outside of their range are clipped and counted.", checks::clipping},
    Claim{"linear-cells", "Linear cells have the variance of their temperature.", checks::linear_cells},
    Claim{"quartic-cells", "Bistable cells have the second moment of the Boltzmann distribution.", checks::quartic_cells},
};

}  // namespace

std::span<const Claim> claims() { return all; }

Verdict check(const Claim& claim, Device& device) {
  Verdict verdict;
  verdict.claim = &claim;
  try {
    device.reset();
    claim.check(device);
  } catch (const Skipped& skipped) {
    verdict.kind = Verdict::Kind::skipped;
    verdict.detail = skipped.what();
  } catch (const std::exception& failure) {
    verdict.kind = Verdict::Kind::broken;
    verdict.detail = failure.what();
  }
  return verdict;
}

}  // namespace heatbath::conformance
