#pragma once
// What a datasheet of the chip draws, as named SystemC objects: const views of the model, without processes.

#include <cstdint>
#include <memory>
#include <systemc>
#include <vector>

#include "heatbath/program.h"

namespace heatbath::model {
class Chip;
}

namespace heatbath::systemc {

/// A block of the chip. Views show the model at the time to which it was advanced (HeatbathChip::synchronize), lane 0
/// where lanes differ, and have no side effects. Before the first job there are no cells: values are 0.
class Block : public sc_core::sc_module {
 protected:
  /// `chip` is borrowed.
  Block(const sc_core::sc_module_name& name, const model::Chip& chip) : sc_module(name), chip_(chip) {}
  const model::Chip& chip_;
};

/// Registers as a host would read them.
class RegisterFileBlock : public Block {
 public:
  RegisterFileBlock(const sc_core::sc_module_name& name, const model::Chip& chip) : Block(name, chip) {}
  /// Value of the register at a byte offset; 0 where there is none.
  std::uint32_t peek(std::uint32_t offset) const;
};

class SequencerBlock : public Block {
 public:
  SequencerBlock(const sc_core::sc_module_name& name, const model::Chip& chip) : Block(name, chip) {}
  std::uint32_t pc() const;             ///< instruction in progress
  bool running() const;                 ///< a job was started and has not ended
  std::uint64_t evolved_ticks() const;  ///< ticks the array has evolved in the job
};

/// The converters in front of the array.
class DacBankBlock : public Block {
 public:
  DacBankBlock(const sc_core::sc_module_name& name, const model::Chip& chip) : Block(name, chip) {}
  /// What a cell gets, after conversion and mismatch, in the units of V.
  float j2(std::uint32_t cell) const;
  float j4(std::uint32_t cell) const;
  float bias(std::uint32_t cell) const;
  /// Temperature in energy units.
  float kT() const;
};

class CouplingFabricBlock : public Block {
 public:
  CouplingFabricBlock(const sc_core::sc_module_name& name, const model::Chip& chip) : Block(name, chip) {}
  /// J_ik, without the gain.
  float coupling(std::uint32_t i, std::uint32_t k) const;
  /// The global factor on all couplings.
  float gain() const;
};

/// One cell: a visible object without a process.
class Cell : public sc_core::sc_object {
 public:
  Cell(const char* name, const model::Chip& chip, std::uint32_t index) : sc_object(name), chip_(chip), index_(index) {}
  const char* kind() const override { return "heatbath_cell"; }
  std::uint32_t index() const { return index_; }
  /// State of lane 0.
  float state() const;

 private:
  const model::Chip& chip_;
  std::uint32_t index_;
};

class CellArrayBlock : public Block {
 public:
  /// Makes `cells` cells, cell_0 and so on.
  CellArrayBlock(const sc_core::sc_module_name& name, const model::Chip& chip, std::uint32_t cells);
  const std::vector<std::unique_ptr<Cell>>& cells() const { return cells_; }

 private:
  std::vector<std::unique_ptr<Cell>> cells_;
};

/// The noise sources.
class NoiseBlock : public Block {
 public:
  NoiseBlock(const sc_core::sc_module_name& name, const model::Chip& chip) : Block(name, chip) {}
  /// The normal that drives a cell in the step that follows; lane 0.
  float next(std::uint32_t cell) const;
};

/// The converters behind the array.
class AdcBankBlock : public Block {
 public:
  AdcBankBlock(const sc_core::sc_module_name& name, const model::Chip& chip) : Block(name, chip) {}
  /// What a record taken now would hold: the state after clipping and rounding.
  float sample(std::uint32_t cell) const;
};

class MetersBlock : public Block {
 public:
  MetersBlock(const sc_core::sc_module_name& name, const model::Chip& chip) : Block(name, chip) {}
  /// Meters of lane 0 as METER_SNAPSHOT would write them now; zeros where the chip or the job has none.
  hb_meters_t read() const;
};

}  // namespace heatbath::systemc
