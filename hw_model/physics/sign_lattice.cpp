#include "hw_model/physics/sign_lattice.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "hw_model/physics/graph.hpp"

namespace heatbath::physics {
namespace {

constexpr std::uint32_t pairs = sign_block_pairs;  // of cells in a block
constexpr std::size_t most_slots = 12;             // per block and colour: more is no lattice

}  // namespace

std::shared_ptr<const SignLattice> SignLattice::of(const Couplings& couplings) {
  const auto& graph = couplings.graph();
  if (!graph || couplings.zero() || graph->colours().empty() || graph->cells() % 2 != 0) return nullptr;
  const auto& colours = graph->colours();
  const std::uint32_t cells = graph->cells(), blocks = (cells / 2 + pairs - 1) / pairs;
  for (std::uint32_t i = 0; i < cells; i += 2)
    if (colours[i] == colours[i + 1]) return nullptr;

  auto made = std::make_shared<SignLattice>();
  SignLattice& l = *made;
  l.cells_ = cells;
  l.blocks_ = blocks;
  l.odd_.assign(std::size_t{blocks} * sign_block_words, 0);
  for (std::uint32_t i = 0; i < cells; i += 2)
    if (colours[i] == 1) l.odd_[i / 128] |= std::uint64_t{1} << (i / 2 % 64);

  const auto rows = couplings.rows();
  std::vector<std::uint32_t> ready(blocks);  // the last block that colour 1 of a block waits for
  for (const std::uint32_t colour : {0u, 1u})
    for (std::uint32_t b = 0; b < blocks; ++b) {
      std::vector<SignSlot> slots;
      std::array<SignDegree, sign_degree_max + 1> of_degree{};
      std::array<bool, sign_degree_max + 1> seen{};
      ready[b] = std::max(ready[b], b);
      for (std::uint32_t p = b * pairs; p < std::min((b + 1) * pairs, cells / 2); ++p) {
        const std::uint32_t word = p % pairs / 64;
        const std::uint64_t bit = std::uint64_t{1} << (p % 64);
        const std::uint32_t cell = 2 * p + (((l.odd_[p / 64] & bit) != 0) != (colour == 1) ? 1 : 0);
        std::uint32_t degree = 0;
        for (std::uint32_t e = rows.begin[cell]; e != rows.begin[cell + 1]; ++e) {
          const float j = rows.values[e];
          if (j == 0) continue;
          if (l.size_ == 0) l.size_ = std::abs(j);
          if (std::abs(j) != l.size_ || ++degree > sign_degree_max) return nullptr;
          const std::int32_t shift =
              static_cast<std::int32_t>(rows.columns[e] / 2) - static_cast<std::int32_t>(p);
          auto slot = std::ranges::find(slots, shift, [](const SignSlot& s) { return s.word * 64 + static_cast<std::int32_t>(s.bit); });
          if (slot == slots.end()) {
            if (slots.size() == most_slots) return nullptr;
            slot = slots.insert(slots.end(), {shift >> 6, static_cast<std::uint32_t>(shift & 63), {}, {}});
          }
          slot->present[word] |= bit;
          if (j < 0) slot->negative[word] |= bit;
          if (colour == 1) ready[b] = std::max(ready[b], rows.columns[e] / 2 / pairs);
        }
        of_degree[degree].cells[word] |= bit;
        of_degree[degree].degree = degree;
        seen[degree] = true;
      }
      SignRows own{static_cast<std::uint32_t>(l.slots_.size()), static_cast<std::uint32_t>(slots.size()),
                   static_cast<std::uint32_t>(l.degrees_.size()), 0};
      l.slots_.insert(l.slots_.end(), slots.begin(), slots.end());
      for (std::uint32_t degree = 0; degree <= sign_degree_max; ++degree)
        if (seen[degree]) l.degrees_.push_back(of_degree[degree]), ++own.degrees;
      l.rows_[colour].push_back(own);
    }
  // Sums of up to four couplings must be exact: their order then does not matter.
  if (static_cast<double>(3.0f * l.size_) != 3.0 * static_cast<double>(l.size_) || !std::isfinite(4.0f * l.size_))
    return nullptr;

  // Colour 1 of a block follows as soon as all cells of colour 0 beside it have turned; words wait in between.
  std::vector<std::vector<std::uint32_t>> follow(blocks);
  for (std::uint32_t b = 0; b < blocks; ++b) follow[ready[b]].push_back(b);
  std::vector<std::uint32_t> slot_of(blocks), unused;
  for (std::uint32_t b = 0; b < blocks; ++b) {
    if (unused.empty()) unused.push_back(l.word_slots_++);
    slot_of[b] = unused.back();
    unused.pop_back();
    l.tasks_.push_back({b, 0, slot_of[b]});
    for (const std::uint32_t f : follow[b]) {
      l.tasks_.push_back({f, 1, slot_of[f]});
      unused.push_back(slot_of[f]);
    }
  }
  return made;
}

void SignLattice::sweep(float* state, std::uint64_t steps, const Climate& climate, const NoiseAddress& noise,
                        const std::uint32_t* free) const {
  const auto& kernels = general_kernels();
  const std::uint32_t all_words = blocks_ * sign_block_words;
  std::vector<std::uint64_t> up[2], moves[2];
  for (auto* bits : {&up[0], &up[1], &moves[0], &moves[1]}) bits->assign(all_words + 2 * sign_margin, 0);
  // Of even and odd cells to those of colours 0 and 1, or back.
  const auto exchange = [&](std::uint32_t w, std::uint64_t& a, std::uint64_t& b) {
    const std::uint64_t differ = (a ^ b) & odd_[w];
    a ^= differ, b ^= differ;
  };
  constexpr std::uint32_t stretch = 128;  // cells of a word of pairs
  std::array<float, stretch> last{};
  std::array<std::uint32_t, stretch> last_free{};
  for (std::uint32_t w = 0; w * stretch < cells_; ++w) {
    const std::uint32_t first = w * stretch, count = std::min(stretch, cells_ - first), at = w + sign_margin;
    const float* spins = state + first;
    const std::uint32_t* may = free + first;
    if (count < stretch) {
      std::copy_n(spins, count, last.begin());
      std::copy_n(may, count, last_free.begin());
      spins = last.data(), may = last_free.data();
    }
    kernels.pack_signs(spins, &up[0][at], &up[1][at]);
    kernels.pack_signs(may, &moves[0][at], &moves[1][at]);
    for (const int colour : {0, 1}) moves[colour][at] = ~moves[colour][at];  // ~0, which is free, has the sign -
    exchange(w, up[0][at], up[1][at]);
    exchange(w, moves[0][at], moves[1][at]);
  }
  numerics::CacheLines<std::uint32_t> words(std::size_t{word_slots_} * 2 * pairs);
  SignSweep s{};
  for (const int colour : {0, 1}) {
    s.up[colour] = up[colour].data() + sign_margin;
    s.free[colour] = moves[colour].data() + sign_margin;
    s.rows[colour] = rows_[colour].data();
  }
  s.odd = odd_.data();
  s.slots = slots_.data();
  s.degrees = degrees_.data();
  s.tasks = tasks_.data();
  s.task_count = static_cast<std::uint32_t>(tasks_.size());
  s.words = words.data();
  s.noise = noise;
  for (std::uint32_t degree = 0; degree <= sign_degree_max; ++degree)
    for (std::uint32_t down = 0; down <= degree; ++down) {
      const float sum = size_ * static_cast<float>(2 * static_cast<int>(down) - static_cast<int>(degree));
      const float field = std::fma(climate.gain, sum, climate.bias);
      SpinChoice c;
      kernels.spin_choices(&field, 1, climate.two_over_kT, &c);
      s.tables[degree].threshold[down] = c.threshold;
      s.tables[degree].likely_up[down] = c.likely_up ? ~std::uint64_t{0} : 0;
      s.tables[degree].keeps[down] = c.keeps ? ~std::uint64_t{0} : 0;
    }
  for (std::uint64_t done = 0; done < steps; ++done, ++s.noise.step) kernels.sweep_signs(s);

  for (std::uint32_t w = 0; w * stretch < cells_; ++w) {
    const std::uint32_t first = w * stretch, count = std::min(stretch, cells_ - first);
    std::uint64_t a = up[0][w + sign_margin], b = up[1][w + sign_margin];
    exchange(w, a, b);
    kernels.unpack_signs(a, b, count < stretch ? last.data() : state + first);
    if (count < stretch) std::copy_n(last.begin(), count, state + first);
  }
}

}  // namespace heatbath::physics
