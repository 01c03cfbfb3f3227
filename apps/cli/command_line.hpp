#pragma once
// The words of the command line and what they stand for.

#include <initializer_list>

#include "apps/cli/command_groups.hpp"

namespace heatbath::apps {

/// Adds a group of subcommands (command_groups.hpp).
using AddCommands = void (*)(CLI::App& app, Command& command);

/// Parses the arguments of the program `name` with the subcommands of `groups`, runs the command and returns the exit status of the process.
/// Every error is one line on stderr that says what and where: usage, input and output files give 2, a device that
/// failed while it ran gives 1, a signal 128 and its number.
int run_command_line(const char* name, int argc, char** argv, std::initializer_list<AddCommands> groups);

}  // namespace heatbath::apps
