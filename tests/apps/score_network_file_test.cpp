// Score networks in files, and their reports.
#include "files/score_network_file.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "error_of.hpp"
#include "heatbath/open.hpp"
#include "report/score_network_report.hpp"
#include "temporary_folder.hpp"

namespace heatbath::apps {
namespace {

using ::testing::HasSubstr;

trainers::ScoreOptions small_options() {
  trainers::ScoreOptions options;
  options.hidden = 5;
  options.segments = 3;
  options.steps = 60;
  options.batch = 16;
  options.threads = 1;
  options.seed = 11;
  return options;
}

SavedScoreNetwork trained(const trainers::Images& data, std::uint64_t stop) {
  trainers::ScoreTrainer trainer(data, small_options());
  trainer.train([&](std::uint64_t done, std::uint64_t, double) { return done < stop; });
  return {trainer.network(), trainer.options(), trainer.checkpoint(), data.source, 7};
}

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(ScoreNetworkFile, AStoppedTrainingGoesOnFromItToTheSameBits) {
  const TemporaryFolder folder;
  const trainers::Images data = trainers::draw_digits(1, 2);
  const SavedScoreNetwork whole = trained(data, 1000);
  for (const std::uint64_t stop : {37u, 120u, 250u}) {  // the last one while the first segment is learned again
    const SavedScoreNetwork saved = trained(data, stop);
    save_score_network(folder / "a.h5", saved);
    save_score_network(folder / "b.h5", saved);
    EXPECT_EQ(bytes_of(folder / "a.h5"), bytes_of(folder / "b.h5"));
    SavedScoreNetwork read = load_score_network(folder / "a.h5");
    EXPECT_EQ(read.data_source, data.source);
    EXPECT_EQ(read.held_out, 7u);
    EXPECT_EQ(read.checkpoint.segment, saved.checkpoint.segment);
    EXPECT_EQ(read.checkpoint.step, saved.checkpoint.step);
    trainers::ScoreTrainer trainer(data, small_options());
    trainer.resume(read.network, read.options, std::move(read.checkpoint));
    trainer.train();
    for (std::size_t s = 0; s < 3; ++s)
      EXPECT_EQ(trainer.network().segments[s].parameters, whole.network.segments[s].parameters) << stop << " " << s;
    EXPECT_EQ(trainer.checkpoint().losses, whole.checkpoint.losses);
  }
}

TEST(ScoreNetworkFile, SaysWhatIsWrongWithAFile) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of(HB_IO, [&] { load_score_network(folder / "none.h5"); }), HasSubstr("none.h5"));
  SavedScoreNetwork saved = trained(trainers::draw_digits(1, 2), 1000);
  save_score_network(folder / "a.h5", saved);
  const std::string whole = bytes_of(folder / "a.h5");
  std::ofstream(folder / "short.h5", std::ios::binary) << whole.substr(0, whole.size() / 2);
  EXPECT_THAT(error_of(HB_IO, [&] { load_score_network(folder / "short.h5"); }), HasSubstr("short.h5"));
  saved.network.segments[1].parameters[3] = std::numeric_limits<float>::quiet_NaN();
  save_score_network(folder / "nan.h5", saved);
  EXPECT_THAT(error_of(HB_IO, [&] { load_score_network(folder / "nan.h5"); }), HasSubstr("data set parameters has nan"));
  saved.network.segments[1].parameters[3] = 0;
  saved.network.segments[1].tau_last = 5;
  save_score_network(folder / "tau.h5", saved);
  EXPECT_THAT(error_of(HB_IO, [&] { load_score_network(folder / "tau.h5"); }), HasSubstr("tau"));
  saved.network.B = -1;
  save_score_network(folder / "b.h5", saved);
  EXPECT_THAT(error_of(HB_IO, [&] { load_score_network(folder / "b.h5"); }), HasSubstr("attribute B = -1; it is positive"));
}

TEST(ScoreNetworkReport, HoldsEveryFigureWithItsErrorAndEveryPicture) {
  const trainers::SplitImages split = trainers::split_images(trainers::draw_digits(1, 30), 30);
  ScoreNetworkReport report;
  report.saved = trained(split.learned, 1000);
  Device device = open("func:cells=1024&lanes=32");
  report.draw.shots = 20;
  report.draw.steps = 10;
  report.drawings = trainers::draw(device, report.saved.network, report.draw);
  const trainers::DigitReader reader(split.learned, 1, 1);
  report.quality = trainers::judge_drawings(report.drawings.images, report.drawings.asked, reader, split.learned, split.held_out, 1);
  report.learned = split.learned.size();
  report.energy_unit_joules = device.capabilities().energy_unit_joules;
  report.pictures = {score_samples_picture(report), score_nearest_picture(report, split.learned), score_paths_picture(report)};
  for (const Picture& picture : report.pictures) EXPECT_TRUE(picture.png) << picture.file;
  const nlohmann::json json = score_network_json(report);
  for (const char* key : {"asked_fraction", "frechet", "frechet_held_out", "within_class_variance", "nearest_training_distance",
                          "nearest_held_out_distance", "heat_mean_kT", "heat_joules", "work_mean_kT"}) {
    EXPECT_TRUE(json.at(key).is_number()) << key;
    EXPECT_TRUE(json.at("errors").at(key).is_number()) << key;
  }
  EXPECT_TRUE(json.at("inverted_fraction").is_number());
  EXPECT_EQ(json.at("last_noise"), "cold");
  EXPECT_GT(json.at("device_seconds").get<double>(), 0);
  EXPECT_DOUBLE_EQ(json.at("heat_joules").get<double>() > 0, report.heat_kT()->value > 0);
  EXPECT_THAT(score_network_html(report), HasSubstr("What the machine drew"));
}

}  // namespace
}  // namespace heatbath::apps
