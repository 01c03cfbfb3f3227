#pragma once
// What one instruction set contributes to the bare limits.

#include <stddef.h>

namespace heatbath::bench {

struct LimitKernels {
  void* (*make)(size_t n, size_t lanes);
  void (*free)(void* operands);
  float (*multiply)(void* operands);
  float (*read_once)(const float* values, size_t count);
};

namespace portable {
extern const LimitKernels limit_kernels;
}
namespace avx2 {
extern const LimitKernels limit_kernels;
}
namespace avx512 {
extern const LimitKernels limit_kernels;
}

}  // namespace heatbath::bench
