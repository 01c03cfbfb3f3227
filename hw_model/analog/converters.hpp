#pragma once
// Values in device memory <-> values of the array. The nominal transfer of codes is that of heatbath/codes.h.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace heatbath::model {

/// Storage of a value in device memory, as in CAPS_PARAM_FORMAT.NUMBER. Codes are two's complement, little-endian.
enum class Storage : std::uint8_t { float32 = 0, code8 = 1, code16 = 2 };

/// Bytes of one stored value: 4, 1 or 2.
constexpr std::uint32_t value_bytes(Storage storage) {
  return storage == Storage::float32 ? 4u : storage == Storage::code8 ? 1u : 2u;
}

/// How one kind of value is stored and how far it reaches.
struct Converter {
  Storage storage = Storage::float32;
  std::uint32_t bits = 0;     ///< resolution of a code, 2..16; 0 for float32
  float range = 0;            ///< values lie in [-range, range]; full scale of a code
  bool non_negative = false;  ///< values lie in [0, range]
  bool periodic = false;      ///< range is -range again (angles): codes beyond the last one go on at the first
};

/// What converting a section found.
struct Conversion {
  std::uint64_t clipped = 0;             ///< values outside the range, moved to its end
  std::optional<std::uint64_t> refused;  ///< first entry that is NaN; the output is then undefined
};

/// Values of a stored section: values.size() of them, value_bytes(storage) each. Infinities and codes beyond `bits`
/// are clipped like any value outside the range.
Conversion decode(std::span<const std::byte> section, const Converter& converter, std::span<float> values);

/// The value that the converter makes of `value` (clipped and, for codes, rounded to the nearest step). A code is
/// clipped when the value lies more than half a step beyond the last code.
Conversion convert(float& value, const Converter& converter);

/// Stores values, saturated at the ends of the converter; NaN is stored as it is in float32 and as 0 in a code.
/// out.size() = values.size() * value_bytes(storage). Returns how many were saturated, by the rule of convert().
std::uint64_t encode(std::span<const float> values, const Converter& converter, std::span<std::byte> out);

}  // namespace heatbath::model
