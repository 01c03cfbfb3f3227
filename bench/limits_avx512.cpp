#include "bench/limit_kernels.inc"
