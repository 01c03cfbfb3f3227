#include "hw_model/physics/graph.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <istream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace heatbath::physics {
namespace {

std::string pair_text(const Coupler& c) { return "(" + std::to_string(c.i) + ", " + std::to_string(c.j) + ")"; }

}  // namespace

Graph::Graph(std::uint32_t cells, std::vector<Coupler> couplers) : cells_(cells), couplers_(std::move(couplers)) {
  if (cells == 0) throw std::invalid_argument("a graph has at least one cell");
  for (auto& c : couplers_) {
    if (c.i == c.j) throw std::invalid_argument("coupler " + pair_text(c) + " joins a cell with itself");
    if (c.i >= cells || c.j >= cells)
      throw std::invalid_argument("coupler " + pair_text(c) + " names a cell beyond the last, " +
                                  std::to_string(cells - 1));
    if (c.i > c.j) std::swap(c.i, c.j);
  }
  const auto key = [](const Coupler& c) { return std::uint64_t{c.i} << 32 | c.j; };
  std::sort(couplers_.begin(), couplers_.end(), [&](const Coupler& a, const Coupler& b) { return key(a) < key(b); });
  const auto twice = std::adjacent_find(couplers_.begin(), couplers_.end());
  if (twice != couplers_.end()) throw std::invalid_argument("coupler " + pair_text(*twice) + " comes twice");

  begin_.assign(std::size_t{cells} + 1, 0);
  for (const auto& c : couplers_) ++begin_[c.i + 1], ++begin_[c.j + 1];
  for (std::uint32_t i = 0; i < cells; ++i) begin_[i + 1] += begin_[i];
  neighbour_.resize(2 * couplers_.size());
  ordinal_.resize(2 * couplers_.size());
  auto end = begin_;
  // Lower neighbours first, then higher ones, both in the order of the couplers: ascending.
  const auto add = [&](std::uint32_t cell, std::uint32_t to, std::size_t by) {
    neighbour_[end[cell]] = to;
    ordinal_[end[cell]++] = static_cast<std::uint32_t>(by);
  };
  for (std::size_t c = 0; c < couplers_.size(); ++c) add(couplers_[c].j, couplers_[c].i, c);
  for (std::size_t c = 0; c < couplers_.size(); ++c) add(couplers_[c].i, couplers_[c].j, c);

  colours_.assign(cells, 2);
  std::vector<std::uint32_t> waiting;
  for (std::uint32_t root = 0; root < cells; ++root) {
    if (colours_[root] != 2) continue;
    colours_[root] = 0;
    waiting.assign(1, root);
    while (!waiting.empty()) {
      const std::uint32_t cell = waiting.back();
      waiting.pop_back();
      for (const std::uint32_t to : neighbours(cell)) {
        if (colours_[to] == colours_[cell]) {
          odd_ = {std::min(cell, to), std::max(cell, to)};
          colours_.clear();
          return;
        }
        if (colours_[to] != 2) continue;
        colours_[to] = static_cast<std::uint8_t>(1 - colours_[cell]);
        waiting.push_back(to);
      }
    }
  }
}

std::span<const std::uint32_t> Graph::neighbours(std::uint32_t cell) const {
  return {neighbour_.data() + begin_[cell], begin_[cell + 1] - begin_[cell]};
}

std::span<const std::uint32_t> Graph::coupler_ordinals(std::uint32_t cell) const {
  return {ordinal_.data() + begin_[cell], begin_[cell + 1] - begin_[cell]};
}

std::uint32_t Graph::coupler_between(std::uint32_t a, std::uint32_t b) const {
  const auto to = neighbours(a);
  const auto found = std::lower_bound(to.begin(), to.end(), b);
  if (found == to.end() || *found != b) return static_cast<std::uint32_t>(couplers_.size());
  return coupler_ordinals(a)[static_cast<std::size_t>(found - to.begin())];
}

namespace {

constexpr std::string_view forms = "grid:WxH, torus:WxH, king:WxH, chain:N, ring:N";

std::uint32_t count_of(std::string_view text, std::string_view whole, std::uint32_t least) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > 1u << 20)
    throw std::invalid_argument("graph '" + std::string(whole) + "': '" + std::string(text) +
                                "' is no size of at least " + std::to_string(least) + "; one of " + std::string(forms));
  return value;
}

bool has_named_form(std::string_view name) {
  const std::string_view form = name.substr(0, name.find(':'));
  return name.find(':') != std::string_view::npos &&
         (form == "grid" || form == "torus" || form == "king" || form == "chain" || form == "ring");
}

}  // namespace

std::shared_ptr<const Graph> named_graph(std::string_view name) {
  if (!has_named_form(name))
    throw std::invalid_argument("graph '" + std::string(name) + "': one of " + std::string(forms));
  const std::string_view form = name.substr(0, name.find(':')), size = name.substr(name.find(':') + 1);
  std::vector<Coupler> couplers;
  if (form == "chain" || form == "ring") {
    const std::uint32_t n = count_of(size, name, form == "ring" ? 3 : 1);
    for (std::uint32_t i = 1; i < n; ++i) couplers.push_back({i - 1, i});
    if (form == "ring") couplers.push_back({0, n - 1});
    return std::make_shared<const Graph>(n, std::move(couplers));
  }
  const std::size_t cross = size.find('x');
  if (cross == std::string_view::npos)
    throw std::invalid_argument("graph '" + std::string(name) + "': a size like 4x4 belongs after " +
                                std::string(form) + ":");
  const std::uint32_t least = form == "torus" ? 3 : 1;
  const std::uint32_t w = count_of(size.substr(0, cross), name, least),
                      h = count_of(size.substr(cross + 1), name, least);
  if (std::uint64_t{w} * h > 1u << 20)
    throw std::invalid_argument("graph '" + std::string(name) + "': more than 2^20 cells");
  for (std::uint32_t y = 0; y < h; ++y)
    for (std::uint32_t x = 0; x < w; ++x) {
      const std::uint32_t here = y * w + x;
      if (form == "torus") {
        couplers.push_back({here, y * w + (x + 1) % w});
        couplers.push_back({here, (y + 1) % h * w + x});
        continue;
      }
      if (x + 1 < w) couplers.push_back({here, here + 1});
      if (y + 1 < h) couplers.push_back({here, here + w});
      if (form == "king" && y + 1 < h && x + 1 < w) couplers.push_back({here, here + w + 1});
      if (form == "king" && y + 1 < h && x > 0) couplers.push_back({here, here + w - 1});
    }
  return std::make_shared<const Graph>(w * h, std::move(couplers));
}

namespace {

struct Lines {
  std::istream& text;
  const std::string& where;
  std::size_t number = 0;
  std::string line{};

  // The next line that is neither blank nor a comment.
  bool next(char comment) {
    while (std::getline(text, line)) {
      ++number;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      const std::size_t first = line.find_first_not_of(" \t");
      if (first != std::string::npos && line[first] != comment) return true;
    }
    return false;
  }
  [[noreturn]] void fail(const std::string& why) const {
    throw std::invalid_argument(where + ", line " + std::to_string(number) + ": " + why);
  }
  // The leading unsigned integers of the line.
  std::vector<std::uint32_t> integers(std::size_t count, const char* what) const {
    std::istringstream in(line);
    std::vector<std::uint32_t> values;
    for (std::int64_t value = 0; values.size() < count && in >> value && value >= 0 && value <= 1 << 20;)
      values.push_back(static_cast<std::uint32_t>(value));
    if (values.size() < count) fail("'" + line + "' where " + what + " belong");
    return values;
  }
};

struct Entry {
  Coupler pair;  // as it stands
  std::size_t line;
};

// Entries to a graph: each pair once, or, when `both` is said, once each way.
std::shared_ptr<const Graph> graph_of(const std::string& where, std::uint32_t cells, std::vector<Entry> entries,
                                      bool both) {
  const auto fail = [&](const Entry& e, const std::string& why) {
    throw std::invalid_argument(where + ", line " + std::to_string(e.line) + ": entry " + pair_text(e.pair) +
                                ", counted from 0, " + why);
  };
  const auto key = [](const Entry& e) { return std::pair{std::min(e.pair.i, e.pair.j), std::max(e.pair.i, e.pair.j)}; };
  std::stable_sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) { return key(a) < key(b); });
  std::vector<Coupler> couplers;
  for (std::size_t n = 0; n < entries.size();) {
    std::size_t end = n + 1;
    while (end < entries.size() && key(entries[end]) == key(entries[n])) ++end;
    const Entry& e = entries[n];
    if (e.pair.i == e.pair.j) {
      if (!both) fail(e, "joins a cell with itself");
      n = end;  // a matrix may have a diagonal; it is not a coupler
      continue;
    }
    if (!both && end - n > 1) fail(entries[n + 1], "comes twice");
    if (both && end - n == 1) fail(e, "lacks its mirror image: the pattern must be symmetric");
    if (both && (end - n > 2 || entries[n].pair == entries[n + 1].pair)) fail(entries[n + 1], "comes twice");
    couplers.push_back(e.pair);
    n = end;
  }
  return std::make_shared<const Graph>(cells, std::move(couplers));
}

}  // namespace

std::shared_ptr<const Graph> read_graph(std::istream& text, const std::string& where) {
  Lines lines{text, where};
  std::vector<Entry> entries;
  if (text.peek() == '%') {
    std::getline(text, lines.line);
    ++lines.number;
    std::istringstream banner(lines.line);
    std::string mark, object, format, field, symmetry;
    banner >> mark >> object >> format >> field >> symmetry;
    if (mark != "%%MatrixMarket" || object != "matrix" || format != "coordinate")
      lines.fail("'" + lines.line + "' where '%%MatrixMarket matrix coordinate FIELD SYMMETRY' belongs");
    if (symmetry != "general" && symmetry != "symmetric")
      lines.fail("symmetry '" + symmetry + "': general or symmetric");
    if (!lines.next('%')) lines.fail("no size line 'rows columns entries'");
    const auto size = lines.integers(3, "rows, columns and entries");
    if (size[0] != size[1] || size[0] == 0)
      lines.fail("a matrix of " + std::to_string(size[0]) + " x " + std::to_string(size[1]) +
                 " is no graph: square, not empty");
    while (entries.size() < size[2] && lines.next('%')) {
      const auto entry = lines.integers(2, "a row and a column");
      if (entry[0] == 0 || entry[1] == 0 || entry[0] > size[0] || entry[1] > size[0])
        lines.fail("entry (" + std::to_string(entry[0]) + ", " + std::to_string(entry[1]) + ") is not in 1.." +
                   std::to_string(size[0]));
      entries.push_back({{entry[0] - 1, entry[1] - 1}, lines.number});
    }
    if (entries.size() < size[2])
      lines.fail("ends after " + std::to_string(entries.size()) + " of " + std::to_string(size[2]) + " entries");
    if (symmetry == "symmetric")
      std::erase_if(entries, [](const Entry& e) { return e.pair.i == e.pair.j; });  // the diagonal is not a coupler
    return graph_of(where, size[0], std::move(entries), symmetry == "general");
  }
  std::uint32_t cells = 0;
  while (lines.next('#')) {
    const auto pair = lines.integers(2, "the two cells of a coupler");
    entries.push_back({{pair[0], pair[1]}, lines.number});
    cells = std::max({cells, pair[0] + 1, pair[1] + 1});
  }
  if (cells == 0) throw std::invalid_argument(where + ": no coupler: a line 'i j' each, cells counted from 0");
  return graph_of(where, cells, std::move(entries), false);
}

std::shared_ptr<const Graph> load_graph(const std::string& name_or_file) {
  if (has_named_form(name_or_file)) return named_graph(name_or_file);
  std::ifstream file(name_or_file);
  if (!file)
    throw std::invalid_argument("graph '" + name_or_file + "': no such file, and none of " + std::string(forms));
  return read_graph(file, name_or_file);
}

}  // namespace heatbath::physics
