#include "hw_model/physics/step_kernels.inc"
