#include "files/timeline.hpp"

#include <algorithm>
#include <span>

namespace heatbath::apps {

namespace {

using Steps = std::span<const Program::Step>;

std::size_t loop_end(Steps steps, std::size_t begin) {
  std::size_t depth = 0;
  for (std::size_t k = begin; k < steps.size(); ++k) {
    if (steps[k].instruction.op == HB_OP_LOOP_BEGIN) ++depth;
    if (steps[k].instruction.op == HB_OP_LOOP_END && --depth == 0) return k;
  }
  return steps.size();
}

class Walk {
 public:
  explicit Walk(std::uint64_t from) : from_(from) {}

  void through(Steps steps) {
    for (std::size_t k = 0; k < steps.size(); ++k) {
      const hb_instruction_t& it = steps[k].instruction;
      switch (it.op) {
        case HB_OP_EVOLVE:
        case HB_OP_RAMP: pass(it.ticks); break;
        case HB_OP_SAMPLE: records(now_, 0, 1); break;
        case HB_OP_CAPTURE_START:
          capturing_ = true;
          period_ = it.ticks;
          next_ = now_ + period_;
          if (it.flags & HB_FLAG_NOW) records(now_, 0, 1);
          break;
        case HB_OP_CAPTURE_STOP: capturing_ = false; break;
        case HB_OP_METER_CLEAR: cleared_ = now_; break;
        case HB_OP_METER_SNAPSHOT: line_.snapshots.push_back({{cleared_}, {now_}}); break;
        case HB_OP_LOOP_BEGIN: {
          const std::size_t end = loop_end(steps, k);
          const Steps body = steps.subspan(k + 1, end - k - 1);
          const bool plain = std::ranges::all_of(body, [](const Program::Step& step) {
            const auto op = step.instruction.op;
            return op != HB_OP_SAMPLE && op != HB_OP_CAPTURE_START && op != HB_OP_CAPTURE_STOP && op != HB_OP_METER_CLEAR &&
                   op != HB_OP_METER_SNAPSHOT;
          });
          if (plain) pass(it.count * ticks_of(body));
          else
            for (std::uint32_t turn = 0; turn < it.count; ++turn) through(body);
          k = end;
          break;
        }
        default: break;
      }
    }
  }

  Timeline take() { return line_; }

 private:
  static std::uint64_t ticks_of(Steps steps) {
    std::uint64_t sum = 0;
    for (std::size_t k = 0; k < steps.size(); ++k) {
      const hb_instruction_t& it = steps[k].instruction;
      if (it.op == HB_OP_EVOLVE || it.op == HB_OP_RAMP) sum += it.ticks;
      if (it.op != HB_OP_LOOP_BEGIN) continue;
      const std::size_t end = loop_end(steps, k);
      sum += it.count * ticks_of(steps.subspan(k + 1, end - k - 1));
      k = end;
    }
    return sum;
  }

  void pass(std::uint64_t ticks) {
    now_ += ticks;
    if (!capturing_ || next_ > now_) return;
    const std::uint64_t count = (now_ - next_) / period_ + 1;
    records(next_, period_, count);
    next_ += count * period_;
  }

  /// `count` records from `time` on, `apart` from each other.
  void records(std::uint64_t time, std::uint64_t apart, std::uint64_t count) {
    if (time < from_) {
      const std::uint64_t left = apart == 0 ? count : std::min(count, (from_ - time + apart - 1) / apart);
      line_.first += left;
      count -= left;
      time += left * apart;
    }
    if (count == 0) return;
    if (line_.records == 0) line_.begin = {time};
    else space(time - line_.end.count);
    if (count > 1) space(apart);
    line_.records += count;
    line_.end = {time + (count - 1) * apart};
  }

  void space(std::uint64_t apart) {
    if (!spaced_) line_.spacing = {apart};
    else if (line_.spacing.count != apart) line_.spacing = {0};
    spaced_ = true;
  }

  std::uint64_t from_, now_ = 0, cleared_ = 0, period_ = 1, next_ = 0;
  bool capturing_ = false, spaced_ = false;
  Timeline line_;
};

}  // namespace

Timeline timeline_of(const Program& program, Ticks from) {
  Walk walk(from.count);
  const Steps steps(program.steps());
  walk.through(steps.first(steps.size() - 1));  // the last is the sample of the final state
  Timeline line = walk.take();
  if (line.first + line.records > 0) return line;
  line.records = 1;
  line.begin = line.end = program.duration();
  return line;
}

}  // namespace heatbath::apps
