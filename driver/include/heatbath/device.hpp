#pragma once
// A thermodynamic computer: an emulator in this process, or a device behind a link.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/capabilities.hpp"
#include "heatbath/electricity.hpp"
#include "heatbath/error.hpp"
#include "heatbath/job.hpp"
#include "heatbath/program.hpp"
#include "heatbath/ticks.hpp"
#include "heatbath/transport.hpp"

namespace heatbath {

/// One device of a rack, and what it has done in it.
struct RackMember {
  std::string uri;  ///< of the device, as the rack's file has it
  double weight = 1;  ///< share of the shots, relative to the others'
  bool lost = false;             ///< it does not answer; each job asks it again
  std::string why;               ///< it was lost last
  std::uint64_t shots = 0;       ///< that results hold
  std::uint64_t ranges = 0;      ///< in so many parts of jobs
  std::uint64_t given_back = 0;  ///< parts that it lost, or that another one finished before it
  double seconds = 0;            ///< of the wall clock, in all parts that it finished
};

/// A device behind a transport, or a rack of them. Move-only, one owner thread; must outlive its jobs.
class Device {
 public:
  /// Takes ownership of the link, checks identity and map version (Error(DEVICE) names what was found and what was
  /// expected) and reads the capabilities. Advances device time by its register accesses; changes nothing else.
  explicit Device(std::unique_ptr<Transport> transport);
  Device(Device&&) noexcept;
  Device& operator=(Device&&) noexcept;
  ~Device();

  /// What the device said of itself when it was opened: no access, valid as long as this object.
  const Identity& identity() const;
  const Capabilities& capabilities() const;
  LinkInfo link() const;

  /// Device time since reset.
  Ticks now();
  /// Resets registers, sequencer, array and device time; memory keeps its contents. A running job is lost.
  void reset();

  /// Step of the array; 0 where the device hides it (a physical chip).
  Ticks step() const;
  /// Sets the step (capabilities.dt_programmable, no job running).
  void set_step(Ticks dt);
  /// The same in time units, to the nearest tick; Error(BAD_ARG) where that is off by more than 1 %.
  void set_step_time_units(double time_units);

  /// Duration of `time_units` dimensionless time units: the nearest multiple of the step; where the step is hidden, of a
  /// tick, and of cells that are updated in sweeps of the shortest capture period. Error(BAD_ARG) that names it where it is
  /// off by more than 1 %.
  Ticks ticks(double time_units) const;
  /// The nearest such duration, however far off; at least one step for a positive one. For callers that then use the
  /// time_units() of the result instead of the duration they asked for.
  Ticks nearest_ticks(double time_units) const;
  /// Dimensionless time of a duration.
  double time_units(Ticks duration) const;
  /// Shortest capture period not below `wanted`: a multiple of the step, at least capabilities().capture_min.
  Ticks capture_period(Ticks wanted) const;

  /// Programs made for capabilities() from now on load what this gives in place of the parameters they are given, and each
  /// job asks it first (ChipCorrection::require). Null: values as they are. Readback shows what was loaded. Error(BUSY) while
  /// a job runs, Error(UNSUPPORTED) for a rack, whose chips differ.
  void correct(std::shared_ptr<const ChipCorrection> correction);

  /// Writes the program and its operands to device memory and starts the first pass. Error(BUSY) while a job of this
  /// device runs; BAD_ARG (also for a program made before correct() was called), UNSUPPORTED, OUT_OF_MEMORY before anything
  /// was started.
  /// `spare`: captures of an earlier job that are no longer needed; the job may reuse their memory.
  Job start(const Program& program, const JobOptions& options = {}, Capture&& spare = {});
  /// start and wait.
  Result run(const Program& program, const JobOptions& options = {}, Capture&& spare = {});

  /// What the jobs of this object have made the device do, passes that have ended; device_seconds are those since the
  /// device's reset. Reads device time, which advances it.
  Work work();
  /// What that costs by the device's own prices.
  Bill bill() { return heatbath::bill(capabilities(), work()); }

  /// The devices of a rack, in the order of its file; empty for a single device.
  std::vector<RackMember> members() const;

  /// The link itself, for tools that peek and poke registers (conformance, bring-up). That of a rack has no registers:
  /// its accesses throw Error(UNSUPPORTED).
  Transport& transport();

 private:
  friend class Job;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Opens a device behind a link: tcp://host:port, unix:/path, shm:/name, etherbone://host:port, uio:/dev/uioN,
/// replay:FILE, record:FILE?device=URI. `uri` is not empty. Error(BAD_ARG) lists the valid schemes, keys and values.
/// A program that also wants emulators calls open() of heatbath/open.hpp.
Device open_link(std::string_view uri);

}  // namespace heatbath
