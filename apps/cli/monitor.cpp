// heatbath monitor: a window into a chip, in the browser.

#include <chrono>

#include <fmt/format.h>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/interrupt.hpp"
#include "files/calibration_file.hpp"
#include "files/program_builder.hpp"
#include "heatbath/network/calibration.hpp"
#include "heatbath/open.hpp"
#include "monitor/web_server.hpp"

namespace heatbath::apps {

namespace {

/// What is known of the calibration of a chip, for people.
std::string calibration_state(Device& device) {
  try {
    const std::filesystem::path file = calibration_of(device.identity());
    if (!std::filesystem::exists(file)) return "none kept for this serial number";
    const network::Calibration calibration = read_calibration(file);
    const ChipCondition now = condition_of(device);
    return fmt::format("made {:.1f} hours ago, {}", static_cast<double>(now.seconds - calibration.made_at) / 3600,
                       name(calibration.standing(now).state));
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

int run_monitor(const MonitorOptions& options) {
  std::optional<TomlProgram> description;
  if (!options.program.empty()) description = read_toml_program(options.program);
  Device device = open(options.device);
  if (description) set_step(device, *description);
  monitor::Scene scene = description ? monitor::scene_of(*description, device) : monitor::usual_scene(device);
  monitor::ChipLoop loop(device, std::move(scene), {options.seed, options.shots, options.frames_per_second, calibration_state(device)});
  watch_interrupts();
  const monitor::WebServer server(loop, options.listen);
  put("{}\n", server.url());
  flush_output();
  remark("heatbath monitor: {} in a browser; Ctrl-C ends it\n", server.url());
  loop.run([] { return interrupted(); });
  return 0;
}

}  // namespace heatbath::apps
