#pragma once
// Options that several commands take, and the kinds of values they accept.

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "heatbath/numerics/text.hpp"

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

/// The words of a list between its commas, empty ones too.
std::vector<std::string> words_of_list(const std::string& text);

/// Adds option `name` for numbers with commas between, each as `each` takes it, an empty one by none; `count` of them, or
/// any number of at least one where it is 0.
template <typename Number>
CLI::Option* add_list(CLI::App* app, const char* name, std::vector<Number>& values, const CLI::Validator& each, const char* help,
                      std::size_t count = 0) {
  const auto take = [&values, each, name, count](const std::string& text) {
    values.clear();
    for (std::string word : words_of_list(text)) {
      if (const std::string wrong = each(word); !wrong.empty()) throw CLI::ValidationError(name, wrong);
      values.push_back(*numerics::parse_number<Number>(word));
    }
    if (count != 0 && values.size() != count)
      throw CLI::ValidationError(name, std::to_string(values.size()) + " values; " + std::to_string(count) + " are needed");
  };
  return app->add_option_function<std::string>(name, take, help)->option_text("LIST");
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
