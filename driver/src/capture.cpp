#include <algorithm>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/job.hpp"

namespace heatbath {
namespace {

void check_variable(std::uint32_t variable, std::uint32_t cells) {
  if (variable >= cells)
    throw Error(HB_BAD_ARG,
                "Capture: variable " + std::to_string(variable) + "; " +
                    (cells > 0 ? "0.." + std::to_string(cells - 1) + " were captured" : "none was captured"));
}

}  // namespace

StridedValues Capture::column(std::uint32_t variable) const {
  check_variable(variable, cells_);
  return {values_.data() + variable, shots_ * static_cast<std::size_t>(records()), cells_};
}

StridedValues Capture::column(std::uint32_t variable, std::uint64_t record) const {
  check_variable(variable, cells_);
  if (record >= records())
    throw Error(HB_BAD_ARG, "Capture: record " + std::to_string(record) + "; there are " + std::to_string(records()));
  return {values_.data() + record * cells_ + variable, shots_, static_cast<std::size_t>(records()) * cells_};
}

double Capture::mean(std::uint32_t variable) const {
  const StridedValues values = column(variable);
  if (values.size() == 0) throw Error(HB_BAD_ARG, "Capture: no records, and so no mean");
  double sum = 0;
  for (std::size_t k = 0; k < values.size(); ++k) sum += static_cast<double>(values[k]);
  return sum / static_cast<double>(values.size());
}

std::vector<double> Capture::means() const {
  if (values_.empty()) throw Error(HB_BAD_ARG, "Capture: no records, and so no mean");
  std::vector<double> means(cells_, 0.0);
  for (std::size_t row = 0; row < values_.size(); row += cells_)  // rows, so that memory is read once and in order
    for (std::uint32_t cell = 0; cell < cells_; ++cell) means[cell] += static_cast<double>(values_[row + cell]);
  for (double& mean : means) mean /= static_cast<double>(values_.size() / cells_);
  return means;
}

std::vector<std::uint8_t> Capture::labels() const {
  std::vector<std::uint8_t> labels(values_.size());
  std::ranges::transform(values_, labels.begin(), [](float x) { return static_cast<std::uint8_t>(x); });
  return labels;
}

std::vector<std::int8_t> Capture::spins() const {
  std::vector<std::int8_t> spins(values_.size());
  std::ranges::transform(values_, spins.begin(), [](float x) { return static_cast<std::int8_t>(x >= 0 ? 1 : -1); });
  return spins;
}

void Capture::reserve(std::uint32_t shots) {
  values_.reserve(std::size_t{shots} * records() * cells_);
  turns_.reserve(std::size_t{shots} * records() * turn_cells_);
}

void Capture::append(Capture&& more) {
  if (shots_ == 0) {
    *this = std::move(more);
    return;
  }
  if (more.cells_ != cells_ || more.first_ != first_ || more.turn_cells_ != turn_cells_ || more.ticks_ != ticks_)
    throw Error(HB_BAD_ARG, "Capture::append: " + std::to_string(more.records()) + " records of " +
                                std::to_string(more.cells_) + " variables from " +
                                std::to_string(more.first_) + " on; the shots before have " + std::to_string(records()) +
                                " of " + std::to_string(cells_) + " from " + std::to_string(first_) + " on, at their own times");
  values_.insert(values_.end(), more.values_.begin(), more.values_.end());
  turns_.insert(turns_.end(), more.turns_.begin(), more.turns_.end());
  shots_ += more.shots_;
}

}  // namespace heatbath
