#include "files/coupling_source.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

using Form = CouplingSource::Form;

std::uint64_t key_of(const Coupling& c, bool directed) {
  const std::uint32_t a = directed ? c.i : std::min(c.i, c.j), b = directed ? c.j : std::max(c.i, c.j);
  return std::uint64_t{a} << 32 | b;
}

/// Each pair once, of one-way entries that must come to the same both ways.
std::vector<Coupling> symmetric_list(std::span<const Coupling> directed) {
  std::vector<Coupling> sorted(directed.begin(), directed.end()), once;
  const auto pair_then_way = [](const Coupling& a, const Coupling& b) {
    const auto ka = key_of(a, false), kb = key_of(b, false);
    return ka != kb ? ka < kb : a.i < b.i;
  };
  std::sort(sorted.begin(), sorted.end(), pair_then_way);
  for (std::size_t n = 0; n < sorted.size(); ++n) {
    const Coupling& one = sorted[n];
    const bool both = n + 1 < sorted.size() && key_of(sorted[n + 1], false) == key_of(one, false);
    const float other = both ? sorted[n + 1].value : 0.0f;
    if (one.value != other)
      throw Error(HB_BAD_ARG,
                  fmt::format("couplings: J[{}][{}] is {} but J[{}][{}] is {}; this device's couplings are symmetric (a "
                              "device of one-way couplings is reciprocal=no)",
                              one.i, one.j, numerics::text_of(one.value), one.j, one.i, numerics::text_of(other)));
    once.push_back(one);
    n += both ? 1 : 0;
  }
  return once;
}

std::vector<Coupling> both_ways(std::span<const Coupling> list) {
  std::vector<Coupling> both;
  both.reserve(2 * list.size());
  for (const Coupling& c : list) {
    both.push_back(c);
    both.push_back({c.j, c.i, c.value});
  }
  return both;
}

void load_all(Program& program, float value) {
  const std::uint64_t n = program.cells();
  const std::uint64_t ways = program.capabilities().couplings_full ? 2 : 1;
  if (program.capabilities().sparse() && value != 0 && program.values_of(HB_SECTION_COUPLING) != ways * n * (n - 1) / 2)
    throw Error(HB_BAD_ARG, fmt::format("couplings.all: this device has {} couplers, not one for each of the {} pairs; each = "
                                        "{} couples the pairs that have one",
                                        program.values_of(HB_SECTION_COUPLING) / ways, n * (n - 1) / 2,
                                        numerics::text_of(value)));
  program.load_couplings(value);
}

void require_graph_couplings(const Capabilities& capabilities) {
  if (!capabilities.graph_couplings)
    throw Error(HB_UNSUPPORTED, capabilities.sparse()
                                    ? "couplings.graph: the graph of this device came without couplings"
                                    : "couplings.graph: this device couples all pairs; it has no graph with couplings");
}

void load_graph(Program& program, float factor) {
  const Capabilities& capabilities = program.capabilities();
  require_graph_couplings(capabilities);
  const std::vector<float>& all = *capabilities.graph_couplings;
  if (factor == 1 && program.cells() == capabilities.cells) {
    program.load_coupler_values(all);
    return;
  }
  const std::size_t ways = capabilities.couplings_full ? 2 : 1;
  std::vector<float> values;
  values.reserve(program.values_of(HB_SECTION_COUPLING));
  for (std::size_t k = 0; k < all.size(); ++k)
    if (capabilities.couplers()[k / ways].j < program.cells()) values.push_back(factor * all[k]);
  program.load_coupler_values(values);
}

}  // namespace

std::size_t repeated_entry(const CouplingSource& couplings) {
  const std::vector<Coupling>& list = couplings.list;
  std::vector<std::size_t> order(list.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t k) { return key_of(list[k], couplings.directed); };
  const auto before = [&](std::size_t a, std::size_t b) { return key(a) != key(b) ? key(a) < key(b) : a < b; };
  if (!std::is_sorted(order.begin(), order.end(), before)) std::sort(order.begin(), order.end(), before);
  std::size_t first = list.size();
  for (std::size_t n = 1; n < order.size(); ++n)
    if (key(order[n]) == key(order[n - 1])) first = std::min(first, order[n]);
  return first;
}

std::vector<float> matrix_of(const CouplingSource& couplings, std::uint32_t cells, const Capabilities& capabilities) {
  if (couplings.form == Form::matrix) return couplings.matrix;
  if (cells > Program::matrix_cells)
    throw Error(HB_BAD_ARG, fmt::format("a matrix of couplings of {} cells; at most {} cells", cells, Program::matrix_cells));
  const std::size_t n = cells;
  const bool everywhere = couplings.form == Form::all || (couplings.form == Form::each && !capabilities.sparse());
  std::vector<float> matrix(n * n, everywhere ? couplings.value : 0.0f);
  for (std::size_t i = 0; i < n; ++i) matrix[i * (n + 1)] = 0;
  for (const Coupling& c : couplings.list) {
    matrix[c.i * n + c.j] = c.value;
    if (!couplings.directed) matrix[c.j * n + c.i] = c.value;
  }
  if (everywhere || couplings.form == Form::list) return matrix;
  const bool graph = couplings.form == Form::graph;
  if (graph) require_graph_couplings(capabilities);
  const std::size_t ways = graph && capabilities.couplings_full ? 2 : 1;
  for (std::size_t k = 0; k < capabilities.couplers().size(); ++k) {
    const Coupler at = capabilities.couplers()[k];
    if (at.j >= cells) continue;
    const float* values = graph ? capabilities.graph_couplings->data() + ways * k : nullptr;
    matrix[at.i * n + at.j] = couplings.value * (graph ? values[0] : 1.0f);
    matrix[at.j * n + at.i] = couplings.value * (graph ? values[ways - 1] : 1.0f);
  }
  return matrix;
}

void load(Program& program, const CouplingSource& couplings) {
  const bool full = program.capabilities().couplings_full;
  switch (couplings.form) {
    case Form::matrix: program.load_couplings(couplings.matrix); break;
    case Form::all: load_all(program, couplings.value); break;
    case Form::each: program.load_couplings(couplings.value); break;
    case Form::graph: load_graph(program, couplings.value); break;
    case Form::list:
      if (couplings.directed == full) program.load_coupling_list(couplings.list);
      else program.load_coupling_list(full ? both_ways(couplings.list) : symmetric_list(couplings.list));
      break;
  }
}

CouplingSource usual_couplings(const Capabilities& capabilities) {
  CouplingSource usual;
  usual.form = capabilities.graph_couplings ? Form::graph : Form::each;
  usual.value = capabilities.graph_couplings ? 1.0f : 0.0f;
  return usual;
}

}  // namespace heatbath::apps
