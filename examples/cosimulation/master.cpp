// An importer of FMI 3.0 in a hundred lines: a controller in closed loop with the chip, a co-simulation unit.
//   heatbath fmu --cells 64 --step 0.01 --out chip.fmu; python3 -m zipfile -e chip.fmu chip; cosimulation_master chip
// An integral controller moves one bias for all cells so that their mean follows a set point. Writes a line per
// communication step: time in microseconds, set point, mean, bias, heat. Exit status 1 when the mean does not follow.
#include <dlfcn.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

// docs: begin importer
/// The functions that this importer uses, by their types in the standard (FMI 3.0, section 2.2 and chapter 4).
struct Unit {
  enum Status { ok, warning, discard, error, fatal };
  using Log = void (*)(void*, Status, const char*, const char*);

  explicit Unit(const std::string& folder) {
    library = dlopen((folder + "/binaries/x86_64-linux/heatbath.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    std::ifstream in(folder + "/modelDescription.xml");
    const std::string description{std::istreambuf_iterator<char>(in), {}};
    std::smatch token, cell_count;
    if (!std::regex_search(description, token, std::regex("instantiationToken=\"([^\"]*)\"")) ||
        !std::regex_search(description, cell_count, std::regex("name=\"cells\"[^>]*start=\"([0-9]+)\"")))
      throw std::runtime_error(folder + "/modelDescription.xml is not that of a Heatbath chip");
    cells = std::stoul(cell_count[1]);
    const auto instantiate = function<void*(const char*, const char*, const char*, bool, bool, bool, bool,
                                            const std::uint32_t*, std::size_t, void*, Log, void*)>(
        "fmi3InstantiateCoSimulation");
    instance = instantiate("chip", token[1].str().c_str(), (folder + "/resources/").c_str(), false, true, false, false,
                           nullptr, 0, nullptr, [](void*, Status, const char*, const char* message) {
                             std::fprintf(stderr, "%s\n", message);
                           }, nullptr);
    if (instance == nullptr) throw std::runtime_error("the unit refuses to be instantiated");
    call(function<Status(void*, bool, double, double, bool, double)>("fmi3EnterInitializationMode")(instance, false, 0,
                                                                                                   0, false, 0));
    call(function<Status(void*)>("fmi3ExitInitializationMode")(instance));
  }
  ~Unit() {
    if (instance != nullptr) function<void(void*)>("fmi3FreeInstance")(instance);
  }

  std::vector<double> get(std::uint32_t reference, std::size_t count) {
    std::vector<double> values(count);
    call(function<Status(void*, const std::uint32_t*, std::size_t, double*, std::size_t)>("fmi3GetFloat64")(
        instance, &reference, 1, values.data(), count));
    return values;
  }
  void set(std::uint32_t reference, const std::vector<double>& values) {
    call(function<Status(void*, const std::uint32_t*, std::size_t, const double*, std::size_t)>("fmi3SetFloat64")(
        instance, &reference, 1, values.data(), values.size()));
  }
  void step(double time, double size) {
    bool events = false, terminate = false, early = false;
    double reached = 0;
    call(function<Status(void*, double, double, bool, bool*, bool*, bool*, double*)>("fmi3DoStep")(
        instance, time, size, true, &events, &terminate, &early, &reached));
  }

  std::size_t cells = 0;

 private:
  template <class Function>
  Function* function(const char* name) {
    void* const found = dlsym(library, name);
    if (found == nullptr) throw std::runtime_error(std::string("the unit has no ") + name);
    return reinterpret_cast<Function*>(found);
  }
  void call(Status status) {
    if (status != ok) throw std::runtime_error("the unit reports an error");
  }
  void* library = nullptr;
  void* instance = nullptr;
};
// docs: end importer

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::runtime_error("usage: cosimulation_master FOLDER, of an unpacked unit");
    Unit chip(argv[1]);
    // docs: begin loop
    constexpr std::uint32_t bias_reference = 12, x_reference = 20, heat_reference = 23;  // of modelDescription.xml
    constexpr double step = 0.05e-6, gain = 20e6;  // seconds; bias per state and second
    double bias = 0, late = 0;
    for (int n = 0; n < 800; ++n) {
      const double set_point = n < 400 ? 0.4 : -0.25;
      chip.set(bias_reference, std::vector<double>(chip.cells, bias));
      chip.step(n * step, step);
      double mean = 0;
      for (const double x : chip.get(x_reference, chip.cells)) mean += x / static_cast<double>(chip.cells);
      bias -= gain * step * (set_point - mean);  // a positive bias pushes to negative x
      if (n >= 600) late += (mean - set_point) / 200;
      std::printf("%.2f %.2f %.4f %.4f %.4f\n", 1e6 * (n + 1) * step, set_point, mean, bias,
                  chip.get(heat_reference, 1)[0]);
    }
    // docs: end loop
    if (std::abs(late) > 0.02) throw std::runtime_error("the mean does not follow its set point");
    return 0;
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "cosimulation_master: %s\n", wrong.what());
    return 1;
  }
}
