#include "heatbath/ranks.hpp"

#include <cstdlib>
#include <string_view>

#include "ranks_link.hpp"

namespace heatbath {
namespace {

/// mpi:… by itself, or behind an option and its =.
bool names_ranks(std::string_view argument) {
  if (argument.starts_with("--") && argument.find('=') != std::string_view::npos)
    argument.remove_prefix(argument.find('=') + 1);
  return argument.starts_with("mpi:");
}

}  // namespace

std::optional<int> serve_as_rank(int argc, const char* const* argv) {
  const char* environment = std::getenv("HEATBATH_DEVICE");
  bool named = environment != nullptr && names_ranks(environment);
  for (int n = 1; n < argc; ++n) named = named || names_ranks(argv[n]);
  if (!named || heatbath_serve_as_rank == nullptr) return std::nullopt;
  const int status = heatbath_serve_as_rank();
  return status < 0 ? std::nullopt : std::optional(status);
}

}  // namespace heatbath
