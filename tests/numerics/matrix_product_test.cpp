#include "heatbath/numerics/matrix_product.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "heatbath/numerics/isa.hpp"
#include "heatbath/numerics/thread_team.hpp"

namespace heatbath::numerics {
namespace {

std::vector<float> values(std::size_t count, std::uint32_t seed) {
  std::vector<float> v(count);
  std::uint32_t state = seed * 2654435761u + 1u;
  for (auto& x : v) {
    state = state * 1664525u + 1013904223u;
    x = (static_cast<float>(state >> 8) / 8388608.0f - 1.0f) * 3.0f;
  }
  return v;
}

struct Shape {
  std::size_t m, n, k;
};

class MatrixProductOnEveryIsa : public ::testing::TestWithParam<Shape> {
 protected:
  ~MatrixProductOnEveryIsa() override { select_isa(before_); }
  Isa before_ = active_isa();
};

TEST_P(MatrixProductOnEveryIsa, EachElementIsOneFusedChainOverAscendingK) {
  const auto [m, n, k] = GetParam();
  const auto a = values(m * k, 1), b = values(k * n, 2), start = values(m * n, 3);
  std::vector<float> expected = start;
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t l = 0; l < k; ++l) expected[i * n + j] = std::fma(a[i * k + l], b[l * n + j], expected[i * n + j]);
  for (const Isa isa : available_isas()) {
    ASSERT_TRUE(select_isa(isa));
    for (const unsigned threads : {1u, 2u, 3u}) {
      ThreadTeam team(threads);
      std::vector<float> c = start;
      matrix_product(m, n, k, {a.data(), static_cast<std::ptrdiff_t>(k), 1}, {b.data(), static_cast<std::ptrdiff_t>(n), 1},
                     c.data(), n, true, &team);
      EXPECT_EQ(c, expected) << name(isa) << " with " << threads << " threads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, MatrixProductOnEveryIsa,
                         ::testing::Values(Shape{1, 1, 1}, Shape{6, 16, 320}, Shape{5, 17, 321}, Shape{97, 33, 7},
                                           Shape{200, 50, 700}, Shape{3, 3, 0}));

TEST(MatrixProduct, TakesStridedOperandsAndLeavesTheRestOfCAlone) {
  // A^T stored, B transposed stored, C a block inside a larger matrix.
  const std::size_t m = 9, n = 20, k = 11, ldc = 25;
  const auto at = values(k * m, 4), bt = values(n * k, 5);
  std::vector<float> c(m * ldc, 7.0f);
  matrix_product(m, n, k, {at.data(), 1, static_cast<std::ptrdiff_t>(m)}, {bt.data(), 1, static_cast<std::ptrdiff_t>(k)},
                 c.data(), ldc);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < ldc; ++j) {
      float expected = 7.0f;
      if (j < n) {
        expected = 0.0f;
        for (std::size_t l = 0; l < k; ++l) expected = std::fma(at[l * m + i], bt[j * k + l], expected);
      }
      EXPECT_EQ(c[i * ldc + j], expected);
    }
}

}  // namespace
}  // namespace heatbath::numerics
