#pragma once
// State of a Device, shared with its jobs.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "heatbath/device.hpp"
#include "heatbath/status.h"
#include "link.hpp"

namespace heatbath {

class Rack;
class RackJob;

struct Device::Impl {
  explicit Impl(std::unique_ptr<Transport> transport) : link(std::move(transport)) {}
  ~Impl();

  Link link;
  Identity identity;
  Capabilities capabilities;
  Ticks step;
  std::optional<std::span<std::byte>> memory;  ///< device memory, where the link lends it
  Job::Impl* active = nullptr;                 ///< the job that runs
  Work work;                                   ///< of the passes that have ended
  std::shared_ptr<Rack> rack;                  ///< where the transport stands for many devices
  std::weak_ptr<RackJob> rack_job;             ///< the job that runs on them

  /// Of what durations are multiples, ticks: the step; where it is hidden a tick, but of cells that are updated in sweeps
  /// the shortest capture period, which is whole sweeps.
  std::uint64_t grid() const {
    if (step.count > 0) return step.count;
    return is_discrete(capabilities.cell_kind) ? std::max<std::uint64_t>(1, capabilities.capture_min.count) : 1;
  }
  bool rack_runs() const;
  /// Makes the checks of a job that need no access to the device, by the rules of one device of the rack; starts it.
  std::shared_ptr<RackJob> start_on_rack(const Program& program, const JobOptions& options);

  Ticks now();
  Ticks read_step();
  /// Runs a device function and throws Error with its status unless that is HB_OK: "<what>: <meaning>".
  template <typename Function>
  void run(const std::string& what, Function&& function) {
    check(link.call(std::forward<Function>(function)), what);
  }
  static void check(hb_status_t status, const std::string& what);
};

}  // namespace heatbath
