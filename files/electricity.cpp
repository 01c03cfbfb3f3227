#include "files/electricity.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/json_numbers.hpp"
#include "heatbath/device.hpp"

namespace heatbath::apps {
namespace {

std::optional<std::uint64_t> number_in(const std::string& file) {
  std::ifstream in(file);
  std::uint64_t number = 0;
  return in >> number ? std::optional(number) : std::nullopt;
}

}  // namespace

HostEnergy::HostEnergy() {
  const std::filesystem::path folder = "/sys/class/powercap";
  std::error_code none;
  bool there = false;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    // Packages: intel-rapl:0, not their parts intel-rapl:0:0.
    if (!name.starts_with("intel-rapl:") || name.find(':', 11) != std::string::npos) continue;
    there = true;
    const std::string file = (entry.path() / "energy_uj").string();
    const auto begin = number_in(file);
    if (begin)
      counters_.push_back({file, *begin, number_in((entry.path() / "max_energy_range_uj").string()).value_or(0)});
  }
  if (!counters_.empty()) return;
  absent_ = there ? "energy counters of this computer (RAPL) may not be read by this user"
                  : "this computer shows no energy counters (RAPL)";
}

std::optional<double> HostEnergy::joules() const {
  if (counters_.empty()) return std::nullopt;
  double sum = 0;
  for (const Counter& counter : counters_) {
    const auto now = number_in(counter.file);
    if (!now) return std::nullopt;
    const std::uint64_t passed = *now >= counter.begin ? *now - counter.begin : *now + counter.range - counter.begin;
    sum += static_cast<double>(passed) * 1e-6;
  }
  return sum;
}

Electricity electricity_of(Device& device, double heat, const HostEnergy& host) {
  Electricity all;
  all.work = device.work();
  all.bill = bill(device.capabilities(), all.work);
  all.bath_joules = heat * static_cast<double>(device.capabilities().energy_unit_joules);
  all.host_joules = host.joules();
  all.host_absent = all.host_joules ? "" : host.absent();
  return all;
}

nlohmann::json electricity_json(const Electricity& all) {
  nlohmann::json items = nlohmann::json::array();
  for (const Cost& cost : all.bill.items)
    items.push_back({{"item", cost.item}, {"count", cost.count}, {"joules_of_one", cost.price}, {"joules", cost.joules},
                     {"grade", name(cost.grade)}});
  const bool priced = !all.bill.items.empty();
  nlohmann::json json{{"items", items},
                      {"joules", priced ? nlohmann::json(all.bill.joules) : nlohmann::json(nullptr)},
                      {"grade", name(all.bill.grade)},
                      {"unpriced", all.bill.unpriced},
                      {"verdict", all.bill.verdict()},
                      {"samples", all.work.samples},
                      {"reads", all.work.reads},
                      {"writes", all.work.writes},
                      {"link_bytes", all.work.link_bytes},
                      {"busy_seconds", all.work.busy_seconds},
                      {"device_seconds", all.work.device_seconds},
                      {"duty_cycle", all.bill.duty},
                      {"bath_joules", or_null(all.bath_joules)},
                      {"host_joules", all.host_joules ? nlohmann::json(*all.host_joules) : nlohmann::json(nullptr)}};
  const bool both = priced && std::isfinite(all.bath_joules) && all.bath_joules != 0;
  json["electrical_over_bath"] = both ? nlohmann::json(all.bill.joules / all.bath_joules) : nlohmann::json(nullptr);
  if (!all.host_absent.empty()) json["host_absent"] = all.host_absent;
  return json;
}

std::vector<std::pair<std::string, std::string>> electricity_rows(const Electricity& all) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Cost& cost : all.bill.items)
    rows.emplace_back("Electricity, " + cost.item, fmt::format("{:.3g} J: {:.4g} of {:.4g} J ({})", cost.joules, cost.count,
                                                               cost.price, name(cost.grade)));
  if (all.bill.items.empty()) {
    rows.emplace_back("Electricity", "this device states no prices");
  } else {
    rows.emplace_back("Electricity", fmt::format("{:.3g} J ({})", all.bill.joules, name(all.bill.grade)));
    if (std::isfinite(all.bath_joules) && all.bath_joules != 0)
      rows.emplace_back("Heat to the bath", fmt::format("{:.3g} J; electricity is {:.3g} times that", all.bath_joules,
                                                        all.bill.joules / all.bath_joules));
    if (const std::string verdict = all.bill.verdict(); !verdict.empty()) rows.emplace_back("What dominates", verdict);
  }
  rows.emplace_back("Device time", fmt::format("{:.3g} s, of which arrays evolved {:.3g} %", all.work.device_seconds,
                                               100 * all.bill.duty));
  rows.emplace_back("This computer", all.host_joules ? fmt::format("{:.3g} J of its processors meanwhile (metered)", *all.host_joules)
                                                     : all.host_absent);
  return rows;
}

}  // namespace heatbath::apps
