#include "hw_model/physics/code_products.inc"
