#include "apps/cli/command_line.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "apps/cli/console.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/terminal.hpp"
#include "files/provenance.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/isa.hpp"
#include "heatbath/numerics/nearest_word.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

int complain(const std::string& message, int status) {
  std::string line = message;
  std::ranges::replace(line, '\n', ' ');
  note("heatbath: {}\n", numerics::escaped(line));
  return status;
}

/// Names of the subcommands of `app`.
std::vector<std::string> subcommands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands(nullptr)) names.push_back(sub->get_name());
  return names;
}

/// Names of the options of a command, --help and so on.
std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

/// What the words below a command are.
const char* kind_of_words(const CLI::App& command) { return command.get_name() == "train" ? "trainer" : "action"; }

/// A word where a command should be, that is none.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  const auto word = [&](int i) { return i < argc ? std::string_view(argv[i]) : std::string_view("-"); };
  const auto unknown = [](const std::vector<std::string>& names, std::string_view given) {
    return !given.starts_with('-') && std::ranges::find(names, given) == names.end();
  };
  const auto commands = subcommands(app);
  if (std::ranges::find(commands, word(1)) == commands.end() && word(1).starts_with('-')) return {};
  if (unknown(commands, word(1)))
    return fmt::format("unknown command \"{}\"{}; the commands are {}", word(1), numerics::did_you_mean(word(1), commands),
                       fmt::join(commands, ", "));
  const CLI::App& given = *app.get_subcommand(std::string(word(1)));
  if (const auto names = subcommands(given); !names.empty() && unknown(names, word(2)))
    return fmt::format("unknown {} \"{}\"{}; there is: {}", kind_of_words(given), word(2), numerics::did_you_mean(word(2), names),
                       fmt::join(names, ", "));
  return {};
}

/// --quiet of every command.
void add_quiet(CLI::App& app) {
  const auto commands = app.get_subcommands(nullptr);
  for (CLI::App* const command : commands) add_quiet(*command);
  if (commands.empty())
    app.add_flag_callback("--quiet", [] { set_quiet(true); }, "errors alone on standard error: no progress, no log, no remarks");
}

/// What the program says that is started without a word: of its commands three to try.
std::string greeting(const CLI::App& app) {
  struct Try {
    const char *command, *words, *what;
  };
  constexpr std::array tries{Try{"doctor", "doctor", "what this computer has, and whether it works"},
                             Try{"monitor", "monitor", "a window into the chip, for your browser"},
                             Try{"train", "train generate --out digits", "digits out of heat: a machine learns to draw them"}};
  const std::string& name = app.get_name();
  const std::vector<std::string> names = subcommands(app);
  std::string text = app.get_description() + "\n\nTo try:\n";
  for (const Try& one : tries)
    if (std::ranges::find(names, one.command) != names.end())
      text += fmt::format("  {:<40}  {}\n", name + " " + one.words, one.what);
  return text + fmt::format("\n{0} --help lists the commands, {0} COMMAND --help the options of one.\n", name);
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

CLI::App& train_of(CLI::App& app) {
  for (CLI::App* const sub : app.get_subcommands([](const CLI::App* one) { return one->get_name() == "train"; })) return *sub;
  CLI::App* const train = app.add_subcommand("train", "train a machine on a device");
  train->require_subcommand(1);
  return *train;
}

int run_command_line(const char* name, int argc, char** argv, std::initializer_list<AddCommands> groups) {
  CLI::App app{"heatbath: an emulated thermodynamic computer, its driver and its trainers."};
  app.name(name);
  app.set_version_flag("--version", version_line());
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Exit status: 0 done; 1 it ran and failed its check, or the device failed; 2 usage, input or output file "
      "wrong; 128 + N ended by signal N (Ctrl-C: 130).");
  Command command;
  for (const AddCommands add : groups) add(app, command);

  add_quiet(app);
  if (argc == 1) {
    put_text(wrapped_help(greeting(app), columns_of(STDOUT_FILENO)));
    return 0;
  }

  // "help run" is "run --help".
  std::vector<char*> words(argv, argv + argc);
  std::string help = "--help";
  if (argc > 1 && std::string_view(argv[1]) == "help") {
    words.erase(words.begin() + 1);
    words.push_back(help.data());
  }
  argc = static_cast<int>(words.size());
  argv = words.data();

  if (const std::string unknown = unknown_command(app, argc, argv); !unknown.empty()) return complain(unknown, 2);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    std::ostringstream text;
    const int status = app.exit(asked, text, text);
    put_text(wrapped_help(text.str(), columns_of(STDOUT_FILENO)));
    return status;
  } catch (const CLI::ParseError& error) {
    const CLI::App* at = &app;
    std::string path = name;
    while (!at->get_subcommands().empty()) {
      at = at->get_subcommands().front();
      path += " " + at->get_name();
    }
    if (const auto names = subcommands(*at); !names.empty())
      return complain(fmt::format("{}; the {} are {}", error.what(), at == &app ? "commands" : std::string(kind_of_words(*at)) + "s",
                                  fmt::join(names, ", ")), 2);
    std::string meant;
    for (const std::string& word : at->remaining())
      if (word == "--profile" || word.starts_with("--profile=")) meant = " (a profile is a key of the device: --device func:profile=NAME)";
      else if (meant.empty() && word.starts_with("--")) meant = numerics::did_you_mean(word.substr(0, word.find('=')), options_of(*at));
    return complain(fmt::format("{}{} (see {} --help)", error.what(), meant, path), 2);
  }

  try {
    numerics::active_isa();  // refuses a HEATBATH_ISA that is none
    return command();
  } catch (const std::invalid_argument& wrong) {
    return complain(wrong.what(), 2);
  } catch (const Error& error) {
    if (error.code() == HB_ABORTED && interrupted())
      return complain("interrupted; nothing was written", interrupted_status());
    return complain(error.what(), status_of(error));
  } catch (const std::bad_alloc&) {
    return complain("out of memory; use fewer cells, shots or records", 2);
  } catch (const std::exception& error) {
    return complain(fmt::format("unexpected: {}", error.what()), 1);
  }
}

}  // namespace heatbath::apps
