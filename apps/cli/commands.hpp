#pragma once
// The subcommands, each with the options the command line gave it. Every function returns the exit status (0, 1 when
// it ran and failed its check, 128 and its number when a signal ended it) and throws heatbath::Error for anything
// that is wrong before it ran.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/device_choice.hpp"
#include "heatbath/network/calibration.hpp"
#include "heatbath/server.hpp"
#include "heatbath/solvers/anneal.hpp"
#include "heatbath/solvers/bifurcation.hpp"
#include "heatbath/solvers/cycles.hpp"
#include "heatbath/solvers/linear.hpp"
#include "heatbath/solvers/oscillators.hpp"
#include "heatbath/solvers/population.hpp"
#include "heatbath/solvers/sample.hpp"
#include "heatbath/studies/ergodicity.hpp"
#include "heatbath/studies/score_bound.hpp"

namespace heatbath::apps {

struct InfoOptions {
  std::string device;  ///< URI; empty: the environment's, else func:
  std::string profile;  ///< whose datasheet is wanted; empty: the device
  bool json = false;
};
int run_info(const InfoOptions& options);

struct RunOptions {
  std::filesystem::path program;
  std::filesystem::path out;  ///< .npz or .h5; empty: summary only
  std::filesystem::path vcd;  ///< waveforms; empty: none
  std::string signals;        ///< of the waveforms (bridges/waveform.hpp); empty: all
  DeviceChoice device;
  std::optional<std::uint64_t> seed;
  std::string shots;           ///< N, or A:B for shots A .. B - 1; empty: the file's
  std::optional<double> step;  ///< of the array, time units
  bool halve = false;          ///< compare with a run at half the step
  std::vector<std::string> sweep;  ///< KEY=FROM:TO:COUNT or KEY=A,B,C; several make a grid
  bool common_noise = false;   ///< the points of a sweep see the same noise
  std::filesystem::path checkpoint;  ///< where the run is kept while it lasts; empty: nowhere
  std::chrono::seconds checkpoint_every{60};
  bool resume = false;  ///< from what is there
  bool json = false;
};
int run_program(const RunOptions& options);

struct TrainErgodicityOptions {
  std::string problem = "parity";  ///< parity, two-patterns, digits, or a file of patterns
  trainers::ErgodicityOptions study;  ///< experts 0: two, or one for each class of digits
  std::filesystem::path out;
  std::filesystem::path data;  ///< folder with IDX files; empty: the digits the project draws
  std::vector<std::uint8_t> digits{0, 1, 2};
  DeviceChoice device;
  bool go_on = false;  ///< from out/machines.json
  bool json = false;
};
int run_train_ergodicity(const TrainErgodicityOptions& options);

struct BoundCommandOptions {
  trainers::BoundOptions bound;
  std::string data = "mixture";  ///< gaussian, uniform, mixture, or a file of values
  std::string score = "exact";   ///< a kind, or a score.json
  double width = 1;              ///< standard deviation or half width of the first two
  std::filesystem::path out;
  DeviceChoice device;
  bool json = false;
};
int run_bound(const BoundCommandOptions& options);

struct AnnealCommandOptions {
  std::filesystem::path file;
  std::string problem;                    ///< kind of the problem; empty: as the format says
  std::string method = "annealing";       ///< or "cycles", "tempering", "population", "bifurcation", "oscillators"
  std::string cooling = "ratio";          ///< or "inverse"
  solvers::AnnealOptions annealing;
  solvers::CyclesOptions cycles;
  solvers::TemperingOptions tempering;
  solvers::PopulationOptions population;
  solvers::BifurcationOptions bifurcation;
  solvers::OscillatorOptions oscillators;
  std::optional<std::uint32_t> sweeps;    ///< of the method
  std::optional<double> target;           ///< in the problem's value
  std::filesystem::path out;              ///< .npz, .h5 or .json; empty: none
  DeviceChoice device;
  bool json = false;
};
int run_anneal(const AnnealCommandOptions& options);

struct FitCommandOptions {
  std::filesystem::path data;
  std::optional<double> gain;      ///< of traces
  std::optional<double> adc_step;  ///< reading of one step of the ADC
  std::filesystem::path out;       ///< .toml, keys of a chip profile; empty: none
  bool json = false;
};
int run_fit(const FitCommandOptions& options);

struct SampleCommandOptions {
  std::filesystem::path file;
  std::string problem;               ///< kind of the problem; empty: as the format says
  solvers::SampleOptions run;
  std::string statistics;            ///< names, with commas between
  std::string cells;                 ///< numbers, with commas between
  std::filesystem::path out;         ///< .npz, .h5 or .json; empty: none
  DeviceChoice device;
  bool json = false;
};
int run_sample(const SampleCommandOptions& options);

struct SolveCommandOptions {
  std::filesystem::path matrix;      ///< .npy, .npz or .mtx
  std::filesystem::path right_side;  ///< .npy, .npz or text: b of a solution, data of a posterior
  bool inverse = false, log_determinant = false;
  std::optional<double> exponential; ///< the time
  std::filesystem::path lyapunov;    ///< R, as the matrix
  std::filesystem::path design;      ///< of a posterior, whose prior precision is the matrix: .npy or .npz
  std::filesystem::path prior_mean;  ///< as right_side; empty: 0
  double noise = 1;                  ///< variance of the data of a posterior
  solvers::LinearOptions run;
  std::filesystem::path out;         ///< .npz; empty: none
  DeviceChoice device;
  bool json = false;
};
/// 1 when the tolerance was not reached.
int run_solve(const SolveCommandOptions& options);

struct NetlistCommandOptions {
  std::filesystem::path model;    ///< model.h5; or
  std::filesystem::path program;  ///< a program in TOML
  std::filesystem::path out;
  std::string device;
  double farads = 1e-9;           ///< capacitance of an overdamped cell, or of mass 1
  double transient = 0;           ///< time units of a .tran line; 0: none
  bool external_sources = false;
  bool json = false;
};
int run_netlist(const NetlistCommandOptions& options);

struct ConformanceOptions {
  DeviceChoice device;
  std::vector<std::string> only;  ///< names of claims; empty: all
  bool list = false;
  bool json = false;
};
/// 1 when a claim is broken.
int run_conformance(const ConformanceOptions& options);

struct CalibrateCommandOptions {
  std::string device;
  network::CalibrateOptions calibrate;
  std::filesystem::path out;  ///< empty: where the calibration of this chip is kept
  bool json = false;
};
int run_calibrate(const CalibrateCommandOptions& options);

/// Prints the URI that clients open, serves until SIGINT or SIGTERM.
int run_serve(const ServerOptions& options);

struct DoctorOptions {
  std::string device;
  bool json = false;
};
/// What this build and this computer have, and what each missing part would give; a job on an emulator, judged by its
/// law, and one on the device. 1 when one of the two fails.
int run_doctor(const DoctorOptions& options);

struct MonitorOptions {
  std::string device;
  std::filesystem::path program;     ///< whose [network] is shown; empty: what suits the device
  std::string listen = "127.0.0.1:8080";
  std::uint64_t seed = 1;
  std::uint32_t shots = 8;
  double frames_per_second = 30;     ///< 0: as many as the device makes
  bool watch = false;                ///< look on while others have the served device
  std::filesystem::path folder;      ///< of a trainer, shown beside the device; empty: none
};
/// Prints the address of the page; runs the device, or looks on where it is served and taken, until a signal, which is its
/// usual end: 0.
int run_monitor(const MonitorOptions& options);

struct PlotOptions {
  std::filesystem::path file;
  std::string what;           ///< name of an array; empty: what tells most
  std::filesystem::path out;  ///< .png or .svg; empty: characters on standard output
  bool list = false;
};
/// A figure of any result file.
int run_plot(const PlotOptions& options);

struct RegsOptions {
  std::string format = "csv";  ///< csv, json, svd, rdl or litex
  std::uint32_t base = 0;      ///< address of the device, of svd and litex
  std::filesystem::path out;   ///< empty: standard output
};
/// Prints the register map this build was made from.
int run_regs(const RegsOptions& options);

struct FmuOptions {
  std::filesystem::path model;    ///< model.h5; or
  std::filesystem::path program;  ///< a program in TOML; or neither: uncoupled cells
  std::filesystem::path out;
  std::string profile = "ideal";
  std::string cell;               ///< kind of the cells; empty: the profile's
  std::uint32_t cells = 16;       ///< without model and program
  double step = 0;                ///< of the array, time units; 0: the profile's
  double time_unit_seconds = 0;   ///< of the simulation; 0: the device's
  bool scalar = false;            ///< no arrays
  bool json = false;
};
int run_fmu(const FmuOptions& options);

struct ValidateOptions {
  std::vector<std::string> devices;  ///< URIs; empty: the emulator that suits each row
  std::vector<std::string> suites;   ///< empty: all
  std::filesystem::path report;      ///< HTML; empty: none
  std::filesystem::path table;       ///< Markdown; empty: none
  std::uint64_t seed = 1;
  double effort = 1;     ///< samples relative to the full ladder
  unsigned threads = 0;  ///< of the emulators opened; 0: theirs by default
  bool slow = false;
  bool list = false;
  bool json = false;
};
int run_validate(const ValidateOptions& options);

}  // namespace heatbath::apps
