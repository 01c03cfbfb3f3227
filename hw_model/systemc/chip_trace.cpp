#include "hw_model/systemc/chip_trace.hpp"

#include <fstream>
#include <stdexcept>
#include <utility>

#include "heatbath/regs.h"

namespace heatbath::systemc {
namespace {

constexpr const char* ending = ".vcd";

/// The path without its ending, which the library adds.
std::string stem_of(const std::string& path) {
  if (!path.ends_with(ending)) throw std::invalid_argument("trace file " + path + ": the name must end in .vcd");
  if (!std::ofstream(path)) throw std::invalid_argument("trace file " + path + ": cannot be written");
  return path.substr(0, path.size() - std::string(ending).size());
}

}  // namespace

ChipTrace::ChipTrace(const sc_core::sc_module_name& name, HeatbathChip& chip, const std::string& path,
                     const TraceSelection& selection)
    : sc_module(name), chip_(chip), file_(nullptr) {
  if (selection.period_ticks == 0)
    throw std::invalid_argument("trace file " + path + ": the period must be 1 tick or more");
  const auto& cells = chip.array->cells();
  for (const std::uint32_t cell : selection.cells) {
    if (cell >= cells.size())
      throw std::invalid_argument("trace file " + path + ": there is no cell " + std::to_string(cell) +
                                  "; the chip has " + std::to_string(cells.size()));
  }
  period_ = chip.tick() * static_cast<double>(selection.period_ticks);
  file_ = sc_core::sc_create_vcd_trace_file(stem_of(path).c_str());
  file_->set_time_unit(1, sc_core::SC_PS);

  for (const std::uint32_t cell : selection.cells) {
    add(cells[cell]->name(), [&chip, cell] { return chip.array->cells()[cell]->state(); });
    if (!selection.codes) continue;
    const std::string number = std::to_string(cell);
    add(chip.dac_bank->name() + (".bias_" + number), [&chip, cell] { return chip.dac_bank->bias(cell); });
    add(chip.adc_bank->name() + (".sample_" + number), [&chip, cell] { return chip.adc_bank->sample(cell); });
  }
  if (selection.meters) {
    const std::string meters = chip.meters->name();
    add(meters + ".energy", [&chip] { return chip.meters->read().energy; });
    add(meters + ".work", [&chip] { return chip.meters->read().work; });
    add(meters + ".heat", [&chip] { return chip.meters->read().heat; });
  }
  if (selection.sequencer) {
    const std::string sequencer = chip.sequencer->name();
    add(sequencer + ".pc", [&chip] { return chip.sequencer->pc(); });
    add(sequencer + ".running", [&chip] { return chip.sequencer->running() ? 1.0 : 0.0; });
  }
  if (selection.interrupts) {
    add(chip.register_file->name() + std::string(".intr_state"),
        [&chip] { return chip.register_file->peek(HB_INTR_STATE_OFFSET); });
    add(chip.name() + std::string(".irq"), [&chip] {
      const auto& registers = *chip.register_file;
      return (registers.peek(HB_INTR_STATE_OFFSET) & registers.peek(HB_INTR_ENABLE_OFFSET)) != 0 ? 1.0 : 0.0;
    });
  }
  SC_METHOD(sample);
}

ChipTrace::~ChipTrace() {
  if (file_ != nullptr) sc_core::sc_close_vcd_trace_file(file_);
}

void ChipTrace::add(const std::string& name, std::function<double()> read) {
  values_.push_back({std::move(read), 0.0});
  sc_core::sc_trace(file_, values_.back().shown, name);
}

void ChipTrace::sample() {
  chip_.synchronize();
  for (Value& value : values_) value.shown = value.read();
  next_trigger(period_);
}

}  // namespace heatbath::systemc
