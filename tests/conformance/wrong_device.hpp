#pragma once
// Devices that are wrong on purpose: a sound one behind a link that lies about it. What conformance must find out.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/program.h"

namespace heatbath::testing {

enum class Wrong : std::uint8_t {
  nothing,           ///< noise of another seed, and else as it is
  frozen,            ///< no force and no noise: states stay
  warm,              ///< 5 % above the temperature it was told
  coupling_ignored,  ///< one coupler does nothing
  lanes_alike,       ///< each odd lane has the noise of the lane before it
  jobs_alike,        ///< each job has the noise of the first
  correlated,        ///< cells share a part of their noise (in the profile)
  bias_sign,         ///< one cell takes its bias with the other sign
  ground_state,      ///< no noise: it goes to a minimum
  meter_sign,        ///< energy, work and heat are metered with the other sign
  stale,             ///< a record shows the states of the record before it
  sweep_order,       ///< p-bits that say they are updated in order and are drawn at random (in the URI)
};

/// Passes everything on to the device that it owns, and tells one lie. It lends no memory, so every block passes here.
/// Lies about parameters are told when a program starts, to the copy of it in device memory; memory that was changed is
/// remembered, so a pass that runs the same program again finds the same lie.
class WrongDevice final : public Transport {
 public:
  /// `seed`: of the noise, which the seeds of jobs are combined with, and of what the lie is about (which cell, which
  /// coupler).
  WrongDevice(Device&& sound, Wrong wrong, std::uint64_t seed);

  std::uint32_t read32(std::uint64_t address) override;
  void write32(std::uint64_t address, std::uint32_t value) override;
  void read_block(std::uint64_t address, std::span<std::byte> out) override;
  void write_block(std::uint64_t address, std::span<const std::byte> data) override;
  std::optional<std::span<std::byte>> map(std::uint64_t, std::uint64_t) override { return std::nullopt; }
  bool wait_irq(std::uint64_t limit_ticks) override { return link().wait_irq(limit_ticks); }
  LinkInfo info() const override { return sound_->link(); }

 private:
  std::unique_ptr<Device> sound_;
  Wrong wrong_;
  std::uint64_t seed_;
  std::map<std::uint64_t, std::uint32_t> shadow_;             // registers that are told otherwise than written
  std::map<std::uint64_t, std::vector<std::byte>> changed_;  // device memory: what stands there by our hand
  std::map<std::uint64_t, std::uint64_t> snapshots_;         // where meters lie, and how many lanes have them
  std::map<std::uint32_t, std::vector<std::byte>> records_;  // of this pass, by sequence number, as they were
  bool new_job_ = true;
  std::uint32_t first_shot_ = 0;

  Transport& link() { return sound_->transport(); }
  const Capabilities& caps() const { return sound_->capabilities(); }
  std::uint32_t told(std::uint64_t address, std::uint32_t value) const;
  void lie_in_program();
  void change(std::uint64_t offset, std::span<std::byte> bytes, const std::function<void(std::span<std::byte>)>& how);
  void lie_in_records(std::uint64_t offset, std::span<std::byte> out);
  void lie_in_meters(std::uint64_t offset, std::span<std::byte> out);
};

/// A device behind that link.
Device wrong_device(const std::string& uri, Wrong wrong, std::uint64_t seed);

}  // namespace heatbath::testing
