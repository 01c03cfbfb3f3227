#include "heatbath/numerics/toml_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <variant>

#include "heatbath/numerics/text.hpp"

namespace heatbath::numerics {
namespace {

constexpr std::size_t longest_text = std::size_t{256} << 20;
constexpr std::size_t most_entries = std::size_t{1} << 19;
constexpr int deepest = 64;
constexpr std::size_t line_block = 4096;
constexpr std::uint32_t short_array = 64;  // bytes that are read again rather than remembered

bool is_bare(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || c == '-'; }
bool is_literal(char c) { return is_bare(c) || c == '+' || c == '.' || c == ':'; }

/// `text` without the underscores that TOML allows between digits; nothing where one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text, bool (*digit)(char)) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') plain += text[i];
    else if (i == 0 || i + 1 == text.size() || !digit(text[i - 1]) || !digit(text[i + 1])) return std::nullopt;
  }
  return plain;
}

bool is_hexadecimal_digit(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }

template <typename T, typename... Base>
std::optional<T> whole_number(std::string_view text, Base... base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base...);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Date {};
struct TooLarge {};
struct NoLiteral {};
using Literal = std::variant<NoLiteral, TooLarge, Date, bool, std::int64_t, double>;

/// Digits without a zero in front.
bool is_plain_whole(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit) && (text.size() == 1 || text.front() != '0');
}

Literal number(std::string_view written) {
  std::string_view digits = written;
  const bool has_sign = digits.starts_with('+') || digits.starts_with('-');
  if (has_sign) digits.remove_prefix(1);
  const double sign = written.starts_with('-') ? -1 : 1;
  if (digits == "inf") return sign * std::numeric_limits<double>::infinity();
  if (digits == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'o' || digits[1] == 'b')) {
    const auto plain = without_underscores(digits.substr(2), is_hexadecimal_digit);
    if (has_sign || !plain || !is_hexadecimal_digit(plain->front())) return NoLiteral{};
    const int base = digits[1] == 'x' ? 16 : digits[1] == 'o' ? 8 : 2;
    const bool all = std::ranges::all_of(*plain, [&](char c) { return base == 16 || c - '0' < base; });
    if (!all) return NoLiteral{};
    if (const auto value = whole_number<std::int64_t>(*plain, base)) return *value;
    return TooLarge{};
  }
  const auto plain = without_underscores(digits, is_digit);
  if (!plain) return NoLiteral{};
  const std::string_view all = *plain;
  const std::size_t dot = all.find('.'), exponent = all.find_first_of("eE");
  if (!is_plain_whole(all.substr(0, std::min(dot, exponent)))) return NoLiteral{};
  if (dot == std::string_view::npos && exponent == std::string_view::npos) {
    if (const auto value = whole_number<std::int64_t>(written.starts_with('-') ? '-' + *plain : *plain)) return *value;
    return TooLarge{};
  }
  if (dot != std::string_view::npos) {
    const std::string_view fraction = all.substr(dot + 1, std::min(exponent, all.size()) - (dot + 1));
    if (dot > exponent || fraction.empty() || !std::ranges::all_of(fraction, is_digit)) return NoLiteral{};
  }
  if (exponent != std::string_view::npos) {
    std::string_view power = all.substr(exponent + 1);
    if (power.starts_with('+') || power.starts_with('-')) power.remove_prefix(1);
    if (power.empty() || !std::ranges::all_of(power, is_digit)) return NoLiteral{};
  }
  if (const auto value = parse_number<double>(all)) return sign * *value;
  return TooLarge{};
}

/// What a word without quotes stands for. Dates and times are recognised, not judged: nothing here is one.
Literal literal(std::string_view word) {
  if (word == "true") return true;
  if (word == "false") return false;
  const auto digits_then = [&](std::size_t count, char mark) {
    return word.size() > count + 1 && word[count] == mark && std::ranges::all_of(word.substr(0, count), is_digit);
  };
  if (digits_then(4, '-') || digits_then(2, ':')) return Date{};
  return number(word);
}

}  // namespace

/// Reads the text from a place on. With `sink` the document is being read: tables are put down. Without it what was
/// read is passed over.
struct TomlScanner {
  using Form = TomlText::Form;

  const TomlText& document;
  TomlText* sink;
  std::uint32_t at;
  std::string_view text = document.text_;

  char here() const { return document.text_[at]; }  // 0 at the end: no character of the text is
  bool ended() const { return at == text.size(); }

  [[noreturn]] void fail(const std::string& what) const { throw TomlError(document.line_of(at), what); }

  /// What stands here, for a message.
  std::string found() const {
    if (ended()) return "the end of the file";
    if (here() == '\n' || here() == '\r') return "the end of the line";
    return quoted(text.substr(at, std::min<std::size_t>(text.find_first_of("\r\n", at), text.size()) - at));
  }

  void skip_blanks() {
    while (here() == ' ' || here() == '\t') ++at;
  }
  void skip_comment() {
    if (here() == '#') at = static_cast<std::uint32_t>(std::min<std::size_t>(text.find('\n', at), text.size()));
  }
  /// Blanks, comments and ends of lines.
  void skip_lines() {
    for (;;) {
      skip_blanks();
      skip_comment();
      if (here() != '\n' && here() != '\r') return;
      ++at;
    }
  }

  // -- strings --

  static void put_utf8(std::string& out, std::uint32_t code) {
    const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
    if (code < 0x80) return byte(code);
    if (code < 0x800) {
      byte(0xc0 | code >> 6);
    } else {
      if (code < 0x10000) {
        byte(0xe0 | code >> 12);
      } else {
        byte(0xf0 | code >> 18);
        byte(0x80 | (code >> 12 & 0x3f));
      }
      byte(0x80 | (code >> 6 & 0x3f));
    }
    byte(0x80 | (code & 0x3f));
  }

  void escape(std::string* out, bool many_lines) {
    const std::uint32_t begin = at++;
    const auto wrong = [&] {
      at = begin;
      fail("escape " + quoted(text.substr(begin, 2)) +
           R"( is unknown; \b \t \n \f \r \" \\ \uXXXX \UXXXXXXXX are known)");
    };
    constexpr std::string_view marks = "btnfr\"\\", meanings = "\b\t\n\f\r\"\\";
    const char mark = here();
    if (const std::size_t which = marks.find(mark); mark != 0 && which != std::string_view::npos) {
      ++at;
      if (out != nullptr) *out += meanings[which];
      return;
    }
    if (mark == 'u' || mark == 'U') {
      const std::size_t digits = mark == 'u' ? 4 : 8;
      const std::string_view written = text.substr(at + 1, digits);
      const auto code = whole_number<std::uint32_t>(written, 16);
      if (written.size() < digits || !code || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000)) wrong();
      at += static_cast<std::uint32_t>(1 + digits);
      if (out != nullptr) put_utf8(*out, *code);
      return;
    }
    if (!many_lines) wrong();
    skip_blanks();  // a backslash at the end of a line: all blanks up to the next word are left out
    if (here() != '\n' && here() != '\r') wrong();
    while (is_blank(here())) ++at;
  }

  /// A string in the quotes that stand here; its characters go to `out` if there is one. True when it reads as it is
  /// written between its quotes, which is `plain` then.
  bool read_string(std::string* out, std::string_view& plain, bool many_lines_allowed) {
    const char quote = here();
    const std::uint32_t begin = at;
    const bool many_lines = text.substr(at).starts_with(quote == '"' ? R"(""")" : "'''");
    if (many_lines && !many_lines_allowed) fail("a key has one quote at each side");
    at += many_lines ? 3 : 1;
    if (many_lines && here() == '\r') ++at;
    if (many_lines && here() == '\n') ++at;
    const std::uint32_t first = at;
    bool as_written = true;
    const auto unclosed = [&] {
      at = begin;
      fail("a text begins that does not end: " + found());
    };
    for (;;) {
      if (ended()) unclosed();
      const char c = here();
      if (c == quote && !many_lines) {
        plain = text.substr(first, at - first);
        ++at;
        return as_written;
      }
      if (c == quote) {
        std::uint32_t quotes = 1;  // up to two may stand in front of the three that close
        while (quotes < 5 && at + quotes < text.size() && text[at + quotes] == quote) ++quotes;
        const bool closes = quotes >= 3;
        const std::uint32_t inside = closes ? quotes - 3 : quotes;
        if (out != nullptr) out->append(inside, quote);
        at += inside;
        if (!closes) continue;
        plain = text.substr(first, at - first);
        at += 3;
        return as_written;
      }
      if (c == '\\' && quote == '"') {
        as_written = false;
        escape(out, many_lines);
        continue;
      }
      if (!many_lines && (c == '\n' || c == '\r')) unclosed();
      if (out != nullptr) *out += c;
      ++at;
    }
  }

  // -- values --

  std::string_view word() {
    const std::uint32_t begin = at;
    while (is_literal(here())) ++at;
    // A date and its time may have a blank between them.
    if (at - begin == 10 && text[begin + 4] == '-' && here() == ' ' && at + 1 < text.size() && is_digit(text[at + 1])) {
      ++at;
      while (is_literal(here())) ++at;
    }
    return text.substr(begin, at - begin);
  }

  /// Passes over the value that stands here.
  void value(int depth) {
    const std::uint32_t begin = at;
    std::string_view plain;
    switch (here()) {
      case '"':
      case '\'': read_string(nullptr, plain, true); return;
      case '[':
      case '{': break;
      default: {
        if (!is_literal(here())) fail("found " + found() + " where a value belongs");
        const std::string_view written = word();
        const Literal read = literal(written);
        const auto refuse = [&](const char* why) {
          at = begin;
          fail(quoted(written) + why);
        };
        if (std::holds_alternative<NoLiteral>(read)) refuse(" is no value: a number, true, false, or a text in quotes");
        if (std::holds_alternative<TooLarge>(read)) refuse(" is a number that 64 bits do not hold");
        return;
      }
    }
    if (sink == nullptr) {
      if (const TomlText::Span* known = document.span(begin)) {
        at = known->end;
        return;
      }
    }
    if (depth == deepest) fail("values are nested deeper than " + std::to_string(deepest));
    if (here() == '[') array(depth);
    else table_in_braces(depth);
  }

  void array(int depth) {
    const std::uint32_t begin = at++;
    for (skip_lines(); here() != ']'; skip_lines()) {
      if (ended()) {
        at = begin;
        fail("a list begins that does not end: " + found());
      }
      value(depth + 1);
      skip_lines();
      if (here() == ',') ++at;
      else if (here() != ']') fail("found " + found() + " where ',' or ']' belongs");
    }
    ++at;
    if (sink != nullptr && at - begin >= short_array) sink->spans_.push_back({begin, at, TomlText::none});
  }

  void table_in_braces(int depth) {
    const std::uint32_t begin = at++, node = new_node(begin, Form::closed);
    skip_blanks();
    while (here() != '}') {
      key_and_value(node, depth + 1);
      skip_blanks();
      if (here() == '}') break;
      if (here() != ',') fail("found " + found() + " where ',' or '}' belongs");
      ++at;
      skip_blanks();
      if (here() == '}') fail("a comma stands before the '}' of a table");
    }
    ++at;
    sink->spans_.push_back({begin, at, node});
  }

  // -- keys and tables --

  std::uint32_t new_node(std::uint32_t place, Form form) {
    check_count();
    sink->nodes_.push_back({place, form});
    return static_cast<std::uint32_t>(sink->nodes_.size() - 1);
  }

  void check_count() const {
    if (document.nodes_.size() + document.entries_.size() >= most_entries)
      fail("more than " + std::to_string(most_entries) + " keys and tables");
  }

  std::string_view key_part() {
    std::string_view plain;
    if (here() == '"' || here() == '\'') {
      std::string read;
      if (read_string(&read, plain, false)) return plain;
      return sink->written_names_.emplace_back(std::move(read));
    }
    const std::uint32_t begin = at;
    while (is_bare(here())) ++at;
    if (at == begin) fail("found " + found() + " where a key belongs");
    return text.substr(begin, at - begin);
  }

  std::vector<std::string_view> key_parts() {
    std::vector<std::string_view> parts;
    for (;;) {
      skip_blanks();
      parts.push_back(key_part());
      skip_blanks();
      if (here() != '.') return parts;
      ++at;
    }
  }

  const std::uint32_t* find(std::uint32_t table, std::string_view name) const {
    const auto found = document.entries_.find({table, name});
    return found == document.entries_.end() ? nullptr : &found->second;
  }

  std::uint32_t put_table(std::uint32_t table, std::string_view name, Form form) {
    const std::uint32_t node = new_node(at, form);
    sink->entries_.insert({{table, name}, node | TomlText::node_bit});
    return node;
  }

  [[noreturn]] void given_twice(std::string_view name) const { fail("key " + quoted(name) + " is given twice"); }

  void key_and_value(std::uint32_t table, int depth) {
    const std::uint32_t begin = at;
    const auto twice = [&](std::string_view name) {
      at = begin;
      given_twice(name);
    };
    const std::vector<std::string_view> parts = key_parts();
    if (here() != '=') fail("found " + found() + " where '=' belongs, behind a key");
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const std::uint32_t* there = find(table, parts[i]);
      if (there == nullptr) {
        table = put_table(table, parts[i], Form::dotted);
        continue;
      }
      const bool open = *there >= TomlText::node_bit &&
                        document.nodes_[*there & ~TomlText::node_bit].form == Form::dotted;
      if (!open) twice(parts[i]);
      table = *there & ~TomlText::node_bit;
    }
    if (find(table, parts.back()) != nullptr) twice(parts.back());
    ++at;
    skip_blanks();
    const std::uint32_t place = at;
    check_count();
    sink->entries_.insert({{table, parts.back()}, place});
    value(depth);
  }

  /// The table that a header is about.
  std::uint32_t header() {
    const std::uint32_t begin = at++;
    const bool one_of_list = here() == '[';
    if (one_of_list) ++at;
    const std::vector<std::string_view> parts = key_parts();
    const bool closed = text.substr(at).starts_with(one_of_list ? "]]" : "]");
    if (!closed) fail("found " + found() + " where '" + (one_of_list ? "]]" : "]") + "' belongs");
    const std::uint32_t behind = at + (one_of_list ? 2 : 1);
    at = begin;
    std::uint32_t table = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const std::uint32_t* there = find(table, parts[i]);
      if (there == nullptr) {
        table = put_table(table, parts[i], Form::implied);
        continue;
      }
      if (*there < TomlText::node_bit) fail("key " + quoted(parts[i]) + " has a value and cannot be a table, too");
      table = *there & ~TomlText::node_bit;
      if (document.nodes_[table].form == Form::list) table = document.nodes_[table].last;
    }
    const std::uint32_t* there = find(table, parts.back());
    if (one_of_list) {
      if (there == nullptr) table = put_table(table, parts.back(), Form::list);
      else if (*there < TomlText::node_bit || document.nodes_[*there & ~TomlText::node_bit].form != Form::list)
        given_twice(parts.back());
      else table = *there & ~TomlText::node_bit;
      const std::uint32_t entry = new_node(begin, Form::header);
      TomlText::Node& list = sink->nodes_[table];
      if (list.first == TomlText::none) list.first = entry;
      else sink->nodes_[list.last].next = entry;
      list.last = entry;
      table = entry;
    } else if (there == nullptr) {
      table = put_table(table, parts.back(), Form::header);
    } else {
      if (*there < TomlText::node_bit) given_twice(parts.back());
      table = *there & ~TomlText::node_bit;
      TomlText::Node& known = sink->nodes_[table];
      if (known.form != Form::implied) given_twice(parts.back());
      known.form = Form::header;
      known.at = begin;
    }
    at = behind;
    return table;
  }

  void read_document() {
    std::uint32_t table = new_node(0, Form::header);
    for (skip_lines(); !ended(); skip_lines()) {
      if (here() == '[') table = header();
      else key_and_value(table, 0);
      skip_blanks();
      skip_comment();
      if (!ended() && here() != '\n' && here() != '\r') fail("found " + found() + " where the line should end");
    }
  }
};

TomlText::TomlText(std::string text) : text_(std::move(text)) {
  if (text_.size() > longest_text)
    throw TomlError(1, "more than " + std::to_string(longest_text >> 20) + " MiB of text");
  const bool marked = without_byte_order_mark(text_).size() != text_.size();
  std::uint32_t lines = 0;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (i % line_block == 0) lines_before_.push_back(lines);
    lines += text_[i] == '\n';
  }
  for (std::size_t i = 0; i < text_.size();) {
    const auto c = text_detail::first_character(std::string_view(text_).substr(i, 4));
    const bool control = c.code < 0x20 || c.code == 0x7f;
    const bool ends_line = c.code == '\n' || (c.code == '\r' && text_[i + 1] == '\n');
    if (c.bytes == 0 || (control && c.code != '\t' && !ends_line))
      throw TomlError(line_of(static_cast<std::uint32_t>(i)),
                      quoted(std::string_view(text_).substr(i, 1)) +
                          (c.bytes == 0 ? " is no UTF-8" : " is a control character"));
    i += c.bytes;
  }
  TomlScanner{*this, this, marked ? 3u : 0u}.read_document();
  std::ranges::sort(spans_, {}, &Span::at);
}

std::size_t TomlText::line_of(std::uint32_t at) const {
  if (text_.empty()) return 1;
  const std::size_t block = std::min<std::size_t>(at, text_.size() - 1) / line_block;
  const std::string_view before = std::string_view(text_).substr(block * line_block, at - block * line_block);
  return 1 + lines_before_[block] + static_cast<std::size_t>(std::ranges::count(before, '\n'));
}

const TomlText::Span* TomlText::span(std::uint32_t at) const {
  const auto found = std::ranges::lower_bound(spans_, at, {}, &Span::at);
  return found == spans_.end() || found->at != at ? nullptr : &*found;
}

std::uint32_t TomlText::table_node(std::uint32_t at) const {
  if (at >= node_bit) return at & ~node_bit;
  const Span* known = span(at);
  return known == nullptr ? none : known->node;
}

TomlValue TomlText::root() const { return TomlValue(*this, node_bit); }

// -- values -----------------------------------------------------------------------------------------------------------

namespace {

Literal literal_at(const TomlText& document, std::uint32_t at) {
  return literal(TomlScanner{document, nullptr, at}.word());
}

}  // namespace

TomlKind TomlValue::kind() const {
  if (at_ >= TomlText::node_bit)
    return text_->nodes_[at_ & ~TomlText::node_bit].form == TomlText::Form::list ? TomlKind::array : TomlKind::table;
  switch (text_->text_[at_]) {
    case '"':
    case '\'': return TomlKind::string;
    case '[': return TomlKind::array;
    case '{': return TomlKind::table;
    case 't':
    case 'f': return TomlKind::boolean;
    default: break;
  }
  const Literal read = literal_at(*text_, at_);
  if (std::holds_alternative<std::int64_t>(read)) return TomlKind::integer;
  return std::holds_alternative<double>(read) ? TomlKind::floating : TomlKind::date;
}

std::size_t TomlValue::line() const {
  return text_->line_of(at_ >= TomlText::node_bit ? text_->nodes_[at_ & ~TomlText::node_bit].at : at_);
}

bool TomlValue::boolean() const { return text_->text_[at_] == 't'; }

std::int64_t TomlValue::integer() const {
  const Literal read = literal_at(*text_, at_);
  const auto* value = std::get_if<std::int64_t>(&read);
  return value == nullptr ? 0 : *value;
}

double TomlValue::floating() const {
  const Literal read = literal_at(*text_, at_);
  const auto* value = std::get_if<double>(&read);
  return value == nullptr ? 0 : *value;
}

std::string TomlValue::string() const {
  std::string read;
  std::string_view plain;
  TomlScanner{*text_, nullptr, at_}.read_string(&read, plain, true);
  return read;
}

TomlValue::Elements::Iterator TomlValue::Elements::begin() const {
  if (at_ >= TomlText::node_bit) {
    const std::uint32_t first = text_->nodes_[at_ & ~TomlText::node_bit].first;
    return Iterator(*text_, first == TomlText::none ? first : first | TomlText::node_bit);
  }
  TomlScanner scanner{*text_, nullptr, at_ + 1};
  scanner.skip_lines();
  return Iterator(*text_, scanner.here() == ']' ? TomlText::none : scanner.at);
}

TomlValue::Elements::Iterator& TomlValue::Elements::Iterator::operator++() {
  if (at_ >= TomlText::node_bit) {
    const std::uint32_t next = text_->nodes_[at_ & ~TomlText::node_bit].next;
    at_ = next == TomlText::none ? next : next | TomlText::node_bit;
    return *this;
  }
  TomlScanner scanner{*text_, nullptr, at_};
  scanner.value(0);
  scanner.skip_lines();
  if (scanner.here() == ',') ++scanner.at;
  scanner.skip_lines();
  at_ = scanner.here() == ']' ? TomlText::none : scanner.at;
  return *this;
}

std::size_t TomlValue::size() const {
  const Elements all = elements();
  return static_cast<std::size_t>(std::distance(all.begin(), all.end()));
}

std::optional<TomlValue> TomlValue::find(std::string_view key) const {
  const auto found = text_->entries_.find({text_->table_node(at_), key});
  if (found == text_->entries_.end()) return std::nullopt;
  return TomlValue(*text_, found->second);
}

std::vector<std::pair<std::string_view, TomlValue>> TomlValue::entries() const {
  std::vector<std::pair<std::string_view, TomlValue>> all;
  const std::uint32_t table = text_->table_node(at_);
  for (auto entry = text_->entries_.lower_bound({table, {}});
       entry != text_->entries_.end() && entry->first.table == table; ++entry)
    all.emplace_back(entry->first.name, TomlValue(*text_, entry->second));
  return all;
}

}  // namespace heatbath::numerics
