#pragma once
// A Brownian path whose increments have addresses.

#include <cstdint>
#include <span>

namespace heatbath::physics {

/// A Brownian path of many components, addressed like the device's noise: step s is the interval [s dt, (s + 1) dt],
/// and its normals are a pure function of (seed, shot, s). Level r of refinement follows the path of level 0 with dt /
/// 2^r.
class WienerPath {
 public:
  explicit WienerPath(std::uint64_t seed, std::uint32_t shot = 0, std::uint32_t refinement = 0)
      : seed_(seed), shot_(shot), refinement_(refinement) {}

  /// Standard normals of one step, one per component: those that the device's cells get, widened to double.
  void normals(std::uint64_t step, std::span<double> out) const;

  /// The same path with steps of half the length.
  WienerPath refined() const { return WienerPath(seed_, shot_, refinement_ + 1); }
  std::uint32_t refinement() const { return refinement_; }

 private:
  std::uint64_t seed_;
  std::uint32_t shot_, refinement_;
};

}  // namespace heatbath::physics
