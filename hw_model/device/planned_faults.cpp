#include "hw_model/device/planned_faults.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "heatbath/numerics/text.hpp"

namespace heatbath::model {
namespace {

constexpr std::array<std::string_view, 11> kind_names{
    "cell-dead",      "cell-stuck",         "coupler-flip", "memory-flip", "converter-saturated", "interrupt-lost",
    "interrupt-spurious", "dma-error",      "hang",         "thermal-trip", "brown-out"};

}  // namespace

std::string_view name(FaultKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

std::vector<PlannedFault> parse_faults(std::string_view text) {
  std::vector<PlannedFault> faults;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view entry = text.substr(0, comma);
    const auto wrong = [&](const std::string& what) {
      throw std::invalid_argument("fault " + numerics::quoted(entry) + ": " + what);
    };
    const std::size_t at = entry.find('@'), colon = entry.find(':', at == std::string_view::npos ? 0 : at);
    if (at == std::string_view::npos) wrong("write it as KIND@TICK or KIND@TICK:TARGET");
    const auto kind = std::ranges::find(kind_names, entry.substr(0, at));
    if (kind == kind_names.end()) {
      std::string kinds;
      for (const std::string_view one : kind_names) kinds += (kinds.empty() ? "" : ", ") + std::string(one);
      wrong("no such kind; they are " + kinds);
    }
    PlannedFault fault{static_cast<FaultKind>(kind - kind_names.begin()), 0, 0};
    const auto number = [&](std::string_view digits) {
      const auto value = numerics::parse_number<std::uint64_t>(digits);
      if (!value) wrong(numerics::quoted(digits) + " is no whole number of 0 or more");
      return *value;
    };
    fault.tick = number(entry.substr(at + 1, colon == std::string_view::npos ? colon : colon - at - 1));
    if (colon != std::string_view::npos) fault.target = number(entry.substr(colon + 1));
    faults.push_back(fault);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  std::ranges::stable_sort(faults, {}, &PlannedFault::tick);
  return faults;
}

}  // namespace heatbath::model
