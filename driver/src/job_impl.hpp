#pragma once
// State of a Job: one pass after the other over the device's lanes.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "device_impl.hpp"
#include "heatbath/dif_job.h"
#include "heatbath/error.hpp"
#include "heatbath/job.hpp"
#include "heatbath/program.hpp"
#include "memory_plan.hpp"
#include "record_reader.hpp"

namespace heatbath::numerics {
class Archive;
}

namespace heatbath {

struct Job::Impl {
  /// Makes every check that needs no access to the device. Throws as Device::start documents.
  Impl(Device::Impl& device, const Program& program, const JobOptions& options, Capture&& spare);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// Writes program and operands and starts the first pass.
  void begin();
  /// Polls the device once. Failures become the job's state.
  void look() noexcept;
  /// Advances device time by one slice and polls.
  void advance();
  /// Called during long work: whether the job was cancelled. Calls progress several times a second.
  bool asked_to_stop() noexcept;
  /// Stops the device and ends the job as `ended` with this failure.
  void stop(State ended, const Error& error) noexcept;
  /// Ends the job without touching the device.
  void lose(const Error& error) noexcept;

  Device::Impl* device;
  Program program;
  JobOptions options;
  State state = State::running;
  std::optional<Error> failure;
  Result result;
  bool taken = false;
  std::atomic<bool> cancelled{false};
  std::exception_ptr thrown;  ///< of progress; the job is cancelled then

 private:
  std::uint32_t pass_shots() const;
  /// Values per shot of a meter on request.
  std::uint32_t values_of(const MeterFacts& meter) const { return meter.per_cell ? program.cells() : 1; }
  std::uint64_t record_bytes() const;
  void write_rows();
  bool keeps() const { return options.checkpoints.due || !options.checkpoints.from.empty(); }
  std::uint32_t identity() const;
  void exchange(numerics::Archive& archive);
  void save();
  void resume();
  void start_pass();
  void service();
  void fetch();
  /// Gives a record to options.records.
  void hand_over(std::span<const std::byte> record, std::uint32_t number);
  void finish_pass(const hb_job_status_t& status);
  void count_work();
  void read_meters();
  void read_readbacks();
  std::span<const std::byte> records(std::uint32_t number, std::uint32_t count);
  double fraction();
  bool report(double done);
  void halt_device();
  void finish(State ended) noexcept;
  void fail(const Error& error) noexcept;
  void read_device(std::uint64_t offset, std::span<std::byte> out);

  std::uint32_t capture_cells_;
  RecordShape shape_;             ///< of a record; lanes are those of the pass
  MemoryPlan plan_;
  Work shot_work_;                ///< of one shot
  std::uint64_t link_bytes_ = 0;  ///< of this pass
  std::uint64_t done_shots_ = 0;  ///< of the passes before this one
  std::uint32_t fetched_ = 0;     ///< records of this pass
  std::vector<std::byte> staging_;
  std::vector<float> handed_;     ///< states of one record
  std::uint64_t started_at_ = 0;
  std::uint64_t left_ = ~std::uint64_t{0};  ///< ticks to the limit, at the last look
  std::uint64_t slice_ = 1, longest_slice_ = 1;
  std::uint64_t clips_ = 0;
  bool woken_ = false;  ///< the last wait ended with an interrupt
  double told_ = 0;  ///< fraction that progress was told last, and when
  std::chrono::steady_clock::time_point told_at_ = std::chrono::steady_clock::now();
};

}  // namespace heatbath
