#include "hw_model/ranks/halo_exchange.hpp"

#define OMPI_SKIP_MPICXX
#include <mpi.h>

#include <algorithm>

namespace heatbath::ranks {

struct HaloExchange::Channel {
  std::vector<float> sent, received;
  std::vector<MPI_Request> requests;

  Channel(const std::vector<std::vector<std::uint32_t>>& to, const std::vector<std::vector<std::uint32_t>>& from,
          std::uint32_t lanes) {
    const auto rows = [](const auto& lists) {
      std::size_t sum = 0;
      for (const auto& list : lists) sum += list.size();
      return sum;
    };
    sent.resize(rows(to) * lanes);
    received.resize(rows(from) * lanes);
    const auto make = [&](const auto& lists, float* at, const auto& init) {
      for (std::size_t rank = 0; rank < lists.size(); ++rank) {
        const auto count = static_cast<int>(lists[rank].size() * lanes);
        if (count == 0) continue;
        init(at, count, MPI_FLOAT, static_cast<int>(rank), 2, MPI_COMM_WORLD, &requests.emplace_back());
        at += count;
      }
    };
    requests.reserve(to.size() + from.size());
    make(from, received.data(), MPI_Recv_init);
    make(to, sent.data(), MPI_Send_init);
  }
  ~Channel() {
    int ended = 0;
    MPI_Finalized(&ended);
    for (MPI_Request& request : requests)
      if (ended == 0) MPI_Request_free(&request);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
};

HaloExchange::HaloExchange(Communicator& ranks, const physics::Cut& cut, std::span<const std::uint32_t> begins)
    : Exchange(cut), ranks_(ranks), received_(ranks.size()) {
  const physics::Cut& own = this->cut();
  std::vector<std::vector<std::uint32_t>> wanted(ranks.size());
  for (const std::uint32_t cell : cut.others) {
    const auto owner = static_cast<std::size_t>(std::ranges::upper_bound(begins, cell) - begins.begin() - 1);
    wanted[owner].push_back(cell);
    received_[owner].push_back(cut.row(cell));
  }
  sent_ = ranks.trade(wanted);
  for (auto& list : sent_)
    for (std::uint32_t& cell : list) {
      cell = own.first_row + (cell - own.first_cell);
      sent_rows_.push_back(cell);
    }
  std::ranges::sort(sent_rows_);
  sent_rows_.erase(std::unique(sent_rows_.begin(), sent_rows_.end()), sent_rows_.end());
}

HaloExchange::~HaloExchange() = default;

HaloExchange::Channel& HaloExchange::channel(std::uint32_t lanes) {
  std::unique_ptr<Channel>& of = channels_[lanes];
  if (!of) of = std::make_unique<Channel>(sent_, received_, lanes);
  return *of;
}

void HaloExchange::refresh(float* field, std::uint32_t lanes) {
  Channel& c = channel(lanes);
  if (c.requests.empty()) return;
  float* out = c.sent.data();
  for (const auto& list : sent_)
    for (const std::uint32_t row : list) out = std::copy_n(field + std::size_t{row} * lanes, lanes, out);
  MPI_Startall(static_cast<int>(c.requests.size()), c.requests.data());
  MPI_Waitall(static_cast<int>(c.requests.size()), c.requests.data(), MPI_STATUSES_IGNORE);
  const float* in = c.received.data();
  for (const auto& list : received_)
    for (const std::uint32_t row : list) {
      std::copy_n(in, lanes, field + std::size_t{row} * lanes);
      in += lanes;
    }
}

}  // namespace heatbath::ranks
