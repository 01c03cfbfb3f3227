#include "hw_model/physics/general_kernels.inc"
