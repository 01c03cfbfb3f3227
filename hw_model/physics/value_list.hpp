#pragma once
// Values of cells or couplers, which large arrays mostly have in common.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::physics {

/// A list of floats. One whose values are all the same takes no memory for them; copies share theirs until one of them
/// is changed. Reads as a vector does; begin() of one that is not const makes it a list of its own.
class ValueList {
 public:
  using value_type = float;

  class const_iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = float;
    using difference_type = std::ptrdiff_t;
    using pointer = const float*;
    using reference = float;

    const_iterator() = default;
    const_iterator(const ValueList* of, std::size_t at) : of_(of), at_(at) {}
    float operator*() const { return (*of_)[at_]; }
    float operator[](difference_type n) const { return *(*this + n); }
    const_iterator& operator+=(difference_type n) {
      at_ += static_cast<std::size_t>(n);
      return *this;
    }
    const_iterator& operator-=(difference_type n) { return *this += -n; }
    const_iterator& operator++() { return *this += 1; }
    const_iterator& operator--() { return *this -= 1; }
    const_iterator operator++(int) { return std::exchange(*this, *this + 1); }
    const_iterator operator--(int) { return std::exchange(*this, *this - 1); }
    friend const_iterator operator+(const_iterator a, difference_type n) { return a += n; }
    friend const_iterator operator+(difference_type n, const_iterator a) { return a += n; }
    friend const_iterator operator-(const_iterator a, difference_type n) { return a -= n; }
    friend difference_type operator-(const const_iterator& a, const const_iterator& b) {
      return static_cast<difference_type>(a.at_) - static_cast<difference_type>(b.at_);
    }
    friend bool operator==(const const_iterator& a, const const_iterator& b) { return a.at_ == b.at_; }
    friend auto operator<=>(const const_iterator& a, const const_iterator& b) { return a.at_ <=> b.at_; }

   private:
    const ValueList* of_ = nullptr;
    std::size_t at_ = 0;
  };

  ValueList() = default;
  ValueList(std::size_t size, float value) : size_(size), value_(value) {}
  ValueList(std::vector<float> values) { *this = std::move(values); }
  ValueList(std::initializer_list<float> values) : ValueList(std::vector<float>(values)) {}
  ValueList& operator=(std::vector<float> values) {
    size_ = values.size();
    value_ = values.empty() ? 0.0f : values.front();
    // Of one value when each has the bits of the one before it.
    const bool one = size_ < 2 || std::memcmp(values.data(), values.data() + 1, (size_ - 1) * sizeof(float)) == 0;
    list_ = one ? nullptr : std::make_shared<std::vector<float>>(std::move(values));
    return *this;
  }

  ValueList& operator=(std::initializer_list<float> values) { return *this = std::vector<float>(values); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// Whether all have one value, and no memory; then it is front().
  bool one_value() const { return !list_; }
  float operator[](std::size_t i) const { return list_ ? (*list_)[i] : value_; }
  float front() const { return (*this)[0]; }
  float back() const { return (*this)[size_ - 1]; }
  const_iterator begin() const { return {this, 0}; }
  const_iterator end() const { return {this, size_}; }

  float& operator[](std::size_t i) { return own()[i]; }
  float* begin() { return own().data(); }
  float* end() { return own().data() + size_; }
  float* data() { return own().data(); }
  void clear() { *this = ValueList(); }
  void assign(std::size_t size, float value) { *this = ValueList(size, value); }
  template <std::input_iterator Iterator>
  void assign(Iterator first, Iterator last) {
    *this = std::vector<float>(first, last);
  }
  void resize(std::size_t size) {
    own().resize(size, 0.0f);
    size_ = size;
  }
  void push_back(float value) {
    own().push_back(value);
    ++size_;
  }

  /// As a list of values: length and floats, however they are kept.
  void exchange(numerics::Archive& archive);

  friend bool operator==(const ValueList& a, const ValueList& b) {
    if (a.size_ != b.size_) return false;
    if (a.list_ == b.list_) return a.list_ || a.value_ == b.value_ || a.size_ == 0;
    return std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  std::vector<float>& own() {
    if (!list_) {
      list_ = std::make_shared<std::vector<float>>(size_, value_);
    } else if (list_.use_count() != 1) {
      list_ = std::make_shared<std::vector<float>>(*list_);
    }
    return *list_;
  }

  std::size_t size_ = 0;
  float value_ = 0;
  std::shared_ptr<std::vector<float>> list_;  // null: all are value_
};

/// A list so many times in a row.
inline ValueList repeated(const ValueList& values, std::size_t times) {
  if (values.one_value()) return ValueList(values.size() * times, values.empty() ? 0.0f : values.front());
  std::vector<float> all;
  all.reserve(values.size() * times);
  for (std::size_t n = 0; n < times; ++n) all.insert(all.end(), values.begin(), values.end());
  return all;
}

}  // namespace heatbath::physics
