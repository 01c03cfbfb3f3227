#include "bridges/fmi/package.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "bridges/fmi/licence.hpp"
#include "bridges/fmi/unit_device.hpp"
#include "bridges/fmi/variables.hpp"
#include "files/program_builder.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "files/zip_file.hpp"
#include "heatbath/cells.h"
#include "heatbath/device.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/regs.h"
#include "report/png_sheet.hpp"

namespace heatbath::apps::fmi {

namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw Error(HB_IO, fmt::format("{}: cannot be read", path.string()));
  return text.str();
}

/// FNV-1a: tells units apart that differ in a byte of their description.
std::string token_of(const std::string& text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3u;
  return fmt::format("{{heatbath-{:016x}}}", hash);
}

/// Without its folders, which are this machine's affair.
std::string name_of_source(const Network& network) { return std::filesystem::path(network.source).filename().string(); }

const char* causality_name(Causality causality) {
  switch (causality) {
    case Causality::independent: return "independent";
    case Causality::structural_parameter: return "structuralParameter";
    case Causality::parameter: return "parameter";
    case Causality::input: return "input";
    case Causality::output: return "output";
  }
  return "";
}

const char* type_name(Type type) {
  return type == Type::float64 ? "Float64" : type == Type::uint64 ? "UInt64" : "Boolean";
}

/// Values of the start attribute, of an array or of the element of one cell; empty: none.
std::string start_of(const VariableInfo& it, std::optional<std::uint32_t> cell, const Network& network, float held) {
  const std::uint32_t first = cell.value_or(0), end = cell ? *cell + 1 : network.cells();
  const auto for_each = [&](const auto& value_of) {
    std::string all;
    for (std::uint32_t i = first; i < end; ++i) all.append(i == first ? "" : " ").append(value_of(i));
    return all;
  };
  switch (it.id) {
    case Variable::cells: return std::to_string(network.cells());
    case Variable::seed: return "1";
    case Variable::intermediate_period: return "0";
    case Variable::coupling_scale: return fmt::format("{:.9g}", network.gain);
    case Variable::temperature: return fmt::format("{:.9g}", network.kT);
    case Variable::bias: return for_each([&](std::uint32_t i) { return fmt::format("{:.9g}", network.bias[i]); });
    case Variable::clamp: return for_each([](std::uint32_t) { return "false"; });
    case Variable::clamp_value: return for_each([held](std::uint32_t) { return fmt::format("{:.9g}", held); });
    default: return {};
  }
}

/// What the parts of a unit have in common.
struct Unit {
  const Network& network;
  const Capabilities& caps;
  Interface interface;
  double step_seconds;       ///< of the array, in the time of the simulation
  double time_unit_seconds;  ///< in the time of the simulation
};

/// How many variables a row of the table is: an array of a unit of scalars has one for each cell.
std::uint32_t pieces(const VariableInfo& it, const Unit& unit) {
  return !unit.interface.has(it) ? 0 : unit.interface.scalar && it.array ? unit.network.cells() : 1;
}

/// Value reference of a piece.
std::string reference(const VariableInfo& it, const Unit& unit, std::uint32_t piece) {
  return std::to_string(unit.interface.scalar && it.array ? reference_of(it.id, piece) : static_cast<std::uint32_t>(it.id));
}

std::string model_description(const Unit& unit, const std::string& token) {
  const Network& network = unit.network;
  const Capabilities& caps = unit.caps;
  const double step_seconds = unit.step_seconds, time_unit_seconds = unit.time_unit_seconds;
  pugi::xml_document document;
  auto declaration = document.prepend_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  const auto add = [](pugi::xml_node node, const char* name, const std::string& value) {
    node.append_attribute(name) = value.c_str();
  };
  auto root = document.append_child("fmiModelDescription");
  add(root, "fmiVersion", "3.0");
  add(root, "modelName", "heatbath");
  add(root, "instantiationToken", token);
  add(root, "description", fmt::format("{} {} cells of an emulated thermodynamic computer", network.cells(),
                                         name(network.cell_kind)));
  add(root, "generationTool", version_line());
  if (unit.interface.scalar) add(root, "variableNamingConvention", "structured");

  const std::string step = fmt::format("{:.17g}", step_seconds);
  auto simulation = root.append_child("CoSimulation");
  add(simulation, "modelIdentifier", "heatbath");
  add(simulation, "canGetAndSetFMUState", "true");
  add(simulation, "canSerializeFMUState", "true");
  add(simulation, "canHandleVariableCommunicationStepSize", "true");
  add(simulation, "fixedInternalStepSize", step);
  add(simulation, "canReturnEarlyAfterIntermediateUpdate", "true");
  add(simulation, "providesIntermediateUpdate", "true");

  auto units = root.append_child("UnitDefinitions");
  auto second = units.append_child("Unit");
  add(second, "name", "s");
  add(second.append_child("BaseUnit"), "s", "1");
  auto energy = units.append_child("Unit");
  add(energy, "name", "energy_unit");
  auto joule = energy.append_child("BaseUnit");
  add(joule, "kg", "1"), add(joule, "m", "2"), add(joule, "s", "-2");
  add(joule, "factor", fmt::format("{:.9g}", caps.energy_unit_joules));
  auto category = root.append_child("LogCategories").append_child("Category");
  add(category, "name", "logStatusError");
  add(category, "description", "why a function returned fmi3Error");
  auto experiment = root.append_child("DefaultExperiment");
  // Ten time units in a hundred communication steps, each of whole steps of the array.
  const double communication_step = step_seconds * std::max(1.0, std::round(0.1 * time_unit_seconds / step_seconds));
  add(experiment, "startTime", "0");
  add(experiment, "stopTime", fmt::format("{:.17g}", 100 * communication_step));
  add(experiment, "stepSize", fmt::format("{:.17g}", communication_step));

  auto list = root.append_child("ModelVariables");
  const auto add_variable = [&](const VariableInfo& it, std::uint32_t piece) {
    const bool element = unit.interface.scalar && it.array;
    auto node = list.append_child(type_name(it.type));
    add(node, "name", element ? fmt::format("{}[{}]", it.name, piece + 1) : it.name);
    add(node, "valueReference", reference(it, unit, piece));
    add(node, "causality", causality_name(it.causality));
    const bool fixed = it.causality == Causality::parameter || it.causality == Causality::structural_parameter;
    add(node, "variability", fixed ? "fixed" : it.type == Type::float64 ? "continuous" : "discrete");
    add(node, "description", it.description);
    if (*it.unit != '\0') add(node, "unit", it.unit);
    if (it.id == Variable::cells) add(node, "min", "1"), add(node, "max", std::to_string(network.cells()));
    // Tools that compute with doubles or signed numbers stumble over a bound of 2^64 - 1.
    if (it.id == Variable::seed) add(node, "max", std::to_string(std::numeric_limits<std::int64_t>::max()));
    const std::string start =
        start_of(it, element ? std::optional(piece) : std::nullopt, network, default_state(caps));
    if (!start.empty()) add(node, "start", start);
    if (it.array && !element)
      add(node.append_child("Dimension"), "valueReference",
          std::to_string(static_cast<std::uint32_t>(Variable::cells)));
  };
  for (const VariableInfo& it : variables)
    for (std::uint32_t piece = 0; piece < pieces(it, unit); ++piece) add_variable(it, piece);
  auto structure = root.append_child("ModelStructure");
  for (const char* kind : {"Output", "InitialUnknown"})
    for (const VariableInfo& it : variables) {
      if (it.causality != Causality::output) continue;
      for (std::uint32_t piece = 0; piece < pieces(it, unit); ++piece)
        add(structure.append_child(kind), "valueReference", reference(it, unit, piece));
    }
  std::ostringstream text;
  document.save(text, "  ");
  return text.str();
}

/// The energy of a kind of cells, as docs/dynamics.md writes it.
const char* energy_of(CellKind kind) {
  switch (kind) {
    case CellKind::overdamped: return "V = sum(J2 x^2 + J4 x^4 + b x) + coupling_scale sum(J_ij x_i x_j)";
    case CellKind::underdamped: return "V = sum(J2 x^2 + J4 x^4 + b x + m v^2/2) + coupling_scale sum(J_ij x_i x_j)";
    case CellKind::rlc: return "V = sum(J2 x^2 + J4 x^4 + b x) + v C v/2, with C_ii and coupling_scale J_ij as capacitances";
    case CellKind::phase: return "V = sum(J2 cos(2 x) + b cos x) + coupling_scale sum(J_ij cos(x_i - x_j))";
    case CellKind::pbit: return "V = sum(b x) + coupling_scale sum(J_ij x_i x_j) of x = -1 and 1";
    case CellKind::categorical: break;
  }
  return "V";
}

std::string documentation(const Unit& unit) {
  const Network& network = unit.network;
  pugi::xml_document document;
  auto html = document.append_child("html");
  html.append_child("head").append_child("title").text() = "Heatbath chip";
  auto body = html.append_child("body");
  body.append_child("h1").text() = "Heatbath chip";
  const auto paragraph = [&](const std::string& text) { body.append_child("p").text() = numerics::escaped(text).c_str(); };
  paragraph(fmt::format("{} {} cells from {}: {} at kT = temperature. One time unit is {:.9g} s, a step {:.9g} s, an energy "
                        "unit {:.9g} J.",
                        network.cells(), name(network.cell_kind), name_of_source(network), energy_of(network.cell_kind),
                        unit.time_unit_seconds, unit.step_seconds, unit.caps.energy_unit_joules));
  paragraph("Inputs act from the communication point at which they are set. Heat is positive when it is given to the bath; "
            "energy changes by work minus heat. The noise is that of the seed: the same inputs give the same states, however "
            "the time is cut into steps.");
  auto table = body.append_child("table");
  for (const VariableInfo& it : variables) {
    if (!unit.interface.has(it)) continue;
    auto row = table.append_child("tr");
    row.append_child("td").text() = it.name;
    row.append_child("td").text() = causality_name(it.causality);
    row.append_child("td").text() = it.description;
  }
  std::ostringstream text;
  text << "<!DOCTYPE html>\n";
  document.save(text, "  ", pugi::format_default | pugi::format_no_declaration);
  return text.str();
}

/// Two wells and what flows between them, in 16 x 16 pixels.
std::string icon() {
  constexpr std::size_t size = 16;
  PngSheet sheet(1, 1, size, size, 4, 2);
  for (std::size_t column = 0; column < size; ++column) {
    const double x = (static_cast<double>(column) - 7.5) / 5.5;
    const double depth = 2 + 10 * (1 - std::min(1.0, (x * x - 1) * (x * x - 1)));
    for (std::size_t row = 0; row < size; ++row) {
      const bool below = static_cast<double>(row) > depth;
      const auto grey = static_cast<std::uint8_t>(below ? 70 + 8 * row : 245);
      sheet.set(0, 0, row, column, {grey, static_cast<std::uint8_t>(below ? 60 : 245), static_cast<std::uint8_t>(below ? 90 : 250)});
    }
  }
  const PngBytes bytes = sheet.encode();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::filesystem::path unit_library() {
  std::error_code ignored;
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  const std::filesystem::path built = here / HEATBATH_UNIT_BUILT, installed = here / HEATBATH_UNIT_INSTALLED;
  for (const auto& path : {built, installed})
    if (std::filesystem::exists(path, ignored)) return path.lexically_normal();
  throw Error(HB_IO, fmt::format("{}: the library of the unit is not there; install Heatbath whole",
                                 installed.lexically_normal().string()));
}

double step_seconds(const Device& device, const PackageOptions& options) {
  const Capabilities& caps = device.capabilities();
  const auto ticks = static_cast<double>(device.step().count);
  return options.time_unit_seconds > 0 ? options.time_unit_seconds * ticks / static_cast<double>(caps.time_unit.count)
                                       : caps.tick_seconds() * ticks;
}

void write_unit(const std::filesystem::path& path, const Device& device, const PackageOptions& options) {
  const Capabilities& caps = device.capabilities();
  const Network& network = options.network;
  require_unit_device(caps);
  if (caps.cell_kind != network.cell_kind)
    throw Error(HB_BAD_ARG, fmt::format("{}: a network of {} cells for a device of {} ones", network.source,
                                        name(network.cell_kind), name(caps.cell_kind)));
  if (!network.kT_per_cell.empty())
    throw Error(HB_UNSUPPORTED, fmt::format("{}: [network] kT differs from cell to cell; a co-simulation unit has one "
                                            "temperature", network.source));
  if (network.cells() == 0 || network.cells() > caps.cells)
    throw Error(HB_BAD_ARG, fmt::format("{}: {} cells; profile {} has 1..{}", network.source, network.cells(),
                                        options.profile, caps.cells));
  const bool own_profile = options.profile.ends_with(".toml");
  const auto values = [&](const std::vector<float>& given, float otherwise) {
    return given.empty() ? std::vector<float>(network.cells(), otherwise) : given;
  };
  const Interface interface{options.scalar, caps.components};
  nlohmann::json chip = {{"profile", own_profile ? "profile.toml" : options.profile},
                         {"source", name_of_source(network)},
                         {"heatbath", version_line()},
                         {"cell", name(network.cell_kind)},
                         {"dt_ticks", device.step().count},
                         {"step_seconds", step_seconds(device, options)},
                         {"scalar", options.scalar},
                         {"cells", network.cells()},
                         {"bias", network.bias},
                         {"couplings", network.couplings},
                         {"initial", values(network.initial, default_state(caps))},
                         {"held", default_state(caps)},
                         {"gain", network.gain},
                         {"kT", network.kT}};
  for (const auto& [section, given, otherwise] :
       {std::tuple{HB_SECTION_J2, &network.j2, 0.0f}, {HB_SECTION_J4, &network.j4, 0.0f},
        {HB_SECTION_MASS, &network.mass, 1.0f}, {HB_SECTION_DAMPING, &network.damping, 1.0f},
        {HB_SECTION_FREQUENCY, &network.frequency, 0.0f}})
    if (has_section(network.cell_kind, section)) chip[hb_section_name(section)] = values(*given, otherwise);
  if (caps.components > 1) chip["initial_second"] = values(network.initial_second, 0);
  const std::string profile = own_profile ? read_file(options.profile) : std::string();
  const std::string token = token_of(json_text(chip) + profile);
  chip["token"] = token;
  const Unit unit{network, caps, interface, step_seconds(device, options),
                  options.time_unit_seconds > 0 ? options.time_unit_seconds : caps.time_unit_seconds()};

  std::vector<std::pair<std::string, std::string>> members{
      {"modelDescription.xml", model_description(unit, token)},
      {"binaries/" HEATBATH_UNIT_PLATFORM "/heatbath.so", read_file(options.library)},
      {"documentation/licenses/license.txt", licence_text()},
      {"documentation/index.html", documentation(unit)},
      {"terminalsAndIcons/icon.png", icon()},
      {"resources/chip.json", json_text(chip, 1)}};
  if (own_profile) members.emplace_back("resources/profile.toml", profile);
  std::vector<ZipMember> archive;
  for (const auto& [name, bytes] : members) archive.push_back({name, {std::as_bytes(std::span(bytes))}});
  write_zip(path, archive, ZipMethod::deflate);
}

}  // namespace heatbath::apps::fmi
