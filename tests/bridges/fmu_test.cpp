// The co-simulation unit as an importer meets it: every function, in and out of order, and the bits of the driver.
#include <gtest/gtest.h>

#include <dlfcn.h>
#include <unistd.h>
#include <zip.h>

#include <clocale>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <locale>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "bridges/fmi/fmi3.hpp"
#include "bridges/fmi/package.hpp"
#include "bridges/fmi/variables.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps::fmi {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t cells = 5;
constexpr std::uint64_t seed = 9;
constexpr double dt = 1e-9;  // seconds: 1000 ticks of `ideal`

Network network() {
  Network it;
  it.source = "a test";
  it.j2 = {-1, -1, -0.5f, 0.5f, 1};
  it.j4 = {1, 1, 1, 0.5f, 0};
  it.bias = {0.1f, 0, -0.2f, 0.3f, 0};
  it.couplings.assign(cells * cells, 0.0f);
  for (std::uint32_t i = 0; i + 1 < cells; ++i) it.couplings[i * cells + i + 1] = it.couplings[(i + 1) * cells + i] = -0.4f;
  it.gain = 0.9f;
  it.kT = 0.5f;
  it.initial = {0.5f, -0.5f, 0.25f, 0, 1};
  return it;
}

/// A unit, by default that of network(), written by the command's writer and unpacked.
struct Unpacked {
  explicit Unpacked(const char* name = "arrays", const PackageOptions& options = {network(), "ideal", HEATBATH_UNIT},
                    const std::string& uri = "func:profile=ideal") {
    folder = fs::temp_directory_path() / ("heatbath_fmu_" + std::string(name) + std::to_string(getpid()));
    fs::create_directories(folder);
    const Device device = open(uri);
    write_unit(folder / "chip.fmu", device, options);
    int error = 0;
    zip_t* const zip = zip_open((folder / "chip.fmu").c_str(), ZIP_RDONLY, &error);
    for (zip_int64_t i = 0; i < zip_get_num_entries(zip, 0); ++i) {
      zip_stat_t entry;
      zip_stat_index(zip, static_cast<zip_uint64_t>(i), 0, &entry);
      std::string bytes(entry.size, '\0');
      zip_file_t* const file = zip_fopen_index(zip, static_cast<zip_uint64_t>(i), 0);
      zip_fread(file, bytes.data(), bytes.size());
      zip_fclose(file);
      fs::create_directories((folder / entry.name).parent_path());
      std::ofstream(folder / entry.name, std::ios::binary) << bytes;
    }
    zip_close(zip);
    std::ifstream(resources() + "chip.json") >> chip;
    library = dlopen((folder / "binaries/x86_64-linux/heatbath.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) ADD_FAILURE() << dlerror();
  }
  ~Unpacked() { fs::remove_all(folder); }
  std::string resources() const { return (folder / "resources").string() + "/"; }
  std::string token() const { return chip["token"]; }

  fs::path folder;
  nlohmann::json chip;
  void* library = nullptr;
};
Unpacked& unpacked() {
  static Unpacked it;
  return it;
}

template <class Function>
Function* function(const char* name) {
  void* const found = dlsym(unpacked().library, name);
  EXPECT_NE(found, nullptr) << name;
  return reinterpret_cast<Function*>(found);
}

struct Importer {
  std::vector<std::string> log;
  double early_at = -1;  // asks for an early return at the first update not before it
  double early_time = 0;
  std::vector<double> updates;
};

fmi3Instance instantiate(Importer& importer, const std::string& token, const std::string& resources,
                         bool event_mode = false, bool early = true) {
  return function<fmi3InstantiateCoSimulationType>("fmi3InstantiateCoSimulation")(
      "chip", token.c_str(), resources.c_str(), false, true, event_mode, early, nullptr, 0, &importer,
      [](fmi3InstanceEnvironment environment, fmi3Status status, fmi3String, fmi3String message) {
        EXPECT_EQ(status, fmi3Error);
        static_cast<Importer*>(environment)->log.push_back(message);
      },
      [](fmi3InstanceEnvironment environment, double time, bool, bool, bool, bool can, bool* wanted, double* when) {
        auto& it = *static_cast<Importer*>(environment);
        it.updates.push_back(time);
        if (!can || it.early_at < 0 || time < it.early_at) return;
        *wanted = true;
        *when = it.early_time;
      });
}

class Unit {
 public:
  explicit Unit(const Unpacked& of = unpacked()) : handle(instantiate(importer, of.token(), of.resources())) {
    EXPECT_NE(handle, nullptr);
  }
  ~Unit() { function<fmi3FreeInstanceType>("fmi3FreeInstance")(handle); }
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;

  fmi3Status mode(const char* name) { return function<fmi3ModeType>(name)(handle); }
  fmi3Status initialize(double start = 0) {
    return function<fmi3EnterInitializationModeType>("fmi3EnterInitializationMode")(handle, false, 0, start, false, 0);
  }
  void start(std::uint64_t key = seed) {
    EXPECT_EQ(put(Variable::seed, std::vector<std::uint64_t>{key}), fmi3OK);
    EXPECT_EQ(initialize(), fmi3OK);
    EXPECT_EQ(mode("fmi3ExitInitializationMode"), fmi3OK);
  }
  fmi3Status step(double size, bool* early = nullptr) {
    bool events = true, terminate = true, returned = true;
    double reached = -1;
    const fmi3Status status = function<fmi3DoStepType>("fmi3DoStep")(handle, time, size, true, &events, &terminate,
                                                                     &returned, &reached);
    if (status == fmi3OK) {
      EXPECT_FALSE(events || terminate);
      time = reached;
    }
    if (early != nullptr) *early = returned;
    return status;
  }
  template <class Value>
  fmi3Status put(Variable variable, const std::vector<Value>& values) {
    const auto reference = static_cast<fmi3ValueReference>(variable);
    const char* const name = std::is_same_v<Value, double> ? "fmi3SetFloat64" : "fmi3SetUInt64";
    return function<fmi3SetType<Value>>(name)(handle, &reference, 1, values.data(), values.size());
  }
  fmi3Status put_clamps(const std::vector<char>& values) {
    const fmi3ValueReference reference = static_cast<fmi3ValueReference>(Variable::clamp);
    return function<fmi3SetType<bool>>("fmi3SetBoolean")(handle, &reference, 1,
                                                         reinterpret_cast<const bool*>(values.data()), values.size());
  }
  fmi3Status take(Variable variable, std::vector<double>& values) {
    const auto reference = static_cast<fmi3ValueReference>(variable);
    return function<fmi3GetType<double>>("fmi3GetFloat64")(handle, &reference, 1, values.data(), values.size());
  }
  std::vector<double> x(std::size_t count = cells) {
    std::vector<double> values(count);
    EXPECT_EQ(take(Variable::x, values), fmi3OK);
    return values;
  }
  double scalar(Variable variable) {
    std::vector<double> value(1);
    EXPECT_EQ(take(variable, value), fmi3OK);
    return value[0];
  }
  fmi3FMUState save() {
    fmi3FMUState state = nullptr;
    EXPECT_EQ(function<fmi3StateType>("fmi3GetFMUState")(handle, &state), fmi3OK);
    return state;
  }
  fmi3Status restore(fmi3FMUState state) { return function<fmi3SetFMUStateType>("fmi3SetFMUState")(handle, state); }
  void forget(fmi3FMUState& state) { EXPECT_EQ(function<fmi3StateType>("fmi3FreeFMUState")(handle, &state), fmi3OK); }

  Importer importer;
  fmi3Instance handle;
  double time = 0;
};

std::vector<double> after_steps(std::initializer_list<int> pattern, int total) {
  Unit unit;
  unit.start();
  for (int done = 0; done < total;)
    for (const int steps : pattern) {
      if (done == total) break;
      EXPECT_EQ(unit.step(std::min(steps, total - done) * dt), fmi3OK);
      done += std::min(steps, total - done);
    }
  return unit.x();
}

TEST(Fmu, TheSameSeedGivesTheBitsOfTheDriver) {
  const Network it = network();
  Device device = open("func:profile=ideal&cells=5&lanes=2&threads=1");
  Program program(device.capabilities(), cells);
  program.load(CellSection::j2, it.j2).load(CellSection::j4, it.j4).load(CellSection::bias, it.bias);
  program.load_couplings(it.couplings).load_gain(it.gain).load_temperature(it.kT).commit();
  program.set(0, it.initial).evolve({1000 * 7000}).sample();
  std::vector<float> bias = it.bias;
  bias[1] = 1.5f;
  program.load(CellSection::bias, bias).load_gain(0.25f).commit().clamp(2, 1, -0.75f).evolve({1000 * 500}).sample();
  program.release(2, 1).evolve({1000 * 500}).sample();
  const Capture capture = device.run(program, {.shots = 1, .seed = seed}).capture;
  const auto expected = [&](std::uint64_t record) {
    const auto state = capture.state(0, record);
    return std::vector<double>(state.begin(), state.end());
  };

  Unit unit;
  unit.start();
  EXPECT_EQ(unit.x(), std::vector<double>(it.initial.begin(), it.initial.end()));
  EXPECT_EQ(unit.step(7000 * dt), fmi3OK);
  EXPECT_EQ(unit.x(), expected(0));
  unit.put(Variable::bias, std::vector<double>(bias.begin(), bias.end()));
  unit.put(Variable::coupling_scale, std::vector<double>{0.25});
  unit.put(Variable::clamp_value, std::vector<double>{0, 0, -0.75, 0, 0});
  unit.put_clamps({0, 0, 1, 0, 0});
  EXPECT_EQ(unit.step(500 * dt), fmi3OK);
  EXPECT_EQ(unit.x(), expected(1));
  EXPECT_EQ(unit.x()[2], -0.75);
  unit.put_clamps({0, 0, 0, 0, 0});
  EXPECT_EQ(unit.step(500 * dt), fmi3OK);
  EXPECT_EQ(unit.x(), expected(2));
  EXPECT_NE(unit.x()[2], -0.75);
}

TEST(Fmu, AUnitOfScalarsInTimeUnitsHasTheBitsOfTheDriverAlsoOfVelocities) {
  Network it = network();
  it.cell_kind = CellKind::underdamped;
  it.mass = {1, 2, 1, 0.5f, 1};
  it.initial_second = {0, 1, -1, 0.5f, 0};
  const Unpacked scalars("scalars", {it, "ideal", HEATBATH_UNIT, 1.0, true}, "func:profile=ideal&cell=underdamped");

  Device device = open("func:profile=ideal&cell=underdamped&cells=5&lanes=1&threads=1");
  Program program(device.capabilities(), cells);
  program.load(CellSection::j2, it.j2).load(CellSection::j4, it.j4).load(CellSection::bias, it.bias);
  program.load(CellSection::mass, it.mass).load(CellSection::damping, 1.0f);
  program.load_couplings(it.couplings).load_gain(it.gain).load_temperature(it.kT).commit();
  program.set(0, it.initial).set(cells, it.initial_second).evolve({1000 * 1500}).sample();
  std::vector<float> bias = it.bias;
  bias[1] = 1.5f;
  program.load(CellSection::bias, bias).commit().clamp(2, 1, -0.75f).evolve({1000 * 500}).sample();
  const Capture capture = device.run(program, {.shots = 1, .seed = seed, .capture_cells = 2 * cells}).capture;

  Unit unit(scalars);
  unit.start();
  const auto expect = [&](std::uint64_t record) {
    for (std::uint32_t i = 0; i < cells; ++i) {
      EXPECT_EQ(unit.scalar(static_cast<Variable>(reference_of(Variable::x, i))), capture.state(0, record)[i]) << i;
      EXPECT_EQ(unit.scalar(static_cast<Variable>(reference_of(Variable::second, i))), capture.state(0, record)[cells + i])
          << i;
    }
  };
  EXPECT_EQ(unit.step(1.5), fmi3OK);
  expect(0);
  EXPECT_EQ(unit.put(static_cast<Variable>(reference_of(Variable::bias, 1)), std::vector<double>{1.5}), fmi3OK);
  EXPECT_EQ(unit.put(static_cast<Variable>(reference_of(Variable::clamp_value, 2)), std::vector<double>{-0.75}), fmi3OK);
  const fmi3ValueReference third = reference_of(Variable::clamp, 2);
  const bool held = true;
  EXPECT_EQ(function<fmi3SetType<bool>>("fmi3SetBoolean")(unit.handle, &third, 1, &held, 1), fmi3OK);
  EXPECT_EQ(unit.step(0.5), fmi3OK);
  expect(1);

  // Of the other form, and beyond the cells, there is none.
  std::vector<double> five(cells), one(1);
  EXPECT_EQ(unit.take(Variable::x, five), fmi3Error);
  EXPECT_EQ(unit.take(static_cast<Variable>(reference_of(Variable::x, cells)), one), fmi3Error);
  Unit arrays;
  arrays.start();
  EXPECT_EQ(arrays.take(static_cast<Variable>(reference_of(Variable::x, 0)), one), fmi3Error);
  EXPECT_EQ(arrays.take(Variable::second, five), fmi3Error) << "overdamped cells have none";
}

TEST(Fmu, TheTrajectoryDoesNotDependOnTheCommunicationStep) {
  const std::vector<double> expected = after_steps({1000}, 7000);
  EXPECT_EQ(after_steps({1}, 7000), expected);
  EXPECT_EQ(after_steps({7}, 7000), expected);
  EXPECT_EQ(after_steps({1, 250, 3, 999}, 7000), expected);
  Unit unit;  // steps that are no multiple of the array's
  unit.start();
  for (int i = 0; i < 2800; ++i) EXPECT_EQ(unit.step(2.5 * dt), fmi3OK);
  EXPECT_EQ(unit.x(), expected);
}

TEST(Fmu, EnergyChangesByWorkMinusHeat) {
  Unit unit;
  unit.start();
  const double before = unit.scalar(Variable::energy);
  EXPECT_EQ(unit.scalar(Variable::work), 0);
  unit.step(100 * dt);
  EXPECT_EQ(unit.scalar(Variable::work), 0) << "nothing was changed";
  EXPECT_NEAR(unit.scalar(Variable::energy) - before, -unit.scalar(Variable::heat), 1e-6);
  unit.put(Variable::bias, std::vector<double>{1, 1, 1, 1, 1});
  unit.step(100 * dt);
  unit.put_clamps({1, 1, 0, 0, 0});
  unit.step(100 * dt);
  EXPECT_NE(unit.scalar(Variable::work), 0);
  EXPECT_NEAR(unit.scalar(Variable::energy) - before, unit.scalar(Variable::work) - unit.scalar(Variable::heat), 1e-5);
}

TEST(Fmu, StatesAreTakenAndPutBackAlsoAsBytesIntoAnotherInstance) {
  Unit unit;
  unit.start();
  unit.step(300 * dt);
  unit.put(Variable::bias, std::vector<double>{0, 0, 0, 2, 0});  // set, and not yet applied
  unit.put_clamps({0, 1, 0, 0, 0});
  fmi3FMUState state = unit.save();
  unit.step(200 * dt);
  const std::vector<double> expected = unit.x();
  const double work = unit.scalar(Variable::work), end = unit.time;

  EXPECT_EQ(unit.restore(state), fmi3OK);
  unit.time = 300 * dt;
  unit.step(150 * dt);
  unit.step(50 * dt);
  EXPECT_EQ(unit.x(), expected);
  EXPECT_DOUBLE_EQ(unit.time, end);
  EXPECT_NEAR(unit.scalar(Variable::work), work, 1e-6 * std::abs(work)) << "the work of a change that was pending";

  std::size_t size = 0;
  EXPECT_EQ(function<fmi3SerializedFMUStateSizeType>("fmi3SerializedFMUStateSize")(unit.handle, state, &size), fmi3OK);
  std::vector<fmi3Byte> bytes(size);
  const auto serialize = function<fmi3SerializeFMUStateType>("fmi3SerializeFMUState");
  EXPECT_EQ(serialize(unit.handle, state, bytes.data(), size), fmi3OK);
  EXPECT_EQ(serialize(unit.handle, state, bytes.data(), size - 1), fmi3Error);
  Unit other;
  const auto deserialize = function<fmi3DeserializeFMUStateType>("fmi3DeserializeFMUState");
  fmi3FMUState copy = nullptr;
  ASSERT_EQ(deserialize(other.handle, bytes.data(), size, &copy), fmi3OK);
  EXPECT_EQ(other.restore(copy), fmi3OK);
  other.time = 300 * dt;
  other.step(200 * dt);
  EXPECT_EQ(other.x(), expected);

  for (std::size_t cut = 0; cut < size; cut += 7) {
    fmi3FMUState wrong = nullptr;
    EXPECT_EQ(deserialize(other.handle, bytes.data(), cut, &wrong), fmi3Error) << cut;
    EXPECT_EQ(wrong, nullptr);
  }
  bytes[12] ^= 1;
  fmi3FMUState wrong = nullptr;
  EXPECT_EQ(deserialize(other.handle, bytes.data(), size, &wrong), fmi3Error);
  EXPECT_EQ(other.restore(nullptr), fmi3Error);
  unit.forget(state);
  EXPECT_EQ(state, nullptr);
  unit.forget(state);
  other.forget(copy);
}

TEST(Fmu, TwoInstancesDoNotDisturbEachOther) {
  const std::vector<double> alone = after_steps({50}, 500);
  Unit one, two;
  one.start();
  two.start(seed + 1);
  for (int i = 0; i < 10; ++i) {
    one.step(50 * dt);
    two.put(Variable::temperature, std::vector<double>{0.1 * (i + 1)});
    two.step(73 * dt);
  }
  EXPECT_EQ(one.x(), alone);
  EXPECT_NE(two.x(), alone);
}

TEST(Fmu, ResetBeginsAgain) {
  const std::vector<double> expected = after_steps({100}, 100);
  Unit unit;
  unit.start(77);
  unit.step(30 * dt);
  unit.put_clamps({1, 1, 1, 1, 1});
  EXPECT_EQ(unit.mode("fmi3Reset"), fmi3OK);
  unit.time = 0;
  unit.start();
  unit.step(100 * dt);
  EXPECT_EQ(unit.x(), expected);
  EXPECT_EQ(unit.mode("fmi3Terminate"), fmi3OK);
  EXPECT_EQ(unit.x(), expected) << "outputs can be read to the end";
  EXPECT_EQ(unit.mode("fmi3Reset"), fmi3OK);
}

TEST(Fmu, FewerCellsAreAStructuralParameter) {
  Unit unit;
  EXPECT_EQ(unit.put(Variable::cells, std::vector<std::uint64_t>{3}), fmi3Error) << "in Configuration Mode only";
  EXPECT_EQ(unit.mode("fmi3EnterConfigurationMode"), fmi3OK);
  EXPECT_EQ(unit.put(Variable::cells, std::vector<std::uint64_t>{6}), fmi3Error);
  EXPECT_NE(unit.importer.log.back().find("1..5"), std::string::npos) << unit.importer.log.back();
  EXPECT_EQ(unit.put(Variable::cells, std::vector<std::uint64_t>{0}), fmi3Error);
  EXPECT_EQ(unit.put(Variable::cells, std::vector<std::uint64_t>{3}), fmi3OK);
  EXPECT_EQ(unit.mode("fmi3ExitConfigurationMode"), fmi3OK);
  unit.start();
  EXPECT_EQ(unit.step(10 * dt), fmi3OK);
  EXPECT_EQ(unit.x(3).size(), 3u);
  std::vector<double> five(5);
  EXPECT_EQ(unit.take(Variable::x, five), fmi3Error);
}

TEST(Fmu, AnIntermediateUpdateMayEndTheStepEarly) {
  Unit plain, unit;
  plain.start();
  unit.put(Variable::intermediate_period, std::vector<double>{100 * dt});
  unit.start();
  unit.importer.early_at = 290 * dt;
  unit.importer.early_time = 350 * dt;
  bool early = false;
  EXPECT_EQ(unit.step(1000 * dt, &early), fmi3OK);
  EXPECT_TRUE(early);
  EXPECT_DOUBLE_EQ(unit.time, 350 * dt);
  ASSERT_EQ(unit.importer.updates.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(unit.importer.updates[i], 100.0 * double(i + 1) * dt, 1e-3 * dt);
  plain.step(350 * dt);
  EXPECT_EQ(unit.x(), plain.x());
  unit.importer.early_at = -1;
  EXPECT_EQ(unit.step(650 * dt, &early), fmi3OK);
  EXPECT_FALSE(early);
  plain.step(650 * dt);
  EXPECT_EQ(unit.x(), plain.x());
}

TEST(Fmu, InstantiationSaysWhatIsWrong) {
  const auto refusal = [](const std::string& token, const std::string& resources, bool event_mode = false) {
    Importer importer;
    EXPECT_EQ(instantiate(importer, token, resources, event_mode), nullptr);
    EXPECT_EQ(importer.log.size(), 1u);
    return importer.log.empty() ? "" : importer.log.front();
  };
  Unpacked& it = unpacked();
  EXPECT_NE(refusal("{other}", it.resources()).find(it.token()), std::string::npos);
  EXPECT_NE(refusal(it.token(), "/nowhere").find("/nowhere/chip.json"), std::string::npos);
  EXPECT_NE(refusal(it.token(), it.resources(), true).find("Event Mode"), std::string::npos);
  const auto changed = [&](const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json chip = it.chip;
    change(chip);
    const fs::path folder = it.folder / "changed";
    fs::create_directories(folder);
    std::ofstream(folder / "chip.json") << chip;
    return refusal(it.token(), folder.string());
  };
  const std::string too_many = changed([](nlohmann::json& chip) {
    constexpr std::size_t many = 9000;
    chip["cells"] = many;
    for (const char* key : {"j2", "j4", "bias", "initial"}) chip[key] = std::vector<float>(many);
    chip["couplings"] = std::vector<float>();
  });
  EXPECT_NE(too_many.find("9000 cells"), std::string::npos) << too_many;
  EXPECT_NE(too_many.find("1..8192"), std::string::npos) << too_many;
  EXPECT_NE(changed([](nlohmann::json& chip) { chip["profile"] = "silicon"; }).find("SEEDED"), std::string::npos);
  EXPECT_NE(changed([](nlohmann::json& chip) { chip["j4"] = std::vector<float>(3); }).find("sizes"), std::string::npos);
  Importer importer;
  using Exchange = fmi3Instance(fmi3String, fmi3String, fmi3String, bool, bool, void*, fmi3LogMessageCallback);
  EXPECT_EQ(function<Exchange>("fmi3InstantiateModelExchange")("chip", "", "", false, false, &importer, nullptr), nullptr);
  EXPECT_STREQ(function<const char*()>("fmi3GetVersion")(), "3.0");
}

// -- in and out of order ----------------------------------------------------------------------------------------------

enum Mode { instantiated, configuration, initialization, stepping, terminated, modes };

/// An instance that has come to a mode by the right calls.
std::unique_ptr<Unit> unit_in(Mode mode) {
  auto unit = std::make_unique<Unit>();
  if (mode == configuration) unit->mode("fmi3EnterConfigurationMode");
  if (mode >= initialization) unit->initialize();
  if (mode >= stepping) unit->mode("fmi3ExitInitializationMode");
  if (mode == terminated) unit->mode("fmi3Terminate");
  return unit;
}

TEST(Fmu, AUnitHasOneTemperature) {
  const Device device = open("func:profile=ideal&cells=8&lanes=1&threads=1");
  Network warm = network();
  warm.kT_per_cell.assign(warm.cells(), 0.5f);
  try {
    write_unit(std::filesystem::path(testing::TempDir()) / "warm.fmu", device, {warm, "ideal", HEATBATH_UNIT});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("one temperature"), std::string::npos) << error.what();
  }
}

TEST(Fmu, EveryFunctionInEveryModeIsAllowedOrAnErrorWithALoggedMessage) {
  struct Call {
    const char* name;
    std::function<fmi3Status(Unit&)> run;
    std::vector<Mode> allowed;
  };
  std::vector<double> five(cells), one(1);
  const std::vector<Call> calls{
      {"fmi3EnterConfigurationMode", [](Unit& u) { return u.mode("fmi3EnterConfigurationMode"); }, {instantiated}},
      {"fmi3ExitConfigurationMode", [](Unit& u) { return u.mode("fmi3ExitConfigurationMode"); }, {configuration}},
      {"fmi3EnterInitializationMode", [](Unit& u) { return u.initialize(); }, {instantiated}},
      {"fmi3ExitInitializationMode", [](Unit& u) { return u.mode("fmi3ExitInitializationMode"); }, {initialization}},
      {"fmi3DoStep", [](Unit& u) { return u.step(dt); }, {stepping}},
      {"fmi3Terminate", [](Unit& u) { return u.mode("fmi3Terminate"); }, {stepping}},
      {"fmi3Reset",
       [](Unit& u) { return u.mode("fmi3Reset"); },
       {instantiated, configuration, initialization, stepping, terminated}},
      {"set cells",
       [](Unit& u) { return u.put(Variable::cells, std::vector<std::uint64_t>{2}); },
       {configuration}},
      {"set seed",
       [](Unit& u) { return u.put(Variable::seed, std::vector<std::uint64_t>{2}); },
       {instantiated, initialization}},
      {"set intermediate_period",
       [](Unit& u) { return u.put(Variable::intermediate_period, std::vector<double>{1}); },
       {instantiated, initialization}},
      {"set temperature",
       [](Unit& u) { return u.put(Variable::temperature, std::vector<double>{1}); },
       {instantiated, initialization, stepping}},
      {"set clamp",
       [](Unit& u) { return u.put_clamps({1, 0, 0, 0, 0}); },
       {instantiated, initialization, stepping}},
      {"set x", [&](Unit& u) { return u.put(Variable::x, five); }, {}},
      {"set time", [&](Unit& u) { return u.put(Variable::time, one); }, {}},
      {"get x", [&](Unit& u) { return u.take(Variable::x, five); }, {initialization, stepping, terminated}},
      {"get heat", [&](Unit& u) { return u.take(Variable::heat, one); }, {initialization, stepping, terminated}},
      {"get bias", [&](Unit& u) { return u.take(Variable::bias, five); }, {initialization, stepping, terminated}},
      {"get by a wrong reference", [&](Unit& u) { return u.take(static_cast<Variable>(99), one); }, {}},
      {"get by a wrong type", [&](Unit& u) { return u.take(Variable::seed, one); }, {}},
      {"get with a wrong size", [&](Unit& u) { return u.take(Variable::x, one); }, {}},
      {"set bias to infinity",
       [](Unit& u) { return u.put(Variable::bias, std::vector<double>{1, 1, 1, 1, 1e300}); },
       {}},
      {"set a temperature below 0", [](Unit& u) { return u.put(Variable::temperature, std::vector<double>{-1}); }, {}},
  };
  for (const Call& call : calls)
    for (int mode = 0; mode < modes; ++mode) {
      SCOPED_TRACE(std::string(call.name) + " in mode " + std::to_string(mode));
      const auto unit = unit_in(static_cast<Mode>(mode));
      const bool allowed = std::find(call.allowed.begin(), call.allowed.end(), mode) != call.allowed.end();
      EXPECT_EQ(call.run(*unit), allowed ? fmi3OK : fmi3Error);
      EXPECT_EQ(unit->importer.log.size(), allowed ? 0u : 1u);
      fmi3FMUState state = unit->save();  // in every mode
      EXPECT_EQ(unit->restore(state), fmi3OK);
      unit->forget(state);
    }
}

TEST(Fmu, WrongStepsChangeNothing) {
  Unit unit;
  unit.start();
  unit.step(100 * dt);
  const std::vector<double> before = unit.x();
  for (const double size : {0.0, -dt, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    EXPECT_EQ(unit.step(size), fmi3Error) << size;
  unit.time = 50 * dt;
  EXPECT_EQ(unit.step(dt), fmi3Error) << "another communication point";
  EXPECT_NE(unit.importer.log.back().find("communication point"), std::string::npos);
  EXPECT_EQ(unit.x(), before);
  unit.time = 100 * dt;
  EXPECT_EQ(unit.step(dt), fmi3OK);
  EXPECT_EQ(function<fmi3ModeType>("fmi3Reset")(nullptr), fmi3Error);
}

TEST(Fmu, AClockThatCannotTellItsStepsApartStillMovesTheArray) {
  const std::vector<double> expected = after_steps({50}, 3000);
  for (const double start : {-5.0, 1.0, 1e3, 1e6, 4e8, 1.9e9}) {
    SCOPED_TRACE(start);
    Unit unit;
    unit.time = start;
    EXPECT_EQ(unit.put(Variable::seed, std::vector<std::uint64_t>{seed}), fmi3OK);
    EXPECT_EQ(unit.initialize(start), fmi3OK);
    EXPECT_EQ(unit.mode("fmi3ExitInitializationMode"), fmi3OK);
    for (int i = 0; i < 60; ++i) EXPECT_EQ(unit.step(50 * dt), fmi3OK);
    EXPECT_EQ(unit.x(), expected);
  }
}

TEST(Fmu, AClockOfMultipliedTimesMovesTheArrayAsFar) {
  const std::vector<double> expected = after_steps({50}, 3000);
  for (const double start : {0.0, 3.0, 2e6, 1.2e9}) {
    SCOPED_TRACE(start);
    Unit unit;
    EXPECT_EQ(unit.put(Variable::seed, std::vector<std::uint64_t>{seed}), fmi3OK);
    EXPECT_EQ(unit.initialize(start), fmi3OK);
    EXPECT_EQ(unit.mode("fmi3ExitInitializationMode"), fmi3OK);
    for (int i = 0; i < 60; ++i) {
      unit.time = start + i * (50 * dt);
      EXPECT_EQ(unit.step(50 * dt), fmi3OK);
    }
    EXPECT_EQ(unit.x(), expected);
  }
}

TEST(Fmu, StepsThatMoveNoClockAreRefusedAndTimesAreShownWhole) {
  Unit unit;
  unit.start();
  EXPECT_EQ(unit.step(1000 * dt), fmi3OK);
  EXPECT_EQ(unit.step(1e-25), fmi3Error);
  EXPECT_NE(unit.importer.log.back().find("a step of 1e-25 s does not move the clock"), std::string::npos);
  unit.time = 1.001e-6;
  EXPECT_EQ(unit.step(dt), fmi3Error);
  EXPECT_NE(unit.importer.log.back().find("the communication point is 1.001e-06 s, that of this unit 1"),
            std::string::npos)
      << unit.importer.log.back();
}

TEST(Fmu, APointerThatIsNoStateIsAnError) {
  Unit unit, other;
  unit.start(), other.start();
  fmi3FMUState state = unit.save();
  const auto refused = [&](Unit& it, fmi3FMUState wrong) {
    fmi3FMUState copy = wrong;
    EXPECT_EQ(function<fmi3SetFMUStateType>("fmi3SetFMUState")(it.handle, wrong), fmi3Error);
    EXPECT_EQ(function<fmi3StateType>("fmi3GetFMUState")(it.handle, &copy), fmi3Error);
    EXPECT_EQ(function<fmi3StateType>("fmi3FreeFMUState")(it.handle, &copy), fmi3Error);
  };
  std::vector<std::uint64_t> elsewhere(64, 0x4141414141414141u);
  refused(unit, elsewhere.data());
  refused(other, state);  // of another instance
  // The state where its address belongs, as one importer passes it.
  EXPECT_EQ(function<fmi3StateType>("fmi3FreeFMUState")(unit.handle, static_cast<fmi3FMUState*>(state)), fmi3Error);
  const fmi3FMUState freed = state;
  unit.forget(state);
  refused(unit, freed);
}

TEST(Fmu, TheDefaultExperimentIsAHundredStepsOfTenTimeUnits) {
  const std::string description = [] {
    std::ostringstream text;
    text << std::ifstream(unpacked().folder / "modelDescription.xml").rdbuf();
    return text.str();
  }();
  const auto number = [&](const std::string& name) {
    const std::size_t begin = description.find(name + "=\"", description.find("<DefaultExperiment")) + name.size() + 2;
    return std::stod(description.substr(begin));
  };
  EXPECT_NEAR(number("stopTime"), 10e-6, 1e-15) << "one time unit of ideal is a microsecond";
  EXPECT_NEAR(number("stepSize"), 1e-7, 1e-17);
}

TEST(Fmu, NothingOfThisMachineIsWrittenDown) {
  Network it = network();
  it.source = "/home/of/somebody/network.toml";
  const Device device = open("func:profile=ideal");
  const fs::path path = unpacked().folder / "source.fmu";
  write_unit(path, device, {it, "ideal", HEATBATH_UNIT});
  int error = 0;
  zip_t* const zip = zip_open(path.c_str(), ZIP_RDONLY, &error);
  ASSERT_NE(zip, nullptr);
  for (const char* name : {"resources/chip.json", "modelDescription.xml", "documentation/index.html"}) {
    zip_file_t* const file = zip_fopen(zip, name, 0);
    std::string text(1 << 20, '\0');
    text.resize(static_cast<std::size_t>(zip_fread(file, text.data(), text.size())));
    zip_fclose(file);
    EXPECT_EQ(text.find("/home/of"), std::string::npos) << name;
  }
  zip_uint8_t system = 0;
  zip_uint32_t attributes = 0;
  zip_file_get_external_attributes(zip, 0, 0, &system, &attributes);
  EXPECT_EQ(attributes >> 16, 0100644u);
  zip_discard(zip);
}

TEST(Fmu, ADamagedStateIsRefusedWhicheverBitIsWrong) {
  Unit unit;
  unit.start();
  unit.step(100 * dt);
  fmi3FMUState state = unit.save();
  std::size_t size = 0;
  ASSERT_EQ(function<fmi3Status(fmi3Instance, fmi3FMUState, std::size_t*)>("fmi3SerializedFMUStateSize")(
                unit.handle, state, &size), fmi3OK);
  std::vector<std::uint8_t> bytes(size);
  ASSERT_EQ(function<fmi3Status(fmi3Instance, fmi3FMUState, std::uint8_t*, std::size_t)>("fmi3SerializeFMUState")(
                unit.handle, state, bytes.data(), size), fmi3OK);
  auto* const read = function<fmi3Status(fmi3Instance, const std::uint8_t*, std::size_t, fmi3FMUState*)>(
      "fmi3DeserializeFMUState");
  for (std::size_t bit = 0; bit < 8 * size; ++bit) {
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    fmi3FMUState wrong = nullptr;
    ASSERT_EQ(read(unit.handle, bytes.data(), size, &wrong), fmi3Error) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
  }
  fmi3FMUState right = nullptr;
  EXPECT_EQ(read(unit.handle, bytes.data(), size, &right), fmi3OK);
  unit.forget(right);
  unit.forget(state);
}

struct CommaAndGroups : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(Fmu, TheLocaleOfTheImporterChangesNoBit) {
  const std::vector<double> expected = after_steps({250}, 2000);
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new CommaAndGroups));
  const std::string c_before = std::setlocale(LC_ALL, nullptr);
  std::setlocale(LC_ALL, "de_DE.UTF-8");  // where the machine has it
  EXPECT_EQ(after_steps({250}, 2000), expected);
  std::setlocale(LC_ALL, c_before.c_str());
  std::locale::global(before);
}

TEST(Fmu, EveryFunctionOfTheInterfaceExistsAndTheRestIsUnsupported) {
  for (const char* name :
       {"fmi3GetBinary", "fmi3SetBinary", "fmi3GetClock", "fmi3SetClock", "fmi3GetNumberOfVariableDependencies",
        "fmi3GetVariableDependencies", "fmi3GetDirectionalDerivative", "fmi3GetAdjointDerivative", "fmi3EnterEventMode",
        "fmi3EnterStepMode", "fmi3GetIntervalDecimal", "fmi3GetIntervalFraction", "fmi3GetShiftDecimal",
        "fmi3GetShiftFraction", "fmi3SetIntervalDecimal", "fmi3SetIntervalFraction", "fmi3SetShiftDecimal",
        "fmi3SetShiftFraction", "fmi3EvaluateDiscreteStates", "fmi3UpdateDiscreteStates", "fmi3EnterContinuousTimeMode",
        "fmi3CompletedIntegratorStep", "fmi3SetTime", "fmi3SetContinuousStates", "fmi3GetContinuousStateDerivatives",
        "fmi3GetEventIndicators", "fmi3GetContinuousStates", "fmi3GetNominalsOfContinuousStates",
        "fmi3GetNumberOfEventIndicators", "fmi3GetNumberOfContinuousStates", "fmi3GetOutputDerivatives",
        "fmi3ActivateModelPartition", "fmi3InstantiateScheduledExecution", "fmi3SetDebugLogging"})
    EXPECT_NE(dlsym(unpacked().library, name), nullptr) << name;
  Unit unit;
  for (const char* name : {"fmi3EnterEventMode", "fmi3EnterStepMode", "fmi3EvaluateDiscreteStates",
                           "fmi3EnterContinuousTimeMode"}) {
    EXPECT_EQ(unit.mode(name), fmi3Error) << name;
    EXPECT_NE(unit.importer.log.back().find(name), std::string::npos);
  }
  for (const char* type : {"Float32", "Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "String"})
    for (const char* verb : {"fmi3Get", "fmi3Set"}) {
      const std::string name = std::string(verb) + type;
      EXPECT_EQ((function<fmi3Status(void*, void*, std::size_t, void*, std::size_t)>(name.c_str())(
                    unit.handle, nullptr, 1, nullptr, 1)),
                fmi3Error)
          << name;
    }
}

}  // namespace
}  // namespace heatbath::apps::fmi
