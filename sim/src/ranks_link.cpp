#include "ranks_link.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "functional_transport.hpp"
#include "heatbath/version.h"
#include "hw_model/device/profile.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/ranks/communicator.hpp"
#include "hw_model/ranks/rank_array.hpp"

using heatbath::ranks::Communicator;

namespace {

bool begun = false;  // by heatbath_serve_as_rank

void end_ranks() {
  Communicator& ranks = Communicator::world();
  heatbath::ranks::end_orders(ranks);
  ranks.end();
}

/// What must be alike on all ranks.
std::vector<std::uint32_t> version() {
  return {HEATBATH_VERSION_MAJOR, HEATBATH_VERSION_MINOR, HEATBATH_VERSION_PATCH, heatbath::physics::arithmetic_revision};
}

std::string text(std::span<const std::uint32_t> v) {
  return std::to_string(v[0]) + "." + std::to_string(v[1]) + "." + std::to_string(v[2]) + ", arithmetic " + std::to_string(v[3]);
}

/// On the first rank one line where a rank is of another version. Whether one is, on all.
bool versions_differ(Communicator& ranks) {
  const std::vector<std::uint32_t> own = version();
  const std::vector<std::uint32_t> all = ranks.gather(std::span<const std::uint32_t>(own));
  bool differ = false;
  for (std::size_t rank = 1; rank * own.size() < all.size() && !differ; ++rank) {
    const auto of = std::span(all).subspan(rank * own.size(), own.size());
    differ = !std::equal(of.begin(), of.end(), own.begin());
    if (differ)
      std::fprintf(stderr, "heatbath: mpi: rank %zu is version %s, rank 0 %s; start the same program on all ranks\n", rank,
                   text(of).c_str(), text(own).c_str());
  }
  return ranks.any(differ);
}

}  // namespace

int heatbath_serve_as_rank() {
  Communicator& ranks = Communicator::world();
  begun = true;
  if (versions_differ(ranks)) {
    ranks.end();
    return 2;
  }
  if (ranks.rank() == 0) {
    std::atexit(end_ranks);
    return -1;
  }
  // A signal is for the first rank, which ends its work in order and then the others; mpirun ends what is left.
  for (const int number : {SIGINT, SIGTERM}) std::signal(number, SIG_IGN);
  heatbath::ranks::serve_orders(ranks);
  ranks.end();
  return 0;
}

heatbath::Transport* heatbath_open_ranks(const heatbath::model::Profile& profile, const heatbath::model::ChipOptions& options,
                                         const std::string& uri) {
  Communicator& ranks = Communicator::world();
  if (!begun) {
    if (ranks.size() > 1)
      throw std::invalid_argument("mpi: on several ranks needs the device on the command line or in HEATBATH_DEVICE, and a "
                                  "program that begins with heatbath::serve_as_rank");
    begun = true;
    std::atexit(end_ranks);
  }
  if (const auto no = heatbath::physics::refusal_of_cut(profile.array(options.cells, options.lanes)))
    throw std::invalid_argument("mpi: " + no->what);
  heatbath::model::ChipOptions cut = options;
  cut.threads = 1;
  cut.make_array = [&ranks](const heatbath::physics::ArraySpec& spec) { return heatbath::ranks::make_rank_array(spec, ranks); };
  const std::string where = ranks.size() == 1 ? "on 1 rank" : "on " + std::to_string(ranks.size()) + " ranks";
  return new heatbath::FunctionalTransport(profile, cut, uri, where);
}
