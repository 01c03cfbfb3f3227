// heatbath monitor: a window into a chip, in the browser.

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/device_choice.hpp"
#include "apps/cli/interrupt.hpp"
#include "files/program_builder.hpp"
#include "heatbath/open_around.hpp"
#include "heatbath/view.hpp"
#include "monitor/chip_loop.hpp"
#include "monitor/listening_link.hpp"
#include "monitor/watch_loop.hpp"
#include "monitor/web_server.hpp"

namespace heatbath::apps {

namespace {

/// Whether somebody else has a served device; false where that cannot be known.
bool is_taken(const std::string& uri) {
  const std::string_view scheme = std::string_view(uri).substr(0, uri.find(':'));
  if (scheme != "tcp" && scheme != "unix" && scheme != "shm") return false;
  try {
    return View(uri).look({}).session != 0;
  } catch (const Error&) {
    return false;  // opening it says what is wrong
  }
}

/// Shows the window until a signal comes, or its loop ends.
void show(monitor::Window& window, const std::string& listen, const std::function<void()>& run) {
  watch_interrupts();
  const monitor::WebServer server(window, listen);
  put("{}\n", server.url());
  flush_output();
  remark("heatbath monitor: {} in a browser; Ctrl-C ends it\n", server.url());
  run();
}

}  // namespace

int run_monitor(const MonitorOptions& options) {
  const char* const environment = std::getenv("HEATBATH_DEVICE");
  const std::string uri = options.device.empty() && environment != nullptr ? environment : options.device;
  if (options.watch || is_taken(uri)) {
    if (!options.program.empty()) throw Error(HB_BAD_ARG, "--program: whoever looks on runs none; leave it out");
    if (!options.watch) remark("heatbath monitor: others have the device; looking on\n");
    monitor::WatchLoop loop(uri, {options.folder, options.frames_per_second});
    show(loop, options.listen, [&] { loop.run([] { return interrupted(); }); });
    return 0;
  }
  if (!options.folder.empty()) throw Error(HB_BAD_ARG, "--folder: shown only when looking on at a device that a trainer has: --watch, with a served device");
  std::optional<TomlProgram> description;
  if (!options.program.empty()) description = read_toml_program(options.program);
  monitor::InterruptLog interrupts;
  Device device = open_around(options.device, [&](std::unique_ptr<Transport> link) { return std::make_unique<monitor::ListeningLink>(std::move(link), interrupts); });
  if (description) set_step(device, *description);
  monitor::Scene scene = description ? monitor::scene_of(*description, device) : monitor::usual_scene(device);
  monitor::ChipLoop loop(device, std::move(scene), {options.seed, options.shots, options.frames_per_second, kept_calibration_state(device)}, &interrupts);
  show(loop, options.listen, [&] { loop.run([] { return interrupted(); }); });
  return 0;
}

}  // namespace heatbath::apps
