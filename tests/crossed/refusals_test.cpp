// What the matrix of kinds, steppers and conditions does not admit is refused by name.
#include "heatbath/open.hpp"
#include "tests/crossed/crossed.hpp"

namespace heatbath::crossed {
namespace {

constexpr const char* kinds[] = {"overdamped", "underdamped", "phase", "rlc", "pbit"};
constexpr const char* steppers[] = {"euler-maruyama", "heun", "leimkuhler-matthews", "baoab", "exact-ou", "sequential",
                                    "random-sequential", "two-colour", "lattice-walk"};

/// docs/dynamics.md, table of steppers.
bool admitted(const std::string& kind, const std::string& stepper) {
  const bool inertia = kind == "underdamped" || kind == "rlc";
  if (stepper == "euler-maruyama" || stepper == "heun") return kind != "pbit";
  if (stepper == "leimkuhler-matthews") return kind == "overdamped" || kind == "phase";
  if (stepper == "lattice-walk") return kind == "overdamped";
  if (stepper == "baoab") return inertia;
  if (stepper == "exact-ou") return inertia || kind == "overdamped";
  return kind == "pbit";
}

std::string refusal(const std::string& uri) {
  try {
    open(uri);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Refusals, AStepperThatDoesNotGoWithAKind) {
  for (const std::string kind : kinds) {
    for (const std::string stepper : steppers) {
      const std::string topology = stepper == "two-colour" ? "&topology=ring:4" : "";
      const std::string message = refusal("func:cells=4&cell=" + kind + "&stepper=" + stepper + topology);
      if (admitted(kind, stepper)) {
        EXPECT_EQ(message, "") << kind << " " << stepper;
      } else {
        EXPECT_THAT(message, ::testing::AllOf(::testing::HasSubstr(stepper), ::testing::HasSubstr(kind))) << kind << " " << stepper;
      }
    }
  }
}

TEST(Refusals, ColouredNoiseOfAStepperThatHasNone) {
  for (const std::string kind : kinds) {
    for (const std::string stepper : steppers) {
      if (!admitted(kind, stepper)) continue;
      const bool coloured = stepper == "euler-maruyama" || stepper == "heun";
      const std::string topology = stepper == "two-colour" ? "&topology=ring:4" : "";
      for (const std::string noise : {"ornstein-uhlenbeck", "telegraph", "pink"}) {
        const std::string message = refusal("func:cells=4&cell=" + kind + "&stepper=" + stepper + topology + "&noise=" + noise +
                                            "&noise_time=0.4");
        if (coloured) EXPECT_EQ(message, "") << kind << " " << stepper << " " << noise;
        else EXPECT_THAT(message, ::testing::HasSubstr("noise")) << kind << " " << stepper << " " << noise;
      }
    }
  }
}

TEST(Refusals, OneWayCapacitances) {
  EXPECT_THAT(refusal("func:cells=4&cell=rlc&reciprocal=no"), ::testing::HasSubstr("rlc"));
}

TEST(Refusals, AQuarticCellUnderExactSteps) {
  for (const std::string kind : {"overdamped", "underdamped", "rlc"}) {
    Device device = open("func:cells=2&lanes=16&stepper=exact-ou&cell=" + kind);
    Program program(device.capabilities(), 2);
    program.load(CellSection::j2, 1).load(CellSection::j4, 0.5f).commit().evolve(device.ticks(1)).sample();
    try {
      device.run(program, {.shots = 16});
      ADD_FAILURE() << kind << " was not refused";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("J4")) << kind;
    }
  }
}

TEST(Refusals, ALatticeWalkWithoutNoise) {
  Device device = open("func:cells=3&lanes=1&stepper=lattice-walk");
  Program program(device.capabilities(), 3);
  program.load(CellSection::j2, 1).load(CellSection::kT, std::vector<float>{1, 0, 1}).commit().evolve(device.ticks(1)).sample();
  try {
    device.run(program, {.shots = 1});
    ADD_FAILURE() << "not refused";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("the temperature of cell 1 is 0; the lattice-walk stepper needs noise"));
  }
}

}  // namespace
}  // namespace heatbath::crossed
