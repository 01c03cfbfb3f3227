#pragma once
// A physical device on the Linux userspace I/O framework: uio:/dev/uioN. Or a file that stands in for one.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "heatbath/interruptible.hpp"
#include "heatbath/transport.hpp"
#include "link/channel.hpp"
#include "link/uri.hpp"

namespace heatbath {

/// Registers and device memory, mapped: every access is 32 bits wide and volatile. Interrupts are counted by read().
/// Time passes by itself: wait_irq polls the registers, and between looks sleeps until the interrupt count changes or
/// the ticks that are left have passed by the wall clock.
///
/// A regular file stands in for the part (stand_in_file.hpp); its server polls it
/// (`heatbath serve --listen uio:FILE`). Plain memory does not order a read after what a write causes, as a bus does,
/// nor does it change the two words of a time at once: so after writes the next read waits for the end of a round of
/// the server that began after them, and both words of a pair are read of one instant. FILE.irq, a named pipe, carries
/// the interrupt counts.
class UioTransport final : public Transport, public Interruptible {
 public:
  /// `uri`: uio:PATH with the keys memory (file that holds device memory: u-dma-buf; default: the second map of the
  /// device) and link_timeout_ms (of a stand-in that is not served). Throws Error(BAD_ARG, LINK).
  explicit UioTransport(const Uri& uri);
  ~UioTransport() override;

  std::uint32_t read32(std::uint64_t address) override;
  void write32(std::uint64_t address, std::uint32_t value) override;
  void read_block(std::uint64_t address, std::span<std::byte> out) override;
  void write_block(std::uint64_t address, std::span<const std::byte> data) override;
  /// Never lends: the part changes its memory while the host runs, and a bus wants whole words.
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override;
  bool wait_irq(std::uint64_t limit_ticks) override;
  LinkInfo info() const override;
  void ask(std::function<Wish()> wish) override { wish_ = std::move(wish); }

 private:
  void map_device(const std::string& path);
  void map_stand_in(const std::string& path);
  volatile std::uint32_t* map_file(const std::string& path, int fd, std::uint64_t bytes, std::uint64_t offset);
  volatile std::uint32_t* word_of(std::uint64_t address) const;
  std::uint32_t look(std::uint32_t offset) const;
  std::uint32_t round() const;
  template <typename Done>
  void wait_for_rounds(Done&& done) const;
  std::uint64_t pair(std::uint32_t low_offset) const;
  std::uint32_t read_stand_in(std::uint32_t offset);
  void settle();
  void sleep_until_interrupt(std::uint64_t ticks_left);

  std::function<Wish()> wish_;
  LinkInfo info_;
  std::chrono::milliseconds patience_;
  FileDescriptor device_, interrupts_;
  bool stands_in_ = false;
  bool unsettled_ = false;  ///< writes to a stand-in that it may not have seen
  volatile std::uint32_t* registers_ = nullptr;
  volatile std::uint32_t* memory_ = nullptr;
  volatile std::uint32_t* topology_ = nullptr;  ///< the list of couplers of a sparse part
  volatile std::uint32_t* trailer_ = nullptr;   ///< of a stand-in: its last page
  std::uint64_t held_pair_ = 0;             ///< of a stand-in: what the last read of a high word found
  std::uint32_t held_low_offset_ = 0;       ///< of that pair; 0: none
  std::uint32_t time_round_ = 0;            ///< round in which TIME was last read
  std::uint64_t register_bytes_ = 0, memory_bytes_ = 0, memory_mapped_ = 0, topology_bytes_ = 0, topology_mapped_ = 0;
  double tick_seconds_ = 0;
};

}  // namespace heatbath
