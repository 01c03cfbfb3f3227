#pragma once
// The bridge from the C device functions to a transport.

#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "heatbath/interruptible.hpp"
#include "heatbath/mmio.h"
#include "heatbath/restorable.hpp"
#include "heatbath/transport.hpp"

namespace heatbath {

/// Owns the transport and lends it to C as an hb_mmio_t. Nothing thrown crosses the C boundary: an exception of the
/// transport is kept, the C function runs on with reads of 0 and without further accesses, and call() rethrows.
class Link {
 public:
  /// `transport` is not null.
  explicit Link(std::unique_ptr<Transport> transport);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  Transport& transport() { return *transport_; }
  /// The same object where the device's state can be saved, or null.
  Restorable* restorable() { return dynamic_cast<Restorable*>(transport_.get()); }

  /// Runs function(const hb_mmio_t*) and returns its result. Throws Error only; an exception of another type that the
  /// transport threw becomes Error(LINK).
  template <typename Function>
  auto call(Function&& function) {
    failure_ = nullptr;
    if constexpr (std::is_void_v<std::invoke_result_t<Function, const hb_mmio_t*>>) {
      std::forward<Function>(function)(&mmio_);
      rethrow();
    } else {
      auto result = std::forward<Function>(function)(&mmio_);
      rethrow();
      return result;
    }
  }

  /// Block access and waiting, under the same rule for exceptions.
  void read_block(std::uint64_t address, std::span<std::byte> out);
  void write_block(std::uint64_t address, std::span<const std::byte> data);
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size);
  bool wait_irq(std::uint64_t limit_ticks);

  /// While one lives, `stop` is asked inside calls that last, where the transport can (Interruptible).
  class Question {
   public:
    Question(Link& link, std::function<bool()> stop) : link_(link.interruptible_) {
      if (link_ != nullptr) link_->ask([stop = std::move(stop)] { return stop() ? Wish::stop : Wish::go_on; });
    }
    ~Question() {
      if (link_ != nullptr) link_->ask({});
    }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;

   private:
    Interruptible* link_;
  };

 private:
  static std::uint32_t read32(void* context, std::uint32_t offset);
  static void write32(void* context, std::uint32_t offset, std::uint32_t value);
  void rethrow();

  std::unique_ptr<Transport> transport_;
  Interruptible* interruptible_;  // the same object, or null
  hb_mmio_t mmio_;
  std::exception_ptr failure_;
};

}  // namespace heatbath
