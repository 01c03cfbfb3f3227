#pragma once
// physics::Exchange by MPI: the rows of others travel by persistent requests.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "hw_model/physics/exchange.hpp"
#include "hw_model/ranks/communicator.hpp"

namespace heatbath::ranks {

class HaloExchange final : public physics::Exchange {
 public:
  /// All ranks together. `begins` as of cut_points().
  HaloExchange(Communicator& ranks, const physics::Cut& cut, std::span<const std::uint32_t> begins);
  ~HaloExchange() override;

  void refresh(float* field, std::uint32_t lanes) override;
  std::span<const std::uint32_t> sent_rows() const override { return sent_rows_; }
  bool any(bool here) override { return ranks_.any(here); }

 private:
  std::vector<std::byte> gather_bytes(std::span<const std::byte> own) override { return ranks_.gather(own); }

  struct Channel;  // requests and buffers for a number of lanes
  Channel& channel(std::uint32_t lanes);

  Communicator& ranks_;
  std::vector<std::vector<std::uint32_t>> sent_, received_;  // rows, per rank
  std::vector<std::uint32_t> sent_rows_;                     // all of sent_, each once
  std::map<std::uint32_t, std::unique_ptr<Channel>> channels_;
};

}  // namespace heatbath::ranks
