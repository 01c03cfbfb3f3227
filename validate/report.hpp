#pragma once
// The outcome of a ladder, for machines and for people.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "validate/check.hpp"

namespace heatbath::validation {

/// {checks: [{suite, name, expected, bias, measured, stderr, stderr_limit, z, p, ess, bound, pass, failure, device,
/// seconds}], passed, failed, skipped: [{suite, row, missing}], seed, effort, seconds, stopped_at (SUITE/ROW, null:
/// whole), provenance}. What is not a finite number is null.
nlohmann::json outcome_json(const Outcome& outcome);

/// One self-contained page: totals, a table per suite, the curves, what was skipped and why.
std::string outcome_html(const Outcome& outcome);

/// The same as plain text, a line per check.
std::string outcome_text(const Outcome& outcome);

/// A table row of a Markdown page per check, grouped by suite: what docs/validation.md shows.
std::string outcome_markdown(const Outcome& outcome);

}  // namespace heatbath::validation
