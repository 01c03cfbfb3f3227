#pragma once
// The subcommands of heatbath in groups, each with its options and help.

#include <functional>

namespace CLI {
class App;
}

namespace heatbath::apps {

/// Does what the command line asked for; returns the exit status, throws heatbath::Error.
using Command = std::function<int()>;

/// Each adds its subcommands to `app`. When app.parse() meets one of them, it sets `command`, which must outlive `app`.
void add_device_commands(CLI::App& app, Command& command);   ///< info doctor run validate conformance calibrate monitor serve rack merge
void add_trainer_commands(CLI::App& app, Command& command);  ///< train generate, generate
void add_study_commands(CLI::App& app, Command& command);    ///< train ergodicity, bound
void add_score_commands(CLI::App& app, Command& command);    ///< train score
void add_machine_commands(CLI::App& app, Command& command);  ///< train boltzmann, memory, equilibrium
void add_solver_commands(CLI::App& app, Command& command);   ///< sample anneal solve fit
void add_bridge_commands(CLI::App& app, Command& command);   ///< netlist fmu regs plot

/// The command `train` of an app, added where it has none yet: each trainer is a subcommand of it.
CLI::App& train_of(CLI::App& app);

}  // namespace heatbath::apps
