// Energies, momenta and kinetic heat of the general array, in double.
#include <cmath>

#include "heatbath/cells/phase.hpp"
#include "heatbath/cells/quartic.hpp"
#include "hw_model/physics/general_array_impl.hpp"

namespace heatbath::physics {
namespace {

// gain u J u / 2.
double pairs(const Couplings* j, double gain, const std::vector<double>& u, Exchange* exchange, OwnRows own) {
  double sum = 0;
  OrderedSums ordered(exchange, {&sum, 1});
  const auto rows = j ? j->rows() : Couplings::Rows{};
  for (std::uint32_t i = own.begin; i < own.end && j; ++i) {
    double field = 0;
    if (rows.columns) {
      for (std::uint32_t e = rows.begin[i]; e < rows.begin[i + 1]; ++e) field += rows.values[e] * u[rows.columns[e]];
    } else {
      for (std::uint32_t k = 0; k < rows.cells; ++k) field += rows.values[std::size_t{i} * rows.cells + k] * u[k];
    }
    ordered.add(0, u[i] * field);
  }
  ordered.finish();
  return 0.5 * gain * sum;
}

}  // namespace

double GeneralArray::Impl::energy(const LaneTile& t, std::uint32_t own, const StepTable& p, const Parameters& from,
                                  const Parameters& to) const {
  const auto x = [&](std::uint32_t row) { return static_cast<double>(t.state[t.at(row, own)]); };
  const auto bias = [&](std::uint32_t i) -> double {
    return p.lane_bias ? StepTable::bias_of(from, to, p.position, cells, t.first + own, i) : p.bias[i];
  };
  double sum = 0;
  OrderedSums ordered(exchange, {&sum, 1});
  std::vector<double> u(cells), w;
  if (phases) {
    w.resize(cells);
    for (std::uint32_t i = 0; i < cells; ++i) {
      u[i] = std::cos(x(i)), w[i] = std::sin(x(i));
      if (i >= own_rows.begin && i < own_rows.end) ordered.add(0, cells::phase_energy(0.5 * p.two_j2[i], bias(i), u[i]));
    }
  } else {
    for (std::uint32_t i = 0; i < cells; ++i) {
      const double xi = x(i);
      u[i] = capacitive ? x(cells + i) : xi;
      if (i < own_rows.begin || i >= own_rows.end) continue;
      ordered.add(0, cells::quartic_energy(0.5 * p.two_j2[i], 0.25 * p.four_j4[i], bias(i), xi));
      if (inertia) ordered.add(0, cells::kinetic_energy<double>(p.mass[i], x(cells + i)));
    }
  }
  ordered.finish();
  const auto coupled = [&](const std::vector<double>& of) {
    const double a = pairs(p.couplings_a.get(), p.gain_a, of, exchange, own_rows);
    return a + pairs(p.couplings_b.get(), p.gain_b, of, exchange, own_rows);
  };
  sum += coupled(u);
  if (phases) sum += coupled(w);
  return sum;
}

double GeneralArray::Impl::energy(const LaneTile& t, std::uint32_t own, const Parameters& live) const {
  const StepTable p(spec, live, live, 0.0, 0.0, free);
  return energy(t, own, p, live, live);
}

void GeneralArray::Impl::energies(LaneTile& t, const StepTable& p, double sign, std::vector<double>& sums) {
  const float* u =
      phases ? t.cosine.data() : t.state.data() + (capacitive ? std::size_t{cells} * t.lanes : 0);
  refresh(t, t.state.data());
  if (phases) trigonometry(t, t.state.data());
  if (t.field_a.empty())  // p-bits
    for (auto* field : {&t.field_a, &t.field_b}) field->assign(t.state.size(), 0.0f);
  fields(t, p, u, t.field_a, t.field_b);
  if (phases) fields(t, p, t.sine.data(), t.field_c, t.field_d);
  const float zero = 0.0f;
  OrderedSums ordered(exchange, {sums.data(), t.lanes});
  for (std::uint32_t i = own_rows.begin; i < own_rows.end; ++i) {
    const float* bias = p.lane_bias ? &t.bias[t.at(i, 0)] : nullptr;
    const double shared_bias = p.lane_bias ? zero : p.bias[i];
    const double j2 = 0.5 * p.two_j2[i], j4 = 0.25 * p.four_j4[i], own_mass = inertia ? p.mass[i] : 0.0f;
    for (std::uint32_t l = 0; l < t.lanes; ++l) {
      const std::size_t at = t.at(i, l);
      const double b = bias ? bias[l] : shared_bias, ui = u[at];
      double coupled = 0, v = 0;
      if (p.couplings_a) coupled += 0.5 * p.gain_a * ui * t.field_a[at];
      if (p.couplings_b) coupled += 0.5 * p.gain_b * ui * t.field_b[at];
      if (phases) {
        if (p.couplings_a) coupled += 0.5 * p.gain_a * t.sine[at] * t.field_c[at];
        if (p.couplings_b) coupled += 0.5 * p.gain_b * t.sine[at] * t.field_d[at];
        v = cells::phase_energy(j2, b, ui);
      } else {
        const double x = t.state[at];
        v = cells::quartic_energy(j2, j4, b, x);
      }
      if (inertia) {
        const double velocity = t.state[t.at(cells + i, l)];
        v += cells::kinetic_energy(own_mass, velocity);
      }
      ordered.add(l, sign * (v + coupled));
    }
  }
  ordered.finish();
}

void GeneralArray::Impl::kinetic(LaneTile& t, const StepTable& p, double sign, std::vector<double>& sums) {
  const float* v = t.state.data() + std::size_t{cells} * t.lanes;
  if (capacitive) fields(t, p, v, t.field_a, t.field_b);
  OrderedSums ordered(exchange, {sums.data(), t.lanes});
  for (std::uint32_t i = own_rows.begin; i < own_rows.end; ++i) {
    const double own_mass = p.mass[i];
    for (std::uint32_t l = 0; l < t.lanes; ++l) {
      const std::size_t at = t.at(i, l);
      const double vi = v[at];
      double k = cells::kinetic_energy(own_mass, vi);
      if (capacitive && p.couplings_a) k += 0.5 * p.gain_a * vi * t.field_a[at];
      if (capacitive && p.couplings_b) k += 0.5 * p.gain_b * vi * t.field_b[at];
      ordered.add(l, sign * k);
    }
  }
  ordered.finish();
}

void GeneralArray::Impl::momenta(LaneTile& t, const StepTable& p, std::vector<double>& out) const {
  const float* v = t.state.data() + std::size_t{cells} * t.lanes;
  if (capacitive) fields(t, p, v, t.field_a, t.field_b);
  out.resize(std::size_t{cells} * t.lanes, 0.0);
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t l = 0; l < t.lanes; ++l) {
      const std::size_t at = t.at(i, l);
      double momentum = static_cast<double>(p.mass[i]) * v[at];
      if (capacitive && p.couplings_a) momentum += static_cast<double>(p.gain_a) * t.field_a[at];
      if (capacitive && p.couplings_b) momentum += static_cast<double>(p.gain_b) * t.field_b[at];
      out[at] = momentum - out[at];
    }
}

void GeneralArray::Impl::add_kinetic_heat(LaneTile& t, const StepTable& p, const float* velocity) const {
  momenta(t, p, t.momentum);
  const float* v = t.state.data() + std::size_t{cells} * t.lanes;
  for (std::size_t at = 0; at < t.momentum.size(); ++at)
    t.cell_sums.of(CellMeter::heat)[at] -= 0.5 * (static_cast<double>(v[at]) + velocity[at]) * t.momentum[at];
}

}  // namespace heatbath::physics
