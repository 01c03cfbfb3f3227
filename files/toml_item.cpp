#include "files/toml_item.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/nearest_word.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

using numerics::TomlKind;

namespace {

constexpr std::size_t kLongestName = 100;

}  // namespace

std::string Item::where() const { return fmt::format("{}:{}", path(), value_.line()); }

void Item::fail(const std::string& what) const {
  throw Error(HB_BAD_ARG, fmt::format("{}: {}: {}", where(), numerics::escaped(name(), kLongestName), what));
}

std::string Item::name() const {
  return index_ == kNoIndex ? *name_ : fmt::format("{}[{}]", *name_, index_);
}

Item Items::Iterator::operator*() const {
  Item item(items_->list_);
  item.name_ = items_->name_;
  item.index_ = index_;
  item.value_ = *at_;
  return item;
}

double Item::number() const {
  double number = 0;
  if (value_.is(TomlKind::floating)) number = value_.floating();
  else if (value_.is(TomlKind::integer)) number = static_cast<double>(value_.integer());
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
  const std::int64_t number = value_.is(TomlKind::integer) ? value_.integer() : -1;
  if (number < 0 || static_cast<std::uint64_t>(number) < lowest || static_cast<std::uint64_t>(number) > highest)
    fail(fmt::format("needs a whole number from {} to {}", lowest, highest));
  return static_cast<std::uint64_t>(number);
}

bool Item::boolean() const {
  if (!value_.is(TomlKind::boolean)) fail("needs true or false");
  return value_.boolean();
}

std::string Item::text() const {
  if (!value_.is(TomlKind::string)) fail("needs a text in quotes");
  return value_.string();
}

Items Item::array(const char* of) const {
  if (!is_array()) fail(fmt::format("needs a list of {}", of));
  return Items(*this);
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

Table::Table(const Item& item, const std::vector<const char*>& keys) : item_(item) {
  if (!item.is_table()) item.fail("needs a table");
  for (const auto& [key, value] : item.value().entries()) {
    if (std::ranges::find(keys, key) == keys.end())
      Item(item.path(), child(key), value).fail(fmt::format("unknown key{}; the keys are {}", numerics::did_you_mean(key, keys), fmt::join(keys, ", ")));
  }
}

std::optional<Item> Table::find(const char* key) const {
  const auto found = item_.value().find(key);
  if (!found) return std::nullopt;
  return Item(item_.path(), child(key), *found);
}

Item Table::at(const char* key) const {
  auto found = find(key);
  if (!found) item_.fail(fmt::format("the key {} is missing", key));
  return *found;
}

std::string Table::child(std::string_view key) const {
  return item_.name().empty() ? std::string(key) : fmt::format("{}.{}", item_.name(), key);
}

}  // namespace heatbath::apps
