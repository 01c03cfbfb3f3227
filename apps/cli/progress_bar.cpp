#include "apps/cli/progress_bar.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/cli/terminal.hpp"

namespace heatbath::apps {

namespace {
constexpr int kWidth = 28;

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}
}  // namespace

ProgressBar::Style ProgressBar::style_for(bool json) {
  if (json || quiet()) return Style::silent;
  return is_screen(STDERR_FILENO) ? Style::bar : Style::lines;
}

ProgressBar::ProgressBar(Style style, std::string label, double total, std::string unit, std::FILE* out)
    : style_(style),
      label_(std::move(label)),
      total_(total),
      unit_(std::move(unit)),
      out_(out),
      start_(Clock::now()),
      drawn_(style == Style::lines ? start_ : Clock::time_point{}) {
  if (style_ == Style::bar) draw(0, {});
}

ProgressBar::~ProgressBar() {
  if (open_) std::fputc('\n', out_);
}

void ProgressBar::update(double done, std::string_view text) {
  if (style_ == Style::silent) return;
  if (style_ == Style::lines) {
    const int tenth = static_cast<int>(10 * done / total_ + 1e-9);
    if (tenth <= tenth_) return;
    tenth_ = tenth;
    if (Clock::now() - drawn_ < std::chrono::seconds(2)) return;
    drawn_ = Clock::now();
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    std::fputs(fmt::format("{}: {} %{}{}, {:.1f} s, {} left\n", label_, 10 * tenth, text.empty() ? "" : ", ", text, seconds,
                           clock_text(seconds * (total_ - done) / done))
                   .c_str(), out_);
    std::fflush(out_);
    return;
  }
  const auto now = Clock::now();
  if (done < total_ && now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  draw(done, text);
}

void ProgressBar::hide() {
  if (!open_) return;
  std::fputs("\r\033[K", out_);
  std::fflush(out_);
  open_ = false;
  drawn_ = Clock::time_point{};
}

void ProgressBar::finish(std::string_view text) {
  if (style_ == Style::silent) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  if (open_) std::fputs("\r\033[K", out_);
  std::fputs(fmt::format("{}: done in {:.1f} s{}{}\n", label_, seconds, text.empty() ? "" : ", ", text).c_str(), out_);
  std::fflush(out_);
  open_ = false;
}

void ProgressBar::draw(double done, std::string_view text) {
  const double fraction = std::clamp(done / total_, 0.0, 1.0);
  const int filled = static_cast<int>(fraction * kWidth);
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  std::string line = fmt::format("\r{} [{}{}] {:3.0f} %", label_, std::string(static_cast<std::size_t>(filled), '#'),
                                 std::string(static_cast<std::size_t>(kWidth - filled), '.'), 100 * fraction);
  if (fraction > 0) {
    if (!unit_.empty() && seconds > 0) line += fmt::format("  {:.1f} {}/s", done / seconds, unit_);
    line += fmt::format("  {} left", clock_text(seconds * (1 - fraction) / fraction));
  }
  if (!text.empty()) line += fmt::format("  {}", text);
  // A line that does not fit would leave its first rows behind each time it is drawn again.
  const std::size_t columns = columns_of(::fileno(out_));
  if (columns > 1) line = "\r" + std::string(first_columns(std::string_view(line).substr(1), columns - 1));
  std::fputs((line + "\033[K").c_str(), out_);
  std::fflush(out_);
  open_ = true;
}

}  // namespace heatbath::apps
