// heatbath generate: more drawings from a saved model.

#include <chrono>

#include <fmt/format.h>

#include "apps/cli/draw_and_report.hpp"
#include "apps/cli/generative_commands.hpp"
#include "apps/cli/interrupt.hpp"
#include "files/model_file.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps {

int run_generate(const GenerateCommandOptions& options) {
  DrawJob job;
  job.start = std::chrono::steady_clock::now();
  job.saved = load_model(options.model);
  if (job.saved.model.updates == 0)
    throw Error(HB_BAD_ARG, fmt::format("{}: a training that has not come to a model; heatbath train generate --continue "
                                        "goes on with it", options.model.string()));
  Device device = open_chosen(options.device);
  if (job.saved.model.cells() > device.capabilities().cells) {
    throw Error(HB_BAD_ARG, fmt::format("{}: the model has {} cells and the device {}", options.model.string(),
                                        job.saved.model.cells(), device.capabilities().cells));
  }
  OutputFolder out = drawing_folder(options.out);
  watch_interrupts();
  job.command = "generate";
  job.model_path = options.model;
  job.shots = options.shots;
  job.asked = options.asked;
  job.seed = options.seed;
  job.threads = options.threads;
  job.json = options.json;
  return draw_and_report(device, std::move(job), out);
}

}  // namespace heatbath::apps
