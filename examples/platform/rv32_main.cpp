// A platform with a processor: chip, memory, timer, console and an RV32 core that runs the firmware named on the
// command line. Ends with the firmware's exit status.

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <systemc>

#include "address_map.hpp"
#include "bus.hpp"
#include "hw_model/systemc/heatbath_chip.hpp"
#include "peripherals.hpp"
#include "rv32_core.hpp"

namespace platform {

/// All of it, wired.
struct Rv32Platform {
  Rv32Platform(const heatbath::systemc::ChipConfig& config, const char* image)
      : chip("chip", config),
        core("core", image, sc_core::sc_time(10, sc_core::SC_NS), sc_core::sc_time(1, sc_core::SC_US)) {
    bus.map(timer.socket, timer_base, timer_bytes);
    bus.map(console.socket, console_base, console_bytes);
    bus.map(chip.socket, chip_base, chip_bytes);
    bus.map(memory.socket, memory_base, memory_bytes);
    core.socket.bind(bus.masters);
    chip.irq(chip_irq);
    timer.irq(timer_irq);
    core.external_irq(chip_irq);
    core.timer_irq(timer_irq);
  }
  sc_core::sc_signal<bool> chip_irq{"chip_irq"}, timer_irq{"timer_irq"};
  heatbath::systemc::HeatbathChip chip;
  Bus bus{"bus", sc_core::sc_time(10, sc_core::SC_NS)};
  Memory memory{"memory", memory_bytes};
  Timer timer{"timer"};
  Console console{"console"};
  Rv32Core core;
};

}  // namespace platform

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: rv32_platform FIRMWARE.elf\n");
    return 2;
  }
  try {
    platform::Rv32Platform board({.profile = "ideal", .cells = 2, .lanes = 64, .threads = 1}, argv[1]);
    // "Simulation stopped by user" is not for stdout.
    sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    sc_core::sc_start();
    if (!board.core.failure().empty()) throw std::runtime_error(board.core.failure());
    std::fprintf(stderr, "core: %llu instructions, %llu interrupts, %.3f ms of simulated time\n",
                 static_cast<unsigned long long>(board.core.instructions()),
                 static_cast<unsigned long long>(board.core.interrupts()), sc_core::sc_time_stamp().to_seconds() * 1e3);
    return static_cast<int>(board.console.exit_status().value_or(1));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rv32_platform: %s\n", error.what());
    return 1;
  }
}
