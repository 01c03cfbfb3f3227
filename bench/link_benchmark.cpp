// What a link costs: register reads against a bare ping-pong on the same kind of socket, block bandwidth, and drawing
// images through a served device against drawing them in process. The served device lives in another process.
// Usage: link_benchmark [repetitions]; by default 9. Exit status 1 when a bound of docs/links.md is not kept.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "heatbath/open.hpp"
#include "heatbath/regs.h"
#include "heatbath/server.hpp"
#include "heatbath/trainers/generative.hpp"

namespace {

double seconds(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Keeps the calling process on one processor, where there are several.
void stay_on(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  if (sysconf(_SC_NPROCESSORS_ONLN) > processor) sched_setaffinity(0, sizeof set, &set);
}

/// A server in a process of its own, which ends with this object.
class ServerProcess {
 public:
  /// `processor`: where it stays; -1: anywhere.
  ServerProcess(const std::string& device, const std::string& listen, int processor = -1) {
    int ready[2];
    if (pipe(ready) != 0) throw std::runtime_error("pipe");
    child_ = fork();
    if (child_ == 0) {
      heatbath::ServerOptions options;
      options.device = device;
      options.listen = listen;
      heatbath::Server server(options);
      if (processor >= 0) stay_on(processor);
      if (write(ready[1], "r", 1) != 1) _exit(2);
      server.run();
      _exit(0);
    }
    close(ready[1]);
    char byte;
    if (read(ready[0], &byte, 1) != 1) throw std::runtime_error("the server did not start");
    close(ready[0]);
  }
  ~ServerProcess() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }

 private:
  pid_t child_;
};

/// A bare ping-pong of messages over a pair of connected sockets, with the other end in another process.
class PingPong {
 public:
  /// As long as a frame's header, over unix sockets; or, with `datagrams`, as long as an Etherbone read, over UDP on
  /// loopback.
  explicit PingPong(bool datagrams) : bytes_(datagrams ? 20 : 40) {
    int ends[2];
    if (datagrams) {
      sockaddr_in here[2] = {};
      for (int k = 0; k < 2; ++k) {
        ends[k] = socket(AF_INET, SOCK_DGRAM, 0);
        here[k].sin_family = AF_INET;
        here[k].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof here[k];
        auto* address = reinterpret_cast<sockaddr*>(&here[k]);
        if (bind(ends[k], address, size) != 0 || getsockname(ends[k], address, &size) != 0) throw std::runtime_error("bind");
      }
      for (int k = 0; k < 2; ++k)
        if (connect(ends[k], reinterpret_cast<sockaddr*>(&here[1 - k]), sizeof here[k]) != 0) throw std::runtime_error("connect");
    } else if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
      throw std::runtime_error("socketpair");
    }
    child_ = fork();
    if (child_ == 0) {
      close(ends[0]);
      char message[40];
      while (recv(ends[1], message, sizeof message, 0) > 0)
        if (send(ends[1], message, bytes_, 0) < 0) break;
      _exit(0);
    }
    close(ends[1]);
    socket_ = ends[0];
  }
  ~PingPong() {
    close(socket_);
    kill(child_, SIGKILL);  // a datagram socket does not tell that its other end is closed
    waitpid(child_, nullptr, 0);
  }
  PingPong(const PingPong&) = delete;
  void once() {
    char message[40] = {};
    if (send(socket_, message, bytes_, 0) < 0 || recv(socket_, message, sizeof message, 0) <= 0) std::abort();
  }

 private:
  std::size_t bytes_;
  int socket_;
  pid_t child_;
};

std::string name() { return "hb-bench-" + std::to_string(getpid()); }

bool report(const char* what, double value, const char* unit, bool kept, const char* bound) {
  std::printf("%-46s %9.3f %-5s %s %s\n", what, value, unit, kept ? "within" : "MISSES", bound);
  return kept;
}

/// A port that was free a moment ago.
std::string free_port() {
  const int probe = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof here;
  auto* address = reinterpret_cast<sockaddr*>(&here);
  if (bind(probe, address, size) != 0 || getsockname(probe, address, &size) != 0) throw std::runtime_error("bind");
  close(probe);
  return std::to_string(ntohs(here.sin_port));
}

bool register_reads(int repetitions, bool etherbone) {
  constexpr int reads = 20000;
  const std::string path = etherbone ? "etherbone://127.0.0.1:" + free_port() : "unix:/tmp/" + name();
  const ServerProcess server("func:cells=4&lanes=1&threads=1", path);
  heatbath::Device device = heatbath::open_link(path);
  PingPong bare(etherbone);
  std::vector<double> ratios, links, pings;
  for (int k = 0; k < repetitions; ++k) {
    const double ping = seconds([&] {
      for (int i = 0; i < reads; ++i) bare.once();
    });
    const double link = seconds([&] {
      for (int i = 0; i < reads; ++i) device.transport().read32(HB_SCRATCH_OFFSET);
    });
    pings.push_back(ping / reads * 1e6);
    links.push_back(link / reads * 1e6);
    ratios.push_back(link / ping);
  }
  std::printf("%-46s %9.3f us\n", etherbone ? "bare ping-pong, UDP" : "bare ping-pong, unix socket", median(pings));
  std::printf("%-46s %9.3f us\n", etherbone ? "register read, etherbone:" : "register read, unix:", median(links));
  return report("  ratio, median of the runs", median(ratios), "", median(ratios) <= 1.3, "1.3");
}

/// Both sides spin, so each needs a processor: they are told to stay apart, and the best of many short runs is judged,
/// in which no other program came between.
bool shared_memory_reads(int repetitions) {
  constexpr int reads = 200;
  const std::string listen = "shm:/" + name();
  const ServerProcess server("func:cells=4&lanes=1&threads=1", listen, 1);
  cpu_set_t anywhere;
  sched_getaffinity(0, sizeof anywhere, &anywhere);
  stay_on(0);
  heatbath::Device device = heatbath::open_link(listen);
  std::vector<double> each;
  for (int k = 0; k < repetitions * 200; ++k)
    each.push_back(seconds([&] {
                     for (int i = 0; i < reads; ++i) device.transport().read32(HB_SCRATCH_OFFSET);
                   }) /
                   reads * 1e6);
  sched_setaffinity(0, sizeof anywhere, &anywhere);
  std::printf("%-46s %9.3f us\n", "register read, shm:, median of the runs", median(each));
  const double best = *std::min_element(each.begin(), each.end());
  return report("register read, shm:, best 200 in a row", best, "us", best <= 1, "1 us");
}

bool block_bandwidth(int repetitions, const std::string& listen, const char* what, bool bound) {
  constexpr std::size_t bytes = std::size_t{64} << 20;
  const ServerProcess server("func:cells=4&lanes=1&threads=1", listen);
  heatbath::Device device = heatbath::open_link(listen);
  std::vector<std::byte> block(bytes, std::byte{7});
  device.transport().write_block(HB_MEMORY_BASE, block);
  std::vector<double> rates;
  for (int k = 0; k < repetitions; ++k)
    rates.push_back(static_cast<double>(bytes) / seconds([&] { device.transport().read_block(HB_MEMORY_BASE, block); }) *
                    1e-9);
  if (bound) return report(what, median(rates), "GB/s", median(rates) >= 1, "1 GB/s");
  std::printf("%-46s %9.3f GB/s\n", what, median(rates));
  return true;
}

bool generator(int repetitions) {
  using namespace heatbath::trainers;
  const std::string uri = "func:threads=1", listen = "unix:/tmp/" + name() + "-g";
  heatbath::Device local = heatbath::open(uri);
  GenerativeOptions options;
  options.updates = 1;
  options.threads = 1;
  const Images digits = draw_digits(1, 1);
  GenerativeTrainer trainer(local, digits, options);
  trainer.train();
  const ServerProcess server(uri, listen);
  heatbath::Device remote = heatbath::open_link(listen);
  const GenerateOptions draw{.shots = 32, .threads = 1};
  std::vector<double> ratios;
  bool same = true;
  for (int k = 0; k < std::max(3, repetitions / 3); ++k) {
    Samples a, b;
    const double in_process = seconds([&] { a = generate(local, trainer.model(), draw); });
    const double through = seconds([&] { b = generate(remote, trainer.model(), draw); });
    ratios.push_back(through / in_process);
    same = same && a.images == b.images;
  }
  std::printf("%-46s %9s\n", "images through unix: and in process", same ? "equal" : "DIFFER");
  return report("generator, unix: over in process", median(ratios), "", median(ratios) <= 1.15 && same, "1.15");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const int repetitions = argc > 1 ? std::atoi(argv[1]) : 9;
    bool kept = register_reads(repetitions, false);
    kept &= register_reads(repetitions, true);
    kept &= shared_memory_reads(repetitions);
    kept &= block_bandwidth(repetitions, "unix:/tmp/" + name() + "-b", "blocks read, unix:", true);
    kept &= block_bandwidth(repetitions, "shm:/" + name() + "-b", "blocks read, shm:", false);
    kept &= generator(repetitions);
    return kept ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "link_benchmark: %s\n", error.what());
    return 2;
  }
}
