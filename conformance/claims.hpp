#pragma once
// The claims of conformance.cpp, one function each: a Claim's check.

#include <string>

#include "heatbath/device.hpp"

namespace heatbath::conformance::checks {

// registers and links
void identity(Device& device);
void reset_values(Device& device);
void read_write(Device& device);
void read_only(Device& device);
void unmapped(Device& device);
void commands(Device& device);
void interrupts(Device& device);
void time(Device& device);
void memory(Device& device);

// programs and jobs
void programs(Device& device);
void loops(Device& device);
void refusals(Device& device);
void busy(Device& device);
void ring_wraps(Device& device);
void ring_full(Device& device);
void abort(Device& device);
void timeout(Device& device);
void reset_in_run(Device& device);
void shots(Device& device);
void determinism(Device& device);

// what the numbers mean
void meters(Device& device);
void readback(Device& device);
void clipping(Device& device);
void linear_cells(Device& device);
void quartic_cells(Device& device);
/// Adds up the heat of cells.
void cell_heat(Device& device);
/// Meters beside states and parameters that are known.
std::string meter_signs(Device& device);

// the device as a sampler; each returns what a kept claim has to show
std::string sampler_law(Device& device);
std::string sampler_couplers(Device& device);
std::string sampler_independence(Device& device);
std::string sampler_sweeps(Device& device);
/// One row of the validation ladder with `effort` of its samples; skipped by what the device lacks.
std::string statistics(Device& device, const char* suite, const char* row, double effort);

}  // namespace heatbath::conformance::checks
