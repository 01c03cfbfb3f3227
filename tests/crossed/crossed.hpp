#pragma once
// What the rows of the crossed suite share: conditions, numbers drawn from a seed of the row, checks by z.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "heatbath/device.hpp"

namespace heatbath::crossed {

/// Some 5,000 numbers are compared: by chance one lies further out once in 200 suites. Seeds are fixed.
constexpr double furthest = 4.9;

/// Noise of fewer shots than this has no normal law of its products.
constexpr std::uint32_t shots = 16384;

struct Condition {
  bool clamp = false;         ///< one cell is held
  bool mask = false;          ///< cell 0 is held for half of the time, then the last
  bool ramp = false;          ///< all parameters but temperatures, masses and dampings move
  bool one_way = false;       ///< couplings differ in both directions
  bool temperatures = false;  ///< one each
  const char* noise = "";     ///< colour; empty: white
  double common = 0;          ///< part of the noise that all cells share

  std::string name() const {
    std::string text;
    for (const auto& [on, word] : {std::pair{clamp, "Clamp"}, {mask, "Mask"}, {ramp, "Ramp"}, {one_way, "OneWay"},
                                   {temperatures, "Temperatures"}, {common > 0, "Common"}})
      if (on) text += word;
    for (const char* c = noise; *c != '\0'; ++c)
      if (*c != '-') text += *c;
    return text.empty() ? "Free" : text;
  }
};

/// Each alone, and those that meet in one step.
inline std::vector<Condition> conditions(bool one_way) {
  std::vector<Condition> list{{}, {.clamp = true}, {.mask = true}, {.ramp = true}, {.temperatures = true},
                              {.clamp = true, .ramp = true}, {.clamp = true, .temperatures = true},
                              {.mask = true, .ramp = true, .temperatures = true}};
  if (one_way) {
    for (Condition c : std::vector<Condition>{{.one_way = true}, {.clamp = true, .one_way = true}, {.ramp = true, .one_way = true},
                                              {.mask = true, .one_way = true, .temperatures = true}})
      list.push_back(c);
  }
  return list;
}

/// Uniform numbers, a function of the row's name and the suite's seed alone.
class Numbers {
 public:
  explicit Numbers(const std::string& row) : state_(20261130) {
    for (const char c : row) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  }
  double operator()(double low, double high) {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state_;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return low + (high - low) * (static_cast<double>((z ^ z >> 31) >> 11) * 0x1p-53);
  }
  /// As the device holds it.
  float single(double low, double high) { return static_cast<float>((*this)(low, high)); }
  std::uint64_t seed() const { return state_; }

 private:
  std::uint64_t state_;
};

/// Mean of values against an expected one, by the scatter of the values.
inline void expect_mean(const std::vector<double>& values, double expected, const std::string& what) {
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double x : values) sum += x - expected;
  const double off = sum / n;
  for (const double x : values) squares += (x - expected - off) * (x - expected - off);
  const double error = std::sqrt(squares / (n - 1) / n), slack = 2e-6 * (1 + std::fabs(expected));
  EXPECT_LE(std::fabs(off), furthest * error + slack)
      << what << ": " << expected + off << " +- " << error << ", exact " << expected << ", z " << off / error;
}

/// Means and mean products of the captured variables (of the last record) against a Gaussian's.
template <typename Mean, typename Covariance>
void expect_law(const Capture& capture, const Mean& mean, const Covariance& covariance) {
  const auto size = static_cast<std::uint32_t>(mean.size());
  std::vector<std::vector<double>> off(size);
  for (std::uint32_t shot = 0; shot < capture.shots(); ++shot) {
    const auto state = capture.state(shot, capture.records() - 1);
    for (std::uint32_t i = 0; i < size; ++i) off[i].push_back(static_cast<double>(state[i]) - mean[i]);
  }
  for (std::uint32_t i = 0; i < size; ++i) {
    expect_mean(off[i], 0, "mean of variable " + std::to_string(i) + ", " + std::to_string(mean[i]));
    for (std::uint32_t j = 0; j <= i; ++j) {
      std::vector<double> products(capture.shots());
      for (std::size_t shot = 0; shot < products.size(); ++shot) products[shot] = off[i][shot] * off[j][shot];
      expect_mean(products, covariance(i, j), "covariance of variables " + std::to_string(i) + ", " + std::to_string(j));
    }
  }
}

}  // namespace heatbath::crossed
