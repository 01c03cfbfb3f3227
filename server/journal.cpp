#include "server/journal.hpp"

namespace heatbath {
namespace {

const char* what(Entry kind) {
  switch (kind) {
    case Entry::session: return " more lines about sessions";
    case Entry::refusal: return " more lines about refused clients and dropped packets";
    case Entry::device: return " more lines about the device";
    case Entry::other: break;
  }
  return " more lines";
}

}  // namespace

Journal::~Journal() {
  for (const Entry kind : {Entry::session, Entry::refusal, Entry::device, Entry::other}) close(kind);
}

void Journal::write(const std::string& line) const {
  try {
    write_(line);
  } catch (...) {
    // The log has no reader, or its disk is full: the server continues.
  }
}

/// Ends the period of a kind.
void Journal::close(Entry kind) {
  Count& count = counts_[static_cast<std::size_t>(kind)];
  if (write_ && count.lines > lines_of_a_kind) write(std::to_string(count.lines - lines_of_a_kind) + what(kind));
  count.lines = 0;
}

void Journal::add(Entry kind, const std::string& line) noexcept {
  if (!write_) return;
  try {
    const std::lock_guard lock(mutex_);
    Count& count = counts_[static_cast<std::size_t>(kind)];
    const auto now = Clock::now();
    if (count.lines > 0 && now - count.began > period) close(kind);
    if (count.lines++ == 0) count.began = now;
    if (count.lines <= lines_of_a_kind) write(line);
  } catch (...) {
    // Out of memory for a line.
  }
}

void Journal::turn_over() noexcept {
  try {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    for (const Entry kind : {Entry::session, Entry::refusal, Entry::device, Entry::other}) {
      const Count& count = counts_[static_cast<std::size_t>(kind)];
      if (count.lines > 0 && now - count.began > period) close(kind);
    }
  } catch (...) {
    // As above.
  }
}

void ChildLines::add(Entry kind, const std::string& text) noexcept {
  const std::uint32_t at = written_.load(std::memory_order_relaxed);
  if (at - read_.load(std::memory_order_acquire) == lines_.size()) return;
  Line& line = lines_[at % lines_.size()];
  line.kind = kind;
  line.text[text.copy(line.text.data(), line.text.size() - 1)] = '\0';
  written_.store(at + 1, std::memory_order_release);
}

void ChildLines::move_to(Journal& journal) noexcept {
  for (std::uint32_t at = read_.load(std::memory_order_relaxed); at != written_.load(std::memory_order_acquire); ++at) {
    const Line& line = lines_[at % lines_.size()];
    journal.add(line.kind, line.text.data());
    read_.store(at + 1, std::memory_order_release);
  }
}

}  // namespace heatbath
