#pragma once

#include <string>

#include "heatbath/error.hpp"

namespace heatbath {

/// Throws Error(BAD_ARG).
[[noreturn]] inline void bad_arg(const std::string& message) { throw Error(HB_BAD_ARG, message); }

}  // namespace heatbath
