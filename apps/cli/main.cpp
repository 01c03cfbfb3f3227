#include "apps/cli/command_line.hpp"
#include "apps/cli/console.hpp"

int main(int argc, char** argv) {
  heatbath::apps::prepare_streams();
  return heatbath::apps::finish_output(heatbath::apps::run_command_line(argc, argv));
}
