#include "hw_model/physics/value_list.hpp"

#include <cstdint>
#include <span>

#include "heatbath/numerics/archive.hpp"

namespace heatbath::physics {

void ValueList::exchange(numerics::Archive& archive) {
  if (archive.reads()) {
    std::vector<float> values;
    archive(values);
    *this = std::move(values);
    return;
  }
  std::uint64_t size = size_;
  archive(size);
  if (list_) {
    archive.values(std::span(*list_));
    return;
  }
  std::vector<float> some(std::min<std::size_t>(size_, 4096), value_);
  for (std::size_t done = 0; done < size_; done += some.size())
    archive.values(std::span(some).first(std::min(some.size(), size_ - done)));
}

}  // namespace heatbath::physics
