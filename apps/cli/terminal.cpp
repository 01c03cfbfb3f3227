#include "apps/cli/terminal.hpp"

#include <algorithm>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {
bool errors_alone = false;

/// Whether a character of UTF-8 begins here.
bool is_first_byte(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

/// Columns that `text` takes: characters of UTF-8.
std::size_t width(std::string_view text) { return static_cast<std::size_t>(std::ranges::count_if(text, is_first_byte)); }

/// Where the text of a line begins: behind the last gap of two blanks or more in its first half, else its indentation.
std::size_t text_column(std::string_view line, std::size_t columns) {
  const std::size_t indentation = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t gap = line.find("  ", indentation);
  if (gap == std::string_view::npos) return indentation;
  const std::size_t column = std::min(line.find_first_not_of(' ', gap), line.size());
  return column <= columns / 2 ? column : indentation;
}
}  // namespace

void set_quiet(bool quiet) { errors_alone = quiet; }
bool quiet() { return errors_alone; }

bool is_screen(int descriptor) {
  const char* const kind = std::getenv("TERM");
  return (kind == nullptr || std::string_view(kind) != "dumb") && ::isatty(descriptor) != 0;
}

std::size_t columns_of(int descriptor) {
  if (::isatty(descriptor) == 0) return 0;
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* const stated = std::getenv("COLUMNS");
  const auto columns = stated == nullptr ? std::nullopt : numerics::parse_number<std::size_t>(stated);
  return columns && *columns > 0 ? *columns : 80;
}

std::string_view first_columns(std::string_view text, std::size_t columns) {
  std::size_t bytes = 0;
  for (std::size_t taken = 0; bytes < text.size(); ++bytes)
    if (is_first_byte(text[bytes]) && taken++ == columns) break;
  return text.substr(0, bytes);
}

std::string wrapped_help(std::string_view text, std::size_t columns) {
  if (columns == 0) return std::string(text);
  std::string result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    const bool ended = end < text.size();
    text.remove_prefix(ended ? end + 1 : end);
    const std::size_t indentation = text_column(line, columns);
    std::size_t used = indentation;
    result += line.substr(0, indentation);
    line.remove_prefix(indentation);
    for (bool first = true; !line.empty(); first = false) {
      std::size_t blanks = std::min(line.find_first_not_of(' '), line.size());
      if (blanks == line.size()) break;
      const std::size_t stop = std::min(line.find(' ', blanks), line.size());
      const std::string_view word = line.substr(blanks, stop - blanks);
      if (!first && used + blanks + width(word) > columns) {
        result += '\n' + std::string(indentation, ' ');
        used = indentation;
        blanks = 0;
      }
      result.append(blanks, ' ').append(word);
      used += blanks + width(word);
      line.remove_prefix(stop);
    }
    if (ended) result += '\n';
  }
  return result;
}

}  // namespace heatbath::apps
