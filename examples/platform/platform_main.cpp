// A platform: chip, memory, timer and a bus master. The master runs a program on the chip, waits for its interrupt or
// for the timer, copies the records to the memory beside the chip and prints the correlation of two coupled cells.

#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

#include "address_map.hpp"
#include "bus.hpp"
#include "heatbath/dif_capability.h"
#include "heatbath/dif_capture.h"
#include "heatbath/dif_identity.h"
#include "heatbath/dif_interrupt.h"
#include "heatbath/dif_job.h"
#include "heatbath/program.h"
#include "heatbath/regs.h"
#include "hw_model/systemc/heatbath_chip.hpp"
#include "peripherals.hpp"

namespace platform {

/// Runs the measurement in simulated time. Each access waits for its delay.
class Master : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Master> socket{"socket"};
  sc_core::sc_in<bool> chip_irq{"chip_irq"}, timer_irq{"timer_irq"};

  SC_HAS_PROCESS(Master);
  explicit Master(const sc_core::sc_module_name& name) : sc_module(name) { SC_THREAD(run); }
  /// Why the measurement failed; empty when it did not.
  const std::string& failure() const { return failure_; }

 private:
  void access(tlm::tlm_command command, std::uint64_t address, void* data, std::size_t bytes) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(static_cast<unsigned char*>(data));
    payload.set_data_length(static_cast<unsigned>(bytes));
    payload.set_streaming_width(static_cast<unsigned>(bytes));
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket->b_transport(payload, delay);
    wait(delay);
    if (payload.is_response_error()) {
      throw std::runtime_error("bus access at " + std::to_string(address) + ": " + payload.get_response_string());
    }
  }
  void put(std::uint64_t address, const void* data, std::size_t bytes) {
    access(tlm::TLM_WRITE_COMMAND, address, const_cast<void*>(data), bytes);
  }
  void get(std::uint64_t address, void* data, std::size_t bytes) {
    access(tlm::TLM_READ_COMMAND, address, data, bytes);
  }
  static std::uint32_t read32(void* self, std::uint32_t offset) {
    std::uint32_t value = 0;
    static_cast<Master*>(self)->get(chip_base + offset, &value, 4);
    return value;
  }
  static void write32(void* self, std::uint32_t offset, std::uint32_t value) {
    static_cast<Master*>(self)->put(chip_base + offset, &value, 4);
  }
  static void check(hb_status_t status, const char* what) {
    if (status != HB_OK) throw std::runtime_error(std::string(what) + ": " + hb_status_meaning(status));
  }

  void run() {
    try {
      measure();
    } catch (const std::exception& error) {
      failure_ = error.what();
    }
    sc_core::sc_stop();
  }

  void measure() {
    const hb_mmio_t chip{&Master::read32, &Master::write32, this, nullptr, nullptr, nullptr};
    check(hb_dif_identity_check(&chip), "identity");
    hb_capabilities_t caps;
    check(hb_dif_capability_get(&chip, &caps), "capabilities");
    const std::uint32_t shots = caps.lanes;

    // V = sum (-2 x^2 + x^4) - 0.5 x0 x1 at kT = 1, ten time units, one record of all shots.
    constexpr std::uint64_t program_at = 0, coupling_at = 0x1000, ring_at = 0x2000;
    const auto load = [](hb_section_t section, float value) {
      hb_instruction_t instruction{};
      instruction.op = HB_OP_LOAD;
      instruction.section = static_cast<std::uint16_t>(section);
      instruction.flags = HB_FLAG_IMMEDIATE;
      std::memcpy(&instruction.imm, &value, sizeof value);
      return instruction;
    };
    std::vector<hb_instruction_t> program = {load(HB_SECTION_J2, -2), load(HB_SECTION_J4, 1), load(HB_SECTION_KT, 1)};
    hb_instruction_t next{};
    next.op = HB_OP_LOAD;
    next.section = HB_SECTION_COUPLING;
    next.addr = coupling_at;
    program.push_back(next);
    next = {};
    next.op = HB_OP_COMMIT;
    program.push_back(next);
    next.op = HB_OP_EVOLVE;
    next.ticks = 10ull * caps.time_unit_ticks;
    program.push_back(next);
    next = {};
    next.op = HB_OP_SAMPLE;
    program.push_back(next);
    next.op = HB_OP_HALT;
    program.push_back(next);

    const std::uint64_t device_memory = chip_base + HB_MEMORY_BASE;
    const float coupling = -0.5f;  // two cells: the upper triangle is one value
    put(device_memory + coupling_at, &coupling, sizeof coupling);
    put(device_memory + program_at, program.data(), program.size() * sizeof(hb_instruction_t));
    check(hb_dif_capture_configure(&chip, {.base = ring_at, .slots = 1, .first_cell = 0, .cells = 2, .watermark = 0}),
          "capture");
    check(hb_dif_job_configure(&chip, {.program_addr = program_at,
                                       .program_count = static_cast<std::uint32_t>(program.size()),
                                       .active_cells = 2,
                                       .shots = shots,
                                       .seeded = true,
                                       .seed = 1,
                                       .shot0 = 0,
                                       .step0 = 0}),
          "job");
    constexpr std::uint32_t end_of_job = HB_INTR_STATE_JOB_DONE_MASK | HB_INTR_STATE_FAULT_MASK;
    check(hb_dif_interrupt_enable_set(&chip, end_of_job), "interrupts");

    std::uint64_t alarm = 1'000'000;  // a second: far beyond the end of the job
    put(timer_base + 8, &alarm, 4);
    const std::uint32_t alarm_high = 0;
    put(timer_base + 12, &alarm_high, 4);
    const sc_core::sc_time begin = sc_core::sc_time_stamp();
    check(hb_dif_job_start(&chip), "start");
    while (!chip_irq.read() && !timer_irq.read()) {
      wait(chip_irq.value_changed_event() | timer_irq.value_changed_event());
    }
    if (!chip_irq.read()) throw std::runtime_error("the job did not end within a second of simulated time");
    const sc_core::sc_time took = sc_core::sc_time_stamp() - begin;
    hb_job_fault_t fault;
    check(hb_dif_job_fault(&chip, &fault), "fault registers");
    check(fault.code, "job");
    check(hb_dif_interrupt_acknowledge(&chip, end_of_job), "acknowledge");

    std::uint32_t record_bytes = 0;
    check(hb_dif_capture_record_bytes(&chip, &record_bytes), "record size");
    std::vector<unsigned char> record(record_bytes);
    get(device_memory + ring_at, record.data(), record.size());
    put(memory_base, record.data(), record.size());  // the platform's own copy

    std::vector<float> states(std::size_t{2} * shots);
    get(memory_base + sizeof(hb_record_header_t), states.data(), states.size() * sizeof(float));
    double sum = 0, squares = 0;
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const double product = static_cast<double>(states[2 * shot]) * static_cast<double>(states[2 * shot + 1]);
      sum += product;
      squares += product * product;
    }
    const double mean = sum / shots;
    const double error = std::sqrt((squares / shots - mean * mean) / (shots - 1));
    std::printf("job: %.1f us of simulated time, %u shots\n", took.to_seconds() * 1e6, shots);
    std::printf("<x0 x1> = %.3f +- %.3f\n", mean, error);
  }

  std::string failure_;
};

/// All of it, wired.
// docs: begin platform
struct Platform {
  explicit Platform(const heatbath::systemc::ChipConfig& config) : chip("chip", config) {
    bus.map(timer.socket, timer_base, timer_bytes);
    bus.map(memory.socket, memory_base, memory_bytes);
    bus.map(chip.socket, chip_base, chip_bytes);
    master.socket.bind(bus.masters);
    chip.irq(chip_irq);
    timer.irq(timer_irq);
    master.chip_irq(chip_irq);
    master.timer_irq(timer_irq);
  }
  sc_core::sc_signal<bool> chip_irq{"chip_irq"}, timer_irq{"timer_irq"};
  heatbath::systemc::HeatbathChip chip;
  Bus bus{"bus", sc_core::sc_time(10, sc_core::SC_NS)};
  Memory memory{"memory", memory_bytes};
  Timer timer{"timer"};
  Master master{"master"};
};
// docs: end platform

}  // namespace platform

int main() {
  try {
    platform::Platform board({.profile = "ideal", .cells = 2, .lanes = 1024, .threads = 1});
    // "Simulation stopped by user" is not for stdout.
    sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    sc_core::sc_start();
    if (!board.master.failure().empty()) throw std::runtime_error(board.master.failure());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "platform: %s\n", error.what());
    return 1;
  }
  return 0;
}
