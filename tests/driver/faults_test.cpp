// Planned faults from the host's side: each is detected by name, corrected, or harmless.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "heatbath/open.hpp"

namespace heatbath {
namespace {

const std::string chip = "func:cells=8&lanes=2&threads=1";

/// A job of eight cells for 8,000 ticks on 4 records.
Program program_for(const Device& device) {
  Program program(device.capabilities(), 8);
  std::vector<float> couplings(64, -0.2f);
  for (std::size_t i = 0; i < 8; ++i) couplings[i * 9] = 0;
  program.load(CellSection::j2, 1.0f).load(CellSection::bias, std::vector<float>(8, 0.5f)).load_couplings(couplings).commit();
  program.capture_start(Ticks{2000}, false).evolve(Ticks{8000}).capture_stop();
  return program;
}

struct Outcome {
  hb_status_t code = HB_OK;
  std::string message;
  std::vector<float> states;
  std::uint64_t clips = 0;
  bool operator==(const Outcome& other) const { return code == other.code && states == other.states; }
};

Outcome run_on(Device& device) {
  try {
    const Result result = device.run(program_for(device), {.shots = 2, .seed = 7});
    const auto values = result.capture.values();
    return {HB_OK, "", {values.begin(), values.end()}, result.capture_clips};
  } catch (const Error& error) {
    return {error.code(), error.what(), {}, 0};
  }
}

Outcome run_with(const std::string& uri) {
  try {
    Device device = open(uri);
    return run_on(device);
  } catch (const Error& error) {
    return {error.code(), error.what(), {}, 0};
  }
}

const Outcome& sound() {
  static const Outcome outcome = run_with(chip);
  return outcome;
}

TEST(Faults, OfTheChipAreNamed) {
  ASSERT_EQ(sound().code, HB_OK);
  for (const auto& [fault, code] : std::vector<std::pair<std::string, hb_status_t>>{{"cell-dead@3000:2", HB_DEFECT},
                                                                                     {"cell-stuck@3000:2", HB_DEFECT},
                                                                                     {"coupler-flip@3000:5", HB_PARITY},
                                                                                     {"memory-flip@3000:77", HB_PARITY},
                                                                                     {"hang@3000", HB_WATCHDOG},
                                                                                     {"thermal-trip@3000", HB_OVERHEATED},
                                                                                     {"brown-out@3000", HB_BROWN_OUT}}) {
    const Outcome found = run_with(chip + "&faults=" + fault);
    EXPECT_EQ(found.code, code) << fault << ": " << found.message;
    EXPECT_NE(found.message.find(hb_status_name(code)), std::string::npos) << found.message;
  }
}

TEST(Faults, OfAConverterAreCounted) {
  const Outcome found = run_with(chip + "&faults=converter-saturated@3000:2");
  EXPECT_EQ(found.code, HB_OK);
  EXPECT_EQ(found.clips, 6u) << "three records of two shots";
  EXPECT_EQ(sound().clips, 0u);
}

TEST(Faults, OfInterruptsAreHarmless) {
  for (const char* fault : {"interrupt-lost@3000", "interrupt-spurious@3000", "interrupt-spurious@7500"})
    EXPECT_EQ(run_with(chip + "&faults=" + fault), sound()) << fault;
}

TEST(Faults, PassAndTheNextJobIsSound) {
  for (const char* fault : {"coupler-flip@3000:5", "memory-flip@3000:77", "hang@3000", "brown-out@3000"}) {
    Device device = open(chip + "&faults=" + fault);
    EXPECT_NE(run_on(device).code, HB_OK) << fault;
    EXPECT_EQ(run_on(device), sound()) << fault;
  }
}

TEST(Faults, ADieThatTrippedRefusesUntilItHasCooled) {
  Device device = open(chip + "&faults=thermal-trip@3000");
  EXPECT_EQ(run_on(device).code, HB_OVERHEATED);
  const Outcome refused = run_on(device);
  EXPECT_EQ(refused.code, HB_OVERHEATED) << refused.message;
  device.transport().wait_irq(1000 * device.capabilities().time_unit.count);
  EXPECT_EQ(run_on(device), sound());
}

TEST(Faults, ADeadCellStaysDead) {
  Device device = open(chip + "&faults=cell-dead@3000:2");
  EXPECT_EQ(run_on(device).code, HB_DEFECT);
  const Outcome later = run_on(device);
  ASSERT_EQ(later.code, HB_OK) << "it was said once";
  for (std::size_t at = 2; at < later.states.size(); at += 8) EXPECT_EQ(later.states[at], 0.0f);
}

TEST(Faults, AreTheSameBitsForThreadsAndFollowTheirTime) {
  const std::string fault = "&faults=cell-dead@3000:2,converter-saturated@3000:1";
  Device one = open("func:cells=70&lanes=33&threads=1" + fault), two = open("func:cells=70&lanes=33&threads=3" + fault);
  run_on(one), run_on(two);
  EXPECT_EQ(run_on(one), run_on(two));
  EXPECT_EQ(run_with(chip + "&faults=cell-dead@900000:2"), sound()) << "the job had ended";
}

TEST(Faults, OfFramesAreNamedOrCorrected) {
  int named = 0, corrected = 0;
  for (const char* kind : {"dropped", "truncated", "corrupted", "duplicated", "reordered"})
    for (const int frame : {60, 101, 130}) {
      const std::string fault = std::string(kind) + "@" + std::to_string(frame);
      const Outcome found = run_with("faulty:" + fault + "?device=" + chip);
      if (found.code == HB_OK) {
        EXPECT_EQ(found, sound()) << fault;
        ++corrected;
      } else {
        EXPECT_EQ(found.code, HB_LINK) << fault << found.message;
        EXPECT_NE(found.message.find(kind), std::string::npos) << found.message;
        ++named;
      }
      EXPECT_EQ(run_with("faulty:" + fault + "?retries=1&device=" + chip), sound()) << fault;
    }
  EXPECT_EQ(corrected, 6);
  EXPECT_EQ(named, 9);
}

TEST(Faults, ThatAreNoneAreRefused) {
  for (const char* wrong : {"cell-dead", "cell-dead@x", "cell-ded@3", "hang@3:y"})
    EXPECT_THROW(open(chip + "&faults=" + wrong), Error) << wrong;
  EXPECT_THROW(open("faulty:lost@3?device=" + chip), Error);
}

}  // namespace
}  // namespace heatbath
