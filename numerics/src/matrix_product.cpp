#include "heatbath/numerics/matrix_product.hpp"

#include <algorithm>
#include <cstring>

#include "heatbath/numerics/cache_line.hpp"
#include "heatbath/numerics/isa.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "numerics/src/product_kernels.hpp"

namespace heatbath::numerics {
namespace {

const ProductKernels& kernels() {
  switch (active_isa()) {
    case Isa::avx512: return avx512::product_kernels;
    case Isa::avx2: return avx2::product_kernels;
    case Isa::portable: break;
  }
  return portable::product_kernels;
}

// Blocks that stay in the caches: a panel of A and a block of B per k_block, a slab of row_block rows per piece of
// work.
constexpr std::size_t k_block = 320;
constexpr std::size_t row_block = 24;

template <std::size_t width>
void copy_rows_of(const float* source, std::ptrdiff_t stride, std::size_t depth, float* out) {
  for (std::size_t k = 0; k < depth; ++k)
    std::memcpy(out + k * width, source + static_cast<std::ptrdiff_t>(k) * stride, width * sizeof(float));
}

// `depth` rows of `width` floats; copies of a known size are a few instructions, others a call each.
void copy_rows(const float* source, std::ptrdiff_t stride, std::size_t depth, std::size_t width, float* out) {
  switch (width) {
    case 4:
      return copy_rows_of<4>(source, stride, depth, out);
    case 6:
      return copy_rows_of<6>(source, stride, depth, out);
    case 12:
      return copy_rows_of<12>(source, stride, depth, out);
    case 16:
      return copy_rows_of<16>(source, stride, depth, out);
    case 32:
      return copy_rows_of<32>(source, stride, depth, out);
    default:
      for (std::size_t k = 0; k < depth; ++k)
        std::memcpy(out + k * width, source + static_cast<std::ptrdiff_t>(k) * stride, width * sizeof(float));
  }
}

// `width` rows of `depth` floats as [depth][width]: reads run along the rows, writes do not jump.
template <std::size_t width>
void transpose_rows(const float* source, std::ptrdiff_t stride, std::size_t depth, float* out) {
  for (std::size_t k = 0; k < depth; ++k, out += width)
    for (std::size_t i = 0; i < width; ++i) out[i] = source[static_cast<std::ptrdiff_t>(i) * stride + static_cast<std::ptrdiff_t>(k)];
}

// Rows (or columns) first.. of a strided matrix as panels [k][width], zero beyond the edge.
void pack(MatrixView view, std::size_t first, std::size_t count, std::size_t k0, std::size_t depth, std::size_t width,
          float* out) {
  for (std::size_t base = 0; base < count; base += width) {
    const std::size_t used = std::min(width, count - base);
    const float* source = view.data + static_cast<std::ptrdiff_t>(first + base) * view.row_stride +
                          static_cast<std::ptrdiff_t>(k0) * view.column_stride;
    if (view.row_stride == 1 && used == width) {
      copy_rows(source, view.column_stride, depth, width, out);
    } else if (view.row_stride == 1) {
      for (std::size_t k = 0; k < depth; ++k) {
        std::memcpy(out + k * width, source + static_cast<std::ptrdiff_t>(k) * view.column_stride, used * sizeof(float));
        for (std::size_t i = used; i < width; ++i) out[k * width + i] = 0.0f;
      }
    } else if (view.column_stride == 1 && used == width && width == 6) {
      transpose_rows<6>(source, view.row_stride, depth, out);
    } else if (view.column_stride == 1 && used == width && width == 12) {
      transpose_rows<12>(source, view.row_stride, depth, out);
    } else if (view.column_stride == 1 && used == width && width == 16) {
      transpose_rows<16>(source, view.row_stride, depth, out);
    } else if (view.column_stride == 1 && used == width && width == 32) {
      transpose_rows<32>(source, view.row_stride, depth, out);
    } else {
      for (std::size_t i = 0; i < used; ++i) {
        const float* row = source + static_cast<std::ptrdiff_t>(i) * view.row_stride;
        for (std::size_t k = 0; k < depth; ++k) out[k * width + i] = row[static_cast<std::ptrdiff_t>(k) * view.column_stride];
      }
      for (std::size_t i = used; i < width; ++i)
        for (std::size_t k = 0; k < depth; ++k) out[k * width + i] = 0.0f;
    }
    out += depth * width;
  }
}

}  // namespace

void matrix_product(std::size_t m, std::size_t n, std::size_t k, MatrixView a, MatrixView b, float* c, std::size_t ldc,
                    bool accumulate, ThreadTeam* team) {
  const ProductKernels& kernel = kernels();
  const auto rows = static_cast<std::size_t>(kernel.panel_rows), columns = static_cast<std::size_t>(kernel.panel_columns);
  const auto for_each = [&](std::size_t count, const std::function<void(std::size_t)>& piece) {
    if (team) {
      team->run(count, piece);
    } else {
      for (std::size_t i = 0; i < count; ++i) piece(i);
    }
  };
  if (!accumulate && k == 0)
    for (std::size_t i = 0; i < m; ++i) std::memset(c + i * ldc, 0, n * sizeof(float));

  const std::size_t column_panels = (n + columns - 1) / columns;
  const std::size_t row_blocks = (m + row_block - 1) / row_block;
  static_assert(row_block % 4 == 0 && row_block % 6 == 0 && row_block % 12 == 0);
  CacheLines<float> packed_b(column_panels * columns * std::min(k, k_block));
  for (std::size_t k0 = 0; k0 < k; k0 += k_block) {
    const std::size_t depth = std::min(k_block, k - k0);
    const bool fresh = !accumulate && k0 == 0;
    for_each(column_panels, [&](std::size_t panel) {
      const std::size_t first = panel * columns;
      pack(b.transposed(), first, std::min(columns, n - first), k0, depth, columns, packed_b.data() + first * depth);
    });
    for_each(row_blocks, [&](std::size_t block) {
      const std::size_t first = block * row_block;
      const std::size_t count = std::min(row_block, m - first);
      alignas(cache_line) float packed_a[row_block * k_block];
      pack(a, first, count, k0, depth, rows, packed_a);
      float edge[product_rows_most * product_columns_most];
      for (std::size_t panel = 0; panel < column_panels; ++panel) {
        const float* right = packed_b.data() + panel * columns * depth;
        const std::size_t width = std::min(columns, n - panel * columns);
        for (std::size_t row = 0; row < count; row += rows) {
          float* out = c + (first + row) * ldc + panel * columns;
          const float* left = packed_a + row * depth;
          const std::size_t height = std::min(rows, count - row);
          if (height == rows && width == columns) {
            const bool whole = row + 2 * rows <= count;  // so is the tile to come, in this column
            kernel.multiply(static_cast<long>(depth), left, right, out, static_cast<long>(ldc), fresh,
                            whole ? out + rows * ldc : out);
          } else {
            for (std::size_t i = 0; i < height && !fresh; ++i)
              std::memcpy(edge + i * columns, out + i * ldc, width * sizeof(float));
            kernel.multiply(static_cast<long>(depth), left, right, edge, static_cast<long>(columns), fresh, edge);
            for (std::size_t i = 0; i < height; ++i) std::memcpy(out + i * ldc, edge + i * columns, width * sizeof(float));
          }
        }
      }
    });
  }
}

}  // namespace heatbath::numerics
