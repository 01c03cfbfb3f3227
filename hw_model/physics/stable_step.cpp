#include "hw_model/physics/stable_step.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <functional>
#include <limits>
#include <numbers>
#include <optional>
#include <vector>

#include "heatbath/cells/phase.hpp"
#include "heatbath/cells/quartic.hpp"
#include "heatbath/numerics/lanczos.hpp"
#include "heatbath/numerics/work_watch.hpp"
#include "hw_model/physics/cell_law.hpp"
#include "hw_model/physics/coupling_rows.hpp"
#include "hw_model/physics/step_table.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"
#include "numerics/dense_algebra.hpp"

namespace heatbath::physics {
namespace {

using Complex = std::complex<double>;
using numerics::SpectrumEnds;

constexpr auto fused = [](double a, double b, double c) { return std::fma(a, b, c); };

constexpr double unbounded = std::numeric_limits<double>::infinity();
constexpr double growth = 1e-10;   // of a step that still counts as stable: e-fold in 1e10 steps
constexpr double neutral = 1e-9;   // decay over size of an eigenvalue that only rounding makes negative
constexpr int sweeps_to_rest = 40;
constexpr Eigen::Index whole_krylov = 512, part_krylov = 96, krylov_values = 20'000'000;

// -- of one mode ------------------------------------------------------------------------------------------------------

/// Longest step of an explicit stepper for a mode z' = -rate z.
double longest_explicit(const StepperRule& by, Complex rate) {
  const double size = std::abs(rate);
  if (size == 0 || rate.real() < -neutral * size) return unbounded;
  return by.longest(rate, std::max(rate.real(), 0.0), growth);
}

/// The two rates of x'' + g x' + kappa x = 0.
std::array<Complex, 2> rates(double g, Complex kappa) {
  const Complex root = std::sqrt(0.25 * g * g - kappa);
  return {0.5 * g + root, 0.5 * g - root};
}

double longest_inertial(const StepperRule& by, double g, Complex kappa) {
  double longest = unbounded;
  const auto both = rates(g, kappa);
  if (by.longest_inertial == nullptr) {
    for (const Complex rate : both) longest = std::min(longest, longest_explicit(by, rate));
    return longest;
  }
  if (kappa.imag() != 0)
    for (const Complex rate : both)
      if (rate.real() < -neutral * std::abs(rate)) return unbounded;
  return by.longest_inertial(g, kappa, growth);
}

/// The shortest for any mode with damping and stiffness between these ends. Exact when the damping is one number.
double shortest_inertial(const StepperRule& by, SpectrumEnds g, SpectrumEnds kappa) {
  if (by.longest_inertial != nullptr) return longest_inertial(by, g.lowest, kappa.highest);
  const double shortest =
      std::min(longest_inertial(by, g.lowest, kappa.highest), longest_inertial(by, g.highest, kappa.lowest));
  return kappa.highest > 0 ? std::min(shortest, by.longest_swing / std::sqrt(kappa.highest)) : shortest;
}

// -- the free cells ---------------------------------------------------------------------------------------------------

/// The linearised motion of the cells that move.
struct FreeCells {
  const ArraySpec& spec;
  const Parameters& p;
  std::vector<std::uint32_t> at;        // cells
  std::vector<std::uint32_t> place;     // of a cell in `at`; of one that does not move none
  static constexpr std::uint32_t none = 0xFFFFFFFFu;
  const CellLaw& cell;
  const StepperRule& by;
  bool coupled, symmetric, inertia;
  double gain;
  std::vector<double> diagonal;         // of H, per free cell
  std::vector<double> cosine, sine;     // phases, per cell: where they rest

  FreeCells(const ArraySpec& s, const Parameters& parameters, std::span<const std::uint8_t> clamped)
      : spec(s),
        p(parameters),
        place(s.cells, none),
        cell(law(s.kind)),
        by(rule(s)),
        coupled(!cell.capacitive && !parameters.couplings->zero() && parameters.gain != 0),
        symmetric(parameters.couplings->symmetric()),
        inertia(cell.inertia),
        gain(parameters.gain) {
    for (std::uint32_t i = 0; i < s.cells; ++i) {
      if (!clamped.empty() && clamped[i] != 0) continue;
      place[i] = static_cast<std::uint32_t>(at.size());
      at.push_back(i);
    }
    diagonal.resize(at.size());
  }

  std::size_t size() const { return at.size(); }
  double two_j2(std::uint32_t i) const { return 2.0 * static_cast<double>(p.j2[i]); }
  double j4(std::uint32_t i) const { return static_cast<double>(p.j4[i]); }
  double mass(std::size_t n) const { return static_cast<double>(p.mass_of(at[n])); }
  double rate(std::size_t n) const { return static_cast<double>(p.damping_of(at[n])) / mass(n); }

  /// f(k, J_ik) of the couplings of a cell.
  template <class F>
  void row(std::uint32_t i, F f) const {
    if (p.couplings->graph() && p.couplings->coupler_values().one_value()) {
      std::uint64_t count = 1;
      for_row(*p.couplings, i, [&](std::uint32_t k, float value) {
        f(k, static_cast<double>(value));
        ++count;
      });
      numerics::spend(count);
      return;
    }
    if (!rows) rows = p.couplings->rows();
    if (rows->columns != nullptr) {
      numerics::spend(rows->begin[i + 1] - rows->begin[i] + 1);
      for (std::uint32_t e = rows->begin[i]; e < rows->begin[i + 1]; ++e)
        f(rows->columns[e], static_cast<double>(rows->values[e]));
    } else {
      numerics::spend(rows->cells);
      const float* values = rows->values + std::size_t{i} * rows->cells;
      for (std::uint32_t k = 0; k < rows->cells; ++k)
        if (values[k] != 0) f(k, static_cast<double>(values[k]));
    }
  }
  mutable std::optional<Couplings::Rows> rows;

  /// y += W x of free cells; W: the couplings' part of H beside its diagonal.
  void add_coupled(std::span<const double> x, std::span<double> y) const {
    if (!coupled) return;
    for (std::size_t n = 0; n < size(); ++n) {
      const std::uint32_t i = at[n];
      double sum = 0;
      row(i, [&](std::uint32_t k, double j) {
        if (place[k] == none) return;
        const double turned = cosine.empty() ? 1.0 : cosine[i] * cosine[k] + sine[i] * sine[k];
        sum += j * turned * x[place[k]];
      });
      y[n] += gain * sum;
    }
  }

  /// Biases of the lane that has the largest one begin here.
  std::size_t first_bias() const {
    if (!p.bias_per_lane) return 0;
    const auto largest = std::max_element(p.bias.begin(), p.bias.end(),
                                          [](float a, float b) { return std::abs(a) < std::abs(b); });
    return static_cast<std::size_t>(largest - p.bias.begin()) / spec.cells * spec.cells;
  }

  /// Bounds of the diagonal that `settle` may find, from row sums only.
  void bound_diagonal(CurvatureAt curvature, std::span<const double> sums) {
    const std::size_t first = first_bias();
    const auto bias = [&](std::uint32_t i) { return static_cast<double>(p.bias[first + i]); };
    double reach = 0;
    if (!cell.periodic && curvature == CurvatureAt::rest)
      for (std::size_t n = 0; n < size(); ++n) reach = std::max(reach, reach_of(at[n], std::abs(bias(at[n])), sums[at[n]]));
    reach = curvature == CurvatureAt::rail ? rail() : std::min(reach, rail());
    for (std::size_t n = 0; n < size(); ++n) {
      const std::uint32_t i = at[n];
      diagonal[n] = cell.periodic ? std::abs(bias(i)) + 2 * std::abs(two_j2(i)) + sums[i]
                                                 : cells::quartic_curvature(two_j2(i), 4 * j4(i), reach);
    }
  }
  double rail() const { return static_cast<double>(spec.rail); }

  /// A bound of |x| of the cell that rests farthest out: 4 J4 x^3 + (2 J2 - sum) x <= |bias|.
  double reach_of(std::uint32_t i, double bias, double sum) const {
    const double slope = two_j2(i) - sum;
    double reach = unbounded;
    if (bias == 0 && slope >= 0) return 0;
    if (j4(i) > 0) reach = std::cbrt(bias / (4 * j4(i))) + (slope < 0 ? std::sqrt(-slope / (4 * j4(i))) : 0.0);
    return slope > 0 ? std::min(reach, bias / slope) : reach;
  }

  /// The diagonal of H where the array rests, or at the rail.
  void settle(CurvatureAt curvature) {
    if (cell.periodic) return settle_phases();
    std::vector<double> x(spec.cells, 0.0);
    const bool quartic = std::any_of(at.begin(), at.end(), [&](std::uint32_t i) { return p.j4[i] > 0; });
    if (quartic && curvature == CurvatureAt::rest) x = resting_cells();
    for (std::size_t n = 0; n < size(); ++n) {
      const double position = curvature == CurvatureAt::rail ? rail() : x[at[n]];
      diagonal[n] = cells::quartic_curvature(two_j2(at[n]), 4 * j4(at[n]), position);
    }
  }

  /// Starts every cell in its own well, then moves one cell after another to its lowest energy in the field of the
  /// others.
  std::vector<double> resting_cells() const {
    const std::size_t first = first_bias();
    const auto bias = [&](std::uint32_t i) { return static_cast<double>(p.bias[first + i]); };
    std::vector<double> x(spec.cells, 0.0);
    const auto lowest = [&](std::uint32_t i, double field) {
      const double curvature = two_j2(i), cubic = 4 * j4(i);
      if (cubic == 0) return std::clamp(curvature > 0 ? -field / curvature : x[i], -rail(), rail());
      // On the side that the field pushes to; Newton from outside, where the slope is convex, goes down to the root.
      const double side = field > 0 || (field == 0 && x[i] < 0) ? -1.0 : 1.0, push = std::abs(field);
      double y = std::cbrt(push / cubic) + std::sqrt(std::max(-curvature, 0.0) / cubic);
      for (int n = 0; n < 60; ++n) {
        const double slope = cells::quartic_curvature(curvature, cubic, y);
        if (!(slope > 0)) break;
        const double next = y - (cells::quartic_gradient(curvature, cubic, y) - push) / slope;
        if (!(std::abs(next - y) > 1e-14 * y)) break;
        y = next;
      }
      return std::clamp(side * y, -rail(), rail());
    };
    for (const std::uint32_t i : at) x[i] = lowest(i, bias(i));
    if (!coupled) return x;
    double moved = 1, size_of = 1;
    for (int sweep = 0; sweep < sweeps_to_rest && moved > 1e-10 * size_of; ++sweep) {
      moved = size_of = 0;
      for (const std::uint32_t i : at) {
        double field = 0;
        row(i, [&](std::uint32_t k, double j) { field += j * x[k]; });
        const double before = x[i];
        x[i] = lowest(i, bias(i) + gain * field);
        moved = std::max(moved, std::abs(x[i] - before));
        size_of = std::max(size_of, std::abs(x[i]));
      }
    }
    return x;
  }

  void settle_phases() {
    const std::size_t first = first_bias();
    const auto bias = [&](std::uint32_t i) { return static_cast<double>(p.bias[first + i]); };
    cosine.assign(spec.cells, 1.0), sine.assign(spec.cells, 0.0);
    std::vector<double> along(spec.cells, 0.0), across(spec.cells, 0.0);  // sums of J cos and J sin
    const auto turn = [&](std::uint32_t i) {
      const double a = bias(i) + gain * along[i], b = gain * across[i], c = static_cast<double>(p.j2[i]);
      const auto energy = [&](double th) { return cells::phase_energy(c, a, std::cos(th)) + b * std::sin(th); };
      double th = a == 0 && b == 0 ? std::atan2(sine[i], cosine[i]) : std::atan2(-b, -a);
      if (c != 0) {
        for (int n = -8; n < 8; ++n)
          if (const double other = n * std::numbers::pi / 8; energy(other) < energy(th)) th = other;
        for (int n = 0; n < 40; ++n) {
          const double cos = std::cos(th), sin = std::sin(th);
          const double slope = cells::phase_gradient(fused, 4 * c, a, b * cos, cos, sin);
          const double curvature = cells::phase_curvature(4 * c, a, b, cos, sin);
          if (!(curvature > 0)) break;
          th -= slope / curvature;
        }
      }
      cosine[i] = std::cos(th), sine[i] = std::sin(th);
    };
    const auto gather = [&](std::uint32_t i) {
      along[i] = across[i] = 0;
      if (coupled)
        row(i, [&](std::uint32_t k, double j) { along[i] += j * cosine[k], across[i] += j * sine[k]; });
    };
    for (const std::uint32_t i : at) {
      const double th = 0.3 * std::sin(12.9898 * (i + 1.0));
      cosine[i] = std::cos(th), sine[i] = std::sin(th);
    }
    double moved = 1;
    for (int sweep = 0; sweep < (coupled ? sweeps_to_rest : 1) && moved > 1e-8; ++sweep) {
      moved = 0;
      for (const std::uint32_t i : at) {
        const double c = cosine[i], s = sine[i];
        gather(i);
        turn(i);
        moved = std::max({moved, std::abs(cosine[i] - c), std::abs(sine[i] - s)});
      }
    }
    for (std::size_t n = 0; n < size(); ++n) {
      const std::uint32_t i = at[n];
      gather(i);
      diagonal[n] = cells::phase_curvature(2 * two_j2(i), bias(i) + gain * along[i], gain * across[i], cosine[i], sine[i]);
    }
  }
};

// -- spectra ----------------------------------------------------------------------------------------------------------

using Product = std::function<void(const Eigen::VectorXd& x, Eigen::VectorXd& y)>;

/// Eigenvalues of a matrix that is known by its products: all of a small one, of a large one those that have converged.
std::vector<Complex> eigenvalues(Eigen::Index size, const Product& product) {
  const Eigen::Index most = size <= whole_krylov ? size : std::min(part_krylov, krylov_values / size + 8);
  Eigen::MatrixXd basis(size, most + 1), small = Eigen::MatrixXd::Zero(most + 1, most);
  for (Eigen::Index i = 0; i < size; ++i) basis(i, 0) = 1.0 + 0.5 * std::sin(1.0 + 12.9898 * static_cast<double>(i));
  basis.col(0).normalize();
  Eigen::Index made = 0;
  double largest = std::numeric_limits<double>::min(), rest = 0;
  Eigen::VectorXd image(size);
  while (made < most) {
    image.setZero();
    product(basis.col(made), image);
    largest = std::max(largest, image.norm());
    for (int twice = 0; twice < 2; ++twice)
      for (Eigen::Index n = 0; n <= made; ++n) {
        const double part = basis.col(n).dot(image);
        small(n, made) += part;
        image -= part * basis.col(n);
      }
    rest = image.norm();
    ++made;
    if (rest <= 1e-13 * largest) break;
    small(made, made - 1) = rest;
    basis.col(made) = image / rest;
  }
  const bool whole = made == size || rest <= 1e-13 * largest;
  const numerics::ComplexModes found =
      numerics::modes(small.topLeftCorner(made, made), whole ? numerics::Vectors::not_wanted : numerics::Vectors::wanted);
  std::vector<Complex> values;
  for (Eigen::Index n = 0; n < made; ++n)
    if (whole || rest * std::abs(found.vectors(made - 1, n)) <= 1e-6 * largest) values.push_back(found.values(n));
  return values;
}

double longest_overdamped(const FreeCells& f) {
  const double mobility = f.spec.mobility;
  if (f.symmetric || !f.coupled) {
    const double stiffest = mobility * (f.coupled ? numerics::spectrum_ends(f.size(), [&](auto x, auto y) {
                                                      for (std::size_t n = 0; n < f.size(); ++n) y[n] = f.diagonal[n] * x[n];
                                                      f.add_coupled(x, y);
                                                    }).highest
                                                  : *std::max_element(f.diagonal.begin(), f.diagonal.end()));
    return stiffest > 0 ? f.by.longest_real / stiffest : unbounded;
  }
  double longest = unbounded;
  const auto size = static_cast<Eigen::Index>(f.size());
  for (const Complex rate : eigenvalues(size, [&](const Eigen::VectorXd& x, Eigen::VectorXd& y) {
         for (std::size_t n = 0; n < f.size(); ++n) y[static_cast<Eigen::Index>(n)] = f.diagonal[n] * x[static_cast<Eigen::Index>(n)];
         f.add_coupled({x.data(), f.size()}, {y.data(), f.size()});
         y *= mobility;
       }))
    longest = std::min(longest, longest_explicit(f.by, rate));
  return longest;
}

/// Masses or capacitances of the free cells, and what is divided by them.
struct Inertia {
  const FreeCells& f;
  std::optional<numerics::Cholesky> capacitance;  // rlc with couplings

  explicit Inertia(const FreeCells& cells) : f(cells) {
    if (!mixed()) return;
    const auto all = capacitances(f.p);
    const auto n = static_cast<Eigen::Index>(f.size());
    Eigen::MatrixXd c(n, n);
    for (Eigen::Index k = 0; k < n; ++k)
      for (Eigen::Index i = 0; i < n; ++i)
        c(i, k) = all[std::size_t{f.at[static_cast<std::size_t>(k)]} * f.spec.cells + f.at[static_cast<std::size_t>(i)]];
    capacitance.emplace(c);
  }
  bool mixed() const { return f.cell.capacitive && !f.p.couplings->zero() && f.p.gain != 0; }

  /// M^-1/2 x, or L^-T x of C = L L^T, and the transposed.
  void outer(Eigen::VectorXd& x) const {
    if (capacitance) return capacitance->solve_upper(x);
    for (std::size_t n = 0; n < f.size(); ++n) x[static_cast<Eigen::Index>(n)] /= std::sqrt(f.mass(n));
  }
  void inner(Eigen::VectorXd& x) const {
    if (capacitance) return capacitance->solve_lower(x);
    outer(x);
  }
  Eigen::VectorXd stiffness(Eigen::VectorXd x) const {
    outer(x);
    Eigen::VectorXd y(x.size());
    for (std::size_t n = 0; n < f.size(); ++n) y[static_cast<Eigen::Index>(n)] = f.diagonal[n] * x[static_cast<Eigen::Index>(n)];
    f.add_coupled({x.data(), f.size()}, {y.data(), f.size()});
    inner(y);
    return y;
  }
  Eigen::VectorXd damping(Eigen::VectorXd x) const {
    outer(x);
    for (std::size_t n = 0; n < f.size(); ++n)
      x[static_cast<Eigen::Index>(n)] *= static_cast<double>(f.p.damping_of(f.at[n]));
    inner(x);
    return x;
  }
};

double longest_with_inertia(const FreeCells& f) {
  const Inertia inertia(f);
  const auto size = static_cast<Eigen::Index>(f.size());
  SpectrumEnds g{unbounded, 0};
  for (std::size_t n = 0; n < f.size(); ++n)
    g = {std::min(g.lowest, f.rate(n)), std::max(g.highest, f.rate(n))};
  const bool even = !inertia.mixed() && g.highest - g.lowest <= 1e-6 * g.highest;
  const bool symmetric = f.symmetric || !f.coupled;
  if (symmetric && (even || f.by.longest_inertial != nullptr)) {
    const SpectrumEnds kappa = numerics::spectrum_ends(f.size(), [&](std::span<const double> x, std::span<double> y) {
      const Eigen::VectorXd image = inertia.stiffness(Eigen::Map<const Eigen::VectorXd>(x.data(), size));
      std::copy_n(image.data(), y.size(), y.data());
    });
    return shortest_inertial(f.by, g, kappa);
  }
  double longest = unbounded;
  if (f.by.longest_inertial != nullptr || even) {
    for (const Complex kappa : eigenvalues(size, [&](const Eigen::VectorXd& x, Eigen::VectorXd& y) {
           y = inertia.stiffness(x);
         }))
      longest = std::min(longest, std::max(longest_inertial(f.by, g.lowest, kappa),
                                           longest_inertial(f.by, g.highest, kappa)));
    return longest;
  }
  for (const Complex rate : eigenvalues(2 * size, [&](const Eigen::VectorXd& z, Eigen::VectorXd& y) {
         y.head(size) = -z.tail(size);
         y.tail(size) = inertia.stiffness(z.head(size)) + inertia.damping(z.tail(size));
       }))
    longest = std::min(longest, longest_explicit(f.by, rate));
  return longest;
}

/// From row sums alone: never longer than what is stable; 0 where they say nothing.
double surely_stable(const FreeCells& f, std::span<const double> sums) {
  double lowest = unbounded, highest = -unbounded;  // of H, with inertia of M^-1 H
  // Every diagonal entry exceeds its row: with one-way couplings all Gershgorin discs are then in the right half plane.
  bool leading = true;
  for (std::size_t n = 0; n < f.size(); ++n) {
    const double sum = f.coupled ? sums[f.at[n]] : 0.0;
    const double mass = f.inertia && !f.cell.capacitive ? f.mass(n) : 1.0;
    lowest = std::min(lowest, (f.diagonal[n] - sum) / mass);
    highest = std::max(highest, (f.diagonal[n] + sum) / mass);
    leading = leading && f.diagonal[n] > sum;
  }
  if (f.coupled && !f.symmetric && (f.inertia || f.cell.periodic || !leading)) return 0;
  if (!f.inertia) {
    const double stiffest = f.spec.mobility * highest;
    return stiffest > 0 ? f.by.longest_real / stiffest : unbounded;
  }
  SpectrumEnds g{unbounded, 0}, kappa{lowest, highest};
  if (f.cell.capacitive) {
    double least = unbounded, most = 0, softest = unbounded, firmest = 0;  // of C and of the conductances
    for (std::size_t n = 0; n < f.size(); ++n) {
      const double sum = f.p.couplings->zero() ? 0.0 : sums[f.at[n]];
      least = std::min(least, f.mass(n) - sum), most = std::max(most, f.mass(n) + sum);
      const auto conductance = static_cast<double>(f.p.damping_of(f.at[n]));
      softest = std::min(softest, conductance), firmest = std::max(firmest, conductance);
    }
    if (!(least > 0)) return 0;
    g = {softest / most, firmest / least};
    kappa = {lowest < 0 ? lowest / least : 0.0, std::max(highest, 0.0) / least};
  } else {
    for (std::size_t n = 0; n < f.size(); ++n)
      g = {std::min(g.lowest, f.rate(n)), std::max(g.highest, f.rate(n))};
  }
  return shortest_inertial(f.by, g, kappa);
}

}  // namespace

double longest_stable_step(const ArraySpec& spec, const Parameters& p, std::span<const std::uint8_t> clamped,
                           CurvatureAt curvature, double dt) {
  if (!has_longest_step(spec.stepper)) return unbounded;
  FreeCells f(spec, p, clamped);
  if (f.size() == 0) return unbounded;
  std::vector<double> sums = p.couplings->row_sums();
  for (double& sum : sums) sum *= std::abs(f.gain);
  f.bound_diagonal(curvature, sums);
  const double safe = surely_stable(f, sums);
  if (dt < safe) return safe;
  f.settle(curvature);
  return f.inertia ? longest_with_inertia(f) : longest_overdamped(f);
}

bool holding_stabilises(const ArraySpec& spec) {
  if (!spec.reciprocal) return false;
  return !law(spec.kind).inertia || rule(spec).longest_inertial != nullptr || rule(spec).exact == Exact::whole;
}

}  // namespace heatbath::physics
