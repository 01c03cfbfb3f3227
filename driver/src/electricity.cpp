#include "heatbath/electricity.hpp"

#include <algorithm>
#include <array>

#include "heatbath/numerics/text.hpp"
#include "heatbath/program.hpp"

namespace heatbath {

std::string_view name(Grade grade) {
  constexpr std::array<std::string_view, 6> names{"unstated", "projected", "derived", "simulated", "measured", "metered"};
  return names[static_cast<std::size_t>(grade)];
}

Work work_of_shot(const Program& program, std::uint32_t captured) {
  const Capabilities& caps = program.capabilities();
  Work work;
  std::uint64_t times = 1;
  std::vector<std::uint64_t> outer;
  for (const Program::Step& step : program.steps()) {
    const hb_instruction_t& it = step.instruction;
    switch (static_cast<hb_op_t>(it.op)) {
      case HB_OP_LOOP_BEGIN:
        outer.push_back(times);
        times *= it.count;
        break;
      case HB_OP_LOOP_END:
        times = outer.back();
        outer.pop_back();
        break;
      case HB_OP_LOAD: {
        const auto section = static_cast<hb_section_t>(it.section);
        const bool one = section == HB_SECTION_GAIN || (section == HB_SECTION_KT && (it.flags & HB_FLAG_IMMEDIATE) != 0);
        work.writes += times * (one ? 1 : program.values_of(section));
        break;
      }
      case HB_OP_SET:
      case HB_OP_CLAMP: work.writes += times * it.count; break;
      default: break;
    }
  }
  const double units = static_cast<double>(program.duration().count) / static_cast<double>(caps.time_unit.count);
  work.samples = units * program.cells();
  work.reads = program.records() * captured;
  work.busy_seconds = units * caps.time_unit_seconds();
  return work;
}

double Bill::overhead() const {
  double samples = 0;
  for (const Cost& cost : items)
    if (cost.item == "samples" || cost.item == "standby") samples += cost.joules;
  return joules > 0 ? (joules - samples) / joules : 0;
}

std::string Bill::verdict() const {
  if (joules == 0) return "";
  const Cost& most = *std::ranges::max_element(items, {}, &Cost::joules);
  const auto share = [&](double part) { return numerics::general(100 * part / joules, 3) + " %"; };
  std::string line = most.item + " take most, " + share(most.joules);
  const auto samples = std::ranges::find(items, std::string("samples"), &Cost::item);
  if (most.item != "samples" && samples != items.end())
    line += "; the sampling itself takes " + share(samples->joules);
  return line;
}

Bill bill(const Capabilities& caps, const Work& work) {
  Bill bill;
  if (work.device_seconds > 0) bill.duty = work.busy_seconds / work.device_seconds;
  if (!caps.priced) return bill;
  struct Row {
    const char* item;
    double count;
    float price;
  };
  const Row rows[] = {{"samples", work.samples, caps.sample_joules},
                      {"reads", static_cast<double>(work.reads), caps.read_joules},
                      {"writes", static_cast<double>(work.writes), caps.write_joules},
                      {"conversions", static_cast<double>(work.reads + work.writes), caps.conversion_joules},
                      {"link", static_cast<double>(work.link_bytes), caps.link_byte_joules},
                      {"standby", work.device_seconds, caps.standby_watts}};
  Grade weakest = Grade::metered;
  for (std::uint32_t k = 0; k < std::size(rows); ++k) {
    const Row& row = rows[k];
    if (row.price == 0) {
      bill.unpriced.emplace_back(row.item);
      continue;
    }
    // Counts are exact of their kind; the price decides.
    const auto grade = static_cast<Grade>(std::min(caps.cost_grades >> 4 * k & 15u, 5u));
    const auto price = static_cast<double>(row.price);
    bill.items.push_back({row.item, row.count, price, price * row.count, grade});
    bill.joules += price * row.count;
    weakest = weaker(weakest, grade);
  }
  if (!bill.items.empty()) bill.grade = weakest;
  return bill;
}

}  // namespace heatbath
