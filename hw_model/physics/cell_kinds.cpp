#include "hw_model/physics/cell_kinds.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/numerics/nearest_word.hpp"

namespace heatbath::physics {
namespace {

struct KindFacts {
  std::string_view name;
  std::uint32_t components;
  bool discrete, labels;
};

struct StepperFacts {
  std::string_view name;
  std::uint32_t kinds;  // a bit per cell kind
  bool markov, bounded, takes_middle, coloured;
};

#include "hw_model/physics/cell_facts.inc"

struct ColourFacts {
  std::string_view name;
};

constexpr ColourFacts colour_facts[] = {{"white"}, {"ornstein-uhlenbeck"}, {"pink"}, {"telegraph"}};

const KindFacts& facts(CellKind kind) { return kind_facts[static_cast<std::size_t>(kind)]; }
const StepperFacts& facts(Stepper stepper) { return stepper_facts[static_cast<std::size_t>(stepper)]; }

template <class Facts, std::size_t n>
std::uint8_t ordinal(const Facts (&rows)[n], std::size_t first, std::string_view what, std::string_view given) {
  std::string list;
  std::vector<std::string_view> names;
  for (std::size_t i = first; i < n; ++i) {
    if (rows[i].name == given) return static_cast<std::uint8_t>(i);
    list += (i > first ? ", " : "") + std::string(rows[i].name);
    names.push_back(rows[i].name);
  }
  throw std::invalid_argument(std::string(what) + " '" + std::string(given) + "'" + numerics::did_you_mean(given, names) + ": one of " + list);
}

}  // namespace

std::string_view name(CellKind kind) { return facts(kind).name; }
std::string_view name(Stepper stepper) { return facts(stepper).name; }
std::string_view name(NoiseColour::Kind colour) { return colour_facts[static_cast<std::size_t>(colour)].name; }

CellKind cell_kind(std::string_view name) { return static_cast<CellKind>(ordinal(kind_facts, 0, "cell kind", name)); }
Stepper stepper(std::string_view name) { return static_cast<Stepper>(ordinal(stepper_facts, 1, "stepper", name)); }
NoiseColour::Kind noise_colour(std::string_view name) {
  return static_cast<NoiseColour::Kind>(ordinal(colour_facts, 0, "noise colour", name));
}

std::uint32_t components(CellKind kind) { return facts(kind).components; }
bool is_discrete(CellKind kind) { return facts(kind).discrete; }
bool has_labels(CellKind kind) { return facts(kind).labels; }
bool goes_with(Stepper stepper, CellKind kind) { return facts(stepper).kinds >> static_cast<unsigned>(kind) & 1u; }
bool increments_markov(Stepper stepper) { return facts(stepper).markov; }
bool has_longest_step(Stepper stepper) { return facts(stepper).bounded; }
bool takes_middle(Stepper stepper) { return facts(stepper).takes_middle; }
bool takes_colour(Stepper stepper) { return facts(stepper).coloured; }

}  // namespace heatbath::physics
