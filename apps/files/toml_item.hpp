#pragma once
// Values of a TOML file with their names and places, so that every error says file, line, key and what is right.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include <toml.hpp>

namespace heatbath::apps {

/// A value with its name and place. Refers to the path and the value, which outlive it. What asks for a type throws
/// Error(BAD_ARG) in one line where the value is of another or out of range.
class Item {
 public:
  Item(const std::string& path, std::string name, const toml::value& value)
      : path_(path), name_(std::move(name)), value_(value) {}

  /// "FILE:LINE".
  std::string where() const;

  [[noreturn]] void fail(const std::string& what) const;

  bool is_array() const { return value_.is_array(); }
  bool is_table() const { return value_.is_table(); }

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
  std::vector<Item> array(const char* of) const;
  std::vector<float> reals() const;
  /// One number, or one for each cell.
  std::vector<float> per_cell(std::uint32_t cells) const;

  const toml::value& value() const { return value_; }
  const std::string& path() const { return path_; }
  const std::string& name() const { return name_; }

 private:
  const std::string& path_;
  std::string name_;
  const toml::value& value_;
};

/// A table of which every key must be known.
class Table {
 public:
  Table(const Item& item, std::initializer_list<const char*> keys);

  std::optional<Item> find(const char* key) const;
  /// Throws Error(BAD_ARG) where the key is missing.
  Item at(const char* key) const;

 private:
  std::string child(const std::string& key) const;
  Item item_;
};

}  // namespace heatbath::apps
