#include "numerics/src/product_kernels.inc"
