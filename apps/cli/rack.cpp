#include "apps/cli/rack.hpp"

#include <netdb.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/console.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/stopped_by_signals.hpp"
#include "files/atomic_file.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/text_file.hpp"
#include "heatbath/open.hpp"
#include "heatbath/rack_file.hpp"
#include "heatbath/server.hpp"

namespace heatbath::apps {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds longest_start{60};
constexpr std::chrono::milliseconds part_period{50}, task_period{300};

/// Beside the rack's file: tokens, and what tasks say of themselves. Who removes it ends the tasks.
fs::path folder_of(const fs::path& file) { return file.string() + ".servers"; }

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

/// A name of this machine that others, or at least it, can connect to.
std::string reachable_name() {
  const std::string name = host_name();
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return "127.0.0.1";
  ::freeaddrinfo(found);
  return name;
}

std::string new_token() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

void write_secret(const fs::path& path, const std::string& text) {
  std::ofstream(path).close();
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  std::ofstream out(path);
  out << text << '\n';
  if (!out.flush()) throw Error(HB_IO, fmt::format("{}: cannot be written", numerics::escaped(path.string())));
}

/// An empty folder that only its owner may enter.
void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms::owner_all, error);
  if (error) throw Error(HB_IO, fmt::format("{}: {}", numerics::escaped(folder.string()), error.message()));
}

// -- servers that a shell starts, here or over ssh ---------------------------------------------------------------------

std::string in_shell(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += "'\\''";
    else quoted += c;
  }
  return quoted + "'";
}

/// Starts a server whose token, if it is to have one, comes on standard input; prints its URI, process number and when
/// that began. What it leaves is a folder for a unix socket.
std::string start_script(const std::string& program, const std::string& device, bool unix_socket) {
  return fmt::format(
      "umask 077\n"
      "d=$(mktemp -d \"${{TMPDIR:-/tmp}}/heatbath-rack.XXXXXX\") || exit 1\n"
      "h={}; [ -x \"$h\" ] || h=heatbath\n"
      "cat > \"$d/token\"\n"
      "setsid \"$h\" serve --device {} --listen {} --quiet > \"$d/uri\" 2> \"$d/log\" < /dev/null &\n"
      "p=$!\n"
      "n=0\n"
      "until [ -s \"$d/uri\" ]; do\n"
      "  kill -0 $p 2> /dev/null && [ $n -lt 1200 ] || {{ cat \"$d/log\"; kill $p 2> /dev/null; wait $p; s=$?; rm -rf \"$d\"; exit $s; }}\n"
      "  n=$((n + 1)); sleep 0.05\n"
      "done\n"
      "s=$(sed 's/.*) //' /proc/$p/stat | cut -d' ' -f20)\n"
      "printf '%s %s %s\\n' \"$(cat \"$d/uri\")\" $p \"${{s:-0}}\"\n"
      "rm -f \"$d/uri\" \"$d/token\" \"$d/log\"\n"
      "rmdir \"$d\" 2> /dev/null\n"
      "exit 0\n",
      in_shell(program), in_shell(device), unix_socket ? "unix:\"$d/s\"" : "tcp://0.0.0.0:0 --token-file \"$d/token\"");
}

/// Ends that server, and no process that has its number by now.
std::string stop_script(const RackFile::Server& server) {
  std::string folder;
  if (server.uri.starts_with("unix:"))
    folder = fmt::format("rmdir {} 2> /dev/null\n", in_shell(fs::path(server.uri.substr(5)).parent_path().string()));
  return fmt::format(
      "its() {{ [ \"$(sed 's/.*) //' /proc/{0}/stat 2> /dev/null | cut -d' ' -f20)\" = {1} ]; }}\n"
      "its && kill {0} && echo ended\n"
      "n=0\n"
      "while its && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.05; done\n"
      "its && kill -9 {0}\n"
      "{2}"
      "exit 0\n",
      server.pid, server.started, folder);
}

/// The command for ssh: HEATBATH_SSH, else ssh that asks nothing.
std::string ssh() {
  const char* const given = std::getenv("HEATBATH_SSH");
  return given != nullptr && *given != '\0' ? given : "ssh -o BatchMode=yes";
}

/// A shell script at work, on this machine or on another one.
class Script {
 public:
  /// Throws Error(IO). `input` is its standard input.
  Script(const std::string& text, const std::string& host, const std::string& input) {
    const std::string command = host.empty() ? "exec sh -c " + in_shell(text) : "exec " + ssh() + " " + in_shell(host) + " " + in_shell("exec sh -c " + in_shell(text));
    const std::string fed = "printf '%s\\n' " + in_shell(input) + " | { " + command + "; } 2>&1";
    pipe_.reset(::popen(fed.c_str(), "re"));
    if (!pipe_) throw Error(HB_IO, "a shell cannot be started: " + numerics::system_words(errno));
  }

  /// What it printed, when it has ended; nothing of a script that failed.
  std::optional<std::string> answer() {
    std::array<char, 4096> piece{};
    while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe_.get())) said_.append(piece.data(), got);
    const int status = ::pclose(pipe_.release());
    while (!said_.empty() && (said_.back() == '\n' || said_.back() == '\r')) said_.pop_back();
    refused_ = WIFEXITED(status) && WEXITSTATUS(status) == 2;
    if (status != 0) return std::nullopt;
    return said_;
  }
  const std::string& said() const { return said_; }
  /// It failed because of what it was given.
  bool refused() const { return refused_; }

 private:
  struct Close {
    void operator()(std::FILE* pipe) const { ::pclose(pipe); }
  };
  std::unique_ptr<std::FILE, Close> pipe_;
  std::string said_;
  bool refused_ = false;
};

/// Hosts of a file: a name a line, with slots=N for more servers than one; '#' begins a comment.
std::vector<std::string> hosts_of(const fs::path& path) {
  std::vector<std::string> hosts;
  std::string text;
  try {
    text = numerics::read_text_file(path, std::size_t{1} << 20);
  } catch (const numerics::UnreadableFile& error) {
    throw Error(HB_IO, fmt::format("--ssh {}: {}", numerics::escaped(path.string()), error.what()));
  }
  for (numerics::TextLines lines(text); lines.next();) {
    std::istringstream words(std::string(lines.line().substr(0, lines.line().find('#'))));
    std::string host, more;
    if (!(words >> host)) continue;
    std::uint64_t slots = 1;
    while (words >> more) {
      const auto number = more.starts_with("slots=") ? numerics::parse_number<std::uint64_t>(std::string_view(more).substr(6)) : std::nullopt;
      if (!number || *number == 0 || *number > 10000)
        throw Error(HB_BAD_ARG, fmt::format("{}:{}: {}; a line is HOST or HOST slots=N", numerics::escaped(path.string()), lines.number(),
                                            numerics::quoted(more)));
      slots = *number;
    }
    if (host.starts_with('-'))
      throw Error(HB_BAD_ARG, fmt::format("{}:{}: {} is no host", numerics::escaped(path.string()), lines.number(), numerics::quoted(host)));
    hosts.insert(hosts.end(), slots, host);
  }
  if (hosts.empty()) throw Error(HB_BAD_ARG, fmt::format("--ssh {}: names no host", numerics::escaped(path.string())));
  return hosts;
}

/// Emulators that share a machine share its processors, unless the URI says how many threads each has.
std::string with_threads(std::string uri, std::size_t servers) {
  if (!uri.starts_with("func:") || uri.find("threads=") != std::string::npos) return uri;
  const std::size_t threads = std::max<std::size_t>(1, std::thread::hardware_concurrency() / servers);
  return uri + (uri == "func:" ? "" : "&") + "threads=" + std::to_string(threads);
}

void stop_servers(const RackFile& rack) {
  std::vector<std::pair<std::string, Script>> scripts;
  for (const RackFile::Server& server : rack.devices) {
    if (server.pid == 0) continue;
    const std::string host = server.host == host_name() ? std::string() : server.host;
    scripts.emplace_back(server.uri, Script(stop_script(server), host, ""));
  }
  for (auto& [uri, script] : scripts)
    put("{}: {}\n", uri, !script.answer() ? "not reached: " + script.said() : script.said() == "ended" ? "ended" : "had ended");
}

int start_by_shell(const RackUpOptions& options) {
  std::vector<std::string> hosts = options.hosts.empty() ? std::vector<std::string>(options.servers) : hosts_of(options.hosts);
  if (options.servers != 0 && !options.hosts.empty()) {  // so many, over the hosts in turn
    const std::vector<std::string> once = hosts;
    hosts.clear();
    for (std::size_t k = 0; k < options.servers; ++k) hosts.push_back(once[k % once.size()]);
  }
  const bool here = options.hosts.empty();
  const bool unix_socket = options.listen.empty() ? here : options.listen == "unix";
  if (unix_socket && !here) throw Error(HB_BAD_ARG, "--listen unix is for servers on this machine; those of --ssh listen at tcp");
  const std::string device = here ? with_threads(options.device, hosts.size()) : options.device;
  const std::string program = fs::read_symlink("/proc/self/exe").string();
  const fs::path folder = folder_of(options.out);
  if (!unix_socket) make_folder(folder);
  RackFile rack;
  std::vector<Script> scripts;
  for (std::size_t k = 0; k < hosts.size(); ++k) {
    RackFile::Server& server = rack.devices.emplace_back();
    server.host = hosts[k].empty() ? host_name() : hosts[k];
    std::string token;
    if (!unix_socket) {
      token = new_token();
      const fs::path file = folder / fmt::format("{}.token", k);
      write_secret(file, token);
      server.token_file = (folder.filename() / file.filename()).string();
    }
    scripts.emplace_back(start_script(program, device, unix_socket), hosts[k], token);
  }
  std::string wrong;
  hb_status_t code = HB_LINK;
  for (std::size_t k = 0; k < scripts.size(); ++k) {
    RackFile::Server& server = rack.devices[k];
    const std::optional<std::string> answer = scripts[k].answer();
    std::istringstream words(answer ? answer->substr(answer->rfind('\n') + 1) : "");
    if (answer && words >> server.uri >> server.pid >> server.started) {
      const std::string everywhere = "tcp://0.0.0.0:";
      if (server.uri.starts_with(everywhere)) {
        std::string name = here ? reachable_name() : server.host;
        name = name.substr(name.rfind('@') + 1);
        server.uri = "tcp://" + name + ":" + server.uri.substr(everywhere.size());
      }
      continue;
    }
    server.pid = 0;
    if (!wrong.empty()) continue;
    std::string said = scripts[k].said();
    if (said.starts_with("heatbath: ")) said.erase(0, 10);
    wrong = fmt::format("server {}{}: {}", k, here ? "" : " on " + server.host, said.empty() ? "it did not start" : said);
    if (scripts[k].refused()) code = HB_BAD_ARG;
  }
  if (!wrong.empty()) {
    for (RackFile::Server& server : rack.devices)
      if (server.pid != 0) Script(stop_script(server), here ? "" : server.host, "").answer();
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    throw Error(code, wrong);
  }
  write_file(options.out, text_of(rack));
  put("{}: {} servers\n", options.out.string(), rack.devices.size());
  return 0;
}

// -- tasks of srun and mpirun ------------------------------------------------------------------------------------------

/// A number that a launcher puts into the environment of its tasks.
std::optional<std::uint64_t> from_environment(std::initializer_list<const char*> names) {
  for (const char* const name : names)
    if (const char* const text = std::getenv(name)) return numerics::parse_number<std::uint64_t>(text);
  return std::nullopt;
}

/// What tells this start of the tasks from others.
std::string name_of_run() {
  for (const char* const name : {"SLURM_STEP_ID", "PMIX_NAMESPACE", "OMPI_MCA_orte_ess_jobid", "PMI_JOBID"})
    if (const char* const text = std::getenv(name)) {
      const char* const job = std::getenv("SLURM_JOB_ID");
      return fmt::format("{}.{}", job != nullptr ? job : "", text);
    }
  return "unnamed";
}

int serve_as_task(const RackUpOptions& options) {
  const char* const launcher = options.slurm ? "srun" : "mpirun";
  const auto rank = options.slurm ? from_environment({"SLURM_PROCID"}) : from_environment({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"});
  const auto tasks = options.slurm ? from_environment({"SLURM_NTASKS", "SLURM_NPROCS"}) : from_environment({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"});
  if (!rank || !tasks || *rank >= *tasks)
    throw Error(HB_BAD_ARG, fmt::format("rack up --{}: this is no task of {}; write {} -n N heatbath rack up --{} --device URI --out FILE",
                                        options.slurm ? "slurm" : "mpi", launcher, launcher, options.slurm ? "slurm" : "mpi"));
  if (options.servers != 0 && options.servers != *tasks) {
    if (*rank != 0) return 2;  // one says it
    throw Error(HB_BAD_ARG, fmt::format("rack up -n {}: {} started {} tasks, each of which is a server", options.servers, launcher, *tasks));
  }
  const fs::path folder = folder_of(options.out);
  const std::string run = "# " + name_of_run() + "\n";
  const auto part_of = [&](std::uint64_t task) { return folder / fmt::format("{}.toml", task); };
  make_folder(folder);
  const fs::path token = folder / fmt::format("{}.token", *rank);
  write_secret(token, new_token());
  Server server({.device = options.device, .listen = "tcp://0.0.0.0:0", .token_file = token.string()});
  RackFile mine;
  RackFile::Server& me = mine.devices.emplace_back();
  me.uri = fmt::format("tcp://{}:{}", reachable_name(), server.uri().substr(server.uri().rfind(':') + 1));
  me.host = host_name();
  me.token_file = (folder.filename() / token.filename()).string();
  write_file(part_of(*rank), run + text_of(mine));

  const StoppedBySignals signals(server);
  std::atomic<bool> ended{false};
  std::string wrong;
  std::thread watch([&] {
    RackFile all;
    const auto began = Clock::now();
    while (!ended && *rank == 0 && all.devices.size() < *tasks) {
      try {
        const fs::path next = part_of(all.devices.size());
        if (numerics::read_text_file(next, 1 << 16).starts_with(run)) {
          all.devices.push_back(read_rack_file(next).devices.front());
          continue;
        }
      } catch (const std::exception&) {
        // It is not there yet.
      }
      if (Clock::now() - began > longest_start) {
        wrong = fmt::format("task {} has not served within {} s", all.devices.size(), longest_start.count());
        std::error_code ignored;
        fs::remove_all(folder, ignored);  // which ends the others
        break;
      }
      std::this_thread::sleep_for(part_period);
    }
    if (!ended && *rank == 0 && wrong.empty()) {
      try {
        write_file(options.out, text_of(all));
        put("{}: {} servers\n", options.out.string(), all.devices.size());
        flush_output();
      } catch (const Error& error) {
        wrong = error.what();
      }
    }
    std::error_code error;
    while (!ended && wrong.empty() && fs::exists(part_of(*rank), error)) std::this_thread::sleep_for(task_period);
    server.stop();
  });
  server.run();
  ended = true;
  watch.join();
  std::error_code ignored;
  fs::remove(part_of(*rank), ignored);
  fs::remove(token, ignored);
  fs::remove(folder, ignored);  // the last one
  if (!wrong.empty()) throw Error(HB_LINK, wrong);
  return 0;
}

}  // namespace

int run_rack_up(const RackUpOptions& options) {
  const int ways = (options.slurm ? 1 : 0) + (options.mpi ? 1 : 0) + (options.hosts.empty() ? 0 : 1);
  if (ways > 1) throw Error(HB_BAD_ARG, "rack up: --slurm, --mpi and --ssh exclude each other");
  if (!options.listen.empty() && options.listen != "unix" && options.listen != "tcp")
    throw Error(HB_BAD_ARG, fmt::format("--listen {}: it is unix or tcp", options.listen));
  if (ways == 0 && options.servers == 0) throw Error(HB_BAD_ARG, "rack up: -n N says how many servers to start");
  RackUpOptions with_device = options;
  if (with_device.device.empty()) {
    const char* const environment = std::getenv("HEATBATH_DEVICE");
    with_device.device = environment != nullptr && *environment != '\0' ? environment : "func:";
  }
  if (with_device.device.starts_with("mpi:") && (options.slurm || options.mpi))
    throw Error(HB_BAD_ARG, fmt::format("rack up --{}: each task is a server with a device of its own, and mpi: one device over all "
                                        "tasks; give another device, or start one array with mpirun -n N heatbath serve --device mpi:...",
                                        options.slurm ? "slurm" : "mpi"));
  if (options.slurm || options.mpi) return serve_as_task(with_device);
  prepare_file(options.out);
  std::error_code error;
  if (fs::exists(options.out, error))
    throw Error(HB_BAD_ARG, fmt::format("--out {}: is there already; end that rack with heatbath rack down {}", options.out.string(),
                                        options.out.string()));
  return start_by_shell(with_device);
}

int run_rack_down(const fs::path& file) {
  const RackFile rack = read_rack_file(file);
  stop_servers(rack);
  std::error_code ignored;
  const bool tasks = fs::exists(folder_of(file) / "0.toml", ignored);
  fs::remove_all(folder_of(file), ignored);
  const bool started = std::ranges::any_of(rack.devices, [](const RackFile::Server& server) { return server.pid != 0; });
  if (tasks) put("{}: its tasks end within a second\n", file.string());
  if (!tasks && !started)
    throw Error(HB_BAD_ARG, fmt::format("{}: heatbath rack up has started none of its devices", numerics::escaped(file.string())));
  fs::remove(file, ignored);
  return 0;
}

int run_rack_status(const RackStatusOptions& options) {
  const RackFile rack = read_rack_file(options.file);
  std::vector<nlohmann::json> rows(rack.devices.size());
  std::vector<std::thread> threads;
  for (std::size_t k = 0; k < rows.size(); ++k)
    threads.emplace_back([&, k] {
      const RackFile::Server& server = rack.devices[k];
      nlohmann::json& row = rows[k];
      row = {{"uri", server.uri}, {"host", server.host}, {"weight", server.weight}};
      try {
        std::string uri = server.uri;
        const auto add = [&](const std::string& key) { uri += (uri.find('?') == std::string::npos ? "?" : "&") + key; };
        if (uri.starts_with("tcp:") || uri.starts_with("unix:") || uri.starts_with("shm:")) {
          if (!server.token_file.empty()) add("token_file=" + (options.file.parent_path() / server.token_file).string());
          add("queue_timeout_ms=500");
        }
        const Device device = open(uri);
        row["state"] = "ready";
        row["cells"] = device.capabilities().cells;
        row["lanes"] = device.capabilities().lanes;
        row["serial"] = device.identity().serial;
      } catch (const Error& error) {
        row["state"] = error.code() == HB_BUSY ? "busy" : "absent";
        row["why"] = error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  const bool all = std::ranges::none_of(rows, [](const nlohmann::json& row) { return row["state"] == "absent"; });
  if (options.json) {
    put("{}\n", json_text(nlohmann::json{{"rack", options.file.string()}, {"devices", rows}}, 2));
    return all ? 0 : 1;
  }
  for (const nlohmann::json& row : rows) {
    put("{:<8} {}", row["state"].get<std::string>(), row["uri"].get<std::string>());
    if (row.contains("cells")) put("  {} cells, {} lanes", row["cells"].get<std::uint64_t>(), row["lanes"].get<std::uint64_t>());
    if (row["state"] == "absent") put("  {}", row["why"].get<std::string>());
    put("\n");
  }
  return all ? 0 : 1;
}

}  // namespace heatbath::apps
