#pragma once
// A device program described in TOML: network, schedule, samples.
//
//   [network]
//   cells = 64                       # required
//   dt = 0.001                       # step of the array, time units; default the device's
//   j2 = 1.0                         # number or one per cell, default 1; of phases 0   V = J2 x^2 + J4 x^4 + b x
//   j4 = 1.0                         # default 1; of other than overdamped cells, and with the exact-ou stepper, 0
//   bias = 0.0                       # b, default 0; of categorical cells a list for each cell, of one for each state
//   kT = 0.1                         # energy units, default the device's reset temperature
//   mass = 1.0                       # or capacitance, default 1
//   damping = 1.0                    # or conductance, default 1
//   frequency = 0.0                  # of phases, default 0
//   gain = 1.0                       # factor on all couplings, default 1
//   initial = 0.0                    # states at the start; default 0 (of p-bits 1) where the device can write states, else as found
//   initial_second = 0.0             # second state variable of the cells: velocity, full turns, voltage; default 0
//   couplings = [[0, 1, -0.5]]       # [i, j, J] each pair once; or one of
//   couplings = { matrix = [[0.0, -0.5], [-0.5, 0.0]] }
//   couplings = { chain = -0.5, periodic = true }
//   couplings = { grid = [8, 8], value = -0.5, periodic = false }
//   couplings = { all = -0.01 }
//   couplings = { directed = [[0, 1, -0.5]] }   # [i, k, J]: what cell k does to cell i; for devices not reciprocal
//
//   [[schedule]]                     # in order; durations and periods in time units
//   op = "evolve"                    # duration
//   op = "load"                      # j2, j4, bias, couplings, gain, kT, mass, damping, frequency: to the shadow
//   op = "commit"
//   op = "ramp"                      # duration, and the parameters of load: live goes linearly to the shadow
//   op = "set", "clamp"              # first (0), and value with count (to the last cell), or values; set: variable
//                                    # cells + i is the second state variable of cell i
//   op = "release"                   # first (0), count (to the last cell)
//   op = "sample"                    # one record
//   op = "capture"                   # period, now (true): a record every period
//   op = "capture_stop"
//   op = "meters"                    # name: a snapshot of energy, work and heat; "meters_clear" starts them from zero
//   op = "readback"                  # section = "j2", …, "frequency", "couplings": as the device applied it
//   op = "repeat"                    # times, steps = [ … ]
//
//   [samples]
//   shots = 100                      # default 1
//   seed = 1                         # noise key; refused by a device that cannot be seeded
//   first_cell = 0                   # captured cells; cells + i is the second state variable of cell i
//   cells = 64
//   heat_per_cell = false            # true: the meters give the heat of each cell, too; so the other meters on request
//
//   [statistics]                     # see statistics_request.hpp
//
// The last record is the final state, whether or not the schedule samples it.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "files/coupling_source.hpp"
#include "files/statistics_request.hpp"
#include "heatbath/device.hpp"

namespace heatbath::apps {

/// Parameters that a step loads. One value, one per cell, or, of biases, shots x cells, or cells x states. Absent: not
/// loaded.
struct ParameterSet {
  std::optional<std::vector<float>> j2, j4, bias, kT, mass, damping, frequency;
  std::uint32_t bias_states = 1;  ///< biases of a cell, one for each of its states
  std::shared_ptr<const CouplingSource> couplings;
  std::optional<float> gain;
};

struct ScheduleStep {
  enum class Op {
    evolve,
    load,
    commit,
    ramp,
    set,
    clamp,
    release,
    sample,
    capture,
    capture_stop,
    meters,
    meters_clear,
    readback,
    repeat
  };
  Op op = Op::evolve;
  std::string where;                   ///< "FILE:LINE", for errors
  double duration = 0;                 ///< evolve, ramp; period of capture; time units
  std::string duration_where;          ///< "FILE:LINE: KEY" of it
  ParameterSet parameters;             ///< load, ramp
  std::uint32_t first = 0, count = 0;  ///< set, clamp, release
  std::vector<float> values;           ///< set, clamp: one, or count
  bool now = true;                     ///< capture
  std::string name;                    ///< meters: of the snapshot; readback: section
  std::uint32_t times = 1;             ///< repeat
  std::vector<ScheduleStep> steps;     ///< repeat
};

struct TomlProgram {
  std::string path;
  std::uint32_t cells = 0;
  std::optional<double> dt;  ///< time units
  ParameterSet network;
  std::optional<std::vector<float>> initial, initial_second;
  std::vector<ScheduleStep> schedule;
  std::uint32_t shots = 1;
  std::optional<std::uint64_t> seed;
  std::uint32_t first_cell = 0, capture_cells = 0;
  MeterSet on_request;  ///< of all snapshots
  std::optional<StatisticsRequest> statistics;

  /// "FILE:LINE: KEY" of keys that a device has to judge, by key (network.dt, samples.seed); or the option in its
  /// place.
  std::map<std::string, std::string> places;

  /// Where a key stands: its place, or the file and the key where it was not given.
  std::string place(const std::string& key) const;
  /// Names of the meter snapshots and of the readback sections, in the order of Result::meters and Result::readback.
  std::vector<std::string> meter_names() const;
  std::vector<std::string> readback_names() const;
  /// Shots for which arrays that differ from shot to shot have rows; 0 where there are none. Throws Error(BAD_ARG)
  /// where they disagree.
  std::uint32_t rows() const;
};

/// Reads and validates a file without a device. Throws Error(BAD_ARG or IO) in one line: file, line, key, what would be
/// right; unknown keys, wrong types and wrong sizes included.
TomlProgram read_toml_program(const std::filesystem::path& path);

}  // namespace heatbath::apps
