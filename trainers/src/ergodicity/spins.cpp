#include "heatbath/trainers/ergodicity/spins.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text_file.hpp"

namespace heatbath::trainers {

std::uint32_t state_of(std::span<const Spin> spins) {
  std::uint32_t state = 0;
  for (std::size_t i = 0; i < spins.size(); ++i) state |= (spins[i] > 0 ? 1u : 0u) << i;
  return state;
}

std::vector<Spin> spins_of(std::uint32_t state, std::uint32_t cells) {
  std::vector<Spin> spins(cells);
  for (std::uint32_t i = 0; i < cells; ++i) spins[i] = (state >> i & 1u) != 0 ? Spin{1} : Spin{-1};
  return spins;
}

namespace {

constexpr std::size_t kLongestPatterns = std::size_t{64} << 20;
constexpr std::size_t kMostPatternCells = 1024;

std::string shown(std::string_view word) {
  std::string text = "\"";
  return text.append(numerics::escaped(word, 80)).append("\"");
}

Patterns from_states(std::uint32_t cells, std::span<const std::uint32_t> states, std::vector<double> weights,
                     std::string source) {
  Patterns patterns{cells, {}, std::move(weights), std::move(source)};
  for (const std::uint32_t state : states) {
    const std::vector<Spin> spins = spins_of(state, cells);
    patterns.spins.insert(patterns.spins.end(), spins.begin(), spins.end());
  }
  return patterns;
}

}  // namespace

Patterns parity_patterns() {
  constexpr std::uint32_t states[] = {0b111, 0b001, 0b010, 0b100};
  return from_states(3, states, std::vector<double>(4, 0.25), "parity of three cells");
}

Patterns two_patterns() {
  constexpr std::uint32_t states[] = {0b1111, 0b0011};
  return from_states(4, states, {0.75, 0.25}, "two patterns of four cells");
}

Patterns bars_and_stripes(std::uint32_t side) {
  if (side < 2 || side > 4) throw Error(HB_BAD_ARG, "bars and stripes of side " + std::to_string(side) + "; 2 to 4");
  std::vector<std::uint32_t> states;
  const std::uint32_t all = (1u << side) - 1;
  for (std::uint32_t bits = 0; bits <= all; ++bits) {
    std::uint32_t rows = 0;
    for (std::uint32_t i = 0; i < side; ++i) rows |= (bits >> i & 1u) != 0 ? all << i * side : 0;
    states.push_back(rows);
  }
  for (std::uint32_t bits = 1; bits < all; ++bits) {  // all up and all down are rows already
    std::uint32_t columns = 0;
    for (std::uint32_t i = 0; i < side; ++i) columns |= bits << i * side;
    states.push_back(columns);
  }
  const auto count = static_cast<double>(states.size());
  return from_states(side * side, states, std::vector<double>(states.size(), 1 / count),
                     "bars and stripes of " + std::to_string(side) + " x " + std::to_string(side) + " cells");
}

Patterns walsh_patterns(std::uint32_t cells, std::span<const std::uint32_t> masks) {
  if (!std::has_single_bit(cells) || cells > 32)
    throw Error(HB_BAD_ARG, "Walsh patterns of " + std::to_string(cells) + " cells; a power of two up to 32 is needed");
  std::vector<std::uint32_t> states;
  for (const std::uint32_t mask : masks) {
    std::uint32_t state = 0;
    for (std::uint32_t i = 0; i < cells; ++i) state |= ((std::popcount(i & mask) & 1) != 0 ? 0u : 1u) << i;
    states.push_back(state);
  }
  return from_states(cells, states, std::vector<double>(masks.size(), 1.0 / static_cast<double>(masks.size())),
                     "Walsh patterns of " + std::to_string(cells) + " cells");
}

Patterns walsh_library(std::uint32_t cells) {
  constexpr std::uint32_t masks[] = {0, 5, 10, 15};
  if (cells != 8 && cells != 16)
    throw Error(HB_BAD_ARG, "a library of " + std::to_string(cells) + " cells; there are 8 and 16");
  return walsh_patterns(cells, masks);
}

Patterns read_patterns(const std::filesystem::path& path) {
  std::string text;
  try {
    text = numerics::read_text_file(path, kLongestPatterns);
  } catch (const numerics::UnreadableFile& unreadable) {
    throw Error(HB_IO, path.string() + ": " + unreadable.what() + "; a file of binary patterns is needed");
  }
  Patterns patterns;
  patterns.source = path.string();
  std::map<std::vector<Spin>, std::size_t> known;
  std::vector<std::pair<std::size_t, double>> given;  // pattern and weight of each line
  for (numerics::TextLines lines(text); lines.next();) {
    const auto refuse = [&](const std::string& what) {
      throw Error(HB_BAD_ARG, path.string() + ":" + std::to_string(lines.number()) + ": " + what);
    };
    std::string_view line = lines.line().substr(0, lines.line().find('#'));
    std::vector<std::string_view> words;
    while (words.size() <= kMostPatternCells + 1) {
      constexpr std::string_view separators = " \t\r,";
      line.remove_prefix(std::min(line.find_first_not_of(separators), line.size()));
      if (line.empty()) break;
      words.push_back(line.substr(0, line.find_first_of(separators)));
      line.remove_prefix(words.back().size());
    }
    if (words.empty()) continue;
    double weight = 1;
    if (words.size() == 2 && words[0].size() > 1) {
      const auto number = numerics::parse_number<double>(words[1]);
      if (!number || !(*number > 0) || !std::isfinite(*number))
        refuse("weight " + shown(words[1]) + " is not a number above 0");
      weight = *number;
      words.pop_back();
    }
    std::vector<Spin> spins;
    for (const std::string_view word : words) {
      for (const char sign : word) {
        if (sign != '0' && sign != '1' && sign != '-' && sign != '+')
          refuse(shown(word) + " is not binary; cells are written 0 and 1, or - and +");
        spins.push_back(sign == '1' || sign == '+' ? Spin{1} : Spin{-1});
      }
    }
    if (spins.size() > kMostPatternCells)
      refuse(std::to_string(spins.size()) + " cells; at most " + std::to_string(kMostPatternCells));
    if (patterns.cells == 0) patterns.cells = static_cast<std::uint32_t>(spins.size());
    if (spins.size() != patterns.cells)
      refuse(std::to_string(spins.size()) + " cells, the patterns before have " + std::to_string(patterns.cells));
    const auto [at, is_new] = known.try_emplace(spins, patterns.weights.size());
    if (is_new) {
      patterns.spins.insert(patterns.spins.end(), spins.begin(), spins.end());
      patterns.weights.push_back(0);
    }
    given.emplace_back(at->second, weight);
  }
  if (patterns.size() == 0)
    throw Error(HB_BAD_ARG, path.string() + ": no pattern; one per line, as in 1101 or 1101 0.5");
  // In units of the largest: the sum of weights that a number holds may be more than one.
  double largest = 0, sum = 0;
  for (const auto& [index, weight] : given) largest = std::max(largest, weight);
  const double unit = std::ldexp(1.0, std::ilogb(largest));
  for (const auto& [index, weight] : given) {
    if (weight / unit < 1e-300)
      throw Error(HB_BAD_ARG, path.string() + ": the weight of pattern " + std::to_string(index + 1) +
                                  " is lost beside the largest; weights may differ by 1e300");
    patterns.weights[index] += weight / unit;
  }
  for (const double weight : patterns.weights) sum += weight;
  for (double& weight : patterns.weights) weight /= sum;
  return patterns;
}

SpinMachine::SpinMachine(std::uint32_t count)
    : cells(count), visible(count), field(count, 0.0f), couplings(std::size_t{count} * count, 0.0f) {}

void SpinMachine::couple(std::uint32_t i, std::uint32_t j, float value) {
  couplings[std::size_t{i} * cells + j] = value;
  couplings[std::size_t{j} * cells + i] = value;
}

double SpinMachine::energy(std::span<const Spin> spins) const {
  double energy = 0;
  for (std::uint32_t i = 0; i < cells; ++i) {
    const float* row = couplings.data() + std::size_t{i} * cells;
    double local = 0;
    for (std::uint32_t j = 0; j < i; ++j) local += static_cast<double>(row[j]) * spins[j];
    energy -= spins[i] * (static_cast<double>(field[i]) + local);
  }
  return energy;
}

double SpinMachine::visible_energy(std::span<const Spin> spins, double kT) const {
  double energy = 0;
  for (std::uint32_t i = 0; i < cells; ++i) {
    const float* row = couplings.data() + std::size_t{i} * cells;
    double local = 0;
    for (std::uint32_t j = 0; j < std::min(i, visible); ++j) local += static_cast<double>(row[j]) * spins[j];
    local += static_cast<double>(field[i]);
    if (i < visible) {
      energy -= spins[i] * local;
    } else {
      const double x = std::abs(local) / kT;
      energy -= kT * (x + std::log1p(std::exp(-2 * x)));
    }
  }
  return energy;
}

std::size_t SpinMachine::parameters() const {
  const std::size_t v = visible, h = cells - visible;
  return v + h + v * h + (visible_coupled ? v * (v - 1) / 2 : 0) + (hidden_coupled ? h * (h - 1) / 2 : 0);
}

network::Network network_of(const SpinMachine& machine) {
  return network::Network::ising(std::vector<double>(machine.couplings.begin(), machine.couplings.end()),
                                 std::vector<double>(machine.field.begin(), machine.field.end()));
}

}  // namespace heatbath::trainers
