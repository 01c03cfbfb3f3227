// Searches for states of low energy, and problems to search.

#include <functional>
#include <string>

#include <pybind11/stl.h>

#include "calls.hpp"
#include "heatbath/solvers/anneal.hpp"
#include "heatbath/solvers/bifurcation.hpp"
#include "heatbath/solvers/cycles.hpp"
#include "heatbath/solvers/oscillators.hpp"
#include "heatbath/solvers/planted.hpp"
#include "heatbath/solvers/population.hpp"

namespace heatbath::python {
namespace {

using network::Network;

solvers::Cooling cooling_named(const std::string& name) {
  if (name == "ratio") return solvers::Cooling::ratio;
  if (name == "inverse") return solvers::Cooling::inverse;
  throw Error(HB_BAD_ARG, "anneal: cooling is 'ratio' or 'inverse', not '" + name + "'");
}

void bind_annealing(py::module_& module) {
  module.def("temperature_range", [](const Network& network) {
    const solvers::TemperatureRange range = solvers::temperature_range(network);
    return std::pair(range.coldest, range.hottest);
  }, py::arg("network"), "(coldest, hottest): from where all spins move to where none does, in the network's energy units.");

  module.def("anneal", [](PyDevice& device, const Network& network, std::uint32_t reads, std::uint32_t sweeps, double coldest, double hottest,
                          const std::string& cooling, std::uint32_t reversals, bool polish, std::uint64_t seed, py::object progress) {
    solvers::AnnealOptions options;
    options.reads = reads;
    options.sweeps = sweeps;
    options.coldest = coldest;
    options.hottest = hottest;
    options.cooling = cooling_named(cooling);
    options.reversals = reversals;
    options.polish = polish;
    options.seed = seed;
    return without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return solvers::anneal(opened, network, options);
    });
  });

  module.def("bifurcate", [](PyDevice& device, const Network& network, std::uint32_t reads, double time, double step, double friction,
                             double strength, bool polish, std::uint64_t seed, py::object progress) {
    solvers::BifurcationOptions options;
    options.reads = reads;
    options.time = time;
    options.step = step;
    options.friction = friction;
    options.strength = strength;
    options.polish = polish;
    options.seed = seed;
    return without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return solvers::bifurcate(opened, network, options);
    });
  });

  module.def("anneal_population", [](PyDevice& device, const Network& network, std::uint32_t populations, std::uint32_t replicas,
                                     std::uint32_t temperatures, double coldest, double hottest, std::uint32_t sweeps, bool polish,
                                     std::uint64_t seed, py::object progress) {
    solvers::PopulationOptions options;
    options.populations = populations;
    options.replicas = replicas;
    options.temperatures = temperatures;
    options.coldest = coldest;
    options.hottest = hottest;
    options.sweeps = sweeps;
    options.polish = polish;
    options.seed = seed;
    solvers::PopulationResult found = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return solvers::anneal_population(opened, network, options);
    });
    py::list steps;
    for (const solvers::PopulationStep& step : found.steps)
      steps.append(py::make_tuple(step.kT, named(step.energy), named(step.log_partition), step.families));
    return std::pair(std::move(found.states), steps);
  });
}

void bind_tempering(py::module_& module) {
  module.def("temper", [](PyDevice& device, const Network& network, std::vector<double> ladder, std::uint32_t temperatures, double coldest,
                          double hottest, std::uint32_t replicas, std::uint32_t sweeps, std::uint32_t settle, std::uint32_t rounds,
                          bool clusters, std::uint32_t cluster_temperatures, bool partition_functions, std::optional<double> target,
                          bool polish, std::uint64_t seed, py::object progress) {
    solvers::TemperingOptions options;
    options.ladder = std::move(ladder);
    options.temperatures = temperatures;
    options.coldest = coldest;
    options.hottest = hottest;
    options.replicas = replicas;
    options.sweeps = sweeps;
    options.settle = settle;
    options.rounds = rounds;
    options.clusters = clusters;
    options.cluster_temperatures = cluster_temperatures;
    options.partition_functions = partition_functions;
    options.target = target;
    options.polish = polish;
    options.seed = seed;
    solvers::TemperingResult found = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return solvers::temper(opened, network, options);
    });
    py::dict is;
    is["best"] = std::move(found.best);
    is["ladder"] = array_of(found.ladder);
    is["energy"] = named(found.energy);
    is["log_partition"] = named(found.log_partition);
    is["refused"] = array_of(found.refused);
    is["barrier"] = found.barrier;
    is["round_trips"] = found.round_trips;
    is["predicted_round_trips"] = found.predicted_round_trips;
    is["rounds"] = found.rounds;
    is["best_updates"] = found.best_updates;
    is["mean_cluster"] = found.mean_cluster;
    is["interrupted"] = found.interrupted;
    return is;
  });
}

void bind_cycles(py::module_& module) {
  module.def("cycle", [](PyDevice& device, const Network& network, std::uint32_t reads, std::uint32_t families, std::uint32_t sweeps,
                         std::uint32_t cycles, std::uint32_t cycle_sweeps, double coldest, double hottest, double warmest, double mildest,
                         bool merge, std::optional<double> target, bool polish, std::uint64_t seed, py::object progress) {
    solvers::CyclesOptions options;
    options.reads = reads;
    options.families = families;
    options.sweeps = sweeps;
    options.cycles = cycles;
    options.cycle_sweeps = cycle_sweeps;
    options.coldest = coldest;
    options.hottest = hottest;
    options.warmest = warmest;
    options.mildest = mildest;
    options.merge = merge;
    options.target = target;
    options.polish = polish;
    options.seed = seed;
    solvers::CyclesResult found = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return solvers::cycle(opened, network, options);
    });
    py::dict is;
    is["best"] = std::move(found.best);
    is["lowest"] = array_of(found.lowest);
    is["best_updates"] = found.best_updates;
    is["mean_group"] = found.mean_group;
    is["interrupted"] = found.interrupted;
    return is;
  });
}

void bind_oscillators(py::module_& module) {
  using solvers::OscillatorOptions;
  module.def("oscillate", [](PyDevice& device, const Network& network, std::uint32_t reads, double injection, double warmest, double coldest,
                             double time, bool polish, std::uint64_t seed, py::object progress) {
    OscillatorOptions options;
    options.reads = reads;
    options.injection = injection;
    options.warmest = warmest;
    options.coldest = coldest;
    options.time = time;
    options.polish = polish;
    options.seed = seed;
    return without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return solvers::oscillate(opened, network, options);
    });
  });
  module.def("oscillator_cells", [](const Network& network, double injection, double warmest, double coldest) {
    OscillatorOptions options;
    options.injection = injection;
    options.warmest = warmest;
    options.coldest = coldest;
    return solvers::oscillator_cells(network, options);
  }, py::arg("network"), py::kw_only(), py::arg("injection") = OscillatorOptions{}.injection, py::arg("warmest") = OscillatorOptions{}.warmest,
             py::arg("coldest") = OscillatorOptions{}.coldest,
             "The network of phases that oscillate() has at its end: to choose a device for.");
}

void bind_problems(py::module_& module) {
  const auto planted = [](const solvers::Planted& problem) {
    return py::make_tuple(problem.network, array_of(problem.state), problem.energy);
  };
  module.def("wishart", [planted](std::uint32_t cells, std::uint32_t columns, std::uint64_t seed) {
    return planted(solvers::wishart(cells, columns, seed));
  });
  module.def("tiles", [planted](std::uint32_t side, double weak, std::uint64_t seed) { return planted(solvers::tiles(side, weak, seed)); });
  module.def("sign_glass", &solvers::sign_glass, py::arg("dimensions"), py::arg("side"), py::arg("seed") = 1,
             R"(The +-1 glass on the square (2) or cubic (3 dimensions) lattice with periodic edges, E = -sum J s s, each J of either
sign with probability 1/2. Its lowest energy is not known. side: 3 to 64.)");
  module.def("bifurcation_cells", [](const Network& network, double time, double step, double friction, double strength) {
    solvers::BifurcationOptions options;
    options.time = time;
    options.step = step;
    options.friction = friction;
    options.strength = strength;
    return solvers::bifurcation_cells(network, options);
  }, py::arg("network"), py::kw_only(), py::arg("time") = 500.0, py::arg("step") = 0.5, py::arg("friction") = 0.1, py::arg("strength") = 0.0,
             "The network of underdamped cells whose mechanics bifurcate() runs, at its start: to choose a device for.");
}

}  // namespace

void bind_searches(py::module_& module) {
  bind_annealing(module);
  bind_tempering(module);
  bind_cycles(module);
  bind_oscillators(module);
  bind_problems(module);
}

}  // namespace heatbath::python
