#pragma once
// Published and prototype figures of the generative machine, for reports that print them beside ours.
// Whitelam, Generative thermodynamic computing, arXiv:2506.15121, PRL 136, 037101 (2026). The prototype is an
// independent plain implementation of the same recipe: 784 + 512 cells, 100 updates, 200 samples.

namespace heatbath::apps {

inline constexpr double kPaperHeat = 2.9e3;     ///< <Q>/kT over 1,000 generations
inline constexpr double kPaperHeatSd = 350;     ///< about
inline constexpr double kDigitalHeat = 5.2e14;  ///< kT: an MLP 784-128-128-784 in 10 steps at 1 pJ per MAC
inline constexpr double kPaperRatio = 1e11;     ///< digital over thermodynamic, "more than"
/// <V>/kT of one uncoupled cell with J2 = J4 = 1 at kT = 0.1, by quadrature.
inline constexpr double kIsolatedCellEnergy = 0.4544;

/// What the prototype found with one scaling of the images.
struct PrototypeFigures {
  const char* heat;
  const char* heat_sd;
  const char* v0;
  const char* vf;
  const char* action_first;
  const char* action_last;
  const char* inverted;
  const char* correlation;
};
inline constexpr PrototypeFigures kPrototypeCommonNorm{"2735 and 2786", "387 and 409", "592",        "-2194",
                                                       "659.3",         "647.5",       "about 55 %", "0.65 to 0.70"};
inline constexpr PrototypeFigures kPrototypeUnitVariance{"1294 and 1336", "225 and 229", "592",        "-744",
                                                         "652.3",         "647.2",       "about 55 %", "0.65 to 0.70"};

}  // namespace heatbath::apps
