#include "hw_model/device/dma.hpp"

#include <algorithm>

#include "heatbath/numerics/archive.hpp"
#include "heatbath/regs.h"
#include "hw_model/device/interrupts.hpp"
#include "hw_model/device/profile.hpp"
#include "hw_model/device/register_file.hpp"

namespace heatbath::model {
namespace {

constexpr std::uint32_t longest_burst = 4096;
constexpr std::uint64_t alignment = 4;

}  // namespace

Dma::Dma(const Profile& profile, bool timed, std::span<std::byte> memory, Interrupts& interrupts)
    : profile_(profile), timed_(timed), memory_(memory), interrupts_(interrupts) {}

void Dma::command(std::uint32_t op, const RegisterFile& registers, std::uint64_t now) {
  if (op == HB_DMA_COMMAND_OP_NONE) {
    code_ = HB_OK;
  } else if (!profile_.dma) {
    code_ = HB_UNSUPPORTED;
  } else if (op == HB_DMA_COMMAND_OP_STOP) {
    code_ = busy() ? HB_OK : HB_BAD_ARG;
    stopping_ = busy();
  } else {
    code_ = start(op, registers, now);
  }
}

hb_status_t Dma::start(std::uint32_t op, const RegisterFile& registers, std::uint64_t now) {
  if (op != HB_DMA_COMMAND_OP_TO_HOST && op != HB_DMA_COMMAND_OP_TO_DEVICE) return HB_BAD_ARG;
  if (busy()) return HB_BUSY;
  const std::uint64_t host = registers.get64(HB_DMA_HOST_LO_OFFSET), device = registers.get64(HB_DMA_DEVICE_LO_OFFSET);
  const std::uint32_t bytes = registers.get(HB_DMA_BYTES_OFFSET), burst = registers.get(HB_DMA_BURST_OFFSET);
  if ((host | device | bytes | burst) % alignment != 0 || bytes == 0 || burst == 0 || burst > longest_burst ||
      device > memory_.size() || bytes > memory_.size() - device || bytes - 1 > ~std::uint64_t{0} - host)
    return HB_BAD_ARG;
  op_ = op;
  host_address_ = host;
  device_offset_ = device;
  bytes_ = bytes;
  burst_ = burst;
  moved_ = 0;
  stopping_ = false;
  begin_burst(now);
  return HB_OK;
}

void Dma::begin_burst(std::uint64_t now) {
  std::uint64_t ticks = 0;
  if (timed_) {
    const std::uint64_t bytes = std::min(burst_, bytes_ - moved_), rate = profile_.bus_bytes_per_tick;
    ticks = std::uint64_t{profile_.bus_request_ticks} + profile_.bus_response_ticks +
            (rate == 0 ? 0 : (bytes + rate - 1) / rate);
  }
  ticks = std::max<std::uint64_t>(ticks, 1);
  due_ = now < never - ticks ? now + ticks : never - 1;
}

void Dma::finish_burst() {
  if (fails_from_ <= due_) {
    fails_from_ = never;
    return end(HB_DEVICE);
  }
  const std::span<std::byte> data =
      memory_.subspan(device_offset_ + moved_, std::min<std::size_t>(burst_, bytes_ - moved_));
  const std::uint64_t address = host_address_ + moved_;
  HostPort::Answer answer;
  if (host_ != nullptr) answer = op_ == HB_DMA_COMMAND_OP_TO_HOST ? host_->write(address, data) : host_->read(address, data);
  if (!answer.ok) return end(HB_LINK);
  moved_ += static_cast<std::uint32_t>(data.size());
  if (moved_ == bytes_) return end(HB_OK);
  if (stopping_) return end(HB_ABORTED);
  begin_burst(answer.late_ticks < never - due_ ? due_ + answer.late_ticks : never - 1);
}

void Dma::end(hb_status_t code) {
  op_ = 0;
  due_ = never;
  stopping_ = false;
  code_ = code;
  interrupts_.raise(HB_INTR_STATE_DMA_DONE_MASK);
}

void Dma::reset() {
  op_ = bytes_ = moved_ = 0;
  due_ = never;
  stopping_ = false;
  code_ = HB_OK;
}

void Dma::exchange(numerics::Archive& archive) {
  archive.section("dma");
  std::uint32_t code = code_;
  archive(op_, host_address_, device_offset_, bytes_, burst_, moved_, due_, fails_from_, stopping_, code);
  archive.check(code <= HB_DEFECT, "DMA status");
  code_ = static_cast<hb_status_t>(code);
  const bool idle = op_ == 0 && due_ == never && !stopping_;
  archive.check(idle || (profile_.dma && (op_ == HB_DMA_COMMAND_OP_TO_HOST || op_ == HB_DMA_COMMAND_OP_TO_DEVICE) &&
                         due_ != never && burst_ > 0 && burst_ <= longest_burst && device_offset_ <= memory_.size() &&
                         bytes_ <= memory_.size() - device_offset_ && moved_ < bytes_ &&
                         bytes_ - 1 <= ~std::uint64_t{0} - host_address_),
                "DMA transfer");
}

}  // namespace heatbath::model
