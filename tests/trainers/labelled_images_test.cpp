#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "heatbath/error.hpp"
#include "heatbath/trainers/generative.hpp"
#include "heatbath/trainers/images.hpp"

namespace heatbath::trainers {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string number(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string image_file(std::uint32_t count, std::uint32_t side = 28, std::uint32_t magic = 0x803) {
  std::string bytes = number(magic) + number(count) + number(side) + number(side);
  for (std::uint32_t i = 0; i < count * side * side; ++i) bytes += static_cast<char>(i * 7);
  return bytes;
}

std::string label_file(std::uint32_t count, std::uint32_t magic = 0x801) {
  std::string bytes = number(magic) + number(count);
  for (std::uint32_t i = 0; i < count; ++i) bytes += static_cast<char>(i % 10);
  return bytes;
}

class IdxFiles : public ::testing::Test {
 protected:
  IdxFiles() : folder_(fs::temp_directory_path() / ("heatbath_idx_" + std::to_string(getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~IdxFiles() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  void write_gz(const std::string& name, const std::string& bytes) {
    gzFile file = gzopen((folder_ / name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
  }
  std::string refusal() {
    try {
      read_idx(folder_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_IO);
      EXPECT_THAT(error.what(), AllOf(HasSubstr(folder_.string()), Not(HasSubstr("\n"))));
      return error.what();
    }
    ADD_FAILURE() << "read_idx accepted the folder";
    return {};
  }

  fs::path folder_;
};

TEST_F(IdxFiles, PlainAndCompressedFilesReadAlike) {
  write("t10k-images-idx3-ubyte", image_file(12));
  write_gz("t10k-labels-idx1-ubyte.gz", label_file(12));
  const Images images = read_idx(folder_);
  ASSERT_EQ(images.size(), 12u);
  EXPECT_EQ(images.rows, 28u);
  EXPECT_EQ(images.labels[11], 1);
  for (std::size_t i = 0; i < 784; ++i) ASSERT_EQ(images.image(3)[i], static_cast<std::uint8_t>((3 * 784 + i) * 7));

  fs::remove(folder_ / "t10k-images-idx3-ubyte");
  write_gz("t10k-images-idx3-ubyte.gz", image_file(12));
  EXPECT_EQ(read_idx(folder_).pixels, images.pixels);
}

TEST_F(IdxFiles, OfTheSetsOfOneFolderTheTrainingSetIsRead) {
  for (const auto& [train, test] : {std::pair{"train-", "t10k-"}, {"emnist-letters-train-", "emnist-letters-test-"}}) {
    for (const auto& [prefix, count] : {std::pair{std::string(train), 3}, {std::string(test), 2}}) {
      write(prefix + "images-idx3-ubyte", image_file(count));
      write(prefix + "labels-idx1-ubyte", label_file(count));
    }
    const Images images = read_idx(folder_);
    EXPECT_EQ(images.size(), 3u);
    EXPECT_THAT(images.source, HasSubstr(std::string(train) + "images"));
    for (const auto& entry : fs::directory_iterator(folder_)) fs::remove(entry.path());
  }
}

TEST_F(IdxFiles, OfSeveralSetsForTrainingOrNoneOfThemOneIsAskedFor) {
  for (const char* prefix : {"b-", "a-"}) {
    write(std::string(prefix) + "images-idx3-ubyte", image_file(3));
    write(std::string(prefix) + "labels-idx1-ubyte", label_file(3));
  }
  EXPECT_THAT(refusal(), AllOf(HasSubstr("several sets, a-images-idx3-ubyte and b-images-idx3-ubyte"), HasSubstr("leave")));
  write("emnist-letters-train-images-idx3-ubyte", image_file(1));
  write("emnist-digits-train-images-idx3-ubyte", image_file(1));
  EXPECT_THAT(refusal(), HasSubstr("several sets, emnist-digits-train-images-idx3-ubyte"));
}

TEST_F(IdxFiles, NamesWithADotAreFound) {
  write("train-images.idx3-ubyte", image_file(4));
  write("train-labels.idx1-ubyte", label_file(4));
  write("t10k-images.idx3-ubyte", image_file(2));
  write("t10k-labels.idx1-ubyte", label_file(2));
  EXPECT_EQ(read_idx(folder_).size(), 4u);
  fs::remove(folder_ / "train-labels.idx1-ubyte");
  write_gz("train-labels-idx1-ubyte.gz", label_file(4));
  write_gz("train-images.idx3-ubyte.gz", image_file(9));
  EXPECT_EQ(read_idx(folder_).size(), 4u) << "the plain file of a set before its .gz";
}

TEST_F(IdxFiles, MissingFilesAreNamed) {
  EXPECT_THAT(refusal(), HasSubstr("*images-idx3-ubyte*"));
  write("train-images-idx3-ubyte", image_file(2));
  EXPECT_THAT(refusal(), HasSubstr("train-labels-idx1-ubyte"));
  fs::remove_all(folder_);
  EXPECT_THAT(refusal(), HasSubstr("cannot be listed"));
}

TEST_F(IdxFiles, WrongMagicSaysFoundAndExpected) {
  write("images-idx3-ubyte", image_file(2, 28, 0x801));
  write("labels-idx1-ubyte", label_file(2));
  EXPECT_THAT(refusal(), AllOf(HasSubstr("0x00000801"), HasSubstr("0x00000803")));
  write("images-idx3-ubyte", image_file(2));
  write("labels-idx1-ubyte", label_file(2, 0xdeadbeef));
  EXPECT_THAT(refusal(), AllOf(HasSubstr("0xDEADBEEF"), HasSubstr("0x00000801")));
}

TEST_F(IdxFiles, TruncatedFilesAreRefused) {
  write("labels-idx1-ubyte", label_file(2));
  const std::string whole = image_file(2);
  write("images-idx3-ubyte", whole.substr(0, 10));
  EXPECT_THAT(refusal(), HasSubstr("header"));
  write("images-idx3-ubyte", whole.substr(0, whole.size() - 1));
  EXPECT_THAT(refusal(), AllOf(HasSubstr("truncated"), HasSubstr("1567"), HasSubstr("1568")));
  write("images-idx3-ubyte", number(0x803) + number(0xffffffff) + number(28) + number(28));
  write("labels-idx1-ubyte", number(0x801) + number(0xffffffff));
  EXPECT_THAT(refusal(), HasSubstr("truncated"));  // and not out of memory
  write("labels-idx1-ubyte", label_file(2));
  write("images-idx3-ubyte", whole + "x");
  EXPECT_THAT(refusal(), HasSubstr("goes on"));
  write("images-idx3-ubyte", whole);
  write("labels-idx1-ubyte", label_file(2).substr(0, 9));
  EXPECT_THAT(refusal(), AllOf(HasSubstr("truncated"), HasSubstr("labels")));
}

TEST_F(IdxFiles, CutCompressedDataAreRefused) {
  write("labels-idx1-ubyte", label_file(200));
  write_gz("images-idx3-ubyte.gz", image_file(200));
  fs::resize_file(folder_ / "images-idx3-ubyte.gz", fs::file_size(folder_ / "images-idx3-ubyte.gz") / 2);
  EXPECT_THAT(refusal(), HasSubstr("truncated"));
}

TEST_F(IdxFiles, OtherSizesCountsAndLabelsAreRefused) {
  write("labels-idx1-ubyte", label_file(2));
  write("images-idx3-ubyte", image_file(2, 32));
  EXPECT_THAT(refusal(), AllOf(HasSubstr("32x32"), HasSubstr("28x28")));
  write("images-idx3-ubyte", image_file(3));
  EXPECT_THAT(refusal(), AllOf(HasSubstr("2 labels"), HasSubstr("3 images")));
  write("images-idx3-ubyte", image_file(0));
  EXPECT_THAT(refusal(), HasSubstr("0 images"));
  write("images-idx3-ubyte", image_file(1));
  write("labels-idx1-ubyte", number(0x801) + number(1) + '\x0a');
  EXPECT_THAT(refusal(), HasSubstr("label 0 is 10"));
}

TEST(Classes, NthImageOfAClassCountsInFileOrder) {
  const Images images = draw_digits(1, 3);
  EXPECT_EQ(nth_of_class(images, 4), 4u);
  EXPECT_EQ(nth_of_class(images, 4, 2), 24u);
  try {
    nth_of_class(images, 4, 3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_BAD_ARG);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("class 4"), HasSubstr("holds 3")));
  }
}

TEST(DrawnDigits, AreAPureFunctionOfSeedAndIndex) {
  const Images few = draw_digits(7, 2), many = draw_digits(7, 5), other = draw_digits(8, 2);
  EXPECT_TRUE(std::equal(few.pixels.begin(), few.pixels.end(), many.pixels.begin()));
  EXPECT_NE(few.pixels, other.pixels);
  for (std::size_t i = 0; i < many.size(); ++i) EXPECT_EQ(many.labels[i], i % 10);
}

TEST(DrawnDigits, HaveInkOfFullStrengthInTheMiddleBoxOnly) {
  const Images images = draw_digits(3, 20);
  for (std::size_t n = 0; n < images.size(); ++n) {
    const auto image = images.image(n);
    EXPECT_EQ(*std::max_element(image.begin(), image.end()), 255) << n;
    for (std::size_t i = 0; i < 784; ++i) {
      const bool border = i / 28 < 3 || i / 28 > 24 || i % 28 < 3 || i % 28 > 24;
      ASSERT_TRUE(!border || image[i] == 0) << "image " << n << " pixel " << i;
    }
  }
}

TEST(DrawnDigits, NearestClassMeanTellsTheClassesApart) {
  const Images train = draw_digits(1, 100), test = draw_digits(2, 40);
  std::vector<std::vector<double>> means(10, std::vector<double>(784));
  for (std::size_t n = 0; n < train.size(); ++n)
    for (std::size_t i = 0; i < 784; ++i) means[train.labels[n]][i] += train.image(n)[i] / 100.0;
  int right = 0;
  for (std::size_t n = 0; n < test.size(); ++n) {
    int best = 0;
    double least = std::numeric_limits<double>::max();
    for (int digit = 0; digit < 10; ++digit) {
      double distance = 0;
      for (std::size_t i = 0; i < 784; ++i) distance += std::pow(test.image(n)[i] - means[digit][i], 2);
      if (distance < least) least = distance, best = digit;
    }
    right += best == test.labels[n];
  }
  RecordProperty("right", right);
  EXPECT_GT(right, 360) << "of 400";
  // Two images of a class are not the same image.
  EXPECT_FALSE(std::equal(test.image(0).begin(), test.image(0).end(), test.image(10).begin()));
}

TEST(ImageScaling, CommonNormIs44Point48) {
  const Images data = draw_digits(1, 1);
  const std::vector<std::size_t> indices{0, 1, 2};
  const std::vector<float> scaled = scale_images(data, indices, Scaling::common_norm);
  for (int n = 0; n < 3; ++n) {
    double squares = 0;
    for (int i = 0; i < 784; ++i) squares += std::pow(scaled[n * 784 + i], 2);
    EXPECT_NEAR(std::sqrt(squares), 44.48, 1e-4);
  }
  // Ratios are those of (pixel/255 - 0.13066)/0.30811: background to full ink.
  const auto image = data.image(0);
  const auto peak = std::max_element(image.begin(), image.end()) - image.begin();
  EXPECT_NEAR(scaled[peak] / scaled[0], (1 - 0.13066) / -0.13066, 1e-5);
}

TEST(ImageScaling, UnitVarianceHasMeanZero) {
  const Images data = draw_digits(1, 1);
  const std::vector<std::size_t> indices{5};
  const std::vector<float> scaled = scale_images(data, indices, Scaling::unit_variance);
  double sum = 0, squares = 0;
  for (const float s : scaled) sum += s, squares += s * s;
  EXPECT_NEAR(sum / 784, 0, 1e-6);
  EXPECT_NEAR(squares / 784, 1, 1e-5);
}

TEST(ImageScaling, WhatCannotBeScaledIsRefused) {
  Images data = draw_digits(1, 1);
  const std::vector<std::size_t> beyond{10}, blank{0};
  EXPECT_THROW(scale_images(data, beyond, Scaling::common_norm), Error);
  std::fill_n(data.pixels.begin(), 784, 40);
  EXPECT_THROW(scale_images(data, blank, Scaling::unit_variance), Error);
  EXPECT_NO_THROW(scale_images(data, blank, Scaling::common_norm));
}

TEST(DriveField, PixelDriveWrapsAroundTheImage) {
  const std::vector<float> image{1, -2, 3};
  EXPECT_THAT(drive_field(image, 5, Drive::pixel, 1), ::testing::ElementsAre(2, -4, 6, 2, -4, 6, 2, -4));
}

TEST(DriveField, ProjectionIsLinearSeededAndOfTheRightSize) {
  const Images data = draw_digits(1, 1);
  const std::vector<std::size_t> indices{3};
  const std::vector<float> s = scale_images(data, indices, Scaling::common_norm);
  std::vector<float> twice = s;
  for (float& value : twice) value *= 2;
  const auto h = drive_field(s, 512, Drive::projection, 1), h2 = drive_field(twice, 512, Drive::projection, 1);
  EXPECT_NE(h, drive_field(s, 512, Drive::projection, 2));
  double squares = 0;
  for (std::size_t a = 784; a < 784 + 512; ++a) {
    EXPECT_NEAR(h2[a], 2 * h[a], 1e-4);
    squares += h[a] * h[a] / 512.0;
  }
  // Each is normal with variance 4 |s|^2 / 784; the mean of 512 squares has s.d. sqrt(2/512) = 6 %.
  EXPECT_NEAR(squares / (4 * 44.48 * 44.48 / 784), 1.0, 0.25);
  // The projection of more hidden cells begins with that of fewer.
  const auto fewer = drive_field(s, 16, Drive::projection, 1);
  EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), h.begin()));
}

TEST(Classification, SignedNearestPrototype) {
  Prototypes prototypes{{3, 8}, {1, 0, 0, 0, /**/ 0, 0, 1, 1}};
  Samples samples;
  samples.shots = 4;
  samples.visible = 4;
  samples.images = {5, 1, 1, 1, /**/ 1, 1, -2, -2, /**/ -1, 0, 0, 0, /**/ 2, 2, 2, 2};
  const Classification result = classify(samples, prototypes);
  EXPECT_THAT(result.prototype, ::testing::ElementsAre(0, 1, 0, 0));
  EXPECT_NEAR(result.correlation[0], 1, 1e-6);
  EXPECT_NEAR(result.correlation[1], -1, 1e-6);
  EXPECT_NEAR(result.correlation[2], -1, 1e-6);
  EXPECT_EQ(result.correlation[3], 0) << "a constant sample is like nothing";
  EXPECT_DOUBLE_EQ(result.inverted_fraction, 0.5);
  EXPECT_DOUBLE_EQ(result.fractions[1], 0.25);
  prototypes.images.pop_back();
  EXPECT_THROW(classify(samples, prototypes), Error);
}

}  // namespace
}  // namespace heatbath::trainers
