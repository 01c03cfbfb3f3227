#include "monitor/interrupt_log.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "heatbath/numerics/text.hpp"

namespace heatbath::monitor {

void InterruptLog::note(std::uint32_t mask, std::optional<std::uint64_t> ticks) {
  mask &= (1u << kinds) - 1;
  if (mask == 0) return;
  for (std::size_t kind = 0; kind < kinds; ++kind) counts_[kind] += mask >> kind & 1u;
  last_.push_back({ticks, mask});
  if (last_.size() > most) last_.pop_front();
}

std::string InterruptLog::json(double time_units_of_tick) const {
  std::string last;
  for (const One& one : last_) {
    const std::string time = one.ticks ? numerics::general(static_cast<double>(*one.ticks) * time_units_of_tick, 9) : "null";
    last += fmt::format("{}[{},{}]", last.empty() ? "" : ",", time, one.mask);
  }
  return fmt::format(R"({{"counts":[{}],"last":[{}]}})", fmt::join(counts_, ","), last);
}

}  // namespace heatbath::monitor
