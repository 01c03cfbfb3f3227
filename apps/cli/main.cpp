#include "apps/cli/command_line.hpp"
#include "apps/cli/console.hpp"
#include "heatbath/ranks.hpp"

int main(int argc, char** argv) {
  using namespace heatbath::apps;
  prepare_streams();
  if (const auto status = heatbath::serve_as_rank(argc, argv)) return *status;
  return finish_output(run_command_line(
      "heatbath", argc, argv,
      {add_device_commands, add_trainer_commands, add_score_commands, add_machine_commands, add_study_commands, add_solver_commands,
       add_bridge_commands}));
}
