// heatbath doctor: what is here, what is missing and what it would give, and whether it works.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "bridges/fmi/package.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/numerics/isa.hpp"
#include "heatbath/open.hpp"

extern char** environ;

namespace heatbath::apps {

namespace {

namespace fs = std::filesystem;

/// A part that may be missing.
struct Part {
  const char* name;
  bool here;
  const char* gives;   ///< what it is for
  const char* remedy;  ///< Debian packages, and what else is to be done
};

/// Whether a program of this name stands on $PATH.
bool on_path(std::string_view name) {
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (true) {
    const std::size_t colon = rest.find(':');
    const fs::path file = fs::path(rest.substr(0, colon)) / name;
    if (::access(file.c_str(), X_OK) == 0 && !fs::is_directory(file)) return true;
    if (colon == std::string_view::npos) return false;
    rest.remove_prefix(colon + 1);
  }
}

/// Whether Python finds a module; nothing of it is run.
bool python_finds(const char* module) {
  const std::string code =
      fmt::format("import importlib.util, sys; sys.exit(importlib.util.find_spec('{}') is None)", module);
  const char* const words[] = {"python3", "-c", code.c_str(), nullptr};
  posix_spawn_file_actions_t silent;
  posix_spawn_file_actions_init(&silent);
  posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&silent, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const bool started = ::posix_spawnp(&child, words[0], &silent, nullptr, const_cast<char* const*>(words), environ) == 0;
  posix_spawn_file_actions_destroy(&silent);
  int status = 0;
  return started && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#ifdef HEATBATH_HAS_SYSTEMC
constexpr bool has_systemc = true;
#else
constexpr bool has_systemc = false;
#endif

#ifdef HEATBATH_HAS_MPI
constexpr bool has_mpi = true;
#else
constexpr bool has_mpi = false;
#endif

#ifdef HEATBATH_HAS_RTL
constexpr bool has_rtl = true;
#else
constexpr bool has_rtl = false;
#endif

#ifdef HEATBATH_HAS_CRYPTO
constexpr bool has_crypto = true;
#else
constexpr bool has_crypto = false;
#endif

/// Whether `heatbath fmu` finds the library that it packs.
bool unit_is_here() {
  try {
    return !fmi::unit_library().empty();
  } catch (const Error&) {
    return false;
  }
}

#ifdef HEATBATH_HAS_HTTP
constexpr bool has_http = true;
#else
constexpr bool has_http = false;
#endif

std::vector<Part> parts() {
  const bool python = on_path("python3");
  return {
      {"SystemC", has_systemc, "tlm: devices, the chip in a virtual platform", "libsystemc-dev, then build again"},
      {"MPI", has_mpi && on_path("mpirun"), "mpi: devices, one array over many processes", "libopenmpi-dev openmpi-bin, then build again"},
      {"Verilog", has_rtl, "rtl: devices, the chip in Verilog", "verilator, then build again"},
      {"OpenSSL", has_crypto, "tokens of served devices", "libssl-dev, then build again"},
      {"FMI unit", unit_is_here(), "heatbath fmu", "build the target heatbath_unit, or install heatbath whole"},
      {"HTTP library", has_http, "the page of heatbath monitor", "libcpp-httplib-dev libssl-dev, then build again"},
      {"gnuplot", on_path("gnuplot"), "figures of the reports", "gnuplot-nox"},
      {"ngspice", on_path("ngspice"), "simulates what heatbath netlist writes", "ngspice"},
      {"GTKWave", on_path("gtkwave"), "shows what heatbath run --vcd writes", "gtkwave"},
      {"Python", python, "scripts, the Python module", "python3"},
      {"numpy", python && python_finds("numpy"), "reads .npz results in Python", "python3-numpy"},
      {"module heatbath", python && python_finds("heatbath"), "import heatbath",
       "pybind11-dev python3-dev, then build again; $PYTHONPATH names the folder python of the build"},
      {"matplotlib", python && python_finds("matplotlib"), "plots of heatbath.plot", "python3-matplotlib"},
      {"RISC-V compiler", on_path("riscv64-unknown-elf-gcc"), "firmware on an RV32 core",
       "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf libunicorn-dev"},
      {"rapidcheck", fs::exists("/usr/include/rapidcheck.h"), "tests of properties of random values", "librapidcheck-dev"},
      {"Doxygen", on_path("doxygen"), "the site's reference of C++ and C", "doxygen"},
      {"Chromium", on_path("chromium"), "the test of the monitor's page", "chromium; from PyPI playwright axe-playwright-python"},
  };
}

/// A job and how it went.
struct Trial {
  std::string what, device, found;
  bool good = false;
};

/// 4,000 samples of one linear cell of an emulator against its variance at equilibrium.
Trial emulator_trial() {
  constexpr std::uint32_t shots = 4000;
  constexpr double kT = 2, j2 = 0.5;  // V = J2 x^2: the variance is kT / (2 J2) = 2
  Trial trial{"emulator", "func:profile=ideal&cells=1", {}, false};
  try {
    Device device = open(trial.device);
    Program cell(device.capabilities(), 1);
    cell.load(CellSection::j2, static_cast<float>(j2)).load(CellSection::j4, 0).load_temperature(static_cast<float>(kT));
    cell.commit().evolve(device.ticks(10)).sample();
    const Capture states = device.run(cell, {.shots = shots}).capture;
    double sum = 0, squares = 0;
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const double x = states.state(shot, 0)[0];
      sum += x;
      squares += x * x;
    }
    const double mean = sum / shots, variance = squares / shots - mean * mean, exact = kT / (2 * j2);
    const double error = exact * std::sqrt(2.0 / (shots - 1));  // of a normal law's variance
    trial.good = std::fabs(variance - exact) < 5 * error;
    trial.found = fmt::format("variance of a linear cell {:.3f} +- {:.3f}, exact {:g}", variance, error, exact);
  } catch (const Error& error) {
    trial.found = error.what();
  }
  return trial;
}

/// A short job on the device: it ends, and its states are numbers.
Trial device_trial(const std::string& uri) {
  Trial trial{"device", uri, {}, false};
  try {
    Device device = open(uri);
    trial.device = device_line(device);
    Program program(device.capabilities(), 1);
    program.evolve(device.nearest_ticks(1)).sample();
    const auto start = std::chrono::steady_clock::now();
    const Capture states = device.run(program, {.shots = 16}).capture;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    trial.good = true;
    for (std::uint32_t shot = 0; shot < 16; ++shot) trial.good = trial.good && std::isfinite(states.state(shot, 0)[0]);
    trial.found = fmt::format("16 shots of one time unit in {:.3g} ms{}", 1e3 * seconds, trial.good ? "" : ", but their states are no numbers");
  } catch (const Error& error) {
    trial.found = error.what();
  }
  return trial;
}

std::string said_by(const char* variable) {
  const char* const value = std::getenv(variable);
  return value == nullptr ? "" : valid_utf8(value);
}

}  // namespace

int run_doctor(const DoctorOptions& options) {
  const std::vector<Part> all = parts();
  const Trial trials[] = {emulator_trial(), device_trial(options.device)};
  const bool good = std::ranges::all_of(trials, &Trial::good);
  const std::string isa(numerics::name(numerics::active_isa()));
  if (options.json) {
    nlohmann::json result{{"provenance", provenance()}, {"isa", isa}, {"threads", std::thread::hardware_concurrency()}, {"good", good}};
    for (const char* variable : {"HEATBATH_DEVICE", "HEATBATH_ISA"}) result["environment"][variable] = said_by(variable);
    for (const Part& part : all)
      result["parts"].push_back({{"name", part.name}, {"here", part.here}, {"gives", part.gives}, {"remedy", part.remedy}});
    for (const Trial& trial : trials)
      result["trials"].push_back({{"what", trial.what}, {"device", trial.device}, {"found", trial.found}, {"good", trial.good}});
    put("{}\n", json_text(result, 2));
    return good ? 0 : 1;
  }
  put("{}\n{} instructions, {} threads\n", version_line(), isa, std::thread::hardware_concurrency());
  for (const char* variable : {"HEATBATH_DEVICE", "HEATBATH_ISA"})
    if (const std::string value = said_by(variable); !value.empty()) put("{}={}\n", variable, value);
  put("\n");
  for (const Part& part : all)
    put("{:<8} {:<16} {}{}\n", part.here ? "here" : "missing", part.name, part.gives,
        part.here ? "" : fmt::format(" (Debian: {})", part.remedy));
  put("\n");
  for (const Trial& trial : trials)
    put("{:<8} {:<16} {}{}\n", trial.good ? "works" : "fails", trial.what, trial.found,
        trial.good && trial.what == "device" ? "\n" + std::string(26, ' ') + trial.device : "");
  return good ? 0 : 1;
}

}  // namespace heatbath::apps
