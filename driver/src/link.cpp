#include "link.hpp"

#include <string>

#include "heatbath/error.hpp"

namespace heatbath {
namespace {

[[noreturn]] void rethrow_as_error(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& other) {
    throw Error(HB_LINK, std::string("the link failed: ") + other.what());
  } catch (...) {
    throw Error(HB_LINK, "the link failed with an exception that is not a std::exception");
  }
}

template <typename Function>
auto guarded(Function&& function) {
  try {
    return function();
  } catch (...) {
    rethrow_as_error(std::current_exception());
  }
}

}  // namespace

Link::Link(std::unique_ptr<Transport> transport)
    : transport_(std::move(transport)),
      interruptible_(dynamic_cast<Interruptible*>(transport_.get())),
      mmio_{&Link::read32, &Link::write32, this, nullptr, nullptr, nullptr} {}

std::uint32_t Link::read32(void* context, std::uint32_t offset) {
  auto& link = *static_cast<Link*>(context);
  if (link.failure_) return 0;
  try {
    return link.transport_->read32(offset);
  } catch (...) {
    link.failure_ = std::current_exception();
    return 0;
  }
}

void Link::write32(void* context, std::uint32_t offset, std::uint32_t value) {
  auto& link = *static_cast<Link*>(context);
  if (link.failure_) return;
  try {
    link.transport_->write32(offset, value);
  } catch (...) {
    link.failure_ = std::current_exception();
  }
}

void Link::rethrow() {
  if (failure_) rethrow_as_error(std::exchange(failure_, nullptr));
}

void Link::read_block(std::uint64_t address, std::span<std::byte> out) {
  guarded([&] { transport_->read_block(address, out); });
}

void Link::write_block(std::uint64_t address, std::span<const std::byte> data) {
  guarded([&] { transport_->write_block(address, data); });
}

std::optional<std::span<std::byte>> Link::map(std::uint64_t address, std::uint64_t size) {
  return guarded([&] { return transport_->map(address, size); });
}

bool Link::wait_irq(std::uint64_t limit_ticks) {
  return guarded([&] { return transport_->wait_irq(limit_ticks); });
}

}  // namespace heatbath
