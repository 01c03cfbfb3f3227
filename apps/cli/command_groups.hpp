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
void add_device_commands(CLI::App& app, Command& command);   ///< info run validate conformance serve
void add_trainer_commands(CLI::App& app, Command& command);  ///< train generate bound
void add_bridge_commands(CLI::App& app, Command& command);   ///< netlist fmu regs

}  // namespace heatbath::apps
