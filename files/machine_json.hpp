#pragma once
// Machines of spins in training as JSON, and the kit of the files that hold them.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "heatbath/trainers/machine_training.hpp"

namespace heatbath::apps {

/// A machine with all that its training goes on from; reading it gives the same bits.
nlohmann::json machine_json(const trainers::MachineTraining& training);
/// Throws Error(BAD_ARG) that names the key, or json::exception. Lists are counted before there is memory for what they
/// claim to be. Keys that came later may be missing.
trainers::MachineTraining machine_of(const nlohmann::json& from);

[[noreturn]] void wrong_key(const char* key, const std::string& what);
double finite_number(const nlohmann::json& value, const char* key);

/// A whole number that Unsigned holds.
template <typename Unsigned>
Unsigned whole_number(const nlohmann::json& from, const char* key) {
  const nlohmann::json& value = from.at(key);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<Unsigned>::max())
    wrong_key(key, fmt::format("it must be a whole number up to {}", std::numeric_limits<Unsigned>::max()));
  return value.get<Unsigned>();
}

template <typename Value>
std::vector<Value> finite_numbers(const nlohmann::json& from, const char* key) {
  std::vector<Value> values;
  for (const nlohmann::json& value : from.at(key)) values.push_back(static_cast<Value>(finite_number(value, key)));
  return values;
}

/// The settings that every training by averages of data and device has, in the keys of its files.
nlohmann::json chain_settings(const trainers::BoltzmannOptions& options);
/// Reads them back. Throws as machine_of.
void read_chain_settings(const nlohmann::json& from, trainers::BoltzmannOptions& options);

/// The text of a file of machines: its version and a checksum of everything else are added.
std::string machine_file_text(nlohmann::json whole);
/// Reads such a file and gives it to `read`. Throws Error(IO or BAD_ARG) in one line with the path: missing (`purpose`
/// says what it is wanted for), no JSON, damaged, and what `read` throws.
void read_machine_file(const std::filesystem::path& path, const char* purpose, const std::function<void(const nlohmann::json&)>& read);

}  // namespace heatbath::apps
