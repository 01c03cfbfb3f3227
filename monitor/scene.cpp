#include "monitor/scene.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "files/program_builder.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::monitor {

namespace {

/// What all cells get by default, as [network] has it.
void fill_usual(apps::ParameterSet& set, const Capabilities& capabilities) {
  const CellKind kind = capabilities.cell_kind;
  const auto usual = [&](std::optional<std::vector<float>>& values, CellSection section, float value) {
    if (!values && has_section(kind, section)) values = std::vector<float>{value};
  };
  usual(set.j2, CellSection::j2, kind == CellKind::phase ? 0.0f : 1.0f);
  usual(set.j4, CellSection::j4, apps::default_j4(capabilities));
  usual(set.mass, CellSection::mass, 1);
  usual(set.damping, CellSection::damping, 1);
  usual(set.frequency, CellSection::frequency, 0);
  if (!set.bias) set.bias = std::vector<float>{0.0f};
}

/// The pairs of a source, or nothing where they are more than a list is made of.
bool list_couplings(const apps::CouplingSource& source, std::uint32_t cells, const Capabilities& capabilities,
                    std::vector<Coupling>& list) {
  using Form = apps::CouplingSource::Form;
  const auto device = capabilities.couplers();
  switch (source.form) {
    case Form::list: list = source.list; break;
    case Form::each:
      if (capabilities.sparse()) {
        for (const Coupler& at : device)
          if (at.j < cells && source.value != 0) list.push_back({at.i, at.j, source.value});
        break;
      }
      [[fallthrough]];
    case Form::all:
    case Form::matrix:
      if (static_cast<double>(cells) * cells > Scene::most_listed * 2.0) return false;
      for (std::uint32_t i = 0; i < cells; ++i)
        for (std::uint32_t j = source.directed ? 0 : i + 1; j < cells; ++j) {
          const float value = source.form == Form::matrix ? source.matrix[std::size_t{i} * cells + j] : source.value;
          if (i != j && value != 0) list.push_back({i, j, value});
        }
      break;
    case Form::graph:
      if (!capabilities.graph_couplings || capabilities.couplings_full) return false;
      for (std::size_t k = 0; k < device.size(); ++k)
        if (const float value = source.value * (*capabilities.graph_couplings)[k]; device[k].j < cells && value != 0)
          list.push_back({device[k].i, device[k].j, value});
      break;
  }
  return list.size() <= Scene::most_listed;
}

/// Rows and columns of `cells`: an image of 28 x 28 pixels (what is more, hidden cells, in rows below); where all pairs
/// are next to each other or `w` apart, or diagonal to each other, or close rows and columns of such a grid, rows of w; where they are neighbours in a
/// circle, a ring; of a few cells with few other pairs a graph; else nearly a square.
Layout layout_of(std::uint32_t cells, const std::vector<Coupling>& couplings) {
  Layout layout;
  std::set<std::uint32_t> steps;
  for (const Coupling& one : couplings) {
    steps.insert(one.i > one.j ? one.i - one.j : one.j - one.i);
    if (steps.size() > 4) break;
  }
  constexpr std::uint32_t side = 28;
  std::uint32_t across = static_cast<std::uint32_t>(std::ceil(std::sqrt(static_cast<double>(cells))));
  std::uint32_t width = 0;  // of a grid
  for (const std::uint32_t step : steps) {
    const std::set<std::uint32_t> of_grid{1, step, step - 1, step + 1, cells - step};
    if (step > 1 && cells % step == 0 && step < cells - 1 && steps.contains(1) && std::ranges::includes(of_grid, steps)) {
      width = step;
      break;
    }
  }
  if (cells >= side * side && cells <= 2 * side * side && (cells == side * side || steps.size() > 4)) {
    layout.kind = Layout::Kind::image;
    across = side;
  } else if (cells > 2 && steps == std::set<std::uint32_t>{1, cells - 1}) {
    layout.kind = Layout::Kind::ring;
    layout.places = circle_places(cells);
    across = cells;
  } else if (width > 0) {
    across = width;
  } else if (steps.size() > 1 && cells <= Layout::most_placed && couplings.size() * 2 <= std::size_t{Layout::most_neighbours} * cells) {
    layout.kind = Layout::Kind::graph;
    layout.places = graph_places(cells, couplings);
    across = cells;
  }
  const std::uint32_t down = (cells + across - 1) / across;
  std::uint32_t thin = 1;
  while (static_cast<double>((across + thin - 1) / thin) * ((down + thin - 1) / thin) > Layout::most_shown) ++thin;
  if (thin > 1) layout.kind = Layout::Kind::sample;
  layout.columns = (across + thin - 1) / thin;
  layout.rows = 0;
  for (std::uint32_t row = 0; row < down; row += thin) {
    for (std::uint32_t column = 0; column < across; column += thin)
      if (row * across + column < cells) layout.cells.push_back(row * across + column);
    ++layout.rows;
  }
  return layout;
}

/// Numbers of TOML: one, or a list.
std::string toml_of(const std::vector<float>& values) {
  if (values.size() == 1) return numerics::text_of(values.front());
  std::string text = "[";
  for (const float value : values) text += (text.size() > 1 ? ", " : "") + numerics::text_of(value);
  return text + "]";
}

std::vector<float> shifted(const std::vector<float>& values, double by) {
  std::vector<float> sums;
  for (const float value : values) sums.push_back(static_cast<float>(value + by));
  return sums;
}

}  // namespace

const char* name(Layout::Kind kind) {
  switch (kind) {
    case Layout::Kind::image: return "image";
    case Layout::Kind::grid: return "grid";
    case Layout::Kind::ring: return "ring";
    case Layout::Kind::graph: return "graph";
    case Layout::Kind::sample: break;
  }
  return "sample";
}

Scene scene_of(const apps::TomlProgram& program, const Device& device) {
  const Capabilities& capabilities = device.capabilities();
  Scene scene;
  scene.source = program.path;
  scene.cells = program.cells;
  scene.parameters = program.network;
  if (scene.parameters.kT && scene.parameters.kT->size() > 1)
    throw Error(HB_UNSUPPORTED, program.place("network.kT") + ": a monitor has one temperature for all cells");
  if (scene.parameters.bias && scene.parameters.bias->size() > program.cells * std::size_t{scene.parameters.bias_states})
    throw Error(HB_UNSUPPORTED, program.place("network.bias") + ": a monitor has the same biases in all shots");
  scene.kT = scene.parameters.kT ? scene.parameters.kT->front() : capabilities.kT_reset;
  scene.gain = scene.parameters.gain.value_or(1.0f);
  scene.parameters.kT.reset();
  scene.parameters.gain.reset();
  if (program.initial) scene.initial = *program.initial;
  fill_usual(scene.parameters, capabilities);
  if (!scene.parameters.couplings)
    scene.parameters.couplings = std::make_shared<apps::CouplingSource>(apps::usual_couplings(capabilities));
  scene.directed = scene.parameters.couplings->directed;
  scene.listed = list_couplings(*scene.parameters.couplings, scene.cells, capabilities, scene.couplings);
  if (!scene.listed) scene.couplings.clear();
  scene.layout = layout_of(scene.cells, scene.couplings);
  return scene;
}

Scene usual_scene(Device& device) {
  const Capabilities& capabilities = device.capabilities();
  const bool sweeps = capabilities.cell_kind == CellKind::pbit || capabilities.states > 1;
  if (capabilities.dt_programmable && !sweeps) device.set_step(device.nearest_ticks(0.01));
  constexpr std::uint32_t side = 16;
  apps::TomlProgram program;
  apps::CouplingSource couplings;
  const float scale = capabilities.kT_reset;
  const bool wells = has_section(capabilities.cell_kind, CellSection::j4);
  if (capabilities.sparse()) {
    program.path = "the device's graph";
    program.cells = capabilities.cells;
    couplings = apps::usual_couplings(capabilities);
    if (!capabilities.graph_couplings) {
      couplings.form = apps::CouplingSource::Form::each;
      couplings.value = std::max(-0.4f * scale, -capabilities.range_coupling);
    }
  } else {
    program.cells = std::min(capabilities.cells, side * side);
    const std::uint32_t across = std::min(side, program.cells);
    program.path = fmt::format("{} cells whose neighbours agree", program.cells);
    for (std::uint32_t at = 0; at < program.cells; ++at) {
      const float value = std::max(-0.4f * scale, -capabilities.range_coupling);
      if ((at + 1) % across != 0 && at + 1 < program.cells) couplings.list.push_back({at, at + 1, value});
      if (at + across < program.cells) couplings.list.push_back({at, at + across, value});
    }
  }
  if (wells && apps::default_j4(capabilities) != 0) program.network.j2 = std::vector<float>{std::min(0.25f * scale, capabilities.range_j2)};
  program.network.couplings = std::make_shared<apps::CouplingSource>(std::move(couplings));
  return scene_of(program, device);
}

network::Network network_of(const Scene& scene, CellKind kind, double gain, double field) {
  network::Network network(kind, scene.cells);
  const auto put = [&](CellSection section, const std::optional<std::vector<float>>& values, double more) {
    if (!values || !has_section(kind, section)) return;
    std::vector<double> all(values->begin(), values->end());
    for (double& value : all) value += more;
    if (all.size() == 1) network.set(section, all.front());
    else network.set(section, all);
  };
  put(CellSection::j2, scene.parameters.j2, 0);
  put(CellSection::j4, scene.parameters.j4, 0);
  put(CellSection::bias, scene.parameters.bias, field);
  put(CellSection::mass, scene.parameters.mass, 0);
  put(CellSection::damping, scene.parameters.damping, 0);
  put(CellSection::frequency, scene.parameters.frequency, 0);
  std::vector<network::Edge> edges;
  for (const Coupling& one : scene.couplings) edges.push_back({one.i, one.j, gain * one.value});
  if (scene.directed) network.set_directed(edges);
  else network.set_couplings(edges);
  return network;
}

std::string repeating_program(const Scene& scene, const Device& device, const std::vector<Change>& changes,
                              std::uint64_t tick, std::uint32_t shots, std::uint64_t seed) {
  if (!scene.listed) throw Error(HB_UNSUPPORTED, "a program with so many couplings would be too long");
  const Capabilities& capabilities = device.capabilities();
  const apps::ParameterSet& set = scene.parameters;
  const Change first = changes.front();
  std::string text = "# What a monitor showed: heatbath run FILE --device \"" + device.link().uri + "\"\n\n[network]\n";
  text += fmt::format("cells = {}\n", scene.cells);
  if (capabilities.dt_programmable) text += fmt::format("dt = {}\n", numerics::text_of(device.time_units(device.step())));
  for (const auto& [key, values] :
       {std::pair{"j2", &set.j2}, {"j4", &set.j4}, {"mass", &set.mass}, {"damping", &set.damping}, {"frequency", &set.frequency}})
    if (*values) text += fmt::format("{} = {}\n", key, toml_of(**values));
  text += "bias = " + toml_of(shifted(*set.bias, first.field)) + "\n";
  if (capabilities.kT_programmable) text += fmt::format("kT = {}\n", numerics::text_of(static_cast<float>(first.kT)));
  text += fmt::format("gain = {}\n", numerics::text_of(static_cast<float>(first.gain)));
  if (!scene.initial.empty()) text += "initial = " + toml_of(scene.initial) + "\n";
  text += scene.directed ? "couplings = { directed = [" : "couplings = [";
  for (std::size_t k = 0; k < scene.couplings.size(); ++k)
    text += fmt::format("{}[{}, {}, {}]", k > 0 ? ", " : "", scene.couplings[k].i, scene.couplings[k].j,
                        numerics::text_of(scene.couplings[k].value));
  text += scene.directed ? "] }\n" : "]\n";
  const auto evolve = [&](std::uint64_t from, std::uint64_t to) {
    if (to > from)
      text += fmt::format("\n[[schedule]]\nop = \"evolve\"\nduration = {}\n", numerics::text_of(device.time_units(Ticks{to - from})));
  };
  for (std::size_t k = 1; k < changes.size(); ++k) {
    const Change &was = changes[k - 1], &is = changes[k];
    evolve(was.tick, is.tick);
    text += "\n[[schedule]]\nop = \"load\"\n";
    if (capabilities.kT_programmable && is.kT != was.kT) text += fmt::format("kT = {}\n", numerics::text_of(static_cast<float>(is.kT)));
    if (is.gain != was.gain) text += fmt::format("gain = {}\n", numerics::text_of(static_cast<float>(is.gain)));
    if (is.field != was.field) text += "bias = " + toml_of(shifted(*set.bias, is.field)) + "\n";
    text += "\n[[schedule]]\nop = \"commit\"\n";
  }
  evolve(changes.back().tick, tick);
  text += "\n[[schedule]]\nop = \"sample\"\n";
  text += fmt::format("\n[samples]\nshots = {}\n", shots);
  if (capabilities.seeded) text += fmt::format("seed = {}\n", seed);
  return text;
}

}  // namespace heatbath::monitor
