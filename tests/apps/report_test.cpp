#include <gmock/gmock.h>
#include <png.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include <nlohmann/json.hpp>

#include "heatbath/error.hpp"
#include "report/earlier_run.hpp"
#include "report/figure.hpp"
#include "report/generative_pictures.hpp"
#include "report/html_page.hpp"
#include "report/html_report.hpp"
#include "report/json_report.hpp"
#include "report/png_sheet.hpp"
#include "temporary_folder.hpp"

namespace heatbath::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Decoded {
  unsigned width = 0, height = 0;
  std::vector<std::uint8_t> rgb;
};

Decoded decode(const PngBytes& bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_TRUE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size())) << image.message;
  image.format = PNG_FORMAT_RGB;
  Decoded out{image.width, image.height, std::vector<std::uint8_t>(PNG_IMAGE_SIZE(image))};
  EXPECT_TRUE(png_image_finish_read(&image, nullptr, out.rgb.data(), 0, nullptr)) << image.message;
  return out;
}

TEST(GreyMap, IsThePapers) {
  EXPECT_EQ(grey(0), 128);
  EXPECT_EQ(grey(0.25f), std::lround(0.75 * 255));
  EXPECT_EQ(grey(-0.5f), 0);
  EXPECT_EQ(grey(0.9f), 255);
  EXPECT_EQ(grey(1.0f), std::lround((0.5 + 0.5 * std::tanh(2.0)) * 255));
  EXPECT_EQ(grey(-1.0f), std::lround((0.5 - 0.5 * std::tanh(2.0)) * 255));
}

TEST(SignedMap, IsWhiteAtZeroBlueBelowRedAbove) {
  const Colour zero = blue_white_red(0), low = blue_white_red(-1), high = blue_white_red(2);
  EXPECT_TRUE(zero.red == 255 && zero.green == 255 && zero.blue == 255);
  EXPECT_GT(low.blue, low.red);
  EXPECT_GT(high.red, high.blue);
}

TEST(PngSheet, PutsPixelsWhereTheyBelong) {
  PngSheet sheet(2, 3, 4, 5, 2, 1);
  sheet.set(1, 2, 3, 4, {1, 2, 3});
  const Decoded picture = decode(sheet.encode());
  ASSERT_EQ(picture.width, 3u * 11 + 1);
  ASSERT_EQ(picture.height, 2u * 9 + 1);
  // The last pixel of the last tile, enlarged to 2 x 2, ends one margin before the edges.
  std::size_t coloured = 0;
  for (unsigned y = 0; y < picture.height; ++y) {
    for (unsigned x = 0; x < picture.width; ++x) {
      const std::uint8_t* pixel = &picture.rgb[3 * (y * picture.width + x)];
      const bool inside = (y == 16 || y == 17) && (x == 31 || x == 32);
      EXPECT_EQ(pixel[0] == 1 && pixel[1] == 2 && pixel[2] == 3, inside) << x << " " << y;
      coloured += inside;
    }
  }
  EXPECT_EQ(coloured, 4u);
}

TEST(Base64, IsThatOfTheStandard) {
  // RFC 4648, section 10.
  const auto of = [](std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return base64(PngBytes(bytes.begin(), bytes.end()));
  };
  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "Zg==");
  EXPECT_EQ(of("fo"), "Zm8=");
  EXPECT_EQ(of("foo"), "Zm9v");
  EXPECT_EQ(of("foobar"), "Zm9vYmFy");
}

TEST(HtmlEscape, LeavesNoMarkup) { EXPECT_EQ(html_escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;"); }

TEST(Moments, AreInUnitsOfKT) {
  const Moments m = moments({1, 2, 3}, 0.5);
  EXPECT_DOUBLE_EQ(m.mean, 4);
  EXPECT_DOUBLE_EQ(m.sd, 2);
  EXPECT_TRUE(std::isnan(moments({1}, 1).sd));
  EXPECT_TRUE(std::isnan(moments({}, 1).mean));
}

/// A variable of the environment with a value of its own for one test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* const old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST(Figure, MissingGnuplotNamesThePackage) {
  const Variable empty("PATH", "/nonexistent");
  std::string why;
  EXPECT_FALSE(gnuplot_figure("plot sin(x)\n", "", why));
  EXPECT_THAT(why, HasSubstr("gnuplot-nox"));
}

TEST(Figure, TheFolderOfAKilledProcessGoesWithTheNextFigure) {
  const TemporaryFolder folder;
  const Variable here("TMPDIR", folder.path().string());
  const auto old = folder / ".heatbath-00000000-1-1-0.tmp", young = folder / ".heatbath-00000000-1-1-1.tmp",
             other = folder / "heatbath-mine";
  for (const auto& path : {old, young, other}) {
    std::filesystem::create_directory(path);
    std::ofstream(path / "data") << "0 1\n";
  }
  for (const auto& path : {old, other})
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(25));
  std::string why;
  gnuplot_figure("plot sin(x)\n", "", why);
  EXPECT_FALSE(std::filesystem::exists(old));
  EXPECT_TRUE(std::filesystem::exists(young / "data"));
  EXPECT_TRUE(std::filesystem::exists(other / "data"));
  EXPECT_EQ(folder.entries(), 2u);
}

TEST(Figure, GnuplotDrawsOrSaysWhyNot) {
  std::string why;
  const auto figure = gnuplot_figure("plot 'data' using 1:2 with lines\n", "0 1\n1 2\n", why);
  if (!figure && why.find("not installed") != std::string::npos) GTEST_SKIP() << why;
  ASSERT_TRUE(figure) << why;
  EXPECT_EQ(decode(*figure).width, 900u);
  EXPECT_FALSE(gnuplot_figure("plot nonsense(\n", "", why));
  EXPECT_THAT(why, HasSubstr("gnuplot failed"));
}

/// A report of a tiny machine: 4 visible cells, 2 hidden, one class.
GenerativeReport tiny_report() {
  GenerativeReport report;
  report.command = "train generate";
  trainers::GenerativeModel& model = report.saved.model;
  model.visible = 4;
  model.hidden = 2;
  model.couplings.assign(36, 0.0f);
  model.couplings[0 * 6 + 5] = model.couplings[5 * 6 + 0] = -2;
  model.couplings[1 * 6 + 4] = model.couplings[4 * 6 + 1] = 1;
  model.bias.assign(6, 0.0f);
  model.kT = 0.5f;
  model.prototypes = {{7}, {1, 0, 0, 0}};
  model.data_source = "<drawn>";
  report.saved.held_out_last.per_step = std::nan("");
  report.samples.shots = 2;
  report.samples.visible = 4;
  report.samples.images = {0, 1, 0, 1, 1, 1, 1, 1};
  report.samples.heat = {1, 3};
  report.samples.v0 = {5, 5};
  report.samples.vf = {4, 2};
  report.samples.heat_source = "meter";
  report.classes.fractions = {1};
  report.shots = 2;
  report.seed = 9;
  report.device = "func:";
  report.pictures = {samples_picture(report.samples, report.classes), receptive_fields_picture(model), training_picture(report.saved)};
  return report;
}

TEST(JsonReport, HasEveryKeyAndNullForWhatWasNotMeasured) {
  const nlohmann::json json = nlohmann::json::parse(json_report(tiny_report()).dump());
  for (const char* key : {"heat_mean_kT",    "heat_sd_kT",  "v0_kT",        "vf_kT",       "inverted_fraction",
                          "class_fractions", "correlation", "action_first", "action_last", "seconds",
                          "optimizer",       "seed",        "device",       "heat_source", "shots",
                          "clips",           "rails",       "digits",       "data_source", "settings",
                          "provenance"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  for (const char* key : {"build_programs", "simulate", "gradient", "generate", "total"}) {
    EXPECT_TRUE(json["seconds"].contains(key)) << key;
  }
  EXPECT_DOUBLE_EQ(json["heat_mean_kT"], 4);
  EXPECT_DOUBLE_EQ(json["v0_kT"], 10);
  EXPECT_DOUBLE_EQ(json["vf_kT"], 6);
  EXPECT_EQ(json["class_fractions"]["7"], 1.0);
  EXPECT_TRUE(json["action_last"].is_null());
  EXPECT_EQ(json["pictures"]["samples.png"], true);
  EXPECT_THAT(json["pictures"]["training.png"].get<std::string>(), HasSubstr("no record"));
}

TEST(HtmlReport, IsOneFileThatEscapesWhatItQuotes) {
  const std::string html = html_report(tiny_report());
  EXPECT_THAT(html, HasSubstr("data:image/png;base64,iVBOR"));
  EXPECT_THAT(html, HasSubstr("&lt;drawn&gt;"));
  EXPECT_THAT(html, HasSubstr("1.18 kT ln 2"));
  EXPECT_THAT(html, HasSubstr("settings differ"));
  EXPECT_THAT(html, Not(HasSubstr("<drawn>")));
  EXPECT_THAT(html, Not(HasSubstr("src=\"http")));
}

TEST(HtmlReport, ShowsAnEarlierRunBesideItsOwn) {
  const TemporaryFolder kept;
  const std::filesystem::path folder = kept.path();
  const auto report_is = [&](const std::string& text) { std::ofstream(folder / "report.json") << text; };
  report_is(json_report(tiny_report()).dump());
  GenerativeReport report = tiny_report();
  report.beside = earlier_run(folder);
  EXPECT_DOUBLE_EQ(report.beside->heat, 4);  // of 1 and 3 at kT = 0.5
  EXPECT_TRUE(std::isnan(report.beside->recognised));
  EXPECT_FALSE(report.beside->drawings);
  EXPECT_THAT(html_report(report), HasSubstr("<th>" + html_escape(report.beside->name()) + "</th>"));
  EXPECT_THAT(html_report(tiny_report()), Not(HasSubstr("<th>Run in")));
  EXPECT_EQ(json_report(report)["beside"], folder.string());

  report_is("{\"command\": \"bound\"}");
  EXPECT_THROW(earlier_run(folder), Error);
  report_is("no report");
  EXPECT_THROW(earlier_run(folder), Error);
  EXPECT_THROW(earlier_run(folder / "elsewhere"), Error);
}

TEST(Pictures, HiddenCellsAreOrderedByTheirCouplings) {
  EXPECT_THAT(hidden_by_strength(tiny_report().saved.model, 16), ::testing::ElementsAre(1, 0));
}

}  // namespace
}  // namespace heatbath::apps
