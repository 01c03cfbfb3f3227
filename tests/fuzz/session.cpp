// The server's side of the wire protocol: a client that sends anything.
#include <algorithm>

#include "heatbath/restorable.hpp"
#include "server/session.hpp"
#include "sim/src/open_transport.hpp"
#include "tests/fuzz/input.hpp"

namespace heatbath::fuzz {
namespace {

/// A client whose bytes are there at once, and who then is gone.
class DeadClient final : public Channel {
 public:
  explicit DeadClient(std::span<const std::byte> sent) : left_(sent) {}
  std::size_t receive(std::span<std::byte> out) override {
    if (left_.empty()) throw Lost("gone");
    const std::size_t size = std::min({out.size(), left_.size(), std::size_t{1} << 12});
    std::copy_n(left_.begin(), size, out.begin());
    left_ = left_.subspan(size);
    return size;
  }
  std::size_t send(std::span<const std::byte> head, std::span<const std::byte> body, bool) override {
    static Tally frames{"frames answered"};
    ++frames.count;
    return head.size() + body.size();
  }
  bool readable() override { return true; }

 private:
  std::span<const std::byte> left_;
};

}  // namespace
}  // namespace heatbath::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heatbath;
  static const std::unique_ptr<Transport> device = open_transport("func:cells=6&lanes=3&seed=7&threads=1");
  static Restorable& restorable = dynamic_cast<Restorable&>(*device);
  static const std::vector<std::byte> begin = restorable.save();
  static const std::uint64_t memory_bytes = emulated_windows("func:cells=6&lanes=3").memory_bytes;
  restorable.restore(begin);
  fuzz::DeadClient client(std::as_bytes(std::span(data, size)));
  SessionControl control;
  const std::string reason = Session(client, control, *device, nullptr, memory_bytes).run();
  fuzz::expect_one_line(reason.c_str());
  return 0;
}
