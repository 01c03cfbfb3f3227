#include "apps/cli/device_choice.hpp"

#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/cli/option_kinds.hpp"
#include "files/calibration_file.hpp"
#include "heatbath/error.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps {

void add_device(CLI::App* app, DeviceChoice& choice) {
  add_device(app, choice.uri);
  app->add_option("--calibration", choice.calibration,
                  "of the device: a file of heatbath calibrate, or kept: that of its serial number (default: none)")
      ->check(a_name())
      ->option_text("FILE|kept");
  app->add_flag("--use-expired", choice.expired_too, "use the calibration also when its state is needed or expired");
}

Device open_chosen(const DeviceChoice& choice) {
  Device device = open(choice.uri);
  correct_by(device, choice);
  return device;
}

void correct_by(Device& device, const DeviceChoice& choice) {
  if (choice.calibration.empty()) {
    if (choice.expired_too) throw Error(HB_BAD_ARG, "--use-expired is about the calibration of --calibration; give that, too");
    return;
  }
  const std::filesystem::path file =
      choice.calibration == "kept" ? calibration_of(device.identity()) : std::filesystem::path(choice.calibration);
  network::correct(device, read_calibration(file), choice.expired_too ? network::Expired::used : network::Expired::refused);
}

std::string kept_calibration_state(Device& device) {
  try {
    const std::filesystem::path file = calibration_of(device.identity());
    if (!std::filesystem::exists(file)) return "none kept for this serial number";
    const network::Calibration calibration = read_calibration(file);
    const ChipCondition now = condition_of(device);
    const network::CalibrationStanding standing = calibration.standing(now);
    return fmt::format("{}; made {:.1f} hours ago, {} cells, {} couplers, {:.0f} % of its time left",
                       standing.state == network::CalibrationState::valid ? "valid" : standing.why,
                       static_cast<double>(now.seconds - calibration.made_at) / 3600, calibration.cells.size(), calibration.couplers.size(),
                       100 * standing.left);
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace heatbath::apps
