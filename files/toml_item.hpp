#pragma once
// Values of a TOML file with their names and places, so that every error says file, line, key and what is right.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heatbath/numerics/toml_text.hpp"

namespace heatbath::apps {

class Items;

/// A value with its name and place. Refers to the path and the document, which outlive it. What asks for a type throws
/// Error(BAD_ARG) in one line where the value is of another or out of range.
class Item {
 public:
  Item(const std::string& path, std::string name, numerics::TomlValue value)
      : path_(&path), name_(std::make_shared<const std::string>(std::move(name))), value_(value) {}

  /// "FILE:LINE".
  std::string where() const;

  [[noreturn]] void fail(const std::string& what) const;

  bool is_array() const { return value_.is(numerics::TomlKind::array); }
  bool is_table() const { return value_.is(numerics::TomlKind::table); }

  /// Finite as a float.
  double number() const;
  float real() const { return static_cast<float>(number()); }
  /// A duration above 0; the unit is for the error.
  double positive(const char* unit) const;
  std::uint64_t whole(std::uint64_t lowest, std::uint64_t highest) const;
  std::uint32_t count(std::uint64_t lowest, std::uint64_t highest) const {
    return static_cast<std::uint32_t>(whole(lowest, highest));
  }
  bool boolean() const;
  std::string text() const;
  Items array(const char* of) const;
  std::vector<float> reals() const;
  /// One number, or one for each cell.
  std::vector<float> per_cell(std::uint32_t cells) const;

  numerics::TomlValue value() const { return value_; }
  const std::string& path() const { return *path_; }
  /// As in network.couplings[3][0].
  std::string name() const;

 private:
  friend class Items;
  static constexpr std::size_t kNoIndex = ~std::size_t{0};

  const std::string* path_;
  std::shared_ptr<const std::string> name_;  // of the list, where index_ says which of it
  std::size_t index_ = kNoIndex;
  numerics::TomlValue value_;
};

/// The items of a list, made one by one as they are asked for: a list takes no memory beside its text.
class Items {
 public:
  class Iterator {
   public:
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = const Item*;
    using reference = Item;

    Item operator*() const;
    Iterator& operator++() {
      ++at_, ++index_;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    friend class Items;
    Iterator(const Items& items, numerics::TomlValue::Elements::Iterator at) : items_(&items), at_(at) {}
    const Items* items_;
    numerics::TomlValue::Elements::Iterator at_;
    std::size_t index_ = 0;
  };

  explicit Items(const Item& list) : list_(list), name_(std::make_shared<const std::string>(list.name())) {}

  Iterator begin() const { return Iterator(*this, list_.value().elements().begin()); }
  Iterator end() const { return Iterator(*this, list_.value().elements().end()); }
  /// Counts them.
  std::size_t size() const { return list_.value().size(); }
  /// Goes through those before it.
  Item operator[](std::size_t index) const { return *std::next(begin(), static_cast<std::ptrdiff_t>(index)); }
  operator std::vector<Item>() const { return {begin(), end()}; }

 private:
  Item list_;
  std::shared_ptr<const std::string> name_;
};

/// A table of which every key must be known.
class Table {
 public:
  Table(const Item& item, const std::vector<const char*>& keys);

  std::optional<Item> find(const char* key) const;
  /// Throws Error(BAD_ARG) where the key is missing.
  Item at(const char* key) const;

 private:
  std::string child(std::string_view key) const;
  Item item_;
};

}  // namespace heatbath::apps
