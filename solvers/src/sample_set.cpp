#include "heatbath/solvers/sample_set.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "heatbath/error.hpp"

namespace heatbath::solvers {

const char* name(Origin origin) { return origin == Origin::law ? "law" : "search"; }

void SampleSet::add(std::span<const float> state, double energy, std::uint32_t occurrences, std::uint32_t chain) {
  if (state.size() != cells_)
    throw Error(HB_BAD_ARG, "sample set: a state of " + std::to_string(state.size()) + " values; it has " +
                                std::to_string(cells_) + " cells");
  states_.insert(states_.end(), state.begin(), state.end());
  energies_.push_back(energy);
  occurrences_.push_back(occurrences);
  chains_.push_back(chain);
}

SampleSet SampleSet::of_chains(std::uint32_t cells, std::uint32_t chains, std::vector<float> states, std::vector<double> energies) {
  const std::size_t rows = energies.size();
  if (states.size() != rows * cells || (rows > 0 && (chains == 0 || rows % chains != 0)))
    throw Error(HB_BAD_ARG, "sample set: " + std::to_string(states.size()) + " values and " + std::to_string(rows) + " energies for " +
                                std::to_string(chains) + " chains of " + std::to_string(cells) + " cells");
  SampleSet set(cells, Origin::law);
  set.occurrences_.assign(rows, 1);
  set.chains_.resize(rows);
  for (std::size_t k = 0; k < rows; ++k) set.chains_[k] = static_cast<std::uint32_t>(k / (rows / chains));
  set.states_ = std::move(states);
  set.energies_ = std::move(energies);
  return set;
}

std::size_t SampleSet::lowest() const {
  if (energies_.empty()) throw Error(HB_BAD_ARG, "sample set: it holds no state");
  return static_cast<std::size_t>(std::ranges::min_element(energies_) - energies_.begin());
}

double SampleSet::success(double energy) const {
  double all = 0, good = 0;
  for (std::size_t k = 0; k < size(); ++k) {
    all += occurrences_[k];
    if (energies_[k] <= energy) good += occurrences_[k];
  }
  return all > 0 ? good / all : 0;
}

SampleSet SampleSet::aggregated() const {
  std::vector<std::size_t> order(size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto compare = [&](std::size_t a, std::size_t b) {
    const auto left = state(a), right = state(b);
    for (std::size_t i = 0; i < cells_; ++i)
      if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
    return 0;
  };
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    if (energies_[a] != energies_[b]) return energies_[a] < energies_[b];
    const int by_state = compare(a, b);
    return by_state != 0 ? by_state < 0 : a < b;
  });
  SampleSet together(cells_, origin_);
  together.aggregated_ = true;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const std::size_t row = order[k];
    if (k > 0 && compare(order[k - 1], row) == 0) together.occurrences_.back() += occurrences_[row];
    else together.add(state(row), energies_[row], occurrences_[row]);
  }
  together.kT = kT;
  together.device_ticks = device_ticks;
  together.device_seconds = device_seconds;
  together.heat_joules = heat_joules;
  together.updates = updates;
  together.notes = notes;
  return together;
}

template <class Value>
measure::Estimate SampleSet::average(const Value& value_of_row) const {
  if (origin_ == Origin::search)
    throw Error(HB_UNSUPPORTED, "sample set: an average over what a search ended with says nothing of a law; sample at a "
                                "temperature instead");
  if (aggregated_)
    throw Error(HB_UNSUPPORTED, "sample set: equal states were put together, so which depend on each other is lost; take "
                                "averages before that");
  std::vector<std::size_t> order(size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t row) { return chains_[row]; });
  std::size_t chains = size() > 0;
  for (std::size_t k = 1; k < order.size(); ++k) chains += chains_[order[k]] != chains_[order[k - 1]];
  const std::size_t length = chains > 0 ? size() / chains : 0;
  bool even = length >= 2 && length * chains == size();
  for (std::size_t k = 0; even && k < order.size(); ++k) even = chains_[order[k]] == chains_[order[k - k % length]];
  if (!even)
    throw Error(HB_BAD_ARG, "sample set: " + std::to_string(size()) + " states of " + std::to_string(chains) +
                                " chains; averages need chains of one length, 2 states or more");
  std::vector<double> values;
  values.reserve(size());
  for (const std::size_t row : order) {
    if (occurrences_[row] != 1) throw Error(HB_UNSUPPORTED, "sample set: a state that stands for several has no place in a chain");
    values.push_back(value_of_row(row));
  }
  return measure::mean_of_chains(values, chains);
}

measure::Estimate SampleSet::mean_energy() const {
  return average([&](std::size_t row) { return energies_[row]; });
}

measure::Estimate SampleSet::mean(std::uint32_t cell) const {
  if (cell >= cells_) throw Error(HB_BAD_ARG, "sample set: cell " + std::to_string(cell) + " of " + std::to_string(cells_));
  return average([&](std::size_t row) { return static_cast<double>(state(row)[cell]); });
}

measure::Estimate SampleSet::mean_product(std::uint32_t i, std::uint32_t j) const {
  if (i >= cells_ || j >= cells_)
    throw Error(HB_BAD_ARG, "sample set: cells " + std::to_string(i) + " and " + std::to_string(j) + " of " + std::to_string(cells_));
  return average([&](std::size_t row) { return static_cast<double>(state(row)[i]) * static_cast<double>(state(row)[j]); });
}

}  // namespace heatbath::solvers
