#include "monitor/certifier.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/json_numbers.hpp"
#include "heatbath/error.hpp"
#include "heatbath/network/certificate.hpp"

namespace heatbath::monitor {

using apps::or_null;

Certifier::Certifier(const Scene& scene, CellKind kind, std::uint32_t shots) : scene_(scene), kind_(kind), shots_(shots) {
  if (kind != CellKind::overdamped && kind != CellKind::underdamped && kind != CellKind::phase && kind != CellKind::pbit)
    why_not_ = std::string("no certificate of ") + heatbath::name(kind) + " cells";
  else if (!scene.listed || static_cast<double>(shots) * records * scene.cells > most_values)
    why_not_ = "too many cells for a certificate";
  else if (scene.directed)
    why_not_ = "couplings that differ in their two directions have no energy";
  if (!why_not_.empty()) json_ = nlohmann::json{{"why", why_not_}}.dump();
  else thread_ = std::thread([this] { serve(); });
}

Certifier::~Certifier() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  has_work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Certifier::restart() {
  gathered_ = 0;
  const std::lock_guard lock(mutex_);
  waiting_ = false;
  if (why_not_.empty()) json_ = R"({"why": "gathering samples"})";
}

void Certifier::take(const Capture& capture, double kT, double gain, double field) {
  if (!why_not_.empty()) return;
  const std::size_t cells = scene_.cells;
  if (gathered_ == 0) gathering_ = {std::vector<float>(shots_ * records * cells), kT, gain, field};
  for (std::uint32_t shot = 0; shot < shots_; ++shot)
    std::ranges::copy(capture.state(shot, capture.records() - 1),
                      gathering_.states.begin() + static_cast<std::ptrdiff_t>((shot * records + gathered_) * cells));
  if (++gathered_ < records) return;
  gathered_ = 0;
  {
    const std::lock_guard lock(mutex_);
    std::swap(work_, gathering_);
    waiting_ = true;
  }
  has_work_.notify_one();
}

std::string Certifier::json() const {
  const std::lock_guard lock(mutex_);
  return json_;
}

void Certifier::serve() {
  while (true) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      has_work_.wait(lock, [&] { return waiting_ || ending_; });
      if (ending_) return;
      std::swap(work, work_);
      waiting_ = false;
    }
    std::string made = certify(work);
    const std::lock_guard lock(mutex_);
    json_ = std::move(made);
  }
}

std::string Certifier::certify(const Work& work) const {
  try {
    const network::Network network = network_of(scene_, kind_, work.gain, work.field);
    const measure::Certificate is = network::certify(network, work.kT, work.states, shots_);
    nlohmann::json findings = nlohmann::json::array();
    for (const measure::Finding finding : is.findings) findings.push_back(measure::name(finding));
    const double beta = is.inverse_temperature.value;
    return nlohmann::json{{"kT", or_null(1 / beta)},
                          {"kT_low", or_null(1 / is.high)},
                          {"kT_high", or_null(1 / is.low)},
                          {"kT_wanted", work.kT},
                          {"autocorrelation", or_null(is.autocorrelation_time)},
                          {"slowest", is.slowest},
                          {"effective_samples", or_null(is.effective_samples)},
                          {"samples", is.samples},
                          {"r_hat", or_null(is.r_hat)},
                          {"least_mixed", is.least_mixed},
                          {"findings", findings}}
        .dump();
  } catch (const std::exception& wrong) {
    return nlohmann::json{{"why", wrong.what()}}.dump();
  }
}

}  // namespace heatbath::monitor
