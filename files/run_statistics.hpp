#pragma once
// [statistics] of a run: estimates that grow while the records come.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "files/timeline.hpp"
#include "files/toml_program.hpp"
#include "heatbath/measure/record_statistics.hpp"

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::apps {

/// An array of a result file.
struct StatisticsArray {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<double> values;
  const char* units;
};

class RunStatistics {
 public:
  /// Of a description with [statistics] and the program made of it. Throws Error(BAD_ARG) with file and key for what
  /// the records do not allow: lags off their grid, cells that are not captured, temperatures that change under
  /// entropy_production, more columns than memory.
  RunStatistics(const TomlProgram& description, const Program& program);

  /// Record `record` of shots first_shot..: shots x captured state variables.
  void add(std::uint64_t first_shot, std::uint64_t record, std::span<const float> states);
  /// Meters of further shots, [snapshot][shot], and those on request.
  void add_meters(const std::vector<std::vector<hb_meters_t>>& meters, const MetersOnRequest& on_request);

  /// As docs/command.md lists it. Times in time units; what is not known is null.
  nlohmann::json json() const;
  std::vector<StatisticsArray> arrays() const;
  /// Names of the columns: x3, or of the observable.
  const std::vector<std::string>& names() const { return names_; }
  /// Whether no record has come yet.
  bool empty() const { return !records_ || records_->samples() == 0; }
  /// What the reader should know of the errors; empty where nothing is to be said.
  std::vector<std::string> notes() const;
  const measure::RecordStatistics& records() const { return *records_; }

  /// Writes or reads what was gathered, for the same description. Throws Archive::Refused for another.
  void exchange(numerics::Archive& archive);

 private:
  struct Production {
    std::string name;
    double duration = 0;  // time units
    double shots = 0, mean = 0, squares = 0;
    measure::Estimate estimate() const;
  };
  StatisticsRequest request_;
  std::uint32_t captured_first_ = 0, captured_ = 0, cells_ = 0;
  double unit_ = 1;  // ticks of a time unit
  Timeline line_;
  std::vector<std::uint32_t> columns_;  // captured state variables
  std::vector<Observable> observables_;  // of captured state variables, counted from the first captured
  std::vector<std::string> names_;
  std::vector<double> kT_;  // one, or one per cell
  std::vector<Production> production_;
  std::optional<measure::RecordStatistics> records_;
  bool signs_ = false, overdamped_ = false;  // whether all columns are spins; the cells
  std::vector<double> rows_;

  nlohmann::json strongest() const;
};

}  // namespace heatbath::apps
