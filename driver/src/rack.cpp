#include "rack.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <string_view>
#include <utility>

#include "heatbath/numerics/text.hpp"

namespace heatbath {
namespace {

/// How long the end of a rack waits for its devices.
constexpr std::chrono::milliseconds longest_farewell{400};

/// What devices of one rack may differ in: `always`, or where the rack is mixed.
constexpr std::string_view own_always[] = {"lanes", "memory_bytes"};
constexpr std::string_view own_of_mixed[] = {"arithmetic",        "priced",           "sample_joules", "read_joules",
                                             "write_joules",      "conversion_joules", "link_byte_joules", "standby_watts",
                                             "cost_grades"};

template <class T>
bool same_list(const std::shared_ptr<const std::vector<T>>& a, const std::shared_ptr<const std::vector<T>>& b) {
  return a == b || (a && b && *a == *b);
}

/// The first thing in which a device differs from the first one so that they are no rack; empty where they are alike.
std::string difference(const Identity& identity, const Capabilities& capabilities, Ticks step, const Device& other, bool mixed) {
  const auto differs = [](const std::string& what, auto here, auto there) {
    return what + " is " + numerics::general(static_cast<double>(here), 17) + ", that of the first " +
           numerics::general(static_cast<double>(there), 17);
  };
  const Identity& its = other.identity();
  if (!mixed) {
    if (its.vendor != identity.vendor) return differs("its vendor", its.vendor, identity.vendor);
    if (its.part != identity.part) return differs("its part", its.part, identity.part);
    if (its.revision != identity.revision) return differs("its revision", its.revision, identity.revision);
    if (its.serial != identity.serial)
      return "its serial number is " + std::to_string(its.serial) + ", that of the first " + std::to_string(identity.serial);
  }
  for (const NamedCapability& one : capability_list()) {
    if (std::ranges::find(own_always, one.name) != std::end(own_always)) continue;
    if (mixed && std::ranges::find(own_of_mixed, one.name) != std::end(own_of_mixed)) continue;
    const double here = one.value(other.capabilities()), there = one.value(capabilities);
    if (here != there) return differs(std::string("capability ") + one.name, here, there);
  }
  if (!same_list(other.capabilities().coupler_list, capabilities.coupler_list)) return "its couplers are others than those of the first";
  if (!same_list(other.capabilities().graph_couplings, capabilities.graph_couplings))
    return "its graph has other couplings than that of the first";
  if (other.step() != step) return differs("its step in ticks", other.step().count, step.count);
  return {};
}

void add(Work& all, const Work& more) {
  all.samples += more.samples;
  all.reads += more.reads;
  all.writes += more.writes;
  all.link_bytes += more.link_bytes;
  all.busy_seconds += more.busy_seconds;
  all.device_seconds += more.device_seconds;
}

}  // namespace

std::unique_ptr<Transport> make_rack(std::vector<RackDevice> devices, RackOptions options) {
  auto rack = std::make_shared<Rack>(std::move(options));
  auto link = std::make_unique<RackLink>(rack);
  rack->open(std::move(devices));
  return link;
}

void Rack::open(std::vector<RackDevice> devices) {
  if (devices.empty()) throw Error(HB_BAD_ARG, "a rack of no devices; at least one is needed");
  for (const RackDevice& device : devices)
    if (!(device.weight > 0) || !std::isfinite(device.weight))
      throw Error(HB_BAD_ARG, "rack device '" + device.uri + "': its weight must be above 0");
  for (RackDevice& device : devices) {
    members_.push_back(std::make_unique<Member>());
    Member& member = *members_.back();
    member.made_of = std::move(device);
    member.thread = std::thread([self = shared_from_this(), &member] { self->live(member); });
  }
  std::vector<std::exception_ptr> failures(members_.size());
  std::size_t opened = 0;
  std::unique_lock lock(mutex_);
  for (std::size_t k = 0; k < members_.size(); ++k)
    post(*members_[k], [this, k, &failures, &opened] {
      try {
        members_[k]->device.emplace(members_[k]->made_of.open());
      } catch (...) {
        failures[k] = std::current_exception();
      }
      const std::lock_guard done(mutex_);
      ++opened;
      changed_.notify_all();
    });
  changed_.wait(lock, [&] { return opened == members_.size(); });
  // The threads wait now, so their devices can be looked at here.
  std::string first_why;
  for (std::size_t k = 0; k < members_.size(); ++k) {
    Member& member = *members_[k];
    const std::string who = "rack device '" + member.made_of.uri + "': ";
    if (failures[k]) {
      try {
        std::rethrow_exception(failures[k]);
      } catch (const Error& error) {
        if (error.code() != HB_LINK || !options_.incomplete) throw Error(error.code(), who + error.what());
        member.lost = true;
        member.why = error.what();
        member.asked = std::chrono::steady_clock::now();
        if (first_why.empty()) first_why = who + error.what();
      }
      continue;
    }
    const Capabilities& its = member.device->capabilities();
    member.lanes = std::max<std::uint32_t>(1, its.lanes);
    if (!known_) {
      known_ = true;
      identity_ = member.device->identity();
      capabilities_ = its;
      capabilities_.lanes = 0;
      lanes_of_one_ = member.lanes;
      step_ = member.device->step();
      first_uri_ = member.made_of.uri;
    } else if (const std::string what = difference(identity_, capabilities_, step_, *member.device, options_.mixed); !what.empty()) {
      throw Error(HB_BAD_ARG, who + "it is unlike '" + first_uri_ + "': " + what +
                                  (options_.mixed ? "; also a mixed rack needs this alike"
                                                  : "; a rack of unlike chips must say mixed = true, and then gives other bits than one chip"));
    }
    capabilities_.lanes += member.lanes;
    capabilities_.memory_bytes = std::min(capabilities_.memory_bytes, its.memory_bytes);
    if (member.device->identity().serial != identity_.serial) identity_.serial = 0;
  }
  if (!known_) throw Error(HB_LINK, "no device of the rack answers; " + first_why);
}

void Rack::close() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  changed_.notify_all();
  const auto ended = [](const auto& member) { return member->ended || !member->thread.joinable(); };
  changed_.wait_for(lock, longest_farewell, [&] { return std::ranges::all_of(members_, ended); });
  std::vector<std::thread> threads;
  for (const auto& member : members_) {
    if (!member->thread.joinable()) continue;
    if (member->ended) threads.push_back(std::move(member->thread));
    else member->thread.detach();
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
}

/// The thread of a member: makes the calls that are posted to it; ends with the rack.
void Rack::live(Member& member) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return closing_ || !member.calls.empty(); });
    if (member.calls.empty()) break;
    const std::function<void()> call = std::move(member.calls.front());
    member.calls.pop_front();
    lock.unlock();
    call();
    lock.lock();
  }
  lock.unlock();
  member.device.reset();
  lock.lock();
  member.ended = true;
  changed_.notify_all();
}

void Rack::post(Member& member, std::function<void()> call) {
  member.calls.push_back(std::move(call));
  changed_.notify_all();
}

void Rack::lose(Member& member, const std::string& why) {
  Work done;
  if (member.device) {
    try {
      done = member.device->work();
    } catch (const Error&) {
      // What a link that is gone did in its last pass is not known.
    }
    member.device.reset();
  }
  const std::lock_guard lock(mutex_);
  add(member.work, done);
  member.lost = true;
  member.why = why;
  member.asked = std::chrono::steady_clock::now();
  changed_.notify_all();
}

bool Rack::revive(Member& member) {
  if (member.device) return true;
  try {
    member.device.emplace(member.made_of.open());
    if (step_set_ && member.device->step() != step_) member.device->set_step(step_);
    if (const std::string what = difference(identity_, capabilities_, step_, *member.device, options_.mixed); !what.empty())
      throw Error(HB_DEVICE, "it came back as another device: " + what);
  } catch (const Error& error) {
    lose(member, error.what());
    return false;
  }
  const std::lock_guard lock(mutex_);
  member.lanes = std::max<std::uint32_t>(1, member.device->capabilities().lanes);
  member.lost = false;
  return true;
}

void Rack::on_each(const std::function<void(Device&)>& what) {
  std::exception_ptr failure;
  std::size_t asked = 0, answered = 0;
  std::unique_lock lock(mutex_);
  for (const auto& member : members_) {
    if (member->lost) continue;
    ++asked;
    post(*member, [this, &member = *member, &what, &failure, &answered] {
      std::exception_ptr here;
      try {
        if (member.device) what(*member.device);
      } catch (const Error& error) {
        if (error.code() == HB_LINK) lose(member, error.what());
        else here = std::current_exception();
      } catch (...) {
        here = std::current_exception();
      }
      const std::lock_guard done(mutex_);
      if (!failure) failure = here;
      ++answered;
      changed_.notify_all();
    });
  }
  changed_.wait(lock, [&] { return answered == asked; });
  if (failure) std::rethrow_exception(failure);
}

void Rack::set_step(Ticks step) {
  on_each([&](Device& device) { device.set_step(step); });
  step_ = step;
  step_set_ = true;
}

void Rack::reset() {
  on_each([](Device& device) { device.reset(); });
  on_each([this](Device& device) {
    const std::lock_guard lock(mutex_);
    step_ = device.step();
  });
  step_set_ = false;
}

Ticks Rack::now() {
  Ticks latest;
  on_each([&](Device& device) {
    const Ticks its = device.now();
    const std::lock_guard lock(mutex_);
    latest = std::max(latest, its);
  });
  return latest;
}

Work Rack::work() {
  Work all;
  on_each([&](Device& device) {
    const Work its = device.work();
    const std::lock_guard lock(mutex_);
    add(all, its);
  });
  const std::lock_guard lock(mutex_);
  for (const auto& member : members_) add(all, member->work);
  return all;
}

std::vector<RackMember> Rack::report() {
  std::vector<RackMember> all;
  const std::lock_guard lock(mutex_);
  for (const auto& member : members_)
    all.push_back({member->made_of.uri, member->made_of.weight, member->lost, member->why, member->shots, member->ranges,
                   member->given_back, member->seconds});
  return all;
}

void RackLink::refuse() const {
  throw Error(HB_UNSUPPORTED, "device URI '" + rack_->info().uri + "': a rack has no registers of its own; open its devices one by one");
}

LinkInfo Rack::info() const {
  return {options_.uri, "a rack of " + std::to_string(members_.size()) + " devices, the first of them " + first_uri_};
}

}  // namespace heatbath
