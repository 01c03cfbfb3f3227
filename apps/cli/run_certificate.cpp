#include "apps/cli/run_certificate.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "files/coupling_source.hpp"
#include "files/program_builder.hpp"
#include "heatbath/error.hpp"
#include "heatbath/network/certificate.hpp"

namespace heatbath::apps {

namespace {

constexpr double kMostTerms = 1e8;  // of energies that are computed: some tenths of a second
constexpr std::uint32_t kMostCells = 100000, kMostInMatrix = 2048;

/// The first step that changes or holds something.
const ScheduleStep* disturbance(const std::vector<ScheduleStep>& steps) {
  using Op = ScheduleStep::Op;
  for (const ScheduleStep& step : steps) {
    switch (step.op) {
      case Op::load: case Op::commit: case Op::ramp: case Op::set: case Op::clamp: case Op::release: return &step;
      case Op::repeat:
        if (const ScheduleStep* const inside = disturbance(step.steps)) return inside;
        break;
      default: break;
    }
  }
  return nullptr;
}

}  // namespace

std::optional<RunLaw> law_of(const TomlProgram& description, const Capabilities& caps, std::string& why) {
  const auto none = [&](std::string reason) {
    why = std::move(reason);
    return std::nullopt;
  };
  if (caps.cell_kind != CellKind::pbit && caps.cell_kind != CellKind::overdamped)
    return none(fmt::format("there is none of {} cells", name(caps.cell_kind)));
  if (description.cells > kMostCells) return none(fmt::format("{} cells are more than the {} that are looked at", description.cells, kMostCells));
  if (const ScheduleStep* const step = disturbance(description.schedule))
    return none(fmt::format("{}: the schedule changes parameters or states, and what is under way follows no law", step->where));
  const ParameterSet& set = description.network;
  if (set.couplings && set.couplings->directed) return none("couplings that differ in their two directions have no energy");
  if (set.kT && set.kT->size() > 1) return none("cells have temperatures of their own");
  if (set.bias && set.bias->size() > description.cells) return none("biases differ from shot to shot");
  RunLaw law{network::Network(caps.cell_kind, description.cells), set.kT ? static_cast<double>(set.kT->front()) : static_cast<double>(caps.kT_reset)};
  if (!(law.kT > 0)) return none("kT is 0");
  const auto put = [&](CellSection section, const std::optional<std::vector<float>>& values, float usual) {
    if (!values) {
      law.network.set(section, static_cast<double>(usual));
    } else if (values->size() == 1) {
      law.network.set(section, static_cast<double>(values->front()));
    } else {
      law.network.set(section, std::vector<double>(values->begin(), values->end()));
    }
  };
  if (caps.cell_kind == CellKind::overdamped) {
    put(CellSection::j2, set.j2, 1);
    put(CellSection::j4, set.j4, default_j4(caps));
  }
  put(CellSection::bias, set.bias, 0);
  const CouplingSource couplings = set.couplings ? *set.couplings : usual_couplings(caps);
  const double gain = static_cast<double>(set.gain.value_or(1.0f));
  std::vector<network::Edge> edges;
  if (couplings.form == CouplingSource::Form::list) {
    for (const Coupling& one : couplings.list) edges.push_back({one.i, one.j, gain * static_cast<double>(one.value)});
  } else {
    if (description.cells > kMostInMatrix)
      return none(fmt::format("{} cells are more than the {} whose couplings are looked at where they are no list", description.cells, kMostInMatrix));
    const std::vector<float> matrix = matrix_of(couplings, description.cells, caps);
    for (std::uint32_t i = 0; i < description.cells; ++i)
      for (std::uint32_t k = i + 1; k < description.cells; ++k) {
        const float value = matrix[std::size_t{i} * description.cells + k];
        if (value != matrix[std::size_t{k} * description.cells + i]) return none("couplings that differ in their two directions have no energy");
        if (value != 0) edges.push_back({i, k, gain * static_cast<double>(value)});
      }
  }
  law.network.set_couplings(edges);
  return law;
}

std::optional<RunCertificate> certificate_of(const RunLaw& law, const RunResult& run, std::optional<double> from, std::string& why) {
  const std::size_t cells = law.network.cells();
  if (run.cells != cells || run.states.empty()) {
    why = run.states.empty() ? "no states were kept" : "not all cells were captured";
    return std::nullopt;
  }
  const std::size_t first = from ? static_cast<std::size_t>(std::ranges::lower_bound(run.time, *from) - run.time.begin()) : run.records / 2;
  if (first >= run.records || std::size_t{run.shots} * (run.records - first) < 2) {
    why = "there are fewer than 2 samples";
    return std::nullopt;
  }
  RunCertificate is;
  const auto most = static_cast<std::size_t>(std::max(2.0, kMostTerms / static_cast<double>(cells + 2 * law.network.couplings().size())));
  const std::size_t begin_at = std::max(first, run.records - std::min(run.records, most));
  is.records = run.records - begin_at;
  is.shots = static_cast<std::uint32_t>(std::clamp<std::size_t>(most / is.records, 1, run.shots));
  is.from = run.time[begin_at];
  is.to = run.time.back();
  std::vector<float> states;
  for (std::size_t shot = 0; shot < is.shots; ++shot) {
    const auto begin = run.states.begin() + static_cast<std::ptrdiff_t>((shot * run.records + begin_at) * cells);
    std::copy(begin, begin + static_cast<std::ptrdiff_t>(is.records * cells), std::back_inserter(states));
  }
  try {
    is.certificate = network::certify(law.network, law.kT, states, is.shots);
  } catch (const Error& error) {  // states that are not finite
    why = error.what();
    return std::nullopt;
  }
  return is;
}

}  // namespace heatbath::apps
