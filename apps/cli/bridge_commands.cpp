// Options of the commands that write a chip for other simulators and tools.

#include <memory>

#include <CLI/CLI.hpp>

#include "apps/cli/command_groups.hpp"
#include "apps/cli/commands.hpp"
#include "apps/cli/option_kinds.hpp"

namespace heatbath::apps {

namespace {

void add_netlist(CLI::App& app, Command& command) {
  const auto circuit = std::make_shared<NetlistCommandOptions>();
  CLI::App* netlist_app = app.add_subcommand("netlist", "write the programmed network as an ngspice circuit");
  netlist_app->add_option("--model", circuit->model, "the network of model.h5 of an earlier training")
      ->option_text("FILE");
  netlist_app->add_option("--program", circuit->program, "the [network] of a program in TOML")->option_text("FILE");
  netlist_app->add_option("--out", circuit->out, "the circuit, for ngspice")
      ->required()
      ->check(a_name())
      ->option_text("FILE");
  netlist_app->add_option("--farads", circuit->farads, "capacitance of an overdamped cell, or of mass 1 (default 1e-9)")
      ->transform(finite(1e-30, 1e30))
      ->option_text("X");
  netlist_app->add_option("--tran", circuit->transient, "adds a .tran line over that many time units (default: none)")
      ->transform(finite(1e-12, 1e12))
      ->option_text("T");
  netlist_app->add_flag("--external", circuit->external_sources,
                        "adds a current source per cell whose values the host of libngspice gives");
  add_device(netlist_app, circuit->device);
  add_json(netlist_app, circuit->json);
  netlist_app->footer("Volts, ohms and seconds follow from the device's units, printed when it is done.");
  netlist_app->callback([&command, circuit] { command = [circuit] { return run_netlist(*circuit); }; });
}

void add_fmu(CLI::App& app, Command& command) {
  const auto unit = std::make_shared<FmuOptions>();
  CLI::App* fmu_app = app.add_subcommand("fmu", "write the chip as a co-simulation unit (FMI 3.0)");
  fmu_app->add_option("--profile", unit->profile, "chip profile: a built-in name or FILE.toml (default ideal)")
      ->option_text("NAME");
  fmu_app->add_option("--cell", unit->cell,
                      "kind of the cells: overdamped, underdamped, phase, rlc or pbit (default: the profile's)")
      ->check(CLI::IsMember({"overdamped", "underdamped", "phase", "rlc", "pbit"}).description(""))
      ->option_text("KIND");
  fmu_app->add_option("--model", unit->model, "the network of model.h5 of an earlier training")->option_text("FILE");
  fmu_app->add_option("--program", unit->program, "the [network] of a program in TOML")->option_text("FILE");
  add_whole(fmu_app, "--cells", unit->cells, 1, 65536, "uncoupled cells, without a network (default 16)");
  fmu_app->add_option("--step", unit->step, "step of the array in time units (default: the profile's)")
      ->transform(finite(1e-12, 1e12))
      ->option_text("X");
  fmu_app->add_option("--time-unit-seconds", unit->time_unit_seconds,
                      "seconds of the simulation that a time unit of the device takes (default: those of the profile)")
      ->transform(finite(1e-30, 1e30))
      ->option_text("X");
  fmu_app->add_flag("--scalar", unit->scalar, "x[1], x[2], ... as variables, for importers without arrays");
  fmu_app->add_option("--out", unit->out, "the unit")->required()->check(a_name())->option_text("FILE.fmu");
  add_json(fmu_app, unit->json);
  fmu_app->callback([&command, unit] { command = [unit] { return run_fmu(*unit); }; });
}

void add_regs(CLI::App& app, Command& command) {
  const auto regs = std::make_shared<RegsOptions>();
  CLI::App* regs_app = app.add_subcommand("regs", "print the register map for debuggers, generators and scripts");
  regs_app
      ->add_option("--format", regs->format,
                   "csv (a line per field), json, svd (CMSIS, for debuggers), rdl (SystemRDL 2.0) or litex (csr.csv) (default csv)")
      ->check(CLI::IsMember({"csv", "json", "svd", "rdl", "litex"}).description(""))
      ->option_text("NAME");
  regs_app->add_option("--base", regs->base, "address of the device, of svd and litex: 0x40000000 (default 0)")
      ->option_text("ADDRESS");
  regs_app->add_option("--out", regs->out, "write it there (default: standard output)")
      ->check(a_name())
      ->option_text("FILE");
  regs_app->callback([&command, regs] { command = [regs] { return run_regs(*regs); }; });
}

void add_plot(CLI::App& app, Command& command) {
  const auto plot = std::make_shared<PlotOptions>();
  CLI::App* plot_app = app.add_subcommand("plot", "draw a figure of a result file: .npz, .h5 or .json of any command");
  plot_app->add_option("file", plot->file, "what a command wrote")->required()->option_text("FILE");
  plot_app->add_option("--what", plot->what, "the array to draw (default: what tells most of such a file)")->option_text("NAME");
  plot_app->add_flag("--list", plot->list, "print the arrays of the file, and draw nothing");
  plot_app->add_option("--out", plot->out, "draw it there (default: with characters, on standard output)")
      ->check(a_name())
      ->option_text("FILE.png|FILE.svg");
  plot_app->callback([&command, plot] { command = [plot] { return run_plot(*plot); }; });
}

}  // namespace

void add_bridge_commands(CLI::App& app, Command& command) {
  add_netlist(app, command);
  add_fmu(app, command);
  add_regs(app, command);
  add_plot(app, command);
}

}  // namespace heatbath::apps
