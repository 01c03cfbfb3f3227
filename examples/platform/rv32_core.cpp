#include "rv32_core.hpp"

#include <elf.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace platform {
namespace {

constexpr std::uint32_t wfi = 0x1050'0073;
constexpr std::uint32_t mstatus_mie = 1u << 3, mstatus_mpie = 1u << 7, mstatus_mpp = 3u << 11;
constexpr std::uint32_t timer_cause = 7, external_cause = 11;

std::string hex(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

void check(uc_err error, const char* what) {
  if (error != UC_ERR_OK) throw std::runtime_error(std::string(what) + ": " + uc_strerror(error));
}

}  // namespace

Rv32Core::Rv32Core(const sc_core::sc_module_name& name, std::string image, const sc_core::sc_time& cycle,
                   const sc_core::sc_time& quantum)
    : sc_module(name), image_(std::move(image)), cycle_(cycle), quantum_(quantum) {
  SC_THREAD(run);
  set_stack_size(8u << 20);  // the engine translates on this stack
}

Rv32Core::~Rv32Core() {
  if (engine_ != nullptr) uc_close(engine_);
}

void Rv32Core::run() {
  try {
    map();
    load();
    for (;;) execute();
  } catch (const std::exception& error) {
    failure_ = error.what();
  }
  sc_core::sc_stop();
}

void Rv32Core::map() {
  tlm::tlm_generic_payload request;
  request.set_command(tlm::TLM_READ_COMMAND);
  request.set_address(memory_base);
  request.set_data_length(4);
  tlm::tlm_dmi dmi;
  if (!socket->get_direct_mem_ptr(request, dmi) || dmi.get_start_address() != memory_base) {
    throw std::runtime_error("no memory that can be lent at " + hex(memory_base));
  }
  memory_ = dmi.get_dmi_ptr();
  memory_bytes_ = dmi.get_end_address() + 1 - memory_base;

  check(uc_open(UC_ARCH_RISCV, UC_MODE_RISCV32, &engine_), "uc_open");
  check(uc_mem_map_ptr(engine_, memory_base, memory_bytes_, UC_PROT_ALL, memory_), "uc_mem_map_ptr");
  check(uc_mmio_map(engine_, 0, memory_base, &Rv32Core::on_read, this, &Rv32Core::on_write, this), "uc_mmio_map");
  uc_hook hook = 0;
  check(uc_hook_add(engine_, &hook, UC_HOOK_CODE, reinterpret_cast<void*>(&Rv32Core::on_instruction), this, 1, 0),
        "uc_hook_add");
}

void Rv32Core::load() {
  std::ifstream file(image_, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Elf32_Ehdr header;
  if (bytes.size() < sizeof header) throw std::runtime_error(image_ + ": no ELF file that can be read");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS32 ||
      header.e_machine != EM_RISCV) {
    throw std::runtime_error(image_ + ": no ELF file for RV32");
  }
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf32_Phdr segment;
    const std::size_t at = header.e_phoff + std::size_t{i} * header.e_phentsize;
    if (at + sizeof segment > bytes.size()) throw std::runtime_error(image_ + ": cut short");
    std::memcpy(&segment, bytes.data() + at, sizeof segment);
    if (segment.p_type != PT_LOAD || segment.p_filesz == 0) continue;
    const std::uint64_t offset = segment.p_paddr - memory_base;
    if (segment.p_paddr < memory_base || offset + segment.p_filesz > memory_bytes_ ||
        std::size_t{segment.p_offset} + segment.p_filesz > bytes.size()) {
      throw std::runtime_error(image_ + ": a segment at " + hex(segment.p_paddr) + " lies outside of the memory");
    }
    std::memcpy(memory_ + offset, bytes.data() + segment.p_offset, segment.p_filesz);
  }
  pc_ = header.e_entry;
}

/// Runs until the quantum is used up, the core waits, or an interrupt is due; lets simulated time catch up.
void Rv32Core::execute() {
  take_interrupt();
  const uc_err error = uc_emu_start(engine_, pc_, 0, 0, 0);
  pc_ = get(UC_RISCV_REG_PC);
  if (!failure_.empty()) throw std::runtime_error(failure_ + ", at pc " + hex(pc_));
  if (error != UC_ERR_OK) throw std::runtime_error(std::string(uc_strerror(error)) + " at pc " + hex(pc_));
  wait(local_);
  local_ = sc_core::SC_ZERO_TIME;
  if (waiting_) {
    while (!interrupt_wanted()) wait(external_irq.value_changed_event() | timer_irq.value_changed_event());
    waiting_ = false;
    pc_ += 4;
  }
}

/// A pin is high that MIE lets through, whatever MSTATUS.MIE says: what ends WFI.
bool Rv32Core::interrupt_wanted() {
  std::uint32_t pins = external_irq.read() ? 1u << external_cause : 0;
  if (timer_irq.read()) pins |= 1u << timer_cause;
  return (pins & get(UC_RISCV_REG_MIE)) != 0;
}

/// One that MSTATUS.MIE lets through as well.
bool Rv32Core::interrupt_due() {
  return (external_irq.read() || timer_irq.read()) && interrupt_wanted() &&
         (get(UC_RISCV_REG_MSTATUS) & mstatus_mie) != 0;
}

// docs: begin trap
void Rv32Core::take_interrupt() {
  if (!interrupt_due()) return;
  const std::uint32_t status = get(UC_RISCV_REG_MSTATUS);
  const bool external = external_irq.read() && (get(UC_RISCV_REG_MIE) >> external_cause & 1u) != 0;
  set(UC_RISCV_REG_MEPC, pc_);
  set(UC_RISCV_REG_MCAUSE, 0x8000'0000u | (external ? external_cause : timer_cause));
  set(UC_RISCV_REG_MSTATUS, (status & ~mstatus_mie) | mstatus_mpie | mstatus_mpp);
  const std::uint32_t vector = get(UC_RISCV_REG_MTVEC);
  pc_ = (vector & ~3u) + ((vector & 1u) != 0 ? 4 * (external ? external_cause : timer_cause) : 0);
  ++interrupts_;
}
// docs: end trap

std::uint32_t Rv32Core::get(int reg) {
  std::uint64_t value = 0;
  check(uc_reg_read(engine_, reg, &value), "uc_reg_read");
  return static_cast<std::uint32_t>(value);
}

void Rv32Core::set(int reg, std::uint32_t value) {
  const std::uint64_t wide = value;
  check(uc_reg_write(engine_, reg, &wide), "uc_reg_write");
}

void Rv32Core::on_instruction(uc_engine* engine, std::uint64_t address, std::uint32_t, void* self) {
  auto& core = *static_cast<Rv32Core*>(self);
  std::uint32_t instruction = 0;
  const std::uint64_t offset = address - memory_base;
  if (address >= memory_base && offset + 4 <= core.memory_bytes_) std::memcpy(&instruction, core.memory_ + offset, 4);
  core.waiting_ = instruction == wfi;
  if (core.waiting_ || core.local_ >= core.quantum_ || core.interrupt_due()) {
    uc_emu_stop(engine);  // before this instruction
    return;
  }
  core.local_ += core.cycle_;
  ++core.instructions_;
}

void Rv32Core::access(tlm::tlm_command command, std::uint64_t address, void* data, unsigned bytes) {
  tlm::tlm_generic_payload payload;
  payload.set_command(command);
  payload.set_address(address);
  payload.set_data_ptr(static_cast<unsigned char*>(data));
  payload.set_data_length(bytes);
  payload.set_streaming_width(bytes);
  socket->b_transport(payload, local_);
  if (payload.is_response_error() && failure_.empty()) {
    failure_ = "bus access at " + hex(address) + ": " + payload.get_response_string();
    uc_emu_stop(engine_);
  }
}

std::uint64_t Rv32Core::on_read(uc_engine*, std::uint64_t address, unsigned bytes, void* self) {
  std::uint64_t value = 0;
  static_cast<Rv32Core*>(self)->access(tlm::TLM_READ_COMMAND, address, &value, bytes);
  return value;
}

void Rv32Core::on_write(uc_engine*, std::uint64_t address, unsigned bytes, std::uint64_t value, void* self) {
  static_cast<Rv32Core*>(self)->access(tlm::TLM_WRITE_COMMAND, address, &value, bytes);
}

}  // namespace platform
