#pragma once
// A sheet of small pictures in rows and columns, as PNG.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "report/grey_map.hpp"

namespace heatbath::apps {

using PngBytes = std::vector<std::byte>;

/// Tiles of rows x columns pixels, each pixel enlarged `scale` times, with margins between them.
class PngSheet {
 public:
  PngSheet(std::size_t tile_rows, std::size_t tile_columns, std::size_t pixel_rows, std::size_t pixel_columns,
           std::size_t scale = 5, std::size_t margin = 10);

  std::size_t width() const { return width_; }
  std::size_t height() const { return height_; }

  /// Colours one pixel of one tile.
  void set(std::size_t tile_row, std::size_t tile_column, std::size_t row, std::size_t column, Colour colour);

  /// Throws Error(IO) when libpng refuses.
  PngBytes encode() const;

 private:
  std::size_t pixel_rows_, pixel_columns_, scale_, margin_, width_, height_;
  std::vector<Colour> pixels_;
};

}  // namespace heatbath::apps
