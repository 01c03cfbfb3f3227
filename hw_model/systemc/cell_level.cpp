#include "hw_model/systemc/cell_level.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "heatbath/cells/quartic.hpp"
#include "heatbath/physics/formulas.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/physics/noise.hpp"
#include "hw_model/physics/ramp.hpp"

extern "C" int sc_main(int count, char* arguments[]);

namespace heatbath::systemc {
namespace {

[[gnu::used]] int (*const entry)(int, char**) = &sc_main;  // keeps sc_main.cpp linked, as in heatbath_chip.cpp

/// Pair (i, k), i < k, in the order of the upper triangle.
std::size_t pair_of(std::uint32_t i, std::uint32_t k, std::uint32_t cells) {
  const std::size_t a = std::min(i, k), b = std::max(i, k);
  return a * (2 * std::size_t{cells} - a - 1) / 2 + b - a - 1;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const CellInputs& inputs) {
  return out << "2 J2 " << inputs.two_j2 << ", 4 J4 " << inputs.four_j4 << ", bias " << inputs.bias << ", gain "
             << inputs.gain << (inputs.clamped ? ", clamped" : "");
}

void sc_trace(sc_core::sc_trace_file* file, const CellInputs& inputs, const std::string& name) {
  sc_core::sc_trace(file, inputs.two_j2, name + ".two_j2");
  sc_core::sc_trace(file, inputs.four_j4, name + ".four_j4");
  sc_core::sc_trace(file, inputs.bias, name + ".bias");
  sc_core::sc_trace(file, inputs.gain, name + ".gain");
  sc_core::sc_trace(file, inputs.sigma, name + ".sigma");
  sc_core::sc_trace(file, inputs.clamped, name + ".clamped");
}

// -- cells and couplers -----------------------------------------------------------------------------------------------

CellModule::CellModule(const sc_core::sc_module_name& name, std::uint32_t index, std::uint32_t cells)
    : sc_module(name),
      x("x", cells),
      coupling("coupling", cells),
      noise("noise"),
      inputs("inputs"),
      step("step"),
      load("load"),
      state("state"),
      index_(index) {
  SC_METHOD(update);
  sensitive << step << load;
  dont_initialize();
}

void CellModule::update() {
  if (load.event()) {
    state.write(inputs.read().value);
  } else if (!inputs.read().clamped) {
    state.write(next());
  }
}

float StockCell::next() {
  const CellInputs in = inputs.read();
  const float own = x[index()].read();
  const auto fused = [](float a, float b, float c) { return std::fma(a, b, c); };
  float gradient = cells::quartic_gradient(fused, in.two_j2, in.four_j4, in.bias, own);
  if (in.coupled) {
    float y = 0.0f;
    for (std::size_t k = 0; k < x.size(); ++k) y = std::fma(coupling[k].read(), x[k].read(), y);
    gradient = cells::linear_coupling(fused, in.gain, y, gradient);
  }
  const float moved = physics::formulas::moved(fused, own, -in.mu_dt, gradient, in.sigma, noise.read());
  return moved > in.rail ? in.rail : moved < -in.rail ? -in.rail : moved;
}

CouplingModule::CouplingModule(const sc_core::sc_module_name& name) : sc_module(name), setting("setting"), j("j") {
  SC_METHOD(on_setting);
  sensitive << setting;
}

void CouplingModule::on_setting() { j.write(transfer(setting.read())); }

// -- the array --------------------------------------------------------------------------------------------------------

struct CellLevelArray::Impl {
  template <class T>
  using Signals = sc_core::sc_vector<sc_core::sc_signal<T>>;

  std::uint32_t cells;
  float mobility, rail;
  sc_core::sc_time step_time;

  Signals<float> x, noise, setting, j;
  Signals<CellInputs> inputs;
  sc_core::sc_signal<float> none{"none"};  // J_ii
  sc_core::sc_signal<bool> step{"step"}, load{"load"};
  std::vector<std::unique_ptr<CellModule>> modules;
  std::vector<std::unique_ptr<CouplingModule>> couplers;

  // The process: settles (couplings and loads reach the cells), then one step after the other.
  enum class Phase : std::uint8_t { idle, apply, settle, stepping, stepped } phase = Phase::idle;
  sc_core::sc_event begin{"begin"}, done{"done"};
  physics::Run run;
  physics::Parameters live, target;
  std::uint64_t next_step = 0;
  std::vector<std::uint8_t> clamped;
  std::vector<float> written;  // of write(), for all cells
  bool to_load = false;

  Impl(std::uint32_t count, float mu, float limit, const sc_core::sc_time& time)
      : cells(count),
        mobility(mu),
        rail(limit),
        step_time(time),
        x("x", count),
        noise("noise", count),
        setting("setting", std::size_t{count} * (count - 1) / 2),
        j("j", std::size_t{count} * (count - 1) / 2),
        inputs("inputs", count),
        clamped(count, 0),
        written(count, 0.0f) {}

  /// Parameters and noise of the step `next_step` of the run.
  void present() {
    const bool ramped = run.ramp_steps > 0;
    const double position =
        ramped ? static_cast<double>(run.ramp_first + next_step) / static_cast<double>(run.ramp_steps) : 0.0;
    const auto s = static_cast<float>(position);
    const auto between = [&](float from, float to) { return ramped ? physics::ramp::between(from, to, s) : from; };
    const double mu_dt = static_cast<double>(mobility) * run.dt;
    const auto gain = static_cast<float>(ramped ? live.gain + position * (target.gain - live.gain) : live.gain);
    for (std::uint32_t i = 0; i < cells; ++i) {
      const double kT = ramped ? physics::ramp::scalar_between(live.kT_of(i), target.kT_of(i), position) : live.kT_of(i);
      CellInputs in;
      in.two_j2 = between(2.0f * live.j2[i], 2.0f * target.j2[i]);
      in.four_j4 = between(4.0f * live.j4[i], 4.0f * target.j4[i]);
      in.bias = between(live.bias[i], target.bias[i]);
      in.gain = gain;
      in.sigma = static_cast<float>(std::sqrt(2.0 * mu_dt * kT));
      in.mu_dt = static_cast<float>(mu_dt);
      in.rail = rail;
      in.value = written[i];
      in.coupled = !live.couplings->zero() && gain != 0.0f;
      in.clamped = clamped[i] != 0;
      inputs[i].write(in);
      noise[i].write(physics::normal(run.noise.seed, i, run.noise.step + next_step, run.noise.shot0));
    }
  }
};

CellLevelArray::CellLevelArray(const sc_core::sc_module_name& name, std::uint32_t cells, float mobility, float rail,
                               const sc_core::sc_time& step_time, const CellFactory& cell,
                               const CouplingFactory& coupling)
    : sc_module(name) {
  if (cells == 0 || cells > cells_max)
    throw std::invalid_argument("an array at cell level has 1.." + std::to_string(cells_max) + " cells; " +
                                std::to_string(cells) + " were asked for");
  impl_ = std::make_unique<Impl>(cells, mobility, rail, step_time);
  Impl& a = *impl_;
  for (std::uint32_t i = 0; i < cells; ++i) {
    for (std::uint32_t k = i + 1; k < cells; ++k) {
      const std::string label = "coupling_" + std::to_string(i) + "_" + std::to_string(k);
      std::unique_ptr<CouplingModule> module = coupling ? coupling(label.c_str(), i, k) : nullptr;
      if (!module) module = std::make_unique<CouplingModule>(label.c_str());
      module->setting(a.setting[pair_of(i, k, cells)]);
      module->j(a.j[pair_of(i, k, cells)]);
      a.couplers.push_back(std::move(module));
    }
  }
  for (std::uint32_t i = 0; i < cells; ++i) {
    const std::string label = "cell_" + std::to_string(i);
    std::unique_ptr<CellModule> module = cell ? cell(label.c_str(), i, cells) : nullptr;
    if (!module) module = std::make_unique<StockCell>(label.c_str(), i, cells);
    for (std::uint32_t k = 0; k < cells; ++k) {
      module->x[k](a.x[k]);
      module->coupling[k](i == k ? a.none : a.j[pair_of(i, k, cells)]);
    }
    module->noise(a.noise[i]);
    module->inputs(a.inputs[i]);
    module->step(a.step);
    module->load(a.load);
    module->state(a.x[i]);
    a.modules.push_back(std::move(module));
  }
  SC_METHOD(process);
  sensitive << a.begin;
  dont_initialize();
}

CellLevelArray::~CellLevelArray() = default;

std::uint32_t CellLevelArray::cells() const { return impl_->cells; }
bool CellLevelArray::running() const { return impl_->phase != Impl::Phase::idle; }
const sc_core::sc_event& CellLevelArray::done() const { return impl_->done; }
const std::vector<std::unique_ptr<CellModule>>& CellLevelArray::modules() const { return impl_->modules; }

float CellLevelArray::state(std::uint32_t cell) const {
  return impl_->to_load ? impl_->written[cell] : impl_->x[cell].read();
}

void CellLevelArray::write(std::uint32_t first, std::span<const float> values) {
  Impl& a = *impl_;
  if (running()) throw std::invalid_argument("an array at cell level cannot be written while it runs");
  if (first > a.cells || values.size() > a.cells - first)
    throw std::invalid_argument("states beyond the last cell of an array of " + std::to_string(a.cells));
  for (std::uint32_t i = 0; i < a.cells; ++i) a.written[i] = state(i);
  for (std::size_t i = 0; i < values.size(); ++i) a.written[first + i] = std::clamp(values[i], -a.rail, a.rail);
  a.to_load = true;
}

void CellLevelArray::set_clamped(std::span<const std::uint8_t> clamped) {
  if (running()) throw std::invalid_argument("cells of an array at cell level cannot be clamped while it runs");
  if (clamped.size() != impl_->cells)
    throw std::invalid_argument("one entry per cell of an array of " + std::to_string(impl_->cells) + " is needed");
  impl_->clamped.assign(clamped.begin(), clamped.end());
}

void CellLevelArray::start(const physics::Run& run, const physics::Parameters& live) {
  Impl& a = *impl_;
  if (running()) throw std::invalid_argument("an array at cell level runs one stretch at a time");
  if (run.steps == 0) throw std::invalid_argument("a stretch has at least one step");
  const bool ramped = run.target != nullptr && run.ramp_steps > 0;
  const physics::Parameters& target = ramped ? *run.target : live;
  for (const physics::Parameters* p : {&live, &target}) {
    if (p->j2.size() != a.cells || p->j4.size() != a.cells || p->bias.size() != a.cells)
      throw std::invalid_argument("parameters of another size than the " + std::to_string(a.cells) +
                                  " cells of the array");
    if (!p->couplings->symmetric())
      throw std::invalid_argument("couplers at cell level are reciprocal: J_ik must be J_ki");
  }
  if (target.couplings != live.couplings)
    throw std::invalid_argument("at cell level a ramp keeps the couplings; ramp the gain, or change them between runs");
  a.run = run;
  if (!ramped) a.run.ramp_steps = 0;
  a.live = live;
  a.target = target;
  a.next_step = 0;
  a.phase = Impl::Phase::apply;
  a.begin.notify(sc_core::SC_ZERO_TIME);
}

/// Sets the couplers.
void CellLevelArray::couple() {
  Impl& a = *impl_;
  for (std::uint32_t i = 0; i < a.cells; ++i)
    for (std::uint32_t k = i + 1; k < a.cells; ++k) a.setting[pair_of(i, k, a.cells)].write(a.live.couplings->at(i, k));
}

void CellLevelArray::process() {
  using Phase = Impl::Phase;
  Impl& a = *impl_;
  switch (a.phase) {
    case Phase::idle: break;
    case Phase::apply:
      couple();
      a.present();
      a.phase = Phase::settle;
      next_trigger(sc_core::SC_ZERO_TIME);
      break;
    case Phase::settle:  // the inputs stand: states are loaded while couplers follow their settings
      if (a.to_load) a.load.write(!a.load.read());
      a.to_load = false;
      a.phase = Phase::stepping;
      next_trigger(a.step_time);
      break;
    case Phase::stepping:
      a.step.write(!a.step.read());
      a.phase = Phase::stepped;
      next_trigger(sc_core::SC_ZERO_TIME);
      break;
    case Phase::stepped:  // the cells read in this delta cycle; what is written here they see in the next step
      if (++a.next_step < a.run.steps) {
        a.present();
        a.phase = Phase::stepping;
        next_trigger(a.step_time);
      } else {
        a.phase = Phase::idle;
        a.done.notify(sc_core::SC_ZERO_TIME);
      }
      break;
  }
}

}  // namespace heatbath::systemc
