#include "hw_model/physics/topology.hpp"

#include <optional>
#include <stdexcept>
#include <utility>

#include "heatbath/numerics/pair_file.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::physics {
namespace {

constexpr std::string_view forms = "dense, grid:WxH, torus:WxH, king:WxH, z1:WxH, chain:N, ring:N";

[[noreturn]] void wrong(std::string_view name, const std::string& what) {
  throw std::invalid_argument("graph " + numerics::quoted(name) + ": " + what);
}

std::uint32_t count_of(std::string_view text, std::string_view whole, std::uint32_t least) {
  const auto value = numerics::parse_number<std::uint32_t>(text);
  if (!value || *value < least || *value > numerics::most_cells)
    wrong(whole, numerics::quoted(text) + " is no size from " + std::to_string(least) + " to " +
                     std::to_string(numerics::most_cells) + "; one of " + std::string(forms));
  return *value;
}

bool has_named_form(std::string_view name) {
  const std::string_view form = name.substr(0, name.find(':'));
  return name.find(':') != std::string_view::npos &&
         (form == "grid" || form == "torus" || form == "king" || form == "z1" || form == "chain" || form == "ring");
}

}  // namespace

std::shared_ptr<const Graph> named_graph(std::string_view name) {
  if (!has_named_form(name)) wrong(name, "one of " + std::string(forms));
  const std::string_view form = name.substr(0, name.find(':')), size = name.substr(name.find(':') + 1);
  if (form == "chain" || form == "ring") {
    const std::uint32_t n = count_of(size, name, form == "ring" ? 3 : 1);
    return std::make_shared<const Graph>(n, numerics::chain_pairs(n, form == "ring"));
  }
  const std::size_t cross = size.find('x');
  if (cross == std::string_view::npos) wrong(name, "a size like 4x4 belongs after " + std::string(form) + ":");
  const std::uint32_t least = form == "torus" ? 3 : 1;
  const std::uint32_t w = count_of(size.substr(0, cross), name, least),
                      h = count_of(size.substr(cross + 1), name, least);
  if (std::uint64_t{w} * h > numerics::most_cells)
    wrong(name, "more than " + std::to_string(numerics::most_cells) + " cells");
  return std::make_shared<const Graph>(
      w * h, form == "king" ? numerics::king_pairs(w, h)
             : form == "z1" ? numerics::z1_pairs(w, h)
                            : numerics::grid_pairs(w, h, form == "torus"));
}

Topology load_topology(const std::string& name_or_file, bool reciprocal) {
  if (has_named_form(name_or_file)) return {named_graph(name_or_file), {}, false};
  numerics::PairList list;
  try {
    list = numerics::read_pairs(name_or_file, reciprocal ? numerics::Directions::alike : numerics::Directions::two);
  } catch (const std::invalid_argument& error) {
    if (!std::string_view(error.what()).ends_with(": no such file")) throw;
    wrong(name_or_file, "no such file, and none of " + std::string(forms));
  }
  return {std::make_shared<const Graph>(list.cells, std::move(list.pairs)), std::move(list.values), list.open};
}

}  // namespace heatbath::physics
