#pragma once
// The matrix product whose sums have an order.

#include <cstddef>

namespace heatbath::numerics {

class ThreadTeam;

/// A float32 matrix in memory: element (i, j) is data[i * row_stride + j * column_stride].
struct MatrixView {
  const float* data = nullptr;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t column_stride = 1;

  MatrixView transposed() const { return {data, column_stride, row_stride}; }
};

/// C = A B (or C += A B with `accumulate`): A is m x k, B is k x n, C is m x n row-major with leading dimension ldc.
/// Every element is one chain of fused multiply-adds over k ascending, from 0 (or from C): the result is the same for
/// any instruction set, number of threads and blocking. C must not overlap A or B. `team` may be null (one thread).
void matrix_product(std::size_t m, std::size_t n, std::size_t k, MatrixView a, MatrixView b, float* c, std::size_t ldc,
                    bool accumulate = false, ThreadTeam* team = nullptr);

}  // namespace heatbath::numerics
