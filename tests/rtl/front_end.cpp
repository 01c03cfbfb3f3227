#include "tests/rtl/front_end.hpp"

#include <gtest/gtest.h>

#include <Vheatbath_regs.h>
#include <systemc>

#include <algorithm>
#include <functional>
#include <vector>

#include "heatbath/register_list.h"
#include "heatbath/regs.h"

namespace heatbath::rtl {
namespace {

using Word = sc_core::sc_signal<std::uint32_t>;
using Bit = sc_core::sc_signal<bool>;

}  // namespace

struct FrontEnd::Impl {
  Bit aclk, aresetn, awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready;
  Word awaddr, awprot, wdata, wstrb, bresp, araddr, arprot, rdata, rresp;
  Bit soft_reset, hw_busy, hw_load, wr_valid, wr_repeat, wr_error, rd_error;
  Word hw_load_offset, hw_load_data, wr_offset, wr_data;
  Bit pulse_COMMAND, pulse_INTR_ACK, pulse_INTR_TEST, pulse_DMA_COMMAND;
  Vheatbath_regs block{"regs"};

  // A signal per register, by the table: what the hardware drives, and what it sees.
  struct Driven {
    std::uint32_t offset;
    bool reset;
    Word* signal;
  };
  struct Stored {
    std::uint32_t offset;
    bool rw;
    Word* signal;
  };
  std::vector<Driven> driven;
  std::vector<Stored> stored;
  Hardware* hardware = nullptr;
  std::uint64_t cycles = 0, command_pulses = 0;
  bool resetting = false;

  template <class Port>
  Word* drive(Port& port, std::uint32_t offset, bool reset) {
    driven.push_back({offset, reset, new Word});
    port(*driven.back().signal);
    return driven.back().signal;
  }
  template <class Port>
  void watch(Port& port, std::uint32_t offset, bool rw) {
    stored.push_back({offset, rw, new Word});
    port(*stored.back().signal);
  }

  Impl() {
    block.aclk(aclk), block.aresetn(aresetn);
    block.s_axi_awaddr(awaddr), block.s_axi_awprot(awprot), block.s_axi_awvalid(awvalid), block.s_axi_awready(awready);
    block.s_axi_wdata(wdata), block.s_axi_wstrb(wstrb), block.s_axi_wvalid(wvalid), block.s_axi_wready(wready);
    block.s_axi_bresp(bresp), block.s_axi_bvalid(bvalid), block.s_axi_bready(bready);
    block.s_axi_araddr(araddr), block.s_axi_arprot(arprot), block.s_axi_arvalid(arvalid), block.s_axi_arready(arready);
    block.s_axi_rdata(rdata), block.s_axi_rresp(rresp), block.s_axi_rvalid(rvalid), block.s_axi_rready(rready);
    block.soft_reset(soft_reset), block.hw_busy(hw_busy), block.hw_load(hw_load);
    block.hw_load_offset(hw_load_offset), block.hw_load_data(hw_load_data);
    block.wr_valid(wr_valid), block.wr_repeat(wr_repeat), block.wr_offset(wr_offset), block.wr_data(wr_data);
    block.wr_error(wr_error), block.rd_error(rd_error);
    block.pulse_COMMAND(pulse_COMMAND), block.pulse_INTR_ACK(pulse_INTR_ACK), block.pulse_INTR_TEST(pulse_INTR_TEST);
    block.pulse_DMA_COMMAND(pulse_DMA_COMMAND);
#define RO_VALUE(NAME, offset)
#define RO_MAP(NAME, offset)
#define RO_PROFILE(NAME, offset) drive(block.hw_##NAME, offset, false);
#define RO_LIVE(NAME, offset) drive(block.hw_##NAME, offset, false);
#define RW_VALUE(NAME, offset) watch(block.q_##NAME, offset, true);
#define RW_PROFILE(NAME, offset) watch(block.q_##NAME, offset, true), drive(block.hw_reset_##NAME, offset, true);
#define CMD_VALUE(NAME, offset) watch(block.q_##NAME, offset, false);
#define HB_REGISTER(NAME, offset, ACCESS, RESET, reset_value, write_mask) ACCESS##_##RESET(NAME, offset)
    HB_REGISTER_LIST(HB_REGISTER)
#undef HB_REGISTER
  }

  /// One clock cycle. Hardware sees the pulses after the edge and answers before the next one.
  void cycle() {
    if (hardware != nullptr)
      for (const Driven& it : driven)
        it.signal->write(it.reset ? hardware->reset_value(it.offset) : hardware->value(it.offset));
    soft_reset.write(resetting);
    aclk.write(false);
    sc_core::sc_start(1, sc_core::SC_NS);
    const bool aw = awvalid.read() && awready.read(), w = wvalid.read() && wready.read();
    const bool ar = arvalid.read() && arready.read();
    aclk.write(true);
    sc_core::sc_start(1, sc_core::SC_NS);
    if (aw) awvalid.write(false);
    if (w) wvalid.write(false);
    if (ar) arvalid.write(false);
    ++cycles;
    command_pulses += pulse_COMMAND.read();
    const bool was_resetting = resetting;
    resetting = false;
    if (hardware == nullptr || !aresetn.read()) return;
    const bool changed = wr_valid.read() || was_resetting || hw_busy.read();
    if (wr_valid.read()) {
      EXPECT_EQ(pulse_COMMAND.read(), wr_offset.read() == HB_COMMAND_OFFSET);
      EXPECT_EQ(pulse_INTR_ACK.read(), wr_offset.read() == HB_INTR_ACK_OFFSET);
      EXPECT_EQ(pulse_INTR_TEST.read(), wr_offset.read() == HB_INTR_TEST_OFFSET);
      EXPECT_EQ(pulse_DMA_COMMAND.read(), wr_offset.read() == HB_DMA_COMMAND_OFFSET);
      resetting = hardware->written(wr_offset.read(), wr_data.read());
    }
    if (wr_repeat.read()) hardware->repeated(wr_offset.read(), wr_data.read());
    if (wr_error.read()) hardware->refused();
    if (rd_error.read()) hardware->refused();
    // One correction per cycle; the block waits until the registers are what the hardware says.
    bool busy = resetting, load = false;
    if (changed && !resetting && hardware->corrects()) {
      for (const Stored& it : stored)
        if (it.rw && it.signal->read() != hardware->value(it.offset)) {
          busy = load = true;
          hw_load_offset.write(it.offset);
          hw_load_data.write(hardware->value(it.offset));
          break;
        }
    }
    hw_load.write(load);
    hw_busy.write(busy);
  }

  void until(const std::function<bool()>& happened) {
    for (int n = 0; !happened(); ++n) {
      if (n == 1000) {
        ADD_FAILURE() << "the register block did not answer within 1000 cycles";
        return;
      }
      cycle();
    }
  }
  void pass(unsigned count) {
    for (unsigned n = 0; n < count; ++n) cycle();
  }
  void address_of_write(std::uint32_t address) { awaddr.write(address), awvalid.write(true); }
  void data_of_write(std::uint32_t data, unsigned strobes) {
    wdata.write(data), wstrb.write(strobes), wvalid.write(true);
  }
  /// Takes the answer that stands on the bus, after `delay` cycles in which it must not change.
  Response take_write(unsigned delay) {
    until([&] { return bvalid.read(); });
    const auto response = static_cast<Response>(bresp.read());
    for (unsigned n = 0; n < delay; ++n) {
      cycle();
      EXPECT_TRUE(bvalid.read() && static_cast<Response>(bresp.read()) == response) << "the answer was withdrawn";
    }
    bready.write(true);
    cycle();
    bready.write(false);
    return response;
  }
  Reply take_read(unsigned delay) {
    until([&] { return rvalid.read(); });
    const Reply reply{static_cast<Response>(rresp.read()), rdata.read()};
    for (unsigned n = 0; n < delay; ++n) {
      cycle();
      EXPECT_TRUE(rvalid.read() && rdata.read() == reply.data) << "the answer was withdrawn";
    }
    rready.write(true);
    cycle();
    rready.write(false);
    return reply;
  }
};

FrontEnd::FrontEnd() : impl_(*new Impl) {}

FrontEnd& FrontEnd::get() {
  static FrontEnd it;
  return it;
}

void FrontEnd::attach(Hardware& hardware) {
  impl_.hardware = &hardware;
  impl_.hw_load.write(false), impl_.hw_busy.write(false), impl_.resetting = false;
  impl_.aresetn.write(false);
  impl_.pass(2);
  impl_.aresetn.write(true);
  impl_.cycle();
}

Reply FrontEnd::read(std::uint32_t address, unsigned ready_delay) {
  impl_.araddr.write(address), impl_.arvalid.write(true);
  return impl_.take_read(ready_delay);
}

Response FrontEnd::write(std::uint32_t address, std::uint32_t data, unsigned strobes, Delays delays) {
  for (unsigned n = 0; n <= std::max(delays.address, delays.data); ++n) {
    if (n == delays.address) impl_.address_of_write(address);
    if (n == delays.data) impl_.data_of_write(data, strobes);
    impl_.cycle();
  }
  return impl_.take_write(delays.ready);
}

Reply FrontEnd::write_and_read(std::uint32_t write_address, std::uint32_t data, std::uint32_t read_address) {
  impl_.address_of_write(write_address);
  impl_.data_of_write(data, 0xF);
  impl_.araddr.write(read_address), impl_.arvalid.write(true);
  const Reply reply = impl_.take_read(0);
  impl_.take_write(0);
  return reply;
}

void FrontEnd::soft_reset() {
  impl_.resetting = true;
  impl_.cycle();
  impl_.cycle();
}

std::uint64_t FrontEnd::cycles() const { return impl_.cycles; }
std::uint64_t FrontEnd::command_pulses() const { return impl_.command_pulses; }

}  // namespace heatbath::rtl
