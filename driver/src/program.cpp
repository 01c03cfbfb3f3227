#include "heatbath/program.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "bad_arg.hpp"
#include "heatbath/cells.h"
#include "heatbath/chip_correction.hpp"
#include "heatbath/codes.h"
#include "heatbath/error.hpp"
#include "heatbath/numerics/rounding.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath {
namespace {

static_assert(std::endian::native == std::endian::little, "operands are copied as they lie in memory");

constexpr std::uint64_t saturated = std::numeric_limits<std::uint64_t>::max();

std::uint64_t add(std::uint64_t a, std::uint64_t b) { return a > saturated - b ? saturated : a + b; }
std::uint64_t multiply(std::uint64_t a, std::uint64_t b) { return b != 0 && a > saturated / b ? saturated : a * b; }

std::string text(float value) {
  return numerics::general(static_cast<double>(value));
}


hb_section_t section_of(CellSection section) { return static_cast<hb_section_t>(section); }

const char* name_of(CellSection section) { return hb_section_name(section_of(section)); }

void check_finite(std::span<const float> values, const std::string& where) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) bad_arg(where + ": value " + std::to_string(i) + " is " + text(values[i]) + "; it must be finite");
  }
}

void check_size(std::size_t have, std::size_t want, const std::string& where, const std::string& shape) {
  if (have != want)
    bad_arg(where + ": " + std::to_string(have) + " values given; " + shape + " = " + std::to_string(want) + " are needed");
}

/// The sections that cells of a kind have, for a message.
std::string sections_of(CellKind kind) {
  std::string names;
  for (std::uint32_t section = 0; section < HB_SECTIONS; ++section)
    if (has_section(kind, static_cast<hb_section_t>(section)))
      names.append(names.empty() ? "" : ", ").append(hb_section_name(static_cast<hb_section_t>(section)));
  return names;
}

std::string pair_text(std::uint32_t i, std::uint32_t j) {
  std::string pair = "(";
  pair.append(std::to_string(i)).append(",").append(std::to_string(j)).append(")");
  return pair;
}

/// Values as a device's converters take them, and how many were beyond their ends.
struct Encoded {
  std::vector<std::byte> bytes;
  std::uint64_t clips = 0;
};

class Encoder {
 public:
  Encoder(const Capabilities& capabilities, float range, std::size_t count)
      : number_(capabilities.parameter_number), bits_(capabilities.parameter_bits), range_(range) {
    encoded_.bytes.resize(count * bytes_of(number_));
    out_ = encoded_.bytes.data();
    if (number_ != Number::float32) {
      top_ = static_cast<float>((1u << (bits_ - 1u)) - 1u);
      step_ = hb_code_step(range_, bits_);
    }
  }

  void put(float value) {
    if (number_ == Number::float32) {
      std::memcpy(out_, &value, sizeof value);
      out_ += sizeof value;
      return;
    }
    const float scaled = value / step_;
    if (scaled >= top_ + 0.5f || scaled <= -top_ - 1.5f) ++encoded_.clips;
    const std::int32_t code = hb_value_to_code(value, range_, bits_);
    if (number_ == Number::code8) {
      const auto narrow = static_cast<std::int8_t>(code);
      std::memcpy(out_, &narrow, sizeof narrow);
      out_ += sizeof narrow;
    } else {
      const auto narrow = static_cast<std::int16_t>(code);
      std::memcpy(out_, &narrow, sizeof narrow);
      out_ += sizeof narrow;
    }
  }

  void put(std::span<const float> values) {
    if (number_ == Number::float32) {
      if (!values.empty()) std::memcpy(out_, values.data(), values.size_bytes());
      out_ += values.size_bytes();
      return;
    }
    for (const float value : values) put(value);
  }

  Encoded take() { return std::move(encoded_); }

 private:
  Number number_;
  std::uint32_t bits_;
  float range_;
  float top_ = 0, step_ = 1;
  Encoded encoded_;
  std::byte* out_ = nullptr;
};

std::vector<std::byte> as_bytes(std::span<const float> values) {
  std::vector<std::byte> bytes(values.size_bytes());
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// Throws for an entry that is not finite, a diagonal entry, or (when asked) a pair that differs.
void check_couplings(std::span<const float> matrix, std::uint32_t n, bool symmetric) {
  const float largest = std::numeric_limits<float>::max();
  constexpr std::uint32_t tile = 32;  // both triangles are read by tiles, so that neither read runs down a column
  bool good = true;
  for (std::uint32_t i0 = 0; i0 < n && good; i0 += tile) {
    const std::uint32_t i1 = std::min(n, i0 + tile);
    for (std::uint32_t j0 = i0; j0 < n; j0 += tile) {
      const std::uint32_t j1 = std::min(n, j0 + tile);
      for (std::uint32_t i = i0; i < i1; ++i) {
        for (std::uint32_t j = j0; j < j1; ++j) {
          const float a = matrix[std::size_t{i} * n + j], b = matrix[std::size_t{j} * n + i];
          good &= std::fabs(a) <= largest && std::fabs(b) <= largest && (!symmetric || a == b) && (i != j || a == 0.0f);
        }
      }
    }
  }
  if (good) return;
  const auto entry = [&](std::uint32_t i, std::uint32_t j) { return matrix[std::size_t{i} * n + j]; };
  for (std::uint32_t i = 0; i < n; ++i) {
    for (std::uint32_t j = 0; j < n; ++j) {
      const std::string where = "Program::load_couplings: entry " + pair_text(i, j) + " is " + text(entry(i, j));
      if (!std::isfinite(entry(i, j))) bad_arg(where + "; it must be finite");
      if (i == j && entry(i, j) != 0.0f) bad_arg(where + "; the diagonal must be zero");
      if (symmetric && std::isfinite(entry(j, i)) && entry(i, j) != entry(j, i))
        bad_arg(where + " but entry " + pair_text(j, i) + " is " + text(entry(j, i)) + "; this device's couplings are symmetric");
    }
  }
}

/// Throws for an entry off the graph that is not zero.
void check_graph(std::span<const float> matrix, std::uint32_t n, std::span<const Coupler> couplers) {
  std::vector<bool> coupled(std::size_t{n} * n, false);
  for (const Coupler& at : couplers) coupled[std::size_t{at.i} * n + at.j] = coupled[std::size_t{at.j} * n + at.i] = true;
  for (std::uint32_t i = 0; i < n; ++i)
    for (std::uint32_t j = 0; j < n; ++j) {
      const std::size_t entry = std::size_t{i} * n + j;
      if (matrix[entry] != 0.0f && !coupled[entry])
        bad_arg("Program::load_couplings: entry " + pair_text(i, j) + " is " + text(matrix[entry]) +
                "; this device has no coupler between cells " + std::to_string(i) + " and " + std::to_string(j));
    }
}

/// The periodic capture while a program is walked.
struct Capturing {
  bool on = false;
  std::uint64_t period = 1;
  std::uint64_t phase = 0;  ///< ticks since the last grid point of the period

  std::uint64_t pass(std::uint64_t ticks) {
    if (!on) return 0;
    const std::uint64_t end = add(phase, ticks);
    phase = end % period;
    return end / period;
  }
};

using Steps = std::span<const Program::Step>;

/// Index of the LOOP_END of the LOOP_BEGIN at `begin`; the end of the steps for a loop still open.
std::size_t loop_end_of(Steps steps, std::size_t begin) {
  std::size_t depth = 0;
  for (std::size_t k = begin; k < steps.size(); ++k) {
    if (steps[k].instruction.op == HB_OP_LOOP_BEGIN) ++depth;
    if (steps[k].instruction.op == HB_OP_LOOP_END && --depth == 0) return k;
  }
  return steps.size();
}

std::uint64_t ticks_of(Steps steps) {
  std::uint64_t total = 0;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const hb_instruction_t& it = steps[k].instruction;
    if (it.op == HB_OP_EVOLVE || it.op == HB_OP_RAMP) total = add(total, it.ticks);
    if (it.op == HB_OP_LOOP_BEGIN) {
      const std::size_t end = loop_end_of(steps, k);
      total = add(total, multiply(it.count, ticks_of(steps.subspan(k + 1, end - k - 1))));
      k = end;
    }
  }
  return total;
}

std::uint64_t records_of(Steps steps, Capturing& capturing) {
  std::uint64_t total = 0;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const hb_instruction_t& it = steps[k].instruction;
    switch (it.op) {
      case HB_OP_EVOLVE:
      case HB_OP_RAMP: total = add(total, capturing.pass(it.ticks)); break;
      case HB_OP_SAMPLE: total = add(total, 1); break;
      case HB_OP_CAPTURE_START:
        capturing = {true, it.ticks, 0};
        if (it.flags & HB_FLAG_NOW) total = add(total, 1);
        break;
      case HB_OP_CAPTURE_STOP: capturing.on = false; break;
      case HB_OP_LOOP_BEGIN: {
        const std::size_t end = loop_end_of(steps, k);
        const Steps body = steps.subspan(k + 1, end - k - 1);
        bool switches = false;
        for (const Program::Step& step : body)
          switches |= step.instruction.op == HB_OP_CAPTURE_START || step.instruction.op == HB_OP_CAPTURE_STOP;
        if (switches) {
          // The last switch in the body decides how an iteration ends, so all but the first begin alike.
          total = add(total, records_of(body, capturing));
          if (it.count > 1) total = add(total, multiply(it.count - 1, records_of(body, capturing)));
        } else {
          Capturing off;
          total = add(total, multiply(it.count, records_of(body, off)));
          total = add(total, capturing.pass(multiply(it.count, ticks_of(body))));
        }
        k = end;
        break;
      }
      default: break;
    }
  }
  return total;
}

}  // namespace

Program::Program(const Capabilities& capabilities, std::uint32_t cells) : capabilities_(capabilities), cells_(cells) {
  if (cells < 1 || cells > capabilities.cells)
    bad_arg("Program: " + std::to_string(cells) + " cells asked for; this device has 1.." + std::to_string(capabilities.cells));
  const auto all = capabilities_.couplers();
  const auto inside = [cells](const Coupler& at) { return at.j < cells; };
  couplers_ = cells == capabilities.cells ? all.size() : static_cast<std::uint64_t>(std::ranges::count_if(all, inside));
}

void Program::check_room() const {
  if (steps_.size() + 1 >= capabilities_.program_max)  // one is kept for HALT
    bad_arg("Program: instruction " + std::to_string(steps_.size()) + " is too many; this device runs programs of " +
            std::to_string(capabilities_.program_max) + " instructions, HALT included");
}

Program::Step& Program::append(hb_op_t op) {
  check_room();
  steps_.emplace_back().instruction.op = static_cast<std::uint16_t>(op);
  return steps_.back();
}

Program Program::rows(std::uint32_t first, std::uint32_t shots) const {
  Program part = *this;
  if (fixed_shots_ == 0) return part;
  if (shots == 0 || first > fixed_shots_ || shots > fixed_shots_ - first)
    throw Error(HB_BAD_ARG, "Program::rows: shots " + std::to_string(first) + " .. (" + std::to_string(shots) + ") of " +
                                std::to_string(fixed_shots_));
  for (Operand& operand : part.operands_) {
    if (operand.rows == 1) continue;
    const std::size_t row = operand.bytes->size() / operand.rows;
    const auto from = operand.bytes->begin() + static_cast<std::ptrdiff_t>(first * row);
    operand = {std::make_shared<const std::vector<std::byte>>(from, from + static_cast<std::ptrdiff_t>(shots * row)), shots};
  }
  part.fixed_shots_ = shots;
  return part;
}

std::int32_t Program::store(std::vector<std::byte> bytes, std::uint32_t rows) {
  operands_.push_back({std::make_shared<const std::vector<std::byte>>(std::move(bytes)), rows});
  return static_cast<std::int32_t>(operands_.size() - 1);
}

void Program::check_section(CellSection section, std::span<const float> values, const std::string& where) const {
  if (!has_section(capabilities_.cell_kind, section_of(section)))
    throw Error(HB_UNSUPPORTED, where + ": this device's cells are " + name(capabilities_.cell_kind) +
                                    ", which have no " + name_of(section) + "; they have " +
                                    sections_of(capabilities_.cell_kind));
  if (section == CellSection::kT) require(capabilities_.kT_programmable, where, "KT_PROGRAMMABLE");
  check_finite(values, where);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string value = where + ": value " + std::to_string(i) + " is " + text(values[i]);
    switch (section) {
      case CellSection::j4:
        if (values[i] < 0) bad_arg(value + "; J4 must not be negative");
        break;
      case CellSection::damping:
        if (values[i] < 0) bad_arg(value + "; a damping must not be negative");
        break;
      case CellSection::mass:
        if (values[i] <= 0) bad_arg(value + "; a mass must be positive");
        break;
      case CellSection::kT:
        if (values[i] < capabilities_.kT_min || values[i] > capabilities_.kT_max)
          bad_arg(value + "; this device takes " + text(capabilities_.kT_min) + ".." + text(capabilities_.kT_max));
        break;
      case CellSection::j2:
      case CellSection::bias:
      case CellSection::frequency: break;
    }
  }
}

void Program::count_rounding(float range, std::span<const float> values) {
  if (capabilities_.parameter_number == Number::float32) return;
  const std::uint32_t bits = capabilities_.parameter_bits;
  for (const float value : values) {
    const double wanted = value, held = hb_code_to_value(hb_value_to_code(value, range, bits), range, bits);
    if (std::fabs(wanted) > range || numerics::is_near(wanted, held)) continue;
    ++rounding_.values;
    rounding_.worst = std::max(rounding_.worst, std::fabs(held - wanted) / std::fabs(wanted));
  }
}

/// How many values of cells a section takes, in words.
std::string Program::shape_of(hb_section_t section) const {
  return values_per_cell(capabilities_, section) > 1 ? "cells x states" : "cells";
}

namespace {

/// Refuses more cells than what corrects the device knows.
void check_corrected(const Capabilities& capabilities, std::uint32_t cells) {
  if (cells > capabilities.correction->cells())
    bad_arg("Program: " + std::to_string(cells) + " cells; the calibration of the device is of " + std::to_string(capabilities.correction->cells()));
}

/// The values to load in place of `values`, rows of one per cell: those, or what the device's correction makes of them, kept
/// in `instead`.
std::span<const float> to_load(const Capabilities& capabilities, CellSection section, std::span<const float> values, std::uint32_t cells,
                               std::vector<float>& instead) {
  if (!capabilities.correction) return values;
  check_corrected(capabilities, cells);
  instead.assign(values.begin(), values.end());
  for (std::size_t row = 0; row < instead.size(); row += cells) capabilities.correction->correct(section, std::span(instead).subspan(row, cells));
  return instead;
}

/// The same of couplings as they lie in the section; `here`: the couplers of a sparse device.
void correct_couplings(const Capabilities& capabilities, std::uint32_t cells, std::span<const Coupler> here, std::span<float> values) {
  if (!capabilities.correction) return;
  check_corrected(capabilities, cells);
  const auto one = [&](std::uint32_t i, std::uint32_t j, float& value) { value = capabilities.correction->coupling(i, j, value); };
  const auto both = [&](std::uint32_t i, std::uint32_t j, float& there, float& back) {
    if (there != back)
      throw Error(HB_UNSUPPORTED, "Program: couplings that differ in their two directions are not corrected, as those of cells " + pair_text(i, j));
    one(i, j, there);
    back = there;
  };
  const bool full = capabilities.couplings_full;
  if (capabilities.sparse()) {
    for (std::size_t k = 0; k < here.size(); ++k) {
      if (full) both(here[k].i, here[k].j, values[2 * k], values[2 * k + 1]);
      else one(here[k].i, here[k].j, values[k]);
    }
    return;
  }
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t j = i + 1; j < cells; ++j) {
      if (full) both(i, j, values[std::size_t{i} * cells + j], values[std::size_t{j} * cells + i]);
      else one(i, j, values[at++]);
    }
}

}  // namespace

/// LOAD of a section from memory: `rows` rows.
Program& Program::load_operand(hb_section_t section, std::span<const float> values, std::uint32_t rows) {
  Encoder encoder(capabilities_, section_range(capabilities_, section), values.size());
  encoder.put(values);
  count_rounding(section_range(capabilities_, section), values);
  Encoded encoded = encoder.take();
  return load_bytes(section, std::move(encoded.bytes), encoded.clips, rows);
}

Program& Program::load_bytes(hb_section_t section, std::vector<std::byte> bytes, std::uint64_t clips,
                             std::uint32_t rows) {
  check_room();
  clips_ += clips;
  const std::int32_t operand = store(std::move(bytes), rows);
  Step& step = append(HB_OP_LOAD);
  step.instruction.section = static_cast<std::uint16_t>(section);
  step.operand = operand;
  return *this;
}

Program& Program::load(CellSection section, std::span<const float> values) {
  const std::string where = std::string("Program::load(") + name_of(section) + ")";
  check_size(values.size(), values_of(section_of(section)), where, shape_of(section_of(section)));
  check_section(section, values, where);
  if (section == CellSection::kT) require(capabilities_.kT_per_cell, where, "KT_PER_CELL");
  std::vector<float> instead;
  return load_operand(section_of(section), to_load(capabilities_, section, values, cells_, instead), 1);
}

Program& Program::load(CellSection section, float value) {
  check_section(section, {&value, 1}, std::string("Program::load(") + name_of(section) + ")");
  if (capabilities_.correction && section != CellSection::kT)  // what is the same for all is not, once it is corrected
    return load(section, std::vector<float>(values_of(section_of(section)), value));
  if (section != CellSection::kT) count_rounding(section_range(capabilities_, section_of(section)), {&value, 1});
  return load_immediate(section_of(section), value);
}

Program& Program::load_immediate(hb_section_t section, float value) {
  Step& step = append(HB_OP_LOAD);
  step.instruction.section = static_cast<std::uint16_t>(section);
  step.instruction.flags = HB_FLAG_IMMEDIATE;
  step.instruction.imm = std::bit_cast<std::uint32_t>(value);
  return *this;
}

namespace {

void check_shots(std::uint32_t shots, std::uint32_t fixed, const std::string& where) {
  if (shots == 0) bad_arg(where + ": 0 shots given; at least 1 is needed");
  if (fixed != 0 && fixed != shots)
    bad_arg(where + ": " + std::to_string(shots) + " shots given; the program's other per-shot operands have " + std::to_string(fixed));
}

}  // namespace

Program& Program::load_bias_per_shot(std::span<const float> values, std::uint32_t shots) {
  const std::string where = "Program::load_bias_per_shot";
  check_shots(shots, fixed_shots_, where);
  check_size(values.size(), shots * values_of(HB_SECTION_BIAS), where, "shots x " + shape_of(HB_SECTION_BIAS));
  check_finite(values, where);
  std::vector<float> instead;
  load_operand(HB_SECTION_BIAS, to_load(capabilities_, CellSection::bias, values, cells_, instead), shots);
  fixed_shots_ = shots;
  return *this;
}

std::vector<Coupler> Program::couplers() const {
  std::vector<Coupler> here;
  here.reserve(couplers_);
  for (const Coupler& at : capabilities_.couplers())
    if (at.j < cells_) here.push_back(at);
  return here;
}

std::uint64_t Program::values_of(hb_section_t section) const {
  if (section != HB_SECTION_COUPLING) return std::uint64_t{cells_} * values_per_cell(capabilities_, section);
  const std::uint64_t n = cells_;
  if (capabilities_.sparse()) return couplers_ * (capabilities_.couplings_full ? 2 : 1);
  return capabilities_.couplings_full ? n * n : n * (n - 1) / 2;
}

Program& Program::load_couplings(std::span<const float> matrix) {
  const std::size_t n = cells_;
  const bool full = capabilities_.couplings_full;
  check_size(matrix.size(), n * n, "Program::load_couplings", "cells x cells");
  check_couplings(matrix, cells_, !full);
  const std::vector<Coupler> here = couplers();
  if (capabilities_.sparse()) check_graph(matrix, cells_, here);
  if (capabilities_.correction) {  // each coupler by itself
    std::vector<Coupling> list;
    for (std::uint32_t i = 0; i < n; ++i)
      for (std::uint32_t j = full ? 0 : i + 1; j < n; ++j)
        if (i != j && matrix[i * n + j] != 0) list.push_back({i, j, matrix[i * n + j]});
    return load_coupling_list(list);
  }
  if (full && !capabilities_.sparse()) return load_operand(HB_SECTION_COUPLING, matrix, 1);
  Encoder encoder(capabilities_, capabilities_.range_coupling, values_of(HB_SECTION_COUPLING));
  if (capabilities_.sparse()) {
    for (const Coupler& at : here) {
      encoder.put(matrix[at.i * n + at.j]);
      count_rounding(capabilities_.range_coupling, matrix.subspan(at.i * n + at.j, 1));
      if (full) encoder.put(matrix[at.j * n + at.i]);
    }
  } else {
    for (std::size_t i = 0; i < n; ++i) {
      encoder.put(matrix.subspan(i * n + i + 1, n - i - 1));
      count_rounding(capabilities_.range_coupling, matrix.subspan(i * n + i + 1, n - i - 1));
    }
  }
  Encoded encoded = encoder.take();
  return load_bytes(HB_SECTION_COUPLING, std::move(encoded.bytes), encoded.clips, 1);
}

Program& Program::load_couplings(float value) {
  check_finite({&value, 1}, "Program::load_couplings");
  if (capabilities_.correction) {
    if (capabilities_.sparse()) return load_coupler_values(std::vector<float>(values_of(HB_SECTION_COUPLING), value));
    std::vector<float> matrix(std::size_t{cells_} * cells_, value);
    for (std::size_t i = 0; i < cells_; ++i) matrix[i * (std::size_t{cells_} + 1)] = 0;
    return load_couplings(matrix);
  }
  count_rounding(capabilities_.range_coupling, {&value, 1});
  if (capabilities_.sparse()) return load_immediate(HB_SECTION_COUPLING, value);
  const bool full = capabilities_.couplings_full;
  const std::uint64_t count = values_of(HB_SECTION_COUPLING);
  Encoder encoder(capabilities_, capabilities_.range_coupling, count);
  for (std::uint64_t k = 0; k < count; ++k) encoder.put(full && k % (std::uint64_t{cells_} + 1) == 0 ? 0.0f : value);
  Encoded encoded = encoder.take();
  return load_bytes(HB_SECTION_COUPLING, std::move(encoded.bytes), encoded.clips, 1);
}

Program& Program::load_coupling_list(std::span<const Coupling> list) {
  const std::string where = "Program::load_coupling_list";
  const bool full = capabilities_.couplings_full;
  const std::uint64_t n = cells_;
  std::vector<float> values(values_of(HB_SECTION_COUPLING), 0.0f);
  std::vector<bool> given(values.size(), false);
  const std::span<const Coupler> all = capabilities_.couplers();
  // Where all couplers are between cells of the program, a coupler's number is its place in the section.
  std::vector<Coupler> some;
  if (couplers_ != all.size()) some = couplers();
  const std::span<const Coupler> here = couplers_ != all.size() ? std::span<const Coupler>(some) : all;
  std::size_t next = 0;  // lists mostly come in the order of the couplers
  const auto place_of = [&](const Coupling& entry) -> std::uint64_t {
    const std::uint64_t i = std::min(entry.i, entry.j), j = std::max(entry.i, entry.j);
    if (!capabilities_.sparse()) return full ? entry.i * n + entry.j : i * (2 * n - i - 1) / 2 + (j - i - 1);
    const auto before = [](const Coupler& a, const Coupler& b) { return a.i != b.i ? a.i < b.i : a.j < b.j; };
    const Coupler wanted{static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j)};
    if (next >= here.size() || here[next] != wanted)
      next = static_cast<std::size_t>(std::lower_bound(here.begin(), here.end(), wanted, before) - here.begin());
    if (next == here.size() || here[next] != wanted)
      bad_arg(where + ": this device has no coupler between cells " + std::to_string(i) + " and " + std::to_string(j));
    const std::uint64_t at = next++;
    return full ? 2 * at + (entry.i < entry.j ? 0 : 1) : at;
  };
  for (const Coupling& entry : list) {
    const auto refuse = [&](const std::string& what) { bad_arg(where + ": pair " + pair_text(entry.i, entry.j) + what); };
    if (entry.i >= cells_ || entry.j >= cells_) refuse("; the program has cells 0.." + std::to_string(cells_ - 1));
    if (entry.i == entry.j) refuse(" couples a cell to itself");
    if (!std::isfinite(entry.value)) refuse(" is " + text(entry.value) + "; it must be finite");
    const std::uint64_t place = place_of(entry);
    if (given[place]) refuse(" comes twice");
    given[place] = true;
    values[place] = entry.value;
  }
  correct_couplings(capabilities_, cells_, here, values);
  return load_operand(HB_SECTION_COUPLING, values, 1);
}

Program& Program::load_coupler_values(std::span<const float> values) {
  const std::string where = "Program::load_coupler_values";
  if (!capabilities_.sparse())
    throw Error(HB_UNSUPPORTED, where + " needs a sparse topology; this device couples all pairs: use load_couplings");
  check_size(values.size(), values_of(HB_SECTION_COUPLING), where,
             capabilities_.couplings_full ? "2 x couplers between the program's cells" : "couplers between the program's cells");
  const std::size_t directions = capabilities_.couplings_full ? 2 : 1;
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (std::isfinite(values[k])) continue;
    const Coupler at = couplers()[k / directions];
    bad_arg(where + ": value " + std::to_string(k) + ", of coupler " +
            (k % directions == 0 ? pair_text(at.i, at.j) : pair_text(at.j, at.i)) + ", is " + text(values[k]) +
            "; it must be finite");
  }
  if (!capabilities_.correction) return load_operand(HB_SECTION_COUPLING, values, 1);
  std::vector<float> instead(values.begin(), values.end());
  correct_couplings(capabilities_, cells_, couplers(), instead);
  return load_operand(HB_SECTION_COUPLING, instead, 1);
}

Program& Program::load_gain(float gain) {
  if (!std::isfinite(gain)) bad_arg("Program::load_gain: gain is " + text(gain) + "; it must be finite");
  return load_immediate(HB_SECTION_GAIN, gain);
}

Program& Program::load_temperature(float kT) {
  require(capabilities_.kT_programmable, "Program::load_temperature", "KT_PROGRAMMABLE");
  if (!(kT >= capabilities_.kT_min && kT <= capabilities_.kT_max))
    bad_arg("Program::load_temperature: kT is " + text(kT) + "; this device takes " + text(capabilities_.kT_min) + ".." +
            text(capabilities_.kT_max));
  return load_immediate(HB_SECTION_KT, kT);
}

Program& Program::at_temperature(float kT) {
  if (capabilities_.kT_programmable) return load_temperature(kT);
  if (!(std::fabs(kT - capabilities_.kT_reset) <= 1e-5f * capabilities_.kT_reset))
    throw Error(HB_UNSUPPORTED, "Program::at_temperature: kT " + text(kT) + " needs CAPS.KT_PROGRAMMABLE; this device is always at " +
                                    text(capabilities_.kT_reset));
  return *this;
}

Program& Program::commit() {
  append(HB_OP_COMMIT);
  return *this;
}

Program& Program::evolve(Ticks duration) {
  if (duration.count == 0) bad_arg("Program::evolve: duration is 0 ticks; it must be at least one step");
  append(HB_OP_EVOLVE).instruction.ticks = duration.count;
  return *this;
}

Program& Program::ramp(Ticks duration) {
  if (duration.count == 0) bad_arg("Program::ramp: duration is 0 ticks; it must be at least one step");
  append(HB_OP_RAMP).instruction.ticks = duration.count;
  return *this;
}

namespace {

void check_range(std::uint32_t first, std::size_t count, std::uint32_t limit, const std::string& where, const char* what) {
  if (count < 1 || first >= limit || count > limit - first)
    bad_arg(where + ": " + std::to_string(count) + " " + what + " from " + std::to_string(first) + " on; the program has " +
            what + " 0.." + std::to_string(limit - 1));
}

void check_cells(std::uint32_t first, std::size_t count, std::uint32_t cells, const std::string& where) {
  check_range(first, count, cells, where, "cells");
}

/// Of a kind with one component, states are as many as cells.
void check_variables(std::uint32_t first, std::size_t count, const Program& program, const std::string& where) {
  const bool one = program.variables() == program.cells();
  check_range(first, count, program.variables(), where, one ? "cells" : "state variables");
}

}  // namespace

/// One value for all cells goes into the instruction; else `rows` rows of `count` values become an operand.
Program& Program::write_states(hb_op_t op, std::uint32_t first, std::uint32_t count, std::span<const float> values,
                               std::uint32_t rows) {
  const bool immediate = values.size() == 1;
  check_room();
  const std::int32_t operand = immediate ? -1 : store(as_bytes(values), rows);
  Step& step = append(op);
  step.instruction.first = first;
  step.instruction.count = count;
  step.operand = operand;
  if (immediate) {
    step.instruction.flags = HB_FLAG_IMMEDIATE;
    step.instruction.imm = std::bit_cast<std::uint32_t>(values[0]);
  }
  return *this;
}

Program& Program::set(std::uint32_t first, std::span<const float> values) {
  require(capabilities_.state_write, "Program::set", "STATE_WRITE");
  check_variables(first, values.size(), *this, "Program::set");
  check_finite(values, "Program::set");
  return write_states(HB_OP_SET, first, static_cast<std::uint32_t>(values.size()), values, 1);
}

Program& Program::set(std::uint32_t first, std::uint32_t count, float value) {
  require(capabilities_.state_write, "Program::set", "STATE_WRITE");
  check_variables(first, count, *this, "Program::set");
  check_finite({&value, 1}, "Program::set");
  return write_states(HB_OP_SET, first, count, {&value, 1}, 1);
}

Program& Program::set_per_shot(std::uint32_t first, std::uint32_t count, std::span<const float> values,
                               std::uint32_t shots) {
  const std::string where = "Program::set_per_shot";
  require(capabilities_.state_write, where, "STATE_WRITE");
  check_shots(shots, fixed_shots_, where);
  check_variables(first, count, *this, where);
  check_size(values.size(), std::size_t{shots} * count, where, "shots x count");
  check_finite(values, where);
  write_states(HB_OP_SET, first, count, values, shots);
  fixed_shots_ = shots;
  return *this;
}

Program& Program::clamp(std::uint32_t first, std::span<const float> values) {
  check_cells(first, values.size(), cells_, "Program::clamp");
  check_finite(values, "Program::clamp");
  return write_states(HB_OP_CLAMP, first, static_cast<std::uint32_t>(values.size()), values, 1);
}

Program& Program::clamp(std::uint32_t first, std::uint32_t count, float value) {
  check_cells(first, count, cells_, "Program::clamp");
  check_finite({&value, 1}, "Program::clamp");
  return write_states(HB_OP_CLAMP, first, count, {&value, 1}, 1);
}

Program& Program::clamp_per_shot(std::uint32_t first, std::uint32_t count, std::span<const float> values,
                                 std::uint32_t shots) {
  const std::string where = "Program::clamp_per_shot";
  check_shots(shots, fixed_shots_, where);
  check_cells(first, count, cells_, where);
  check_size(values.size(), std::size_t{shots} * count, where, "shots x count");
  check_finite(values, where);
  write_states(HB_OP_CLAMP, first, count, values, shots);
  fixed_shots_ = shots;
  return *this;
}

Program& Program::release(std::uint32_t first, std::uint32_t count) {
  check_cells(first, count, cells_, "Program::release");
  Step& step = append(HB_OP_RELEASE);
  step.instruction.first = first;
  step.instruction.count = count;
  return *this;
}

Program& Program::sample() {
  append(HB_OP_SAMPLE);
  return *this;
}

Program& Program::capture_start(Ticks period, bool now) {
  if (period.count == 0 || period < capabilities_.capture_min)
    bad_arg("Program::capture_start: period is " + std::to_string(period.count) + " ticks; this device captures every " +
            std::to_string(std::max<std::uint64_t>(1, capabilities_.capture_min.count)) + " ticks or more");
  Step& step = append(HB_OP_CAPTURE_START);
  step.instruction.ticks = period.count;
  if (now) step.instruction.flags = HB_FLAG_NOW;
  return *this;
}

Program& Program::capture_stop() {
  append(HB_OP_CAPTURE_STOP);
  return *this;
}

Program& Program::meter_clear() {
  require(capabilities_.meters, "Program::meter_clear", "METERS");
  append(HB_OP_METER_CLEAR);
  return *this;
}

Program& Program::meter_snapshot(MeterSet also) {
  for (const MeterFacts& meter : meter_list)
    if (also.has(meter.meter))
      require(capabilities_.*meter.present,
              "Program::meter_snapshot" + (meter.flag == 0 ? "" : "(" + std::string(meter.name) + ")"), meter.needs);
  Step& step = append(HB_OP_METER_SNAPSHOT);
  step.snapshot = static_cast<std::int32_t>(snapshots_.size());
  step.instruction.flags = also.flags();
  snapshots_.push_back(also);
  return *this;
}

Program& Program::readback_section(hb_section_t section, bool matrix) {
  Step& step = append(HB_OP_READBACK);
  step.instruction.section = static_cast<std::uint16_t>(section);
  step.readback = static_cast<std::int32_t>(readbacks_.size());
  readbacks_.push_back({section, matrix});
  return *this;
}

Program& Program::readback(CellSection section) {
  require(capabilities_.readback, "Program::readback", "READBACK");
  check_section(section, {}, std::string("Program::readback(") + name_of(section) + ")");
  return readback_section(section_of(section), false);
}

Program& Program::readback_couplings() {
  require(capabilities_.readback, "Program::readback_couplings", "READBACK");
  if (capabilities_.sparse() && cells_ > matrix_cells)
    bad_arg("Program::readback_couplings: a matrix of " + std::to_string(cells_) + " x " + std::to_string(cells_) +
            " couplings; at most " + std::to_string(matrix_cells) + " cells: use readback_coupler_values");
  return readback_section(HB_SECTION_COUPLING, true);
}

Program& Program::readback_coupler_values() {
  require(capabilities_.readback, "Program::readback_coupler_values", "READBACK");
  if (!capabilities_.sparse())
    throw Error(HB_UNSUPPORTED, "Program::readback_coupler_values needs a sparse topology; this device couples all pairs: "
                                "use readback_couplings");
  return readback_section(HB_SECTION_COUPLING, false);
}

Program& Program::loop_begin(std::uint32_t times) {
  if (times == 0) bad_arg("Program::loop_begin: 0 times; a loop runs at least once");
  if (open_loops_ >= capabilities_.loop_depth)
    bad_arg("Program::loop_begin: loop " + std::to_string(open_loops_ + 1) + " deep; this device nests " +
            std::to_string(capabilities_.loop_depth));
  append(HB_OP_LOOP_BEGIN).instruction.count = times;
  ++open_loops_;
  return *this;
}

Program& Program::loop_end() {
  if (open_loops_ == 0) bad_arg("Program::loop_end: no loop is open; loop_begin comes first");
  append(HB_OP_LOOP_END);
  --open_loops_;
  return *this;
}

Program& Program::interrupt(std::uint32_t tag) {
  append(HB_OP_INTERRUPT).instruction.imm = tag;
  return *this;
}

std::uint64_t Program::records() const {
  Capturing capturing;
  return records_of(steps_, capturing);
}

Ticks Program::duration() const { return {ticks_of(steps_)}; }

}  // namespace heatbath
