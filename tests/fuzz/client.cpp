// The host's side of the wire protocol: a server that answers anything.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "heatbath/error.hpp"
#include "heatbath/regs.h"
#include "sim/src/open_transport.hpp"
#include "tests/fuzz/input.hpp"

namespace heatbath::fuzz {
namespace {

/// Answers each connection with the bytes of the input, and hangs up.
class Liar {
 public:
  Liar() : path_("/tmp/heatbath_fuzz." + std::to_string(getpid())) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path_.c_str());
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::unlink(path_.c_str());
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 4) != 0)
      wrong("no socket");
    std::thread([this] { serve(); }).detach();
  }
  std::string uri() const { return "unix:" + path_ + "?link_timeout_ms=200&queue_timeout_ms=200"; }
  void say(std::span<const std::byte> answer) {
    const std::lock_guard lock(mutex_);
    answer_.assign(answer.begin(), answer.end());
  }

 private:
  void serve() {
    for (;;) {
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) continue;
      std::vector<std::byte> answer;
      {
        const std::lock_guard lock(mutex_);
        answer = answer_;
      }
      ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::shutdown(client, SHUT_WR);
      char heard[4096];
      while (::recv(client, heard, sizeof heard, 0) > 0) {
      }
      ::close(client);
    }
  }

  std::string path_;
  int listener_ = -1;
  std::mutex mutex_;
  std::vector<std::byte> answer_;
};

}  // namespace
}  // namespace heatbath::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heatbath;
  static fuzz::Liar liar;
  liar.say(std::as_bytes(std::span(data, std::min<std::size_t>(size, 1u << 15))));
  try {
    const std::unique_ptr<Transport> link = open_transport(liar.uri());
    std::vector<std::byte> block(64);
    for (int turn = 0; turn < 3; ++turn) {
      link->read32(HB_ID_OFFSET);
      link->write32(HB_SCRATCH_OFFSET, 5);
      link->wait_irq(1000);
      link->read_block(HB_MEMORY_BASE, block);
      link->write_block(HB_MEMORY_BASE, block);
    }
  } catch (const Error& error) {
    fuzz::expect_one_line(error.what());
  }
  return 0;
}
