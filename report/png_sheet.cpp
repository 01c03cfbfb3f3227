#include "report/png_sheet.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <png.h>

#include "heatbath/error.hpp"

namespace heatbath::apps {

static_assert(sizeof(Colour) == 3, "rows are handed to libpng as they lie in memory");

namespace {
constexpr Colour kPaper{245, 246, 248};
}

PngSheet::PngSheet(std::size_t tile_rows, std::size_t tile_columns, std::size_t pixel_rows, std::size_t pixel_columns,
                   std::size_t scale, std::size_t margin)
    : pixel_rows_(pixel_rows),
      pixel_columns_(pixel_columns),
      scale_(scale),
      margin_(margin),
      width_(tile_columns * (pixel_columns * scale + margin) + margin),
      height_(tile_rows * (pixel_rows * scale + margin) + margin),
      pixels_(width_ * height_, kPaper) {}

void PngSheet::set(std::size_t tile_row, std::size_t tile_column, std::size_t row, std::size_t column, Colour colour) {
  const std::size_t top = margin_ + tile_row * (pixel_rows_ * scale_ + margin_) + row * scale_;
  const std::size_t left = margin_ + tile_column * (pixel_columns_ * scale_ + margin_) + column * scale_;
  for (std::size_t y = top; y < top + scale_; ++y) std::fill_n(pixels_.begin() + y * width_ + left, scale_, colour);
}

PngBytes PngSheet::encode() const {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width_);
  image.height = static_cast<png_uint_32>(height_);
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  PngBytes bytes(size);
  if (!png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels_.data(), 0, nullptr)) {
    throw Error(HB_IO,
                fmt::format("a picture of {} x {} pixels cannot be encoded: {}", width_, height_, image.message));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace heatbath::apps
