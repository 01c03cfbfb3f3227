#pragma once
// The inner part of matrix_product, once per instruction set.

namespace heatbath::numerics {

/// Largest panels of any instruction set.
constexpr long product_rows_most = 12, product_columns_most = 32;

struct ProductKernels {
  long panel_rows, panel_columns;
  /// C (panel_rows x panel_columns, leading dimension ldc) += packed A ([k][panel_rows]) times packed B
  /// ([k][panel_columns]); `fresh`: the sums begin at 0 and C is only written. `next` is the C of the call to come: its
  /// lines are fetched ahead.
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
