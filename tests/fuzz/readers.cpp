// Every reader of files: the first byte says which, the rest is the file. A file is read, or refused in one line.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <vector>

#include "files/array_file.hpp"
#include "files/calibration_file.hpp"
#include "files/ergodicity_file.hpp"
#include "files/problem_file.hpp"
#include "files/score_file.hpp"
#include "files/toml_program.hpp"
#include "heatbath/error.hpp"
#include "heatbath/regs.h"
#include "heatbath/trainers/images.hpp"
#include "hw_model/device/profile.hpp"
#include "hw_model/physics/topology.hpp"
#include "link/recording.hpp"
#include "tests/fuzz/input.hpp"

namespace heatbath::fuzz {
namespace {

using Path = std::filesystem::path;

struct Reader {
  const char* ending;
  std::function<void(const Path&)> read;
};

void problem(const Path& path) { apps::read_problem(path); }
void array(const Path& path) {
  apps::read_array(path, "", 4096, [](const auto&) { return std::string(); });
}
void replay(const Path& path) {
  ReplayTransport link(path.string());
  std::vector<std::byte> block(16);
  for (int k = 0; k < 4; ++k) {
    link.read32(HB_ID_OFFSET);
    link.wait_irq(5);
    link.read_block(HB_MEMORY_BASE, block);
  }
}

/// Numbers are for ever: the corpus says them.
const std::vector<Reader>& readers() {
  static const std::vector<Reader> all{
      {".toml", [](const Path& path) { apps::read_toml_program(path); }},
      {".toml", [](const Path& path) { model::load_profile(path.string()); }},
      {".mtx", [](const Path& path) { physics::load_topology(path.string(), true); }},
      {".txt", [](const Path& path) { physics::load_topology(path.string(), false); }},
      {".toml", problem},
      {".mtx", [](const Path& path) { apps::read_problem(path, apps::ProblemKind::max_cut); }},
      {".cnf", problem},
      {".wcnf", problem},
      {".qubo", problem},
      {".coo", problem},
      {".json", problem},
      {".txt", problem},
      {".npy", array},
      {".npz", array},
      {".txt", array},
      {".json", [](const Path& path) { apps::read_calibration(path); }},
      {".json", [](const Path& path) { apps::read_machines(path); }},
      {".txt", [](const Path& path) { apps::read_values(path); }},
      {".json", [](const Path& path) { apps::read_score(path); }},
      {".rec", replay},
      {"", [](const Path& path) {  // IDX: the images, with labels that fit where they can
         trainers::read_idx(path.parent_path());
       }},
  };
  return all;
}

const Path& folder() {
  static const Path path = [] {
    Path made = Path(std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp") / ("heatbath_fuzz." + std::to_string(getpid()));
    std::filesystem::create_directories(made);
    std::atexit([] {
      std::error_code none;
      std::filesystem::remove_all(folder(), none);
    });
    return made;
  }();
  return path;
}

}  // namespace
}  // namespace heatbath::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heatbath;
  if (size == 0) return 0;
  const fuzz::Reader& reader = fuzz::readers()[data[0] % fuzz::readers().size()];
  const bool idx = reader.ending[0] == 0;
  const std::filesystem::path path = fuzz::folder() / (idx ? "train-images-idx3-ubyte" : std::string("input") + reader.ending);
  const auto write = [](const std::filesystem::path& to, const std::uint8_t* bytes, std::size_t count) {
    std::ofstream(to, std::ios::binary).write(reinterpret_cast<const char*>(bytes), static_cast<std::streamsize>(count));
  };
  write(path, data + 1, size - 1);
  if (idx) {
    constexpr std::uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 0};
    write(fuzz::folder() / "train-labels-idx1-ubyte", labels, sizeof labels);
  }
  try {
    reader.read(path);
  } catch (const Error& error) {
    fuzz::expect_one_line(error.what());
  } catch (const std::invalid_argument& error) {
    fuzz::expect_one_line(error.what());
  }
  return 0;
}
