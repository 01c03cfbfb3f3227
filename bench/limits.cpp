#include "bench/limits.hpp"

#include "bench/limit_kernels.hpp"
#include "heatbath/numerics/isa.hpp"

namespace heatbath::bench {
namespace {

const LimitKernels& kernels() {
  switch (numerics::available_isas().back()) {
    case numerics::Isa::avx512: return avx512::limit_kernels;
    case numerics::Isa::avx2: return avx2::limit_kernels;
    case numerics::Isa::portable: break;
  }
  return portable::limit_kernels;
}

}  // namespace

EigenProduct::EigenProduct(std::size_t n, std::size_t lanes) : operands_(kernels().make(n, lanes)) {}
EigenProduct::~EigenProduct() { kernels().free(operands_); }
float EigenProduct::multiply() { return kernels().multiply(operands_); }

float read_once(const float* values, std::size_t count) { return kernels().read_once(values, count); }

}  // namespace heatbath::bench
