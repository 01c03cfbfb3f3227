// heatbath conformance: does a device keep what every Heatbath device promises?

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "conformance/conformance.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps {
namespace {

const char* word_of(conformance::Verdict::Kind kind) {
  switch (kind) {
    case conformance::Verdict::Kind::kept: return "kept";
    case conformance::Verdict::Kind::broken: return "BROKEN";
    default: return "skipped";
  }
}

}  // namespace

int run_conformance(const ConformanceOptions& options) {
  const auto claims = conformance::claims();
  if (options.list) {
    for (const conformance::Claim& claim : claims) put("{:<22} {}\n", claim.name, claim.text);
    return 0;
  }
  for (const std::string& name : options.only)
    if (std::none_of(claims.begin(), claims.end(), [&](const auto& claim) { return name == claim.name; }))
      throw Error(HB_BAD_ARG, fmt::format("--only {}: there is no such claim; --list shows them", name));
  Device device = open(options.device);
  if (!options.json) put("{}\n{}\n\n", version_line(), device_line(device));
  nlohmann::json table = nlohmann::json::array();
  int count[3] = {};
  for (const conformance::Claim& claim : claims) {
    if (!options.only.empty() && std::find(options.only.begin(), options.only.end(), claim.name) == options.only.end())
      continue;
    const conformance::Verdict verdict = conformance::check(claim, device);
    ++count[static_cast<int>(verdict.kind)];
    if (options.json) {
      table.push_back({{"claim", claim.name}, {"text", claim.text}, {"verdict", word_of(verdict.kind)}, {"detail", verdict.detail}});
    } else {
      put("{:<8} {:<22} {}\n", word_of(verdict.kind), claim.name, verdict.detail.empty() ? claim.text : verdict.detail);
      flush_output();
    }
  }
  if (options.json) {
    put("{}\n", json_text({{"device", describe_device(device)}, {"claims", table}, {"broken", count[1]}}, 2));
  } else {
    put("\n{} kept, {} broken, {} skipped\n", count[0], count[1], count[2]);
  }
  return count[1] == 0 ? 0 : 1;
}

}  // namespace heatbath::apps
