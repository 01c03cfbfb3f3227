#pragma once
// A job as START samples it from the registers.

#include <cstdint>
#include <vector>

#include "heatbath/program.h"

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::model {

/// Where and what the capture ring of a job holds. slots 0: the program takes no records.
struct RingLayout {
  std::uint64_t base = 0;  ///< byte offset in device memory
  std::uint32_t slots = 0;
  std::uint32_t lanes = 0;
  std::uint32_t cell0 = 0, cells = 0;  ///< captured state variables
  std::uint32_t second = 0;            ///< first variable of the second component: active cells
  bool whole_turns = false;            ///< the second component is stored as int32
  std::uint32_t record_bytes = 0;

  void exchange(numerics::Archive& archive);
  bool operator==(const RingLayout&) const = default;
};

/// Everything a running program needs; registers written later do not change it.
struct Job {
  std::uint32_t cells = 0;      ///< active cells
  std::uint32_t variables = 0;  ///< their state variables
  std::uint32_t shots = 0;  ///< lanes that run
  std::uint64_t dt_ticks = 0;
  bool seeded = false;
  bool continues = false;  ///< a seeded job with JOB_STEP0 != 0
  std::uint64_t seed = 0;
  std::uint32_t shot0 = 0;
  std::uint64_t step0 = 0;
  std::uint32_t refinement = 0;
  RingLayout ring;
  bool metered = false;        ///< the program reads meters
  std::uint32_t meters = 0;    ///< those it asks for besides (HB_FLAG_*)
  std::vector<hb_instruction_t> program;

  void exchange(numerics::Archive& archive);
};

}  // namespace heatbath::model
