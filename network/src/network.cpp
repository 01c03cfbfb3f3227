#include "heatbath/network/network.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "heatbath/cells.h"
#include "heatbath/cells/categorical.hpp"
#include "heatbath/cells/phase.hpp"
#include "heatbath/cells/quartic.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/lanczos.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::network {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(HB_BAD_ARG, "network: " + what); }

std::string text(double value) { return numerics::text_of(value); }

constexpr auto fma = [](double a, double b, double c) { return std::fma(a, b, c); };

std::string pair_text(std::uint64_t i, std::uint64_t j) {
  std::string pair = "(";
  return pair.append(std::to_string(i)).append(", ").append(std::to_string(j)).append(")");
}

void check_finite(std::span<const double> values, const std::string& what) {
  for (std::size_t k = 0; k < values.size(); ++k)
    if (!std::isfinite(values[k]))
      refuse("value " + std::to_string(k) + " of " + what + " is " + text(values[k]) + "; it must be finite");
}

void check_size(std::size_t have, std::size_t want, const std::string& what) {
  if (have != want) refuse(what + " has " + std::to_string(have) + " values; needs " + std::to_string(want));
}

/// Side of a square matrix of so many values.
std::uint32_t side_of(std::size_t values, const std::string& what) {
  const auto side = static_cast<std::uint64_t>(std::llround(std::sqrt(static_cast<double>(values))));
  if (side == 0 || side * side != values || side > 0xFFFFFFFFu)
    refuse(what + " has " + std::to_string(values) + " values; a square matrix, row by row, is needed");
  return static_cast<std::uint32_t>(side);
}

std::uint32_t count_of(std::size_t values, const std::string& what) {
  if (values == 0 || values > 0xFFFFFFFFu)
    refuse(what + " has " + std::to_string(values) + " values; one per cell is needed");
  return static_cast<std::uint32_t>(values);
}

/// The entries above the diagonal that are not zero. Throws for a matrix that is not symmetric or not finite, and, with
/// `hollow`, for a diagonal that is not zero.
std::vector<Edge> upper_edges(std::span<const double> matrix, std::uint32_t n, const std::string& what, bool hollow) {
  check_size(matrix.size(), std::size_t{n} * n, what);
  check_finite(matrix, what);
  constexpr double rounding = 1e-12;
  const auto at = [&](std::uint32_t i, std::uint32_t j) { return matrix[std::size_t{i} * n + j]; };
  std::vector<Edge> edges;
  for (std::uint32_t i = 0; i < n; ++i) {
    if (hollow && at(i, i) != 0)
      refuse(what + " couples cell " + std::to_string(i) + " to itself; the diagonal is zero");
    for (std::uint32_t j = i + 1; j < n; ++j) {
      const double a = at(i, j), b = at(j, i);
      if (std::abs(a - b) > rounding * std::max(std::abs(a), std::abs(b)))
        refuse(what + ": entry " + pair_text(i, j) + " is " + text(a) + " and entry " + pair_text(j, i) + " is " +
               text(b) + "; a symmetric matrix is needed, and (A + A')/2 has the same quadratic form");
      if (a != 0 || b != 0) edges.push_back({i, j, a == b ? a : a / 2 + b / 2});
    }
  }
  return edges;
}

std::vector<Edge> negated(std::span<const Edge> edges) {
  std::vector<Edge> turned(edges.begin(), edges.end());
  for (Edge& edge : turned) edge.value = 0 - edge.value;  // no -0
  return turned;
}

std::vector<double> negated(std::span<const double> values) {
  std::vector<double> turned(values.begin(), values.end());
  for (double& value : turned) value = 0 - value;
  return turned;
}

/// Sorted, one entry per pair, i < j unless directed.
std::vector<Edge> in_order(std::span<const Edge> edges, std::uint32_t cells, bool directed) {
  std::vector<Edge> sorted(edges.begin(), edges.end());
  for (std::size_t k = 0; k < sorted.size(); ++k) {
    Edge& edge = sorted[k];
    const std::string where = "coupling " + std::to_string(k) + ", of cells " + pair_text(edge.i, edge.j);
    if (edge.i >= cells || edge.j >= cells) refuse(where + ": the network has cells 0.." + std::to_string(cells - 1));
    if (edge.i == edge.j) refuse(where + ": a cell is not coupled to itself; use j2");
    if (!std::isfinite(edge.value)) refuse(where + " is " + text(edge.value) + "; it must be finite");
    if (!directed && edge.i > edge.j) std::swap(edge.i, edge.j);
  }
  const auto before = [](const Edge& a, const Edge& b) { return a.i != b.i ? a.i < b.i : a.j < b.j; };
  std::ranges::sort(sorted, before);
  const auto same = [](const Edge& a, const Edge& b) { return a.i == b.i && a.j == b.j; };
  const auto twice = std::ranges::adjacent_find(sorted, same);
  if (twice != sorted.end())
    refuse("the coupling of cells " + pair_text(twice->i, twice->j) + " comes twice; each pair once, either way round");
  return sorted;
}

}  // namespace

double Factors::of(CellSection section) const {
  switch (section) {
    case CellSection::kT:
      return energy;
    case CellSection::bias:
      return energy * state;
    case CellSection::frequency:
      return time;
    case CellSection::j4:
      return of_couplings() * state * state;
    case CellSection::j2:
    case CellSection::mass:
    case CellSection::damping:
      break;
  }
  return of_couplings();
}

std::size_t Network::index_of(CellSection section) {
  return static_cast<std::size_t>(std::ranges::find(sections, section) - sections.begin());
}

Network::Network(CellKind kind, std::uint32_t cells, std::uint32_t states) : kind_(kind), cells_(cells), states_(states) {
  if (cells == 0) refuse("0 cells; at least 1 is needed");
  if (kind == CellKind::categorical ? states < 2 : states != 1)
    refuse(std::to_string(states) + " states of " + name(kind) + " cells; " +
           (kind == CellKind::categorical ? "at least 2 are needed" : "only categorical cells have any to count"));
  for (const CellSection section : sections)
    sections_[index_of(section)] = {section == CellSection::mass || section == CellSection::damping ? 1.0 : 0.0};
}

Network Network::quadratic_form(std::span<const double> A, std::span<const double> b, CellKind kind) {
  const std::uint32_t n = count_of(b.size(), "b");
  check_size(A.size(), std::size_t{n} * n, "A, for a b of " + std::to_string(n) + " values,");
  check_finite(b, "b");
  return std::move(Network(kind, n).set_half_quadratic(A).set_fields(b));
}

Network Network::ising(std::span<const Edge> J, std::span<const double> h) {
  return std::move(Network(CellKind::pbit, count_of(h.size(), "h")).set_aligning(J).set_fields(h));
}

Network Network::ising(std::span<const double> J, std::span<const double> h) {
  return std::move(Network(CellKind::pbit, count_of(h.size(), "h")).set_aligning(J).set_fields(h));
}

Network Network::qubo(std::span<const double> Q) {
  const std::uint32_t n = side_of(Q.size(), "Q");
  check_finite(Q, "Q");
  std::vector<double> own(n);
  std::vector<Edge> edges;
  for (std::uint32_t i = 0; i < n; ++i) {
    own[i] = Q[std::size_t{i} * n + i];
    for (std::uint32_t j = i + 1; j < n; ++j) {
      const double both = Q[std::size_t{i} * n + j] + Q[std::size_t{j} * n + i];
      if (both != 0) edges.push_back({i, j, both});
    }
  }
  return qubo(edges, own);
}

Network Network::qubo(std::span<const Edge> Q, std::span<const double> q) {
  const std::uint32_t n = count_of(q.size(), "q");
  check_finite(q, "q");
  // x = (1 + s)/2: Q x_i x_j = Q/4 (1 + s_i + s_j + s_i s_j) and q x_i = q/2 (1 + s_i).
  std::vector<Edge> edges = in_order(Q, n, false);
  std::vector<double> bias(n);
  double constant = 0;
  for (std::uint32_t i = 0; i < n; ++i) constant += bias[i] = q[i] / 2;
  for (Edge& edge : edges) {
    edge.value /= 4;
    bias[edge.i] += edge.value;
    bias[edge.j] += edge.value;
    constant += edge.value;
  }
  return std::move(Network(CellKind::pbit, n).set_couplings(edges).set(CellSection::bias, bias).set_constant(constant));
}

Network Network::max_cut(std::uint32_t cells, std::span<const Edge> weights) {
  // The weight cut is sum w (1 - s_i s_j)/2.
  std::vector<Edge> edges(weights.begin(), weights.end());
  double constant = 0;
  for (Edge& edge : edges) {
    edge.value /= 2;
    constant -= edge.value;
  }
  Network network(CellKind::pbit, cells);
  network.set_couplings(edges);
  return std::move(network.set_constant(constant));
}

namespace {

std::uint32_t rows_of(std::span<const double> h, std::uint32_t states) {
  if (states < 2) refuse(std::to_string(states) + " states; at least 2 are needed");
  if (h.size() % states != 0)
    refuse("h has " + std::to_string(h.size()) + " values; one for each of " + std::to_string(states) +
           " states of every cell is needed");
  return count_of(h.size() / states, "h");
}

}  // namespace

Network Network::potts(std::uint32_t states, std::span<const Edge> J, std::span<const double> h) {
  return std::move(Network(CellKind::categorical, rows_of(h, states), states).set_aligning(J).set_fields(h));
}

Network Network::potts(std::uint32_t states, std::span<const double> J, std::span<const double> h) {
  return std::move(Network(CellKind::categorical, rows_of(h, states), states).set_aligning(J).set_fields(h));
}

Network Network::colouring(std::uint32_t cells, std::uint32_t colours, std::span<const Edge> weights) {
  return std::move(Network(CellKind::categorical, cells, colours).set_couplings(weights));
}

Network Network::kuramoto(std::span<const Edge> K, std::span<const double> frequencies) {
  return std::move(Network(CellKind::phase, count_of(frequencies.size(), "frequencies"))
                       .set_aligning(K)
                       .set(CellSection::frequency, frequencies));
}

Network Network::double_wells(std::uint32_t cells, double height) {
  if (!(height > 0) || !std::isfinite(height)) refuse("a barrier of height " + text(height) + "; it must be above 0");
  return std::move(Network(CellKind::overdamped, cells)
                       .set(CellSection::j4, height)
                       .set(CellSection::j2, -2 * height)
                       .set_constant(cells * height));
}

Network& Network::set_fields(std::span<const double> h) {
  check_finite(h, "the fields");
  return set(CellSection::bias, negated(h));
}

Network& Network::set_aligning(std::span<const Edge> J) { return set_couplings(negated(J)); }

Network& Network::set_aligning(std::span<const double> J) {
  return set_couplings(negated(upper_edges(J, cells_, "J", true)));
}

Network& Network::set_half_quadratic(std::span<const double> A) {
  if (!has_positions() || kind_ == CellKind::rlc)
    throw Error(HB_UNSUPPORTED, std::string("network: a quadratic form lies on overdamped or underdamped cells, not on ") +
                                    name(kind_));
  std::vector<Edge> edges = upper_edges(A, cells_, "A", false);
  std::vector<double> half(cells_);
  for (std::size_t i = 0; i < cells_; ++i) half[i] = A[i * cells_ + i] / 2;
  set(CellSection::j2, half);
  edges_ = std::move(edges);
  directed_ = false;
  return *this;
}

Network& Network::set(CellSection section, std::span<const double> values) {
  const char* name = hb_section_name(static_cast<hb_section_t>(section));
  if (section == CellSection::kT)
    throw Error(HB_UNSUPPORTED, "network: a temperature is no part of a network; Scaling takes it");
  if (!has_section(kind_, section))
    throw Error(HB_UNSUPPORTED, "network: " + std::string(heatbath::name(kind_)) +
                                    " cells have no " + name);
  if (values.size() != 1) check_size(values.size(), values_in(section), name);
  check_finite(values, name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string where = std::string("value ") + std::to_string(i) + " of " + name + " is " + text(values[i]);
    if (section == CellSection::j4 && values[i] < 0)
      refuse(where + ": the energy would have no floor; needs 0 or more");
    if (section == CellSection::mass && !(values[i] > 0)) refuse(where + "; it must be above 0");
    if (section == CellSection::damping && values[i] < 0) refuse(where + "; needs 0 or more");
  }
  sections_[index_of(section)].assign(values.begin(), values.end());
  return *this;
}

Network& Network::set(CellSection section, double value) { return set(section, std::span(&value, 1)); }

Network& Network::set_couplings(std::span<const Edge> J) {
  edges_ = in_order(J, cells_, false);
  directed_ = false;
  return *this;
}

Network& Network::set_couplings(std::span<const double> J) {
  edges_ = upper_edges(J, cells_, "J", true);
  directed_ = false;
  return *this;
}

Network& Network::set_directed(std::span<const Edge> J) {
  edges_ = in_order(J, cells_, true);
  directed_ = true;
  return *this;
}

Network& Network::set_constant(double constant) {
  if (!std::isfinite(constant)) refuse("a constant of " + text(constant) + "; it must be finite");
  constant_ = constant;
  return *this;
}

std::uint32_t Network::values_in(CellSection section) const {
  return cells_ * (hb_section_is_per_state(static_cast<hb_section_t>(section)) ? states_ : 1);
}

double Network::value(CellSection section, std::uint32_t at) const {
  const std::vector<double>& values = sections_[index_of(section)];
  return values.size() == 1 ? values[0] : values[at];
}

double Network::largest(CellSection section) const {
  double most = 0;
  for (const double value : sections_[index_of(section)]) most = std::max(most, std::abs(value));
  return most;
}

double Network::largest_coupling() const {
  double most = 0;
  for (const Edge& edge : edges_) most = std::max(most, std::abs(edge.value));
  return most;
}

bool Network::has_positions() const {
  return kind_ == CellKind::overdamped || kind_ == CellKind::underdamped || kind_ == CellKind::rlc;
}

template <class State>
double Network::energy_of_labels(std::span<const State> state) const {
  double energy = constant_;
  for (std::uint32_t i = 0; i < cells_; ++i) {
    const double s = static_cast<double>(state[i]);
    if (!(s >= 0 && s < states_ && s == std::floor(s)))
      refuse("cell " + std::to_string(i) + " is in state " + text(s) + "; its states are 0 to " + std::to_string(states_ - 1));
    energy += value(CellSection::bias, i * states_ + static_cast<std::uint32_t>(s));
  }
  for (const Edge& edge : edges_)
    energy = cells::categorical_energy(fma, (directed_ ? 0.5 : 1.0) * edge.value, state[edge.i] == state[edge.j] ? 1.0 : 0.0,
                                       energy);
  return energy;
}

template <class State>
double Network::energy_of(std::span<const State> state) const {
  check_size(state.size(), cells_, "a state");
  if (states_ > 1) return energy_of_labels(state);
  double energy = constant_;
  const bool phases = kind_ == CellKind::phase;
  for (std::uint32_t i = 0; i < cells_; ++i) {
    const double x = static_cast<double>(state[i]), j2 = value(CellSection::j2, i), b = value(CellSection::bias, i);
    energy += phases ? cells::phase_energy(j2, b, std::cos(x))
                     : cells::quartic_energy(j2, value(CellSection::j4, i), b, x);
  }
  if (kind_ == CellKind::rlc) return energy;  // the edges are capacitances
  const double share = directed_ ? 0.5 : 1.0;
  for (const Edge& edge : edges_) {
    const double a = static_cast<double>(state[edge.i]), b = static_cast<double>(state[edge.j]);
    energy += share * edge.value * (phases ? std::cos(a - b) : a * b);
  }
  return energy;
}

double Network::energy(std::span<const double> state) const { return energy_of(state); }
double Network::energy(std::span<const float> state) const { return energy_of(state); }
double Network::energy(std::span<const std::int8_t> spins) const { return energy_of(spins); }

std::vector<double> Network::energies(std::span<const float> states) const {
  if (states.size() % cells_ != 0)
    refuse(std::to_string(states.size()) + " values of states; rows of " + std::to_string(cells_) + " are needed");
  std::vector<double> energies;
  energies.reserve(states.size() / cells_);
  for (std::size_t row = 0; row < states.size(); row += cells_) energies.push_back(energy(states.subspan(row, cells_)));
  return energies;
}

std::vector<double> Network::energies(const Capture& capture) const {
  if (capture.cells() != cells_ || capture.first() != 0)
    refuse("a capture of " + std::to_string(capture.cells()) + " variables from " + std::to_string(capture.first()) +
           " on; the energy needs those of the " + std::to_string(cells_) + " cells, from 0 on");
  return energies(capture.values());
}

std::vector<double> Network::gradient(std::span<const double> state) const {
  if (is_discrete(kind_))
    throw Error(HB_UNSUPPORTED, std::string("network: the energy of ") + (states_ > 1 ? "discrete states" : "spins") + " has no gradient");
  check_size(state.size(), cells_, "a state");
  std::vector<double> gradient(cells_);
  const bool phases = kind_ == CellKind::phase;
  for (std::uint32_t i = 0; i < cells_; ++i) {
    const double x = state[i], j2 = value(CellSection::j2, i), b = value(CellSection::bias, i);
    gradient[i] = phases ? cells::phase_gradient(fma, 4 * j2, b, 0.0, std::cos(x), std::sin(x))
                         : cells::quartic_gradient(fma, 2 * j2, 4 * value(CellSection::j4, i), b, x);
  }
  if (kind_ == CellKind::rlc) return gradient;
  const double share = directed_ ? 0.5 : 1.0;
  for (const Edge& edge : edges_) {
    const double a = state[edge.i], b = state[edge.j], J = share * edge.value;
    gradient[edge.i] += phases ? -J * std::sin(a - b) : J * b;
    gradient[edge.j] += phases ? J * std::sin(a - b) : J * a;
  }
  return gradient;
}

Network::Curvature Network::curvature(double reach) const {
  if (is_discrete(kind_)) return {};
  const double share = directed_ ? 0.5 : 1.0;
  if (kind_ == CellKind::phase) {  // |cos| is at most 1, so row sums bound every state
    std::vector<double> rows(cells_);
    for (std::uint32_t i = 0; i < cells_; ++i)
      rows[i] = std::abs(value(CellSection::bias, i)) + 4 * std::abs(value(CellSection::j2, i));
    for (const Edge& edge : edges_) {
      rows[edge.i] += 2 * share * std::abs(edge.value);
      rows[edge.j] += 2 * share * std::abs(edge.value);
    }
    const double most = *std::ranges::max_element(rows);
    return {-most, most};
  }
  const auto ends = [&](double at) {
    return numerics::spectrum_ends(cells_, [&](std::span<const double> x, std::span<double> y) {
      for (std::uint32_t i = 0; i < cells_; ++i)
        y[i] += cells::quartic_curvature(2 * value(CellSection::j2, i), 4 * value(CellSection::j4, i), at) * x[i];
      if (kind_ == CellKind::rlc) return;
      for (const Edge& edge : edges_) {
        y[edge.i] += share * edge.value * x[edge.j];
        y[edge.j] += share * edge.value * x[edge.i];
      }
    });
  };
  const numerics::SpectrumEnds rest = ends(0);
  const bool linear = largest(CellSection::j4) == 0;
  return {rest.lowest, linear ? rest.highest : ends(reach).highest};
}

void Network::load_into(Program& program, const Factors& factors) const {
  const Capabilities& capabilities = program.capabilities();
  require_cell_kind(capabilities, "this network", kind_);
  if (states_ != capabilities.states)
    throw Error(HB_UNSUPPORTED, "network: cells of " + std::to_string(states_) + " states; this device's have " +
                                    std::to_string(capabilities.states));
  if (program.cells() != cells_)
    refuse("a program of " + std::to_string(program.cells()) + " cells; the network has " + std::to_string(cells_));
  if (directed_ && !capabilities.couplings_full)
    throw Error(HB_UNSUPPORTED,
                "network: couplings that differ in their two directions need CAPS_PARAM_FORMAT.LAYOUT FULL; this "
                "device's are reciprocal");
  for (const CellSection section : sections) {
    if (!has_section(kind_, section)) continue;
    const std::vector<double>& values = sections_[index_of(section)];
    const double factor = factors.of(section);
    if (values.size() == 1) {
      program.load(section, static_cast<float>(factor * values[0]));
      continue;
    }
    std::vector<float> scaled(values.size());
    std::ranges::transform(values, scaled.begin(),
                           [factor](double value) { return static_cast<float>(factor * value); });
    program.load(section, scaled);
  }
  if (edges_.empty()) {
    program.load_gain(0);
    return;
  }
  std::vector<Coupling> list;
  const bool mirrored = capabilities.couplings_full && !directed_;
  list.reserve(edges_.size() * (mirrored ? 2 : 1));
  for (const Edge& edge : edges_) {
    const auto scaled = static_cast<float>(factors.of_couplings() * edge.value);
    list.push_back({edge.i, edge.j, scaled});
    if (mirrored) list.push_back({edge.j, edge.i, scaled});
  }
  program.load_coupling_list(list).load_gain(1);
}

}  // namespace heatbath::network
