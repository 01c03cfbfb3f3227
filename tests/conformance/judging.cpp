// judging SEEDS [FIRST [NAME]]: what conformance says of wrong and of honest devices in many varieties, as a Markdown
// table. tools/judging.sh runs it. Exit status 1 when a wrong device passed or more than 1 in 100 honest ones did not.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <unistd.h>

#include "tests/conformance/judged_devices.hpp"

using namespace heatbath::testing;

int main(int count, char** words) {
  const int seeds = count > 1 ? std::atoi(words[1]) : 100, first = count > 2 ? std::atoi(words[2]) : 1;
  const std::string only = count > 3 ? words[3] : "";
  const auto folder = std::filesystem::temp_directory_path() / ("heatbath-judging-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  bool good = true;
  const auto row = [&](const JudgedDevice& device, bool wrong) {
    if (!only.empty() && only != device.name) return;
    int rejected = 0;
    std::map<std::string, int> by;
    std::string last;
    for (int seed = first; seed < first + seeds; ++seed) {
      const Judgement judgement = judge(device, static_cast<std::uint64_t>(seed), folder);
      rejected += judgement.rejected;
      if (judgement.rejected) ++by[judgement.claim];
      last = judgement.detail;
      if (judgement.rejected != wrong) std::fprintf(stderr, "%s, seed %d: %s %s\n", device.name, seed, judgement.claim.c_str(), last.c_str());
    }
    std::string claims;
    for (const auto& [claim, times] : by) claims += (claims.empty() ? "" : ", ") + claim + " " + std::to_string(times);
    std::printf("| %s | %d of %d | %s | %s |\n", device.name, wrong ? rejected : seeds - rejected, seeds, claims.c_str(), last.c_str());
    std::fflush(stdout);
    good = good && (wrong ? rejected == seeds : 100 * rejected <= seeds);
  };
  std::printf("| wrong device | rejected | by the claim | what it says |\n|---|---|---|---|\n");
  for (const JudgedDevice& device : wrong_devices()) row(device, true);
  std::printf("\n| honest device | accepted | rejected by | its law |\n|---|---|---|---|\n");
  for (const JudgedDevice& device : honest_devices()) row(device, false);
  std::filesystem::remove_all(folder);
  return good ? 0 : 1;
}
