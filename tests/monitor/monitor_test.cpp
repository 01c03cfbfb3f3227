// The window into a chip: its loop, its laws, and its page over HTTP, without a browser.

#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <fstream>
#include <numeric>
#include <thread>

#include <nlohmann/json.hpp>

#include "../apps/temporary_folder.hpp"
#include "files/program_builder.hpp"
#include "files/toml_program.hpp"
#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "heatbath/open_around.hpp"
#include "monitor/chip_loop.hpp"
#include "monitor/event_log.hpp"
#include "monitor/exact_law.hpp"
#include "monitor/graph_places.hpp"
#include "monitor/interrupt_log.hpp"
#include "monitor/listening_link.hpp"
#include "monitor/web_server.hpp"
#include "http_request.hpp"

namespace heatbath::monitor {
namespace {

using ::testing::HasSubstr;

/// A loop in a thread of its own, for as long as this lives.
class Running {
 public:
  Running(const std::string& uri, const std::string& network = {}, LoopOptions options = {.frames_per_second = 0})
      : device_(open(uri)) {
    std::optional<apps::TomlProgram> program;
    if (!network.empty()) {
      std::ofstream(folder_ / "p.toml") << network << "\n[[schedule]]\nop = \"sample\"\n";
      program = apps::read_toml_program(folder_ / "p.toml");
      apps::set_step(device_, *program);
    }
    Scene scene = program ? scene_of(*program, device_) : usual_scene(device_);
    loop.emplace(device_, std::move(scene), options);
    thread_ = std::thread([this] { loop->run([this] { return stop_.load(); }); });
  }
  ~Running() {
    stop_ = true;
    thread_.join();
  }
  /// The next frame that `good` accepts; the test ends after 60 s without one.
  nlohmann::json frame(const std::function<bool(const nlohmann::json&)>& good = {}) {
    loop->add_viewers(1);
    nlohmann::json json;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    std::uint64_t number = 0;
    while (std::chrono::steady_clock::now() < end) {
      const auto newest = loop->newer(number, std::chrono::milliseconds(500));
      if (!newest.frame) continue;
      number = newest.number;
      json = nlohmann::json::parse(*newest.frame);
      if (!good || good(json)) break;
      json = nullptr;
    }
    loop->add_viewers(-1);
    EXPECT_FALSE(json.is_null()) << "no such frame came";
    return json;
  }
  const TemporaryFolder& folder() const { return folder_; }
  std::optional<ChipLoop> loop;

 private:
  TemporaryFolder folder_;
  Device device_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

const std::string kLinear = "[network]\ncells = 4\nj2 = 0.5\nj4 = 0.0\nkT = 1.0\ndt = 0.02\n";

TEST(ChipLoop, TheKnobOfTheTemperatureTurnsTheVariance) {
  Running running("func:cells=4&threads=1", kLinear, {.frames_per_second = 0});
  for (const double kT : {1.0, 3.0}) {
    running.loop->ask({.kT = kT});
    const nlohmann::json frame = running.frame([&](const nlohmann::json& one) {
      return one["knobs"]["kT"] == kT && one["histogram"]["samples"].get<double>() > 100000;
    });
    // V = x^2/2: the variance is kT. Samples lie 0.1 apart, two relaxation times make one: 100,000/20 count in effect;
    // the step adds 1 % (dt/2).
    const double error = kT * std::sqrt(2 / (100000 / 20.0));
    EXPECT_NEAR(frame["histogram"]["variance"].get<double>(), kT * 1.01, 4.5 * error);
    EXPECT_NEAR(frame["histogram"]["law"]["variance"].get<double>(), kT, 1e-6);
    const auto law = frame["histogram"]["law"]["probability"].get<std::vector<double>>();
    EXPECT_NEAR(std::accumulate(law.begin(), law.end(), 0.0), 1, 1e-3);
    EXPECT_NEAR(frame["meters"]["closure"].get<double>(), 0, 1e-6) << "E - E0 - W + Q";
  }
}

TEST(ChipLoop, ItsProgramMakesTheSameStates) {
  Running running("func:cells=36&threads=1&lanes=4", "[network]\ncells = 36\nj2 = -0.5\ndt = 0.01\nkT = 0.7\ncouplings = { grid = [6, 6], value = -0.3 }\n",
                  {.seed = 9, .shots = 3, .frames_per_second = 200});
  running.frame([](const nlohmann::json& one) { return one["number"] >= 3; });
  running.loop->ask({.kT = 1.1, .field = -0.25});
  running.frame([](const nlohmann::json& one) { return one["knobs"]["kT"] == 1.1; });
  running.loop->ask({.gain = 0.5});
  running.frame([](const nlohmann::json& one) { return one["knobs"]["gain"] == 0.5; });
  running.loop->ask({.running = false});
  // A frame that says so was made after the last job: the loop looks whether it runs before it begins one.
  running.frame([](const nlohmann::json& one) { return one["running"] == 0; });
  const std::string program = running.loop->program(), states = running.loop->states();

  std::ofstream(running.folder() / "again.toml") << program;
  const apps::TomlProgram again = apps::read_toml_program(running.folder() / "again.toml");
  Device device = open("func:cells=36&threads=1&lanes=4");
  apps::set_step(device, again);
  const Result result = device.run(apps::build_program(again, device), {.shots = again.shots, .seed = again.seed});
  const auto last = result.capture.state(0, result.capture.records() - 1);
  std::istringstream lines(states);
  std::string line;
  std::getline(lines, line);
  for (const float is : last) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(std::stof(line.substr(line.find(',') + 1)), is) << "bit for bit, though the knobs were turned";
  }
}

TEST(ChipLoop, RefusesWhatTheChipCannotHaveAndChangesNothing) {
  Running running("func:cells=4&threads=1", kLinear);
  const auto refused = [&](const Request& request, const char* what) {
    try {
      running.loop->ask(request);
      ADD_FAILURE() << what;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(what));
    }
  };
  refused({.kT = -1}, "kT");
  refused({.kT = 2, .gain = std::nan("")}, "gain");
  refused({.histogram_cell = 4}, "0 to 3");
  refused({.scope_cells = std::vector<std::uint32_t>{}}, "1 to 8");
  refused({.scope_cells = std::vector<std::uint32_t>{9}}, "no cell 9");
  EXPECT_EQ(running.frame()["knobs"]["kT"], 1.0);
}

TEST(ChipLoop, WatchesAChipThatShowsLittle) {
  Running running("func:profile=silicon&cells=16&threads=1");
  const nlohmann::json frame = running.frame();
  EXPECT_TRUE(frame["meters"].is_null());
  EXPECT_EQ(frame["map"].get<std::string>().size(), 16u);
  EXPECT_GT(running.frame([&](const nlohmann::json& one) { return one["number"] > frame["number"]; })["time"], frame["time"]);
}

TEST(ChipLoop, SamplesAMillionCells) {
  Running running("func:topology=grid:1000x1000&cell=pbit&stepper=two-colour&threads=1&lanes=1");
  const nlohmann::json about = nlohmann::json::parse(running.loop->about());
  EXPECT_EQ(about["layout"]["kind"], "sample");
  EXPECT_LE(about["layout"]["cells"].size(), std::size_t{Layout::most_shown});
  EXPECT_EQ(about["layout"]["cells"][about["layout"]["columns"].get<std::size_t>()].get<std::uint32_t>() % 1000, 0u) << "rows begin at the left";
  EXPECT_EQ(running.frame()["map"].get<std::string>().size(), about["layout"]["cells"].size());
}

TEST(ExactLaw, IsThatOfItsNetwork) {
  Scene scene;
  scene.cells = 2;
  scene.parameters.j2 = std::vector<float>{1.0f};
  scene.parameters.j4 = std::vector<float>{0.0f};
  scene.parameters.bias = std::vector<float>{0.0f};
  scene.couplings = {{0, 1, -1.0f}};
  // A = [[2, -1], [-1, 2]]: (A^-1)_00 = 2/3; a field of -1 on both: mean 1.
  const auto linear = exact_law(scene, CellKind::overdamped, 0.6, 1, -1, 0, 50);
  ASSERT_TRUE(linear);
  EXPECT_NEAR(linear->variance, 0.6 * 2 / 3, 1e-9);
  EXPECT_NEAR(linear->mean, 1, 1e-9);
  scene.parameters.j4 = std::vector<float>{1.0f};
  EXPECT_FALSE(exact_law(scene, CellKind::overdamped, 1, 1, 0, 0, 50)) << "coupled and quartic: no closed form";
  EXPECT_TRUE(exact_law(scene, CellKind::overdamped, 1, 0, 0, 0, 50)) << "without gain each cell is alone";
  // Two spins, E = -s0 s1 - s0 h0 - ...: <s0> = tanh-like sum over four states at field 0.5 and kT 1.
  const auto spins = exact_law(scene, CellKind::pbit, 1, 1, 0.5, 0, 50);
  ASSERT_TRUE(spins);
  const double up = std::exp(1 - 1.0), down = std::exp(1 + 1.0), apart = std::exp(-1.0);
  EXPECT_NEAR(spins->mean, (up - down) / (up + down + 2 * apart), 1e-9);
}

TEST(Layout, ShowsImagesAsImagesAndGridsAsGrids) {
  Device image = open("func:cells=784");
  EXPECT_EQ(name(usual_scene(image).layout.kind), std::string("grid"));
  apps::TomlProgram program;
  program.cells = 784;
  program.network.couplings = std::make_shared<apps::CouplingSource>();
  EXPECT_EQ(scene_of(program, image).layout.columns, 28u);
  EXPECT_EQ(scene_of(program, image).layout.kind, Layout::Kind::image);
  Device ring = open("func:topology=ring:12");
  EXPECT_EQ(usual_scene(ring).layout.kind, Layout::Kind::ring);
  const TemporaryFolder folder;  // Petersen's graph: an outer ring, an inner star, spokes
  std::ofstream file(folder / "petersen.mtx");
  file << "%%MatrixMarket matrix coordinate real symmetric\n10 10 15\n";
  for (int k = 0; k < 5; ++k)
    for (const auto& [i, j] : {std::pair{k, (k + 1) % 5}, std::pair{5 + k, 5 + (k + 2) % 5}, std::pair{k, k + 5}})
      file << std::max(i, j) + 1 << ' ' << std::min(i, j) + 1 << " 1\n";
  file.close();
  Device graph = open("func:topology=" + (folder / "petersen.mtx").string());
  const Layout placed = usual_scene(graph).layout;
  EXPECT_EQ(placed.kind, Layout::Kind::graph);
  EXPECT_EQ(placed.places.size(), 10u);
  EXPECT_EQ(usual_scene(ring).layout.places.size(), 12u);
  Device closed = open("func:topology=torus:7x6");
  EXPECT_EQ(usual_scene(closed).layout.kind, Layout::Kind::grid);
  Device grid = open("func:topology=grid:7x5");
  const Layout layout = usual_scene(grid).layout;
  EXPECT_EQ(layout.columns * layout.rows, 35u);
  EXPECT_TRUE(layout.columns == 7 || layout.columns == 5);
}

/// Of places as a picture: the distances of coupled cells, and of all pairs, means.
std::pair<double, double> mean_distances(const std::vector<Place>& places, const std::vector<Coupling>& couplings) {
  const auto distance = [&](std::size_t i, std::size_t j) { return std::hypot(places[i][0] - places[j][0], places[i][1] - places[j][1]); };
  double coupled = 0, all = 0;
  for (const Coupling& one : couplings) coupled += distance(one.i, one.j) / static_cast<double>(couplings.size());
  const double pairs = static_cast<double>(places.size() * (places.size() - 1)) / 2;
  for (std::size_t i = 0; i < places.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) all += distance(i, j) / pairs;
  return {coupled, all};
}

TEST(GraphPlaces, ShowTheFormOfAGraph) {
  // A grid of 6 x 6 whose cells are numbered at random: each coupling is as long as the others, a fifth of the side, and no two
  // cells stand closer.
  std::vector<std::uint32_t> names(36);
  for (std::uint32_t k = 0; k < 36; ++k) names[k] = k * 23 % 36;
  std::vector<Coupling> grid;
  for (std::uint32_t k = 0; k < 36; ++k) {
    if (k % 6 < 5) grid.push_back({names[k], names[k + 1], 1});
    if (k < 30) grid.push_back({names[k], names[k + 6], 1});
  }
  const std::vector<Place> places = graph_places(36, grid);
  EXPECT_EQ(places, graph_places(36, grid)) << "the same again";
  double shortest = 1, longest = 0, closest = 1;
  const auto distance = [&](std::size_t i, std::size_t j) -> double { return std::hypot(places[i][0] - places[j][0], places[i][1] - places[j][1]); };
  for (const Coupling& one : grid) {
    shortest = std::min(shortest, distance(one.i, one.j));
    longest = std::max(longest, distance(one.i, one.j));
  }
  for (std::size_t i = 0; i < 36; ++i)
    for (std::size_t j = 0; j < i; ++j) closest = std::min(closest, distance(i, j));
  EXPECT_LT(longest, 2.5 * shortest);
  EXPECT_GT(closest, 0.7 * shortest);
  for (const Place& place : places)
    for (const float at : place) EXPECT_TRUE(at >= 0 && at <= 1) << at;

  // Two parts and a cell without couplings: all finite, coupled cells nearer than others.
  const std::vector<Coupling> parts{{0, 1, 1}, {1, 2, 1}, {3, 4, 1}, {4, 5, 1}, {3, 5, 1}};
  const auto [coupled, all] = mean_distances(graph_places(7, parts), parts);
  EXPECT_LT(coupled, 0.75 * all);
  const std::vector<Place> one = graph_places(1, {});
  EXPECT_EQ(one.size(), 1u);
  EXPECT_TRUE(std::isfinite(one[0][0]));
}

TEST(EventLog, SaysWhatHappensAgainOnce) {
  EventLog log;
  for (int k = 0; k < 3; ++k) log.note(k, "rail", "a cell");
  log.note(7, "knob", "kT 2");
  nlohmann::json now = nlohmann::json::parse(log.json());
  ASSERT_EQ(now.size(), 2u);
  EXPECT_EQ(now[0]["times"], 3);
  EXPECT_EQ(now[0]["time"], 2);
  EXPECT_EQ(now[1]["number"], 4);
  for (int k = 0; k < 500; ++k) log.note(k, "job", std::to_string(k));
  now = nlohmann::json::parse(log.json());
  EXPECT_EQ(now.size(), EventLog::shown);
  EXPECT_EQ(now.back()["text"], "499");
}

TEST(ListeningLink, HearsEachInterruptThatTheDriverClears) {
  InterruptLog interrupts;
  Device device = open_around("func:cells=2&threads=1", [&](std::unique_ptr<Transport> link) { return std::make_unique<ListeningLink>(std::move(link), interrupts); });
  Device alone = open("func:cells=2&threads=1");
  Program program(device.capabilities(), 2);
  program.evolve(device.ticks(1)).sample();
  for (int job = 0; job < 3; ++job) EXPECT_EQ(device.run(program, {.seed = 4}).capture.state(0, 0)[1], alone.run(program, {.seed = 4}).capture.state(0, 0)[1]);
  EXPECT_EQ(device.now().count, alone.now().count) << "nobody can tell that somebody listens";
  EXPECT_EQ(interrupts.count(0), 3u) << "job done";
  EXPECT_EQ(interrupts.count(2), 0u);
  device.set_step_time_units(0.1);
  Program wrong(device.capabilities(), 2);
  wrong.load(CellSection::j2, 20).load(CellSection::j4, 0).commit().evolve(device.ticks(1));  // steps of at most 0.05 are stable
  EXPECT_THROW(device.run(wrong), Error);
  EXPECT_EQ(interrupts.count(2), 1u) << "fault";
  const nlohmann::json json = nlohmann::json::parse(interrupts.json(1));
  EXPECT_EQ(json["counts"][0], 3);
  EXPECT_EQ(json["last"].size(), 4u);
  EXPECT_EQ(json["last"][3][1], 4) << "the mask of the last";
  EXPECT_LT(json["last"][0][0], json["last"][3][0]) << "by device time";
}

#ifdef HEATBATH_HAS_HTTP
std::string post(const std::string& body, const std::string& header = "X-Heatbath: 1\r\n") {
  return "POST /knobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + header + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(WebServer, GivesPageFramesAndRegistersAndTakesKnobs) {
  Running running("func:cells=4&threads=1", kLinear, {.frames_per_second = 100});
  const WebServer server(*running.loop, "127.0.0.1:0");
  const auto ask = [&](const std::string& request, std::size_t most = 1 << 22) { return answer_to(server.url(), request, most); };
  EXPECT_THAT(ask(get("/")), HasSubstr("<title>Heatbath monitor</title>"));
  EXPECT_THAT(ask(get("/monitor.js")), HasSubstr("EventSource"));
  EXPECT_THAT(ask(get("/monitor.css")), HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(ask(get("/frames"), 20000), HasSubstr("data: {\"number\":"));
  EXPECT_THAT(ask(get("/registers")), HasSubstr("\"name\":\"ID\",\"offset\":0,\"reset\":1213481544,\"value\":1213481544"));
  EXPECT_THAT(ask(get("/program.toml")), HasSubstr("[network]"));
  EXPECT_THAT(ask(get("/nothing")), HasSubstr("404"));
  EXPECT_THAT(ask(post("{\"kT\": 2.5}")), HasSubstr("200"));
  EXPECT_EQ(running.frame([](const nlohmann::json& one) { return one["knobs"]["kT"] == 2.5; })["knobs"]["kT"], 2.5);
  EXPECT_THAT(ask(post("{\"kT\": -2}")), HasSubstr("kT: needs"));
  EXPECT_THAT(ask(post("{\"heat\": 2}")), HasSubstr("'heat': unknown"));
  EXPECT_THAT(ask(post("kT=2")), HasSubstr("needs a JSON object"));
  EXPECT_EQ(running.frame()["knobs"]["kT"], 2.5);
}

TEST(WebServer, IsForThisComputerAlone) {
  Running running("func:cells=4&threads=1", kLinear);
  const WebServer server(*running.loop, "127.0.0.1:0");
  EXPECT_THAT(answer_to(server.url(), get("/about", "evil.example")), HasSubstr("403"));
  EXPECT_THAT(answer_to(server.url(), post("{\"kT\": 3}", "")), HasSubstr("403"));
  EXPECT_EQ(running.frame()["knobs"]["kT"], 1.0);
  for (const char* wrong : {"0.0.0.0:80", "127.0.0.1", "192.168.0.1:80", "127.0.0.1:99999"}) EXPECT_THROW(WebServer(*running.loop, wrong), Error) << wrong;
  const std::string taken = server.url().substr(7, server.url().size() - 8);
  EXPECT_THROW(WebServer(*running.loop, taken), Error);
}
#endif

}  // namespace
}  // namespace heatbath::monitor
