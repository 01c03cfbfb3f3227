#include "files/clauses.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/text_file.hpp"

namespace heatbath::apps {

namespace {

using numerics::quoted;

/// c + d x of a bit.
struct Affine {
  std::uint32_t bit;
  double constant, slope;
};

class Sum {
 public:
  explicit Sum(std::uint32_t variables) { energy_.linear.assign(variables, 0.0); }

  std::uint32_t helper() {
    energy_.linear.push_back(0.0);
    return static_cast<std::uint32_t>(energy_.linear.size() - 1);
  }
  void add(double factor, const Affine& a) {
    energy_.constant += factor * a.constant;
    energy_.linear[a.bit] += factor * a.slope;
  }
  void add(double factor, const Affine& a, const Affine& b) {
    energy_.constant += factor * a.constant * b.constant;
    energy_.linear[a.bit] += factor * a.slope * b.constant;
    energy_.linear[b.bit] += factor * a.constant * b.slope;
    const double both = factor * a.slope * b.slope;
    if (a.bit == b.bit) energy_.linear[a.bit] += both;  // x x = x
    else energy_.pairs.push_back({std::min(a.bit, b.bit), std::max(a.bit, b.bit), both});
  }
  void constant(double value) { energy_.constant += value; }
  ClauseEnergy release() { return std::move(energy_); }

 private:
  ClauseEnergy energy_;
};

/// 1 where the literal is not met.
Affine negated(std::int32_t literal) {
  const auto bit = static_cast<std::uint32_t>(std::abs(literal)) - 1;
  return literal > 0 ? Affine{bit, 1, -1} : Affine{bit, 0, 1};
}

void add_three(Sum& sum, double weight, const Affine& x, const Affine& y, const Affine& z) {
  const Affine w{sum.helper(), 0, 1};
  sum.add(weight, w);
  for (const Affine& one : {x, y, z}) sum.add(-weight, w, one);
  sum.add(weight, x, y);
  sum.add(weight, y, z);
  sum.add(weight, z, x);
}

}  // namespace

Clauses read_clauses(std::string_view text, const std::string& where) {
  Clauses result;
  bool weighted = false, header = false;
  std::uint64_t announced = 0;
  std::vector<std::int32_t> literals;
  double weight = 1;
  bool open = false;  // within a clause
  numerics::TextLines lines(text);
  while (lines.next()) {
    const auto fail = [&](const std::string& what) {
      throw Error(HB_BAD_ARG, where + ", line " + std::to_string(lines.number()) + ": " + what);
    };
    std::string_view rest = numerics::trimmed(lines.line());
    if (rest.empty() || rest.front() == 'c') continue;
    if (rest.front() == '%') break;
    if (!header) {
      const std::string_view line = rest, p = numerics::take_word(rest), form = numerics::take_word(rest);
      const auto variables = numerics::parse_number<std::uint32_t>(numerics::take_word(rest));
      const auto clauses = numerics::parse_number<std::uint64_t>(numerics::take_word(rest));
      if (p != "p" || (form != "cnf" && form != "wcnf") || !variables || !clauses)
        fail(quoted(line) + " where 'p cnf variables clauses' or 'p wcnf variables clauses' belongs");
      if (*variables == 0) fail("0 variables; at least 1");
      if (*clauses > text.size() / 2) fail(fmt::format("{} clauses are announced; the file has {} bytes", *clauses, text.size()));
      result.variables = *variables, announced = *clauses, weighted = form == "wcnf", header = true;
      continue;
    }
    for (std::string_view word = numerics::take_word(rest); !word.empty(); word = numerics::take_word(rest)) {
      if (!open) {
        if (result.clauses.size() == announced) fail(fmt::format("a clause more than the {} announced", announced));
        open = true, weight = 1;
        literals.clear();
        if (weighted) {
          const auto value = numerics::parse_number<double>(word);
          if (!value || !std::isfinite(*value) || *value < 0) fail(quoted(word) + " where a weight of 0 or more belongs");
          weight = *value;
          continue;
        }
      }
      const auto literal = numerics::parse_number<std::int32_t>(word);
      if (!literal || *literal == INT32_MIN || static_cast<std::uint32_t>(std::abs(*literal)) > result.variables)
        fail(quoted(word) + fmt::format(" where a literal, 1 to {} or negative, or 0 belongs", result.variables));
      if (*literal != 0) {
        literals.push_back(*literal);
        continue;
      }
      std::ranges::sort(literals);
      literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
      result.clauses.push_back({weight, literals});
      open = false;
    }
  }
  if (!header) throw Error(HB_BAD_ARG, where + ": no line 'p cnf variables clauses'");
  if (open) throw Error(HB_BAD_ARG, where + ": ends within a clause; a clause ends in 0");
  if (result.clauses.size() < announced)
    throw Error(HB_BAD_ARG, fmt::format("{}: ends after {} of {} clauses", where, result.clauses.size(), announced));
  return result;
}

ClauseEnergy energy_of_clauses(const std::vector<Problem::Clause>& clauses, std::uint32_t variables) {
  Sum sum(variables);
  for (const Problem::Clause& clause : clauses) {
    const auto& literals = clause.literals;
    const bool always = std::ranges::any_of(literals, [&](std::int32_t one) { return std::ranges::binary_search(literals, -one); });
    if (always || clause.weight == 0) continue;
    std::vector<Affine> factors;
    for (const std::int32_t literal : literals) factors.push_back(negated(literal));
    if (factors.empty()) sum.constant(clause.weight);
    // (a or b or rest) is (a or b or z) and (not z or rest) for a helper z.
    std::size_t at = 0;
    for (; factors.size() - at > 3; ++at) {
      const std::uint32_t z = sum.helper();
      add_three(sum, clause.weight, factors[at], factors[at + 1], {z, 1, -1});
      factors[at + 1] = {z, 0, 1};
    }
    const std::size_t left = factors.size() - at;
    if (left == 1) sum.add(clause.weight, factors[at]);
    if (left == 2) sum.add(clause.weight, factors[at], factors[at + 1]);
    if (left == 3) add_three(sum, clause.weight, factors[at], factors[at + 1], factors[at + 2]);
  }
  return sum.release();
}

}  // namespace heatbath::apps
