#include "validate/suites/rows.hpp"

namespace heatbath::validation {

std::span<const Suite> suites() {
  static const Suite all[] = {
      {"equilibrium", "stationary laws, autocorrelation, fluctuation-dissipation, equipartition", equilibrium_rows()},
      {"work", "work meters: stiffness quench and ramp, dragged trap", work_rows()},
      {"free-energy", "path weights, Jarzynski, Crooks, Bennett on double wells", free_energy_rows()},
      {"linear-solver", "means and covariances of a relaxing linear network", linear_solver_rows()},
      {"escape", "passage times and relaxation rates of double wells", escape_rows()},
      {"score", "entropy rates of a noised mixture", score_rows()},
      {"landauer", "optimal transport and the erasure of a bit", landauer_rows()},
      {"currents", "detailed balance and entropy production", currents_rows()},
      {"inertia", "cells with mass, RLC nodes", inertia_rows()},
      {"phase", "synchronisation, locking, washboards, the uncertainty relation", phase_rows()},
      {"ising", "binary cells against every state counted", ising_rows()},
      {"potts", "categorical cells against every state counted", potts_rows()},
      {"limits", "rails, temperature 0", limits_rows()},
  };
  return all;
}

}  // namespace heatbath::validation
