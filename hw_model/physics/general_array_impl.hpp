#pragma once
// What the sources of the general array share: its state and the parts of a step: energies (general_energies.cpp),
// steps and their meters (general_steps.cpp), noise with a colour (coloured_noise.cpp), p-bits (spin_steps.cpp).

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "heatbath/numerics/cache_line.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "hw_model/physics/cell_meters.hpp"
#include "hw_model/physics/exchange.hpp"
#include "hw_model/physics/general_array.hpp"
#include "hw_model/physics/general_kernels.hpp"
#include "hw_model/physics/lane_tiles.hpp"
#include "hw_model/physics/noise_address.hpp"
#include "hw_model/physics/sign_lattice.hpp"
#include "hw_model/physics/spin_planes.hpp"
#include "hw_model/physics/step_table.hpp"

namespace heatbath::physics {

using numerics::CacheLines;

constexpr float velocity_limit = 1e15f;  // keeps an unstable step finite
constexpr float phase_limit = 1e6f;      // of one step, in radians: more cannot be wrapped in float32
constexpr float turns_limit = 2147483520.0f;  // the largest float32 below 2^31

struct StepSpace;  // general_space.hpp

/// Whether all parameters are the same, couplings by address.
bool same_parameters(const Parameters& a, const Parameters& b);

struct GeneralArray::Impl {
  static constexpr std::uint32_t most_filters = 8;  // of pink noise

  // Lanes first..first+count-1 with their own state, scratch and meters. Fields are [row][lane].
  struct LaneTile : LaneRange, Rails {
    CacheLines<float> state;                        // variables rows
    CacheLines<float> guess, k1, k2, n1, n2;
    CacheLines<float> low, increment;  // split states: what `state` rounds away; what a step adds. Else empty
    CacheLines<float> cosine, sine, field_a, field_b, field_c, field_d;
    CacheLines<float> before, force, force_after;  // metered: state at the start of the step, gradients at its ends
    CacheLines<float> bias, bias_change;           // per lane, when lanes differ; exact-ou in a ramp: over the step
    CacheLines<std::uint32_t> words, site_words;
    CacheLines<std::uint32_t> counts, counts_before;  // phases: full turns, in two's complement; metered: at the start
    std::vector<CacheLines<float>> filters;   // coloured noise: one field of cells + 1 rows per stage; last row: common
    bool fresh_force = false;                 // k1 holds the force at the state (BAOAB)
    bool known_force = false;                 // `force` is the gradient at the state
    std::vector<double> curvature, curvature_after;  // of the own terms, as [cell][lane], where `force` is
    std::vector<double> heat, work;           // metered, per lane
    std::vector<double> thermal;              // heat of the bath step, per lane
    std::vector<double> released;             // p-bits of a rank, metered: heat of a step, as [cell][lane]
    CellSums cell_sums;
    std::vector<double> momentum;  // heat of cells: per [cell][lane], before what changes them

    std::size_t at(std::uint32_t row, std::uint32_t lane) const { return std::size_t{row} * lanes + lane; }
    std::int32_t turns(std::size_t at) const { return static_cast<std::int32_t>(counts[at]); }
  };

  const ArraySpec& spec;
  numerics::ThreadTeam* team;
  Exchange* const exchange;  // null: the array is whole
  const OwnRows own_rows;
  std::uint32_t cells, variables;
  bool inertia, phases, spins, capacitive;
  std::vector<LaneTile> tiles;
  std::vector<std::uint32_t> free;
  std::uint64_t clamps = 0;             // how often `free` was set
  // p-bits in the order of their update: colour 0, colour 1; sequential: order[0]. Empty until make_order().
  std::vector<std::uint32_t> order[2];
  bool metered = false, by_cell = false;  // meters of lanes; heat of cells besides
  CellMeterSet cell_meters;

  // The last table that was made without a ramp, and what it was made from.
  struct Kept {
    Parameters parameters;
    double dt;
    std::uint64_t clamps;
    bool heat;
    std::shared_ptr<const StepTable> table;
  };
  std::optional<Kept> kept;

  // The couplings last asked for as a lattice of signs, and the answer.
  std::shared_ptr<const Couplings> signs_of;
  std::shared_ptr<const SignLattice> signs;
  std::shared_ptr<const Couplings> no_couplings;  // of a rank without cells

  // The couplings last asked for as planes, and the answer.
  std::shared_ptr<const Couplings> planes_of;
  std::shared_ptr<const SpinPlanes> planes;

  // The kinds of cells last asked for, and what they were made from.
  struct KeptKinds {
    std::shared_ptr<const SpinPlanes> planes;
    Parameters from, to;
    std::vector<std::uint32_t> free;
    std::unique_ptr<const PlaneKinds> kinds;  // of from and to here
  };
  std::optional<KeptKinds> kept_kinds;

  // Spins as bits. While `current`, they are the state, and the floats of the tiles are old.
  struct InPlanes {
    struct Part {
      Slab slab;
      std::uint32_t bit;  // of its first lane
      std::uint64_t records = 0;
      std::vector<std::uint32_t> up;
    };
    bool current = false;
    std::uint32_t groups = 0, before = 0;  // words of a part; lanes that the first word leaves out
    std::vector<Part> parts;
  };
  InPlanes in_planes;

  Impl(const ArraySpec& spec, numerics::ThreadTeam* team);

  LaneTile& tile_of(std::uint32_t lane) { return tile_of_lane(tiles, lane, spec.lanes); }
  const LaneTile& tile_of(std::uint32_t lane) const { return tile_of_lane(tiles, lane, spec.lanes); }

  void for_each_tile(const std::function<void(LaneTile&)>& piece);
  void make_order();
  /// Whether steps need tables with the heat of their exact parts.
  bool wants_heat(const Parameters& live) const;
  /// Table of a run without a ramp, kept.
  std::shared_ptr<const StepTable> table(const Parameters& live, double dt);

  // -- energies --------------------------------------------------------------------------------------------------

  // Energy of one lane, in double from the state alone.
  double energy(const LaneTile& t, std::uint32_t own, const StepTable& p, const Parameters& from,
                const Parameters& to) const;
  double energy(const LaneTile& t, std::uint32_t own, const Parameters& live) const;
  // Energies of all lanes of a tile; works on the kernels' fields, so a step pays little for it.
  void energies(LaneTile& t, const StepTable& p, double sign, std::vector<double>& sums);
  // Kinetic energy, v C v / 2 for rlc nodes.
  void kinetic(LaneTile& t, const StepTable& p, double sign, std::vector<double>& sums);
  // Momenta C v (m v) of all cells, less those in `out` where it has any. Works on field_a and field_b.
  void momenta(LaneTile& t, const StepTable& p, std::vector<double>& out) const;
  // Heat of cells by the change of their momenta since `momentum` and `velocity` were taken: minus the mean velocity
  // times the change of the momentum, whose sum is minus the change of the kinetic energy.
  void add_kinetic_heat(LaneTile& t, const StepTable& p, const float* velocity) const;

  // -- forces ----------------------------------------------------------------------------------------------------

  // Brings the rows of other ranks up to date in positions, phases or spins, before sums over neighbours.
  void refresh(const LaneTile& t, const float* x) const {
    if (exchange) exchange->refresh(const_cast<float*>(x), t.lanes);
  }
  // y = J u.
  void product(const LaneTile& t, const Couplings& j, const float* u, float* y) const;
  void fields(const LaneTile& t, const StepTable& p, const float* u, CacheLines<float>& a, CacheLines<float>& b) const;
  FieldShape shape(const LaneTile& t, std::uint32_t rows) const { return {rows, t.lanes, t.count}; }
  void trigonometry(LaneTile& t, const float* x) const;
  // dV/dx at x, for phases less omega / mu unless `at_rest`.
  void gradient(LaneTile& t, const StepTable& p, const float* x, float* out, bool at_rest = false) const;
  // d2V/dx_i^2 at the state; right after gradient() at it, whose fields it reads.
  void curvatures(const LaneTile& t, const StepTable& p, std::vector<double>& out) const;

  // -- noise -----------------------------------------------------------------------------------------------------

  NoiseAddress address(const LaneTile& t, const NoiseOrigin& origin, std::uint64_t step, Purpose purpose,
                       std::uint32_t first_cell = 0) const {
    return address_of(origin, t.first, step, purpose, first_cell);
  }
  // The same of its own cells, and where their noise goes in a field.
  NoiseAddress own_address(const LaneTile& t, const NoiseOrigin& origin, std::uint64_t step, Purpose purpose) const {
    return address(t, origin, step, purpose, exchange ? exchange->cut().first_cell : 0);
  }
  FieldShape own_shape(const LaneTile& t) const { return shape(t, own_rows.count()); }
  template <class Value>
  Value* own_part(const LaneTile& t, Value* field) const {
    return field + t.at(own_rows.begin, 0);
  }
  // White numbers with the colour and the common part that the array asks for.
  void draw(LaneTile& t, const StepTable& p, const NoiseOrigin& origin, std::uint64_t step, float* n);
  // Replaces white numbers by coloured ones, cells + 1 rows. A stage with correlation time tau is z' = a z + sqrt(1 -
  // a^2) n with a = exp(-dt / tau), or a sign that turns with probability (1 - a) / 2; its sum over all time
  // differences is (1 + a) / (1 - a), so that weights w with sum w^2 (1 + a) / (1 - a) = 1 give white noise's
  // intensity.
  void filter(LaneTile& t, const StepTable& p, const NoiseOrigin& origin, std::uint64_t step, float* n);

  // -- steps -----------------------------------------------------------------------------------------------------

  // One step, with its meters where they are on.
  void step(LaneTile& t, const StepTable& p, const NoiseOrigin& origin, std::uint64_t number);
  void scheme(StepSpace& s) const;
  // One step with its meters.
  void metered_step(StepSpace& s);
  // Adds the heat of nodes in a step of Heun's: -v o (noise - v/R dt), the noise with the predicted voltage.
  void add_node_heat(StepSpace& s, std::vector<double>& heat) const;
  void spin_step(LaneTile& t, const StepTable& p, const NoiseOrigin& origin, std::uint64_t number);
  // The same in integers, whatever the order of the cells (integer_spins.hpp).
  void integer_spin_step(LaneTile& t, const StepTable& p, const NoiseOrigin& origin, std::uint64_t number);
  // Adds `released` to the heat of lanes, in the order in which the whole array's cells are updated.
  void add_released(LaneTile& t, std::vector<double>& heat);
  // One update of a chosen spin in each lane, with the meters of states; `word`: where its words begin.
  void watched_update(LaneTile& t, const SpinTile& s, std::size_t word);
  // Sweeps of a tile on a lattice of signs, lane by lane.
  void sweep_signs(LaneTile& t, const SignLattice& lattice, const StepTable& p, const NoiseOrigin& origin,
                   std::uint64_t number, std::uint64_t steps) const;
  // Random words of updates at an address of purpose `flip`, as words or in planes.
  void flip_words(NoiseAddress at, FieldShape shape, std::uint32_t* out) const;
  // Brings the floats of the tiles up to date, after which bits are no longer the state. Before all that reads or writes them.
  void settle();
  // Where the spins of a lane are while bits are the state.
  struct LaneInPlanes {
    std::uint32_t* words;  // of cell i: words[i * groups]
    std::size_t groups;
    std::uint32_t bit;
    float spin(std::uint32_t cell) const { return words[cell * groups] >> bit & 1u ? 1.0f : -1.0f; }
  };
  LaneInPlanes lane_in_planes(std::uint32_t lane);
  const PlaneKinds& kinds(const Parameters& from, const Parameters& to);
  // Makes a whole run with spins as bits of many lanes, where it can be; else returns false, and nothing was done.
  bool advance_planes(const Run& run, const Parameters& live, const Parameters& target);
  // One slab of a run so: from the lanes' floats into bits, or back.
  void pack(const Slab& slab, std::uint32_t groups, std::uint32_t bit, std::vector<std::uint32_t>& bits) const;
  void unpack(const Slab& slab, std::uint32_t groups, std::uint32_t bit, const std::vector<std::uint32_t>& bits);
  // The lattice of signs that lanes may run on, when all cells share bias and temperature; or null.
  const SignLattice* lattice(const StepTable& p);

  void tabulate_bias(LaneTile& t, const StepTable& p, const Parameters& from, const Parameters& to,
                     double advance = 0) const;
  /// The first variables of all cells of a tile.
  std::span<const float> positions(const LaneTile& t) const { return {t.state.data(), std::size_t{cells} * t.lanes}; }
  // Fields of split states, or none.
  void make_room(LaneTile& t, const StepTable& p) const;
  void record(LaneTile& t, const Run& run, std::uint64_t ordinal) const;
};

}  // namespace heatbath::physics
