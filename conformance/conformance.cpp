#include "heatbath/conformance.hpp"

#include <algorithm>

#include <array>

#include "conformance/claims.hpp"
#include "heatbath/numerics/nearest_word.hpp"

namespace heatbath::conformance {
namespace {

/// A check that has nothing to tell where the claim is kept.
template <void (*check)(Device&)>
std::string quiet(Device& device) {
  check(device);
  return {};
}

constexpr std::array all{
    Claim{"identity", "The identity block is a Heatbath device's and the link carries every bit.", quiet<checks::identity>},
    Claim{"reset-values", "After RESET every register has the value the map gives it.", quiet<checks::reset_values>},
    Claim{"read-write", "Read-write registers hold what their fields hold.", quiet<checks::read_write>},
    Claim{"read-only", "Read-only registers ignore writes, which are counted.", quiet<checks::read_only>},
    Claim{"unmapped", "Offsets without a register read 0 and ignore writes.", quiet<checks::unmapped>},
    Claim{"commands", "A command takes effect once per sequence number.", quiet<checks::commands>},
    Claim{"interrupts", "Interrupts are raised, masked and acknowledged one by one.", quiet<checks::interrupts>},
    Claim{"time", "Time advances with accesses and waits, and 64-bit times are read whole.", quiet<checks::time>},
    Claim{"memory", "Device memory keeps bytes, through a reset, and nothing lies beyond it.", quiet<checks::memory>},
    Claim{"programs", "A program runs its instructions in order and leaves what it promises.", quiet<checks::programs>},
    Claim{"loops", "Loops repeat, and records stand where the program puts them.", quiet<checks::loops>},
    Claim{"refusals", "A wrong program is refused with the instruction and field at fault.", quiet<checks::refusals>},
    Claim{"busy", "A running device refuses a second START and changes of its step.", quiet<checks::busy>},
    Claim{"ring-wraps", "A capture ring that is read in time wraps without a loss.", quiet<checks::ring_wraps>},
    Claim{"ring-full", "A full capture ring stalls the array or fails the job; it never loses silently.", quiet<checks::ring_full>},
    Claim{"abort", "ABORT stops a program at the next grid point, and it is not reported done.", quiet<checks::abort>},
    Claim{"timeout", "A job that passes its limit of device ticks is stopped.", quiet<checks::timeout>},
    Claim{"reset-in-run", "RESET ends a running program and restores the reset state.", quiet<checks::reset_in_run>},
    Claim{"shots", "Any number of shots runs, whatever the number of lanes.", quiet<checks::shots>},
    Claim{"determinism", "The same seeded job gives the same bits, whatever ran before and however it is split.",
          quiet<checks::determinism>},
    Claim{"meters", "Energy, work and heat balance in every shot.", quiet<checks::meters>},
    Claim{"cell-heat", "The heat of a shot's cells adds up to its path heat.", quiet<checks::cell_heat>},
    Claim{"readback", "Parameters read back as loaded, to the resolution of their format.", quiet<checks::readback>},
    Claim{"clipping", "Parameters outside of their range are clipped and counted.", quiet<checks::clipping>},
    Claim{"linear-cells", "Linear cells have the variance of their temperature.", quiet<checks::linear_cells>, true},
    Claim{"quartic-cells", "Bistable cells have the second moment of the Boltzmann distribution.", quiet<checks::quartic_cells>, true},
    Claim{"meter-signs", "Energy, work and heat have the sign and size that states and parameters give them.", checks::meter_signs},
    Claim{"sampler.law", "Samples of random networks have the temperature, means and pairs of their Boltzmann law.",
          checks::sampler_law, true},
    Claim{"sampler.couplers", "Every coupler and every bias acts as it was loaded.", checks::sampler_couplers, true},
    Claim{"sampler.independence", "Noise is used once: cells, shots and jobs are independent of each other.",
          checks::sampler_independence, true},
    Claim{"sampler.sweeps", "P-bits that are updated in order have the exact law after a sweep, and after two.",
          checks::sampler_sweeps, true},
    Claim{"statistics.linear-cell", "A linear cell's variance, autocorrelation, response and their theorem are exact.",
          [](Device& device) { return checks::statistics(device, "equilibrium", "ornstein-uhlenbeck", 0.1); }, true},
    Claim{"statistics.single-well", "A quartic cell has the moments, virial and temperature of its Boltzmann law.",
          [](Device& device) { return checks::statistics(device, "equilibrium", "single-well", 0.1); }, true},
    Claim{"statistics.ring", "Coupled cells have the covariance of the inverse stiffness.",
          [](Device& device) { return checks::statistics(device, "equilibrium", "coupled-ring", 0.1); }, true},
    Claim{"statistics.work", "Work on a ramped cell has its exact mean, and Jarzynski's equality holds.",
          [](Device& device) { return checks::statistics(device, "work", "ramp", 0.1); }, true},
    Claim{"statistics.inertia", "A harmonic cell with mass has equipartition and its damped oscillation.",
          [](Device& device) { return checks::statistics(device, "inertia", "harmonic", 0.1); }, true},
    Claim{"statistics.board", "Coupled rlc nodes have the voltages and fluxes of equipartition.",
          [](Device& device) { return checks::statistics(device, "inertia", "board", 0.1); }, true},
    Claim{"statistics.phases", "A pair of phases has the exact order parameter.",
          [](Device& device) { return checks::statistics(device, "phase", "two-oscillators", 0.1); }, true},
    Claim{"statistics.spins", "Two p-bits share the information that counting their states gives.",
          [](Device& device) { return checks::statistics(device, "ising", "pair-information", 0.1); }, true},
    Claim{"statistics.states", "Categorical cells have the probabilities that counting their states gives.",
          [](Device& device) { return checks::statistics(device, "potts", "network", 0.1); }, true},
};

}  // namespace

std::span<const Claim> claims() { return all; }

std::string told(const Verdict& verdict) {
  if (verdict.kind != Verdict::Kind::kept) return verdict.detail;
  return verdict.detail.empty() ? verdict.claim->text : std::string(verdict.claim->text) + " " + verdict.detail;
}

Verdict check(const Claim& claim, Device& device) {
  Verdict verdict;
  verdict.claim = &claim;
  const auto correction = device.capabilities().correction;
  if (!claim.of_law) device.correct(nullptr);
  try {
    device.reset();
    verdict.detail = claim.check(device);
  } catch (const Skipped& skipped) {
    verdict.kind = Verdict::Kind::skipped;
    verdict.detail = skipped.what();
  } catch (const std::exception& failure) {
    verdict.kind = Verdict::Kind::broken;
    verdict.detail = failure.what();
  }
  device.correct(correction);
  return verdict;
}

std::vector<const Claim*> chosen_claims(std::span<const std::string> names) {
  for (const std::string& name : names)
    if (std::ranges::none_of(claims(), [&](const Claim& claim) { return name == claim.name; })) {
      std::vector<std::string_view> known;
      for (const Claim& claim : claims()) known.emplace_back(claim.name);
      throw Error(HB_BAD_ARG, "--only " + name + ": there is no such claim" + numerics::did_you_mean(name, known) + "; --list shows them");
    }
  std::vector<const Claim*> chosen;
  for (const Claim& claim : claims())
    if (names.empty() || std::ranges::find(names, claim.name) != names.end()) chosen.push_back(&claim);
  return chosen;
}

const char* word_of(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::kept: return "kept";
    case Verdict::Kind::broken: return "BROKEN";
    default: return "skipped";
  }
}

}  // namespace heatbath::conformance
