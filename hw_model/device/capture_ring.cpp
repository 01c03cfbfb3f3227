#include "hw_model/device/capture_ring.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "heatbath/numerics/archive.hpp"

namespace heatbath::model {

void CaptureRing::begin(const RingLayout& layout) {
  layout_ = layout;
  head_ = tail_ = 0;
  clipped_ = 0;
}

std::uint64_t CaptureRing::threshold(std::uint32_t watermark) const {
  return watermark == 0 ? layout_.slots : std::min(watermark, layout_.slots);
}

bool CaptureRing::move_tail(std::uint32_t tail) {
  const std::uint32_t step = tail - static_cast<std::uint32_t>(tail_);
  if (step > unread()) return false;
  tail_ += step;
  return true;
}

std::byte* CaptureRing::record(std::uint64_t number) const {
  return memory_.data() + layout_.base + number % layout_.slots * layout_.record_bytes;
}

void CaptureRing::write_lane(std::uint64_t ahead, std::uint32_t lane, std::span<const float> state,
                             std::span<const std::int32_t> turns, const ReadAddress& address) {
  const std::size_t value = value_bytes(first_.storage), bytes = std::size_t{layout_.cells} * value;
  std::byte* const values = record(head_ + ahead) + sizeof(hb_record_header_t) + lane * bytes;
  const std::size_t own =
      layout_.second > layout_.cell0 ? std::min(layout_.cells, layout_.second - layout_.cell0) : 0;
  auto captured = state.subspan(layout_.cell0, layout_.cells);
  std::vector<float> read;
  if (imperfections_.reads_out()) {
    read.assign(captured.begin(), captured.end());
    captured = read;
    imperfections_.read_out(0, layout_.cell0, std::span(read).first(own), &address);
    const std::uint32_t second = layout_.cell0 + static_cast<std::uint32_t>(own) - layout_.second;
    if (own < read.size()) imperfections_.read_out(1, second, std::span(read).subspan(own), &address);
  }
  if (!saturated_.empty()) {
    if (read.empty()) read.assign(captured.begin(), captured.end());
    captured = read;
    for (const std::uint32_t cell : saturated_)
      if (cell >= layout_.cell0 && cell < layout_.cell0 + own) {
        read[cell - layout_.cell0] = first_.range;
        clipped_.fetch_add(1, std::memory_order_relaxed);
      }
  }
  encode(captured.first(own), first_, {values, own * value});
  if (layout_.whole_turns) {
    if (own == layout_.cells) return;
    const auto whole = turns.subspan(layout_.cell0 + own - layout_.second, layout_.cells - own);
    std::memcpy(values + own * value, whole.data(), whole.size_bytes());
    return;
  }
  const std::uint64_t clipped = encode(captured.subspan(own), second_, {values + own * value, bytes - own * value});
  if (clipped > 0) clipped_.fetch_add(clipped, std::memory_order_relaxed);
}

void CaptureRing::finish_record(std::uint64_t ticks) {
  std::byte* const start = record(head_);
  const hb_record_header_t header{
      static_cast<std::uint32_t>(head_), layout_.lanes, layout_.cells, layout_.cell0, ticks, 0};
  std::memcpy(start, &header, sizeof header);
  const std::size_t used =
      sizeof header + std::size_t{layout_.lanes} * layout_.cells * value_bytes(first_.storage);
  std::memset(start + used, 0, layout_.record_bytes - used);
  ++head_;
}

void CaptureRing::exchange(numerics::Archive& archive) {
  archive.section("ring");
  std::uint64_t clips = clipped();
  archive(layout_, head_, tail_, clips, saturated_);
  archive.check(tail_ <= head_ && head_ - tail_ <= layout_.slots, "head and tail");
  clipped_ = clips;
}

}  // namespace heatbath::model
