#include "oracles/stepped_phase_law.hpp"

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "oracles/dense_algebra.hpp"

namespace heatbath::reference {
namespace {

constexpr int degree = 8, points = 2 * degree + 1, nodes = 10;
using Complex = std::complex<double>;
using Point = std::array<double, 2>;

/// Nodes and weights of averages over a standard normal number (Golub & Welsch 1969).
struct Hermite {
  std::vector<double> node, weight;
  Hermite() {
    Eigen::MatrixXd jacobi = Eigen::MatrixXd::Zero(nodes, nodes);
    for (int i = 1; i < nodes; ++i) jacobi(i, i - 1) = jacobi(i - 1, i) = std::sqrt(i);
    const Modes modes = modes_of(jacobi);
    for (int i = 0; i < nodes; ++i) {
      node.push_back(modes.values[i]);
      weight.push_back(modes.vectors(0, i) * modes.vectors(0, i));
    }
  }
};

Point drift(const TwoPhases& p, const Point& th) {
  Point f{};
  for (int i = 0; i < 2; ++i) {
    const double pull = p.bias[i] * std::sin(th[i]) + 2 * p.j2[i] * std::sin(2 * th[i]) +
                        p.coupling[i] * std::sin(th[i] - th[1 - i]);
    f[i] = p.held[i] ? 0 : p.frequency[i] + p.mobility * pull;
  }
  return f;
}

constexpr int terms = points * points;
using Matrix = Eigen::MatrixXcd;

/// Row of e^{i(k th_0 + l th_1)}, k fastest.
void add_terms(const Point& th, double weight, Eigen::Ref<Eigen::RowVectorXcd> row) {
  std::array<Complex, points> a, b;
  for (int k = 0; k < points; ++k) {
    a[k] = std::polar(1.0, (k - degree) * th[0]);
    b[k] = std::polar(weight, (k - degree) * th[1]);
  }
  for (int l = 0; l < points; ++l)
    for (int k = 0; k < points; ++k) row[l * points + k] += a[k] * b[l];
}

Point grid(int at) {
  constexpr double unit = 2 * std::numbers::pi / points;
  return {at % points * unit, at / points * unit};
}

using Move = std::function<Point(const Point& th, double n0, double n1)>;

/// Values at the grid, after a move, of the polynomials whose coefficients it is multiplied with.
Matrix moved_terms(const Move& move) {
  static const Hermite hermite;
  Matrix values = Matrix::Zero(terms, terms);
  Eigen::RowVectorXcd row(terms);
  for (int at = 0; at < terms; ++at) {
    row.setZero();
    for (int a = 0; a < nodes; ++a)
      for (int b = 0; b < nodes; ++b)
        add_terms(move(grid(at), hermite.node[a], hermite.node[b]), hermite.weight[a] * hermite.weight[b], row);
    values.row(at) = row;
  }
  return values;
}

}  // namespace

std::vector<double> stepped_phase_averages(const std::function<TwoPhases(int step)>& at, PhaseRule rule, double dt,
                                           int steps, std::array<double, 2> start,
                                           const std::vector<std::function<double(double, double)>>& of) {
  const bool halves = rule == PhaseRule::leimkuhler_matthews;
  // Coefficients from values at the grid.
  Matrix transform(terms, terms);
  for (int place = 0; place < terms; ++place) {
    const Point th = grid(place);
    for (int l = 0; l < points; ++l)
      for (int k = 0; k < points; ++k)
        transform(l * points + k, place) = std::polar(1.0 / terms, -(k - degree) * th[0] - (l - degree) * th[1]);
  }
  // th' = th + drift dt + noise. Leimkuhler–Matthews is a chain in y = th - s n/2, y' = y + drift(y + s n/2) dt + s n;
  // a step from a known th, the first or the first after a release, leaves half of its noise.
  const auto move = [&](const TwoPhases& p, std::array<bool, 2> known) -> Move {
    return [=](const Point& th, double n0, double n1) {
      Point s{}, within{}, noise{};
      for (int i = 0; i < 2; ++i) {
        s[i] = p.held[i] ? 0 : std::sqrt(2 * p.mobility * p.temperature[i] * dt) * (i == 0 ? n0 : n1);
        within[i] = halves && !known[i] ? 0.5 * s[i] : 0;
        noise[i] = halves && known[i] ? 0.5 * s[i] : s[i];
      }
      const Point slope = drift(p, {th[0] + within[0], th[1] + within[1]});
      Point to{th[0] + slope[0] * dt + noise[0], th[1] + slope[1] * dt + noise[1]};
      if (rule == PhaseRule::heun) {
        const Point other = drift(p, to);
        for (int i = 0; i < 2; ++i) to[i] += (other[i] - slope[i]) * dt / 2;
      }
      return to;
    };
  };
  Matrix g(terms, static_cast<Eigen::Index>(of.size()));
  for (int point = 0; point < terms; ++point)
    for (std::size_t f = 0; f < of.size(); ++f) g(point, static_cast<Eigen::Index>(f)) = of[f](grid(point)[0], grid(point)[1]);
  if (halves) {
    TwoPhases still = at(steps);
    still.bias = still.j2 = still.frequency = still.coupling = {};
    g = moved_terms(move(still, {true, true})) * (transform * g).eval();
  }
  Matrix terms_of_step;
  TwoPhases made;
  std::array<bool, 2> known{};
  for (int step = steps - 1; step > 0; --step) {
    const TwoPhases p = at(step), before = at(step - 1);
    if (step == steps - 1 || !(p == made) || before.held != p.held || known != std::array{false, false}) {
      known = {before.held[0] && !p.held[0], before.held[1] && !p.held[1]};
      terms_of_step = moved_terms(move(p, known));
    }
    made = p;
    g = terms_of_step * (transform * g).eval();
  }
  const Matrix c = transform * g;
  const Move first = move(at(0), {true, true});
  static const Hermite hermite;
  Eigen::RowVectorXcd row = Eigen::RowVectorXcd::Zero(terms);
  for (int a = 0; a < nodes; ++a)
    for (int b = 0; b < nodes; ++b)
      add_terms(first(start, hermite.node[a], hermite.node[b]), hermite.weight[a] * hermite.weight[b], row);
  const Eigen::RowVectorXcd averages = row * c;
  std::vector<double> result;
  for (const Complex& value : averages) result.push_back(value.real());
  return result;
}

}  // namespace heatbath::reference
