#include "hw_model/physics/categorical_kernels.inc"
