#include "record_reader.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "heatbath/codes.h"
#include "heatbath/error.hpp"
#include "heatbath/program.h"

namespace heatbath {
namespace {

template <typename Code>
void decode_codes(const std::byte* bytes, std::uint32_t bits, float range, std::span<float> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    Code code;
    std::memcpy(&code, bytes + i * sizeof(Code), sizeof(Code));
    values[i] = hb_code_to_value(code, range, bits);
  }
}

}  // namespace

void decode(const std::byte* bytes, Number number, std::uint32_t bits, float range, std::span<float> values) {
  if (values.empty()) return;
  switch (number) {
    case Number::float32: std::memcpy(values.data(), bytes, values.size_bytes()); break;
    case Number::code8: decode_codes<std::int8_t>(bytes, bits, range, values); break;
    case Number::code16: decode_codes<std::int16_t>(bytes, bits, range, values); break;
  }
}

std::uint64_t decode_record(std::span<const std::byte> record, const RecordShape& shape, std::uint32_t sequence,
                            const Capabilities& capabilities, float* states, std::size_t lane_stride,
                            std::int32_t* turns, std::size_t turns_stride) {
  hb_record_header_t header;
  std::memcpy(&header, record.data(), sizeof header);
  if (header.sequence != sequence)
    throw Error(HB_CAPTURE_OVERRUN, "capture record " + std::to_string(sequence) + " was lost: record " +
                                        std::to_string(header.sequence) + " lies in its place");
  if (header.lanes != shape.lanes || header.cells != shape.cells || header.first != shape.first)
    throw Error(HB_DEVICE, "capture record " + std::to_string(sequence) + " holds " + std::to_string(header.lanes) +
                               " lanes x " + std::to_string(header.cells) + " cells from cell " +
                               std::to_string(header.first) + " on; the job asked for " + std::to_string(shape.lanes) + " x " +
                               std::to_string(shape.cells) + " from cell " + std::to_string(shape.first) + " on");
  const std::size_t lane_bytes = std::size_t{shape.cells} * bytes_of(capabilities.capture_number);
  const std::byte* lane = record.data() + sizeof header;
  const std::uint32_t own = shape.cells - shape.seconds();
  for (std::uint32_t l = 0; l < shape.lanes; ++l, lane += lane_bytes) {
    const std::span<float> values(states + l * lane_stride, shape.cells);
    decode(lane, capabilities.capture_number, capabilities.capture_bits, capabilities.range_state, values.first(own));
    const std::byte* const seconds = lane + std::size_t{own} * bytes_of(capabilities.capture_number);
    if (shape.whole_turns) {
      for (std::uint32_t k = 0; k < shape.seconds(); ++k) {
        std::int32_t count;
        std::memcpy(&count, seconds + k * sizeof count, sizeof count);
        values[own + k] = static_cast<float>(count);
        if (turns != nullptr) turns[l * turns_stride + k] = count;
      }
    } else {
      decode(seconds, capabilities.capture_number, capabilities.capture_bits, capabilities.range_second,
             values.subspan(own));
    }
  }
  return header.ticks;
}

}  // namespace heatbath
