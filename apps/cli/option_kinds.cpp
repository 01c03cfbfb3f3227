#include "apps/cli/option_kinds.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

CLI::Validator whole(std::uint64_t lowest, std::uint64_t highest) {
  return CLI::Validator(
      [=](std::string& text) {
        const auto value = numerics::parse_number<std::uint64_t>(text);
        if (!value || *value < lowest || *value > highest)
          return fmt::format("\"{}\" is not a whole number from {} to {}", numerics::escaped(text, 80), lowest, highest);
        text = std::to_string(*value);
        return std::string();
      },
      "N");
}

CLI::Validator a_name() {
  return CLI::Validator([](std::string& text) { return text.empty() ? std::string("needs a name") : std::string(); }, "NAME");
}

CLI::Validator finite(double lowest, double highest) {
  return CLI::Validator(
      [=](std::string& text) {
        const auto value = numerics::parse_number<double>(text);
        const bool bounded = lowest > std::numeric_limits<double>::lowest();
        if (!value || !std::isfinite(*value) || *value < lowest || *value > highest)
          return fmt::format("\"{}\" is not a finite number{}", numerics::escaped(text, 80),
                             bounded ? fmt::format(" from {} to {}", lowest, highest) : "");
        text = numerics::text_of(*value);
        return std::string();
      },
      "X");
}

std::vector<std::string> words_of_list(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

std::vector<std::uint8_t> parse_digits(const std::string& text, const char* option) {
  std::vector<std::uint8_t> digits;
  const auto bad = [&] {
    throw Error(HB_BAD_ARG,
                fmt::format("{} {}: needs different digits 0 to 9 with commas between, as in 0,1,2", option, text));
  };
  for (std::size_t i = 0; i < text.size(); i += 2) {
    if (text[i] < '0' || text[i] > '9' || (i + 1 < text.size() && text[i + 1] != ',')) bad();
    const auto digit = static_cast<std::uint8_t>(text[i] - '0');
    if (std::ranges::find(digits, digit) != digits.end()) bad();
    digits.push_back(digit);
  }
  if (digits.empty() || text.back() == ',') bad();
  return digits;
}

void add_device(CLI::App* app, std::string& device) {
  app->add_option("--device", device,
                  "the device, as URI: func:profile=ideal&lanes=64&threads=2 … "
                  "(default: the environment variable HEATBATH_DEVICE, else func:)")
      ->option_text("URI");
}

void add_json(CLI::App* app, bool& json) {
  app->add_flag("--json", json, "the result as JSON on standard output, and nothing else");
}

}  // namespace heatbath::apps
