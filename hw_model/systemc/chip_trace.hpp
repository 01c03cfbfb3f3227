#pragma once
// Waveforms of a chip in a VCD file.

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <systemc>
#include <vector>

#include "hw_model/systemc/heatbath_chip.hpp"

namespace heatbath::systemc {

/// What of a chip is written. Each traced value costs time at each sample: choose cells and period.
struct TraceSelection {
  std::vector<std::uint32_t> cells;  ///< CHIP.array.cell_N, the state of lane 0
  bool codes = false;      ///< of these cells: CHIP.dac_bank.bias_N (what the cell gets), CHIP.adc_bank.sample_N
  bool meters = false;     ///< CHIP.meters.energy, .work, .heat, of lane 0 of a job that reads meters
  bool sequencer = true;   ///< CHIP.sequencer.pc and .running
  bool interrupts = true;  ///< CHIP.register_file.intr_state and CHIP.irq
  std::uint64_t period_ticks = 0;  ///< from one sample to the next, at least 1
};

/// Samples a chip every period and writes a VCD file, which GTKWave opens. Made before the simulation starts, destroyed
/// before the chip; the file is complete when it is destroyed. Sampling advances the model, and changes no result.
class ChipTrace : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(ChipTrace);
  /// `path` ends in .vcd. Throws std::invalid_argument in one line: another ending, a file that cannot be written, a
  /// cell that the chip does not have, a period of 0.
  ChipTrace(const sc_core::sc_module_name& name, HeatbathChip& chip, const std::string& path,
            const TraceSelection& selection);
  ~ChipTrace() override;

 private:
  struct Value {
    std::function<double()> read;
    double shown;
  };
  void add(const std::string& name, std::function<double()> read);
  void sample();

  HeatbathChip& chip_;
  sc_core::sc_time period_;
  sc_core::sc_trace_file* file_;
  std::deque<Value> values_;  // the trace file keeps references
};

}  // namespace heatbath::systemc
