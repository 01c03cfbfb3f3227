// heatbath conformance: does a device keep what every Heatbath device promises?

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/progress_bar.hpp"
#include "heatbath/conformance.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps {

int run_conformance(const ConformanceOptions& options) {
  if (options.list) {
    for (const conformance::Claim& claim : conformance::claims()) put("{:<22} {}\n", claim.name, claim.text);
    return 0;
  }
  const auto chosen = conformance::chosen_claims(options.only);
  Device device = open(options.device);
  if (!device.members().empty())
    throw Error(HB_BAD_ARG, device.link().uri + ": a rack has no registers of its own, which the claims are about; check its devices one by one");
  if (!options.json) put("{}\n{}\n\n", version_line(), device_line(device));
  nlohmann::json table = nlohmann::json::array();
  int count[3] = {};
  ProgressBar bar(ProgressBar::style_for(options.json), "conformance", static_cast<double>(chosen.size()), "");
  double done = 0;
  for (const conformance::Claim* claim : chosen) {
    const conformance::Verdict verdict = conformance::check(*claim, device);
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
    put("{}\n", json_text({{"device", describe_device(device)}, {"claims", table}, {"broken", count[1]}}, 2));
  } else {
    put("\n{} kept, {} broken, {} skipped\n", count[0], count[1], count[2]);
  }
  return count[1] == 0 ? 0 : 1;
}

}  // namespace heatbath::apps
