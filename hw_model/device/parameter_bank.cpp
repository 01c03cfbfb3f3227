#include "hw_model/device/parameter_bank.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "heatbath/codes.h"
#include "hw_model/device/start_check.hpp"

namespace heatbath::model {
namespace {

MismatchSpread spread_of(const Profile& profile) {
  MismatchSpread spread{profile.cell_gain_sd, profile.coupling_gain_sd, 0};
  if (profile.bias_offset_sd_steps > 0)
    spread.bias_offset = profile.bias_offset_sd_steps * hb_code_step(profile.range_bias, profile.parameter_bits);
  return spread;
}

}  // namespace

ParameterBank::ParameterBank(const Profile& profile)
    : profile_(profile), mismatch_(spread_of(profile), profile.serial) {}

void ParameterBank::reset(std::uint32_t cells) {
  cells_ = cells;
  clips_ = {};
  physics::Parameters& p = live_.applied;
  p.j2.assign(cells, 0.0f);
  p.j4.assign(cells, 0.0f);
  p.bias.assign(cells, 0.0f);
  mismatch_.apply_bias_offset(p.bias);
  p.bias_per_lane = false;
  p.couplings = std::make_shared<const physics::Couplings>(cells);
  p.gain = 1.0f;
  p.kT = profile_.kT_reset;
  live_.image = {};  // an absent image is all zero
  shadow_ = live_;
}

Converter ParameterBank::converter(hb_section_t section) const {
  const float range = section == HB_SECTION_J2     ? profile_.range_j2
                      : section == HB_SECTION_J4   ? profile_.range_j4
                      : section == HB_SECTION_BIAS ? profile_.range_bias
                                                   : profile_.range_coupling;
  return {profile_.parameter_storage, profile_.parameter_bits, range, section == HB_SECTION_J4};
}

ParameterBank::Image ParameterBank::image(std::span<const float> values, hb_section_t section) const {
  auto bytes = std::make_shared<std::vector<std::byte>>(values.size() * value_bytes(profile_.parameter_storage));
  encode(values, converter(section), *bytes);
  return bytes;
}

std::optional<std::uint64_t> ParameterBank::load(const hb_instruction_t& load, std::span<const std::byte> memory,
                                                 std::uint32_t lanes) {
  switch (load.section) {
    case HB_SECTION_GAIN: shadow_.applied.gain = std::bit_cast<float>(load.imm); return std::nullopt;
    case HB_SECTION_KT: shadow_.applied.kT = std::bit_cast<float>(load.imm); return std::nullopt;
    case HB_SECTION_COUPLING: return load_couplings(load, memory);
    default: return load_cells(load, memory, lanes);
  }
}

std::optional<std::uint64_t> ParameterBank::load_cells(const hb_instruction_t& load, std::span<const std::byte> memory,
                                                       std::uint32_t lanes) {
  const auto section = static_cast<hb_section_t>(load.section);
  const std::uint32_t rows = load.lane_stride != 0 ? lanes : 1;
  std::vector<float> values(std::size_t{rows} * cells_);
  std::uint64_t clipped = 0;
  if (load.flags & HB_FLAG_IMMEDIATE) {
    float value = std::bit_cast<float>(load.imm);
    clipped = convert(value, converter(section)).clipped * cells_;
    std::fill(values.begin(), values.end(), value);
  } else {
    const std::uint64_t bytes = section_bytes(section, cells_, profile_);
    for (std::uint32_t lane = 0; lane < rows; ++lane) {
      const auto source = memory.subspan(load.addr + std::uint64_t{lane} * load.lane_stride, bytes);
      const auto row = std::span(values).subspan(std::size_t{lane} * cells_, cells_);
      const Conversion conversion = decode(source, converter(section), row);
      if (conversion.refused) return std::uint64_t{lane} * cells_ + *conversion.refused;
      clipped += conversion.clipped;
    }
  }
  clips_[section] = clipped;
  shadow_.image[section] = image(std::span(values).first(cells_), section);
  physics::Parameters& p = shadow_.applied;
  if (section == HB_SECTION_BIAS) {
    for (std::uint32_t lane = 0; lane < rows; ++lane)
      mismatch_.apply_bias_offset(std::span(values).subspan(std::size_t{lane} * cells_, cells_));
    p.bias_per_lane = rows > 1;
    p.bias = std::move(values);
  } else {
    mismatch_.apply_cell_gain(values);
    (section == HB_SECTION_J2 ? p.j2 : p.j4) = std::move(values);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ParameterBank::load_couplings(const hb_instruction_t& load,
                                                           std::span<const std::byte> memory) {
  std::vector<float> triangle(std::size_t{cells_} * (cells_ - 1) / 2);
  std::uint64_t clipped = 0;
  if (load.flags & HB_FLAG_IMMEDIATE) {
    float value = std::bit_cast<float>(load.imm);
    clipped = convert(value, converter(HB_SECTION_COUPLING)).clipped * triangle.size();
    std::fill(triangle.begin(), triangle.end(), value);
  } else {
    const auto source = memory.subspan(load.addr, section_bytes(HB_SECTION_COUPLING, cells_, profile_));
    const Conversion conversion = decode(source, converter(HB_SECTION_COUPLING), triangle);
    if (conversion.refused) return conversion.refused;
    clipped = conversion.clipped;
  }
  clips_[HB_SECTION_COUPLING] = clipped;
  shadow_.image[HB_SECTION_COUPLING] = image(triangle, HB_SECTION_COUPLING);
  mismatch_.apply_coupling_gain(triangle, cells_);
  shadow_.applied.couplings = couplings(triangle);
  return std::nullopt;
}

std::shared_ptr<const physics::Couplings> ParameterBank::couplings(std::span<const float> triangle) const {
  if (std::all_of(triangle.begin(), triangle.end(), [](float value) { return value == 0.0f; }))
    return std::make_shared<const physics::Couplings>(cells_);
  const std::size_t n = cells_;
  std::vector<float> matrix(n * n, 0.0f);
  const auto row_start = [&](std::size_t i) { return i * (2 * n - i - 1) / 2; };  // entry of the pair (i, i + 1)
  constexpr std::size_t tile = 32;  // both triangles are written by tiles, so that neither write runs down a column
  for (std::size_t i0 = 0; i0 < n; i0 += tile) {
    for (std::size_t j0 = i0; j0 < n; j0 += tile) {
      for (std::size_t i = i0; i < std::min(n, i0 + tile); ++i) {
        for (std::size_t j = std::max(j0, i + 1); j < std::min(n, j0 + tile); ++j) {
          const float value = triangle[row_start(i) + j - i - 1];
          matrix[i * n + j] = value;
          matrix[j * n + i] = value;
        }
      }
    }
  }
  return std::make_shared<const physics::Couplings>(cells_, std::move(matrix));
}

std::uint64_t ParameterBank::take_clips() {
  std::uint64_t sum = 0;
  for (std::uint64_t& clips : clips_) sum += std::exchange(clips, 0);
  return sum;
}

void ParameterBank::commit() { live_ = shadow_; }

void ParameterBank::readback(hb_section_t section, std::span<std::byte> out) const {
  const Image& source = live_.image[section];
  if (source) {
    std::copy_n(source->begin(), out.size(), out.begin());  // of one cell there are no couplings: no bytes
  } else {
    std::fill(out.begin(), out.end(), std::byte{0});
  }
}

}  // namespace heatbath::model
