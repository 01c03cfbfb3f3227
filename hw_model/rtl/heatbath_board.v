// The p-bit chip as a board or a LiteX design takes it: a Wishbone slave of 32-bit words (classic cycles, byte addresses),
// an interrupt, and device time that follows the clock: one tick a clock, as long as a sweep takes fewer clocks than
// ticks. Wishbone addresses are those of heatbath_chip; err answers what its port answers with SLVERR.
//
// Not tried on a board.
module heatbath_board #(
  parameter LOG_CELLS    = 6,
  parameter LOG_WIDTH    = 3,
  parameter SLICED       = 1,
  parameter MEMORY_BYTES = 4096,
  parameter PROGRAM_MAX  = 32,
  parameter TICK_BITS    = 48        // 2^48 clocks: 135 days at 24 MHz
) (
  input  wire        clk,
  input  wire        rst,
  input  wire [31:0] wb_adr,
  input  wire [31:0] wb_dat_w,
  output wire [31:0] wb_dat_r,
  input  wire [3:0]  wb_sel,
  input  wire        wb_we,
  input  wire        wb_cyc,
  input  wire        wb_stb,
  output wire        wb_ack,
  output wire        wb_err,
  output wire        irq
);
  wire [1:0]  bresp, rresp;
  wire        awready, wready, arready, bvalid, rvalid, idle;
  wire        settled;
  wire [63:0] device_time;
  reg         asked, to_aw, to_w, to_ar;
  reg  [TICK_BITS-1:0] passed;  // clocks since time was last asked for
  wire [TICK_BITS-1:0] limit = device_time[TICK_BITS-1:0] + passed;

  wire answer = bvalid | rvalid;
  wire advance = idle & ~asked & ~(wb_cyc & wb_stb);  // between two accesses
  assign wb_ack = answer & wb_cyc & wb_stb & (bvalid ? bresp : rresp) == 2'b00;
  assign wb_err = answer & wb_cyc & wb_stb & (bvalid ? bresp : rresp) != 2'b00;

  always @(posedge clk) begin
    passed <= advance & settled ? 1 : passed + 1'b1;
    if (to_aw & awready) to_aw <= 1'b0;
    if (to_w & wready) to_w <= 1'b0;
    if (to_ar & arready) to_ar <= 1'b0;
    if (wb_cyc & wb_stb & ~asked) begin
      asked <= 1'b1;
      to_aw <= wb_we;
      to_w <= wb_we;
      to_ar <= ~wb_we;
    end
    if (answer) asked <= 1'b0;
    if (rst) begin
      asked <= 1'b0;
      to_aw <= 1'b0;
      to_w <= 1'b0;
      to_ar <= 1'b0;
      passed <= 1;
    end
  end

  heatbath_chip #(.LOG_CELLS(LOG_CELLS), .LOG_WIDTH(LOG_WIDTH), .SLICED(SLICED), .MEMORY_BYTES(MEMORY_BYTES),
                  .PROGRAM_MAX(PROGRAM_MAX), .TICK_BITS(TICK_BITS)) chip (
    .aclk(clk), .aresetn(~rst),
    .s_axi_awaddr(wb_adr), .s_axi_awprot(3'd0), .s_axi_awvalid(to_aw), .s_axi_awready(awready),
    .s_axi_wdata(wb_dat_w), .s_axi_wstrb(wb_sel), .s_axi_wvalid(to_w), .s_axi_wready(wready),
    .s_axi_bresp(bresp), .s_axi_bvalid(bvalid), .s_axi_bready(1'b1),
    .s_axi_araddr(wb_adr), .s_axi_arprot(3'd0), .s_axi_arvalid(to_ar), .s_axi_arready(arready),
    .s_axi_rdata(wb_dat_r), .s_axi_rresp(rresp), .s_axi_rvalid(rvalid), .s_axi_rready(1'b1),
    .idle(idle), .irq(irq), .advance(advance), .time_limit({{(64-TICK_BITS){1'b0}}, limit}), .stop_at_interrupt(1'b0),
    .settled(settled), .device_time(device_time),
    .cells({1'b1, {LOG_CELLS{1'b0}}}), .part_seed(64'd1), .serial(64'd1));
  wire unused = &{1'b0, device_time};
endmodule
