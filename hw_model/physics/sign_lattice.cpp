#include "hw_model/physics/sign_lattice.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "hw_model/physics/coupling_rows.hpp"

namespace heatbath::physics {
namespace {

constexpr std::uint32_t pairs = sign_block_pairs;  // of cells in a block
constexpr std::size_t most_slots = 12;             // per block and colour: more is no lattice

}  // namespace

std::shared_ptr<const SignLattice> SignLattice::of(const Couplings& couplings, Exchange* exchange) {
  const auto& graph = couplings.graph();
  const Cut* const cut = exchange ? &exchange->cut() : nullptr;
  const std::uint32_t cells = cut ? cut->cells : couplings.cells(), blocks = (cells / 2 + pairs - 1) / pairs;
  if (!graph || cells % 2 != 0) return nullptr;
  const bool empty = cut && cut->rows == 0;  // a rank without cells goes along
  if (!empty && (couplings.zero() || (cut ? cut->colours.empty() : graph->colours().empty()))) return nullptr;

  auto made = std::make_shared<SignLattice>();
  SignLattice& l = *made;
  l.exchange_ = exchange;
  l.blocks_ = blocks;
  l.begin_ = cut ? cut->first_cell : 0;
  l.end_ = cut ? cut->first_cell + cut->rows : cells;
  l.odd_.assign(std::size_t{blocks} * sign_block_words, 0);
  const auto row_of = [&](std::uint32_t cell) { return cut ? cut->row(cell) : cell; };
  const auto cell_of = [&](std::uint32_t row) { return cut ? cut->cell(row) : row; };
  const auto colour_of = [&](std::uint32_t row) { return cut ? cut->colours[row] : graph->colours()[row]; };
  const auto is_own = [&](std::uint32_t cell) { return cell >= l.begin_ && cell < l.end_; };
  std::uint32_t before = Cut::no_cell, colour_before = 0;  // the cell of the last row
  for (std::uint32_t row = 0; row < couplings.cells() && !empty; ++row) {
    const std::uint32_t cell = cell_of(row), colour = colour_of(row);
    if (cell == Cut::no_cell) continue;
    if (cell % 2 == 1 && before + 1 == cell && colour == colour_before) return nullptr;
    before = cell, colour_before = colour;
    if (colour == (cell % 2 == 0 ? 1u : 0u)) l.odd_[cell / 128] |= std::uint64_t{1} << (cell / 2 % 64);
  }

  const std::uint32_t first_block = l.begin_ / 2 / pairs, end_block = empty ? first_block : (l.end_ / 2 - 1) / pairs + 1;
  std::vector<std::uint32_t> ready(blocks);  // the last block that colour 1 of a block waits for; `blocks`: other ranks
  for (auto& rows : l.rows_) rows.assign(blocks, {});
  for (const std::uint32_t colour : {0u, 1u})
    for (std::uint32_t b = first_block; b < end_block; ++b) {
      std::vector<SignSlot> slots;
      std::array<SignDegree, sign_degree_max + 1> of_degree{};
      std::array<bool, sign_degree_max + 1> seen{};
      ready[b] = std::max(ready[b], b);
      for (std::uint32_t p = std::max(b * pairs, l.begin_ / 2); p < std::min((b + 1) * pairs, l.end_ / 2); ++p) {
        const std::uint32_t word = p % pairs / 64;
        const std::uint64_t bit = std::uint64_t{1} << (p % 64);
        const std::uint32_t cell = 2 * p + (((l.odd_[p / 64] & bit) != 0) != (colour == 1) ? 1 : 0);
        std::uint32_t degree = 0;
        bool fits = true;
        for_row(couplings, row_of(cell), [&](std::uint32_t row, float j) {
          if (j == 0 || !fits) return;
          const std::uint32_t k = cell_of(row);
          if (l.size_ == 0) l.size_ = std::abs(j);
          fits = std::abs(j) == l.size_ && ++degree <= sign_degree_max;
          if (!fits) return;
          const std::int32_t shift =
              static_cast<std::int32_t>(k / 2) - static_cast<std::int32_t>(p);
          auto slot = std::ranges::find(slots, shift, [](const SignSlot& s) { return s.word * 64 + static_cast<std::int32_t>(s.bit); });
          if (slot == slots.end()) {
            fits = slots.size() != most_slots;
            if (!fits) return;
            slot = slots.insert(slots.end(), {shift >> 6, static_cast<std::uint32_t>(shift & 63), {}, {}});
          }
          slot->present[word] |= bit;
          if (j < 0) slot->negative[word] |= bit;
          if (colour == 1) ready[b] = std::max(ready[b], is_own(k) ? k / 2 / pairs : blocks);
        });
        if (!fits) return nullptr;
        of_degree[degree].cells[word] |= bit;
        of_degree[degree].degree = degree;
        seen[degree] = true;
      }
      SignRows own{static_cast<std::uint32_t>(l.slots_.size()), static_cast<std::uint32_t>(slots.size()),
                   static_cast<std::uint32_t>(l.degrees_.size()), 0};
      l.slots_.insert(l.slots_.end(), slots.begin(), slots.end());
      for (std::uint32_t degree = 0; degree <= sign_degree_max; ++degree)
        if (seen[degree]) l.degrees_.push_back(of_degree[degree]), ++own.degrees;
      l.rows_[colour][b] = own;
    }
  // Sums of up to four couplings must be exact: their order then does not matter.
  if (static_cast<double>(3.0f * l.size_) != 3.0 * static_cast<double>(l.size_) || !std::isfinite(4.0f * l.size_))
    return nullptr;

  // Colour 1 of a block follows as soon as all cells of colour 0 beside it have turned; words wait in between.
  std::vector<std::vector<std::uint32_t>> follow(std::size_t{blocks} + 1);
  for (std::uint32_t b = first_block; b < end_block; ++b) follow[ready[b]].push_back(b);
  std::vector<std::uint32_t> slot_of(blocks), unused;
  const auto turn_followers = [&](std::uint32_t b) {
    for (const std::uint32_t f : follow[b]) {
      l.tasks_.push_back({f, 1, slot_of[f]});
      unused.push_back(slot_of[f]);
    }
  };
  for (std::uint32_t b = first_block; b < end_block; ++b) {
    if (unused.empty()) unused.push_back(l.word_slots_++);
    slot_of[b] = unused.back();
    unused.pop_back();
    l.tasks_.push_back({b, 0, slot_of[b]});
    turn_followers(b);
  }
  l.before_refresh_ = static_cast<std::uint32_t>(l.tasks_.size());
  turn_followers(blocks);
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
  const Cut* const cut = exchange_ ? &exchange_->cut() : nullptr;
  const std::uint32_t first_row = cut ? cut->first_row : 0;
  std::array<float, stretch> last{};
  std::array<std::uint32_t, stretch> last_free{};
  // Own cells of a word of pairs: from..to of the stretch, in rows from `row` on.
  struct Piece {
    std::uint32_t from, to, row;
  };
  const auto piece_of = [&](std::uint32_t w) {
    const std::uint32_t first = std::max(w * stretch, begin_), end = std::min((w + 1) * stretch, end_);
    return Piece{first - w * stretch, end - w * stretch, first_row + (first - begin_)};
  };
  const std::uint32_t first_word = begin_ / stretch, end_word = begin_ == end_ ? first_word : (end_ - 1) / stretch + 1;
  for (std::uint32_t w = first_word; w < end_word; ++w) {
    const Piece own = piece_of(w);
    const std::uint32_t at = w + sign_margin;
    const float* spins = state + own.row;
    const std::uint32_t* may = free + own.row;
    if (own.to - own.from < stretch) {
      last_free.fill(0);
      std::copy_n(spins, own.to - own.from, last.begin() + own.from);
      std::copy_n(may, own.to - own.from, last_free.begin() + own.from);
      spins = last.data(), may = last_free.data();
    }
    kernels.pack_signs(spins, &up[0][at], &up[1][at]);
    kernels.pack_signs(may, &moves[0][at], &moves[1][at]);
    for (const int colour : {0, 1}) moves[colour][at] = ~moves[colour][at];  // ~0, which is free, has the sign -
    exchange(w, up[0][at], up[1][at]);
    exchange(w, moves[0][at], moves[1][at]);
  }
  // One cell's word and bit.
  struct Place {
    std::uint64_t& word;
    std::uint64_t bit;
  };
  const auto place = [&](std::uint32_t cell) {
    const std::uint64_t bit = std::uint64_t{1} << (cell / 2 % 64);
    const bool colour = ((odd_[cell / stretch] & bit) != 0) != (cell % 2 == 1);
    return Place{up[colour ? 1 : 0][cell / stretch + sign_margin], bit};
  };
  const auto take_others = [&] {
    for (const std::uint32_t cell : cut->others) {
      const auto [word, bit] = place(cell);
      word = state[cut->row(cell)] < 0 ? word & ~bit : word | bit;
    }
  };
  const auto refresh = [&] {
    for (const std::uint32_t row : exchange_->sent_rows()) {
      const auto [word, bit] = place(cut->cell(row));
      state[row] = (word & bit) != 0 ? 1.0f : -1.0f;
    }
    exchange_->refresh(state, 1);
    take_others();
  };
  if (cut) take_others();
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
  for (std::uint64_t done = 0; done < steps; ++done, ++s.noise.step) {
    s.tasks = tasks_.data();
    s.task_count = before_refresh_;
    kernels.sweep_signs(s);
    if (!cut) continue;
    refresh();
    s.tasks = tasks_.data() + before_refresh_;
    s.task_count = static_cast<std::uint32_t>(tasks_.size()) - before_refresh_;
    kernels.sweep_signs(s);
    refresh();
  }

  for (std::uint32_t w = first_word; w < end_word; ++w) {
    const Piece own = piece_of(w);
    std::uint64_t a = up[0][w + sign_margin], b = up[1][w + sign_margin];
    exchange(w, a, b);
    const bool whole = own.to - own.from == stretch;
    kernels.unpack_signs(a, b, whole ? state + own.row : last.data());
    if (!whole) std::copy_n(last.begin() + own.from, own.to - own.from, state + own.row);
  }
}

}  // namespace heatbath::physics
