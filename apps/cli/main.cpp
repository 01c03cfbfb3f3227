#include "apps/cli/command_line.hpp"

int main(int argc, char** argv) { return heatbath::apps::run_command_line(argc, argv); }
