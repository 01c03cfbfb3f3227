#pragma once
// The bare limits that steps are measured against, on the best instruction set of this processor.

#include <cstddef>

namespace heatbath::bench {

/// Eigen's float32 product of an n x n by an n x lanes matrix, column-major, on one thread. Keeps its operands.
class EigenProduct {
 public:
  EigenProduct(std::size_t n, std::size_t lanes);
  ~EigenProduct();
  EigenProduct(const EigenProduct&) = delete;
  EigenProduct& operator=(const EigenProduct&) = delete;

  /// Multiplies once; returns an element of the result so that nothing is left out.
  float multiply();

 private:
  void* operands_;
};

/// Reads `count` floats (a multiple of 512) from memory once and returns their sum in some order.
float read_once(const float* values, std::size_t count);

}  // namespace heatbath::bench
