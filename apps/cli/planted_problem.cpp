#include "apps/cli/planted_problem.hpp"

#include <vector>

#include <fmt/format.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/solvers/planted.hpp"

namespace heatbath::apps {

namespace {

std::vector<std::string_view> parts_of(std::string_view name) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find(':', at), name.size());
    parts.push_back(name.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

template <class Number>
Number parsed(std::string_view name, std::string_view part, std::string_view what) {
  if (const auto number = numerics::parse_number<Number>(part)) return *number;
  throw Error(HB_BAD_ARG, fmt::format("{}: {} is no {}", name, numerics::quoted(part), what));
}

}  // namespace

std::optional<PlantedProblem> planted_problem(std::string_view name) {
  const auto parts = parts_of(name);
  if (parts.size() == 1) return std::nullopt;  // a file may have any of these names
  const auto whole = [&](std::size_t at, std::string_view what) { return parsed<std::uint32_t>(name, parts[at], what); };
  const auto seed = [&] { return parsed<std::uint64_t>(name, parts.back(), "seed"); };
  const auto needs = [&](std::size_t count, std::string_view form) {
    if (parts.size() != count) throw Error(HB_BAD_ARG, fmt::format("{}: a problem of that name is {}", name, form));
  };
  PlantedProblem made;
  if (parts.front() == "wishart") {
    needs(4, "wishart:CELLS:COLUMNS:SEED");
    solvers::Planted planted = solvers::wishart(whole(1, "number of cells"), whole(2, "number of columns"), seed());
    made.problem.network = std::move(planted.network), made.lowest = planted.energy;
  } else if (parts.front() == "tiles") {
    needs(4, "tiles:SIDE:WEAK:SEED");
    solvers::Planted planted = solvers::tiles(whole(1, "side"), parsed<double>(name, parts[2], "probability"), seed());
    made.problem.network = std::move(planted.network), made.lowest = planted.energy;
  } else if (parts.front() == "square" || parts.front() == "cubic") {
    needs(3, fmt::format("{}:SIDE:SEED", parts.front()));
    made.problem.network = solvers::sign_glass(parts.front() == "square" ? 2 : 3, whole(1, "side"), seed());
  } else {
    return std::nullopt;
  }
  made.problem.kind = ProblemKind::ising;
  made.problem.format = "planted";
  if (!made.lowest) made.problem.format = "glass";
  made.problem.variables = made.problem.network.cells();
  return made;
}

}  // namespace heatbath::apps
