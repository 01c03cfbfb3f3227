// The part of the heatbath command that tools/demo.sh uses, which is a third of its compile time.

#include "apps/cli/command_line.hpp"
#include "apps/cli/console.hpp"

int main(int argc, char** argv) {
  using namespace heatbath::apps;
  prepare_streams();
  return finish_output(run_command_line("heatbath-demo", argc, argv, {add_trainer_commands}));
}
