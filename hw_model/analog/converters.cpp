#include "hw_model/analog/converters.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "heatbath/codes.h"

namespace heatbath::model {
namespace {

static_assert(std::endian::native == std::endian::little, "device memory is little-endian");

/// Clips a finite or infinite value and counts it; a NaN comes out as it went in.
float clip(float value, const Converter& converter, std::uint64_t& clipped) {
  const float low = converter.non_negative ? 0.0f : -converter.range;
  if (value < low) {
    ++clipped;
    return low;
  }
  if (value > converter.range) {
    ++clipped;
    return converter.range;
  }
  return value;
}

Conversion decode_floats(std::span<const std::byte> section, const Converter& converter, std::span<float> values) {
  Conversion conversion;
  std::memcpy(values.data(), section.data(), values.size_bytes());
  const float low = converter.non_negative ? 0.0f : -converter.range;
  bool good = true;
  for (const float value : values) good &= value >= low && value <= converter.range;
  if (good) return conversion;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) {
      conversion.refused = i;
      return conversion;
    }
    values[i] = clip(values[i], converter, conversion.clipped);
  }
  return conversion;
}

template <class Code>
Conversion decode_codes(std::span<const std::byte> section, const Converter& converter, std::span<float> values) {
  Conversion conversion;
  const std::int32_t top = (1 << (converter.bits - 1u)) - 1;
  const std::int32_t bottom = converter.non_negative ? 0 : -top - 1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    Code code;
    std::memcpy(&code, section.data() + i * sizeof(Code), sizeof(Code));
    const std::int32_t held = std::clamp<std::int32_t>(code, bottom, top);
    conversion.clipped += held != code;
    values[i] = hb_code_to_value(held, converter.range, converter.bits);
  }
  return conversion;
}

std::int32_t code_of(float value, const Converter& converter) {
  if (std::isnan(value)) return 0;
  const float step = hb_code_step(converter.range, converter.bits);
  if (converter.periodic && value >= converter.range - 0.5f * step) return -(1 << (converter.bits - 1u));
  const std::int32_t code = hb_value_to_code(value, converter.range, converter.bits);
  return converter.non_negative ? std::max(code, 0) : code;
}

/// Whether a value lies more than half a step beyond the last code, `code` being its own.
bool saturated(float value, std::int32_t code, const Converter& converter) {
  return !converter.periodic && std::abs(value - hb_code_to_value(code, converter.range, converter.bits)) >
                                    0.5f * hb_code_step(converter.range, converter.bits);
}

template <class Code>
std::uint64_t encode_codes(std::span<const float> values, const Converter& converter, std::span<std::byte> out) {
  std::uint64_t clipped = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto code = static_cast<Code>(code_of(values[i], converter));
    clipped += saturated(values[i], code, converter);
    std::memcpy(out.data() + i * sizeof(Code), &code, sizeof(Code));
  }
  return clipped;
}

}  // namespace

Conversion decode(std::span<const std::byte> section, const Converter& converter, std::span<float> values) {
  if (values.empty()) return {};
  switch (converter.storage) {
    case Storage::code8: return decode_codes<std::int8_t>(section, converter, values);
    case Storage::code16: return decode_codes<std::int16_t>(section, converter, values);
    case Storage::float32: break;
  }
  return decode_floats(section, converter, values);
}

Conversion convert(float& value, const Converter& converter) {
  Conversion conversion;
  if (std::isnan(value)) {
    conversion.refused = 0;
    return conversion;
  }
  if (converter.storage == Storage::float32) {
    value = clip(value, converter, conversion.clipped);
    return conversion;
  }
  const std::int32_t code = code_of(value, converter);
  conversion.clipped = saturated(value, code, converter);
  value = hb_code_to_value(code, converter.range, converter.bits);
  return conversion;
}

std::uint64_t encode(std::span<const float> values, const Converter& converter, std::span<std::byte> out) {
  if (values.empty()) return 0;
  switch (converter.storage) {
    case Storage::code8: return encode_codes<std::int8_t>(values, converter, out);
    case Storage::code16: return encode_codes<std::int16_t>(values, converter, out);
    case Storage::float32: break;
  }
  std::memcpy(out.data(), values.data(), values.size_bytes());
  const float low = converter.non_negative ? 0.0f : -converter.range;
  std::uint64_t clipped = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] < low || values[i] > converter.range)) continue;
    const float held = values[i] < low ? low : converter.range;
    std::memcpy(out.data() + i * sizeof(float), &held, sizeof(float));
    ++clipped;
  }
  return clipped;
}

}  // namespace heatbath::model
