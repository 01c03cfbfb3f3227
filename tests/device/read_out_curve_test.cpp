// The integral nonlinearity of the read-out: its law, whose it is, and where it acts.
#include "hw_model/analog/read_out_curve.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <vector>

#include "board.hpp"

namespace heatbath::model {
namespace {

using namespace bench;

constexpr float range = 4.0f, step = 4.0f / 512;
constexpr double root3 = 1.7320508075688772;

/// Departures in steps of all cells at z = x / range.
std::vector<double> departures(const ReadOutCurve& curve, std::uint32_t cells, double z, std::uint32_t component = 0) {
  const auto x = static_cast<float>(z * static_cast<double>(range));
  std::vector<float> values(cells, x);
  curve.read_out(component, 0, values, nullptr);
  std::vector<double> out(cells);
  for (std::uint32_t i = 0; i < cells; ++i)
    out[i] = (static_cast<double>(values[i]) - static_cast<double>(x)) / static_cast<double>(step);
  return out;
}

ReadOutCurve curve_of(float sd, std::uint64_t serial, std::uint32_t cells) {
  ReadOutCurve curve(sd, {ReadOutCurve::Component{range, step}, ReadOutCurve::Component{}}, serial);
  curve.prepare_read_out(cells);
  return curve;
}

TEST(ReadOutCurve, IsABowAndAnSThatVanishAtTheEnds) {
  constexpr std::uint32_t cells = 64;
  const ReadOutCurve curve = curve_of(3, 5, cells);
  const auto bow = departures(curve, cells, 0), plus = departures(curve, cells, 1 / root3);
  for (const double z : {-1.0, -0.75, -0.3, 0.1, 0.625, 1.0}) {
    const auto found = departures(curve, cells, z);
    for (std::uint32_t i = 0; i < cells; ++i) {
      const double ess = plus[i] - bow[i] * 2 / 3;  // the S peaks there with 1
      EXPECT_NEAR(found[i], bow[i] * (1 - z * z) + ess * 1.5 * root3 * (z - z * z * z), 2e-4) << i << " at " << z;
    }
  }
  for (const double z : {-1.5, 1.25}) EXPECT_EQ(departures(curve, cells, z), std::vector<double>(cells, 0.0));
  EXPECT_EQ(departures(curve, cells, 0.3, 1), std::vector<double>(cells, 0.0)) << "a component that is not converted";
}

TEST(ReadOutCurve, HasTheSpreadItWasGivenAndIsThePartsOwn) {
  constexpr std::uint32_t cells = 4096;
  const ReadOutCurve curve = curve_of(0.7f, 9, cells);
  const auto bow = departures(curve, cells, 0), plus = departures(curve, cells, 1 / root3);
  double bows = 0, esses = 0, both = 0;
  for (std::uint32_t i = 0; i < cells; ++i) {
    const double ess = plus[i] - bow[i] * 2 / 3;
    bows += bow[i] * bow[i], esses += ess * ess, both += bow[i] * ess;
  }
  const double error = 5 * 0.7 / std::sqrt(2.0 * cells);
  EXPECT_NEAR(std::sqrt(bows / cells), 0.7, error);
  EXPECT_NEAR(std::sqrt(esses / cells), 0.7, error);
  EXPECT_LT(std::abs(both / cells), 5 * 0.49 / std::sqrt(1.0 * cells));
  const auto few = departures(curve_of(0.7f, 9, 20), 20, 0), other = departures(curve_of(0.7f, 10, 20), 20, 0);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), bow.begin())) << "they do not depend on how many cells there are";
  EXPECT_NE(few, other);
}

/// Codes of four cells held at these values by a chip of this [capture] table.
std::vector<std::int16_t> codes_of(const std::string& capture, const std::string& cell = "overdamped") {
  const auto path = std::filesystem::temp_directory_path() / ("heatbath_curve_" + std::to_string(getpid()) + ".toml");
  std::ofstream(path) << "[identity]\nserial = 77\n[array]\nrail = 4.0\ncell = \"" << cell << "\"\n[capture]\n" << capture;
  Board board(path.string(), {.cells = 4, .lanes = 1, .threads = 1});
  std::filesystem::remove(path);
  board.put(operands_at, cell == "pbit" ? std::vector<float>{1, -1, -1, 1} : std::vector<float>{0.5f, -0.5f, 3.9921875f, 0});
  EXPECT_EQ(board.start({cells_from(HB_OP_CLAMP, 0, 4, operands_at), op(HB_OP_SAMPLE)}), HB_OK);
  board.finish();
  EXPECT_TRUE(board.done());
  return board.get<std::int16_t>(ring_at + sizeof(hb_record_header_t), 4);
}

TEST(ReadOutCurve, ActsOnTheCodesOfAChip) {
  const std::string ten_bits = "storage = \"code16\"\nbits = 10\n";
  EXPECT_EQ(codes_of(ten_bits + "inl_sd_steps = 0.0\n"), codes_of(ten_bits));
  ReadOutCurve curve(40, {ReadOutCurve::Component{4.0f, 4.0f / 512}, ReadOutCurve::Component{}}, 77);
  curve.prepare_read_out(4);
  std::vector<float> read{0.5f, -0.5f, 3.9921875f, 0};
  curve.read_out(0, 0, read);
  const auto codes = codes_of(ten_bits + "inl_sd_steps = 40.0\n");
  for (std::size_t i = 0; i < read.size(); ++i)
    EXPECT_EQ(codes[i], static_cast<std::int16_t>(std::nearbyint(read[i] * 128))) << i;
  EXPECT_NE(codes, codes_of(ten_bits));
  EXPECT_EQ(codes_of(ten_bits + "inl_sd_steps = 40.0\n", "pbit"), codes_of(ten_bits, "pbit")) << "spins are no voltages";
  EXPECT_THROW(codes_of("inl_sd_steps = 1.0\n"), std::invalid_argument) << "float32 has no steps";
}

}  // namespace
}  // namespace heatbath::model
