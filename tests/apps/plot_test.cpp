// Figures of result files: what is read, what is drawn of it, and what is refused.

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <sstream>

#include "files/hdf5_file.hpp"
#include "files/npz_file.hpp"
#include "files/result_arrays.hpp"
#include "heatbath/error.hpp"
#include "report/result_figure.hpp"
#include "temporary_folder.hpp"

namespace heatbath::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

/// The numbers of a figure's data, row by row; blank lines left out.
std::vector<std::vector<double>> rows(const ResultFigure& figure) {
  std::vector<std::vector<double>> all;
  std::istringstream in(figure.data);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::vector<double> row;
    for (std::string word; words >> word;) row.push_back(std::stod(word));
    if (!row.empty()) all.push_back(row);
  }
  return all;
}

const Canvas kText{Canvas::Kind::text, 80, 20};

TEST(ResultArrays, AreThoseOfNpzHdf5AndJson) {
  const TemporaryFolder folder;
  NpzFile npz;
  npz.add("states", std::vector<float>{1, 2, 3, 4, 5, 6}, {1, 3, 2});
  npz.add("ticks", std::vector<std::uint64_t>{10, 20, 30}, {3});
  npz.add_text("provenance", "{}");
  npz.write(folder / "r.npz");
  std::vector<ResultArray> arrays = result_arrays(folder / "r.npz");
  ASSERT_EQ(arrays.size(), 2u) << "texts are no series";
  EXPECT_EQ(arrays[0].name, "states");
  EXPECT_THAT(arrays[0].shape, ElementsAre(1, 3, 2));
  EXPECT_THAT(arrays[0].values, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(arrays[1].values, ElementsAre(10, 20, 30));

  Hdf5Writer hdf5(folder / "m.h5");
  hdf5.dataset("losses", std::vector<double>{3, 2.5}, {2}, "1");
  hdf5.dataset("digits", std::vector<std::uint8_t>{0, 1, 2}, {3}, "class");
  hdf5.attribute("seed", std::uint64_t{1});
  hdf5.commit();
  arrays = result_arrays(folder / "m.h5");
  ASSERT_EQ(arrays.size(), 2u);
  EXPECT_EQ(arrays[0].name, "digits");
  EXPECT_THAT(arrays[0].values, ElementsAre(0, 1, 2));
  EXPECT_THAT(arrays[1].values, ElementsAre(3, 2.5));

  std::ofstream(folder / "r.json") << R"({"seed": 3, "heat": [1, 2.5], "map": [[1, 2], [3, 4]], "text": ["a", "b"], "one": [7],
    "models": [{"name": "x", "heat": 5, "nested": {"list": [1, 2]}}, {"name": "y", "heat": 6, "extra": 1}]})";
  arrays = result_arrays(folder / "r.json");
  std::vector<std::string> names;
  for (const ResultArray& array : arrays) names.push_back(array.name);
  EXPECT_THAT(names, ElementsAre("heat", "map", "models.heat", "models.0.nested.list"));
  EXPECT_THAT(arrays[1].shape, ElementsAre(2, 2));
  EXPECT_THAT(arrays[2].values, ElementsAre(5, 6));
}

TEST(ResultArrays, RefuseWhatIsNoResult) {
  const TemporaryFolder folder;
  std::ofstream(folder / "r.txt") << "1";
  std::ofstream(folder / "r.json") << "{";
  std::ofstream(folder / "r.h5") << "no";
  std::ofstream(folder / "r.npz") << "no";
  EXPECT_THAT(refusal([&] { result_arrays(folder / "r.txt"); }), HasSubstr("results are in .npz, .h5 and .json files"));
  EXPECT_THAT(refusal([&] { result_arrays(folder / "r.json"); }), HasSubstr("not JSON"));
  EXPECT_THAT(refusal([&] { result_arrays(folder / "r.h5"); }), HasSubstr("not an HDF5 file"));
  refusal([&] { result_arrays(folder / "r.npz"); });
  for (const char* nothing : {"n.npz", "n.h5", "n.json"}) refusal([&] { result_arrays(folder / nothing); });
  std::ofstream(folder / "deep.json") << std::string(5000, '[') << "1,2" << std::string(5000, ']');
  EXPECT_TRUE(result_arrays(folder / "deep.json").empty()) << "and no stack is used up";
}

TEST(ResultFigure, StatesAreMeansOverShotsWithTheirDeviation) {
  // Two shots, three records, one cell: 0, 2 / 1, 5 / 2, 8.
  const std::vector<ResultArray> arrays{{"states", {2, 3, 1}, {0, 1, 2, 2, 5, 8}}, {"time", {3}, {0.5, 1.0, 1.5}}};
  const ResultFigure figure = result_figure(arrays, "", {});
  EXPECT_THAT(rows(figure), ElementsAre(ElementsAre(0.5, 1, 1), ElementsAre(1, 3, 2), ElementsAre(1.5, 5, 3)));
  EXPECT_THAT(figure.script, HasSubstr("'cell 0'"));
  EXPECT_THAT(figure.script, HasSubstr("time, time units"));
}

TEST(ResultFigure, OneRecordAndEnergiesAreHistograms) {
  const std::vector<ResultArray> arrays{{"states", {4, 1, 1}, {-1, -1, -1, 1}}, {"energies", {3}, {2, 2, 2}}};
  const auto total = [](const ResultFigure& figure) {
    double sum = 0;
    for (const auto& row : rows(figure)) sum += row[1];
    return sum;
  };
  const ResultFigure states = result_figure(arrays, "states", {});
  EXPECT_EQ(rows(states).front()[1], 3);
  EXPECT_EQ(rows(states).back()[1], 1);
  EXPECT_EQ(total(states), 4);
  EXPECT_EQ(total(result_figure(arrays, "", {})), 3) << "energies tell more; all the same is one bar";
}

TEST(ResultFigure, ASeriesHasItsErrorsAndALongOneIsThinned) {
  std::vector<ResultArray> arrays{{"mean", {3}, {1, 2, 3}}, {"mean_error", {3}, {0.1, 0.2, 0.3}}, {"long", {6000}, std::vector<double>(6000, 1)}};
  EXPECT_THAT(rows(result_figure(arrays, "mean", {})), ElementsAre(ElementsAre(0, 1, 0.1), ElementsAre(1, 2, 0.2), ElementsAre(2, 3, 0.3)));
  const auto thin = rows(result_figure(arrays, "long", {}));
  EXPECT_EQ(thin.size(), 2000u);
  EXPECT_THAT(thin[1], ElementsAre(4, 1, 0)) << "the mean of 3, 4, 5";
  arrays = {{"training_action_per_step", {2}, {5, 4}}, {"training_action_floor", {2}, {1, 1.5}}};
  EXPECT_THAT(rows(result_figure(arrays, "", {})), ElementsAre(ElementsAre(0, 4, 0), ElementsAre(1, 2.5, 0)));
  arrays = {{"meters_heat", {2, 3}, {1, 2, 3, 4, 4, 4}}};
  EXPECT_THAT(rows(result_figure(arrays, "", {})), ElementsAre(ElementsAre(0, 2, ::testing::DoubleNear(std::sqrt(1 / 3.0), 1e-6)), ElementsAre(1, 4, 0)));
}

TEST(ResultFigure, AMatrixIsAPictureOrCharacters) {
  const std::vector<ResultArray> arrays{{"couplings", {2, 3}, {-4, 0, 4, 1, 2, 3}}};
  EXPECT_THAT(rows(result_figure(arrays, "", {})), ElementsAre(ElementsAre(-4, 0, 4), ElementsAre(1, 2, 3)));
  EXPECT_EQ(result_figure(arrays, "", kText).text, "h H\nCEG\n");
}

TEST(ResultFigure, SaysWhatThereIs) {
  EXPECT_THAT(refusal([] { result_figure({}, "", {}); }), HasSubstr("nothing to plot"));
  const std::vector<ResultArray> arrays{{"heat", {2}, {1, 2}}, {"all", {1, 1, 1, 2}, {1, 2}}};
  EXPECT_THAT(refusal([&] { result_figure(arrays, "heet", {}); }), HasSubstr("has no 'heet' (did you mean heat?); it has heat, all"));
  EXPECT_THAT(refusal([&] { result_figure(arrays, "all", {}); }), HasSubstr("4 axes (1 x 1 x 1 x 2)"));
  const std::vector<ResultArray> odd{{"it's\n", {2}, {1, std::nan("")}}};
  EXPECT_THAT(result_figure(odd, "", {}).script, HasSubstr("'it''s\\n'")) << "a name cannot leave its quotes";
}

TEST(ResultFigure, IsDrawnByGnuplotOnEveryCanvas) {
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no gnuplot";
  const std::vector<ResultArray> arrays{{"states", {2, 3, 8}, std::vector<double>(48, 1.5)}, {"map", {2, 2}, {1, 2, 3, 4}}, {"it's", {2}, {1, 2}}};
  for (const char* name : {"states", "map", "it's"}) {
    const auto on = [&](const Canvas& canvas) {
      const ResultFigure figure = result_figure(arrays, name, canvas);
      return figure.script.empty() ? figure.text : gnuplot_on(canvas, figure.script, figure.data);
    };
    EXPECT_THAT(on({Canvas::Kind::png}), ::testing::StartsWith("\x89PNG")) << name;
    EXPECT_THAT(on({Canvas::Kind::svg}), HasSubstr("<svg")) << name;
    EXPECT_FALSE(on(kText).empty()) << name;
  }
}

}  // namespace
}  // namespace heatbath::apps
