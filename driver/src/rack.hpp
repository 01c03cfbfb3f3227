#pragma once
// The devices of a rack, each in its own thread.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/rack.hpp"

namespace heatbath {

/// Shared by the link, its jobs and the threads of its devices, one of which may outlast them: nobody waits for a device
/// that does not answer.
class Rack : public std::enable_shared_from_this<Rack> {
 public:
  explicit Rack(RackOptions options) : options_(std::move(options)) {}

  /// Opens the devices, as make_rack. Called once.
  void open(std::vector<RackDevice> devices);
  /// Ends the threads; those that do not end soon are left to themselves.
  void close();

  /// How long a device that was lost is left alone by new jobs.
  static constexpr std::chrono::seconds asked_again_after{2};

  /// One device. What has no other comment is guarded by mutex().
  struct Member {
    RackDevice made_of;
    std::optional<Device> device;  ///< of its thread alone
    std::deque<std::function<void()>> calls;
    std::string why;               ///< it was lost
    bool lost = false;
    std::chrono::steady_clock::time_point asked{};  ///< when it was asked last whether it is back
    std::uint32_t lanes = 1;
    double speed = 0;  ///< ticks x shots that it ran in a second; 0: not measured
    Work work;         ///< of all links it had; device_seconds of the links before the present one
    std::uint64_t shots = 0, ranges = 0, given_back = 0;
    double seconds = 0;
    bool ended = false;            ///< its thread
    std::thread thread;            ///< the owner's
  };

  std::mutex& mutex() { return mutex_; }
  std::condition_variable& changed() { return changed_; }
  std::vector<std::unique_ptr<Member>>& members() { return members_; }
  const Identity& identity() const { return identity_; }
  /// Of the first device; with the lanes of all, and the least memory.
  const Capabilities& capabilities() const { return capabilities_; }
  std::uint32_t lanes_of_one() const { return lanes_of_one_; }
  Ticks step() const { return step_; }

  /// Calls `what` on each device that is there, in their threads, and returns when all have done it. Throws the first
  /// Error of another code than LINK; a device that throws that is lost.
  void on_each(const std::function<void(Device&)>& what);
  void set_step(Ticks step);
  void reset();
  /// The latest device time among them.
  Ticks now();
  /// Of all devices together.
  Work work();
  std::vector<RackMember> report();

  /// In the member's thread, without the mutex: opens the device if it is not there. False when it stays away.
  bool revive(Member& member);
  /// In the member's thread, without the mutex.
  void lose(Member& member, const std::string& why);
  /// Runs `call` in the member's thread, after what was posted before it. The mutex is held.
  void post(Member& member, std::function<void()> call);

  LinkInfo info() const;

 private:
  void live(Member& member);

  RackOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closing_ = false;
  std::vector<std::unique_ptr<Member>> members_;
  std::string first_uri_;
  Identity identity_;
  Capabilities capabilities_;  // of all together; lanes_of_one_ are those of the first
  std::uint32_t lanes_of_one_ = 1;
  Ticks step_;
  bool known_ = false;     // the first device has said what it is
  bool step_set_ = false;  // by the host
};

/// What stands for a rack where a link is wanted: it has no registers.
class RackLink final : public Transport {
 public:
  explicit RackLink(std::shared_ptr<Rack> rack) : rack_(std::move(rack)) {}
  ~RackLink() override { rack_->close(); }
  const std::shared_ptr<Rack>& rack() const { return rack_; }

  std::uint32_t read32(std::uint64_t) override { refuse(); }
  void write32(std::uint64_t, std::uint32_t) override { refuse(); }
  void read_block(std::uint64_t, std::span<std::byte>) override { refuse(); }
  void write_block(std::uint64_t, std::span<const std::byte>) override { refuse(); }
  std::optional<std::span<std::byte>> map(std::uint64_t, std::uint64_t) override { return std::nullopt; }
  bool wait_irq(std::uint64_t) override { refuse(); }
  LinkInfo info() const override { return rack_->info(); }

 private:
  [[noreturn]] void refuse() const;
  std::shared_ptr<Rack> rack_;
};

}  // namespace heatbath
