// Noise of the general array: white, coloured by filters, in part common to all cells.
#include <algorithm>
#include <cmath>

#include "hw_model/physics/general_array_impl.hpp"
#include "hw_model/physics/linear_step.hpp"
#include "hw_model/physics/step_kernels.hpp"

namespace heatbath::physics {
namespace {

/// Correlation times tau, tau/4, … tau/4^7.
constexpr std::uint32_t pink_stages = GeneralArray::Impl::most_filters;

}  // namespace

void GeneralArray::Impl::draw(LaneTile& t, const StepTable& p, const NoiseOrigin& origin, std::uint64_t step,
                              float* n) {
  const auto& kernels = general_kernels();
  const NoiseColour& colour = spec.colour;
  kernels.normals(own_address(t, origin, step, Purpose::thermal), own_shape(t), own_part(t, n));
  if (colour.white()) return;
  float* common = n + std::size_t{cells} * t.lanes;
  kernels.normals(address(t, origin, step, Purpose::common), shape(t, 1), common);
  if (colour.kind != NoiseColour::Kind::white) filter(t, p, origin, step, n);
  if (colour.common == 0) return;
  const auto own = static_cast<float>(std::sqrt(1.0 - colour.common)),
             shared = static_cast<float>(std::sqrt(colour.common));
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t l = 0; l < t.lanes; ++l) n[t.at(i, l)] = own * n[t.at(i, l)] + shared * common[l];
}

void GeneralArray::Impl::filter(LaneTile& t, const StepTable& p, const NoiseOrigin& origin, std::uint64_t step,
                                float* n) {
  const auto& kernels = general_kernels();
  const NoiseColour& colour = spec.colour;
  const bool telegraph = colour.kind == NoiseColour::Kind::telegraph;
  const std::uint32_t stages = colour.kind == NoiseColour::Kind::pink ? pink_stages : 1, rows = cells + 1;
  const std::size_t size = std::size_t{rows} * t.lanes;
  std::vector<double> a(stages);
  double intensity = 0;
  for (std::uint32_t s = 0; s < stages; ++s) {
    a[s] = decay(p.dt / colour.correlation_time * std::ldexp(1.0, 2 * static_cast<int>(s)));
    intensity += (1.0 + a[s]) / (1.0 - a[s]);
  }
  const auto weight = static_cast<float>(1.0 / std::sqrt(intensity));
  const auto draw_stage = [&](std::uint32_t s, std::uint64_t when, Purpose purpose, float* out) {
    kernels.normals(address(t, origin, when, purpose, s << 20), shape(t, rows - 1), out);
    kernels.normals(address(t, origin, when, purpose, (s << 20) + (1u << 19)), shape(t, 1),
                    out + std::size_t{cells} * t.lanes);
  };
  if (t.filters.empty()) {
    for (std::uint32_t s = 0; s < stages; ++s) {
      auto& z = t.filters.emplace_back(size + std::size_t{group_cells} * t.lanes);
      draw_stage(s, step, Purpose::colour, z.data());
      if (telegraph)
        for (auto& v : z) v = v < 0 ? -1.0f : 1.0f;
    }
  }
  std::vector<float> drive(size), keep(rows), kick(rows), weights(rows, weight);
  std::vector<float> sum(size, 0.0f);
  std::vector<std::uint32_t> words;
  const std::vector<std::uint32_t> all_free(rows, ~0u);
  std::uint64_t no_count = 0;
  std::uint32_t no_cell = 0;
  const MoveLimits limits{all_free.data(), 1e30f, &no_count, &no_cell};
  for (std::uint32_t s = 0; s < stages; ++s) {
    auto& z = t.filters[s];
    if (telegraph) {
      words.resize(size);
      kernels.words(address(t, origin, step, Purpose::thermal), shape(t, cells), words.data());
      kernels.words(address(t, origin, step, Purpose::common), shape(t, 1),
                    words.data() + std::size_t{cells} * t.lanes);
      const auto threshold = static_cast<std::uint32_t>(0.5 * (1.0 - a[s]) * 0x1p32);
      for (std::size_t i = 0; i < size; ++i) z[i] = words[i] < threshold ? -z[i] : z[i];
    } else {
      const float* source = n;
      if (s > 0) draw_stage(s, step, Purpose::thermal, drive.data()), source = drive.data();
      std::fill(keep.begin(), keep.end(), static_cast<float>(a[s]));
      std::fill(kick.begin(), kick.end(), static_cast<float>(std::sqrt(1.0 - a[s] * a[s])));
      kernels.damp(shape(t, rows), limits, z.data(), keep.data(), kick.data(), source);
    }
    kernels.add(shape(t, rows), sum.data(), weights.data(), z.data());
  }
  std::copy(sum.begin(), sum.end(), n);
}

}  // namespace heatbath::physics
