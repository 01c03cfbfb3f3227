// heatbath-conformance: checks whether the device behind a link does what every Heatbath device must do. For makers of
// devices: the program contains no emulator.

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <getopt.h>

#include "heatbath/conformance.hpp"

namespace {

constexpr const char* usage =
    "usage: heatbath-conformance --device URI [--only CLAIM ...]\n"
    "       heatbath-conformance --list\n\n"
    "Holds the device behind a link (tcp:, unix:, shm:, etherbone:, uio:, record:, replay:) to the claims on every device.\n"
    "Exit status 0: all kept, or skipped for what the device says it lacks; 1: a claim is broken; 2: wrong use, or no\n"
    "device.\n\n"
    "  --device URI   the device: tcp://HOST:PORT, unix:/PATH, shm:/NAME, etherbone://HOST:PORT, uio:/dev/uioN, ...\n"
    "  --only CLAIM   only this claim; may be given again\n"
    "  --list         name the claims and stop\n";

int check(const std::string& uri, const std::vector<std::string>& only) {
  using heatbath::conformance::Verdict;
  const auto claims = heatbath::conformance::chosen_claims(only);
  heatbath::Device device = heatbath::open_link(uri);
  std::printf("%s\n%s\n\n", device.link().uri.c_str(), device.link().description.c_str());
  int count[3] = {};
  for (const heatbath::conformance::Claim* claim : claims) {
    const Verdict verdict = heatbath::conformance::check(*claim, device);
    ++count[static_cast<int>(verdict.kind)];
    std::printf("%-8s %-22s %s\n", word_of(verdict.kind), claim->name, told(verdict).c_str());
    std::fflush(stdout);
  }
  std::printf("\n%d kept, %d broken, %d skipped\n", count[0], count[1], count[2]);
  return count[1] == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  static const option options[] = {{"device", required_argument, nullptr, 'd'},
                                   {"only", required_argument, nullptr, 'o'},
                                   {"list", no_argument, nullptr, 'l'},
                                   {"help", no_argument, nullptr, 'h'},
                                   {}};
  std::string uri;
  std::vector<std::string> only;
  bool list = false;
  for (int letter; (letter = getopt_long(count, words, "h", options, nullptr)) != -1;) {
    if (letter == 'd') uri = optarg;
    if (letter == 'o') only.emplace_back(optarg);
    if (letter == 'l') list = true;
    if (letter == 'h') return std::fputs(usage, stdout) < 0;
    if (letter == '?') return 2;  // getopt has said what is wrong
  }
  if (list) {
    for (const heatbath::conformance::Claim& claim : heatbath::conformance::claims())
      std::printf("%-22s %s\n", claim.name, claim.text);
    return 0;
  }
  if (optind < count || uri.empty()) {
    std::fputs("heatbath-conformance: it takes --device URI; --help says more\n", stderr);
    return 2;
  }
  try {
    return check(uri, only);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "heatbath-conformance: %s\n", error.what());
    return 2;
  }
}
