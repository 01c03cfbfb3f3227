#pragma once
// The devices of a rack in a file of TOML.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace heatbath {

/// What stands in the FILE of rack:FILE.
///
///   mixed = false              # unlike chips: serial numbers, arithmetic and prices may differ
///   incomplete = false         # devices that do not answer are left out until they do
///
///   [[device]]
///   uri = "tcp://node1:7000"
///   weight = 1.0               # its speed relative to the others', until it has been measured
///   token_file = "token"       # of a served device; a relative name counts from the rack's file
///   host = "node1"             # of a server that `heatbath rack up` started: where it runs, its process number there, and
///   pid = 4711                 # when that began, in the system's clock ticks, so that no other process is taken for it
///   started = 123456
struct RackFile {
  /// A device of it.
  struct Server {
    std::string uri;  ///< as for open()
    double weight = 1;  ///< its speed relative to the others'
    std::string token_file;  ///< empty: none; relative to the rack's file
    std::string host;  ///< of a server of `rack up`: where it runs
    std::int64_t pid = 0;  ///< 0: not started by `rack up`
    std::uint64_t started = 0;
  };
  /// Whether devices may differ, and whether jobs may end without some of them; and the devices, in order.
  bool mixed = false, incomplete = false;
  std::vector<Server> devices;
};

/// Throws Error(IO) for a file that cannot be read, else Error(BAD_ARG) in one line: file, line, key and what is right.
RackFile read_rack_file(const std::filesystem::path& path);

/// The text of such a file.
std::string text_of(const RackFile& rack);

}  // namespace heatbath
