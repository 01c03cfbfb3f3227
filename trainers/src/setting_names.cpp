#include "heatbath/trainers/setting_names.hpp"

#include <array>
#include <string>
#include <utility>

#include "heatbath/error.hpp"

namespace heatbath::trainers {

namespace {

constexpr std::array<std::pair<Scaling, std::string_view>, 2> kScalings{
    {{Scaling::common_norm, "common-norm"}, {Scaling::unit_variance, "unit-variance"}}};
constexpr std::array<std::pair<Drive, std::string_view>, 2> kDrives{
    {{Drive::pixel, "pixel"}, {Drive::projection, "projection"}}};
constexpr std::array<std::pair<Optimizer, std::string_view>, 3> kOptimizers{{{Optimizer::gradient, "gradient"},
                                                                             {Optimizer::online, "online"},
                                                                             {Optimizer::least_squares, "least-squares"}}};
constexpr std::array<std::pair<Process, std::string_view>, 2> kProcesses{{{Process::vp, "vp"}, {Process::ve, "ve"}}};
constexpr std::array<std::pair<ScoreKind, std::string_view>, 4> kScoreKinds{{{ScoreKind::exact, "exact"},
                                                                             {ScoreKind::linear, "linear"},
                                                                             {ScoreKind::radial, "radial"},
                                                                             {ScoreKind::cell, "device"}}};

template <typename List, typename Choice>
std::string_view name_in(const List& list, Choice choice) {
  for (const auto& [value, name] : list) {
    if (value == choice) return name;
  }
  return "?";
}

template <typename List>
auto choice_in(const List& list, std::string_view name, std::string_view what) {
  std::string names;
  for (const auto& [value, known] : list) {
    if (known == name) return value;
    names += (names.empty() ? "" : " or ") + std::string(known);
  }
  throw Error(HB_BAD_ARG, std::string(what) + " = " + std::string(name) + ": needs " + names);
}

}  // namespace

std::string_view name_of(Scaling scaling) { return name_in(kScalings, scaling); }
std::string_view name_of(Drive drive) { return name_in(kDrives, drive); }
std::string_view name_of(Optimizer optimizer) { return name_in(kOptimizers, optimizer); }
Scaling scaling_named(std::string_view name, std::string_view what) { return choice_in(kScalings, name, what); }
Drive drive_named(std::string_view name, std::string_view what) { return choice_in(kDrives, name, what); }
Optimizer optimizer_named(std::string_view name, std::string_view what) { return choice_in(kOptimizers, name, what); }

std::string_view name_of(Process process) { return name_in(kProcesses, process); }
std::string_view name_of(ScoreKind kind) { return name_in(kScoreKinds, kind); }
Process process_named(std::string_view name, std::string_view what) { return choice_in(kProcesses, name, what); }
ScoreKind score_kind_named(std::string_view name, std::string_view what) { return choice_in(kScoreKinds, name, what); }

}  // namespace heatbath::trainers
