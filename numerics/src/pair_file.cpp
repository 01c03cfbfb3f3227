#include "heatbath/numerics/pair_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <utility>

#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/text_file.hpp"

namespace heatbath::numerics {
namespace {

constexpr std::size_t longest_file = std::size_t{64} << 30;
constexpr std::size_t longest_pipe = std::size_t{256} << 20;  // of what is no regular file and may have no end

[[noreturn]] void wrong(const std::string& where, const std::string& what) {
  throw std::invalid_argument(where + ": " + what);
}

/// The lines of a text, with errors that name them.
class Lines {
 public:
  Lines(std::string_view text, const std::string& where) : lines_(text), where_(where) {}

  bool next() { return lines_.next(); }
  /// The next line that is neither blank nor a comment.
  bool next_entry(char comment) {
    while (next()) {
      const std::string_view rest = trimmed(line());
      if (!rest.empty() && rest.front() != comment) return true;
    }
    return false;
  }

  std::string_view line() const { return lines_.line(); }
  std::size_t number() const { return lines_.number(); }
  [[noreturn]] void fail(const std::string& why) const { wrong(where_ + ", line " + std::to_string(number()), why); }
  [[noreturn]] void fail_for(const std::string& what) const { fail(quoted(trimmed(line())) + " where " + what + " belong"); }

 private:
  TextLines lines_;
  const std::string& where_;
};

/// The words of a line; one more than `most` stands for all others.
template <std::size_t most>
struct Words {
  std::array<std::string_view, most + 1> word{};
  std::size_t count = 0;
  explicit Words(std::string_view line) {
    while (count <= most) {
      const std::string_view next = take_word(line);
      if (next.empty()) break;
      word[count++] = next;
    }
  }
};

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

enum class Form { edge_list, rudy, matrix };
enum class Symmetry { general, symmetric, skew };
enum class Field { real, integer, pattern };

struct Entry {
  std::uint32_t i, j;  // as they stand, counted from 0
  float value;
};

struct Layout {
  Form form = Form::edge_list;
  Symmetry symmetry = Symmetry::symmetric;  // each pair once
  bool values = false;
  std::uint32_t cells = 0;
  std::uint64_t announced = 0;
};

std::uint32_t index_of(const Lines& lines, std::string_view word, const char* what) {
  const auto index = parse_number<std::uint64_t>(word);
  if (!index) lines.fail_for(what);
  if (*index > most_cells)
    lines.fail("cell " + escaped(word, 80) + ": at most " + std::to_string(most_cells) + " cells can be told apart");
  return static_cast<std::uint32_t>(*index);
}

float value_of(const Lines& lines, std::string_view word, Field field) {
  const auto value = parse_number<float>(word);
  if (!value || !std::isfinite(*value)) lines.fail(quoted(word) + " is no finite number of single precision");
  if (field == Field::integer && !parse_number<std::int64_t>(word)) lines.fail(quoted(word) + " is no integer");
  return *value;
}

// Readers go through the entries of a file, from its first line on: sink(entry, its line). They check everything but
// what entries are to each other.

template <class Sink>
Layout read_matrix(Lines& lines, std::size_t size, Directions directions, Loops loops, const Sink& sink) {
  Layout layout;
  layout.form = Form::matrix;
  const Words<5> banner(lines.line());
  const auto word = [&](std::size_t n) { return n < banner.count ? lower_case(banner.word[n]) : std::string(); };
  if (banner.count != 5 || word(0) != "%%matrixmarket" || word(1) != "matrix" || word(2) != "coordinate")
    lines.fail(quoted(trimmed(lines.line())) +
               " where '%%MatrixMarket matrix coordinate FIELD SYMMETRY' belongs");
  Field field = Field::real;
  if (word(3) == "pattern") field = Field::pattern;
  else if (word(3) == "integer") field = Field::integer;
  else if (word(3) != "real" && word(3) != "double")
    lines.fail("field " + quoted(banner.word[3]) + ": real, double, integer or pattern");
  layout.values = field != Field::pattern;
  if (word(4) == "general") layout.symmetry = Symmetry::general;
  else if (word(4) == "skew-symmetric") layout.symmetry = Symmetry::skew;
  else if (word(4) != "symmetric")
    lines.fail("symmetry " + quoted(banner.word[4]) + ": general, symmetric or skew-symmetric");
  if (layout.symmetry == Symmetry::skew && (directions == Directions::alike || !layout.values))
    lines.fail("skew-symmetric couplings, J_ji = -J_ij, are numbers and not reciprocal; general or symmetric");

  if (!lines.next_entry('%')) lines.fail("no size line 'rows columns entries' follows");
  const Words<3> sizes(lines.line());
  std::array<std::uint64_t, 3> count{};
  for (std::size_t n = 0; n < 3; ++n) {
    const auto number = n < sizes.count ? parse_number<std::uint64_t>(sizes.word[n]) : std::nullopt;
    if (!number || sizes.count != 3) lines.fail_for("rows, columns and entries");
    count[n] = *number;
  }
  if (count[0] != count[1] || count[0] == 0)
    lines.fail("a matrix of " + std::to_string(count[0]) + " x " + std::to_string(count[1]) +
               " is no graph: square, not empty");
  if (count[0] > most_cells)
    lines.fail(std::to_string(count[0]) + " cells; at most " + std::to_string(most_cells) + " can be told apart");
  if (count[2] > size / 4)
    lines.fail(std::to_string(count[2]) + " entries are announced; the file has " + std::to_string(size) + " bytes");
  layout.cells = static_cast<std::uint32_t>(count[0]);
  layout.announced = count[2];
  const char* const what = layout.values ? "a row, a column and a value" : "a row and a column";
  std::uint64_t had = 0;
  while (lines.next_entry('%')) {
    if (++had > layout.announced)
      lines.fail("an entry more than the " + std::to_string(layout.announced) + " announced");
    const Words<3> entry(lines.line());
    if (entry.count != (layout.values ? 3u : 2u)) lines.fail_for(what);
    const std::uint32_t row = index_of(lines, entry.word[0], what), column = index_of(lines, entry.word[1], what);
    if (row == 0 || column == 0 || row > layout.cells || column > layout.cells)
      lines.fail("entry (" + std::to_string(row) + ", " + std::to_string(column) + ") is not in 1.." +
                 std::to_string(layout.cells));
    const float value = layout.values ? value_of(lines, entry.word[2], field) : 0.0f;
    if (row == column && loops == Loops::refused) {
      if (value != 0)
        lines.fail("entry (" + std::to_string(row) + ", " + std::to_string(row) + ") = " + text_of(value) +
                   " couples a cell to itself; leave the diagonal out and give j2 to the program");
      continue;
    }
    sink(Entry{row - 1, column - 1, value}, lines.number());
  }
  if (had < layout.announced)
    lines.fail("ends after " + std::to_string(had) + " of " + std::to_string(layout.announced) + " entries");
  return layout;
}

template <class Sink>
Layout read_edges(Lines& lines, const std::string& where, const Sink& sink) {
  Layout layout;
  struct First {
    std::uint32_t a, b;
    std::uint64_t line;
  };
  std::optional<First> first;  // a line of two numbers: a header or a pair, as the next line tells
  std::size_t columns = 0;
  std::uint64_t had = 0;  // after the first line
  std::uint32_t largest = 0, rest_lowest = most_cells, rest_largest = 0;
  const std::string_view top = trimmed(lines.line());
  bool more = (!top.empty() && top.front() != '#') || lines.next_entry('#');
  for (; more; more = lines.next_entry('#')) {
    const Words<3> entry(lines.line());
    const char* const what = layout.form == Form::rudy || columns == 3 ? "two cells and a value" : "the two cells of a coupler";
    if (entry.count < 2 || entry.count > 3) lines.fail_for(what);
    if (columns == 0) {
      columns = entry.count;
      layout.values = columns == 3;
      if (columns == 2) {
        first = {index_of(lines, entry.word[0], what), index_of(lines, entry.word[1], what), lines.number()};
        continue;
      }
    } else if (columns == 2 && entry.count == 3 && had == 0 && first->a > 0) {
      layout.form = Form::rudy;
      layout.values = true;
      layout.cells = first->a;
      layout.announced = first->b;
      columns = 3;
    } else if (entry.count != columns) {
      lines.fail_for(columns == 2 ? "the two cells of a coupler" : "two cells and a value");
    }
    std::uint32_t a = index_of(lines, entry.word[0], what), b = index_of(lines, entry.word[1], what);
    const float value = layout.values ? value_of(lines, entry.word[2], Field::real) : 0.0f;
    ++had;
    if (layout.form == Form::rudy) {
      if (had > layout.announced)
        lines.fail("an entry more than the " + std::to_string(layout.announced) + " announced by the header");
      if (a == 0 || b == 0 || a > layout.cells || b > layout.cells)
        lines.fail("entry (" + std::to_string(a) + ", " + std::to_string(b) + ") is not in 1.." +
                   std::to_string(layout.cells) + ": below a header 'cells pairs' cells are counted from 1");
      --a, --b;
    } else if (a == most_cells || b == most_cells) {
      lines.fail("cell " + std::to_string(most_cells) + ": at most " + std::to_string(most_cells) +
                 " cells can be told apart");
    } else {
      if (first && had == 1) sink(Entry{first->a, first->b, 0.0f}, first->line);
      rest_lowest = std::min({rest_lowest, a, b});
      rest_largest = std::max({rest_largest, a, b});
      largest = std::max({largest, a, b});
    }
    sink(Entry{a, b, value}, lines.number());
  }
  if (layout.form == Form::rudy) {
    if (had < layout.announced)
      lines.fail("ends after " + std::to_string(had) + " of " + std::to_string(layout.announced) + " entries");
    return layout;
  }
  if (columns == 0)
    wrong(where, "no coupler: a line 'i j' or 'i j value' each, cells counted from 0, or MatrixMarket");
  if (first) {
    if (had == 0) sink(Entry{first->a, first->b, 0.0f}, first->line);
    if (had > 0 && first->b == had && rest_lowest >= 1 && rest_largest <= first->a)
      wrong(where, "line " + std::to_string(first->line) + " may be a header 'cells pairs' with cells counted from 1, or "
                       "a pair; with a header give each pair a value ('i j 1'), without one put that line elsewhere");
    largest = std::max({largest, first->a, first->b});
    if (largest >= most_cells)
      wrong(where, "cell " + std::to_string(largest) + ": at most " + std::to_string(most_cells) +
                       " cells can be told apart");
  }
  layout.cells = largest + 1;
  return layout;
}

template <class Sink>
Layout read_entries(std::string_view text, const std::string& where, Directions directions, Loops loops,
                    const Sink& sink) {
  Lines lines(text, where);
  const bool matrix_name = lower_case(where).ends_with(".mtx");
  if (!lines.next()) {
    if (matrix_name) wrong(where, "is empty; '%%MatrixMarket matrix coordinate FIELD SYMMETRY' belongs in its first line");
    wrong(where, "is empty; a line 'i j' or 'i j value' for each coupler belongs there, or MatrixMarket");
  }
  if (lines.line().starts_with("\x1f\x8b")) lines.fail("is compressed (gzip); unpack it first");
  if (matrix_name || lines.line().starts_with('%')) return read_matrix(lines, text.size(), directions, loops, sink);
  return read_edges(lines, where, sink);
}

std::uint64_t key_of(const Entry& e) { return std::uint64_t{std::min(e.i, e.j)} << 32 | std::max(e.i, e.j); }

/// Looks the entries of a pair up again and says what is wrong with the `nth` (from 0) of them, with its line; with
/// `one_way` only those the same way round count.
[[noreturn]] void wrong_entry(std::string_view text, const std::string& where, Directions directions, const Entry& entry,
                              bool one_way, int nth, const std::string& why) {
  std::string what;
  read_entries(text, where, directions, Loops::kept, [&](const Entry& e, std::size_t line) {
    if (key_of(e) != key_of(entry) || (one_way && e.i != entry.i) || nth-- != 0) return;
    what = ", line " + std::to_string(line) + ": entry (" + std::to_string(e.i) + ", " + std::to_string(e.j) +
           "), counted from 0, " + why;
  });
  throw std::invalid_argument(where + what);
}

/// Throws for pairs that do not come as often as they should, or with other values. `entries` are sorted.
void check_pairs(std::string_view text, const std::string& where, Directions directions, const std::vector<Entry>& entries,
                 const Layout& layout, bool both_ways) {
  const bool general = layout.form == Form::matrix && layout.symmetry == Symmetry::general;
  const bool values = layout.values && directions != Directions::alike;
  for (std::size_t n = 0; n < entries.size(); ++n) {
    const Entry& e = entries[n];
    const auto refuse = [&](bool one_way, int nth, const std::string& why) {
      wrong_entry(text, where, directions, e, one_way, nth, why);
    };
    if (e.i == e.j) refuse(false, 0, "joins a cell with itself");
    const bool more = n + 1 < entries.size() && key_of(entries[n + 1]) == key_of(e);
    if (more && (!both_ways || entries[n + 1].i == e.i)) refuse(both_ways, 1, "comes twice");
    if (!general) continue;
    const bool mirrored = more || (n > 0 && key_of(entries[n - 1]) == key_of(e));
    if (!mirrored && !values) refuse(false, 0, "lacks its mirror image: the pattern must be symmetric");
    if (more && !values && e.value != entries[n + 1].value)
      refuse(false, 1, "differs from its mirror image (" + text_of(std::min(e.value, entries[n + 1].value)) + " and " +
                           text_of(std::max(e.value, entries[n + 1].value)) +
                           "): couplings must be symmetric, but for a device that is not reciprocal and, in a program, "
                           "directed = true");
  }
}

PairList pairs_of(std::string text, const std::string& where, Directions directions, Loops loops) {
  std::vector<Entry> entries;
  std::vector<Loop> own;
  entries.reserve(text.size() / 4);  // the shortest lines; what is not used is no memory
  const Layout layout = read_entries(text, where, directions, loops, [&](const Entry& e, std::size_t) {
    if (e.i != e.j || loops == Loops::refused) entries.push_back(e);
    else own.push_back({e.i, e.value});
  });
  if (!layout.values) for (Loop& loop : own) loop.value = 1;
  const auto below = [](const Entry& a, const Entry& b) {
    return key_of(a) != key_of(b) ? key_of(a) < key_of(b) : a.i < b.i;
  };
  if (!std::is_sorted(entries.begin(), entries.end(), below)) std::sort(entries.begin(), entries.end(), below);
  const bool two = directions != Directions::alike, matrix = layout.form == Form::matrix;
  const bool both_ways = matrix ? layout.symmetry == Symmetry::general
                                : directions == Directions::one_way && layout.values;
  check_pairs(text, where, directions, entries, layout, both_ways);
  text = {};

  std::size_t pairs = 0;
  for (std::size_t n = 0; n < entries.size(); ++n) pairs += n == 0 || key_of(entries[n]) != key_of(entries[n - 1]);
  if (pairs > most_pairs) wrong(where, std::to_string(pairs) + " pairs; at most " + std::to_string(most_pairs));
  PairList list;
  list.loops = std::move(own);
  list.cells = layout.cells;
  list.open = layout.form == Form::edge_list;
  list.pairs.reserve(pairs);
  if (layout.values) list.values.reserve(two ? 2 * pairs : pairs);
  for (std::size_t n = 0; n < entries.size(); ++n) {
    const Entry& e = entries[n];
    const bool first = n == 0 || key_of(entries[n - 1]) != key_of(e);
    if (first) list.pairs.push_back({std::min(e.i, e.j), std::max(e.i, e.j)});
    if (!layout.values || (!two && !first)) continue;
    if (!two) {
      list.values.push_back(e.value);
      continue;
    }
    if (first) list.values.insert(list.values.end(), 2, 0.0f);
    float* const value = list.values.data() + list.values.size() - 2;
    value[e.i < e.j ? 0 : 1] = e.value;
    if (!both_ways) value[e.i < e.j ? 1 : 0] = layout.symmetry == Symmetry::skew ? -e.value : e.value;
  }
  return list;
}

}  // namespace

PairList read_pairs(const std::string& file, Directions directions, Loops loops) {
  const std::string where = escaped(file);
  std::error_code error;
  const bool regular = std::filesystem::is_regular_file(file, error);
  if (regular && std::filesystem::file_size(file, error) == 0) return pairs_of({}, where, directions, loops);  // says so
  std::string text;
  try {
    text = read_text_file(file, regular ? longest_file : longest_pipe);
  } catch (const UnreadableFile& unreadable) {
    wrong(where, unreadable.what());
  }
  return pairs_of(std::move(text), where, directions, loops);
}

PairList parse_pairs(std::string_view text, const std::string& where, Directions directions, Loops loops) {
  return pairs_of(std::string(without_byte_order_mark(text)), where, directions, loops);
}

}  // namespace heatbath::numerics
