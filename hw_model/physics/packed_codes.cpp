// Couplings as codes in the order the integer products read them.
#include <algorithm>
#include <cmath>

#include "hw_model/physics/active_kernels.hpp"
#include "hw_model/physics/code_products.hpp"
#include "hw_model/physics/packed_couplings.hpp"

namespace heatbath::physics {

const CodeProducts& code_products() {
#if defined(__x86_64__)
  static const bool vnni = (__builtin_cpu_init(), __builtin_cpu_supports("avx512vnni"));
#else
  constexpr bool vnni = false;
#endif
  return of_active_isa(portable::code_products, avx2::code_products,
                       vnni ? avx512vnni::code_products : avx512::code_products);
}

namespace {

// Codes of a segment for 64 rows, filled up to two pairs.
std::uint64_t codes_in(const CodeSegment& segment) {
  return std::uint64_t{(segment.count + 1u) / 2u * 2u} * 2 * group_cells;
}

}  // namespace

// The runs of a group, cut where an integer sum could overflow: |code| <= 2^(bits-1), |state| <= state_code_max < 2^14.
void Couplings::Packed::find_segments(const Couplings& couplings) {
  const std::uint32_t stretch = 1u << (18u - couplings.code_grid()->bits);
  static_assert((1u << (18u - code_bits_max)) % group_cells == 0);
  std::uint64_t size = 0;
  segment_begin = {0};
  for (std::uint32_t group = 0; group + 1 < run_begin.size(); ++group) {
    code_offset.push_back(size);
    for (std::uint32_t r = run_begin[group]; r != run_begin[group + 1]; ++r) {
      const std::uint32_t end = runs[r].first + runs[r].count;
      for (std::uint32_t k = runs[r].first; k < end;) {
        const std::uint32_t next = std::min(end, (k / stretch + 1) * stretch);
        const bool same_sum =
            segments.size() > segment_begin.back() && segments.back().first * 2 / stretch == k / stretch;
        if (same_sum) segments.back().ends_sum = 0;
        segments.push_back({k / 2, (next - k + 1) / 2, 1});
        size += codes_in(segments.back());
        k = next;
      }
    }
    segment_begin.push_back(static_cast<std::uint32_t>(segments.size()));
  }
}

namespace {

// The code of J_ik; 0 beyond the last cell.
std::int32_t code_of(const Couplings& couplings, std::uint32_t i, std::uint32_t k) {
  if (i >= couplings.cells() || k >= couplings.cells()) return 0;
  return static_cast<std::int32_t>(std::lrint(couplings.at(i, k) / couplings.code_grid()->step()));
}

// Codes of rows first..first+count-1 of one group as [columns / together][count][together] over those columns of the
// group's segments that are not before `from`.
template <class Code>
Code* pack_code_rows(const Couplings& couplings, const Couplings::Packed& packed, std::uint32_t group, std::uint32_t first,
                     std::uint32_t count, std::uint32_t together, std::uint32_t from, Code* out) {
  for (std::uint32_t s = packed.segment_begin[group]; s != packed.segment_begin[group + 1]; ++s) {
    const std::uint32_t begin = 2 * packed.segments[s].first, end = begin + 2 * packed.segments[s].count;
    for (std::uint32_t base = std::max(begin, from); base < end; base += together)
      for (std::uint32_t r = 0; r < count; ++r)
        for (std::uint32_t k = base; k < base + together; ++k)
          *out++ = static_cast<Code>(code_of(couplings, group * group_cells + first + r, k));
  }
  return out;
}

// From so many cells on reading a matrix of bytes takes longer than multiplying it, so that half of it is read, twice
// used.
constexpr std::uint32_t triangle_cells = 512;

}  // namespace

// Whether rows8 may be a triangle: the products can read one, and the matrix is symmetric, large, without blocks left
// out.
bool Couplings::Packed::fills_a_triangle(const Couplings& couplings) const {
  if (!code_products().triangles || !couplings.symmetric() || couplings.cells() < triangle_cells) return false;
  return std::all_of(runs.begin(), runs.end(), [&](const CouplingRun& run) { return run.count == couplings.cells(); });
}

void Couplings::Packed::pack_codes(const Couplings& couplings, PackedFor use) {
  const auto groups = static_cast<std::uint32_t>(code_offset.size());
  std::uint64_t size = 0;
  for (const CodeSegment& segment : segments) size += codes_in(segment);
  if (use == PackedFor::many_lanes && code_panels.empty()) {
    code_panels.resize(size);
    const std::uint32_t height = code_products().panel_rows;
    for (std::uint32_t group = 0; group < groups; ++group) {
      std::int16_t* out = code_panels.data() + code_offset[group];
      for (std::uint32_t first = 0; first < group_cells; first += height)
        out = pack_code_rows(couplings, *this, group, first, std::min(height, group_cells - first), 2, 0, out);
    }
  } else if (use == PackedFor::one_lane && couplings.code_grid()->bits <= 8 && rows8.empty()) {
    const std::uint32_t together = code_products().row_together;
    triangle = fills_a_triangle(couplings);
    byte_offset = code_offset;
    if (triangle) {
      size = 0;
      for (std::uint32_t group = 0; group < groups; ++group) {
        byte_offset[group] = size;
        size += std::uint64_t{groups - group} * group_cells * group_cells;
      }
    }
    rows8.resize(size);
    for (std::uint32_t group = 0; group < groups; ++group)
      pack_code_rows(couplings, *this, group, 0, group_cells, together, triangle ? group * group_cells : 0,
                     rows8.data() + byte_offset[group]);
    for (std::uint32_t group = 0; group < groups; ++group)
      for (std::uint32_t s = segment_begin[group]; s != segment_begin[group + 1]; ++s)
        for (std::uint32_t r = 0; r < group_cells; ++r) {
          std::int32_t sum = 0;
          for (std::uint32_t k = 2 * segments[s].first; k < 2 * (segments[s].first + segments[s].count); ++k)
            sum += code_of(couplings, group * group_cells + r, k);
          row_sums.push_back(sum);
        }
  } else if (use == PackedFor::one_lane && couplings.code_grid()->bits > 8 && rows16.empty()) {
    rows16.resize(size);
    for (std::uint32_t group = 0; group < groups; ++group)
      pack_code_rows(couplings, *this, group, 0, group_cells, 2, 0, rows16.data() + code_offset[group]);
  }
  codes = {segment_begin.data(),
           segments.data(),
           code_offset.data(),
           code_panels.data(),
           rows8.empty() ? nullptr : rows8.data(),
           byte_offset.data(),
           triangle,
           rows16.empty() ? nullptr : rows16.data(),
           row_sums.data(),
           couplings.code_grid()->step()};
}

}  // namespace heatbath::physics
