#pragma once
// A training that goes on elsewhere.

#include <string_view>

#include "apps/cli/console.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

/// Says that a training of the device line `before` goes on on the device line `now`, where that is another one.
inline void remark_other_device(std::string_view before, std::string_view now) {
  if (before != now)
    remark("heatbath: --continue: trained on {} so far, goes on on {}\n", numerics::escaped(before), numerics::escaped(now));
}

}  // namespace heatbath::apps
