#include "hw_model/physics/spin_planes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>

#include "hw_model/physics/ramp.hpp"
#include "hw_model/physics/ramped_couplings.hpp"
#include "hw_model/physics/step_table.hpp"

namespace heatbath::physics {
namespace {

constexpr std::uint32_t most_in_planes = (1u << plane_count_bits) - 1, most_units = (1u << wide_count_bits) - 1;

/// Whether `value` is a multiple of 2^-12 and at most 2^10.
bool is_exact(double value) {
  const double steps = std::ldexp(value, 12);
  return std::abs(steps) <= 0x1p22 && steps == std::nearbyint(steps);
}

}  // namespace

std::shared_ptr<const SpinPlanes> SpinPlanes::of(const Couplings& couplings) {
  auto made = std::make_shared<SpinPlanes>();
  SpinPlanes& p = *made;
  const std::uint32_t cells = couplings.cells();
  p.total_.assign(cells, 0);
  if (couplings.zero()) {
    p.begin_.assign(std::size_t{cells} + 1, 0);
    return made;
  }
  const auto rows = couplings.rows();
  const auto entries = [&](std::uint32_t i) {
    return rows.columns ? std::span(rows.values + rows.begin[i], rows.values + rows.begin[i + 1])
                        : std::span(rows.values + std::size_t{i} * cells, cells);
  };
  // The unit: the smallest coupling, or a half or a third of it.
  float smallest = 0;
  for (std::uint32_t i = 0; i < cells; ++i)
    for (const float j : entries(i))
      if (j != 0 && (smallest == 0 || std::abs(j) < smallest)) smallest = std::abs(j);
  const auto whole = [&](float unit) {
    for (std::uint32_t i = 0; i < cells; ++i)
      for (const float j : entries(i))
        if (const double k = static_cast<double>(j) / static_cast<double>(unit); std::abs(k) > most_units || k != std::nearbyint(k))
          return false;
    return true;
  };
  p.unit_ = 0;
  for (const float parts : {1.0f, 2.0f, 3.0f})
    if (const float unit = smallest / parts; p.unit_ == 0 && whole(unit)) p.unit_ = unit;
  if (p.unit_ == 0) return nullptr;
  for (std::uint32_t i = 0; i < cells; ++i) {
    const auto own = entries(i);
    for (std::size_t e = 0; e < own.size(); ++e) {
      if (own[e] == 0) continue;
      const auto weight = static_cast<std::uint32_t>(std::lround(std::abs(static_cast<double>(own[e])) / static_cast<double>(p.unit_)));
      const auto k = rows.columns ? rows.columns[rows.begin[i] + e] : static_cast<std::uint32_t>(e);
      p.inputs_.push_back({k, own[e] < 0 ? ~0u : 0u, weight});
      if ((p.total_[i] += weight) > most_units) return nullptr;
    }
    p.begin_.push_back(static_cast<std::uint32_t>(p.inputs_.size()));
  }
  if (std::ranges::max(p.total_) > most_in_planes) p.most_ = most_units;
  const float largest = p.unit_ * static_cast<float>(p.most_);
  if (static_cast<double>(largest) != static_cast<double>(p.unit_) * p.most_) return nullptr;
  return made;
}

void PlaneRules::add(std::uint32_t total, float unit, float gain, float bias, float two_over_kT) {
  std::array<float, most_units + 1> field;
  std::array<SpinChoice, most_units + 1> choice;
  for (std::uint32_t n = 0; n <= total; ++n)
    field[n] = std::fma(gain, unit * static_cast<float>(2 * static_cast<int>(n) - static_cast<int>(total)), bias);
  general_kernels().spin_choices(field.data(), total + 1, two_over_kT, choice.data());
  PlaneRule rule{};
  rule.count_bits = static_cast<std::uint32_t>(std::bit_width(total));
  rule.reversed = gain < 0 ? ~0u : 0u;
  rule.keeps = rule.table = ~0u;
  rule.total = total;
  rule.value = static_cast<std::uint32_t>(values.size());
  if (total > most_in_planes) {
    rule.table = static_cast<std::uint32_t>(tables.size());
    for (std::uint32_t n = 0; n <= total; ++n) {
      tables.push_back(choice[n].threshold | (choice[n].likely_up ? 0x80000000u : 0u));
      if (choice[n].keeps) rule.keeps = n;
    }
    rules.push_back(rule);
    return;
  }
  // Fields rise with n, or fall where the gain is negative.
  std::vector<std::uint32_t> different;
  for (std::uint32_t n = 0; n <= total; ++n) {
    if (choice[n].likely_up == (rule.reversed == 0)) ++rule.up_below;
    if (choice[n].keeps) rule.keeps = n;
    if (choice[n].threshold == 0) continue;
    const auto at = std::ranges::find(different, choice[n].threshold) - different.begin();
    if (at == std::ssize(different)) different.push_back(choice[n].threshold);
    values.push_back(static_cast<std::uint8_t>(n));
    threshold_of.push_back(static_cast<std::uint8_t>(at));
    ++rule.values;
  }
  rule.thresholds = static_cast<std::uint32_t>(different.size());
  for (std::uint32_t p = 0; p < noise_planes; ++p) {
    rule.list[p] = static_cast<std::uint32_t>(lists.size());
    for (std::uint32_t t = 0; t < rule.thresholds; ++t) {
      if ((different[t] >> (noise_planes - 1 - p) & 1u) == 0) continue;
      lists.push_back(static_cast<std::uint8_t>(t));
      if (t < few_thresholds) rule.subset[p] = static_cast<std::uint8_t>(rule.subset[p] | 1u << t);
    }
  }
  rule.list[noise_planes] = static_cast<std::uint32_t>(lists.size());
  rules.push_back(rule);
}

PlaneKinds::PlaneKinds(const SpinPlanes& planes, const Parameters& from, const Parameters& to,
                       std::span<const std::vector<std::uint32_t>> order, std::span<const std::uint32_t> free)
    : planes_(planes), from_(from), to_(to) {
  std::map<std::array<float, 5>, std::uint32_t> known;
  for (const auto& sites : order)
    for (const std::uint32_t i : sites) {
      if (free[i] == 0) continue;
      const std::array<float, 5> kind{static_cast<float>(planes.total(i)), from.bias[i], to.bias[i], from.kT_of(i), to.kT_of(i)};
      const auto [at, fresh] = known.try_emplace(kind, static_cast<std::uint32_t>(of_kind_.size()));
      if (fresh) of_kind_.push_back(i);
      cells_.push_back(planes.cell(i));
      cells_.back().rule = at->second;
    }
}

PlaneRules PlaneKinds::rules(double position) const {
  const float gain = RampedCouplings(from_, to_, position).gain_a;
  PlaneRules made;
  for (const std::uint32_t i : of_kind_)
    made.add(planes_.total(i), planes_.unit(), gain, ramp::between(from_.bias[i], to_.bias[i], static_cast<float>(position)),
             StepTable::two_over(ramp::scalar_between(from_.kT_of(i), to_.kT_of(i), position)));
  return made;
}

bool exact_energies(const SpinPlanes& planes, const Parameters& p) {
  const double unit = static_cast<double>(p.gain) * static_cast<double>(planes.unit());
  if (!is_exact(unit) || !is_exact(unit * planes.most()) || !is_exact(static_cast<double>(p.gain))) return false;
  return std::ranges::all_of(p.bias, [](float b) { return is_exact(static_cast<double>(b)); }) &&
         std::ranges::all_of(p.j2, [](float j) { return j == 0; }) && std::ranges::all_of(p.j4, [](float j) { return j == 0; });
}

Slabs::Slabs(std::uint32_t lanes, std::uint32_t shot0, std::uint32_t threads, std::uint32_t most_groups) {
  const std::uint32_t before = shot0 % 32, words = (before + lanes + 31) / 32;
  groups = std::min(most_groups, std::bit_ceil((words + threads - 1) / threads));
  for (std::uint32_t word = 0; word < words; word += groups) {
    const std::uint32_t first = word == 0 ? 0 : 32 * word - before;
    slabs.push_back({first, std::min(lanes, 32 * (word + groups) - before) - first});
  }
}

}  // namespace heatbath::physics
