#include "rack_job.hpp"

#include <algorithm>
#include <utility>

#include "heatbath/error.hpp"
#include "progress_period.hpp"

namespace heatbath {
namespace {

constexpr std::chrono::milliseconds looked_again_after{20};
/// Times that a device may be lost in one job before it is left alone.
constexpr std::uint32_t most_losses = 3;
/// Bytes of records that wait on the host for the shots before them.
constexpr std::uint64_t waiting_records = std::uint64_t{256} << 20;
/// A range is not taken by a device that would need so many times as long as the others need for all that is left.
constexpr double too_late = 1.5;
/// Others take the shots of a device that would need so many times as long, and this longer, in seconds.
constexpr double worth_overtaking = 1.3, worth_seconds = 0.05;
/// A part of what is left: large ranges at first, small ones at the end, when the speeds are known, and before that.
constexpr double part_of_left = 0.5, part_of_unknown = 0.125;
/// A device is silent for so long before one of unknown speed takes its shots.
constexpr double silent_seconds = 3;

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

RackJob::RackJob(std::shared_ptr<Rack> rack, const Program& program, const JobOptions& options)
    : shared_(std::move(rack)), rack_(*shared_), program_(program), options_(options), streams_(options.records != nullptr),
      variables_(options.capture_cells != 0 ? options.capture_cells
                                            : program.cells() - options.capture_first % program.cells()),
      ticks_of_shot_(std::max(1.0, static_cast<double>(program.duration().count))), end_(options.shots),
      losses_(rack_.members().size()), progress_(options.progress), take_record_(options.records) {
  options_.progress = nullptr;
  options_.records = nullptr;
}

void RackJob::begin() {
  const std::lock_guard lock(rack_.mutex());
  for (std::uint32_t k = 0; k < rack_.members().size(); ++k) {
    ++present_;
    rack_.post(*rack_.members()[k], [self = shared_from_this(), k] { self->work_on(k); });
  }
}

// -- in the threads of the devices ------------------------------------------------------------------------------------

void RackJob::work_on(std::uint32_t device) {
  Member& member = *rack_.members()[device];
  std::unique_lock lock(rack_.mutex());
  while (!over()) {
    if (losses_[device] >= most_losses) break;
    if (member.lost) {
      // Asked once in a job, and not again and again by short ones.
      if (losses_[device] == 0 && Clock::now() - member.asked < Rack::asked_again_after) break;
      lock.unlock();
      const bool back = rack_.revive(member);
      lock.lock();
      if (!back) break;
      continue;
    }
    const std::shared_ptr<Range> range = next(device);
    if (!range) {
      ++idle_;
      rack_.changed().wait_for(lock, looked_again_after);
      --idle_;
      continue;
    }
    running_.push_back(range);
    lock.unlock();
    run(member, range);
    lock.lock();
  }
  --present_;
  if (present_ == 0 && !over())
    fail(0, std::make_exception_ptr(Error(HB_LINK, "all devices of the rack are lost; the last one: " + member.why)));
  rack_.changed().notify_all();
}

void RackJob::run(Member& member, const std::shared_ptr<Range>& range) {
  std::optional<Result> result;
  std::exception_ptr failure;
  std::string lost;
  try {
    JobOptions options = options_;
    options.shots = range->count;
    options.first_shot = options_.seed ? options_.first_shot + range->first : 0;
    options.strict = false;  // judged when all is there
    options.progress = [range](double fraction) {
      range->fraction.store(fraction, std::memory_order_relaxed);
      return !range->cancelled.load(std::memory_order_relaxed);
    };
    result = member.device->run(program_.rows(range->first, range->count), options);
  } catch (const Error& error) {
    if (error.code() == HB_LINK || error.code() == HB_BUSY) lost = error.what();
    else failure = std::current_exception();
  } catch (...) {
    failure = std::current_exception();
  }
  const double seconds = seconds_since(range->began);
  if (!lost.empty()) rack_.lose(member, lost);

  const std::lock_guard lock(rack_.mutex());
  std::erase(running_, range);
  if (result) {
    learn_speed(member, range->count, seconds);
    take_in(*range, std::move(*result), seconds);
  } else {
    ++member.given_back;
    if (range->cancelled.load(std::memory_order_relaxed)) {
      learn_speed(member, std::max(0.02, range->fraction.load()) * range->count, seconds);
    } else if (!lost.empty()) {
      ++losses_[range->device];
      if (!range->overtaken) give_back(range->first, range->count);
    } else {
      fail(range->first, failure);
    }
  }
  rack_.changed().notify_all();
}

// -- with the mutex ---------------------------------------------------------------------------------------------------

std::uint64_t RackJob::covered() const {
  std::uint64_t shots = merged_;
  for (const auto& [first, done] : done_)
    if (first < end_) shots += std::min(end_, first + done.share.shots) - first;
  return shots;
}

bool RackJob::is_covered(std::uint32_t first, std::uint32_t end) const {
  if (first < merged_) return true;
  for (const auto& [at, done] : done_)
    if (at <= first && at + done.share.shots >= end) return true;
  return false;
}

double RackJob::speed_of(const Member& member) const {
  for (const auto& one : rack_.members())
    if (!one->lost && one->speed == 0) return member.made_of.weight;
  return member.speed;
}

void RackJob::learn_speed(Member& member, double shots, double seconds) {
  const double speed = shots * ticks_of_shot_ / std::max(seconds, 1e-6);
  member.speed = member.speed == 0 ? speed : 0.5 * (member.speed + speed);
}

/// Shots of the `left` that this device takes next; 0: none, the others have done them before it could.
std::uint32_t RackJob::size_for(const Member& member, std::uint64_t left) const {
  double all = 0, fastest = 0;
  std::uint32_t there = 0;
  bool known = true;
  for (const auto& one : rack_.members()) {
    if (one->lost) continue;
    ++there;
    known = known && one->speed > 0;
    all += speed_of(*one);
    if (one.get() != &member) fastest = std::max(fastest, speed_of(*one));
  }
  const double mine = speed_of(member), part = mine / all;
  const std::uint32_t spread = (options_.shots + there - 1) / std::max(1u, there);  // a job of a few passes is everybody's
  const std::uint32_t least = std::min<std::uint32_t>(member.lanes, std::max(1u, spread));
  double wanted = static_cast<double>(left) * part * (known ? part_of_left : part_of_unknown);
  if (streams_) {  // records wait for those before them
    const double bytes = static_cast<double>(program_.records()) * variables_ * sizeof(float);
    wanted = std::min(wanted, static_cast<double>(waiting_records) / std::max(1.0, bytes) / there);
  }
  std::uint64_t size = wanted >= member.lanes ? static_cast<std::uint64_t>(wanted) / member.lanes * member.lanes : least;
  size = std::min<std::uint64_t>(size, left);
  if (!known || all <= mine) return static_cast<std::uint32_t>(size);
  const double outstanding = static_cast<double>(end_ - std::min<std::uint64_t>(end_, covered()));
  const auto late = [&](std::uint64_t shots) {
    const double here = static_cast<double>(shots) / mine;
    return here > too_late * std::max(outstanding / (all - mine), static_cast<double>(std::min<std::uint64_t>(shots, least)) / fastest);
  };
  if (late(size)) size = std::min<std::uint64_t>(least, left);
  return late(size) ? 0 : static_cast<std::uint32_t>(size);
}

std::shared_ptr<RackJob::Range> RackJob::next(std::uint32_t device) {
  const Member& member = *rack_.members()[device];
  std::erase_if(back_, [&](const Shots& shots) { return shots.first >= end_ || is_covered(shots.first, shots.end()); });
  std::uint64_t left = next_ < end_ ? end_ - next_ : 0;
  for (const Shots& shots : back_) left += shots.count;
  if (left == 0) {
    overtake(member);
    for (const Shots& shots : back_) left += shots.count;
    if (left == 0) return nullptr;
  }
  std::uint32_t size = size_for(member, left);
  if (size == 0) return nullptr;
  const auto range = std::make_shared<Range>();
  range->device = device;
  range->began = Clock::now();
  if (!back_.empty()) {
    Shots& shots = back_.front();
    range->first = shots.first;
    range->count = std::min(size, shots.count);
    range->redone = shots.redone;
    shots.first += range->count;
    shots.count -= range->count;
    if (shots.count == 0) back_.erase(back_.begin());
    return range;
  }
  if (streams_ && next_ > merged_) {  // not too far ahead of those that were handed over
    const double bytes = static_cast<double>(program_.records()) * variables_ * sizeof(float);
    if (static_cast<double>(next_ - merged_ + size) * bytes > 2.0 * static_cast<double>(waiting_records)) return nullptr;
  }
  range->first = next_;
  range->count = std::min(size, end_ - next_);
  next_ += range->count;
  return range;
}

/// Nothing is left to take: puts the shots of a device that is late back, for those that wait.
void RackJob::overtake(const Member& member) {
  for (const auto& range : running_) {
    if (range->overtaken || range->cancelled.load(std::memory_order_relaxed) || range->first >= end_) continue;
    const Member& late = *rack_.members()[range->device];
    if (&late == &member) continue;
    const double elapsed = seconds_since(range->began), fraction = range->fraction.load(std::memory_order_relaxed);
    const double work = static_cast<double>(range->count) * ticks_of_shot_;
    double rest = elapsed;  // nothing heard: as long again
    if (fraction > 0.02) rest = elapsed * (1 - fraction) / fraction;
    else if (late.speed > 0) rest = std::max(rest, work / late.speed - elapsed);
    bool worth = false;
    if (member.speed > 0) {
      const double whole = work / member.speed;
      const double mine = std::max(whole / (idle_ + 1), whole * std::min(member.lanes, range->count) / range->count);
      worth = rest > worth_overtaking * mine + worth_seconds;
    } else {
      worth = elapsed > silent_seconds && fraction < 0.5;
    }
    if (!worth) continue;
    range->overtaken = true;
    give_back(range->first, range->count);
    return;
  }
}

void RackJob::give_back(std::uint32_t first, std::uint32_t count) {
  const auto at = std::ranges::lower_bound(back_, first, {}, &Shots::first);
  back_.insert(at, {first, count, true});
}

/// Ranges lie apart or inside each other: those inside are of shots that were given back.
void RackJob::take_in(const Range& range, Result&& result, double seconds) {
  Member& member = *rack_.members()[range.device];
  if (range.cancelled.load(std::memory_order_relaxed) || range.first >= end_ || is_covered(range.first, range.end())) {
    ++member.given_back;
    return;
  }
  std::erase_if(done_, [&](const auto& one) { return one.first >= range.first && one.first < range.end(); });
  ++member.ranges;
  member.shots += range.count;
  member.seconds += seconds;
  const bool redone = range.redone;
  const Share share{range.device, range.first, range.count, seconds, redone};
  done_.emplace(range.first, Done{std::move(result), share});
  for (const auto& other : running_)
    if (other->first < range.end() && range.first < other->end() && is_covered(other->first, other->end()))
      other->cancelled.store(true, std::memory_order_relaxed);
  // One whose shots others have run in parts.
  for (const auto& other : running_) {
    std::uint64_t there = 0;
    for (const auto& [first, done] : done_)
      if (first >= other->first && first < other->end()) there += done.share.shots;
    if (there + (merged_ > other->first ? merged_ - other->first : 0) >= other->count)
      other->cancelled.store(true, std::memory_order_relaxed);
  }
}

/// The error of the first shot that fails is the job's, as on one device; the shots before it are still awaited.
void RackJob::fail(std::uint32_t first, std::exception_ptr why) {
  if (failure_ && first >= end_) return;
  failure_ = std::move(why);
  end_ = std::min(end_, first);
  for (const auto& range : running_)
    if (range->first >= end_) range->cancelled.store(true, std::memory_order_relaxed);
}

void RackJob::stop_all() {
  ended_ = true;
  for (const auto& range : running_) range->cancelled.store(true, std::memory_order_relaxed);
  rack_.changed().notify_all();
}

// -- the owner's ------------------------------------------------------------------------------------------------------

/// Records of whole passes of one device, and of the `rest` at the end.
void RackJob::hand_over(bool rest) {
  const std::uint32_t lanes = rack_.lanes_of_one();
  while (handed_ < options_.shots) {
    const std::uint32_t at = handed_ - first_kept_, there = records_.shots() - at;
    const std::uint32_t shots = std::min(lanes, options_.shots - handed_);
    if (there < shots && !rest) break;
    std::vector<float> rows(std::size_t{shots} * records_.cells());
    for (std::uint64_t record = 0; record < records_.records(); ++record) {
      for (std::uint32_t shot = 0; shot < shots; ++shot)
        std::ranges::copy(records_.state(at + shot, record), rows.begin() + static_cast<std::ptrdiff_t>(std::size_t{shot} * records_.cells()));
      take_record_({handed_, record, records_.ticks()[record], rows});
    }
    handed_ += shots;
  }
  if (handed_ == first_kept_ + records_.shots()) {
    records_ = Capture();
    first_kept_ = handed_;
  }
}

/// Merges what has come in its turn.
void RackJob::collect() {
  for (;;) {
    std::optional<Done> done;
    {
      const std::lock_guard lock(rack_.mutex());
      if (done_.empty() || done_.begin()->first != merged_ || merged_ >= end_) break;
      done = std::move(done_.begin()->second);
      done_.erase(done_.begin());
      merged_ += done->share.shots;
    }
    Result& part = done->result;
    // A job of one device adds up the clips of rows that differ from shot to shot.
    clips_ = program_.fixed_shots() > 0 ? clips_ + (part.clips - program_.clips())
                                        : std::max(clips_, part.clips - program_.clips());
    const bool first = shares_.empty();
    shares_.push_back(done->share);
    if (streams_) {
      records_.append(std::move(part.capture));
      part.capture = Capture(first ? options_.shots : 0, variables_, options_.capture_first);  // as on one device
      hand_over(false);
    }
    if (!first) {
      merge(result_, std::move(part));
      continue;
    }
    result_ = std::move(part);
    if (!streams_ && done->share.shots < options_.shots) result_.capture.reserve(options_.shots);
  }
}

double RackJob::fraction() {
  const std::lock_guard lock(rack_.mutex());
  double shots = static_cast<double>(covered());
  for (const auto& range : running_)
    if (!range->redone) shots += range->fraction.load(std::memory_order_relaxed) * range->count;
  told_ = std::clamp(shots / options_.shots, told_, 1.0);
  return told_;
}

bool RackJob::report() {
  if (!progress_ || (state_ == Job::State::running && Clock::now() - told_at_ < progress_period)) return true;
  told_at_ = Clock::now();
  return progress_(fraction());
}

void RackJob::end(Job::State state) {
  if (state == Job::State::done && progress_) progress_(1);
  progress_ = nullptr;
  take_record_ = nullptr;
  state_ = state;
  const std::lock_guard lock(rack_.mutex());
  stop_all();
}

void RackJob::lose(const Error& error) noexcept {
  if (state_ != Job::State::running) return;
  failure_ = std::make_exception_ptr(error);
  end(Job::State::failed);
}

Job::State RackJob::poll() {
  if (state_ != Job::State::running) return state_;
  try {
    if (!report()) cancel();
    if (asked_to_stop_.load(std::memory_order_relaxed)) {
      failure_ = std::make_exception_ptr(Error(HB_ABORTED, "the job was cancelled"));
      end(Job::State::cancelled);
      return state_;
    }
    collect();
    bool over_now = false, failed = false;
    {
      const std::lock_guard lock(rack_.mutex());
      over_now = merged_ >= end_;
      failed = failure_ != nullptr;
    }
    if (over_now) {
      if (!failed && streams_) hand_over(true);
      end(failed ? Job::State::failed : Job::State::done);
    }
  } catch (...) {  // of a callback
    failure_ = std::current_exception();
    end(Job::State::failed);
  }
  return state_;
}

Result RackJob::wait() {
  if (taken_) throw Error(HB_BAD_ARG, "Job::wait: the result was taken already; wait may be called once");
  while (poll() == Job::State::running) {
    std::unique_lock lock(rack_.mutex());
    if (!over()) rack_.changed().wait_for(lock, looked_again_after);
  }
  if (failure_) std::rethrow_exception(failure_);
  taken_ = true;
  result_.clips = program_.clips() + clips_;
  result_.shares = std::move(shares_);
  if (options_.strict) check_strictly(result_, rack_.capabilities());
  return std::move(result_);
}

}  // namespace heatbath
