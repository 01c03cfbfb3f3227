#pragma once
// Sessions with a device, recorded to a file and answered from it: record: and replay:.
//
// The file: RecordHead, the URI and the description of the device, then one RecordEntry per access in order, each with
// its data. Numbers are little-endian. Since version 2 the head and every entry hold the CRC-32 (as in zlib) of what
// they are and of what follows them up to the next one, the place of the sum itself as zero; version 1 has none.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "heatbath/interruptible.hpp"
#include "heatbath/status.h"
#include "heatbath/transport.hpp"

namespace heatbath {

struct RecordHead {
  char magic[8] = {'H', 'B', 'R', 'E', 'C', 'O', 'R', 'D'};
  std::uint32_t version = 2;
  std::uint32_t uri_bytes = 0;
  std::uint32_t description_bytes = 0;
  std::uint32_t checksum = 0;
};
static_assert(sizeof(RecordHead) == 24);

enum class Access : std::uint16_t { read32 = 1, write32 = 2, read_block = 3, write_block = 4, wait_irq = 5 };

struct RecordEntry {
  Access access{};
  /// what the access threw (hb_status_t): the data is the message then. A write's data is lost
  std::uint16_t status = 0;
  std::uint32_t checksum = 0;
  std::uint64_t bytes = 0;    ///< of data that follow: a block, or a message
  std::uint64_t address = 0;  ///< of the access; the limit of a wait
  std::uint64_t value = 0;    ///< read or written; 1 when a wait found an interrupt; bytes of a block
  std::uint64_t ticks = 0;    ///< device time after the access, all ones where it is not seen
};
static_assert(sizeof(RecordEntry) == 40);

/// Passes every access on and writes it down. Memory is not lent: every block is seen. The file is complete when the
/// transport is gone.
class RecordTransport final : public Transport, public Interruptible {
 public:
  /// Throws Error(IO) when the file cannot be written, then or at any access.
  RecordTransport(std::unique_ptr<Transport> device, std::string file);
  ~RecordTransport() override;
  std::uint32_t read32(std::uint64_t address) override;
  void write32(std::uint64_t address, std::uint32_t value) override;
  void read_block(std::uint64_t address, std::span<std::byte> out) override;
  void write_block(std::uint64_t address, std::span<const std::byte> data) override;
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override;
  bool wait_irq(std::uint64_t limit_ticks) override;
  LinkInfo info() const override;
  std::optional<std::uint64_t> device_ticks() const override;
  void ask(std::function<Wish()> wish) override;

 private:
  template <typename Do>
  void keep(RecordEntry entry, std::span<const std::byte> data, Do&& perform);
  void write(const void* bytes, std::size_t size);
  void put(RecordEntry entry, std::span<const std::byte> data);

  std::unique_ptr<Transport> device_;
  Interruptible* interruptible_;
  std::string name_;
  std::ofstream file_;
};

/// Answers a host from a record. The first access that is not the record's next one, and every access after it, throws
/// Error(LINK) that names both. Errors that were recorded are thrown again.
class ReplayTransport final : public Transport {
 public:
  /// Throws Error(IO) when the file cannot be read, is no record or its head is damaged. Damage behind the head, a record
  /// that breaks off too, is an Error(IO) of the access that meets it and of every one after it.
  explicit ReplayTransport(std::string file);
  std::uint32_t read32(std::uint64_t address) override;
  void write32(std::uint64_t address, std::uint32_t value) override;
  void read_block(std::uint64_t address, std::span<std::byte> out) override;
  void write_block(std::uint64_t address, std::span<const std::byte> data) override;
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override;
  bool wait_irq(std::uint64_t limit_ticks) override;
  LinkInfo info() const override;
  std::optional<std::uint64_t> device_ticks() const override;

 private:
  RecordEntry next(const RecordEntry& asked);
  void finish(const RecordEntry& entry);
  [[noreturn]] void differ(const std::string& what, hb_status_t code = HB_LINK);
  void read(void* bytes, std::size_t size);
  void read_data(std::uint64_t bytes);
  [[noreturn]] void damaged();

  std::string name_;
  std::ifstream file_;
  bool has_checksums_ = true;
  LinkInfo info_;
  std::uint64_t count_ = 0;  ///< accesses answered
  std::uint64_t ticks_ = ~std::uint64_t{0};
  std::vector<std::byte> data_;
  std::string differs_;  ///< what differed; empty while nothing did
  hb_status_t why_ = HB_LINK;
};

}  // namespace heatbath
