#include "apps/cli/command_line.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/cli/command_groups.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/files/provenance.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

namespace {

int complain(const std::string& message, int status) {
  std::string line = message;
  std::ranges::replace(line, '\n', ' ');
  fmt::print(stderr, "heatbath: {}\n", line);
  return status;
}

/// Names of the subcommands of `app`.
std::vector<std::string> subcommands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands(nullptr)) names.push_back(sub->get_name());
  return names;
}

/// A word where a command should be, that is none.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  const auto word = [&](int i) { return i < argc ? std::string_view(argv[i]) : std::string_view("-"); };
  const auto unknown = [](const std::vector<std::string>& names, std::string_view given) {
    return !given.starts_with('-') && std::ranges::find(names, given) == names.end();
  };
  if (const auto commands = subcommands(app); unknown(commands, word(1)))
    return fmt::format("unknown command \"{}\"; the commands are {}", word(1), fmt::join(commands, ", "));
  if (word(1) == "train") {
    if (const auto trainers = subcommands(*app.get_subcommand("train")); unknown(trainers, word(2)))
      return fmt::format("unknown trainer \"{}\"; there is: {}", word(2), fmt::join(trainers, ", "));
  }
  return {};
}

int status_of(const Error& error) {
  switch (error.code()) {
    case HB_TIMEOUT:
    case HB_LINK:
    case HB_DEVICE:
    case HB_CAPTURE_OVERRUN:
    case HB_ABORTED: return 1;
    default: return 2;
  }
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{"heatbath: an emulated thermodynamic computer, its driver and its trainers."};
  app.name("heatbath");
  app.set_version_flag("--version", version_line());
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Exit status: 0 done; 1 it ran and failed its check, or the device failed; 2 usage or input error; 130 "
      "interrupted.");
  Command command;
  add_device_commands(app, command);
  add_trainer_commands(app, command);
  add_bridge_commands(app, command);

  if (const std::string unknown = unknown_command(app, argc, argv); !unknown.empty()) return complain(unknown, 2);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    const CLI::App* at = &app;
    std::string path = "heatbath";
    while (!at->get_subcommands().empty()) {
      at = at->get_subcommands().front();
      path += " " + at->get_name();
    }
    if (const auto names = subcommands(*at); !names.empty())
      return complain(fmt::format("{}; the {} are {}", error.what(), at == &app ? "commands" : "trainers",
                                  fmt::join(names, ", ")), 2);
    return complain(fmt::format("{} (see {} --help)", error.what(), path), 2);
  }

  try {
    return command();
  } catch (const Error& error) {
    if (error.code() == HB_ABORTED && interrupted())
      return complain("interrupted; nothing was written", kInterruptedStatus);
    return complain(error.what(), status_of(error));
  } catch (const std::bad_alloc&) {
    return complain("out of memory; use fewer cells, shots or records", 2);
  } catch (const std::exception& error) {
    return complain(fmt::format("unexpected: {}", error.what()), 1);
  }
}

}  // namespace heatbath::apps
