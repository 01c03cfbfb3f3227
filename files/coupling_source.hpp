#pragma once
// The couplings of a program before there is a device.

#include <cstdint>
#include <vector>

#include "heatbath/program.hpp"

namespace heatbath::apps {

/// Takes memory for the entries given, not cells x cells, except where a matrix was given.
struct CouplingSource {
  enum class Form {
    list,    ///< the pairs of `list`; all others are 0
    matrix,  ///< `matrix`
    all,     ///< `value` between all pairs of cells
    each,    ///< `value` for each pair that the device can couple
    graph    ///< those that the device's graph came with, times `value`
  };
  Form form = Form::list;
  bool directed = false;       ///< list: an entry is J_ij alone, what cell j does to cell i; else the pair, once
  std::vector<Coupling> list;  ///< no cell with itself, none twice
  std::vector<float> matrix;   ///< cells x cells, row-major, zero diagonal
  float value = 0;
};

/// Of a list: the first entry, in the order of the list, that comes a second time; list.size() where none does.
std::size_t repeated_entry(const CouplingSource& couplings);

/// The matrix, cells x cells, on a device with these capabilities. Throws Error(UNSUPPORTED) for Form::graph where its
/// graph came without couplings, and Error(BAD_ARG) above Program::matrix_cells.
std::vector<float> matrix_of(const CouplingSource& couplings, std::uint32_t cells, const Capabilities& capabilities = {});

/// Loads them into a program. Throws Error(BAD_ARG) that names the pair for what the device cannot couple, and for
/// couplings that are not symmetric where the device's are; Error(UNSUPPORTED) for Form::graph without such couplings.
void load(Program& program, const CouplingSource& couplings);

/// What a program applies that says nothing of couplings: those of the device's graph, else none.
CouplingSource usual_couplings(const Capabilities& capabilities);

}  // namespace heatbath::apps
