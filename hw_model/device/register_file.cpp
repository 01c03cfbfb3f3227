#include "hw_model/device/register_file.hpp"

#include <vector>

#include "heatbath/register_list.h"

namespace heatbath::model {
namespace {

struct Rule {
  Access access = Access::unmapped;
  std::uint32_t write_mask = 0;
  std::uint32_t reset = 0;
};

/// One rule per word of the window.
const std::vector<Rule>& rules() {
  static const std::vector<Rule> list = [] {
    constexpr Access RO = Access::ro, RW = Access::rw, CMD = Access::cmd;
    std::vector<Rule> table(HB_WINDOW_BYTES / 4);
#define HB_REGISTER(NAME, offset, ACCESS, RESET, reset_value, write_mask) \
  table[(offset) / 4] = Rule{ACCESS, write_mask, reset_value};
    HB_REGISTER_LIST(HB_REGISTER)
#undef HB_REGISTER
    return table;
  }();
  return list;
}

const Rule* rule_at(std::uint32_t offset) {
  if (offset % 4 != 0 || offset >= HB_WINDOW_BYTES) return nullptr;
  const Rule& rule = rules()[offset / 4];
  return rule.access == Access::unmapped ? nullptr : &rule;
}

}  // namespace

Access access_of(std::uint32_t offset) {
  const Rule* rule = rule_at(offset);
  return rule == nullptr ? Access::unmapped : rule->access;
}

RegisterFile::RegisterFile() { reset(); }

void RegisterFile::power_on() {
  access_errors_ = sequence_errors_ = 0;
  reset();
}

void RegisterFile::reset() {
  for (std::uint32_t word = 0; word < words; ++word) value_[word] = rules()[word].reset;
}

bool RegisterFile::admits_read(std::uint32_t offset) {
  if (rule_at(offset) != nullptr) return true;
  count_access_error();
  return false;
}

Access RegisterFile::admits_write(std::uint32_t offset, std::uint32_t& value) {
  const Rule* rule = rule_at(offset);
  if (rule == nullptr || rule->access == Access::ro) {
    count_access_error();
    return Access::unmapped;
  }
  value &= rule->write_mask;
  return rule->access;
}

std::uint64_t RegisterFile::get64(std::uint32_t low_offset) const {
  return get(low_offset) | std::uint64_t{get(low_offset + 4)} << 32;
}

}  // namespace heatbath::model
