#include "hw_model/physics/general_array.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "heatbath/numerics/cache_line.hpp"
#include "heatbath/numerics/isa.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/physics/schemes.hpp"
#include "hw_model/physics/general_kernels.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/linear_step.hpp"
#include "hw_model/physics/noise.hpp"
#include "hw_model/physics/packed_couplings.hpp"
#include "hw_model/physics/sign_lattice.hpp"
#include "hw_model/physics/step_kernels.hpp"
#include "hw_model/physics/step_table.hpp"

namespace heatbath::physics {

const GeneralKernels& general_kernels() {
  switch (numerics::active_isa()) {
    case numerics::Isa::avx512:
      return avx512::general_kernels;
    case numerics::Isa::avx2:
      return avx2::general_kernels;
    case numerics::Isa::portable:
      break;
  }
  return portable::general_kernels;
}

namespace {

using numerics::CacheLines;

constexpr std::uint32_t lane_block = 16;  // lanes of a tile of several are padded to a multiple of this
constexpr std::uint32_t tile_lanes = 32;
constexpr std::uint32_t few_lanes = 4;      // up to this many left-over lanes run one by one
constexpr float velocity_limit = 1e15f;     // keeps an unstable step finite
constexpr float phase_limit = 1e6f;         // of one step, in radians: more cannot be wrapped in float32
constexpr std::uint32_t pink_stages = 8;    // correlation times tau, tau/4, … tau/4^7
constexpr std::uint64_t sweeps_of_bits = 8; // of many lanes at least, for turning spins into bits and back to pay
constexpr std::uint32_t chosen_block = 64;  // random-sequential updates whose words are drawn at once

// Lanes first..first+count-1 with their own state, scratch and meters. Fields are [row][lane].
struct LaneTile {
  std::uint32_t first = 0, count = 0, lanes = 0;  // lanes: padded; 1 or a multiple of lane_block
  CacheLines<float> state;  // variables rows
  CacheLines<float> guess, k1, k2, n1, n2;
  CacheLines<float> cosine, sine, field_a, field_b, field_c, field_d;
  CacheLines<float> before, force, force_after;  // metered: state at the start of the step, gradients at its ends
  CacheLines<float> bias;            // per lane, when lanes differ
  CacheLines<std::uint32_t> words, site_words;
  std::vector<CacheLines<float>> filters;  // coloured noise: one field of cells + 1 rows per stage; last row: common
  bool fresh_force = false;                 // k1 holds the force at the state (BAOAB)
  bool known_force = false;                 // `force` is the gradient at the state
  std::vector<double> heat, work;           // metered, per lane
  std::vector<double> thermal;              // heat of the bath step, per lane
  std::vector<double> cell_heat, momentum;  // heat of cells: per [cell][lane]; momenta before what changes them
  std::uint64_t rail_count = 0;
  std::uint32_t rail_cell = 0xFFFFFFFFu;

  std::size_t at(std::uint32_t row, std::uint32_t lane) const { return std::size_t{row} * lanes + lane; }
};

MatrixRows rows_of(const Couplings* j) {
  if (!j) return {nullptr, nullptr, nullptr, 0};
  const auto rows = j->rows();
  return {rows.begin, rows.columns, rows.values, rows.cells};
}

}  // namespace

struct GeneralArray::Impl {
  const ArraySpec& spec;
  numerics::ThreadTeam* team;
  std::uint32_t cells, variables;
  bool inertia, phases;
  std::vector<LaneTile> tiles;
  std::vector<std::uint32_t> free;
  std::vector<std::uint32_t> order[2];  // p-bits in the order of their update: colour 0, colour 1; sequential: order[0]
  bool metered = false, by_cell = false;  // meters of lanes; heat of cells besides

  // The last table that was made without a ramp, and what it was made from.
  struct Kept {
    Parameters parameters;
    double dt;
    std::shared_ptr<const StepTable> table;
  };
  std::optional<Kept> kept;
  // The couplings last asked for as a lattice of signs, and the answer.
  std::shared_ptr<const Couplings> signs_of;
  std::shared_ptr<const SignLattice> signs;

  Impl(const ArraySpec& spec_, numerics::ThreadTeam* team_)
      : spec(spec_),
        team(team_),
        cells(spec_.cells),
        variables(components(spec_.kind) * spec_.cells),
        inertia(spec_.kind == CellKind::underdamped || spec_.kind == CellKind::rlc),
        phases(spec_.kind == CellKind::phase),
        free(spec_.cells, ~0u) {
    const auto add = [&](std::uint32_t first, std::uint32_t count, std::uint32_t padded_lanes) {
      LaneTile t;
      t.first = first;
      t.count = count;
      t.lanes = padded_lanes;
      // Products write whole groups of rows beyond the last one.
      const std::size_t size = std::size_t{variables + group_cells} * t.lanes;
      t.state.assign(size, spec.kind == CellKind::pbit ? 1.0f : 0.0f);
      if (spec.kind != CellKind::pbit)
        for (auto* field : {&t.guess, &t.k1, &t.k2, &t.n1, &t.n2}) field->assign(size, 0.0f);
      t.field_a.assign(size, 0.0f);
      t.field_b.assign(size, 0.0f);
      if (phases)
        for (auto* field : {&t.cosine, &t.sine, &t.field_c, &t.field_d}) field->assign(size, 0.0f);
      t.heat.assign(t.lanes, 0.0);
      t.work = t.thermal = t.heat;
      tiles.push_back(std::move(t));
    };
    // p-bits of one lane are vectors of cells only where cells may turn at once.
    const bool one_by_one = spec.kind != CellKind::pbit || spec.stepper == Stepper::two_colour;
    const std::uint32_t over = spec.lanes % lane_block, rest = one_by_one && over <= few_lanes ? over : 0;
    const std::uint32_t batched = spec.lanes - rest;
    for (std::uint32_t first = 0; first < batched; first += tile_lanes) {
      const std::uint32_t count = std::min(tile_lanes, batched - first);
      add(first, count, (count + lane_block - 1) / lane_block * lane_block);
    }
    for (std::uint32_t lane = batched; lane < spec.lanes; ++lane) add(lane, 1, 1);
    const bool two_colour = spec.stepper == Stepper::two_colour;
    for (std::uint32_t i = 0; i < cells; ++i) order[two_colour ? spec.graph->colours()[i] : 0].push_back(i);
  }

  LaneTile& tile_of(std::uint32_t lane) {
    if (lane >= spec.lanes)
      throw std::out_of_range("lane " + std::to_string(lane) + " of " + std::to_string(spec.lanes));
    return *std::ranges::find_if(tiles, [&](const LaneTile& t) { return lane < t.first + t.count; });
  }
  const LaneTile& tile_of(std::uint32_t lane) const { return const_cast<Impl*>(this)->tile_of(lane); }

  void for_each_tile(const std::function<void(LaneTile&)>& piece) {
    if (team) {
      team->run(tiles.size(), [&](std::size_t i) { piece(tiles[i]); });
    } else {
      for (auto& tile : tiles) piece(tile);
    }
  }

  static bool same(const Parameters& a, const Parameters& b) {
    return a.couplings == b.couplings && a.gain == b.gain && a.kT == b.kT && a.bias_per_lane == b.bias_per_lane &&
           a.j2 == b.j2 && a.j4 == b.j4 && a.bias == b.bias && a.kT_cell == b.kT_cell && a.mass == b.mass &&
           a.damping == b.damping && a.frequency == b.frequency;
  }

  std::shared_ptr<const StepTable> table(const Parameters& live, double dt) {
    if (!kept || kept->dt != dt || !same(kept->parameters, live))
      kept = Kept{live, dt, std::make_shared<const StepTable>(spec, live, live, 0.0, dt)};
    return kept->table;
  }

  // -- energies --------------------------------------------------------------------------------------------------

  // Energy of one lane, in double from the state alone.
  double energy(const LaneTile& t, std::uint32_t own, const StepTable& p, const Parameters& from,
                const Parameters& to) const {
    const auto x = [&](std::uint32_t row) { return static_cast<double>(t.state[t.at(row, own)]); };
    const auto bias = [&](std::uint32_t i) -> double {
      return p.lane_bias ? StepTable::bias_of(from, to, p.position, cells, t.first + own, i) : p.bias[i];
    };
    double sum = 0;
    std::vector<double> u(cells), w;
    if (phases) {
      w.resize(cells);
      for (std::uint32_t i = 0; i < cells; ++i) {
        u[i] = std::cos(x(i)), w[i] = std::sin(x(i));
        sum += bias(i) * u[i] + 0.5 * p.two_j2[i] * (2 * u[i] * u[i] - 1);
      }
    } else {
      for (std::uint32_t i = 0; i < cells; ++i) {
        const double xi = x(i);
        u[i] = spec.kind == CellKind::rlc ? x(cells + i) : xi;
        sum += xi * (bias(i) + xi * (0.5 * p.two_j2[i] + 0.25 * p.four_j4[i] * (xi * xi)));
        if (inertia) sum += 0.5 * p.mass[i] * x(cells + i) * x(cells + i);
      }
    }
    sum += pairs(p.couplings_a.get(), p.gain_a, u) + pairs(p.couplings_b.get(), p.gain_b, u);
    if (phases) sum += pairs(p.couplings_a.get(), p.gain_a, w) + pairs(p.couplings_b.get(), p.gain_b, w);
    return sum;
  }

  // gain u J u / 2.
  static double pairs(const Couplings* j, double gain, const std::vector<double>& u) {
    if (!j) return 0.0;
    const auto rows = j->rows();
    double sum = 0;
    for (std::uint32_t i = 0; i < rows.cells; ++i) {
      double field = 0;
      if (rows.columns) {
        for (std::uint32_t e = rows.begin[i]; e < rows.begin[i + 1]; ++e) field += rows.values[e] * u[rows.columns[e]];
      } else {
        for (std::uint32_t k = 0; k < rows.cells; ++k) field += rows.values[std::size_t{i} * rows.cells + k] * u[k];
      }
      sum += u[i] * field;
    }
    return 0.5 * gain * sum;
  }

  double energy(const LaneTile& t, std::uint32_t own, const Parameters& live) const {
    const StepTable p(spec, live, live, 0.0, 0.0);
    return energy(t, own, p, live, live);
  }

  // Energies of all lanes of a tile; works on the kernels' fields, so a step pays little for it.
  void energies(LaneTile& t, const StepTable& p, double sign, std::vector<double>& sums) {
    const float* u =
        phases ? t.cosine.data() : t.state.data() + (spec.kind == CellKind::rlc ? std::size_t{cells} * t.lanes : 0);
    if (phases) trigonometry(t, t.state.data());
    fields(t, p, u, t.field_a, t.field_b);
    if (phases) fields(t, p, t.sine.data(), t.field_c, t.field_d);
    const float zero = 0.0f;
    for (std::uint32_t i = 0; i < cells; ++i) {
      const float* bias = p.lane_bias ? &t.bias[t.at(i, 0)] : nullptr;
      const double minus_pullias = p.lane_bias ? zero : p.bias[i];
      const double j2 = 0.5 * p.two_j2[i], j4 = 0.25 * p.four_j4[i], half_mass = inertia ? 0.5 * p.mass[i] : 0.0;
      for (std::uint32_t l = 0; l < t.lanes; ++l) {
        const std::size_t at = t.at(i, l);
        const double b = bias ? bias[l] : minus_pullias, ui = u[at];
        double coupled = 0, v = 0;
        if (p.couplings_a) coupled += 0.5 * p.gain_a * ui * t.field_a[at];
        if (p.couplings_b) coupled += 0.5 * p.gain_b * ui * t.field_b[at];
        if (phases) {
          if (p.couplings_a) coupled += 0.5 * p.gain_a * t.sine[at] * t.field_c[at];
          if (p.couplings_b) coupled += 0.5 * p.gain_b * t.sine[at] * t.field_d[at];
          v = b * ui + j2 * (2 * ui * ui - 1);
        } else {
          const double x = t.state[at];
          v = x * (b + x * (j2 + j4 * (x * x)));
        }
        if (inertia) {
          const double velocity = t.state[t.at(cells + i, l)];
          v += half_mass * velocity * velocity;
        }
        sums[l] += sign * (v + coupled);
      }
    }
  }

  // Kinetic energy, v C v / 2 for rlc nodes.
  void kinetic(LaneTile& t, const StepTable& p, double sign, std::vector<double>& sums) {
    const float* v = t.state.data() + std::size_t{cells} * t.lanes;
    const bool mixed = spec.kind == CellKind::rlc;
    if (mixed) fields(t, p, v, t.field_a, t.field_b);
    for (std::uint32_t i = 0; i < cells; ++i) {
      const double half_mass = 0.5 * p.mass[i];
      for (std::uint32_t l = 0; l < t.lanes; ++l) {
        const std::size_t at = t.at(i, l);
        const double vi = v[at];
        double k = half_mass * vi * vi;
        if (mixed && p.couplings_a) k += 0.5 * p.gain_a * vi * t.field_a[at];
        if (mixed && p.couplings_b) k += 0.5 * p.gain_b * vi * t.field_b[at];
        sums[l] += sign * k;
      }
    }
  }

  // Momenta C v (m v) of all cells, less those in `out` where it has any. Works on field_a and field_b.
  void momenta(LaneTile& t, const StepTable& p, std::vector<double>& out) const {
    const float* v = t.state.data() + std::size_t{cells} * t.lanes;
    const bool mixed = spec.kind == CellKind::rlc;
    if (mixed) fields(t, p, v, t.field_a, t.field_b);
    out.resize(std::size_t{cells} * t.lanes, 0.0);
    for (std::uint32_t i = 0; i < cells; ++i)
      for (std::uint32_t l = 0; l < t.lanes; ++l) {
        const std::size_t at = t.at(i, l);
        double momentum = static_cast<double>(p.mass[i]) * v[at];
        if (mixed && p.couplings_a) momentum += static_cast<double>(p.gain_a) * t.field_a[at];
        if (mixed && p.couplings_b) momentum += static_cast<double>(p.gain_b) * t.field_b[at];
        out[at] = momentum - out[at];
      }
  }

  // Heat of cells by the change of their momenta since `momentum` and `velocity` were taken: minus the mean velocity
  // times the change of the momentum, whose sum is minus the change of the kinetic energy.
  void add_kinetic_heat(LaneTile& t, const StepTable& p, const float* velocity) const {
    momenta(t, p, t.momentum);
    const float* v = t.state.data() + std::size_t{cells} * t.lanes;
    for (std::size_t at = 0; at < t.momentum.size(); ++at)
      t.cell_heat[at] -= 0.5 * (static_cast<double>(v[at]) + velocity[at]) * t.momentum[at];
  }

  // -- forces ----------------------------------------------------------------------------------------------------

  // y = J u.
  void product(const LaneTile& t, const Couplings& j, const float* u, float* y) const {
    if (j.zero()) {
      std::fill_n(y, std::size_t{j.cells()} * t.lanes, 0.0f);
    } else if (j.graph() && t.lanes > 1) {
      general_kernels().sparse_product(rows_of(&j), t.lanes, u, y);
    } else {
      Tile k{};
      k.groups = (j.cells() + group_cells - 1) / group_cells;
      k.lanes = t.lanes;
      k.state = const_cast<float*>(u);
      const auto use = t.lanes > 1 ? Couplings::PackedFor::many_lanes : Couplings::PackedFor::one_lane;
      step_kernels().coupling_field(k, j.packed(use).view, y);
    }
  }

  void fields(const LaneTile& t, const StepTable& p, const float* u, CacheLines<float>& a,
              CacheLines<float>& b) const {
    if (p.couplings_a) product(t, *p.couplings_a, u, a.data());
    if (p.couplings_b) product(t, *p.couplings_b, u, b.data());
  }

  FieldShape shape(const LaneTile& t, std::uint32_t rows) const { return {rows, t.lanes, t.count}; }

  void trigonometry(LaneTile& t, const float* x) const {
    general_kernels().cosine_sine(shape(t, cells), x, t.cosine.data(), t.sine.data());
  }

  // dV/dx at x (less omega / mu for phases).
  void gradient(LaneTile& t, const StepTable& p, const float* x, float* out) const {
    const auto& kernels = general_kernels();
    const float* lane_bias = p.lane_bias ? t.bias.data() : nullptr;
    const auto pair = [&](const CacheLines<float>& a, const CacheLines<float>& b) {
      return FieldPair{p.couplings_a ? a.data() : nullptr, p.couplings_b ? b.data() : nullptr, p.gain_a, p.gain_b};
    };
    if (phases) {
      trigonometry(t, x);
      fields(t, p, t.cosine.data(), t.field_a, t.field_b);
      fields(t, p, t.sine.data(), t.field_c, t.field_d);
      kernels.phase(shape(t, cells), {p.four_j2.data(), p.minus_pull.data(), p.bias.data(), lane_bias},
                    pair(t.field_a, t.field_b), pair(t.field_c, t.field_d), t.cosine.data(), t.sine.data(), out);
      return;
    }
    const bool coupled = spec.kind != CellKind::rlc;  // couplings of rlc nodes are capacitances
    if (coupled) fields(t, p, x, t.field_a, t.field_b);
    kernels.quartic(shape(t, cells), {p.two_j2.data(), p.four_j4.data(), p.bias.data(), lane_bias},
                    coupled ? pair(t.field_a, t.field_b) : FieldPair{}, x, out);
  }

  // -- noise -----------------------------------------------------------------------------------------------------

  NoiseAddress address(const LaneTile& t, const NoiseOrigin& origin, std::uint64_t step, Purpose purpose,
                       std::uint32_t first_cell = 0) const {
    return {{static_cast<std::uint32_t>(origin.seed), static_cast<std::uint32_t>(origin.seed >> 32)},
            step,
            origin.refinement,
            origin.shot0 + t.first,
            static_cast<std::uint32_t>(purpose),
            first_cell};
  }

  void draw(LaneTile& t, const StepTable& p, const NoiseOrigin& origin, std::uint64_t step, float* n) {
    const auto& kernels = general_kernels();
    const NoiseColour& colour = spec.colour;
    kernels.normals(address(t, origin, step, Purpose::thermal), shape(t, cells), n);
    if (colour.white()) return;
    float* common = n + std::size_t{cells} * t.lanes;
    kernels.normals(address(t, origin, step, Purpose::common), shape(t, 1), common);
    if (colour.kind != NoiseColour::Kind::white) filter(t, p, origin, step, n);
    if (colour.common == 0) return;
    const auto own = static_cast<float>(std::sqrt(1.0 - colour.common)),
               shared = static_cast<float>(std::sqrt(colour.common));
    for (std::uint32_t i = 0; i < cells; ++i)
      for (std::uint32_t l = 0; l < t.lanes; ++l) n[t.at(i, l)] = own * n[t.at(i, l)] + shared * common[l];
  }

  // Replaces white numbers by coloured ones, cells + 1 rows. A stage with correlation time tau is z' = a z + sqrt(1 -
  // a^2) n with a = exp(-dt / tau), or a sign that turns with probability (1 - a) / 2; its sum over all time
  // differences is (1 + a) / (1 - a), so that weights w with sum w^2 (1 + a) / (1 - a) = 1 give white noise's
  // intensity.
  void filter(LaneTile& t, const StepTable& p, const NoiseOrigin& origin, std::uint64_t step, float* n) {
    const auto& kernels = general_kernels();
    const NoiseColour& colour = spec.colour;
    const bool telegraph = colour.kind == NoiseColour::Kind::telegraph;
    const std::uint32_t stages = colour.kind == NoiseColour::Kind::pink ? pink_stages : 1, rows = cells + 1;
    const std::size_t size = std::size_t{rows} * t.lanes;
    std::vector<double> a(stages);
    double intensity = 0;
    for (std::uint32_t s = 0; s < stages; ++s) {
      a[s] = decay(p.dt / colour.correlation_time * std::ldexp(1.0, 2 * static_cast<int>(s)));
      intensity += (1.0 + a[s]) / (1.0 - a[s]);
    }
    const auto weight = static_cast<float>(1.0 / std::sqrt(intensity));
    const auto draw_stage = [&](std::uint32_t s, std::uint64_t when, Purpose purpose, float* out) {
      kernels.normals(address(t, origin, when, purpose, s << 20), shape(t, rows - 1), out);
      kernels.normals(address(t, origin, when, purpose, (s << 20) + (1u << 19)), shape(t, 1),
                      out + std::size_t{cells} * t.lanes);
    };
    if (t.filters.empty()) {
      for (std::uint32_t s = 0; s < stages; ++s) {
        auto& z = t.filters.emplace_back(size + std::size_t{group_cells} * t.lanes);
        draw_stage(s, step, Purpose::colour, z.data());
        if (telegraph)
          for (auto& v : z) v = v < 0 ? -1.0f : 1.0f;
      }
    }
    std::vector<float> drive(size), keep(rows), kick(rows), weights(rows, weight);
    std::vector<float> sum(size, 0.0f);
    std::vector<std::uint32_t> words;
    const std::vector<std::uint32_t> all_free(rows, ~0u);
    std::uint64_t no_count = 0;
    std::uint32_t no_cell = 0;
    const MoveLimits limits{all_free.data(), 1e30f, &no_count, &no_cell};
    for (std::uint32_t s = 0; s < stages; ++s) {
      auto& z = t.filters[s];
      if (telegraph) {
        words.resize(size);
        kernels.words(address(t, origin, step, Purpose::thermal), shape(t, cells), words.data());
        kernels.words(address(t, origin, step, Purpose::common), shape(t, 1),
                      words.data() + std::size_t{cells} * t.lanes);
        const auto threshold = static_cast<std::uint32_t>(0.5 * (1.0 - a[s]) * 0x1p32);
        for (std::size_t i = 0; i < size; ++i) z[i] = words[i] < threshold ? -z[i] : z[i];
      } else {
        const float* source = n;
        if (s > 0) draw_stage(s, step, Purpose::thermal, drive.data()), source = drive.data();
        std::fill(keep.begin(), keep.end(), static_cast<float>(a[s]));
        std::fill(kick.begin(), kick.end(), static_cast<float>(std::sqrt(1.0 - a[s] * a[s])));
        kernels.damp(shape(t, rows), limits, z.data(), keep.data(), kick.data(), source);
      }
      kernels.add(shape(t, rows), sum.data(), weights.data(), z.data());
    }
    std::copy(sum.begin(), sum.end(), n);
  }

  // -- steps -----------------------------------------------------------------------------------------------------

  // What the schemes work on.
  struct Space {
    Impl& a;
    LaneTile& t;
    const StepTable& p;
    const NoiseOrigin& origin;
    std::uint64_t number;
    float *state, *guess, *k1, *k2, *n1, *n2;

    Space(Impl& array, LaneTile& tile, const StepTable& table, const NoiseOrigin& noise, std::uint64_t step)
        : a(array),
          t(tile),
          p(table),
          origin(noise),
          number(step),
          state(t.state.data()),
          guess(t.guess.data()),
          k1(t.k1.data()),
          k2(t.k2.data()),
          n1(t.n1.data()),
          n2(t.n2.data()) {}

    std::size_t second() const { return std::size_t{a.cells} * t.lanes; }
    FieldShape shape() const { return a.shape(t, a.cells); }
    // What a predictor does at the rail is not counted.
    MoveLimits limits(float limit, const float* to) const {
      const bool counts = to != guess && to != guess + second();
      return {a.free.data(), limit, counts ? &t.rail_count : &uncounted, counts ? &t.rail_cell : &unnamed};
    }
    MoveLimits position_limits(const float* to) const { return limits(a.phases ? phase_limit : a.spec.rail, to); }
    MoveLimits velocity_limits(const float* to) const { return limits(velocity_limit, to); }
    mutable std::uint64_t uncounted = 0;
    mutable std::uint32_t unnamed = 0;

    void slope(const float* at, float* k) const {
      if (!a.inertia) {
        a.gradient(t, p, at, k);
        return;
      }
      const float* v = at + second();
      float* force = a.spec.kind == CellKind::rlc ? t.field_a.data() : k + second();
      a.gradient(t, p, at, force);
      general_kernels().add(shape(), force, p.damping.data(), v);
      if (a.spec.kind == CellKind::rlc) a.product(t, *p.inverse_capacitance, force, k + second());
      std::copy_n(v, second(), k);
    }
    void draw(float* n, std::uint64_t ahead) const {
      if (!p.noise_mix) {
        a.draw(t, p, origin, number + ahead, n);
        return;
      }
      a.draw(t, p, origin, number + ahead, t.field_a.data());
      a.product(t, *p.noise_mix, t.field_a.data(), n);
    }
    void move(float* to, const float* from, const float* k, const float* n) const {
      const auto& kernels = general_kernels();
      if (!a.inertia) {
        kernels.move(shape(), position_limits(to), to, from, p.step.data(), k, p.sigma.data(), n);
        return;
      }
      kernels.move(shape(), position_limits(to), to, from, p.whole_dt.data(), k, nullptr, nullptr);
      kernels.move(shape(), velocity_limits(to + second()), to + second(), from + second(), p.step.data(), k + second(),
                   p.sigma.data(), n);
    }
    void mean(float* out, const float* x, const float* y) const {
      general_kernels().mean(a.shape(t, a.inertia ? 2 * a.cells : a.cells), out, x, y);
    }

    void force() const {
      if (t.fresh_force) return;
      if (a.spec.kind == CellKind::rlc) {
        a.gradient(t, p, state, k2);
        a.product(t, *p.inverse_capacitance, k2, k1);
      } else {
        a.gradient(t, p, state, k1);
      }
      t.fresh_force = true;
    }
    void kick() const {
      general_kernels().move(shape(), velocity_limits(state + second()), state + second(), state + second(),
                             p.half_kick.data(), k1, nullptr, nullptr);
    }
    void drift() const {
      general_kernels().move(shape(), position_limits(state), state, state, p.half_dt.data(), state + second(), nullptr,
                             nullptr);
      t.fresh_force = false;
    }
    void bath() const {
      const auto& kernels = general_kernels();
      float* v = state + second();
      if (a.metered) a.kinetic(t, p, 1.0, t.thermal);
      if (a.by_cell) {
        t.momentum.clear();
        a.momenta(t, p, t.momentum);
        t.before.assign(v, v + second());
      }
      a.draw(t, p, origin, number, n1);
      if (a.spec.kind == CellKind::rlc) {
        a.product(t, *p.propagate, v, guess);
        a.product(t, *p.spread, n1, k2);
        const std::vector<float> none(a.cells, 0.0f);
        kernels.sum(shape(), velocity_limits(state + second()), v, guess, k2, none.data(), nullptr);
      } else {
        kernels.damp(shape(), velocity_limits(state + second()), v, p.keep.data(), p.kick.data(), n1);
      }
      if (a.metered) a.kinetic(t, p, -1.0, t.thermal);
      if (a.by_cell) a.add_kinetic_heat(t, p, t.before.data());
    }

    // z = propagate z + spread n + respond b.
    void exact() const {
      const auto& kernels = general_kernels();
      a.product(t, *p.propagate, state, guess);
      const auto normals_of = [&](Purpose purpose, float* n) {
        kernels.normals(a.address(t, origin, number, purpose), shape(), n);
      };
      if (a.inertia) normals_of(Purpose::thermal_second, n1);
      normals_of(Purpose::thermal, n1 + (a.inertia ? second() : 0));
      a.product(t, *p.spread, n1, k1);
      if (p.lane_bias) {
        std::copy_n(t.bias.data(), second(), n2);
        if (a.inertia) std::fill_n(n2 + second(), second(), 0.0f);
        a.product(t, *p.respond, n2, k2);
      }
      const float* lane_shift = p.lane_bias ? k2 : nullptr;
      kernels.sum(shape(), position_limits(state), state, guess, k1, p.shift.data(), lane_shift);
      if (a.inertia)
        kernels.sum(shape(), velocity_limits(state + second()), state + second(), guess + second(), k1 + second(),
                    p.lane_bias ? nullptr : p.shift.data() + a.cells, p.lane_bias ? lane_shift + second() : nullptr);
    }
  };

  void scheme(Space& s) const {
    switch (spec.stepper) {
      case Stepper::euler_maruyama:
        schemes::euler_maruyama(s);
        break;
      case Stepper::heun:
        schemes::heun(s);
        break;
      case Stepper::leimkuhler_matthews:
        schemes::leimkuhler_matthews(s);
        break;
      case Stepper::baoab:
        schemes::baoab(s);
        break;
      case Stepper::exact_ou:
        s.exact();
        break;
      default:
        break;
    }
    if (phases) general_kernels().wrap(shape(s.t, cells), s.state, s.state + std::size_t{cells} * s.t.lanes);
  }

  // One step with its meters.
  void metered_step(Space& s) {
    LaneTile& t = s.t;
    const StepTable& p = s.p;
    const Stepper stepper = spec.stepper;
    std::vector<double> heat(t.lanes, 0.0);
    std::fill(t.thermal.begin(), t.thermal.end(), 0.0);
    const bool by_energy = stepper == Stepper::exact_ou && p.potential, by_bath = stepper == Stepper::baoab;
    if (by_energy || !p.potential) energies(t, p, 1.0, heat);
    std::vector<double> change(t.lanes, 0.0);  // of the energy, where there is no potential
    if (!p.potential)
      std::transform(heat.begin(), heat.end(), change.begin(), std::negate<>()), heat.assign(t.lanes, 0.0);
    const bool by_path = !by_energy && !by_bath;
    const bool by_forces = by_path || (by_cell && !by_bath);  // the forces at both ends of the step
    if (by_forces) {
      t.before.assign(t.state.begin(), t.state.begin() + static_cast<std::ptrdiff_t>(std::size_t{variables} * t.lanes));
      t.force.resize(t.state.size());
      t.force_after.resize(t.state.size());
      if (!t.known_force) gradient(t, p, t.state.data(), t.force.data());
      if (inertia && by_path) kinetic(t, p, 1.0, heat);
      if (inertia && by_cell) {
        t.momentum.clear();
        momenta(t, p, t.momentum);
      }
    }
    scheme(s);
    if (by_energy) energies(t, p, -1.0, heat);
    if (by_bath)
      for (std::uint32_t l = 0; l < t.lanes; ++l) heat[l] += t.thermal[l];
    if (by_forces) {
      if (inertia && by_path) kinetic(t, p, -1.0, heat);
      if (inertia && by_cell) add_kinetic_heat(t, p, t.before.data() + s.second());
      gradient(t, p, t.state.data(), t.force_after.data());
      const double quarter =
          stepper == Stepper::euler_maruyama && !inertia && spec.colour.white() ? 0.25 * spec.mobility * p.dt : 0.0;
      for (std::uint32_t i = 0; i < cells; ++i) {
        if (free[i] == 0) continue;
        for (std::uint32_t l = 0; l < t.lanes; ++l) {
          const std::size_t at = t.at(i, l);
          const double g0 = t.force[at], g1 = t.force_after[at];
          double moved = static_cast<double>(t.state[at]) - t.before[at];
          if (phases) {
            const std::size_t turns = at + s.second();
            moved += 2.0 * std::numbers::pi * (static_cast<double>(t.state[turns]) - t.before[turns]);
          }
          const double released = quarter * (g1 * g1 - g0 * g0) - 0.5 * moved * (g0 + g1);
          if (by_path) heat[l] += released;
          if (by_cell) t.cell_heat[at] += released;
        }
      }
      t.force.swap(t.force_after);
      t.known_force = true;
    }
    if (!p.potential) {
      energies(t, p, 1.0, change);
      for (std::uint32_t l = 0; l < t.lanes; ++l) t.work[l] += change[l] + heat[l];
    }
    for (std::uint32_t l = 0; l < t.lanes; ++l) t.heat[l] += heat[l];
  }

  void spin_step(LaneTile& t, const StepTable& p, const NoiseOrigin& origin, std::uint64_t number) {
    const auto& kernels = general_kernels();
    std::vector<double> change(metered && !p.potential ? t.lanes : 0, 0.0), heat(metered ? t.lanes : 0, 0.0);
    if (!change.empty()) energies(t, p, -1.0, change);
    SpinTile s{shape(t, cells),
               t.state.data(),
               rows_of(p.couplings_a.get()),
               rows_of(p.couplings_b.get()),
               p.gain_a,
               p.gain_b,
               p.bias.data(),
               p.lane_bias ? t.bias.data() : nullptr,
               p.two_over_kT.data(),
               free.data(),
               metered ? heat.data() : nullptr,
               by_cell ? t.cell_heat.data() : nullptr};
    if (spec.stepper == Stepper::random_sequential) {
      const auto updates = static_cast<std::uint64_t>(std::llround(p.dt * cells));
      t.words.resize(std::size_t{chosen_block} * t.lanes);
      t.site_words.resize(t.words.size());
      for (std::uint64_t done = 0; done < updates; done += chosen_block) {
        const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(chosen_block, updates - done));
        const auto ordinal = static_cast<std::uint32_t>(done);
        kernels.words(address(t, origin, number, Purpose::site, ordinal), shape(t, count), t.site_words.data());
        kernels.words(address(t, origin, number, Purpose::flip, ordinal), shape(t, count), t.words.data());
        kernels.update_chosen_spins(s, count, t.site_words.data(), t.words.data());
      }
    } else {
      t.words.resize(std::size_t{cells} * t.lanes);
      kernels.words(address(t, origin, number, Purpose::flip), shape(t, cells), t.words.data());
      for (const auto& sites : order)
        kernels.update_spins(s, sites.data(), static_cast<std::uint32_t>(sites.size()), t.words.data());
    }
    if (!metered) return;
    for (std::uint32_t l = 0; l < t.lanes; ++l) t.heat[l] += heat[l];
    if (change.empty()) return;
    energies(t, p, 1.0, change);
    for (std::uint32_t l = 0; l < t.lanes; ++l) t.work[l] += change[l] + heat[l];
  }

  // Sweeps of a tile on a lattice of signs, lane by lane.
  void sweep_signs(LaneTile& t, const SignLattice& lattice, const StepTable& p, const NoiseOrigin& origin,
                   std::uint64_t number, std::uint64_t steps) const {
    const SignLattice::Climate climate{p.gain_a, p.bias.front(), p.two_over_kT.front()};
    NoiseAddress noise = address(t, origin, number, Purpose::flip);
    if (t.lanes == 1) return lattice.sweep(t.state.data(), steps, climate, noise, free.data());
    std::vector<float> spins(cells);
    for (std::uint32_t l = 0; l < t.count; ++l, ++noise.shot) {
      for (std::uint32_t i = 0; i < cells; ++i) spins[i] = t.state[t.at(i, l)];
      lattice.sweep(spins.data(), steps, climate, noise, free.data());
      for (std::uint32_t i = 0; i < cells; ++i) t.state[t.at(i, l)] = spins[i];
    }
  }

  // The lattice of signs that lanes may run on, when all cells share bias and temperature; or null.
  const SignLattice* lattice(const StepTable& p) {
    const auto uniform = [](const std::vector<float>& values) {
      return std::ranges::all_of(values, [&](float v) { return v == values.front(); });
    };
    if (spec.stepper != Stepper::two_colour || metered || !p.couplings_a || p.couplings_b ||
        p.lane_bias || !uniform(p.bias) || !uniform(p.two_over_kT))
      return nullptr;
    if (signs_of != p.couplings_a) signs_of = p.couplings_a, signs = SignLattice::of(*signs_of);
    return signs.get();
  }

  void tabulate_bias(LaneTile& t, const StepTable& p, const Parameters& from, const Parameters& to) const {
    if (!p.lane_bias) return;
    t.bias.assign(std::size_t{cells} * t.lanes, 0.0f);
    for (std::uint32_t l = 0; l < t.count; ++l)
      for (std::uint32_t i = 0; i < cells; ++i)
        t.bias[t.at(i, l)] = StepTable::bias_of(from, to, p.position, cells, t.first + l, i);
  }

  void record(LaneTile& t, const Run& run, std::uint64_t ordinal) const {
    std::vector<float> values(variables);
    for (std::uint32_t l = 0; l < t.count; ++l) {
      for (std::uint32_t v = 0; v < variables; ++v) values[v] = t.state[t.at(v, l)];
      run.record(ordinal, t.first + l, values);
    }
  }
};

GeneralArray::GeneralArray(ArraySpec spec, numerics::ThreadTeam* team)
    : Array(std::move(spec)), impl_(std::make_unique<Impl>(Array::spec(), team)) {}

GeneralArray::~GeneralArray() = default;

void GeneralArray::read(std::uint32_t lane, std::span<float> out) const {
  const LaneTile& t = impl_->tile_of(lane);
  for (std::uint32_t v = 0; v < impl_->variables; ++v) out[v] = t.state[t.at(v, lane - t.first)];
}

float GeneralArray::state(std::uint32_t lane, std::uint32_t variable) const {
  const LaneTile& t = impl_->tile_of(lane);
  return t.state[t.at(variable, lane - t.first)];
}

void GeneralArray::write(std::uint32_t lane, std::uint32_t first, std::span<const float> values,
                         const Parameters& live) {
  Impl& a = *impl_;
  LaneTile& t = a.tile_of(lane);
  const std::uint32_t own = lane - t.first;
  if (a.metered) t.work[own] -= a.energy(t, own, live);
  for (std::uint32_t n = 0; n < values.size(); ++n) {
    const std::uint32_t variable = first + n, cell = variable % a.cells;
    const float value = values[n];
    float& x = t.state[t.at(variable, own)];
    if (spec().kind == CellKind::pbit) {
      x = value < 0 ? -1.0f : 1.0f;
    } else if (a.phases && variable >= a.cells) {
      x = std::nearbyint(value);
    } else if (a.phases) {
      const float held = std::clamp(value, -phase_limit, phase_limit);
      double turns = std::nearbyint(held / (2.0 * std::numbers::pi));
      auto angle = static_cast<float>(held - turns * 2.0 * std::numbers::pi);
      constexpr auto pi = std::numbers::pi_v<float>;
      if (angle >= pi) angle -= 2.0f * pi, turns += 1;
      if (angle < -pi) angle += 2.0f * pi, turns -= 1;
      x = angle;
      t.state[t.at(a.cells + cell, own)] += static_cast<float>(turns);
    } else if (variable >= a.cells) {
      x = a.free[cell] == 0 ? 0.0f : std::clamp(value, -velocity_limit, velocity_limit);
    } else {
      x = std::clamp(value, -spec().rail, spec().rail);
    }
  }
  t.fresh_force = false;
  if (a.metered) t.work[own] += a.energy(t, own, live);
}

void GeneralArray::set_clamped(std::span<const std::uint8_t> clamped, const Parameters& live) {
  Impl& a = *impl_;
  for (std::uint32_t i = 0; i < a.cells; ++i) a.free[i] = clamped[i] ? 0u : ~0u;
  if (!a.inertia) return;
  for (auto& t : a.tiles)
    for (std::uint32_t l = 0; l < t.count; ++l) {
      bool moving = false;
      for (std::uint32_t i = 0; i < a.cells; ++i)
        moving = moving || (clamped[i] && t.state[t.at(a.cells + i, l)] != 0.0f);
      if (!moving) continue;
      if (a.metered) t.work[l] -= a.energy(t, l, live);
      for (std::uint32_t i = 0; i < a.cells; ++i)
        if (clamped[i]) t.state[t.at(a.cells + i, l)] = 0.0f;
      if (a.metered) t.work[l] += a.energy(t, l, live);
    }
}

void GeneralArray::change_parameters(const Parameters& from, const Parameters& to) {
  Impl& a = *impl_;
  for (auto& t : a.tiles) t.fresh_force = false;
  if (!a.metered) return;
  const StepTable before(spec(), from, from, 0.0, 0.0), after(spec(), to, to, 0.0, 0.0);
  a.for_each_tile([&](LaneTile& t) {
    for (std::uint32_t l = 0; l < t.count; ++l)
      t.work[l] += a.energy(t, l, after, to, to) - a.energy(t, l, before, from, from);
  });
}

void GeneralArray::advance(const Run& run, const Parameters& live) {
  Impl& a = *impl_;
  if (run.steps == 0) return;
  if (const auto no = refusal_of_step(spec(), run.dt)) throw std::invalid_argument(no->what);
  if (run.noise.refinement > 0 &&
      (!spec().colour.white() || spec().kind == CellKind::pbit || spec().stepper == Stepper::exact_ou))
    throw std::invalid_argument(
        "only white noise of euler-maruyama, heun, leimkuhler-matthews and baoab can be refined");
  const bool ramped = run.target != nullptr && run.ramp_steps > 0;
  const Parameters& target = ramped ? *run.target : live;
  const auto table_at = [&](std::uint64_t r) -> std::shared_ptr<const StepTable> {
    if (r == run.ramp_steps) return std::make_shared<const StepTable>(spec(), target, target, 0.0, run.dt);
    const double position = static_cast<double>(r) / static_cast<double>(run.ramp_steps);
    return std::make_shared<const StepTable>(spec(), live, target, position, run.dt);
  };
  std::shared_ptr<const StepTable> table = ramped ? table_at(run.ramp_first) : a.table(live, run.dt);
  std::vector<std::uint64_t> ordinal(a.tiles.size(), 0);

  for (std::uint64_t done = 0; done < run.steps;) {
    const std::uint64_t count = ramped ? 1 : run.steps - done;
    const std::uint64_t next = run.ramp_first + done + 1;
    std::shared_ptr<const StepTable> after;
    if (ramped && (a.metered || done + 1 < run.steps)) after = table_at(next);
    const SignLattice* const lattice = a.lattice(*table);
    a.for_each_tile([&](LaneTile& t) {
      std::uint64_t& records = ordinal[static_cast<std::size_t>(&t - a.tiles.data())];
      a.tabulate_bias(t, *table, live, target);
      t.fresh_force = t.known_force = false;
      for (std::uint64_t s = done, together = 1; s < done + count; s += together) {
        const std::uint64_t number = run.noise.step + s;
        const std::uint64_t due =
            run.record_period > 0 ? run.record_first + records * run.record_period : done + count;
        const std::uint64_t alike = std::max(s + 1, std::min(due, done + count)) - s;  // steps up to the next record
        together = 1;
        if (lattice && (t.lanes == 1 || alike >= sweeps_of_bits)) {
          together = alike;
          a.sweep_signs(t, *lattice, *table, run.noise, number, alike);
        } else if (spec().kind == CellKind::pbit) {
          a.spin_step(t, *table, run.noise, number);
        } else {
          Impl::Space space(a, t, *table, run.noise, number);
          if (a.metered) {
            a.metered_step(space);
          } else {
            a.scheme(space);
          }
        }
        if (ramped && a.metered) {
          a.energies(t, *table, -1.0, t.work);
          const bool last = next == run.ramp_steps;
          a.tabulate_bias(t, *after, last ? target : live, target);
          a.energies(t, *after, 1.0, t.work);
        }
        if (run.record_period > 0 && s + together == due) a.record(t, run, records++);
      }
    });
    done += count;
    table = after;
  }
}

void GeneralArray::restart() {
  for (auto& t : impl_->tiles) t.filters.clear();
}

void GeneralArray::enable_meters(bool on) {
  impl_->metered = on;
  impl_->by_cell = false;
  clear_meters();
}

void GeneralArray::enable_cell_heat() {
  impl_->by_cell = true;
  clear_meters();
}

void GeneralArray::clear_meters() {
  for (auto& t : impl_->tiles) {
    std::fill(t.heat.begin(), t.heat.end(), 0.0);
    std::fill(t.work.begin(), t.work.end(), 0.0);
    t.cell_heat.assign(impl_->by_cell ? std::size_t{impl_->cells} * t.lanes : 0, 0.0);
  }
}

void GeneralArray::cell_heat(std::uint32_t lane, std::span<double> out) const {
  const LaneTile& t = impl_->tile_of(lane);
  for (std::uint32_t i = 0; i < impl_->cells; ++i) out[i] = impl_->by_cell ? t.cell_heat[t.at(i, lane - t.first)] : 0.0;
}

LaneMeters GeneralArray::meters(std::uint32_t lane, const Parameters&) const {
  const LaneTile& t = impl_->tile_of(lane);
  return {t.work[lane - t.first], t.heat[lane - t.first]};
}

double GeneralArray::energy(std::uint32_t lane, const Parameters& live) const {
  const LaneTile& t = impl_->tile_of(lane);
  return impl_->energy(t, lane - t.first, live);
}

std::uint64_t GeneralArray::rail_count() const {
  return std::accumulate(impl_->tiles.begin(), impl_->tiles.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const LaneTile& t) { return sum + t.rail_count; });
}

std::uint32_t GeneralArray::rail_cell() const {
  std::uint32_t lowest = 0xFFFFFFFFu;
  for (const auto& t : impl_->tiles) lowest = std::min(lowest, t.rail_cell);
  return lowest;
}

void GeneralArray::clear_rails() {
  for (auto& t : impl_->tiles) {
    t.rail_count = 0;
    t.rail_cell = 0xFFFFFFFFu;
  }
}

}  // namespace heatbath::physics
