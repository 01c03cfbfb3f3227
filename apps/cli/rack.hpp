#pragma once
// heatbath rack: servers on this machine, over ssh, or as tasks of srun and mpirun, and the file that lists them.

#include <cstdint>
#include <filesystem>
#include <string>

namespace heatbath::apps {

struct RackUpOptions {
  std::uint32_t servers = 0;        ///< 0: of --ssh one for each slot, of tasks as many as there are
  bool slurm = false, mpi = false;  ///< this process is one of many, each of which serves
  std::filesystem::path hosts;      ///< of --ssh; empty: none
  std::string device;
  std::string listen;               ///< "unix" or "tcp"; empty: unix on this machine, else tcp
  std::filesystem::path out;
};
/// Starts the servers and writes the file. A task serves until `rack down` or a signal.
int run_rack_up(const RackUpOptions& options);

/// Ends the servers that `rack up` started and removes the file.
int run_rack_down(const std::filesystem::path& file);

struct RackStatusOptions {
  std::filesystem::path file;
  bool json = false;
};
/// 1 when a device does not answer.
int run_rack_status(const RackStatusOptions& options);

}  // namespace heatbath::apps
