#pragma once
// The chip as a SystemC module with TLM-2.0 sockets, to be put into a platform.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

#include "hw_model/systemc/chip_blocks.hpp"

namespace heatbath::model {
class Chip;
}

namespace heatbath::systemc {

/// loose: a register access costs one tick, block transfers nothing, programs what their instructions say: the timing
/// of the functional backend, bit for bit. approximate: bus, fetch, settling and conversion cost what [timing] of the
/// profile says.
enum class Timing : std::uint8_t { loose, approximate };

/// What a chip is built as.
struct ChipConfig {
  std::string profile = "ideal";  ///< built-in name, or a file that ends in .toml
  std::uint32_t cells = 0;        ///< 0: the profile's default
  std::uint32_t lanes = 0;        ///< 0: the profile's default
  std::uint64_t seed = 1;         ///< the part's own noise
  unsigned threads = 0;           ///< for the array; 0: one per processor
  Timing timing = Timing::loose;
  std::uint64_t quantum_ticks = 0;  ///< the array never lags behind simulated time by more; 0: no limit
  /// In place of what the profile says: cell, stepper, topology, … as the keys of a device URI.
  std::map<std::string, std::string, std::less<>> choices = {};
  bool operator==(const ChipConfig&) const = default;
};

/// Pins that may stay unbound. An unbound input reads as its idle level.
using PinIn = sc_core::sc_port<sc_core::sc_signal_in_if<bool>, 1, sc_core::SC_ZERO_OR_MORE_BOUND>;
using PinOut = sc_core::sc_port<sc_core::sc_signal_inout_if<bool>, 1, sc_core::SC_ZERO_OR_MORE_BOUND>;

/// The emulated chip. It has no process per cell: one model::Chip does the work, and is advanced to simulated time when
/// somebody could notice: at a bus access, a pin change, the end of a quantum, a trace sample, or when an interrupt or
/// a bound output pin is due. Results do not depend on when that is.
///
/// Bus. Registers from 0 (heatbath/regs.h), the read-only topology window from HB_TOPOLOGY_BASE, device memory from
/// HB_MEMORY_BASE. Both protocols of TLM-2.0 are served:
/// b_transport never waits, it annotates its delay (a caller without a process may use it); nb_transport has four
/// phases, one transaction at a time, the next is accepted (END_REQ) when the one before has ended.
/// An access acts at the end of its duration, in the tick that then runs: device time is whole ticks. A caller whose
/// local time is behind the chip's acts at the chip's time. DMI is granted on device memory (loose timing only); memory
/// that a program writes is current after any access over the socket. transport_dbg reads registers and reads and
/// writes memory, without side effects or time; it cannot write registers. Wrong accesses get a response and count in
/// ERR_ACCESS: ADDRESS_ERROR (unaligned, unmapped, beyond the memory), COMMAND_ERROR (write to a read-only register,
/// TLM_IGNORE_COMMAND), BURST_ERROR (a register access that is not 4 bytes long, a streaming width below the length),
/// BYTE_ENABLE_ERROR (any byte enables); GENERIC_ERROR without power. Extensions are ignored, as the base protocol
/// wants it.
///
/// DMA. A chip whose profile has [features] dma has an initiator socket. Each burst is one b_transport at the end of
/// the ticks that the engine charges for it, with the delay up to there annotated: the target must not wait(). Time
/// that the target adds puts off the next burst. An answer other than OK ends the transfer with HB_LINK, and so does an
/// unbound socket. A burst that comes back to the chip's own socket is refused there (GENERIC_ERROR).
///
/// Stopping. Where a numerics::WorkWatch of the thread asks to stop, the model stays behind simulated time, accesses
/// act at the model's time, and it goes on with the next access or run_ahead().
///
/// Time of the device is 0 at the last reset. Ticks are CAPS_TICK_PS long.
class HeatbathChip : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<HeatbathChip> socket;
  using DmaSocket = tlm_utils::simple_initiator_socket_optional<HeatbathChip>;
  std::unique_ptr<DmaSocket> dma_socket;  ///< memory of the host, by its bus addresses; null without DMA
  PinOut irq;           ///< INTR_STATE & INTR_ENABLE
  PinOut trigger_out;   ///< high for one tick at each INTERRUPT instruction
  PinOut sample_clock;  ///< high for one tick at each capture record
  PinIn trigger_in;     ///< rising edge: as COMMAND.START; while a job runs it is ignored. Idle low
  PinIn reset_n;        ///< low: warm reset (the RESET command), held until high. Idle high
  PinIn power_good;     ///< low: no power; at its rise a cold reset: memory, RESET_COUNT and error counters start at 0.
                        ///< Idle high

  // What a datasheet draws: const views of the model.
  std::unique_ptr<RegisterFileBlock> register_file;
  std::unique_ptr<SequencerBlock> sequencer;
  std::unique_ptr<DacBankBlock> dac_bank;
  std::unique_ptr<CouplingFabricBlock> coupling_fabric;
  std::unique_ptr<CellArrayBlock> array;  ///< array.cell_17
  std::unique_ptr<NoiseBlock> noise;
  std::unique_ptr<AdcBankBlock> adc_bank;
  std::unique_ptr<MetersBlock> meters;

  SC_HAS_PROCESS(HeatbathChip);
  /// Throws std::invalid_argument in one line for a wrong profile or size, or a SystemC time resolution coarser than a
  /// tick.
  HeatbathChip(const sc_core::sc_module_name& name, const ChipConfig& config);
  ~HeatbathChip() override;

  const ChipConfig& config() const { return config_; }
  /// Length of a tick.
  sc_core::sc_time tick() const { return tick_; }
  /// Bytes of the topology window; 0 where the topology is dense.
  std::size_t topology_bytes() const;
  /// Device time, in ticks since reset, up to which the model has been advanced.
  std::uint64_t ticks() const;
  /// Simulated time at which the device time was or will be `ticks`.
  sc_core::sc_time time_of(std::uint64_t ticks) const;

  /// Ticks an access takes: registers at least one.
  std::uint64_t access_ticks(const tlm::tlm_generic_payload& access) const;

  /// What the RESET command does, at the present simulated time.
  void reset();

  /// The chip at the present simulated time, as model::Chip::save() has it.
  std::vector<std::byte> save();
  /// Puts the chip where another was (model::Chip::restore; the same errors). Its device time lies in the past of
  /// simulated time: `wait` lets simulated time reach `at` first, with the chip in reset. Pins follow at once.
  void restore(std::span<const std::byte> saved, const std::function<void(const sc_core::sc_time& at)>& wait);

  /// Brings the model to the present simulated time. For observers; changes no result.
  void synchronize();

  /// A promise of the only bus master that it will not access the chip before `until` or the next rise of irq. Lets the
  /// array run ahead of the kernel to there. Without it nothing runs ahead; it has no effect with a quantum, with bound
  /// input pins, or after synchronize() was called once.
  void run_ahead(const sc_core::sc_time& until);

 private:
  enum class Pin : std::uint8_t { irq, trigger_out, sample_clock };
  struct PinChange {
    sc_core::sc_time at;
    Pin pin;
    bool level;
  };
  enum class BusPhase : std::uint8_t { idle, request, response, acknowledge };

  // sockets
  void b_transport(tlm::tlm_generic_payload& access, sc_core::sc_time& delay);
  tlm::tlm_sync_enum nb_transport_fw(tlm::tlm_generic_payload& access, tlm::tlm_phase& phase, sc_core::sc_time& delay);
  bool get_direct_mem_ptr(tlm::tlm_generic_payload& access, tlm::tlm_dmi& dmi);
  unsigned transport_dbg(tlm::tlm_generic_payload& access);
  void perform(tlm::tlm_generic_payload& access, const sc_core::sc_time& at);
  void access_register(tlm::tlm_generic_payload& access, const sc_core::sc_time& at);
  void access_memory(tlm::tlm_generic_payload& access);
  bool in_topology(const tlm::tlm_generic_payload& access) const;
  void access_topology(tlm::tlm_generic_payload& access);
  void refuse(tlm::tlm_generic_payload& access, tlm::tlm_response_status response);
  struct DmaPort;  // host memory as the model reaches it
  std::uint64_t request_ticks() const;
  void begin_transaction();
  void bus_process();
  void end_of_transaction();

  // time
  sc_core::sc_time span(std::uint64_t ticks) const;
  std::uint64_t ticks_at(const sc_core::sc_time& at) const;
  void advance_to(const sc_core::sc_time& at);
  void advance_ticks(std::uint64_t until);
  void plan();
  void wake_process();
  bool active() const { return powered_ && !in_reset_; }

  // pins
  void end_of_elaboration() override;
  void start_of_simulation() override;
  PinOut& port(Pin pin);
  void change_pin(const sc_core::sc_time& at, Pin pin, bool level);
  void update_irq();
  void pins_process();
  void reset_process();
  void power_process();
  void trigger_process();
  void restart_time(const sc_core::sc_time& at);

  ChipConfig config_;
  std::unique_ptr<model::Chip> chip_;
  sc_core::sc_time tick_;
  std::uint64_t ticks_max_;  // in all of simulated time
  sc_core::sc_time epoch_;   // simulated time of device time 0
  bool powered_ = true, in_reset_ = false;

  sc_core::sc_event wake_;
  std::uint64_t planned_ = ~std::uint64_t{0};  // device time at which wake_ is due; all ones: it is not
  std::optional<sc_core::sc_time> ahead_;      // promise of run_ahead
  bool lockstep_ = false;                      // nothing runs ahead
  bool stopped_ = false;  // a watch had the model stop behind simulated time: the next access or wait goes on
  bool irq_wired_ = false, marks_wired_ = false;

  std::deque<PinChange> pin_changes_;  // by time
  sc_core::sc_event pins_due_;
  bool irq_level_ = false;  // as last planned

  struct Arrival {
    tlm::tlm_generic_payload* access;
    sc_core::sc_time at;
  };
  std::deque<Arrival> arrivals_;  // the first is being served
  BusPhase bus_phase_ = BusPhase::idle;
  sc_core::sc_event bus_;

  std::unique_ptr<DmaPort> dma_port_;
  bool bursting_ = false;  // a burst is on its way through the initiator socket
};

}  // namespace heatbath::systemc
