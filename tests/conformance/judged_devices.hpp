#pragma once
// Ten devices that conformance must reject and seven that it must accept, each in as many varieties as there are seeds.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "heatbath/conformance.hpp"
#include "tests/conformance/wrong_device.hpp"

namespace heatbath::testing {

struct JudgedDevice {
  const char* name;
  Wrong wrong;
  const char* uri;
  const char* changes;  ///< to the profile: "table.key=value;…", a value {} is the seed; "" where it stays
};

std::span<const JudgedDevice> wrong_devices();
std::span<const JudgedDevice> honest_devices();

/// What conformance says of a device with the claims about samples and meters, up to the first that is broken.
struct Judgement {
  bool rejected = false;
  std::string claim, detail;  ///< of the broken one; of the law where all are kept
};
/// `folder`: for profiles that are written.
Judgement judge(const JudgedDevice& device, std::uint64_t seed, const std::filesystem::path& folder);

}  // namespace heatbath::testing
