// Device URIs: what is filled in, and what every mistake is answered with.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "heatbath/open.hpp"
#include "scripted_device.hpp"

namespace heatbath {
namespace {

using testing::expect_error;

TEST(Uri, DefaultsAreFilledIn) {
  const Device device = open("func:cells=8&lanes=2&threads=1");
  EXPECT_EQ(device.link().uri, "func:profile=ideal&cells=8&lanes=2&seed=1&threads=1");
  EXPECT_EQ(device.capabilities().cells, 8u);
  EXPECT_EQ(device.capabilities().lanes, 2u);
  const Device silicon = open("func:profile=silicon&seed=0x10&threads=1");
  EXPECT_EQ(silicon.link().uri, "func:profile=silicon&cells=2048&lanes=1&seed=16&threads=1");
  EXPECT_FALSE(silicon.capabilities().seeded);
}

TEST(Uri, AnEmptyUriMeansTheEnvironmentAndThenTheFunctionalBackend) {
  ::setenv("HEATBATH_DEVICE", "func:cells=5&threads=1", 1);
  EXPECT_EQ(open().capabilities().cells, 5u);
  EXPECT_EQ(open("func:cells=6&threads=1").capabilities().cells, 6u);
  ::unsetenv("HEATBATH_DEVICE");
  EXPECT_EQ(open().link().uri.rfind("func:profile=ideal&", 0), 0u);
}

TEST(Uri, MistakesListWhatIsValid) {
  const auto refused = [](const std::string& uri, const std::string& part) {
    SCOPED_TRACE(uri);
    expect_error(HB_BAD_ARG, part, [&] { open(uri); });
  };
  refused("ideal", "no scheme");
  refused(":cells=2", "no scheme");
  refused("fnuc:cells=2", "scheme 'fnuc' is unknown (did you mean func?); this build has func");
  refused("tlm:cels=2", "key 'cels' is unknown (did you mean cells?); tlm: has profile, cells, lanes, seed, threads, timing, cell, stepper");
  refused("func:cels=2", "key 'cels' is unknown (did you mean cells?); func: has profile, cells, lanes, seed, threads, cell, stepper, topology");
  refused("fnuc:", "tcp, unix, shm, etherbone, uio, record, replay");
  refused("tcp:host:1", "write it as tcp://host:port");
  refused("tcp://host", "write it as tcp://host:port");
  refused("tcp://host:port", "port 'port' is not a whole number in 0..65535");
  refused("unix:", "nothing stands after 'unix:'");
  refused("unix:/path?", "it ends in '?'");
  refused("unix:/path?token", "'token' is not key=value");
  refused("unix:/path?tokens=a", "key 'tokens' is unknown; unix: has token_file, link_timeout_ms, queue_timeout_ms");
  refused("unix:/path?link_timeout_ms=1s", "link_timeout_ms=1s is not a whole number of milliseconds");
  refused("unix:/path?link_timeout_ms=100", "it needs 500 or more");
  refused("unix:/path?link_timeout_ms=900&link_timeout_ms=900", "is given twice");
  refused("unix:/" + std::string(200, 'x'), "a socket's has at most 107");
  refused("shm:name", "shm:/name");
  refused("shm:/a/b", "shm:/name");
  refused("replay:FILE?device=x", "replay: has no keys");
  refused("func:cells", "'cells' is not key=value");
  refused("func:cells=", "'cells=' is not key=value");
  refused("func:=2", "'=2' is not key=value");
  refused("func:cells=2&", "ends in '&'");
  refused("func:&cells=2", "'' is not key=value");
  refused("func:cells=2&cells=3", "key 'cells' is given twice");
  refused("func:cells=0", "cells=0 is not a whole number in 1..8192");
  refused("func:cells=8193", "cells=8193 is not a whole number in 1..8192");
  refused("func:cells=-1", "cells=-1 is not a whole number");
  refused("func:cells=2.5", "cells=2.5 is not a whole number");
  refused("func:cells=two", "cells=two is not a whole number");
  refused("func:lanes=4097", "in 1..4096");
  refused("func:profile=silicon&lanes=2", "in 1..1");
  refused("func:threads=0", "in 1..1024");
  refused("func:seed=18446744073709551616", "in 0..18446744073709551615");
  refused("func:seed=0x", "seed=0x is not");
  refused("func:profile=gold", "ideal");
  refused("func:profile=gold", "silicon");
  refused("func:cell=neuron", "cell kind 'neuron': one of overdamped, underdamped, phase, rlc, pbit, categorical");
  refused("func:stepper=verlet", "stepper 'verlet': one of euler-maruyama");
  refused("func:stepper=baoab", "stepper baoab is not for cells of kind overdamped");
  refused("func:states=4", "states=4: overdamped cells have none to count; cell=categorical has");
  refused("func:cell=categorical&states=17", "states=17: it must be a number in 2..16");
  refused("func:cell=categorical&stepper=random-sequential", "stepper random-sequential is not for cells of kind categorical");
  refused("func:cell=pbit&stepper=two-colour", "two-colour updates need a graph");
  refused("func:cell=pbit&stepper=two-colour&topology=ring:5", "closes an odd cycle");
  refused("func:topology=grid", "grid:WxH");
  refused("func:topology=/nowhere/graph.mtx", "no such file");
  refused("func:stepper=exact-ou&topology=grid:200x200", "work with dense matrices, of which this profile has at most 8192");
  refused("func:topology=grid:4x4&cells=5", "cells = 5: topology grid:4x4 has 16");
  refused("func:topology=grid:4x4&cells=17", "cells = 17: topology grid:4x4 has 16");
  refused("func:reciprocal=maybe", "it must be yes or no");
  refused("func:rail=0", "rail=0: it must be a number in 1e-30..1000000000");
  refused("func:refuse_unstable=yes", "it must be never, linear or rail");
  refused("func:noise=blue", "noise colour 'blue': one of white");
  refused("func:noise=pink", "needs a correlation time > 0");
  refused("func:noise_time=-1", "noise_time=-1: it must be a number in 0..");
  refused("func:noise_common=1.5", "noise_common=1.5: it must be a number in 0..1");
  refused("func:noise_planes=yes", "random bits in planes are for p-bits, not for cells of kind overdamped");
  refused("func:cell=pbit&noise_planes=maybe", "noise_planes=maybe: it must be yes or no");
  refused("func:integer_sums=yes", "integer_sums: it must be false with storage = \"float32\", which has no codes");
  refused("func:profile=silicon&integer_sums=yes", "coupling_gain_sd = 0.0099999997");
  refused("func:profile=coded&cell=phase", "integer_sums: it must be false with anything but overdamped cells");
  refused("func:profile=coded&topology=ring:5", "integer_sums: it must be false with anything but overdamped cells");
}

TEST(Uri, TheNumberOfTheNoiseIsTheRevisionOfTheArithmetic) {
  const auto arithmetic = [](const std::string& uri) { return open(uri).capabilities().arithmetic; };
  EXPECT_EQ(arithmetic("func:cell=pbit&noise_planes=no"), 2u);
  EXPECT_EQ(arithmetic("func:cell=pbit&noise_planes=yes"), 4u);
  EXPECT_EQ(arithmetic("func:profile=z1-grid&topology=z1:8x8&noise_planes=yes"), 4u);
  EXPECT_EQ(arithmetic("func:profile=fpga-pbit"), 3u);
  EXPECT_EQ(arithmetic("func:profile=fpga-pbit&noise_planes=yes"), 5u);
}

}  // namespace
}  // namespace heatbath
