#pragma once
// Random valid programs with their operands, and a random host that runs them and writes down all it sees.

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "heatbath/cells.h"
#include "heatbath/program.h"
#include "heatbath/regs.h"
#include "heatbath/transport.hpp"
#include "hw_model/device/profile.hpp"
#include "tests/device/board.hpp"

namespace heatbath::testing {

using model::bench::op;
using Rng = std::mt19937_64;

inline std::uint32_t below(Rng& rng, std::uint32_t limit) { return static_cast<std::uint32_t>(rng() % limit); }
inline bool chance(Rng& rng, std::uint32_t percent) { return below(rng, 100) < percent; }
inline float number(Rng& rng, float low, float high) {
  return low + (high - low) * static_cast<float>(rng() >> 40) * 0x1p-24f;
}

/// Builds programs that a chip of this profile and size accepts.
class ProgramMaker {
 public:
  ProgramMaker(Rng& rng, const model::Profile& profile, std::uint32_t cells, std::uint32_t shots, std::uint64_t dt)
      : rng_(rng), profile_(profile), cells_(cells), shots_(shots), dt_(dt) {}

  std::vector<hb_instruction_t> make() {
    parameters(false);
    body(6 + below(rng_, 14), 0);
    program_.push_back(op(HB_OP_HALT));
    return program_;
  }

 private:
  std::uint64_t operand(std::uint32_t bytes) {
    return model::bench::operands_at + 4 * below(rng_, (0x10000 - bytes) / 4);
  }
  std::uint64_t duration(std::uint32_t most) { return dt_ * (1 + below(rng_, most)); }
  std::uint32_t stride() { return profile_.lane_operands && chance(rng_, 40) ? 4 * below(rng_, 64) : 0; }

  void parameters(bool one) {
    const auto section = [&](hb_section_t which, float low, float high) {
      if (one && !chance(rng_, 30)) return;
      if (chance(rng_, 50)) {
        program_.push_back(model::bench::load(which, number(rng_, low, high)));
      } else {
        program_.push_back(model::bench::load_from(which, operand(0x4000), which == HB_SECTION_BIAS ? stride() : 0));
      }
    };
    const auto value = [&](hb_section_t which, float low, float high) {  // numbers in memory have both signs
      if (has(which) && (!one || chance(rng_, 30)))
        program_.push_back(model::bench::load(which, number(rng_, low, high)));
    };
    if (has(HB_SECTION_J2)) section(HB_SECTION_J2, -1, 2);
    if (has(HB_SECTION_J4)) section(HB_SECTION_J4, 0, 2);
    section(HB_SECTION_BIAS, -1, 1);
    value(HB_SECTION_MASS, 1, 2);
    value(HB_SECTION_DAMPING, 0, 2);
    if (has(HB_SECTION_FREQUENCY)) section(HB_SECTION_FREQUENCY, -1, 1);
    // Capacitances between nodes must be small beside those of the nodes.
    if (profile_.cell == physics::CellKind::rlc) value(HB_SECTION_COUPLING, -0.03f, 0.03f);
    else section(HB_SECTION_COUPLING, -0.4f, 0.4f);
    if (chance(rng_, 30)) program_.push_back(model::bench::load(HB_SECTION_GAIN, number(rng_, 0, 2)));
    if (chance(rng_, 30)) program_.push_back(model::bench::load(HB_SECTION_KT, number(rng_, 0.05f, 1)));
    program_.push_back(chance(rng_, 60) ? op(HB_OP_COMMIT) : model::bench::timed(HB_OP_RAMP, duration(40)));
  }

  bool has(hb_section_t section) const {
    return hb_cell_has_section(static_cast<std::uint32_t>(profile_.cell), section);
  }

  void cells(hb_op_t code) {
    const std::uint32_t all = code == HB_OP_SET ? cells_ * profile_.components() : cells_;
    const std::uint32_t first = below(rng_, all), count = 1 + below(rng_, all - first);
    if (code == HB_OP_RELEASE) {
      program_.push_back(model::bench::cells(code, first, count));
    } else if (chance(rng_, 50)) {
      program_.push_back(model::bench::cells_to(code, first, count, number(rng_, -2, 2)));
    } else {
      program_.push_back(model::bench::cells_from(code, first, count, operand(0x4000), stride()));
    }
  }

  void body(std::uint32_t length, std::uint32_t depth) {
    for (std::uint32_t i = 0; i < length; ++i) {
      switch (below(rng_, 14)) {
        case 0: parameters(true); break;
        case 1:
        case 2:
        case 3: program_.push_back(model::bench::timed(HB_OP_EVOLVE, duration(60))); break;
        case 4: program_.push_back(op(HB_OP_SAMPLE)); break;
        case 5:
          program_.push_back(model::bench::timed(HB_OP_CAPTURE_START,
                                                 std::max<std::uint64_t>(duration(9), least_period()),
                                                 chance(rng_, 50) ? HB_FLAG_NOW : 0u));
          break;
        case 6: program_.push_back(op(HB_OP_CAPTURE_STOP)); break;
        case 7: program_.push_back(model::bench::interrupt(below(rng_, 1000))); break;
        case 8: cells(profile_.state_write && chance(rng_, 50) ? HB_OP_SET : HB_OP_CLAMP); break;
        case 9: cells(HB_OP_RELEASE); break;
        case 10:
          if (profile_.meters) program_.push_back(op(HB_OP_METER_CLEAR));
          break;
        case 11:
          if (profile_.meters)
            program_.push_back(model::bench::snapshot(model::bench::meters_at + 64 * 48 * below(rng_, 16)));
          if (profile_.meters && chance(rng_, 30)) program_.back().flags = HB_FLAG_HEAT_PER_CELL << below(rng_, 3);
          break;
        case 12: {
          const auto section = static_cast<hb_section_t>(below(rng_, 4));
          if (has(section)) program_.push_back(model::bench::readback(section, model::bench::readback_at));
          break;
        }
        case 13:
          if (depth == 3) break;
          program_.push_back(model::bench::loop(1 + below(rng_, 4)));
          body(1 + below(rng_, 4), depth + 1);
          program_.push_back(op(HB_OP_LOOP_END));
          break;
      }
    }
  }

  std::uint64_t least_period() const { return std::max<std::uint64_t>(profile_.capture_min_ticks, dt_); }

  Rng& rng_;
  const model::Profile& profile_;
  std::uint32_t cells_, shots_;
  std::uint64_t dt_;
  std::vector<hb_instruction_t> program_;
};

/// What a host saw, in order: register values, interrupts, records and other memory.
using Observations = std::vector<std::uint64_t>;

/// A host that owns a link and keeps the sequence numbers of its commands.
class RandomHost {
 public:
  explicit RandomHost(Transport& link) : link_(link) {}

  /// RESET, then one random program to its end, with random waits, acknowledgements, aborts, resets and wrong accesses.
  /// All choices come from `seed` and from what the link answers.
  Observations run(std::uint64_t seed, const model::Profile& profile, std::uint32_t cells, std::uint32_t lanes) {
    Rng rng(seed);
    seen_.clear();
    command(HB_COMMAND_OP_RESET);
    acknowledgements_ = 0;
    const bool halves = profile.dt_programmable && !physics::is_discrete(profile.cell) && chance(rng, 30);
    const std::uint64_t dt = halves ? profile.dt_ticks / 2 : profile.dt_ticks;
    if (profile.dt_programmable) w(HB_DT_TICKS_OFFSET, static_cast<std::uint32_t>(dt));
    const std::uint32_t active = chance(rng, 30) ? 1 + below(rng, cells) : cells;
    const std::uint32_t shots = 1 + below(rng, lanes);
    const auto program = ProgramMaker(rng, profile, active, shots, dt).make();
    fill_memory(rng, profile);
    put(model::bench::program_at, program);

    const std::uint32_t slots = 1 + below(rng, 8);
    w(HB_ACTIVE_CELLS_OFFSET, active);
    w(HB_SHOTS_OFFSET, shots);
    w(HB_PROGRAM_ADDR_LO_OFFSET, model::bench::program_at);
    w(HB_PROGRAM_COUNT_OFFSET, static_cast<std::uint32_t>(program.size()));
    w(HB_CAPTURE_BASE_LO_OFFSET, model::bench::ring_at);
    w(HB_CAPTURE_SLOTS_OFFSET, slots);
    w(HB_CAPTURE_CELL0_OFFSET, below(rng, active * profile.components()));
    w(HB_CAPTURE_CELLS_OFFSET, 0);
    w(HB_CAPTURE_WATERMARK_OFFSET, below(rng, 10));
    w(HB_INTR_ENABLE_OFFSET, chance(rng, 70) ? 0x1F : below(rng, 32));
    if (profile.seeded && chance(rng, 60)) {
      w(HB_JOB_FLAGS_OFFSET, 1);
      w(HB_JOB_SEED_LO_OFFSET, static_cast<std::uint32_t>(rng()));
      w(HB_JOB_SHOT0_OFFSET, below(rng, 1000));
    }
    if (chance(rng, 50)) saw(link_.wait_irq(1 + below(rng, 3000)));
    command(HB_COMMAND_OP_START);

    const std::uint32_t abort_at = chance(rng, 25) ? below(rng, 30) : ~0u;
    const std::uint32_t reset_at = chance(rng, 10) ? below(rng, 20) : ~0u;
    for (std::uint32_t turn = 0; turn < 200; ++turn) {
      if (turn == abort_at) command(HB_COMMAND_OP_ABORT);
      if (turn == reset_at) {
        command(HB_COMMAND_OP_RESET);
        acknowledgements_ = 0;
      }
      const std::uint64_t limit = 1 + rng() % (dt * 30);
      const bool pending = link_.wait_irq(limit);
      saw(pending);
      for (const std::uint32_t offset : {HB_INTR_STATE_OFFSET, HB_INTR_TAG_OFFSET, HB_TIME_LO_OFFSET, HB_STATUS_OFFSET,
                                         HB_PROGRAM_PC_OFFSET, HB_JOB_TICKS_LO_OFFSET, HB_STALL_TICKS_LO_OFFSET})
        saw(r(offset));
      if (pending) acknowledge(chance(rng, 80) ? 0x1F : below(rng, 32));
      if (chance(rng, 60)) drain(slots, below(rng, 4) == 0 ? 1 : slots);
      if (chance(rng, 5)) r(4 * below(rng, HB_WINDOW_BYTES / 4) + below(rng, 2));  // some of these are wrong
      if (chance(rng, 3)) w(HB_VENDOR_OFFSET, 1);
      if ((r(HB_STATUS_OFFSET) & HB_STATUS_RUNNING_MASK) == 0 && turn > 3) break;
    }
    command(HB_COMMAND_OP_ABORT);
    saw(link_.wait_irq(100 * dt));
    drain(slots, slots);
    for (std::uint32_t offset = 0; offset < HB_WINDOW_BYTES; offset += 4) saw(r(offset));
    see_memory(model::bench::meters_at, 0x10000);
    see_memory(model::bench::readback_at, 0x10000);
    return seen_;
  }

 private:
  std::uint32_t r(std::uint32_t offset) {
    const std::uint32_t value = link_.read32(offset);
    saw(value);
    return value;
  }
  void w(std::uint32_t offset, std::uint32_t value) { link_.write32(offset, value); }
  void saw(std::uint64_t value) { seen_.push_back(value); }

  void command(std::uint32_t code) {
    const std::uint32_t sequence = ((link_.read32(HB_COMMAND_ACK_OFFSET) >> 16) + 1) & 0xFFFF;
    w(HB_COMMAND_OFFSET, code | sequence << 16);
    r(HB_COMMAND_ACK_OFFSET);
  }
  void acknowledge(std::uint32_t mask) { w(HB_INTR_ACK_OFFSET, mask | ++acknowledgements_ << 16); }

  template <class T>
  void put(std::uint64_t at, const std::vector<T>& values) {
    link_.write_block(HB_MEMORY_BASE + at, std::as_bytes(std::span(values)));
  }

  void fill_memory(Rng& rng, const model::Profile& profile) {
    if (profile.parameter_storage == model::Storage::float32) {
      std::vector<float> values(0x10000 / 4);
      for (float& value : values) value = number(rng, -1, 1);
      put(model::bench::operands_at, values);
    } else {
      // Pairs of codes that are as floats no NaN, for CLAMP reads floats.
      std::vector<std::int16_t> values(0x10000 / 2);
      for (std::int16_t& value : values) value = static_cast<std::int16_t>(static_cast<int>(below(rng, 600)) - 200);
      for (std::size_t i = 1; i < values.size(); i += 2) values[i] = static_cast<std::int16_t>(values[i] & 0x1FF);
      put(model::bench::operands_at, values);
    }
    put(model::bench::meters_at, std::vector<std::uint64_t>(0x20000 / 8));
  }

  void see_memory(std::uint64_t at, std::size_t bytes) {
    std::vector<std::byte> data(bytes);
    link_.read_block(HB_MEMORY_BASE + at, data);
    for (std::size_t i = 0; i < bytes; i += 8) {
      std::uint64_t word;
      std::memcpy(&word, data.data() + i, 8);
      saw(word);
    }
  }

  void drain(std::uint32_t slots, std::uint32_t most) {
    const std::uint32_t bytes = r(HB_CAPTURE_RECORD_BYTES_OFFSET), head = r(HB_CAPTURE_HEAD_OFFSET);
    std::uint32_t tail = r(HB_CAPTURE_TAIL_OFFSET);
    for (; tail != head && most > 0; ++tail, --most)
      see_memory(model::bench::ring_at + std::uint64_t{tail % slots} * bytes, bytes);
    w(HB_CAPTURE_TAIL_OFFSET, tail);
  }

  Transport& link_;
  Observations seen_;
  std::uint32_t acknowledgements_ = 0;
};

}  // namespace heatbath::testing
