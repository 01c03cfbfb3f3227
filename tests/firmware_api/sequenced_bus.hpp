#pragma once
// A register bus that accepts exactly the accesses it was told of, in their order, and fails the test at any other.

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <iomanip>
#include <sstream>
#include <string>

#include "heatbath/mmio.h"

namespace heatbath::testing {

class SequencedBus : public ::testing::Test {
 public:
  struct Access {
    bool write;
    std::uint32_t offset;
    std::uint32_t value;
    int line;
  };

 protected:
  SequencedBus() : mmio_{&SequencedBus::read32, &SequencedBus::write32, this, nullptr, nullptr, nullptr} {}

  void expect(bool write, std::uint32_t offset, std::uint32_t value, int line) {
    expected_.push_back({write, offset, value, line});
  }

  // Every expected access must have happened, also in the middle of a test: call it after each device function.
  void done() {
    for (const Access& access : expected_) ADD_FAILURE() << "missing " << text(access);
    expected_.clear();
  }

  void TearDown() override { done(); }

  hb_mmio_t mmio_;

 private:
  static std::string text(const Access& access) {
    std::ostringstream out;
    out << (access.write ? "write" : "read") << " of offset 0x" << std::hex << access.offset;
    if (access.write) out << " with 0x" << access.value;
    if (access.line > 0) out << std::dec << " (expected at line " << access.line << ")";
    return out.str();
  }

  static std::uint32_t read32(void* context, std::uint32_t offset) {
    return static_cast<SequencedBus*>(context)->take({false, offset, 0, 0});
  }

  static void write32(void* context, std::uint32_t offset, std::uint32_t value) {
    static_cast<SequencedBus*>(context)->take({true, offset, value, 0});
  }

  std::uint32_t take(const Access& access) {
    if (expected_.empty()) {
      ADD_FAILURE() << "unexpected " << text(access);
      return 0;
    }
    const Access next = expected_.front();
    expected_.pop_front();
    const bool same = next.write == access.write && next.offset == access.offset &&
                      (!access.write || next.value == access.value);
    if (!same) ADD_FAILURE() << text(access) << " instead of " << text(next);
    return next.value;
  }

  std::deque<Access> expected_;
};

}  // namespace heatbath::testing

/// The device function under test must read the register next; it gets the value.
#define EXPECT_READ32(offset, value) expect(false, (offset), (value), __LINE__)
/// The device function under test must write the value next.
#define EXPECT_WRITE32(offset, value) expect(true, (offset), (value), __LINE__)
