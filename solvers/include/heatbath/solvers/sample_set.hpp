#pragma once
// States that a device gave for a problem, with their energies, and what may be concluded from them.

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "heatbath/measure/estimate.hpp"
#include "heatbath/ticks.hpp"

namespace heatbath::solvers {

/// Where states come from: samples of a law at a temperature, or what a search ended with. Averages over the second say
/// how the search went, nothing of a law.
enum class Origin : std::uint8_t { law, search };
const char* name(Origin origin);  ///< "law", "search"

/// States of one problem as rows, each with its energy and how often it came.
class SampleSet {
 public:
  /// No rows yet.
  SampleSet(std::uint32_t cells, Origin origin) : cells_(cells), origin_(origin) {}

  /// Samples of a law: `chains` equally long chains of states, one behind the other, and an energy of each state.
  /// Error(BAD_ARG) for other sizes.
  static SampleSet of_chains(std::uint32_t cells, std::uint32_t chains, std::vector<float> states, std::vector<double> energies);

  std::uint32_t cells() const { return cells_; }  ///< of a state
  std::size_t size() const { return energies_.size(); }  ///< rows
  Origin origin() const { return origin_; }  ///< where the states come from

  /// Appends a state of cells() values. `chain`: states of one chain depend on each other, chains do not.
  /// Error(BAD_ARG) for another number of values.
  void add(std::span<const float> state, double energy, std::uint32_t occurrences = 1, std::uint32_t chain = 0);

  /// Of a row: cells() values.
  std::span<const float> state(std::size_t row) const { return {states_.data() + row * cells_, cells_}; }
  std::span<const float> states() const { return states_; }  ///< rows, one after the other
  /// Of the rows, in their order: energies, and how often each state came.
  std::span<const double> energies() const { return energies_; }
  std::span<const std::uint32_t> occurrences() const { return occurrences_; }

  /// Row of the lowest energy, the first of them; Error(BAD_ARG) where there is none.
  std::size_t lowest() const;
  double lowest_energy() const { return energies_[lowest()]; }
  /// Part of all occurrences with an energy of at most `energy`.
  double success(double energy) const;

  /// The same with equal states in one row each, lowest energy first; chains are then lost, and averages with them.
  SampleSet aggregated() const;

  /// Averages over a law, from its chains (measure::mean_of_chains): of the energy; of one cell; of the product of two.
  /// Error(UNSUPPORTED) for the result of a search, and where states were put together by aggregated(); Error(BAD_ARG)
  /// for fewer than 2 states a chain or chains of different length.
  measure::Estimate mean_energy() const;
  measure::Estimate mean(std::uint32_t cell) const;
  measure::Estimate mean_product(std::uint32_t i, std::uint32_t j) const;

  // -- of the whole run --------------------------------------------------------------------------------------------
  double kT = std::numeric_limits<double>::quiet_NaN();      ///< of the law, energy units of the problem
  Ticks device_ticks;                                         ///< that the array evolved for them, all passes
  double device_seconds = 0;
  double heat_joules = std::numeric_limits<double>::quiet_NaN();  ///< given to the bath; NaN: not metered
  std::uint64_t updates = 0;                                  ///< of single cells
  std::vector<std::string> notes;                             ///< what a reader must know of them, a line each

 private:
  std::uint32_t cells_;
  Origin origin_;
  bool aggregated_ = false;
  std::vector<float> states_;
  std::vector<double> energies_;
  std::vector<std::uint32_t> occurrences_, chains_;

  template <class Value>
  measure::Estimate average(const Value& value_of_row) const;
};

}  // namespace heatbath::solvers
