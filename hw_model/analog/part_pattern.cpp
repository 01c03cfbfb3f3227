#include "hw_model/analog/part_pattern.hpp"

#include <algorithm>

namespace heatbath::model {
namespace {

PartPattern field_of(PartPattern kind) {
  return static_cast<PartPattern>(static_cast<std::uint32_t>(PartPattern::field) + static_cast<std::uint32_t>(kind));
}

/// Own and common parts of a number.
float mixed(const DieLayout& die, float own, float field) {
  return static_cast<float>(std::sqrt(1.0 - static_cast<double>(die.fraction))) * own +
         static_cast<float>(std::sqrt(static_cast<double>(die.fraction))) * field;
}

/// The field with the nodes that were asked for once: neighbours share them.
class Field {
 public:
  Field(std::uint64_t key, PartPattern kind, const DieLayout& die)
      : key_(key), kind_(field_of(kind)), length_(static_cast<double>(die.length)) {}

  float at(double column, double row) {
    const double u = column / length_, v = row / length_;
    const auto left = static_cast<std::uint32_t>(u), top = static_cast<std::uint32_t>(v);
    const double a = u - left, b = v - top;
    double sum = 0, squares = 0;
    for (std::uint32_t dv = 0; dv < 2; ++dv)
      for (std::uint32_t du = 0; du < 2; ++du) {
        const double weight = (du == 1 ? a : 1 - a) * (dv == 1 ? b : 1 - b);
        sum += weight * static_cast<double>(node(left + du, top + dv));
        squares += weight * weight;
      }
    return static_cast<float>(sum / std::sqrt(squares));
  }

 private:
  float node(std::uint32_t column, std::uint32_t row) {
    if (rows_.size() <= row) rows_.resize(row + 1);
    std::vector<float>& known = rows_[row];
    if (known.size() <= column) known = part_pattern(key_, kind_, row, std::max(64u, (column / 64 + 1) * 64));
    return known[column];
  }

  std::uint64_t key_;
  PartPattern kind_;
  double length_;
  std::vector<std::vector<float>> rows_;
};

double middle(double a, double b) { return 0.5 * (a + b); }

}  // namespace

float part_field(std::uint64_t key, PartPattern kind, const DieLayout& die, double column, double row) {
  return Field(key, kind, die).at(column, row);
}

std::vector<float> part_pattern(std::uint64_t key, PartPattern kind, const DieLayout& die, std::uint32_t cells) {
  std::vector<float> numbers = part_pattern(key, kind, 0, cells);
  if (die.fraction == 0) return numbers;
  Field field(key, kind, die);
  for (std::uint32_t i = 0; i < cells; ++i) numbers[i] = mixed(die, numbers[i], field.at(die.column(i), die.row(i)));
  return numbers;
}

float coupler_pattern(std::uint64_t key, PartPattern kind, const DieLayout& die, std::uint32_t i, std::uint32_t k) {
  const float own = physics::normal(key, k, i, static_cast<std::uint32_t>(kind), physics::Purpose::converter);
  if (die.fraction == 0) return own;
  return mixed(die, own, part_field(key, kind, die, middle(die.column(i), die.column(k)), middle(die.row(i), die.row(k))));
}

void append_coupler_row(std::uint64_t key, PartPattern kind, const DieLayout& die, std::uint32_t i, std::uint32_t cells,
                        std::vector<float>& numbers) {
  const std::vector<float> row = part_pattern(key, kind, i, cells);
  if (die.fraction == 0) {
    numbers.insert(numbers.end(), row.begin() + i + 1, row.end());
    return;
  }
  Field field(key, kind, die);
  for (std::uint32_t k = i + 1; k < cells; ++k)
    numbers.push_back(
        mixed(die, row[k], field.at(middle(die.column(i), die.column(k)), middle(die.row(i), die.row(k)))));
}

}  // namespace heatbath::model
