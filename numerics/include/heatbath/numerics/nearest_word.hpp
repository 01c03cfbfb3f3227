#pragma once
// The word that was meant: what every error about an unknown name of a command, option, key or value suggests.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace heatbath::numerics {

/// Insertions, deletions, replacements and swaps of neighbours that make one word the other (restricted
/// Damerau-Levenshtein).
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      std::size_t& here = cost[i][j];
      here = i == 0 ? j : j == 0 ? i : cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      if (i > 0 && j > 0) here = std::min({here, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) here = std::min(here, cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

/// " (did you mean run?)" where one of `names` (a range of texts) is near `word`, the first of the nearest ones; else
/// nothing. Near: at most a third of its letters differ, of short words one. A word of more than 40 bytes has none.
template <typename Names>
std::string did_you_mean(std::string_view word, const Names& names) {
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string found;
  if (word.empty() || word.size() > 40) return found;
  for (const auto& each : names) {
    const std::string_view name = each;
    const std::size_t apart = edit_distance(word, name);
    if (apart >= least || apart >= std::max(word.size(), name.size())) continue;
    least = apart;
    found.assign(" (did you mean ").append(name).append("?)");
  }
  return found;
}

}  // namespace heatbath::numerics
