#pragma once
// The ranks of an MPI program.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "hw_model/ranks/message.hpp"

namespace heatbath::ranks {

/// All ranks that were started together. MPI is begun with the first use and ended by end().
class Communicator {
 public:
  /// The one of this process.
  static Communicator& world();

  std::uint32_t rank() const { return rank_; }
  std::uint32_t size() const { return size_; }

  /// To one rank, in order.
  void send(std::uint32_t to, const Message& message);
  /// The next from the first rank; waits for it without a busy processor.
  Message receive();

  /// Calls of all ranks, in one order:
  bool any(bool here);
  /// What each has, in the order of ranks, on the first one; nothing elsewhere.
  template <class Value>
  std::vector<Value> gather(std::span<const Value> own) {
    std::vector<Value> all(gather_size(own.size_bytes()) / sizeof(Value));
    gather_bytes(std::as_bytes(own), std::as_writable_bytes(std::span(all)));
    return all;
  }
  /// What each says to each: one list per rank, there and back.
  std::vector<std::vector<std::uint32_t>> trade(const std::vector<std::vector<std::uint32_t>>& lists);

  /// Ends MPI; nothing of it may be used afterwards.
  void end();
  /// Ends all ranks at once.
  [[noreturn]] void abort(int status);

  /// The ranks no longer wait for the same: one has failed in the middle.
  void lose() { lost_ = true; }
  bool lost() const { return lost_; }

  /// Held while the first rank gives an order: the calls above come in one order then.
  std::mutex& orders() { return orders_; }

 private:
  Communicator();
  std::size_t gather_size(std::size_t own);
  void gather_bytes(std::span<const std::byte> own, std::span<std::byte> all);

  std::uint32_t rank_ = 0, size_ = 1;
  std::vector<std::uint64_t> sizes_;  // of the last gather_size, on the first rank
  std::mutex orders_;
  std::atomic<bool> lost_ = false;
};

}  // namespace heatbath::ranks
