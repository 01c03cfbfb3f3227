// The bits of states and meters of every make, as committed digests: what changes a bit shows which.

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "heatbath/numerics/isa.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "tests/physics/makes.hpp"

namespace heatbath::physics {
namespace {

using makes::Make;

/// FNV-1a, 64 bits.
class Digest {
 public:
  template <typename T>
  void add(std::span<const T> values) {
    std::uint64_t h = hash_;
    for (const auto byte : std::as_bytes(values)) h = (h ^ static_cast<std::uint64_t>(byte)) * 0x100000001B3u;
    hash_ = h;
  }
  std::string text() const {
    std::ostringstream out;
    out << std::hex << std::setw(16) << std::setfill('0') << hash_;
    return out.str();
  }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325u;
};

/// An array and what is done with it: `steps` steps, in a ramp to `target` if there is one, some cells held if clamped.
struct Case {
  std::string name;
  ArraySpec spec;
  Parameters live;
  std::optional<Parameters> target;
  std::vector<std::uint8_t> clamped;
  double dt = 0.01;
  std::uint64_t steps = 12;
  std::uint32_t refinement = 0;
};

Parameters plain(std::uint32_t cells, std::shared_ptr<const Couplings> couplings, CellKind kind) {
  Parameters p;
  const bool spins = kind == CellKind::pbit;
  for (std::size_t i = 0; i < cells; ++i) {
    p.j2.push_back(spins ? 0.0f : 1.0f + makes::wave(0.3, 1.3, 0.4, i));
    p.j4.push_back(spins ? 0.0f : 0.5f);
    p.bias.push_back(makes::wave(0.7, 0.7, 0.3, i));
  }
  p.couplings = std::move(couplings);
  p.kT = 0.4f;
  return p;
}

/// What the fast paths are for: large dense arrays, codes, grids, random graphs, refined noise, lattices of signs.
std::vector<Case> large() {
  std::vector<Case> list;
  const auto add = [&](std::string name, CellKind kind, std::shared_ptr<const Couplings> couplings, double dt,
                       std::uint32_t refinement = 0) {
    Case c;
    c.name = std::move(name);
    c.spec.kind = kind;
    c.spec.cells = couplings->cells();
    c.spec.graph = couplings->graph();
    c.live = plain(c.spec.cells, couplings, kind);
    c.dt = dt;
    c.refinement = refinement;
    list.push_back(std::move(c));
  };
  const auto dense = [](std::uint32_t cells, auto value) {
    std::vector<float> matrix(std::size_t{cells} * cells, 0.0f);
    for (std::size_t i = 0; i < cells; ++i)
      for (std::size_t k = 0; k < i; ++k) matrix[i * cells + k] = matrix[k * cells + i] = value(i * cells + k);
    return matrix;
  };
  const auto on_graph = [](std::shared_ptr<const Graph> graph, auto value) {
    std::vector<float> values(graph->couplers().size());
    for (std::size_t c = 0; c < values.size(); ++c) values[c] = value(c);
    return std::make_shared<const Couplings>(graph, std::move(values));
  };
  const auto wave = [](std::size_t i) { return makes::wave(0.05, 1.7, 0.2, i); };
  const CodeGrid codes{8, 1.0f};
  const auto code = [&](std::size_t i) {
    return static_cast<float>(static_cast<int>(i * 2654435761u >> 3) % 12 - 6) * codes.step();
  };
  const auto sign = [](std::size_t i) { return (i * 2654435761u >> 7 & 1u) != 0 ? 0.5f : -0.5f; };
  std::vector<Coupler> pairs;
  std::mt19937 random(5);
  std::vector<std::vector<bool>> taken(700, std::vector<bool>(700));
  while (pairs.size() < 2400) {
    const std::uint32_t i = random() % 700, j = random() % 700;
    if (i == j || taken[std::min(i, j)][std::max(i, j)]) continue;
    taken[std::min(i, j)][std::max(i, j)] = true;
    pairs.push_back({i, j});
  }
  const auto far = std::make_shared<const Graph>(700, std::move(pairs));

  for (const std::uint32_t cells : {64u, 150u, 300u})
    add("dense_" + std::to_string(cells), CellKind::overdamped, std::make_shared<const Couplings>(cells, dense(cells, wave)),
        0.004);
  for (const std::uint32_t cells : {64u, 300u})
    add("codes_" + std::to_string(cells), CellKind::overdamped,
        std::make_shared<const Couplings>(cells, dense(cells, code), codes), 0.004);
  add("uncoupled_200", CellKind::overdamped, std::make_shared<const Couplings>(200), 0.01);
  for (const char* name : {"grid:32x32", "torus:32x16", "king:20x20", "chain:500"})
    add(name, CellKind::overdamped, on_graph(named_graph(name), wave), 0.01);
  add("random_700", CellKind::overdamped, on_graph(far, wave), 0.01);
  add("dense_64_refined_2", CellKind::overdamped, std::make_shared<const Couplings>(64, dense(64, wave)), 0.001, 2);
  add("grid:32x32_refined_1", CellKind::overdamped, on_graph(named_graph("grid:32x32"), wave), 0.005, 1);
  add("phases_grid:32x32", CellKind::phase, on_graph(named_graph("grid:32x32"), wave), 0.01);
  add("signs_torus:64x32", CellKind::pbit, on_graph(named_graph("torus:64x32"), sign), 1.0);
  add("signs_random_700", CellKind::pbit, on_graph(far, sign), 1.0);
  for (const auto& [name, graph] : {std::pair{"planes_torus:32x16", named_graph("torus:32x16")}, std::pair{"planes_random_700", far}}) {
    add(name, CellKind::pbit, on_graph(graph, sign), 1.0);
    list.back().spec.spin_noise = SpinNoise::planes;
  }
  return list;
}

/// Every make free, in a ramp and with held cells; the large ones free and in a ramp.
std::vector<Case> cases() {
  std::vector<Case> list;
  for (const Make& make : makes::all()) {
    Case c;
    c.spec = makes::spec(make, 1);
    c.live = makes::parameters(make, 0.4);
    c.dt = makes::dt(make);
    c.name = make.name() + "_free";
    list.push_back(c);
    c.clamped.assign(makes::cells, 0);
    for (std::size_t i = 0; i < makes::cells; i += 3) c.clamped[i] = 1;
    c.name = make.name() + "_clamp";
    list.push_back(c);
    c.clamped.clear();
    c.target = makes::parameters(make, 1.1);
    c.name = make.name() + "_ramp";
    list.push_back(c);
  }
  for (Case& c : large()) {
    const std::string name = c.name;
    c.name = name + "_free";
    list.push_back(c);
    c.target = c.live;
    c.target->gain = 0.6f;
    for (float& b : c.target->bias) b += 0.25f;
    c.name = name + "_ramp";
    list.push_back(std::move(c));
  }
  return list;
}

struct Bits {
  std::string states, meters;
  friend bool operator==(const Bits&, const Bits&) = default;
};

Bits bits_of(Case c, std::uint32_t lanes, bool metered, numerics::ThreadTeam& team) {
  c.spec.lanes = lanes;
  const auto array = make_array(c.spec, &team);
  if (metered) array->enable_meters(true);
  std::vector<float> start(array->variables());
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    for (std::size_t v = 0; v < start.size(); ++v)
      start[v] = v < c.spec.cells || c.spec.kind != CellKind::phase ? makes::wave(0.9, 0.37, 0.1 * lane, v) : 0.0f;
    array->write(lane, 0, start, c.live);
  }
  if (!c.clamped.empty()) array->set_clamped(c.clamped, c.live);
  Run run;
  run.steps = c.steps;
  run.dt = c.dt;
  run.noise = {77, 3, 5, c.refinement};
  if (c.target) run.target = &*c.target, run.ramp_steps = c.steps;
  array->advance(run, c.live);
  const Parameters& last = c.target ? *c.target : c.live;
  if (c.target) array->change_parameters(c.live, last);
  Digest states, meters;
  std::vector<float> state(array->variables());
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    array->read(lane, state);
    states.add(std::span<const float>(state));
    const LaneMeters m = array->meters(lane, last);
    const double values[] = {m.work, m.heat_path, array->energy(lane, last)};
    meters.add(std::span<const double>(values));
  }
  return {states.text(), metered ? meters.text() : ""};
}

std::string file() { return HEATBATH_SOURCE_DIR "/tests/physics/digests.txt"; }

std::map<std::string, Bits> committed() {
  std::map<std::string, Bits> table;
  std::ifstream in(file());
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream row(line);
    std::string name;
    Bits bits;
    row >> name >> bits.states >> bits.meters;
    table[name] = bits;
  }
  return table;
}

class Digests : public ::testing::Test {
 protected:
  ~Digests() override { numerics::select_isa(before_); }
  numerics::Isa before_ = numerics::active_isa();
};

// After an intended change of bits, HEATBATH_WRITE_DIGESTS=1 build/release/tests/physics/test_digests rewrites the
// table, and the difference of the file names what changed.
TEST_F(Digests, OfStatesAndMetersAreThoseOfTheCommittedTableOnEveryInstructionSet) {
  numerics::ThreadTeam team(1);
  const auto expected = committed();
  std::ostringstream table;
  table << "# name_lanes, digest of the states, digest of work, path heat and energy (tests/physics/digests_test.cpp)\n";
  std::size_t rows = 0;
  for (const Case& c : cases()) {
    for (const std::uint32_t lanes : {1u, 19u}) {
      const std::string name = c.name + '_' + std::to_string(lanes);
      ++rows;
      std::optional<Bits> first;
      for (const auto isa : numerics::available_isas()) {
        ASSERT_TRUE(numerics::select_isa(isa));
        const Bits bits = bits_of(c, lanes, true, team);
        EXPECT_EQ(bits_of(c, lanes, false, team).states, bits.states) << name << " unmetered, " << numerics::name(isa);
        if (!first) first = bits, table << name << ' ' << bits.states << ' ' << bits.meters << '\n';
        EXPECT_EQ(bits, *first) << name << ", " << numerics::name(isa) << " against portable";
      }
      if (std::getenv("HEATBATH_WRITE_DIGESTS") != nullptr) continue;
      const auto row = expected.find(name);
      ASSERT_NE(row, expected.end()) << name << " is not in " << file();
      EXPECT_EQ(first->states, row->second.states) << name << ": states";
      EXPECT_EQ(first->meters, row->second.meters) << name << ": meters";
    }
  }
  if (std::getenv("HEATBATH_WRITE_DIGESTS") != nullptr) {
    std::ofstream(file()) << table.str();
  } else {
    EXPECT_EQ(rows, expected.size()) << "rows of " << file() << " that no case has";
  }
}

}  // namespace
}  // namespace heatbath::physics
