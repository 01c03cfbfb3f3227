#pragma once
// The variables of the chip as a functional mock-up unit: one table, from which the model description is written and by
// which the unit judges what may be read and written.

#include <array>
#include <cstdint>
#include <optional>

namespace heatbath::apps::fmi {

/// Value references of variables; in a unit of scalars, that of an array's element is reference_of().
enum class Variable : std::uint32_t {
  time = 0,
  cells = 1,
  seed = 2,
  intermediate_period = 3,
  coupling_scale = 10,
  temperature = 11,
  bias = 12,
  clamp = 13,
  clamp_value = 14,
  x = 20,
  second = 24,
  energy = 21,
  work = 22,
  heat = 23,
};

enum class Type : std::uint8_t { float64, uint64, boolean };
enum class Causality : std::uint8_t { independent, structural_parameter, parameter, input, output };

struct VariableInfo {
  Variable id;
  const char* name;
  Type type;
  Causality causality;
  bool array;        ///< one value per cell
  const char* unit;  ///< of UnitDefinitions; empty: none
  const char* description;
};

constexpr std::array variables{
    VariableInfo{Variable::time, "time", Type::float64, Causality::independent, false, "s", "simulated time"},
    VariableInfo{Variable::cells, "cells", Type::uint64, Causality::structural_parameter, false, "",
                 "cells 0..cells-1 take part"},
    VariableInfo{Variable::seed, "seed", Type::uint64, Causality::parameter, false, "", "key of the noise"},
    VariableInfo{Variable::intermediate_period, "intermediate_period", Type::float64, Causality::parameter, false, "s",
                 "from one intermediate update to the next; 0: none"},
    VariableInfo{Variable::coupling_scale, "coupling_scale", Type::float64, Causality::input, false, "",
                 "factor on all couplings"},
    VariableInfo{Variable::temperature, "temperature", Type::float64, Causality::input, false, "energy_unit",
                 "kT of the bath"},
    VariableInfo{Variable::bias, "bias", Type::float64, Causality::input, true, "energy_unit",
                 "b of each cell: b x in the energy"},
    VariableInfo{Variable::clamp, "clamp", Type::boolean, Causality::input, true, "", "cells that are held"},
    VariableInfo{Variable::clamp_value, "clamp_value", Type::float64, Causality::input, true, "",
                 "state at which a clamped cell is held"},
    VariableInfo{Variable::x, "x", Type::float64, Causality::output, true, "", "state of each cell"},
    VariableInfo{Variable::second, "second", Type::float64, Causality::output, true, "",
                 "second state variable of each cell: velocity, voltage, or full turns"},
    VariableInfo{Variable::energy, "energy", Type::float64, Causality::output, false, "energy_unit", "V now"},
    VariableInfo{Variable::work, "work", Type::float64, Causality::output, false, "energy_unit",
                 "work done on the array since initialization"},
    VariableInfo{Variable::heat, "heat", Type::float64, Causality::output, false, "energy_unit",
                 "heat given to the bath since initialization"},
};

/// Which of the variables a unit has, and in what form.
struct Interface {
  bool scalar = false;           ///< elements of arrays are variables of their own; the number of cells is fixed
  std::uint32_t components = 1;  ///< state variables of a cell

  constexpr bool has(const VariableInfo& it) const {
    return (it.id != Variable::cells || !scalar) && (it.id != Variable::second || components > 1);
  }
};

/// A variable that a reference names: all of it, or of an array the element of one cell.
struct Place {
  const VariableInfo* variable = nullptr;  ///< null: there is none
  std::optional<std::uint32_t> cell;
};

constexpr std::uint32_t element_stride = 100;

/// Value reference of the element of `cell` in a unit of scalars.
constexpr std::uint32_t reference_of(Variable array, std::uint32_t cell) {
  return static_cast<std::uint32_t>(array) + element_stride * (cell + 1);
}

/// What a reference names in a unit of that interface and number of cells.
constexpr Place find(std::uint32_t reference, const Interface& interface, std::uint32_t cells) {
  const std::uint32_t element = reference / element_stride;
  for (const VariableInfo& it : variables) {
    if (static_cast<std::uint32_t>(it.id) != reference % element_stride || !interface.has(it)) continue;
    if (interface.scalar && it.array) return element >= 1 && element <= cells ? Place{&it, element - 1} : Place{};
    return element == 0 ? Place{&it, {}} : Place{};
  }
  return {};
}

}  // namespace heatbath::apps::fmi
