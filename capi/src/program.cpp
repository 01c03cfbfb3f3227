#include <vector>

#include "handles.hpp"

using namespace heatbath;
using capi::array;
using capi::given;
using capi::guarded;

namespace {

/// Appends to a program: function(Program&), under the name of the function of heatbath.h.
template <typename Function>
hb_status_t append(heatbath_program* program, const char* where, Function&& function) {
  return guarded([&] { function(given(program, where, "program").program); });
}

/// A section by its number (hb_section_t), or Error(UNSUPPORTED) where there is none of it.
CellSection known(uint32_t section, const char* where) {
  if (section >= HB_SECTIONS)
    throw Error(HB_UNSUPPORTED, std::string(where) + ": there is no section " + std::to_string(section));
  return static_cast<CellSection>(section);
}

CellSection per_cell(uint32_t section, const char* where) {
  if (section == HB_SECTION_COUPLING || section == HB_SECTION_GAIN)
    throw Error(HB_BAD_ARG, std::string(where) + ": the " + (section == HB_SECTION_GAIN ? "gain" : "couplings") +
                                " have no value per cell");
  return known(section, where);
}

/// rows x count values, or Error(BAD_ARG) where their number does not fit a host.
std::span<const float> rows_of(const float* values, std::uint32_t count, std::uint32_t rows, const char* where) {
  return array(values, std::uint64_t{count} * rows, where, "values");
}

}  // namespace

hb_status_t heatbath_program_new(const heatbath_device* device, uint32_t cells, heatbath_program** program) {
  return guarded([&] {
    const Capabilities& capabilities = given(device, "heatbath_program_new", "device").device->capabilities();
    given(program, "heatbath_program_new", "program");
    *program = new heatbath_program{Program(capabilities, cells)};
  });
}

hb_status_t heatbath_program_copy(const heatbath_program* from, heatbath_program** program) {
  return guarded([&] {
    given(from, "heatbath_program_copy", "from");
    given(program, "heatbath_program_copy", "program");
    *program = new heatbath_program(*from);
  });
}

void heatbath_program_free(heatbath_program* program) { delete program; }

hb_status_t heatbath_program_load(heatbath_program* program, uint32_t section, const float* values, uint64_t count) {
  return append(program, __func__, [&](Program& to) {
    to.load(per_cell(section, "heatbath_program_load"), array(values, count, "heatbath_program_load", "values"));
  });
}

hb_status_t heatbath_program_load_all(heatbath_program* program, uint32_t section, float value) {
  return append(program, __func__, [&](Program& to) {
    switch (section) {
      case HB_SECTION_COUPLING: to.load_couplings(value); break;
      case HB_SECTION_GAIN: to.load_gain(value); break;
      case HB_SECTION_KT: to.load_temperature(value); break;
      default: to.load(known(section, "heatbath_program_load_all"), value); break;
    }
  });
}

hb_status_t heatbath_program_load_bias_per_shot(heatbath_program* program, const float* values, uint64_t count,
                                                uint32_t shots) {
  return append(program, __func__, [&](Program& to) {
    to.load_bias_per_shot(array(values, count, "heatbath_program_load_bias_per_shot", "values"), shots);
  });
}

hb_status_t heatbath_program_load_matrix(heatbath_program* program, const float* matrix, uint64_t count) {
  return append(program, __func__, [&](Program& to) {
    to.load_couplings(array(matrix, count, "heatbath_program_load_matrix", "matrix"));
  });
}

hb_status_t heatbath_program_load_pairs(heatbath_program* program, const uint32_t* i, const uint32_t* j, const float* values,
                                        uint64_t count) {
  return append(program, __func__, [&](Program& to) {
    constexpr const char* where = "heatbath_program_load_pairs";
    array(i, count, where, "i");
    array(j, count, where, "j");
    array(values, count, where, "values");
    std::vector<Coupling> list(count);
    for (std::uint64_t k = 0; k < count; ++k) list[k] = {i[k], j[k], values[k]};
    to.load_coupling_list(list);
  });
}

hb_status_t heatbath_program_load_coupler_values(heatbath_program* program, const float* values, uint64_t count) {
  return append(program, __func__, [&](Program& to) {
    to.load_coupler_values(array(values, count, "heatbath_program_load_coupler_values", "values"));
  });
}

hb_status_t heatbath_program_commit(heatbath_program* program) {
  return append(program, __func__, [](Program& to) { to.commit(); });
}

hb_status_t heatbath_program_evolve(heatbath_program* program, uint64_t ticks) {
  return append(program, __func__, [&](Program& to) { to.evolve({ticks}); });
}

hb_status_t heatbath_program_ramp(heatbath_program* program, uint64_t ticks) {
  return append(program, __func__, [&](Program& to) { to.ramp({ticks}); });
}

hb_status_t heatbath_program_set(heatbath_program* program, uint32_t first, const float* values, uint32_t count) {
  return append(program, __func__, [&](Program& to) { to.set(first, array(values, count, "heatbath_program_set", "values")); });
}

hb_status_t heatbath_program_set_all(heatbath_program* program, uint32_t first, uint32_t count, float value) {
  return append(program, __func__, [&](Program& to) { to.set(first, count, value); });
}

hb_status_t heatbath_program_set_per_shot(heatbath_program* program, uint32_t first, uint32_t count, const float* values,
                                          uint32_t shots) {
  return append(program, __func__, [&](Program& to) {
    to.set_per_shot(first, count, rows_of(values, count, shots, "heatbath_program_set_per_shot"), shots);
  });
}

hb_status_t heatbath_program_clamp(heatbath_program* program, uint32_t first, const float* values, uint32_t count) {
  return append(program, __func__,
                [&](Program& to) { to.clamp(first, array(values, count, "heatbath_program_clamp", "values")); });
}

hb_status_t heatbath_program_clamp_all(heatbath_program* program, uint32_t first, uint32_t count, float value) {
  return append(program, __func__, [&](Program& to) { to.clamp(first, count, value); });
}

hb_status_t heatbath_program_clamp_per_shot(heatbath_program* program, uint32_t first, uint32_t count, const float* values,
                                            uint32_t shots) {
  return append(program, __func__, [&](Program& to) {
    to.clamp_per_shot(first, count, rows_of(values, count, shots, "heatbath_program_clamp_per_shot"), shots);
  });
}

hb_status_t heatbath_program_release(heatbath_program* program, uint32_t first, uint32_t count) {
  return append(program, __func__, [&](Program& to) { to.release(first, count); });
}

hb_status_t heatbath_program_sample(heatbath_program* program) {
  return append(program, __func__, [](Program& to) { to.sample(); });
}

hb_status_t heatbath_program_capture_start(heatbath_program* program, uint64_t period, bool now) {
  return append(program, __func__, [&](Program& to) { to.capture_start({period}, now); });
}

hb_status_t heatbath_program_capture_stop(heatbath_program* program) {
  return append(program, __func__, [](Program& to) { to.capture_stop(); });
}

hb_status_t heatbath_program_meter_clear(heatbath_program* program) {
  return append(program, __func__, [](Program& to) { to.meter_clear(); });
}

hb_status_t heatbath_program_meter_snapshot(heatbath_program* program, bool per_cell) {
  return heatbath_program_meter_snapshot_of(program, per_cell ? HB_FLAG_HEAT_PER_CELL : 0u);
}

hb_status_t heatbath_program_meter_snapshot_of(heatbath_program* program, uint32_t flags) {
  return append(program, __func__, [&](Program& to) {
    if ((flags & ~HB_METER_FLAGS) != 0) throw Error(HB_BAD_ARG, "heatbath_program_meter_snapshot_of: flags that are of no meter");
    to.meter_snapshot(MeterSet::of_flags(flags));
  });
}

hb_status_t heatbath_program_readback(heatbath_program* program, uint32_t section) {
  return append(program, __func__, [&](Program& to) {
    if (section == HB_SECTION_COUPLING) {
      to.readback_couplings();
    } else {
      to.readback(per_cell(section, "heatbath_program_readback"));
    }
  });
}

hb_status_t heatbath_program_readback_coupler_values(heatbath_program* program) {
  return append(program, __func__, [](Program& to) { to.readback_coupler_values(); });
}

hb_status_t heatbath_program_loop_begin(heatbath_program* program, uint32_t times) {
  return append(program, __func__, [&](Program& to) { to.loop_begin(times); });
}

hb_status_t heatbath_program_loop_end(heatbath_program* program) {
  return append(program, __func__, [](Program& to) { to.loop_end(); });
}

hb_status_t heatbath_program_interrupt(heatbath_program* program, uint32_t tag) {
  return append(program, __func__, [&](Program& to) { to.interrupt(tag); });
}

uint64_t heatbath_program_records(const heatbath_program* program) {
  return program == nullptr ? 0 : program->program.records();
}

uint64_t heatbath_program_duration(const heatbath_program* program) {
  return program == nullptr ? 0 : program->program.duration().count;
}

uint64_t heatbath_program_clips(const heatbath_program* program) { return program == nullptr ? 0 : program->program.clips(); }
