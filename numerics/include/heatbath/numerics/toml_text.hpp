#pragma once
// Documents in TOML 1.0 (toml.io), read in one pass whose time and memory are bounded by the size of the text.
//
// A value stays text until it is asked for: what is kept beside the text is a tree of its tables. Nothing depends on
// the locale of the process.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heatbath::numerics {

/// Text that is not TOML, or beyond the bounds of TomlText. what() is one line without place, fit for a terminal.
class TomlError : public std::runtime_error {
 public:
  TomlError(std::size_t line, const std::string& what) : std::runtime_error(what), line_(line) {}
  /// Counted from 1.
  std::size_t line() const { return line_; }

 private:
  std::size_t line_;
};

enum class TomlKind { boolean, integer, floating, string, array, table, date };

class TomlText;

/// A value of a document, which outlives it. Each accessor asks for a value of its kind; of another one its result is
/// meaningless.
class TomlValue {
 public:
  TomlKind kind() const;
  bool is(TomlKind kind) const { return this->kind() == kind; }
  /// Where the value stands (a table with a header: its header), counted from 1.
  std::size_t line() const;

  bool boolean() const;
  std::int64_t integer() const;
  double floating() const;
  std::string string() const;

  /// The elements of an array, in order, found one after the other.
  class Elements;
  Elements elements() const;
  /// Elements of an array; time goes with its text.
  std::size_t size() const;

  /// The value of a key of a table.
  std::optional<TomlValue> find(std::string_view key) const;
  /// All keys of a table, sorted.
  std::vector<std::pair<std::string_view, TomlValue>> entries() const;

 private:
  friend class TomlText;
  TomlValue(const TomlText& text, std::uint32_t at) : text_(&text), at_(at) {}

  const TomlText* text_;
  std::uint32_t at_;  // offset of the text, or a node with the highest bit set
};

/// A document. Depth of values at most 64, keys and tables at most 2^19, size at most 256 MiB: beyond that, and where
/// the text is no TOML, the constructor throws TomlError. A byte-order mark in front is skipped.
class TomlText {
 public:
  explicit TomlText(std::string text);
  TomlText(const TomlText&) = delete;
  TomlText& operator=(const TomlText&) = delete;

  TomlValue root() const;

 private:
  friend class TomlValue;
  friend class TomlValue::Elements;
  friend struct TomlScanner;

  static constexpr std::uint32_t none = ~std::uint32_t{0}, node_bit = std::uint32_t{1} << 31;
  enum class Form : std::uint8_t {
    implied,  ///< a table in front of the last part of a header
    header,   ///< a table with a header of its own
    dotted,   ///< a table in front of the last part of a key
    closed,   ///< a table in braces
    list,     ///< tables with headers in double brackets
  };
  struct Node {
    std::uint32_t at;
    Form form;
    std::uint32_t first = none, last = none, next = none;  // of a list: its tables; of its tables: the next one
  };
  struct Key {
    std::uint32_t table;
    std::string_view name;
    bool operator<(const Key& other) const {
      return table != other.table ? table < other.table : name < other.name;
    }
  };
  struct Span {  // of an array or a table in braces
    std::uint32_t at, end, node;
  };

  std::size_t line_of(std::uint32_t at) const;
  const Span* span(std::uint32_t at) const;
  std::uint32_t table_node(std::uint32_t at) const;

  std::string text_;
  std::map<Key, std::uint32_t> entries_;
  std::deque<std::string> written_names_;  // keys with escapes, as they read
  std::vector<Node> nodes_;
  std::vector<Span> spans_;                  // by offset
  std::vector<std::uint32_t> lines_before_;  // each block of the text
};

class TomlValue::Elements {
 public:
  class Iterator {
   public:
    using value_type = TomlValue;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = const TomlValue*;
    using reference = TomlValue;

    TomlValue operator*() const { return TomlValue(*text_, at_); }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    friend class Elements;
    Iterator(const TomlText& text, std::uint32_t at) : text_(&text), at_(at) {}
    const TomlText* text_;
    std::uint32_t at_;
  };

  Iterator begin() const;
  Iterator end() const { return Iterator(*text_, TomlText::none); }

 private:
  friend class TomlValue;
  Elements(const TomlText& text, std::uint32_t at) : text_(&text), at_(at) {}
  const TomlText* text_;
  std::uint32_t at_;
};

inline TomlValue::Elements TomlValue::elements() const { return Elements(*text_, at_); }

}  // namespace heatbath::numerics
