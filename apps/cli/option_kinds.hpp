#pragma once
// Options that several commands take, and the kinds of values they accept.

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace heatbath::apps {

inline constexpr std::uint64_t kMost32 = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint64_t kMost64 = std::numeric_limits<std::uint64_t>::max();

/// Accepts whole numbers from lowest to highest; the error for any other value states this range. Digits are decimal,
/// with or without leading zeros. It is a transformation because CLI11 alone reads 010 as eight.
CLI::Validator whole(std::uint64_t lowest, std::uint64_t highest);

/// The same for finite numbers.
CLI::Validator finite(double lowest = std::numeric_limits<double>::lowest(),
                      double highest = std::numeric_limits<double>::max());

/// Adds option `name` for a whole number from lowest to highest; Number is an unsigned integer or an optional of one.
template <typename Number>
CLI::Option* add_whole(CLI::App* app, const char* name, Number& value, std::uint64_t lowest, std::uint64_t highest,
                       const char* help) {
  return app->add_option(name, value, help)->transform(whole(lowest, highest))->type_name("N")->option_text("N");
}

/// Accepts any text but none: for the name of an output.
CLI::Validator a_name();

/// --device URI.
void add_device(CLI::App* app, std::string& device);

/// --json.
void add_json(CLI::App* app, bool& json);

/// Digits 0 to 9 of a list as in "0,1,2". Throws Error(HB_BAD_ARG), naming the option, for anything else or repeats.
std::vector<std::uint8_t> parse_digits(const std::string& text, const char* option = "--digits");

}  // namespace heatbath::apps
