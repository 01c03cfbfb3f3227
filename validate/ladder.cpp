#include "validate/ladder.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "heatbath/numerics/nearest_word.hpp"

namespace heatbath::validation {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::uint64_t seed_of_row(std::uint64_t seed, std::string_view suite, std::string_view row) {
  std::uint64_t hash = 0xCBF29CE484222325u ^ seed * 0x9E3779B97F4A7C15u;  // FNV-1a of the names
  for (const std::string_view text : {suite, std::string_view("/"), row}) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  }
  return hash;
}

struct Chosen {
  const Suite* suite;
  const Row* row;
};

std::vector<Chosen> chosen_rows(const LadderOptions& options) {
  const auto wanted = [&](std::string_view name) { return std::ranges::find(options.suites, name) != options.suites.end(); };
  std::vector<std::string> names, known;
  std::vector<Chosen> rows;
  for (const Suite& suite : suites()) {
    names.emplace_back(suite.name);
    known.emplace_back(suite.name);
    const bool whole = options.suites.empty() || wanted(suite.name);
    for (const Row& row : suite.rows) {
      known.push_back(fmt::format("{}/{}", suite.name, row.name));
      if ((whole && (!row.slow || options.slow)) || wanted(known.back())) rows.push_back({&suite, &row});
    }
  }
  for (const std::string& name : options.suites) {
    if (std::ranges::find(known, name) == known.end()) {
      throw Error(HB_BAD_ARG, fmt::format("--suite {}: there is no such suite{}; the suites are {}, and SUITE/ROW is one row "
                                          "of --list", name, numerics::did_you_mean(name, known), fmt::join(names, ", ")));
    }
  }
  return rows;
}

}  // namespace

Outcome climb(const LadderOptions& options, const DeviceFor& device_for) {
  Outcome outcome;
  outcome.seed = options.seed;
  outcome.effort = options.effort;
  const Clock::time_point start = Clock::now();
  const std::vector<Chosen> rows = chosen_rows(options);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const Suite* suite = rows[k].suite;
    const Row* row = rows[k].row;
    const double fraction = static_cast<double>(k) / static_cast<double>(rows.size());
    const auto go_on = [&] { return !options.progress || options.progress(fraction, {}); };
    const auto stop = [&] { outcome.stopped_at = fmt::format("{}/{}", suite->name, row->name); };
    if (options.progress && !options.progress(fraction, row->name)) {
      stop();
      break;
    }
    std::string missing;
    Device* device = device_for(row->needs, missing);
    if (!device) {
      outcome.skipped.push_back({std::string(suite->name), std::string(row->name), missing});
      continue;
    }
    const Clock::time_point began = Clock::now();
    std::vector<Check> checks;
    checks.reserve(64);
    Machine machine(*device, row->needs, seed_of_row(options.seed, suite->name, row->name), options.effort,
                    [&](double) { return go_on(); });
    Bench bench(machine, std::string(suite->name), checks);
    try {
      row->run(bench);
    } catch (const Error& error) {
      if (error.code() == HB_ABORTED && !go_on()) {
        stop();
        break;
      }
      if (error.code() == HB_ABORTED || error.code() == HB_LINK) throw;
      Check& failed = bench.check(std::string(row->name), 0, {std::nan(""), 0, 0});
      failed.failure = error.what();
    } catch (const std::invalid_argument& error) {  // an estimator that refuses what the device gave
      Check& failed = bench.check(std::string(row->name), 0, {std::nan(""), 0, 0});
      failed.failure = error.what();
    }
    for (Check& check : checks) {
      check.device = device->link().uri;
      check.seconds = seconds_since(began);
      outcome.checks.push_back(std::move(check));
    }
  }
  outcome.seconds = seconds_since(start);
  judge(outcome.checks, options.effort >= 1);
  return outcome;
}

Outcome climb(std::span<Device> devices, const LadderOptions& options) {
  return climb(options, [&](const Needs& needs, std::string& missing) -> Device* {
    for (Device& device : devices) {
      const std::string lacking = validation::missing(needs, device.capabilities());
      if (lacking.empty()) return &device;
      if (missing.empty()) missing = lacking;
    }
    return nullptr;
  });
}

}  // namespace heatbath::validation
