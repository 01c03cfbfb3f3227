// Hosts in two locales: the same bits and the same text, whatever the process writes numbers like.
#include <gtest/gtest.h>

#include <clocale>
#include <cstring>
#include <fstream>
#include <locale>
#include <string>
#include <vector>

#include "bridges/netlist.hpp"
#include "files/score_file.hpp"
#include "files/toml_program.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/data_law.hpp"
#include "heatbath/trainers/ergodicity/spins.hpp"
#include "temporary_folder.hpp"
#include "tests/link/served.hpp"

namespace heatbath::apps {
namespace {

struct CommaAndGroups : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
  std::string do_truename() const override { return "wahr"; }
};

/// The C++ global locale of a host with decimal commas and grouped digits, and the C one where the machine has such.
class CommaLocale {
 public:
  CommaLocale()
      : before_(std::locale::global(std::locale(std::locale::classic(), new CommaAndGroups))),
        c_before_(std::setlocale(LC_ALL, nullptr)) {
    for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "sv_SE.UTF-8"})
      if (std::setlocale(LC_ALL, name) != nullptr) break;
  }
  ~CommaLocale() {
    std::setlocale(LC_ALL, c_before_.c_str());
    std::locale::global(before_);
  }

 private:
  std::locale before_;
  std::string c_before_;
};

/// The bits of a short run.
std::string bits_of(const std::string& uri) {
  Device device = open(uri);
  Program program(device.capabilities(), 6);
  program.load(CellSection::j2, 1.5f).load(CellSection::bias, 0.25f).load_temperature(0.75f).commit();
  program.evolve(device.ticks(0.125)).sample();
  JobOptions options{.shots = 3};
  if (device.capabilities().seeded) options.seed = 5;
  const Result result = device.run(program, options);
  std::string bits = uri + ": " + device.transport().info().description + ":";
  for (std::uint32_t shot = 0; shot < 3; ++shot)
    for (const float x : result.capture.state(shot, 0)) {
      std::uint32_t word = 0;
      std::memcpy(&word, &x, sizeof word);
      bits += ' ' + std::to_string(word);
    }
  return bits;
}

template <typename Call>
std::string message_of(const Call& call) {
  try {
    call();
    return "nothing was wrong";
  } catch (const std::exception& error) {
    return error.what();
  }
}

class Locale : public ::testing::Test {
 protected:
  void SetUp() override {
    write("chain.edges", "# three\n0 1\n1 2\n2 3\n3 4\n4 5\n");
    write("ring.mtx", "%%MatrixMarket matrix coordinate pattern symmetric\n6 6 6\n2 1\n3 2\n4 3\n5 4\n6 5\n6 1\n");
    write("program.toml",
          "[network]\ncells = 6\nj2 = 1.5\nkT = 0.5\nbias = [0.1, 1e-3, -0.25, 0.0, 1_0.5, 2]\ncouplings = { chain = -0.125 "
          "}\n[[schedule]]\nop = \"evolve\"\nduration = 0.5\n");
    write("patterns", "1101 0.25\n0011 1.75\n");
    std::string values;
    for (int i = 0; i < 40; ++i) values += std::to_string(i * 37 % 40) + ".125\n";
    write("values", values);
    std::ifstream silicon(HEATBATH_SOURCE_DIR "/hw_model/profiles/silicon.toml");
    write("own.toml", {std::istreambuf_iterator<char>(silicon), {}});
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  std::string path(const std::string& name) const { return (folder / name).string(); }

  /// What hosts see and keep.
  std::vector<std::string> evidence() const {
    std::vector<std::string> all;
    for (const char* uri :
         {"func:", "func:profile=coded&cells=6", "func:profile=silicon&cells=6", "func:cells=6&cell=underdamped",
          "func:cells=6&rail=12.5&noise=ornstein-uhlenbeck&noise_time=0.125", "func:cells=6&cell=phase&noise_common=0.5"})
      all.push_back(bits_of(uri));
#ifdef HEATBATH_HAS_SYSTEMC
    all.push_back(bits_of("tlm:cells=6"));
#endif
    all.push_back(bits_of("func:cells=6&profile=" + path("own.toml")));
    all.push_back(bits_of("func:topology=" + path("chain.edges")));
    all.push_back(bits_of("func:topology=" + path("ring.mtx")));
    {
      heatbath::testing::Served served("func:cells=6", "unix");
      const std::string bits = bits_of(served.uri());
      all.push_back(bits.substr(bits.rfind(':')));
    }
    {
      const std::string record = path("record");
      all.push_back(bits_of("record:" + record + "?replace=yes&device=func:cells=6"));
      all.push_back(bits_of("replay:" + record));
    }
    const TomlProgram program = read_toml_program(path("program.toml"));
    Device device = open("func:cells=6");
    const Network network = network_of(program, device.capabilities());
    all.push_back(netlist(network, circuit_scale(device.capabilities(), 1.5e-9), {.transient_time_units = 2.5}));
    const StandardValues values = read_values(path("values"));
    trainers::ScoreModel score;
    score.centres = {values.mean, 1234567.5};
    score.width = values.deviation;
    all.push_back(score_text(score));
    for (const double weight : trainers::read_patterns(path("patterns")).weights)
      all.push_back(weight == 0.125 ? "an eighth" : weight == 0.875 ? "the rest" : "wrong");
    all.push_back(trainers::DataLaw::gaussian(1234.5).name());
    for (const char* uri : {"func:cells=1234567", "func:noise_time=0,5", "func:noise_time=1e40", "func:rail=-1.5",
                            "func:topology=nowhere", "func:profile=nowhere.toml", "tcp://127.0.0.1:99999",
                            "tcp://127.0.0.1:1?link_timeout_ms=10"})
      all.push_back(message_of([&] { open(uri); }));
    all.push_back(message_of([&] { device.ticks(1234567e30); }));
    all.push_back(message_of([&] {
      Program steep(device.capabilities(), 2);
      steep.load(CellSection::j2, 1234567.5f).commit().evolve(device.ticks(1)).sample();
      device.run(steep, {.shots = 1, .seed = 1});
    }));
    all.push_back(message_of([&] { Program(device.capabilities(), 2).load(CellSection::j4, -1234.5f); }));
    all.push_back(message_of([&] { trainers::DataLaw::gaussian(-1234567.5); }));
    return all;
  }

  TemporaryFolder folder;
};

TEST_F(Locale, OfTheHostChangesNoBitAndNoText) {
  const std::vector<std::string> classic = evidence();
  std::vector<std::string> comma;
  {
    const CommaLocale locale;
    comma = evidence();
  }
  ASSERT_EQ(comma.size(), classic.size());
  for (std::size_t i = 0; i < classic.size(); ++i) EXPECT_EQ(comma[i], classic[i]);
}

}  // namespace
}  // namespace heatbath::apps
