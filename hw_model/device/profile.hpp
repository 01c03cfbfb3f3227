#pragma once
// What distinguishes one chip from another.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hw_model/analog/converters.hpp"
#include "hw_model/device/profile_features.hpp"
#include "hw_model/device/profile_imperfections.hpp"
#include "hw_model/physics/cell_kinds.hpp"

namespace heatbath::physics {
class Graph;
struct ArraySpec;
}  // namespace heatbath::physics

namespace heatbath::model {

/// Which steps of overdamped cells are refused as unstable (hw_model/device/stability.hpp): none; those that let the
/// linear part diverge; those that are unstable for a state at the rail.
enum class Stability : std::uint8_t { never, linear, rail };

/// How a number is known, from weak to strong; the weaker one is that of a product. Numbers as in CAPS_COST_GRADES.
enum class Grade : std::uint8_t { unstated, projected, derived, simulated, measured, metered };
std::string_view name(Grade grade);

/// What [evidence] of a profile says of a key: "GRADE" or "GRADE, SOURCE".
struct Evidence {
  Grade grade = Grade::unstated;
  std::string source;
};

/// A chip profile: hw_model/profiles/NAME.toml, or a file of the same form. What a file does not say is as in `ideal`,
/// and what `ideal` does not say as here; the tables of the file are the comments' first words. Energies in energy
/// units, times in ticks or time units as named.
struct Profile : ProfileFeatures, ProfileImperfections {
  // [identity]
  std::string name, description;
  std::uint32_t vendor = 0, part = 0, revision = 0;
  std::uint64_t serial = 0;
  // [array]
  std::uint32_t cells = 0, cells_max = 0;  ///< default size; largest a URI may ask for. Of a graph: its own
  std::uint32_t lanes = 0, lanes_max = 0;
  physics::CellKind cell = physics::CellKind::overdamped;
  std::uint32_t states = 3;                           ///< of cells that have labels: categorical ones
  physics::Stepper stepper = physics::Stepper::none;  ///< never `none` in a profile that load_profile returned
  std::string topology;                               ///< "dense", or what physics::load_topology takes
  std::shared_ptr<const physics::Graph> graph;        ///< of `topology`; null: dense
  std::shared_ptr<const std::vector<float>> graph_couplings;  ///< that its file has, as physics::Topology; null: none
  /// an edge list: more cells than its couplers name may be asked for
  bool graph_open = false;
  bool reciprocal = true;                             ///< J_ij = J_ji
  float mobility = 1;
  float rail = 0;            ///< of positions and fluxes
  float velocity_range = 0;  ///< full scale of the capture of velocities and voltages
  Stability refuse_unstable = Stability::never;
  // [time]
  std::uint32_t tick_ps = 0;
  std::uint32_t time_unit_ticks = 0;
  std::uint32_t dt_ticks = 0;
  std::uint32_t capture_min_ticks = 0;
  // [temperature]
  float kT_reset = 0, kT_min = 0, kT_max = 0;
  float energy_unit_joules = 0;
  // [parameters]
  Storage parameter_storage = Storage::float32;
  std::uint32_t parameter_bits = 0;
  /// sums over couplings in integers (hw_model/physics/code_products.hpp); p-bits as a whole (integer_spins.hpp)
  bool integer_sums = false;
  float range_j2 = 0, range_j4 = 0, range_bias = 0, range_coupling = 0;
  float range_mass = 0, range_damping = 0, range_frequency = 0;
  // [noise]
  bool noise_planes = false;  ///< random bits of p-bits are planes (physics::SpinNoise)
  // [capture]
  Storage capture_storage = Storage::float32;
  std::uint32_t capture_bits = 0;
  // [memory]
  std::uint64_t memory_bytes = 0;
  std::uint32_t program_max = 0, loop_depth = 0;
  // [imperfections]: those that are switched off: "none", "all", or names of imperfection_names with commas
  std::string perfect = "none";
  // [timing]: what work beside the evolution costs, in ticks, where costs are modelled (ChipOptions::timed)
  std::uint32_t bus_request_ticks = 0;         ///< until a bus access is accepted
  std::uint32_t bus_response_ticks = 0;        ///< from there to its response
  std::uint32_t bus_bytes_per_tick = 0;        ///< device memory over the bus, beside both; 0: no cost
  std::uint32_t fetch_ticks = 0;               ///< before each instruction
  std::uint32_t operand_bytes_per_tick = 0;    ///< operands from and to memory, after the fetch; 0: no cost
  std::uint32_t dac_settle_ticks = 0;          ///< after COMMIT and CLAMP
  std::uint32_t adc_conversion_ticks = 0;      ///< after SAMPLE; periodic records convert while the array evolves

  // [faults]: whether the chip notices its faults; times in time units
  bool fault_monitors = true;
  float watchdog_time = 1000;  ///< after which a sequencer that stands still is stopped
  float cool_time = 1000;      ///< for which START is refused after a thermal trip
  // [cost]: what one of it takes from the supply; 0: not known, or inside another
  float sample_J = 0;      ///< of a cell for a time unit; an update of a p-bit
  float read_J = 0;        ///< of a state read out
  float write_J = 0;       ///< of a parameter or state written
  float conversion_J = 0;  ///< of a converter, in each read and write
  float link_byte_J = 0;   ///< of a byte between device and host
  float standby_W = 0;     ///< whether anything runs or not
  // [evidence]: by "table.key"; of the others `usual`
  std::map<std::string, Evidence, std::less<>> evidence;
  Evidence usual_evidence;
  const Evidence& evidence_of(std::string_view table, std::string_view key) const;
  /// The grades of [cost], as in CAPS_COST_GRADES.
  std::uint32_t cost_grades() const;
  bool priced() const;

  /// State variables of a cell.
  std::uint32_t components() const { return physics::components(cell); }
  /// States of a cell as CAPS_STATES has them: 0 where cells have no labels.
  std::uint32_t shown_states() const { return physics::has_labels(cell) ? states : 0; }
  /// Bytes of the list of couplers (heatbath/topology.h); 0 where the topology is dense.
  std::uint64_t topology_bytes() const;
  /// Full scale of the converter of the first variable of a cell (position, phase, flux, spin, state), and of the second
  /// (0: there is none). Discrete states and full turns are whole numbers of steps of theirs.
  float state_range() const;
  float second_range() const;
  /// Whether full turns can be captured as integers.
  bool whole_turns() const { return cell == physics::CellKind::phase && capture_storage == Storage::float32; }
  /// What the capability registers show of it (hw_model/device/profile_registers.hpp). Where the step is hidden, so is
  /// the integrator: to the host the part is physical.
  bool couplings_full() const { return !reciprocal; }
  bool sparse() const { return graph != nullptr; }
  bool has_graph_couplings() const { return graph_couplings != nullptr; }
  std::uint32_t couplers() const;
  physics::Stepper shown_stepper() const { return dt_programmable ? stepper : physics::Stepper::none; }
  std::uint32_t shown_dt_ticks() const { return dt_programmable ? dt_ticks : 0; }
  std::uint32_t arithmetic() const;
  /// Whether p-bits are updated in integers: gains and temperatures have converters then, too.
  bool integer_spins() const { return integer_sums && cell == physics::CellKind::pbit; }
  /// The converters of both.
  Converter state_converter() const;
  Converter second_converter() const;
  /// The array of this profile with so many cells and lanes; of the graph, the couplers between the first `cells`.
  physics::ArraySpec array(std::uint32_t cells, std::uint32_t lanes) const;
};

/// What a device URI may choose in addition to the profile: `chip`, the serial number, which part it is; `perfect`, the
/// imperfections that are switched off; `faults`, planned ones; [array] cell, states, stepper, topology, reciprocal, rail
/// and refuse_unstable under these names, [noise] colour, correlation_time, common and planes as noise, noise_time,
/// noise_common and noise_planes, [parameters] integer_sums, and dt, the step in time units where the profile lets hosts program it.
/// Values as in a profile's file; reciprocal, noise_planes and integer_sums are yes or no. A cell of another kind than the profile's
/// comes with the default stepper of its kind; discrete cells with a step of one time unit unless the profile has
/// another than the built-in ones' 1e-3. A topology brings its number of cells, which cells_max bounds only where the array works
/// with dense matrices (rlc, exact-ou).
using Choices = std::map<std::string, std::string, std::less<>>;
std::span<const std::string_view> choice_names();

/// Profiles built in, in the order of hw_model/device/CMakeLists.txt.
std::vector<std::string> profile_names();

/// A key of a profile with its value and how that is known.
struct DatasheetRow {
  std::string table, key, value;
  Evidence evidence;
};
/// All keys of a profile, in the order of its tables, as they are after everything that was chosen. Numbers in 7 digits.
std::vector<DatasheetRow> datasheet(const Profile& profile);

/// Profile by name, or from a file when `name` ends in ".toml", with what was chosen in place of what it says. Throws
/// std::invalid_argument in one line: the valid names; or file, table, key and what would be right; or the choice.
Profile load_profile(std::string_view name, const Choices& choices = {});

}  // namespace heatbath::model
