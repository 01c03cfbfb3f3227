#pragma once
// Clauses of MAX-SAT in the format of DIMACS, and their energy.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "files/problem_file.hpp"

namespace heatbath::apps {

struct Clauses {
  std::uint32_t variables = 0;
  std::vector<Problem::Clause> clauses;
};

/// Reads "p cnf n m" and m clauses that end in 0, or "p wcnf n m [top]" with a weight in front of each; comments from
/// 'c' and what follows a line of '%' are skipped. An empty clause is never met. Throws Error(BAD_ARG) with file and line.
Clauses read_clauses(std::string_view text, const std::string& where);

/// A quadratic function of bits.
struct ClauseEnergy {
  std::vector<network::Edge> pairs;  ///< i < j, as they come: equal pairs are to be added
  std::vector<double> linear;        ///< one for each bit: those of the problem, then helpers
  double constant = 0;
};

/// E(x, helpers) whose least value over the helpers is the weight of the clauses that x does not meet. A clause of three
/// is the product xyz of its negated literals: min over w of w (1 - x - y - z) + xy + yz + zx (Ishikawa 2011); longer
/// ones are chains of clauses of three.
ClauseEnergy energy_of_clauses(const std::vector<Problem::Clause>& clauses, std::uint32_t variables);

}  // namespace heatbath::apps
