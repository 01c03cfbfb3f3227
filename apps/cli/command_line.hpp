#pragma once
// The words of the command line and what they stand for.

namespace heatbath::apps {

/// Parses the arguments, runs the command and returns the exit status of the process. Every error is one line on
/// stderr that says what and where: usage, input and output files give 2, a device that failed while it ran gives 1, a
/// signal 128 and its number.
int run_command_line(int argc, char** argv);

}  // namespace heatbath::apps
