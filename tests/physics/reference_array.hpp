#pragma once
// An array written a second time, as plainly as possible, and meters recomputed from states in double precision.
// Shares no code with hw_model/physics; noise comes in as an argument.

#include <cmath>
#include <cstdint>
#include <vector>

namespace heatbath::reference_array {

struct Network {
  std::vector<float> j2, j4, bias;  // per cell
  std::vector<float> couplings;     // cells x cells, J_ik
  float gain = 1;
  std::size_t cells() const { return j2.size(); }
};

/// Euler-Maruyama step in float32 with the documented order of operations.
inline std::vector<float> step(const Network& n, const std::vector<float>& x, const std::vector<float>& noise, float mu_dt,
                               float sigma) {
  std::vector<float> next(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    float y = 0.0f;
    for (std::size_t k = 0; k < x.size(); ++k) y = std::fma(n.couplings[i * x.size() + k], x[k], y);
    const float own = std::fma(std::fma(4.0f * n.j4[i], x[i] * x[i], 2.0f * n.j2[i]), x[i], n.bias[i]);
    const float gradient = std::fma(n.gain, y, own);
    next[i] = std::fma(sigma, noise[i], std::fma(-mu_dt, gradient, x[i]));
  }
  return next;
}

inline std::vector<double> force(const Network& n, const std::vector<float>& x) {
  std::vector<double> f(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double xi = x[i];
    double g = 2.0 * n.j2[i] * xi + 4.0 * n.j4[i] * xi * xi * xi + n.bias[i];
    for (std::size_t k = 0; k < x.size(); ++k) g += static_cast<double>(n.gain) * n.couplings[i * x.size() + k] * x[k];
    f[i] = -g;
  }
  return f;
}

inline double energy(const Network& n, const std::vector<float>& x) {
  double v = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double xi = x[i];
    v += n.j2[i] * xi * xi + n.j4[i] * xi * xi * xi * xi + n.bias[i] * xi;
    for (std::size_t k = 0; k < i; ++k) v += static_cast<double>(n.gain) * n.couplings[i * x.size() + k] * xi * x[k];
  }
  return v;
}

/// kT (|w~|^2 - |w|^2)/2 of one step x -> y under fixed parameters, from forward and backward noises
/// (Wu, Koehler, Noe, arXiv:2002.06707; mu explicit). Cells that `clamped` marks have no bath.
inline double path_heat(const Network& n, const std::vector<float>& x, const std::vector<float>& y, double mu_dt,
                        const std::vector<std::uint8_t>& clamped = {}) {
  const auto fx = force(n, x), fy = force(n, y);
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!clamped.empty() && clamped[i]) continue;
    const double dx = static_cast<double>(y[i]) - x[i];
    const double w = dx - mu_dt * fx[i], back = -dx - mu_dt * fy[i];
    sum += (back * back - w * w) / (4.0 * mu_dt);
  }
  return sum;
}

/// Parameters at position s between two networks.
inline Network between(const Network& a, const Network& b, double s) {
  Network n = a;
  const auto mix = [s](float p, float q) { return static_cast<float>(p + s * (static_cast<double>(q) - p)); };
  for (std::size_t i = 0; i < a.cells(); ++i) {
    n.j2[i] = mix(a.j2[i], b.j2[i]);
    n.j4[i] = mix(a.j4[i], b.j4[i]);
    n.bias[i] = mix(a.bias[i], b.bias[i]);
  }
  for (std::size_t i = 0; i < a.couplings.size(); ++i) n.couplings[i] = mix(a.couplings[i], b.couplings[i]);
  n.gain = mix(a.gain, b.gain);
  return n;
}

/// A network with smoothly varying parameters; `flavour` changes all of them.
inline Network example(std::size_t cells, double flavour, double coupling) {
  Network n;
  n.couplings.assign(cells * cells, 0.0f);
  for (std::size_t i = 0; i < cells; ++i) {
    n.j2.push_back(static_cast<float>(1.0 + 0.3 * std::sin(1.3 * i + flavour)));
    n.j4.push_back(static_cast<float>(0.8 + 0.2 * std::cos(2.1 * i + flavour)));
    n.bias.push_back(static_cast<float>(0.7 * std::sin(0.7 * i + 2.0 * flavour)));
    for (std::size_t k = 0; k < i; ++k)
      n.couplings[i * cells + k] = n.couplings[k * cells + i] =
          static_cast<float>(coupling * std::sin(0.37 * (i * 7 + k * 3) + 0.11 * (i * k % 101) + flavour));
  }
  return n;
}

}  // namespace heatbath::reference_array
