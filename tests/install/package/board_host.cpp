// What a maker of boards writes: the claims on a device of one's own, with no emulator in the program.
#include <cstdio>

#include <heatbath/conformance.hpp>

int main(int count, char** words) {
  using namespace heatbath;
  const auto claims = conformance::chosen_claims({});
  std::printf("%zu claims\n", claims.size());
  if (claims.empty() || claims.size() != conformance::claims().size()) return 1;
  if (count == 1) return 0;
  Device board = open_link(words[1]);
  for (const conformance::Claim* claim : claims)
    if (check(*claim, board).kind == conformance::Verdict::Kind::broken) return 1;
  return 0;
}
