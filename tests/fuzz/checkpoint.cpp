// Files of devices: bytes as they come, and contents with the right checksum that no device wrote.
#include <algorithm>

#include "heatbath/error.hpp"
#include "heatbath/numerics/archive.hpp"
#include "heatbath/regs.h"
#include "heatbath/restorable.hpp"
#include "sim/src/open_transport.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/systemc/random_program.hpp"

namespace heatbath::fuzz {
namespace {

struct Device {
  std::unique_ptr<Transport> link;
  std::vector<std::byte> begin, saved;  ///< as powered on; in the middle of a job
  numerics::Sealed sealed;
  std::size_t state = 0;  ///< behind the names of the chip

  Restorable& restorable() { return dynamic_cast<Restorable&>(*link); }

  Device(const std::string& keys, const model::Profile& profile, std::uint32_t cells, std::uint32_t lanes)
      : link(open_transport("func:" + keys)), begin(restorable().save()) {
    for (std::uint64_t seed = 1; saved.empty(); ++seed) {
      testing::RandomHost(*link).run(seed, profile, cells, lanes);
      link->write32(HB_INTR_ENABLE_OFFSET, 0);
      const std::uint32_t sequence = ((link->read32(HB_COMMAND_ACK_OFFSET) >> 16) + 1) & 0xFFFF;
      link->write32(HB_COMMAND_OFFSET, HB_COMMAND_OP_START | sequence << 16);
      link->wait_irq(200);
      if ((link->read32(HB_STATUS_OFFSET) & HB_STATUS_RUNNING_MASK) != 0) saved = restorable().save();
    }
    sealed = numerics::unseal(saved, "chip", 99);
    numerics::Archive names(sealed.contents, 1);
    std::uint64_t count = 0;
    names(count);
    std::string name, value;
    for (; count > 0; --count) names(name, value);
    state = sealed.contents.size() - names.left();
  }
};

std::vector<Device>& devices() {
  static std::vector<Device> all = [] {
    std::vector<Device> list;
    const auto add = [&](const char* profile, const model::Choices& choices, std::uint32_t cells, std::uint32_t lanes) {
      std::string keys = std::string("profile=") + profile + "&cells=" + std::to_string(cells) + "&lanes=" +
                         std::to_string(lanes) + "&seed=7&threads=1";
      for (const auto& [key, value2] : choices) keys += "&" + key + "=" + value2;
      list.emplace_back(keys, model::load_profile(profile, choices), cells, lanes);
    };
    add("ideal", {}, 6, 3);
    add("ideal", {{"cell", "phase"}}, 5, 2);
    add("ideal", {{"cell", "categorical"}, {"topology", "grid:2x3"}}, 6, 2);
    add("ideal", {{"noise", "pink"}, {"noise_time", "0.5"}}, 4, 2);
    add("harsh", {{"chip", "5"}}, 8, 1);
    return list;
  }();
  return all;
}

}  // namespace
}  // namespace heatbath::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heatbath;
  fuzz::Input in(data, size);
  const std::uint8_t kind = in.take<std::uint8_t>();
  fuzz::Device& device = fuzz::devices()[kind % fuzz::devices().size()];
  std::vector<std::byte> file;
  if (kind >= 0xE0) {  // as they come
    file.assign(in.rest().begin(), in.rest().end());
  } else {  // a few bytes of the state are others: place, how many, which
    std::vector<std::byte> contents(device.sealed.contents.begin(), device.sealed.contents.end());
    while (!in.empty()) {
      const std::size_t at = device.state + in.take<std::uint16_t>() % (contents.size() - device.state);
      const auto piece = in.bytes(1 + in.take<std::uint8_t>() % 8);
      std::copy_n(piece.begin(), std::min(piece.size(), contents.size() - at), contents.begin() + static_cast<std::ptrdiff_t>(at));
    }
    file = numerics::seal("chip", 1, contents);
  }
  try {
    device.restorable().restore(file);
  } catch (const Error& error) {
    fuzz::expect_one_line(error.what());
    return 0;
  }
  device.link->wait_irq(300);
  for (std::uint32_t offset = 0; offset < HB_WINDOW_BYTES; offset += 64) device.link->read32(offset);
  device.restorable().save();
  device.link->wait_irq(300);
  device.restorable().restore(device.begin);
  return 0;
}
