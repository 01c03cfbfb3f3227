#pragma once
// An array at cell level: a SystemC module per cell and per coupling, for up to 64 cells. For designers who replace a
// cell or a coupling by their own module and keep the rest.

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <systemc>
#include <vector>

namespace heatbath::physics {
struct Parameters;
struct Run;
}  // namespace heatbath::physics

namespace heatbath::systemc {

/// What a cell is told for one step. Float32, as the array's kernels compute them; energies in energy units.
struct CellInputs {
  float two_j2 = 0, four_j4 = 0, bias = 0;  ///< 2 J2, 4 J4, b at this step
  float gain = 0;                           ///< factor on the coupling sum
  float sigma = 0;                          ///< sqrt(2 mu kT dt)
  float mu_dt = 0;                          ///< mobility times step
  float rail = 0;                           ///< states are held to [-rail, rail]
  float value = 0;                          ///< what `load` sets the state to
  bool coupled = false;                     ///< any coupling and a gain
  bool clamped = false;                     ///< the cell does not move
  bool operator==(const CellInputs&) const = default;
};
std::ostream& operator<<(std::ostream& out, const CellInputs& inputs);
/// Traces the fields under `name`.
void sc_trace(sc_core::sc_trace_file* file, const CellInputs& inputs, const std::string& name);

/// A cell: derive from it and give next(). All cells read before any state changes: signals do that.
class CellModule : public sc_core::sc_module {
 public:
  sc_core::sc_vector<sc_core::sc_in<float>> x;         ///< states of all cells
  sc_core::sc_vector<sc_core::sc_in<float>> coupling;  ///< J_ik of this cell i with all k; J_ii = 0
  sc_core::sc_in<float> noise;                         ///< standard normal of this step
  sc_core::sc_in<CellInputs> inputs;
  sc_core::sc_in<bool> step;  ///< each change is the end of a step
  sc_core::sc_in<bool> load;  ///< each change sets the state to inputs.value
  sc_core::sc_out<float> state;

  std::uint32_t index() const { return index_; }

 protected:
  SC_HAS_PROCESS(CellModule);
  CellModule(const sc_core::sc_module_name& name, std::uint32_t index, std::uint32_t cells);
  /// The state at the end of the step, from the ports as they are during it. Not asked of a clamped cell.
  virtual float next() = 0;

 private:
  void update();
  std::uint32_t index_;
};

/// The overdamped quartic cell of physics/array.hpp: same equation, same order of operations, same bits.
class StockCell : public CellModule {
 public:
  StockCell(const sc_core::sc_module_name& name, std::uint32_t index, std::uint32_t cells)
      : CellModule(name, index, cells) {}

 protected:
  float next() override;
};

/// The coupler of cells i and k: what it makes of its setting both cells see as J_ik = J_ki.
class CouplingModule : public sc_core::sc_module {
 public:
  sc_core::sc_in<float> setting;  ///< the value the array was given
  sc_core::sc_out<float> j;       ///< the value it applies

  SC_HAS_PROCESS(CouplingModule);
  explicit CouplingModule(const sc_core::sc_module_name& name);

 protected:
  /// What a setting becomes; the setting itself in the stock coupler.
  virtual float transfer(float value) { return value; }

 private:
  void on_setting();
};

/// Makes the module of cell `index`, named `name`; null for the stock cell. Couplers: for i < k.
using CellFactory =
    std::function<std::unique_ptr<CellModule>(const char* name, std::uint32_t index, std::uint32_t cells)>;
using CouplingFactory =
    std::function<std::unique_ptr<CouplingModule>(const char* name, std::uint32_t i, std::uint32_t k)>;

/// One lane of cells (cell_0, …) and couplers (coupling_0_1, …) with the signals between them. A step takes `step_time`
/// of simulated time: its result is there at the end of it.
class CellLevelArray : public sc_core::sc_module {
 public:
  static constexpr std::uint32_t cells_max = 64;

  SC_HAS_PROCESS(CellLevelArray);
  /// Throws std::invalid_argument for 0 cells or more than cells_max.
  CellLevelArray(const sc_core::sc_module_name& name, std::uint32_t cells, float mobility, float rail,
                 const sc_core::sc_time& step_time, const CellFactory& cell = {}, const CouplingFactory& coupling = {});
  ~CellLevelArray() override;

  std::uint32_t cells() const;
  /// State of a cell.
  float state(std::uint32_t cell) const;
  const std::vector<std::unique_ptr<CellModule>>& modules() const;

  /// Writes states, held to the rails; takes effect before the next step. For the time between runs.
  void write(std::uint32_t first, std::span<const float> values);
  /// Cells that do not move: 1 in `clamped` (cells() entries). For the time between runs.
  void set_clamped(std::span<const std::uint8_t> clamped);

  /// Starts a stretch of steps at the present simulated time, with the noise of shot run.noise.shot0; done() is
  /// notified at its end, run.steps times the step time later. Taking records is left to the caller, by state(); ramps
  /// take cell parameters, gain and kT along. Throws std::invalid_argument while a stretch runs, for no steps, for a
  /// size that is not this array's, for one-way couplings, and for a ramp between two coupling matrices. `run.target`
  /// and `live` are copied.
  void start(const physics::Run& run, const physics::Parameters& live);
  bool running() const;
  const sc_core::sc_event& done() const;

 private:
  struct Impl;
  void process();
  void couple();
  std::unique_ptr<Impl> impl_;
};

}  // namespace heatbath::systemc
