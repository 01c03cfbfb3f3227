// A rank of another version, as the first rank of `heatbath` hears of it.
#include <cstdint>
#include <span>
#include <vector>

#include "hw_model/ranks/communicator.hpp"

int main() {
  auto& ranks = heatbath::ranks::Communicator::world();
  const std::vector<std::uint32_t> version{9, 9, 9, 1};
  ranks.gather(std::span<const std::uint32_t>(version));
  const bool differ = ranks.any(false);
  ranks.end();
  return differ ? 2 : 1;
}
