// Looking on: what the page shows of a device that somebody else has, and of a training.

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "../apps/temporary_folder.hpp"
#include "../link/served.hpp"
#include "files/equilibrium_file.hpp"
#include "files/hdf5_file.hpp"
#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "heatbath/regs.h"
#include "http_request.hpp"
#include "monitor/training_folder.hpp"
#include "monitor/watch_loop.hpp"
#include "monitor/web_server.hpp"

namespace heatbath::monitor {
namespace {

using ::testing::HasSubstr;
using heatbath::testing::Served;

/// A loop that looks on, in a thread of its own.
class Watching {
 public:
  explicit Watching(const std::string& uri, WatchOptions options = {.looks_per_second = 0})
      : loop(uri, std::move(options)), thread_([this] { run(); }) {}
  ~Watching() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  /// The next frame that `good` accepts; the test fails after 60 s without one.
  nlohmann::json frame(const std::function<bool(const nlohmann::json&)>& good) {
    loop.add_viewers(1);
    nlohmann::json json;
    std::string last;
    std::uint64_t number = 0;
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60); std::chrono::steady_clock::now() < end;) {
      const auto newest = loop.newer(number, std::chrono::milliseconds(500));
      if (!newest.frame) continue;
      number = newest.number;
      json = nlohmann::json::parse(*newest.frame);
      if (good(json)) break;
      last = *newest.frame;
      json = nullptr;
    }
    loop.add_viewers(-1);
    EXPECT_FALSE(json.is_null()) << "no such frame came, and last " << last;
    return json;
  }
  /// Waits for it to end by itself.
  std::string why_it_ended() {
    thread_.join();
    return ended_;
  }
  WatchLoop loop;

 private:
  void run() {
    try {
      loop.run([this] { return stop_.load(); });
    } catch (const Error& error) {
      ended_ = error.what();
    }
  }
  std::atomic<bool> stop_{false};
  std::string ended_;
  std::thread thread_;
};

/// A job with captures and meters on `cells` cells.
Result work(Device& device, std::uint32_t cells, std::uint32_t shots, std::uint64_t seed) {
  Program program(device.capabilities(), cells);
  program.load(CellSection::j2, 1.0f).load_temperature(1.0f).commit().set(0, cells, 0.1f);
  program.capture_start(device.capture_period(device.ticks(1))).evolve(device.ticks(4)).capture_stop().meter_snapshot();
  return device.run(program, {.shots = shots, .seed = seed});
}

TEST(WatchLoop, ShowsTheNewestRecordAndMetersOfTheOwnersJob) {
  Served served("func:cells=800&lanes=2&threads=1", "unix");
  Watching watching(served.uri());
  EXPECT_EQ(watching.frame([](const nlohmann::json&) { return true; })["session"], 0);
  Device device = open_link(served.uri());
  work(device, 6, 2, 1);  // another place, another size
  const Result result = work(device, 800, 2, 2);
  const nlohmann::json frame = watching.frame([](const nlohmann::json& one) { return one["session"] == 1 && one["map"].get<std::string>().size() == 800 && !one["meters"].is_null(); });
  EXPECT_EQ(frame["layout"]["kind"], "image");
  EXPECT_EQ(frame["health"]["shots"], 2);
  const auto& last = result.meters.back();
  EXPECT_NEAR(frame["meters"]["heat"].get<double>(), (last[0].heat + last[1].heat) / 2, 1e-5 * std::fabs(last[0].heat));
  EXPECT_NEAR(frame["meters"]["energy"].get<double>(), (last[0].energy + last[1].energy) / 2, 1e-5 * std::fabs(last[0].energy));
  std::istringstream lines(watching.loop.states());
  std::string line;
  std::getline(lines, line);
  for (const float is : result.capture.state(0, result.capture.records() - 1)) {
    ASSERT_TRUE(std::getline(lines, line));
    ASSERT_EQ(std::stof(line.substr(line.find(',') + 1)), is);
  }
  EXPECT_THROW(watching.loop.ask({.kT = 2}), Error);
  EXPECT_THROW(watching.loop.program(), Error);
  const nlohmann::json registers = nlohmann::json::parse(watching.loop.registers(std::chrono::seconds(60)));
  EXPECT_EQ(registers[0]["value"], 1213481544);
}

TEST(WatchLoop, LogsWhatItSees) {
  const TemporaryFolder folder;
  Served served("func:cells=6&threads=1", "unix");
  Watching watching(served.uri(), {.folder = folder.path(), .looks_per_second = 0});
  const auto says = [](const nlohmann::json& frame, const std::string& kind, const std::string& text) {
    return std::ranges::any_of(frame["events"], [&](const nlohmann::json& one) { return one["kind"] == kind && one["text"].get<std::string>().find(text) != std::string::npos; });
  };
  watching.frame([](const nlohmann::json& one) { return one["session"] == 0 && one["at_work"] == false; });
  {
    Device device = open_link(served.uri());
    work(device, 6, 1, 1);
    watching.frame([&](const nlohmann::json& one) { return says(one, "session", "1 began"); });
    device.set_step_time_units(0.1);
    Program wrong(device.capabilities(), 6);
    wrong.load(CellSection::j2, 20).load(CellSection::j4, 0).commit().evolve(device.ticks(1));  // steps of at most 0.05 are stable
    EXPECT_THROW(device.run(wrong), Error);
    const nlohmann::json frame = watching.frame([&](const nlohmann::json& one) { return says(one, "fault", "UNSTABLE"); });
    EXPECT_THAT(frame["health"]["fault"].get<std::string>(), HasSubstr("UNSTABLE: "));
    std::ofstream(folder / "drawn.png") << "picture";
    watching.frame([&](const nlohmann::json& one) { return says(one, "training", "picture drawn.png"); });
    device.transport().write32(HB_INTR_TEST_OFFSET, HB_INTR_STATE_PROGRAM_MASK | 77u << HB_INTR_TEST_SEQ_SHIFT);
    EXPECT_TRUE(device.transport().read32(HB_INTR_STATE_OFFSET) & HB_INTR_STATE_PROGRAM_MASK) << "a write travels with the next read";
    watching.frame([](const nlohmann::json& one) { return one["interrupts"]["counts"][4] == 1; });
    watching.frame([&](const nlohmann::json& one) { return device.now().count > 0 && one["at_work"] == true; });  // an access takes device time
  }
  watching.frame([&](const nlohmann::json& one) { return says(one, "session", "1 ended"); });
}

TEST(WatchLoop, ShowsCodesOfAChipAsStates) {
  Served served("func:profile=silicon&cells=16&threads=1", "unix");
  Watching watching(served.uri());
  Device device = open_link(served.uri());
  Program program(device.capabilities(), 16);
  program.load(CellSection::j2, 1.0f).commit().clamp(0, 16, 0.7f).evolve(device.ticks(1)).sample();
  const Capture capture = device.run(program, {}).capture;
  watching.frame([](const nlohmann::json& one) { return one["map"].get<std::string>().size() == 16; });
  std::istringstream lines(watching.loop.states());
  std::string line;
  std::getline(lines, line);
  for (const float is : capture.state(0, 0)) {
    ASSERT_TRUE(std::getline(lines, line));
    ASSERT_EQ(std::stof(line.substr(line.find(',') + 1)), is);
  }
}

TEST(WatchLoop, EndsWithTheServerAndSaysSo) {
  auto served = std::make_unique<Served>("func:cells=6&threads=1", "unix");
  Watching watching(served->uri());
  watching.frame([](const nlohmann::json&) { return true; });
  watching.loop.add_viewers(1);
  served.reset();
  EXPECT_THAT(watching.why_it_ended(), HasSubstr("unix:")) << "an error that names the device";
  EXPECT_THROW(WatchLoop("func:", {}), Error) << "only a served device is looked at";
}

/// A model file with losses, as a trainer's.
void write_losses(const std::filesystem::path& path, const std::vector<double>& action) {
  apps::Hdf5Writer file(path);
  file.dataset("training_action_per_step", action, {action.size()}, "dimensionless");
  file.dataset("training_action_floor", std::vector<double>(action.size(), 1.0), {action.size()}, "dimensionless");
  file.commit();
}

TEST(TrainingFolder, GivesLossesAndPicturesAsTheyCome) {
  const TemporaryFolder folder;
  TrainingFolder training(folder.path());
  nlohmann::json now = nlohmann::json::parse(training.json());
  EXPECT_TRUE(now["file"].is_null());
  EXPECT_TRUE(now["pictures"].empty());

  write_losses(folder / "model.h5", {5, 4, 3});
  std::ofstream(folder / "drawn.png") << "not much of a picture";
  std::filesystem::create_symlink("/etc/hostname", folder / "link.png");
  now = nlohmann::json::parse(training.json());
  EXPECT_EQ(now["loss"].get<std::vector<double>>(), (std::vector<double>{4, 3, 2})) << "above their floor";
  EXPECT_EQ(now["updates"], 3);
  ASSERT_EQ(now["pictures"].size(), 1u);
  EXPECT_EQ(training.picture("drawn.png"), "not much of a picture");
  for (const char* wrong : {"link.png", "../drawn.png", "model.h5", ""}) EXPECT_EQ(training.picture(wrong), "") << wrong;

  write_losses(folder / "model.h5", std::vector<double>(1000, 3.0));
  std::filesystem::last_write_time(folder / "model.h5", std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  now = nlohmann::json::parse(training.json());
  EXPECT_EQ(now["updates"], 1000);
  EXPECT_EQ(now["loss"].size(), TrainingFolder::most_points);
  std::ofstream(folder / "model.h5") << "torn";
  std::filesystem::last_write_time(folder / "model.h5", std::filesystem::file_time_type::clock::now() + std::chrono::hours(2));
  EXPECT_THAT(nlohmann::json::parse(training.json())["trouble"].get<std::string>(), HasSubstr("model.h5"));
  EXPECT_THROW(TrainingFolder(folder / "nowhere"), Error);
}

TEST(TrainingFolder, KnowsTheOtherTrainersFiles) {
  const TemporaryFolder nets;
  apps::SavedEquilibrium net;
  net.training.net = trainers::QuarticNet::random(1, 2, 1, 1, 7);
  net.training.costs = {3, 2, 1.5};
  net.training.updates = 3;
  std::ofstream(nets / "net.json") << apps::equilibrium_text(net);
  TrainingFolder training(nets.path());
  const nlohmann::json now = nlohmann::json::parse(training.json());
  EXPECT_EQ(now["loss"].get<std::vector<double>>(), net.training.costs) << now;
  EXPECT_EQ(now["updates"], 3);
  EXPECT_EQ(training.news(), (std::vector<std::string>{"net.json saved, 3 updates"}));
  training.json();
  EXPECT_TRUE(training.news().empty()) << "said once";
}

TEST(TrainingFolder, ThinsByMeans) {
  std::vector<double> values(1001);
  std::iota(values.begin(), values.end(), 0.0);
  const std::vector<double> few = thinned(values, 10);
  ASSERT_EQ(few.size(), 10u);
  EXPECT_EQ(few.front(), 49.5);
  EXPECT_NEAR(few.back(), 950, 1);
  EXPECT_EQ(thinned({1, 2}, 10), (std::vector<double>{1, 2}));
}

#ifdef HEATBATH_HAS_HTTP
TEST(WatchLoop, IsAPageWithoutKnobs) {
  const TemporaryFolder folder;
  std::ofstream(folder / "drawn.png") << "picture";
  Served served("func:cells=6&threads=1", "unix");
  Watching watching(served.uri(), {.folder = folder.path(), .looks_per_second = 0});
  const WebServer server(watching.loop, "127.0.0.1:0");
  EXPECT_THAT(answer_to(server.url(), get("/about")), HasSubstr("\"watch\":true"));
  const nlohmann::json frame = watching.frame([](const nlohmann::json& one) { return !one["training"].is_null(); });
  EXPECT_EQ(frame["training"]["pictures"][0]["name"], "drawn.png");
  EXPECT_THAT(answer_to(server.url(), get("/picture?name=drawn.png")), HasSubstr("\r\n\r\npicture"));
  EXPECT_THAT(answer_to(server.url(), get("/picture?name=../x.png")), HasSubstr("404"));
  EXPECT_THAT(answer_to(server.url(), "POST /knobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Heatbath: 1\r\nContent-Length: 9\r\n\r\n{\"kT\": 2}"),
              HasSubstr("looks on"));
}
#endif

}  // namespace
}  // namespace heatbath::monitor
