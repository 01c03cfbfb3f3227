#include "apps/cli/run_job.hpp"

#include <algorithm>
#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/archive.hpp"

namespace heatbath::apps {

namespace {

constexpr std::uint32_t shots_together = 64;  // whose kept records are given to the statistics by turns
constexpr std::uint32_t run_format = 1;       // of checkpoints

/// Of value(0) … value(count - 1), in two passes.
template <typename Value>
Moments moments(std::size_t count, const Value& value) {
  Moments is{static_cast<double>(count), 0, 0};
  for (std::size_t i = 0; i < count; ++i) is.mean += value(i);
  is.mean /= is.count;
  for (std::size_t i = 0; i < count; ++i) is.squares += (value(i) - is.mean) * (value(i) - is.mean);
  return is;
}

void merge_all(std::vector<Moments>& to, const std::vector<Moments>& more) {
  to.resize(more.size());
  for (std::size_t k = 0; k < more.size(); ++k) to[k].merge(more[k]);
}

/// Adds the shots of `run` to the moments.
void sum_up(RunOutcome& outcome, const RunResult& run) {
  std::vector<Moments> states;
  for (std::uint32_t cell = 0; cell < run.cells; ++cell)
    states.push_back(moments(run.shots, [&](std::size_t shot) {
      return run.final_value(static_cast<std::uint32_t>(shot), cell);
    }));
  merge_all(outcome.final_states, states);
  outcome.snapshots.resize(run.meters.size());
  for (std::size_t k = 0; k < run.meters.size(); ++k) {
    const auto& rows = run.meters[k];
    SnapshotMoments& to = outcome.snapshots[k];
    to.ticks = rows.front().ticks;
    for (const MeterFacts& meter : meter_list)
      if (meter.in_record != nullptr)
        merge_all(to.of[meter.meter],
                  {moments(rows.size(), [&](std::size_t shot) { return rows[shot].*meter.in_record; })});
    for (const auto& [meter, snapshots] : run.on_request) {
      const std::vector<double>& values = snapshots[k];
      const std::size_t width = values.size() / rows.size();
      std::vector<Moments> all;
      for (std::size_t n = 0; n < width; ++n)
        all.push_back(moments(rows.size(), [&](std::size_t shot) { return values[shot * width + n]; }));
      if (width > 0) merge_all(to.of[meter], all);
    }
  }
}

/// `first`: of the run, that the job's shots begin with.
void add_counters(RunOutcome& outcome, const Result& result, std::uint32_t first = 0) {
  for (Share share : result.shares) {
    share.first_shot += first;
    outcome.shares.push_back(share);
  }
  outcome.clips = std::max(outcome.clips, result.clips);
  outcome.capture_clips += result.capture_clips;
  outcome.rails += result.rails;
  outcome.rail_cell = std::min(outcome.rail_cell, result.rail_cell);
  outcome.array_ticks = result.array_ticks;
  outcome.stall_ticks = outcome.stall_ticks + result.stall_ticks;
}

void feed(RunStatistics& statistics, const Capture& capture, const Result& result) {
  std::vector<float> rows;
  for (std::uint32_t first = 0; first < capture.shots(); first += shots_together) {
    const std::uint32_t shots = std::min(shots_together, capture.shots() - first);
    for (std::uint64_t record = 0; record < capture.records(); ++record) {
      rows.clear();
      for (std::uint32_t shot = first; shot < first + shots; ++shot) {
        const auto state = capture.state(shot, record);
        rows.insert(rows.end(), state.begin(), state.end());
      }
      statistics.add(first, record, rows);
    }
  }
  statistics.add_meters(result.meters, result.on_request);
}

}  // namespace

void Moments::merge(const Moments& more) {  // Chan, Golub & LeVeque (1979)
  if (count == 0) {
    *this = more;
    return;
  }
  const double total = count + more.count, apart = more.mean - mean;
  squares += more.squares + apart * apart * count * more.count / total;
  mean += apart * more.count / total;
  count = total;
}

void Moments::exchange(numerics::Archive& archive) { archive(count, mean, squares); }

void SnapshotMoments::exchange(numerics::Archive& archive) {
  archive(ticks);
  for (const MeterFacts& meter : meter_list) {
    bool there = of.contains(meter.meter);
    archive(there);
    if (there) archive(of[meter.meter]);
  }
}

void RunOutcome::exchange(numerics::Archive& archive) {
  archive(final_states, snapshots, clips, capture_clips, rails, rail_cell, array_ticks.count, stall_ticks.count);
  archive(result.readback);
}

double Moments::sd() const { return count > 1 ? std::sqrt(squares / (count - 1)) : 0.0; }

RunOutcome run_shots(Device& device, const Program& program, const TomlProgram& description, const RunPlan& plan,
                     RunStatistics* statistics) {
  const Ticks time_unit = device.capabilities().time_unit;
  RunOutcome outcome;
  const auto shots_from = [&](std::uint32_t base, std::uint32_t count) {
    Progress progress;
    if (plan.progress)
      progress = [&plan, base, count, all = static_cast<double>(description.shots)](double fraction) {
        return plan.progress((base + fraction * count) / all);
      };
    return network::Shots(device, {.seed = description.seed, .first_shot = plan.first_shot + base, .progress = progress});
  };
  JobOptions job = plan.keep ? shots_from(0, description.shots).next(description.shots) : JobOptions();
  job.checkpoints.due = plan.checkpoints.due;
  job.refinement = plan.refinement;
  job.capture_first = description.first_cell;
  job.capture_cells = description.capture_cells;
  std::uint32_t first = 0;  // shot of the present job
  RunResult block;          // final states and meters of the shots of the present job
  std::vector<float> before;  // the last record but one of this pass
  Ticks before_ticks;
  bool repeats = program.records() > 1;  // the final state is the record before it, as arrange() has it
  const auto exchange = [&](numerics::Archive& archive, std::vector<std::byte>& of_job) {
    bool keep = plan.keep, sums = statistics != nullptr;
    archive(keep, sums, of_job);
    archive.check(keep == plan.keep && sums == (statistics != nullptr), "kind of result");
    if (keep) return;
    archive(first, block.shots, block.cells, block.states, before, before_ticks.count, repeats);
    block.records = 1;
    archive.check(first < description.shots && block.states.size() == std::size_t{block.shots} * block.cells, "shots");
    outcome.exchange(archive);
    if (sums) statistics->exchange(archive);
  };
  job.checkpoints.take = [&](std::vector<std::byte>&& of_job) {
    numerics::Archive archive(run_format);
    exchange(archive, of_job);
    plan.checkpoints.take(numerics::seal("run", run_format, archive.take()));
  };
  std::vector<std::byte> goes_on;  // the job that does
  if (!plan.checkpoints.from.empty()) {
    try {
      const numerics::Sealed sealed = numerics::unseal(plan.checkpoints.from, "run", run_format);
      numerics::Archive archive(sealed.contents, sealed.version);
      exchange(archive, goes_on);
      archive.end();
    } catch (const numerics::Archive::Refused& refused) {
      throw Error(HB_BAD_ARG, std::string("the saved run: ") + refused.what());
    }
  }
  if (plan.keep) {
    job.checkpoints.from = std::move(goes_on);
    const Result result = device.run(program, job);
    add_counters(outcome, result);
    if (statistics != nullptr) feed(*statistics, result.capture, result);
    outcome.result = arrange(result, time_unit);
    outcome.records = outcome.result.records;
    sum_up(outcome, outcome.result);
    if (plan.shots) plan.shots(0, outcome.result);
    return outcome;
  }
  const std::uint32_t cells =
      description.capture_cells != 0 ? description.capture_cells : description.cells - description.first_cell % description.cells;
  std::uint32_t base = 0;  // shots of calls before
  job.records = [&](const RecordOfPass& of_call) {
    RecordOfPass record = of_call;
    record.first_shot += base;
    if (statistics != nullptr) statistics->add(record.first_shot, record.record, record.states);
    if (record.record + 2 == program.records()) {
      before.assign(record.states.begin(), record.states.end());
      before_ticks = record.ticks;
    }
    if (record.record + 1 != program.records()) return;
    std::ranges::copy(record.states, block.states.begin() + static_cast<std::ptrdiff_t>(record.first_shot - first) * cells);
    repeats = repeats && record.ticks == before_ticks && std::ranges::equal(record.states, before);
  };
  const auto program_of = [&](std::uint32_t at, std::uint32_t count) {
    if (!goes_on.empty()) {
      goes_on.clear();
      return program;
    }
    first = base + at;
    block = {};
    block.shots = count;
    block.cells = cells;
    block.records = 1;
    block.states.resize(std::size_t{count} * cells);
    return program;
  };
  const auto take = [&](std::uint32_t at, Result&& result) {
    add_counters(outcome, result, at);
    block.meters = std::move(result.meters);
    block.on_request = std::move(result.on_request);
    if (statistics != nullptr) statistics->add_meters(block.meters, block.on_request);
    sum_up(outcome, block);
    if (plan.shots) plan.shots(first, block);
    if (first == 0) outcome.result.readback = std::move(result.readback);
  };
  const std::uint64_t of_shot = program.fixed_shots() > 0 ? 0 : sizeof(float) * std::uint64_t{cells} + network::bytes_per_shot(program, job);
  const auto run_from = [&](std::uint32_t shot, std::uint32_t count) {
    base = shot;
    shots_from(shot, count).run(count, of_shot, program_of, take, job);
  };
  if (!goes_on.empty()) {
    const std::uint32_t count = std::min(shots_from(0, 1).block(of_shot), description.shots - first);
    if (block.shots != count || block.cells != cells) throw Error(HB_BAD_ARG, "the saved run: its shots cannot be");
    const std::uint32_t next = first + count;
    job.checkpoints.from = goes_on;
    run_from(first, count);
    job.checkpoints.from = {};
    if (next < description.shots) run_from(next, description.shots - next);
  } else {
    run_from(0, description.shots);
  }
  outcome.records = program.records() - (repeats ? 1 : 0);
  outcome.result.shots = description.shots;
  outcome.result.cells = cells;
  return outcome;
}

}  // namespace heatbath::apps
