#pragma once
// Progress of long work, on stderr.

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

namespace heatbath::apps {

/// A bar with rate and remaining time on a terminal, as wide as that, redrawn at most ten times a second; elsewhere a
/// line with the remaining time at a tenth of the work, at most every two seconds, and one at the end; nothing when
/// silent.
class ProgressBar {
 public:
  enum class Style { bar, lines, silent };

  /// bar on a terminal, else lines; silent with --quiet and when the command's output is for machines.
  static Style style_for(bool json);

  /// `unit`: what is counted, for the rate ("updates"); empty: no rate.
  ProgressBar(Style style, std::string label, double total, std::string unit, std::FILE* out = stderr);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `done` of total, with a short text of what is going on.
  void update(double done, std::string_view text = {});

  /// Takes the bar off the screen, for a line of output; the next update draws it again.
  void hide();

  /// Ends the bar's line; update is not called after it.
  void finish(std::string_view text = {});

 private:
  using Clock = std::chrono::steady_clock;
  Style style_;
  std::string label_;
  double total_;
  std::string unit_;
  std::FILE* out_;
  Clock::time_point start_, drawn_;
  int tenth_ = 0;
  bool open_ = false;

  void draw(double done, std::string_view text);
};

}  // namespace heatbath::apps
