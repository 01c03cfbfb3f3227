#include "hw_model/device/register_file.hpp"

#include <algorithm>
#include <vector>

#include "heatbath/numerics/archive.hpp"
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

void RegisterFile::exchange(numerics::Archive& archive) {
  archive.section("regs");
  std::vector<std::uint32_t> writable;
  for (std::uint32_t word = 0; word < words; ++word)
    if (const Access access = rules()[word].access; access == Access::rw || access == Access::cmd) writable.push_back(word);
  std::uint32_t count = static_cast<std::uint32_t>(writable.size());
  archive(count);
  // A later map may have more registers: what is not in the file keeps its value after reset.
  std::vector<std::uint32_t> found = writable;
  if (archive.reads()) found.assign(std::min(count, words), 0);
  archive.check(count <= words, "number of registers");
  for (std::uint32_t& word : found) {
    archive(word);
    const bool known = std::ranges::find(writable, word) != writable.end();
    archive.check(known, "list of registers");
    std::uint32_t value = known ? value_[word] : 0;
    archive(value);
    archive.check((value & ~rules()[word].write_mask) == 0, "register");
    value_[word] = value;
  }
  archive(access_errors_, sequence_errors_);
}

}  // namespace heatbath::model
