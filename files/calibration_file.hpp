#pragma once
// Calibrations in files, and where that of a chip is kept.

#include <filesystem>
#include <string>

#include "heatbath/network/calibration.hpp"

namespace heatbath::apps {

/// A calibration as JSON text: "format", the CRC-32 of the compact text of "calibration", and that.
std::string calibration_text(const network::Calibration& calibration);

/// Reads what calibration_text wrote. Throws Error(IO) in one line with the file: missing, not JSON, another format or
/// version, corrupted (its checksum does not fit), a value that is missing or of another kind.
network::Calibration read_calibration(const std::filesystem::path& path);
/// The same of a text, which messages call `source`.
network::Calibration calibration_of_text(const std::string& text, const std::string& source);

/// Where the calibration of a chip is looked for and kept when no file is named: heatbath/VENDOR-PART-SERIAL.json in
/// $XDG_CACHE_HOME, else ~/.cache. Throws Error(IO) where there is neither.
std::filesystem::path calibration_of(const Identity& chip);

}  // namespace heatbath::apps
