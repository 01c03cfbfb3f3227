#pragma once
// An RV32 core on the Unicorn engine, as a bus master.

#include <cstdint>
#include <string>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <unicorn/unicorn.h>

namespace platform {

/// RV32IMAC in machine mode. What lies at or above 0x80000000 must be memory that lends itself by DMI; everything below
/// is MMIO and goes through b_transport. The engine has no interrupt controller and no time: the core takes external
/// and timer interrupts between instructions by writing the trap registers, as the privileged specification has it, and
/// charges `cycle` per instruction. It runs at most `quantum` ahead of simulated time, and not at all during WFI.
class Rv32Core : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Rv32Core> socket{"socket"};
  sc_core::sc_in<bool> external_irq{"external_irq"}, timer_irq{"timer_irq"};

  SC_HAS_PROCESS(Rv32Core);
  /// `image`: an ELF file for RV32, loaded at its physical addresses at the start of the simulation.
  Rv32Core(const sc_core::sc_module_name& name, std::string image, const sc_core::sc_time& cycle,
           const sc_core::sc_time& quantum);
  ~Rv32Core() override;

  /// Why the core stopped; empty while it has no reason to. It stops the simulation then.
  const std::string& failure() const { return failure_; }
  std::uint64_t instructions() const { return instructions_; }
  std::uint64_t interrupts() const { return interrupts_; }

 private:
  static constexpr std::uint64_t memory_base = 0x8000'0000;

  void run();
  void map();
  void load();
  void execute();
  void take_interrupt();
  bool interrupt_wanted();
  bool interrupt_due();
  void access(tlm::tlm_command command, std::uint64_t address, void* data, unsigned bytes);
  std::uint32_t get(int reg);
  void set(int reg, std::uint32_t value);

  static void on_instruction(uc_engine* engine, std::uint64_t address, std::uint32_t size, void* self);
  static std::uint64_t on_read(uc_engine* engine, std::uint64_t address, unsigned bytes, void* self);
  static void on_write(uc_engine* engine, std::uint64_t address, unsigned bytes, std::uint64_t value, void* self);

  std::string image_;
  sc_core::sc_time cycle_, quantum_;
  sc_core::sc_time local_ = sc_core::SC_ZERO_TIME;  // ahead of simulated time
  uc_engine* engine_ = nullptr;
  unsigned char* memory_ = nullptr;  // lent
  std::uint64_t memory_bytes_ = 0;
  std::uint32_t pc_ = 0;
  bool waiting_ = false;  // the instruction at pc_ is WFI
  std::string failure_;
  std::uint64_t instructions_ = 0, interrupts_ = 0;
};

}  // namespace platform
