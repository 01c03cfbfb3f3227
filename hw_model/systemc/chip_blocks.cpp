#include "hw_model/systemc/chip_blocks.hpp"

#include <string>

#include "hw_model/analog/converters.hpp"
#include "hw_model/device/chip.hpp"
#include "hw_model/physics/noise.hpp"

namespace heatbath::systemc {
namespace {

bool has_cell(const model::Chip& chip, std::uint32_t cell) {
  const physics::Array* array = chip.sequencer().array();
  return array != nullptr && cell < array->cells();
}

}  // namespace

std::uint32_t RegisterFileBlock::peek(std::uint32_t offset) const { return chip_.peek32(offset); }

std::uint32_t SequencerBlock::pc() const { return chip_.sequencer().pc(); }
bool SequencerBlock::running() const { return chip_.sequencer().running(); }
std::uint64_t SequencerBlock::evolved_ticks() const { return chip_.sequencer().job_ticks(); }

float DacBankBlock::j2(std::uint32_t cell) const {
  return has_cell(chip_, cell) ? chip_.sequencer().live().j2[cell] : 0.0f;
}
float DacBankBlock::j4(std::uint32_t cell) const {
  return has_cell(chip_, cell) ? chip_.sequencer().live().j4[cell] : 0.0f;
}
float DacBankBlock::bias(std::uint32_t cell) const {
  return has_cell(chip_, cell) ? chip_.sequencer().live().bias[cell] : 0.0f;
}
float DacBankBlock::kT() const { return chip_.sequencer().array() != nullptr ? chip_.sequencer().live().kT : 0.0f; }

float CouplingFabricBlock::coupling(std::uint32_t i, std::uint32_t k) const {
  return has_cell(chip_, i) && has_cell(chip_, k) ? chip_.sequencer().live().couplings->at(i, k) : 0.0f;
}
float CouplingFabricBlock::gain() const {
  return chip_.sequencer().array() != nullptr ? chip_.sequencer().live().gain : 0.0f;
}

float Cell::state() const { return has_cell(chip_, index_) ? chip_.sequencer().array()->state(0, index_) : 0.0f; }

CellArrayBlock::CellArrayBlock(const sc_core::sc_module_name& name, const model::Chip& chip, std::uint32_t cells)
    : Block(name, chip) {
  cells_.reserve(cells);
  for (std::uint32_t i = 0; i < cells; ++i)
    cells_.push_back(std::make_unique<Cell>(("cell_" + std::to_string(i)).c_str(), chip, i));
}

float NoiseBlock::next(std::uint32_t cell) const {
  if (!has_cell(chip_, cell)) return 0.0f;
  const physics::NoiseOrigin origin = chip_.sequencer().noise();
  return physics::normal(origin.seed, cell, origin.step, origin.shot0, physics::Purpose::thermal, origin.refinement);
}

float AdcBankBlock::sample(std::uint32_t cell) const {
  if (!has_cell(chip_, cell)) return 0.0f;
  float value = chip_.sequencer().array()->state(0, cell);
  chip_.sequencer().imperfections().read_out(0, cell, std::span(&value, 1), nullptr);
  model::convert(value, chip_.profile().state_converter());
  return value;
}

hb_meters_t MetersBlock::read() const {
  return chip_.sequencer().metered() ? chip_.sequencer().meters(0) : hb_meters_t{};
}

}  // namespace heatbath::systemc
