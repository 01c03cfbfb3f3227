#include "apps/files/toml_item.hpp"

#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "heatbath/error.hpp"

namespace heatbath::apps {

std::string Item::where() const { return fmt::format("{}:{}", path_, value_.location().line()); }

void Item::fail(const std::string& what) const {
  throw Error(HB_BAD_ARG, fmt::format("{}: {}: {}", where(), name_, what));
}

double Item::number() const {
  double number = 0;
  if (value_.is_floating()) number = value_.as_floating();
  else if (value_.is_integer()) number = static_cast<double>(value_.as_integer());
  else fail("needs a number");
  if (!std::isfinite(number) || std::fabs(number) > std::numeric_limits<float>::max()) fail("needs a finite number");
  return number;
}

double Item::positive(const char* unit) const {
  const double number = this->number();
  if (!(number > 0)) fail(fmt::format("{} is not positive; needs a duration in {}", number, unit));
  return number;
}

std::uint64_t Item::whole(std::uint64_t lowest, std::uint64_t highest) const {
  const bool good = value_.is_integer() && value_.as_integer() >= 0 &&
                    static_cast<std::uint64_t>(value_.as_integer()) >= lowest &&
                    static_cast<std::uint64_t>(value_.as_integer()) <= highest;
  if (!good) fail(fmt::format("needs a whole number from {} to {}", lowest, highest));
  return static_cast<std::uint64_t>(value_.as_integer());
}

bool Item::boolean() const {
  if (!value_.is_boolean()) fail("needs true or false");
  return value_.as_boolean();
}

std::string Item::text() const {
  if (!value_.is_string()) fail("needs a text in quotes");
  return value_.as_string().str;
}

std::vector<Item> Item::array(const char* of) const {
  if (!value_.is_array()) fail(fmt::format("needs a list of {}", of));
  std::vector<Item> items;
  for (std::size_t i = 0; i < value_.as_array().size(); ++i) {
    items.emplace_back(path_, fmt::format("{}[{}]", name_, i), value_.as_array()[i]);
  }
  return items;
}

std::vector<float> Item::reals() const {
  std::vector<float> values;
  for (const Item& item : array("numbers")) values.push_back(item.real());
  return values;
}

std::vector<float> Item::per_cell(std::uint32_t cells) const {
  if (!is_array()) return {real()};
  std::vector<float> values = reals();
  if (values.size() != cells) fail(fmt::format("has {} values; needs one number or {}", values.size(), cells));
  return values;
}

Table::Table(const Item& item, std::initializer_list<const char*> keys) : item_(item) {
  if (!item.is_table()) item.fail("needs a table");
  for (const auto& [key, value] : item.value().as_table()) {
    bool known = false;
    for (const char* name : keys) known = known || key == name;
    if (!known)
      Item(item.path(), child(key), value).fail(fmt::format("unknown key; the keys are {}", fmt::join(keys, ", ")));
  }
}

std::optional<Item> Table::find(const char* key) const {
  const auto& table = item_.value().as_table();
  const auto found = table.find(key);
  if (found == table.end()) return std::nullopt;
  return Item(item_.path(), child(key), found->second);
}

Item Table::at(const char* key) const {
  auto found = find(key);
  if (!found) item_.fail(fmt::format("the key {} is missing", key));
  return *found;
}

std::string Table::child(const std::string& key) const {
  return item_.name().empty() ? key : fmt::format("{}.{}", item_.name(), key);
}

}  // namespace heatbath::apps
