#pragma once
// The checks of the ladder and their results.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace heatbath::validation {

/// How a measured value is compared with the expected one.
enum class Bound {
  equal,     ///< statistically equal
  at_least,  ///< one-sided: an inequality of thermodynamics
  at_most,
  exact,  ///< no noise: within `floor` of the expected value
};

/// A curve for the report: points with errors, and lines.
struct Curve {
  struct Series {
    std::string name;
    std::vector<double> x, y;
    std::vector<double> error;  ///< standard errors; empty: drawn as a line
  };
  std::string title, x_label, y_label;
  std::vector<Series> series;
};

/// One check of a row.
struct Check {
  std::string suite, name;
  double expected = 0;
  double bias = 0;  ///< what the step of the integrator is predicted to add; 0 where the device hides its step
  double measured = std::numeric_limits<double>::quiet_NaN();
  double standard_error = 0;
  double effective_samples = 0;
  double relative = 0.01;  ///< the standard error may be this fraction of the expected value …
  double floor = 0;        ///< … or this much
  Bound bound = Bound::equal;
  std::optional<Curve> curve;

  // Filled in by judge().
  double z = 0;            ///< (measured - expected)/standard_error
  double probability = 1;  ///< of as large a deviation by chance, corrected for the number of checks (Holm)
  bool pass = false;
  std::string failure;  ///< why not
  std::string device;   ///< URI it ran on
  double seconds = 0;   ///< of its row

  /// Largest standard error that the check allows.
  double error_limit() const;
};

/// A row that none of the devices can run.
struct Skipped {
  std::string suite, row;
  std::string missing;  ///< the capability, by name
};

struct Outcome {
  std::vector<Check> checks;
  std::vector<Skipped> skipped;
  std::uint64_t seed = 0;
  double effort = 1;
  double seconds = 0;
  /// row before which, or in which, it was stopped: it and later ones are missing; empty: whole
  std::string stopped_at;

  std::size_t passed() const;
  std::size_t failed() const { return checks.size() - passed(); }
};

/// Chance that a sound device fails any check of a whole ladder.
inline constexpr double kFamilyError = 0.005;

/// By how much a standard error may lie on the wrong side of a limit: it is itself an estimate, of the 256 blocks of a
/// jackknife mostly, with a standard deviation of 1/sqrt(512) of itself, and a ladder has hundreds: four of these.
inline constexpr double kErrorOfErrors = 0.18;

/// Fills in z, probability, pass and failure. A check fails when its deviation is improbable (Holm's step-down
/// correction over all checks at kFamilyError), when its standard error is above error_limit(), or when the predicted
/// bias is above a quarter of the standard error, both by more than kErrorOfErrors. With `precise` false (a ladder of
/// reduced effort) only the first counts.
void judge(std::vector<Check>& checks, bool precise);

}  // namespace heatbath::validation
