#pragma once
// The log of a server, within bounds.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

namespace heatbath {

/// What a line is about: lines of one kind are counted together.
enum class Entry : std::uint8_t { session, refusal, device, other };

/// Passes lines on, a few of a kind in each period; those beyond are counted, and a line at the end of the period says
/// how many. So no client can fill the disk with it. It may be called from several threads; a reader of the log that
/// throws or is gone changes nothing.
class Journal {
 public:
  static constexpr std::uint32_t lines_of_a_kind = 20;
  static constexpr std::chrono::seconds period{60};

  /// `write` is called with one line at a time; empty: there is no log.
  explicit Journal(std::function<void(const std::string&)> write) : write_(std::move(write)) {}
  /// Says what was left out.
  ~Journal();
  Journal(const Journal&) = delete;

  void add(Entry kind, const std::string& line) noexcept;
  /// To be called now and then: ends periods.
  void turn_over() noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  struct Count {
    std::uint64_t lines = 0;
    Clock::time_point began;
  };
  void close(Entry kind);
  void write(const std::string& line) const;

  std::function<void(const std::string&)> write_;
  std::mutex mutex_;
  std::array<Count, 4> counts_;
};

/// Lines of a child process on their way into its parent's journal, in memory that both see: one writes, the other one
/// reads. A line is cut at its 255th byte; one that finds no room is dropped.
class ChildLines {
 public:
  /// In the child.
  void add(Entry kind, const std::string& line) noexcept;
  /// In the parent: what has come since.
  void move_to(Journal& journal) noexcept;

 private:
  struct Line {
    Entry kind;
    std::array<char, 256> text;
  };
  std::array<Line, 64> lines_;
  std::atomic<std::uint32_t> written_{0}, read_{0};
};

}  // namespace heatbath
