// heatbath conformance: does a device keep what every Heatbath device promises?

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress_bar.hpp"
#include "heatbath/conformance.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/interruptible.hpp"
#include "heatbath/open.hpp"
#include "heatbath/transport.hpp"

namespace heatbath::apps {
namespace {

/// The link of a device until the command is interrupted: then it throws Error(ABORTED), also within a long wait.
class UntilInterrupted final : public Transport, public Interruptible {
 public:
  explicit UntilInterrupted(Transport& device) : device_(device), interruptible_(dynamic_cast<Interruptible*>(&device)) { ask({}); }
  ~UntilInterrupted() override {
    if (interruptible_ != nullptr) interruptible_->ask({});
  }
  std::uint32_t read32(std::uint64_t address) override { return now().read32(address); }
  void write32(std::uint64_t address, std::uint32_t value) override { now().write32(address, value); }
  void read_block(std::uint64_t address, std::span<std::byte> out) override { now().read_block(address, out); }
  void write_block(std::uint64_t address, std::span<const std::byte> data) override { now().write_block(address, data); }
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override { return device_.map(address, size); }
  bool wait_irq(std::uint64_t limit_ticks) override {
    const bool pending = now().wait_irq(limit_ticks);
    now();
    return pending;
  }
  std::optional<DmaBuffer> dma_alloc(std::uint64_t bytes) override { return device_.dma_alloc(bytes); }
  void dma_free(std::uint64_t address) override { device_.dma_free(address); }
  std::optional<std::uint64_t> device_ticks() const override { return device_.device_ticks(); }
  LinkInfo info() const override { return device_.info(); }
  void ask(std::function<Wish()> wish) override {
    if (interruptible_ == nullptr) return;
    interruptible_->ask([wish = std::move(wish)] { return interrupted() ? Wish::stop : wish ? wish() : Wish::go_on; });
  }

 private:
  Transport& now() {
    if (interrupted()) throw Error(HB_ABORTED, "interrupted");
    return device_;
  }
  Transport& device_;
  Interruptible* interruptible_;  ///< the same object, or null
};

}  // namespace

int run_conformance(const ConformanceOptions& options) {
  if (options.list) {
    for (const conformance::Claim& claim : conformance::claims()) put("{:<22} {}\n", claim.name, claim.text);
    return 0;
  }
  const auto chosen = conformance::chosen_claims(options.only);
  Device opened = open(options.device.uri);
  if (!opened.members().empty())
    throw Error(HB_BAD_ARG, opened.link().uri + ": a rack has no registers of its own, which the claims are about; check its devices one by one");
  watch_interrupts();
  Device device(std::make_unique<UntilInterrupted>(opened.transport()));
  correct_by(device, options.device);
  if (!options.json) put("{}\n{}\n\n", version_line(), device_line(device));
  nlohmann::json table = nlohmann::json::array();
  int count[3] = {};
  ProgressBar bar(ProgressBar::style_for(options.json), "conformance", static_cast<double>(chosen.size()), "");
  double done = 0;
  std::string stopped_at;
  for (const conformance::Claim* claim : chosen) {
    const conformance::Verdict verdict = conformance::check(*claim, device);
    if (interrupted()) {
      stopped_at = claim->name;
      break;
    }
    ++count[static_cast<int>(verdict.kind)];
    if (options.json) {
      table.push_back({{"claim", claim->name}, {"text", claim->text}, {"verdict", word_of(verdict.kind)}, {"detail", verdict.detail}});
    } else {
      bar.hide();
      put("{:<8} {:<22} {}\n", word_of(verdict.kind), claim->name, told(verdict));
      flush_output();
    }
    bar.update(++done, claim->name);
  }
  bar.hide();
  if (options.json) {
    nlohmann::json told{{"device", describe_device(device)}, {"claims", table}, {"broken", count[1]}};
    if (!stopped_at.empty()) told["stopped_at"] = stopped_at;
    put("{}\n", json_text(told, 2));
  } else {
    put("\n{} kept, {} broken, {} skipped\n", count[0], count[1], count[2]);
  }
  if (!stopped_at.empty()) {
    note("heatbath: interrupted at {}; the claims before it stand\n", stopped_at);
    return interrupted_status();
  }
  return count[1] == 0 ? 0 : 1;
}

}  // namespace heatbath::apps
