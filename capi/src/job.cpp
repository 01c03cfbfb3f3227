#include <cstddef>

#include "handles.hpp"

using namespace heatbath;
using capi::give;
using capi::given;
using capi::guarded;

namespace {

static_assert(sizeof(Ticks) == sizeof(std::uint64_t), "heatbath_result_ticks hands out ticks as numbers");

constexpr std::uint32_t smallest_options = offsetof(heatbath_job_options, context) + sizeof(void*);
constexpr std::uint32_t smallest_counters = offsetof(heatbath_counters, stall_ticks) + sizeof(std::uint64_t);

/// A struct of the caller's that begins with its size, as this library knows it.
template <typename Struct>
void check_size(const Struct& of, std::uint32_t smallest, const char* where, const char* name) {
  if (of.size < smallest)
    throw Error(HB_BAD_ARG, std::string(where) + ": " + name + ".size is " + std::to_string(of.size) +
                                "; set it to sizeof, " + std::to_string(sizeof(Struct)) + " in this library");
}

JobOptions options_of(const heatbath_job_options* callers, const char* where) {
  JobOptions options;
  if (callers == nullptr) return options;
  check_size(*callers, smallest_options, where, "options");
  heatbath_job_options whole{};  // what an older caller lacks is zero
  std::memcpy(&whole, callers, std::min<std::size_t>(callers->size, sizeof whole));
  const heatbath_job_options* const asked = &whole;
  options.shots = asked->shots == 0 ? 1 : asked->shots;
  if (asked->seeded) options.seed = asked->seed;
  options.strict = asked->strict;
  options.first_shot = asked->first_shot;
  options.first_step = asked->first_step;
  options.refinement = asked->refinement;
  options.capture_first = asked->capture_first;
  options.capture_cells = asked->capture_count;
  options.limit = {asked->limit};
  if (asked->progress != nullptr)
    options.progress = [call = asked->progress, context = asked->context](double done) { return call(context, done); };
  if ((asked->checkpoint_due == nullptr) != (asked->checkpoint_keep == nullptr))
    throw Error(HB_BAD_ARG, std::string(where) + ": options.checkpoint_due and checkpoint_keep go together; one is NULL");
  if (asked->checkpoint_due != nullptr) {
    options.checkpoints.due = [call = asked->checkpoint_due, context = asked->context] { return call(context); };
    options.checkpoints.take = [call = asked->checkpoint_keep, context = asked->context](std::vector<std::byte>&& saved) {
      call(context, saved.data(), saved.size());
    };
  }
  const auto from = capi::array(static_cast<const std::byte*>(asked->checkpoint_from), asked->checkpoint_bytes, where,
                                "options.checkpoint_from");
  options.checkpoints.from.assign(from.begin(), from.end());
  return options;
}

std::unique_ptr<heatbath_job> submit(heatbath_device* device, const heatbath_program* program,
                                     const heatbath_job_options* options, const char* where) {
  const std::shared_ptr<Device>& on = given(device, where, "device").device;
  const Program& what = given(program, where, "program").program;
  return std::unique_ptr<heatbath_job>(new heatbath_job{on, on->start(what, options_of(options, where))});
}

const Result& result_of(const heatbath_result* result, const char* where) { return given(result, where, "result").result; }

/// Row `index` of `rows`, or Error(BAD_ARG).
template <typename Rows>
const auto& row(const Rows& rows, std::uint32_t index, const char* where, const char* what) {
  if (index >= rows.size())
    throw Error(HB_BAD_ARG, std::string(where) + ": " + what + " " + std::to_string(index) + "; the program took " +
                                std::to_string(rows.size()));
  return rows[index];
}

}  // namespace

hb_status_t heatbath_submit(heatbath_device* device, const heatbath_program* program, const heatbath_job_options* options,
                            heatbath_job** job) {
  return guarded([&] {
    given(job, "heatbath_submit", "job");
    *job = submit(device, program, options, "heatbath_submit").release();
  });
}

hb_status_t heatbath_job_poll(heatbath_job* job, heatbath_job_state* state) {
  return guarded([&] {
    switch (given(job, "heatbath_job_poll", "job").job.poll()) {
      case Job::State::running: give(state, HEATBATH_JOB_RUNNING); break;
      case Job::State::done: give(state, HEATBATH_JOB_DONE); break;
      case Job::State::failed: give(state, HEATBATH_JOB_FAILED); break;
      case Job::State::cancelled: give(state, HEATBATH_JOB_CANCELLED); break;
    }
  });
}

hb_status_t heatbath_job_wait(heatbath_job* job, heatbath_result** result) {
  return guarded([&] {
    given(result, "heatbath_job_wait", "result");
    *result = new heatbath_result{given(job, "heatbath_job_wait", "job").job.wait()};
  });
}

void heatbath_job_cancel(heatbath_job* job) {
  if (job != nullptr) job->job.cancel();
}

void heatbath_job_free(heatbath_job* job) { delete job; }

hb_status_t heatbath_run(heatbath_device* device, const heatbath_program* program, const heatbath_job_options* options,
                         heatbath_result** result) {
  return guarded([&] {
    given(result, "heatbath_run", "result");
    *result = new heatbath_result{submit(device, program, options, "heatbath_run")->job.wait()};
  });
}

void heatbath_result_free(heatbath_result* result) { delete result; }

hb_status_t heatbath_result_states(const heatbath_result* result, const float** values, uint32_t* shots, uint64_t* records,
                                   uint32_t* variables) {
  return guarded([&] {
    const Capture& capture = result_of(result, "heatbath_result_states").capture;
    if (values != nullptr) *values = capture.shots() == 0 ? nullptr : capture.trajectory(0).data();
    give(shots, capture.shots());
    give(records, capture.records());
    give(variables, capture.cells());
  });
}

hb_status_t heatbath_result_ticks(const heatbath_result* result, const uint64_t** ticks, uint64_t* records) {
  return guarded([&] {
    const std::vector<Ticks>& all = result_of(result, "heatbath_result_ticks").capture.ticks();
    if (ticks != nullptr) *ticks = all.empty() ? nullptr : &all.front().count;
    give(records, all.size());
  });
}

hb_status_t heatbath_result_turns(const heatbath_result* result, const int32_t** turns, uint32_t* variables) {
  return guarded([&] {
    const Capture& capture = result_of(result, "heatbath_result_turns").capture;
    if (turns != nullptr) *turns = capture.turns().empty() ? nullptr : capture.turns().data();
    give(variables, capture.whole_turns());
  });
}

hb_status_t heatbath_result_meters(const heatbath_result* result, uint32_t snapshot, const hb_meters_t** rows,
                                   uint64_t* stride) {
  return guarded([&] {
    const auto& meters = row(result_of(result, "heatbath_result_meters").meters, snapshot, "heatbath_result_meters", "snapshot");
    if (rows != nullptr) *rows = meters.data();
    give(stride, sizeof(hb_meters_t));
  });
}

hb_status_t heatbath_result_meter(const heatbath_result* result, uint32_t snapshot, uint32_t meter, const double** values,
                                  uint64_t* count) {
  return guarded([&] {
    constexpr const char* where = "heatbath_result_meter";
    const Result& of = result_of(result, where);
    row(of.meters, snapshot, where, "snapshot");
    if (meter >= HB_METERS || meter_list[meter].flag == 0)
      throw Error(HB_BAD_ARG, std::string(where) + ": meter " + std::to_string(meter) + " is none on request");
    const std::span<const double> all = of.meter(static_cast<Meter>(meter), snapshot);
    if (values != nullptr) *values = all.data();
    give(count, all.size());
  });
}

hb_status_t heatbath_result_heat_per_cell(const heatbath_result* result, uint32_t snapshot, const double** heat,
                                          uint64_t* count) {
  return heatbath_result_meter(result, snapshot, HB_METER_HEAT_PER_CELL, heat, count);
}

hb_status_t heatbath_result_readback(const heatbath_result* result, uint32_t readback, const float** values,
                                     uint64_t* count) {
  return guarded([&] {
    constexpr const char* where = "heatbath_result_readback";
    const auto& row_of_values = row(result_of(result, where).readback, readback, where, "readback");
    if (values != nullptr) *values = row_of_values.data();
    give(count, row_of_values.size());
  });
}

hb_status_t heatbath_result_counters(const heatbath_result* result, heatbath_counters* counters) {
  return guarded([&] {
    constexpr const char* where = "heatbath_result_counters";
    const Result& of = result_of(result, where);
    check_size(given(counters, where, "counters"), smallest_counters, where, "counters");
    counters->rail_cell = of.rail_cell;
    counters->clips = of.clips;
    counters->capture_clips = of.capture_clips;
    counters->rails = of.rails;
    counters->array_ticks = of.array_ticks.count;
    counters->stall_ticks = of.stall_ticks.count;
  });
}
