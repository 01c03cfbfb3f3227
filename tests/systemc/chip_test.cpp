// The chip as a module: bus, pins, time, blocks. All modules stand in one simulation, elaborated at the first test.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "bus_masters.hpp"
#include "hw_model/device/chip.hpp"
#include "hw_model/systemc/chip_trace.hpp"
#include "hw_model/systemc/heatbath_chip.hpp"

namespace heatbath::systemc {
namespace {

using namespace model::bench;
using sc_core::sc_time;
using testing::Master;
using testing::PhaseMaster;
using testing::simulate;

constexpr std::uint32_t cells_of_all = 8, lanes_of_ideal = 4;
constexpr std::uint64_t dt = 1000;  // ticks of `ideal`

/// A file of this process, removed at its end.
struct TemporaryFile {
  explicit TemporaryFile(const std::string& name)
      : path(std::filesystem::temp_directory_path() / ("heatbath_" + std::to_string(getpid()) + "_" + name)) {}
  ~TemporaryFile() { std::filesystem::remove(path); }
  const std::filesystem::path path;
};
const TemporaryFile held_toml("held.toml"), trace_vcd("trace.vcd");

ChipConfig ideal(std::uint64_t quantum = 0) {
  return {.profile = "ideal", .cells = cells_of_all, .lanes = lanes_of_ideal, .threads = 1, .quantum_ticks = quantum};
}

/// `ideal` with costs: a chip whose array holds while the sequencer is busy.
std::string held_profile() {
  std::ifstream in(HEATBATH_SOURCE_DIR "/hw_model/profiles/ideal.toml");
  std::ostringstream text;
  text << in.rdbuf();
  std::string contents = text.str();
  const auto set = [&](const std::string& key, int value) {
    const auto at = contents.find(key + " = 0");
    EXPECT_NE(at, std::string::npos) << key;
    contents.replace(at, key.size() + 4, key + " = " + std::to_string(value));
  };
  set("fetch_ticks", 300);
  set("dac_settle_ticks", 2500);
  set("adc_conversion_ticks", 1000);
  set("bus_request_ticks", 7);
  set("bus_response_ticks", 11);
  set("bus_bytes_per_tick", 16);
  std::ofstream(held_toml.path) << contents;
  return held_toml.path.string();
}

// docs: begin platform
/// A chip with a bus master.
struct Station {
  Station(const std::string& name, const ChipConfig& config)
      : chip(name.c_str(), config), master((name + "_master").c_str()) {
    master.socket.bind(chip.socket);
  }
  HeatbathChip chip;
  Master master;
};

/// A chip with all pins wired.
struct PinnedStation : Station {
  PinnedStation() : Station("pinned", ideal()) {
    chip.irq(irq);
    chip.trigger_out(trigger_out);
    chip.sample_clock(sample_clock);
    chip.trigger_in(trigger_in);
    chip.reset_n(reset_n);
    chip.power_good(power_good);
    reset_n.write(true);
    power_good.write(true);
  }
  sc_core::sc_signal<bool> irq{"irq"}, trigger_out{"trigger_out"}, sample_clock{"sample_clock"};
  sc_core::sc_signal<bool> trigger_in{"trigger_in"}, reset_n{"reset_n"}, power_good{"power_good"};
};
// docs: end platform

/// Notes the times at which signals rise.
class Edges : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Edges);
  Edges(const sc_core::sc_module_name& name, sc_core::sc_signal<bool>& signal) : sc_module(name), signal_(signal) {
    SC_METHOD(note);
    sensitive << signal;
    dont_initialize();
  }
  std::vector<sc_time> rises, falls;

 private:
  void note() { (signal_.read() ? rises : falls).push_back(sc_core::sc_time_stamp()); }
  sc_core::sc_signal<bool>& signal_;
};

struct Bench {
  Station plain{"plain", ideal()};
  PinnedStation pinned;
  Edges irq{"irq_edges", pinned.irq}, triggers{"trigger_edges", pinned.trigger_out},
      samples{"sample_edges", pinned.sample_clock};
  Station step1{"quantum_1", ideal(1 * dt)}, step7{"quantum_7", ideal(7 * dt)}, step64{"quantum_64", ideal(64 * dt)};

  HeatbathChip silicon{"silicon",
                       {.profile = "silicon", .cells = cells_of_all, .threads = 1, .timing = Timing::approximate}};
  PhaseMaster phases{"phase_master"};
  sc_core::sc_signal<bool> silicon_irq{"silicon_irq"};
  Edges silicon_edges{"silicon_edges", silicon_irq};

  Station held{"held",
               {.profile = held_profile(), .cells = 2, .lanes = 1, .threads = 1, .timing = Timing::approximate}};

  Station sparse{"sparse",
                 {.profile = "ideal", .lanes = 1, .threads = 1, .choices = {{"cell", "pbit"}, {"topology", "grid:3x2"}}}};

  Station traced{"traced", ideal()};
  std::unique_ptr<ChipTrace> trace;

  Bench() {
    phases.socket.bind(silicon.socket);
    silicon.irq(silicon_irq);
    // docs: begin trace
    TraceSelection selection;
    selection.cells = {0, 7};
    selection.codes = true;
    selection.meters = true;
    selection.period_ticks = 10 * dt;
    trace = std::make_unique<ChipTrace>("trace", traced.chip, trace_vcd.path.string(), selection);
    // docs: end trace
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
  }
};

/// Kept to the end of the process: modules outlive their simulation.
Bench& bench() {
  static Bench* const one = new Bench;
  return *one;
}

std::vector<hb_instruction_t> relaxation(std::uint64_t steps, std::uint64_t period) {
  std::vector<hb_instruction_t> program{load(HB_SECTION_J2, 1), load(HB_SECTION_COUPLING, 0.1f), op(HB_OP_COMMIT)};
  program.push_back(timed(HB_OP_CAPTURE_START, period * dt));
  program.push_back(timed(HB_OP_EVOLVE, steps * dt));
  return program;
}

// -- bus --------------------------------------------------------------------------------------------------------------

TEST(ChipBus, RegistersCostATickAndMemoryNothingWhenLooselyTimed) {
  Master& master = bench().plain.master;
  EXPECT_EQ(master.r(HB_ID_OFFSET), HB_ID_RESET);
  EXPECT_EQ(master.delay, bench().plain.chip.tick());
  master.put<std::uint32_t>(64, {1, 2, 3});
  EXPECT_EQ(master.delay, sc_core::SC_ZERO_TIME);
  EXPECT_EQ(master.get<std::uint32_t>(64, 3), (std::vector<std::uint32_t>{1, 2, 3}));
  const std::uint64_t before = master.r64(HB_TIME_LO_OFFSET);
  EXPECT_EQ(master.r64(HB_TIME_LO_OFFSET) - before, 2u);
}

TEST(ChipBus, TheTopologyWindowCanBeReadInBlocks) {
  Master& master = bench().sparse.master;
  ASSERT_EQ(master.r(HB_CAPS_COUPLERS_OFFSET), 7u);
  EXPECT_EQ(master.r(HB_CAPS_CELL_OFFSET), 0x01080104u);
  std::vector<std::uint32_t> pairs(14);
  constexpr auto read = tlm::TLM_READ_COMMAND, write = tlm::TLM_WRITE_COMMAND;
  ASSERT_EQ(master.transport(read, HB_TOPOLOGY_BASE, pairs.data(), 56, {}), tlm::TLM_OK_RESPONSE);
  EXPECT_EQ(pairs, (std::vector<std::uint32_t>{0, 1, 0, 3, 1, 2, 1, 4, 2, 5, 3, 4, 4, 5}));
  ASSERT_EQ(master.transport(read, HB_TOPOLOGY_BASE + 48, pairs.data(), 8, {}), tlm::TLM_OK_RESPONSE);
  EXPECT_EQ(pairs[0], 4u);
  const std::uint32_t errors = master.r(HB_ERR_ACCESS_OFFSET);
  EXPECT_EQ(master.transport(write, HB_TOPOLOGY_BASE, pairs.data(), 8, {}), tlm::TLM_COMMAND_ERROR_RESPONSE);
  EXPECT_EQ(master.transport(read, HB_TOPOLOGY_BASE + 52, pairs.data(), 8, {}), tlm::TLM_ADDRESS_ERROR_RESPONSE);
  EXPECT_EQ(master.transport(read, HB_TOPOLOGY_BASE + 56, pairs.data(), 4, {}), tlm::TLM_ADDRESS_ERROR_RESPONSE);
  EXPECT_EQ(bench().plain.master.transport(read, HB_TOPOLOGY_BASE, pairs.data(), 8, {}), tlm::TLM_ADDRESS_ERROR_RESPONSE)
      << "a dense chip has none";
  EXPECT_EQ(master.r(HB_ERR_ACCESS_OFFSET), errors + 3);
}

TEST(ChipBus, WrongAccessesAreAnsweredAndCounted) {
  Master& master = bench().plain.master;
  std::uint64_t data[2] = {0, 0};
  const std::uint64_t memory_end = HB_MEMORY_BASE + (std::uint64_t{512} << 20);
  const auto refused = [&](tlm::tlm_response_status expected, tlm::tlm_command command, std::uint64_t address,
                           unsigned bytes, tlm::tlm_generic_payload&& access = tlm::tlm_generic_payload()) {
    SCOPED_TRACE("address " + std::to_string(address) + ", " + std::to_string(bytes) + " bytes");
    const std::uint32_t errors = master.r(HB_ERR_ACCESS_OFFSET);
    EXPECT_EQ(master.transport(command, address, data, bytes, std::move(access)), expected);
    EXPECT_EQ(master.r(HB_ERR_ACCESS_OFFSET), errors + 1);
  };
  constexpr auto read = tlm::TLM_READ_COMMAND, write = tlm::TLM_WRITE_COMMAND;
  refused(tlm::TLM_ADDRESS_ERROR_RESPONSE, read, 2, 4);  // unaligned
  refused(tlm::TLM_ADDRESS_ERROR_RESPONSE, write, HB_SCRATCH_OFFSET + 1, 4);
  refused(tlm::TLM_ADDRESS_ERROR_RESPONSE, read, HB_WINDOW_BYTES, 4);      // beyond the registers
  refused(tlm::TLM_ADDRESS_ERROR_RESPONSE, read, HB_WINDOW_BYTES - 4, 4);  // a hole in the map
  refused(tlm::TLM_ADDRESS_ERROR_RESPONSE, read, memory_end, 4);           // beyond the memory
  refused(tlm::TLM_ADDRESS_ERROR_RESPONSE, read, ~std::uint64_t{0} - 3, 4);
  refused(tlm::TLM_ADDRESS_ERROR_RESPONSE, write, memory_end - 8, 16);  // across its end
  refused(tlm::TLM_BURST_ERROR_RESPONSE, read, HB_SCRATCH_OFFSET, 8);   // across a register boundary
  refused(tlm::TLM_BURST_ERROR_RESPONSE, read, HB_SCRATCH_OFFSET, 1);
  refused(tlm::TLM_BURST_ERROR_RESPONSE, read, HB_SCRATCH_OFFSET, 0);
  refused(tlm::TLM_COMMAND_ERROR_RESPONSE, write, HB_ID_OFFSET, 4);  // read-only
  refused(tlm::TLM_COMMAND_ERROR_RESPONSE, tlm::TLM_IGNORE_COMMAND, HB_ID_OFFSET, 4);
  unsigned char enables[4] = {0xFF, 0, 0, 0xFF};
  for (const std::uint64_t address : {std::uint64_t{HB_SCRATCH_OFFSET}, std::uint64_t{HB_MEMORY_BASE}}) {
    tlm::tlm_generic_payload access;
    access.set_byte_enable_ptr(enables);
    access.set_byte_enable_length(4);
    refused(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE, write, address, 4, std::move(access));
  }
  tlm::tlm_generic_payload streamed;
  streamed.set_streaming_width(4);
  refused(tlm::TLM_BURST_ERROR_RESPONSE, write, HB_MEMORY_BASE, 8, std::move(streamed));
  EXPECT_EQ(master.r(HB_ID_OFFSET), HB_ID_RESET);
}

struct Remark : tlm::tlm_extension<Remark> {
  tlm_extension_base* clone() const override { return new Remark; }
  void copy_from(const tlm_extension_base&) override {}
};

TEST(ChipBus, UnknownExtensionsAreIgnored) {
  tlm::tlm_generic_payload access;
  access.set_extension(new Remark);  // the payload deletes it
  std::uint32_t value = 0x1234;
  Master& master = bench().plain.master;
  EXPECT_EQ(master.transport(tlm::TLM_WRITE_COMMAND, HB_SCRATCH_OFFSET, &value, 4, std::move(access)),
            tlm::TLM_OK_RESPONSE);
  EXPECT_EQ(master.r(HB_SCRATCH_OFFSET), 0x1234u);
}

TEST(ChipBus, DebugAccessHasNoSideEffectsAndNoTime) {
  Station& station = bench().plain;
  station.master.w(HB_SCRATCH_OFFSET, 0xABCD);
  const std::uint64_t now = station.chip.ticks();
  const std::uint32_t errors = station.chip.register_file->peek(HB_ERR_ACCESS_OFFSET);
  const auto debug = [&](tlm::tlm_command command, std::uint64_t address, void* data, unsigned bytes) {
    tlm::tlm_generic_payload access;
    access.set_command(command);
    access.set_address(address);
    access.set_data_ptr(static_cast<unsigned char*>(data));
    access.set_data_length(bytes);
    return station.master.socket->transport_dbg(access);
  };
  std::uint32_t value = 0;
  EXPECT_EQ(debug(tlm::TLM_READ_COMMAND, HB_SCRATCH_OFFSET, &value, 4), 4u);
  EXPECT_EQ(value, 0xABCDu);
  EXPECT_EQ(debug(tlm::TLM_WRITE_COMMAND, HB_SCRATCH_OFFSET, &value, 4), 0u) << "registers are not written";
  EXPECT_EQ(debug(tlm::TLM_READ_COMMAND, HB_SCRATCH_OFFSET + 2, &value, 4), 0u);
  EXPECT_EQ(debug(tlm::TLM_READ_COMMAND, HB_WINDOW_BYTES, &value, 4), 0u);
  std::uint32_t word = 77;
  EXPECT_EQ(debug(tlm::TLM_WRITE_COMMAND, HB_MEMORY_BASE + 128, &word, 4), 4u);
  value = 0;
  EXPECT_EQ(debug(tlm::TLM_READ_COMMAND, HB_MEMORY_BASE + 128, &value, 4), 4u);
  EXPECT_EQ(value, 77u);
  std::uint64_t pair = 0;
  EXPECT_EQ(debug(tlm::TLM_READ_COMMAND, HB_MEMORY_BASE + (std::uint64_t{512} << 20) - 4, &pair, 8), 4u)
      << "up to the end";
  EXPECT_EQ(station.chip.ticks(), now);
  EXPECT_EQ(station.chip.register_file->peek(HB_ERR_ACCESS_OFFSET), errors);
}

TEST(ChipBus, DmiLendsMemoryAndNoRegisters) {
  Master& master = bench().plain.master;
  tlm::tlm_generic_payload access;
  tlm::tlm_dmi dmi;
  access.set_address(HB_MEMORY_BASE + 4096);
  ASSERT_TRUE(master.socket->get_direct_mem_ptr(access, dmi));
  EXPECT_EQ(dmi.get_start_address(), HB_MEMORY_BASE);
  EXPECT_TRUE(dmi.is_read_write_allowed());
  EXPECT_EQ(dmi.get_read_latency(), sc_core::SC_ZERO_TIME);
  master.put<std::uint32_t>(256, {42});
  EXPECT_TRUE(master.dmi_hint);
  std::uint32_t value = 0;
  std::memcpy(&value, dmi.get_dmi_ptr() + 256, 4);
  EXPECT_EQ(value, 42u);
  access.set_address(HB_SCRATCH_OFFSET);
  EXPECT_FALSE(master.socket->get_direct_mem_ptr(access, dmi));
  access.set_address(HB_MEMORY_BASE);
  EXPECT_FALSE(bench().phases.socket->get_direct_mem_ptr(access, dmi))
      << "approximately timed, accesses have their time";
}

// -- pins and reset ---------------------------------------------------------------------------------------------------

TEST(ChipPins, InterruptTriggerAndSampleClockComeAtTheInstantOfTheirCause) {
  Bench& b = bench();
  PinnedStation& station = b.pinned;
  station.master.prepare(
      {timed(HB_OP_EVOLVE, 20 * dt), interrupt(5), timed(HB_OP_CAPTURE_START, 3 * dt), timed(HB_OP_EVOLVE, 7 * dt)}, 8,
      2);
  for (auto* edges : {&b.irq, &b.triggers, &b.samples}) edges->rises.clear(), edges->falls.clear();
  simulate(station.chip.time_of((station.chip.ticks() / dt + 2) * dt) - sc_core::sc_time_stamp());
  const sc_time tick = station.chip.tick(), step = tick * double(dt), start = sc_core::sc_time_stamp();
  station.trigger_in.write(true);  // at a grid point: the job starts here
  simulate(sc_core::SC_ZERO_TIME);
  EXPECT_TRUE(station.chip.sequencer->running());
  simulate(step * 40);
  EXPECT_EQ(b.triggers.rises, std::vector<sc_time>{start + step * 20});
  EXPECT_EQ(b.triggers.falls, std::vector<sc_time>{start + step * 20 + tick});
  EXPECT_EQ(b.irq.rises, std::vector<sc_time>{start + step * 20});
  EXPECT_EQ(b.samples.rises, (std::vector<sc_time>{start + step * 23, start + step * 26}));
  EXPECT_EQ(station.master.r(HB_STATUS_OFFSET), HB_STATUS_DONE_MASK);
  station.master.w(HB_INTR_ACK_OFFSET, 0x1F | 1u << 16);
  simulate(tick);
  EXPECT_FALSE(station.irq.read());
  station.trigger_in.write(false);
  simulate(tick);
}

TEST(ChipPins, ACallerAheadOfTimeSeesTheInterruptRiseAtItsInstant) {
  Bench& b = bench();
  PinnedStation& station = b.pinned;
  station.master.command(HB_COMMAND_OP_RESET);
  station.master.prepare({timed(HB_OP_EVOLVE, 20 * dt)}, 8, 1);
  const sc_time step = station.chip.tick() * double(dt);
  simulate(station.chip.time_of((station.chip.ticks() / dt + 2) * dt) - sc_core::sc_time_stamp());
  const sc_time start = sc_core::sc_time_stamp();
  station.trigger_in.write(true);
  simulate(sc_core::SC_ZERO_TIME);
  b.irq.rises.clear();

  tlm::tlm_generic_payload access;
  std::uint32_t status = 0;
  access.set_read();
  access.set_address(HB_STATUS_OFFSET);
  access.set_data_ptr(reinterpret_cast<unsigned char*>(&status));
  access.set_data_length(4);
  access.set_streaming_width(4);
  sc_time local = step * 40;
  station.master.socket->b_transport(access, local);
  EXPECT_EQ(status, HB_STATUS_DONE_MASK) << "the caller is past the end of the job";
  EXPECT_EQ(local, step * 40 + station.chip.tick());
  EXPECT_FALSE(station.irq.read());
  simulate(step * 50);
  EXPECT_EQ(b.irq.rises, std::vector<sc_time>{start + step * 20});
  station.trigger_in.write(false);
  simulate(station.chip.tick());
}

TEST(ChipPins, WarmResetInTheMiddleOfARunLeavesTheResetState) {
  PinnedStation& station = bench().pinned;
  Master& master = station.master;
  const std::uint32_t resets = master.r(HB_RESET_COUNT_OFFSET);
  master.prepare(relaxation(1000, 2), 8, 4);
  master.command(HB_COMMAND_OP_START);
  simulate(station.chip.tick() * (100.5 * double(dt)));
  ASSERT_TRUE(station.chip.sequencer->running());
  master.put<std::uint32_t>(0, {99});
  station.reset_n.write(false);
  simulate(station.chip.tick() * 50);
  EXPECT_EQ(master.r(HB_ID_OFFSET), 0u) << "in reset the bus answers and nothing listens";
  std::uint32_t value = 1;
  EXPECT_EQ(master.transport(tlm::TLM_WRITE_COMMAND, HB_SCRATCH_OFFSET, &value, 4), tlm::TLM_OK_RESPONSE);
  station.reset_n.write(true);
  simulate(sc_core::SC_ZERO_TIME);
  EXPECT_EQ(station.chip.ticks(), 0u);
  EXPECT_EQ(master.r64(HB_TIME_LO_OFFSET), 1u) << "time starts at the release";
  EXPECT_EQ(master.r(HB_RESET_COUNT_OFFSET), resets + 1);
  // Every register is as on a chip just built, beside those that a reset keeps.
  const std::set<std::uint32_t> kept{HB_RESET_COUNT_OFFSET, HB_ERR_ACCESS_OFFSET, HB_ERR_SEQUENCE_OFFSET,
                                     HB_TIME_LO_OFFSET};
  model::Chip fresh(model::load_profile("ideal"), {.cells = cells_of_all, .lanes = lanes_of_ideal, .threads = 1});
  for (std::uint32_t offset = 0; offset < HB_WINDOW_BYTES; offset += 4) {
    if (kept.count(offset) != 0) continue;
    EXPECT_EQ(station.chip.register_file->peek(offset), fresh.peek32(offset)) << offset;
  }
  EXPECT_EQ(master.get<std::uint32_t>(0, 1)[0], 99u) << "memory is not part of a reset";
  EXPECT_FALSE(station.irq.read());
}

TEST(ChipPins, WithoutPowerTheBusFailsAndPowerIsAColdReset) {
  PinnedStation& station = bench().pinned;
  Master& master = station.master;
  master.put<std::uint32_t>(0, {99});
  master.r(2);  // an error
  station.power_good.write(false);
  simulate(station.chip.tick());
  EXPECT_EQ(master.invalidations, 1);
  std::uint32_t value = 0;
  EXPECT_EQ(master.transport(tlm::TLM_READ_COMMAND, HB_ID_OFFSET, &value, 4), tlm::TLM_GENERIC_ERROR_RESPONSE);
  station.power_good.write(true);
  simulate(station.chip.tick());
  EXPECT_EQ(master.r(HB_ID_OFFSET), HB_ID_RESET);
  EXPECT_EQ(master.r(HB_RESET_COUNT_OFFSET), 0u);
  EXPECT_EQ(master.r(HB_ERR_ACCESS_OFFSET), 0u);
  EXPECT_EQ(master.get<std::uint32_t>(0, 1)[0], 0u);
}

// -- time -------------------------------------------------------------------------------------------------------------

TEST(ChipTime, TheQuantumDoesNotChangeABit) {
  Bench& b = bench();
  std::vector<std::vector<std::byte>> memories;
  for (Station* station : {&b.plain, &b.step1, &b.step7, &b.step64}) {
    Master& master = station->master;
    master.command(HB_COMMAND_OP_RESET);
    master.prepare(relaxation(500, 9), 8, 4);
    master.command(HB_COMMAND_OP_START);
    simulate(station->chip.tick() * (600.0 * double(dt)));
    EXPECT_EQ(master.r(HB_STATUS_OFFSET), HB_STATUS_DONE_MASK);
    EXPECT_EQ(master.r(HB_CAPTURE_HEAD_OFFSET), 55u);
    memories.push_back(master.get<std::byte>(ring_at, 55 * master.r(HB_CAPTURE_RECORD_BYTES_OFFSET)));
  }
  for (std::size_t i = 1; i < memories.size(); ++i) EXPECT_EQ(memories[i], memories[0]) << i;
}

TEST(ChipTime, ApproximatelyTimedBusAccessesTakeWhatTheProfileSays) {
  // [timing] of silicon: request 2, response 3, 8 bytes per tick; a tick is 1 ns.
  PhaseMaster& master = bench().phases;
  const sc_time ns(1, sc_core::SC_NS);
  std::uint32_t id = 0;
  const auto read = master.transport(tlm::TLM_READ_COMMAND, HB_ID_OFFSET, &id, 4);
  EXPECT_EQ(id, HB_ID_RESET);
  EXPECT_EQ(read.end_req - read.begin_req, ns * 2);
  EXPECT_EQ(read.begin_resp - read.begin_req, ns * 5);
  std::vector<unsigned char> block(100);
  const auto write = master.transport(tlm::TLM_WRITE_COMMAND, HB_MEMORY_BASE, block.data(), 100);
  EXPECT_EQ(write.end_req - write.begin_req, ns * 2);
  EXPECT_EQ(write.begin_resp - write.begin_req, ns * (5 + 13));  // 100 bytes: 12.5 ticks
  const int freed = master.freed;
  const auto wrong = master.transport(tlm::TLM_WRITE_COMMAND, HB_ID_OFFSET, &id, 4);
  EXPECT_EQ(wrong.response, tlm::TLM_COMMAND_ERROR_RESPONSE);
  EXPECT_EQ(wrong.begin_resp - wrong.begin_req, ns * 5);
  simulate(ns);
  EXPECT_EQ(master.freed, freed + 1) << "the chip gives every payload back";
}

TEST(ChipTime, ApproximatelyTimedInstructionsTakeWhatTheProfileSays) {
  // silicon: fetch 4, operands 8 bytes per tick, settling 20 after COMMIT and CLAMP, conversion 25 after SAMPLE.
  Bench& b = bench();
  PhaseMaster& master = b.phases;
  const std::vector<hb_instruction_t> program{load(HB_SECTION_J2, 1),                   // 4
                                              load_from(HB_SECTION_BIAS, operands_at),  // 4, 8 codes of 2 bytes: 2
                                              op(HB_OP_COMMIT),                         // 4, 20
                                              cells_to(HB_OP_CLAMP, 0, 1, 0.5f),        // 4, 20
                                              timed(HB_OP_EVOLVE, 100),                 // 4, 100
                                              op(HB_OP_SAMPLE),                         // 4, 25
                                              loop(3),
                                              timed(HB_OP_EVOLVE, 10),
                                              op(HB_OP_LOOP_END),  // 4, 3 x (4 + 10 + 4)
                                              op(HB_OP_HALT)};     // 4
  // Other tests may have left simulated time inside a tick of this chip.
  const sc_time ns(1, sc_core::SC_NS);
  simulate(ns - sc_time::from_value(sc_core::sc_time_stamp().value() % ns.value()));
  constexpr int expected = 4 + (4 + 2) + 24 + 24 + 104 + 29 + 4 + 3 * 18 + 4;
  master.transport(tlm::TLM_WRITE_COMMAND, HB_MEMORY_BASE + program_at, const_cast<hb_instruction_t*>(program.data()),
                   static_cast<unsigned>(program.size() * sizeof program[0]));
  master.w(HB_SHOTS_OFFSET, 1);
  master.w(HB_PROGRAM_ADDR_LO_OFFSET, program_at);
  master.w(HB_PROGRAM_COUNT_OFFSET, static_cast<std::uint32_t>(program.size()));
  master.w(HB_CAPTURE_BASE_LO_OFFSET, ring_at);
  master.w(HB_CAPTURE_SLOTS_OFFSET, 4);
  master.w(HB_INTR_ENABLE_OFFSET, HB_INTR_STATE_JOB_DONE_MASK);
  std::uint32_t start = HB_COMMAND_OP_START | 1u << 16;
  const auto begun = master.transport(tlm::TLM_WRITE_COMMAND, HB_COMMAND_OFFSET, &start, 4);
  simulate(sc_time(1000, sc_core::SC_NS));
  ASSERT_EQ(b.silicon_edges.rises.size(), 1u);
  EXPECT_EQ(b.silicon_edges.rises[0] - begun.begin_resp, sc_time(expected, sc_core::SC_NS));
  EXPECT_EQ(master.r(HB_JOB_TICKS_LO_OFFSET), static_cast<std::uint32_t>(expected))
      << "a free-running array never holds";
  EXPECT_EQ(master.r(HB_CAPTURE_HEAD_OFFSET), 1u);
}

TEST(ChipTime, AnArrayThatDoesNotRunFreelyHoldsDuringCosts) {
  // held: fetch 300, settling 2500, conversion 1000; steps of 1000 ticks, so costs are rounded up to whole steps.
  Station& station = bench().held;
  Master& master = station.master;
  master.prepare({load(HB_SECTION_J2, 1), op(HB_OP_COMMIT), timed(HB_OP_EVOLVE, 10 * dt), op(HB_OP_SAMPLE)}, 2, 1);
  master.w(HB_COMMAND_OFFSET, HB_COMMAND_OP_START | 1u << 16);
  const std::uint64_t begun = (master.r64(HB_TIME_LO_OFFSET) + dt - 1) / dt * dt;  // START acts at the next grid point
  constexpr std::uint64_t expected = (1 + (1 + 3) + (1 + 10) + (1 + 1) + 1) * dt;
  simulate(station.chip.time_of(begun + expected) - station.chip.tick() - sc_core::sc_time_stamp());
  station.chip.synchronize();
  EXPECT_TRUE(station.chip.sequencer->running());
  simulate(station.chip.tick());
  station.chip.synchronize();
  EXPECT_FALSE(station.chip.sequencer->running());
  EXPECT_EQ(station.chip.sequencer->evolved_ticks(), 10 * dt);
  EXPECT_EQ(master.r(HB_STATUS_OFFSET), HB_STATUS_DONE_MASK);
  EXPECT_EQ(master.delay, station.chip.tick() * 18);
}

// -- blocks and traces ------------------------------------------------------------------------------------------------

TEST(ChipBlocks, EveryCellIsAnObjectWithItsState) {
  Station& station = bench().plain;
  auto* const cell = dynamic_cast<Cell*>(sc_core::sc_find_object("plain.array.cell_7"));
  ASSERT_NE(cell, nullptr);
  EXPECT_EQ(sc_core::sc_find_object("plain.array.cell_8"), nullptr);
  for (const char* block : {"register_file", "sequencer", "dac_bank", "coupling_fabric", "noise", "adc_bank", "meters"})
    EXPECT_NE(sc_core::sc_find_object((std::string("plain.") + block).c_str()), nullptr) << block;

  Master& master = station.master;
  master.command(HB_COMMAND_OP_RESET);
  EXPECT_EQ(cell->state(), 0.0f);
  auto program = relaxation(50, 5);
  program.push_back(op(HB_OP_METER_CLEAR));
  program.push_back(op(HB_OP_SAMPLE));
  program.push_back(snapshot(meters_at));
  master.prepare(program, 8, 2);
  master.command(HB_COMMAND_OP_START);
  simulate(station.chip.tick() * (100.0 * double(dt)));
  const std::uint32_t last = master.r(HB_CAPTURE_HEAD_OFFSET) - 1;
  const auto states = master.get<float>(ring_at + last * master.r(HB_CAPTURE_RECORD_BYTES_OFFSET) + 32, 8);
  EXPECT_NE(states[7], 0.0f);
  EXPECT_EQ(cell->state(), states[7]);
  EXPECT_EQ(station.chip.adc_bank->sample(7), states[7]) << "float32 captures are the state";
  EXPECT_EQ(station.chip.dac_bank->j2(7), 1.0f);
  EXPECT_EQ(station.chip.coupling_fabric->coupling(1, 7), 0.1f);
  EXPECT_EQ(station.chip.coupling_fabric->gain(), 1.0f);
  EXPECT_EQ(station.chip.meters->read().energy, master.get<double>(meters_at, 1)[0]);
}

TEST(ChipTraceFile, HoldsTheChosenValuesAndTheyMove) {
  Bench& b = bench();
  Master& master = b.traced.master;
  master.prepare(relaxation(200, 50), 8, 2);
  master.command(HB_COMMAND_OP_START);
  simulate(b.traced.chip.tick() * (250.0 * double(dt)));
  b.trace.reset();
  std::ifstream in(trace_vcd.path);
  std::ostringstream text;
  text << in.rdbuf();
  const std::string vcd = text.str();
  for (const char* name : {"cell_0", "cell_7", "bias_0", "sample_7", "energy", "pc", "irq", "intr_state"})
    EXPECT_NE(vcd.find(std::string(" ") + name + " "), std::string::npos) << name;
  EXPECT_NE(vcd.find("$scope module array"), std::string::npos);
  EXPECT_EQ(vcd.find("cell_1 "), std::string::npos);
  std::size_t changes = 0;
  for (std::size_t at = vcd.find("\nr"); at != std::string::npos; at = vcd.find("\nr", at + 1)) ++changes;
  EXPECT_GT(changes, 40u);
}

}  // namespace
}  // namespace heatbath::systemc
