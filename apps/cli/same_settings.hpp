#pragma once
// A training that is taken up by --continue must have the settings that it began with.

#include <filesystem>
#include <string>

#include <fmt/format.h>

#include "heatbath/error.hpp"

namespace heatbath::apps {

/// Collects what differs between a training that is taken up and the one that is asked for.
class SameSettings {
 public:
  template <typename Value>
  void compare(const char* what, const Value& was, const Value& is) {
    if (was != is) changed_ += fmt::format("{}{} was {} and is {}", changed_.empty() ? "" : ", ", what, was, is);
  }
  /// Error(BAD_ARG) that names the file and every difference, where there is one.
  void require(const std::filesystem::path& taken_up) const {
    if (!changed_.empty())
      throw Error(HB_BAD_ARG, fmt::format("{}: --continue needs the same settings; {}", taken_up.string(), changed_));
  }

 private:
  std::string changed_;
};

}  // namespace heatbath::apps
