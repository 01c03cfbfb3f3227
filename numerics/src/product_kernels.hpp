#pragma once
// The inner part of matrix_product, once per instruction set.

namespace heatbath::numerics {

/// Columns of a packed block of B; the same on every instruction set.
constexpr long product_columns = 16;

struct ProductKernels {
  long panel_rows;
  /// C (panel_rows x 16, leading dimension ldc) += packed A ([k][panel_rows]) times packed B ([k][16]); `fresh`: the sums
  /// begin at 0 and C is only written. `next` is the C of the call to come: its lines are fetched ahead.
  void (*multiply)(long k, const float* a, const float* b, float* c, long ldc, bool fresh, const float* next);
};

namespace portable {
extern const ProductKernels product_kernels;
}
namespace avx2 {
extern const ProductKernels product_kernels;
}
namespace avx512 {
extern const ProductKernels product_kernels;
}

}  // namespace heatbath::numerics
