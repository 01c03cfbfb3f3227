// The p-bit chip of profile fpga-pbit: registers and device memory behind one AXI4-Lite port, sequencer, array.
//
// Addresses: registers from 0, device memory from 0x10000000 (32-bit words, strobes). SLVERR elsewhere, and as
// heatbath_regs has it. One write and one read at a time. While the sequencer is at work (`settled` is 0) accesses wait.
// `idle`: no access is under way.
//
// Time moves by `advance`, `time_limit` and `stop_at_interrupt` (heatbath_sequencer.v).
module heatbath_chip #(
  parameter LOG_CELLS    = 6,        // 2^LOG_CELLS cells can be built
  parameter LOG_WIDTH    = 3,        // 2^LOG_WIDTH couplings are summed in a clock
  parameter SLICED       = 0,        // 1: Philox in a quarter of the multipliers and four times the clocks
  parameter MEMORY_BYTES = 2097152,
  parameter PROGRAM_MAX  = 4096,
  parameter TICK_BITS    = 64        // device time wraps after 2^TICK_BITS ticks
) (
  input  wire               aclk,
  input  wire               aresetn,
  input  wire [31:0]        s_axi_awaddr,
  input  wire [2:0]         s_axi_awprot,
  input  wire               s_axi_awvalid,
  output wire               s_axi_awready,
  input  wire [31:0]        s_axi_wdata,
  input  wire [3:0]         s_axi_wstrb,
  input  wire               s_axi_wvalid,
  output wire               s_axi_wready,
  output reg  [1:0]         s_axi_bresp,
  output reg                s_axi_bvalid,
  input  wire               s_axi_bready,
  input  wire [31:0]        s_axi_araddr,
  input  wire [2:0]         s_axi_arprot,
  input  wire               s_axi_arvalid,
  output wire               s_axi_arready,
  output reg  [31:0]        s_axi_rdata,
  output reg  [1:0]         s_axi_rresp,
  output reg                s_axi_rvalid,
  input  wire               s_axi_rready,
  output wire               idle,
  output wire               irq,
  input  wire               advance,
  input  wire [63:0]        time_limit,
  input  wire               stop_at_interrupt,
  output wire               settled,
  output wire [63:0]        device_time,
  input  wire [LOG_CELLS:0] cells,      // CAPS_CELLS
  input  wire [63:0]        part_seed,  // the part's own noise
  input  wire [63:0]        serial
);
  localparam [1:0] OKAY = 2'b00;

  // -- the port ---------------------------------------------------------------------------------------------------------
  reg         aw_full, w_full, ar_full;
  reg  [31:0] aw_addr, w_data, ar_addr;
  reg  [3:0]  w_strb;
  assign s_axi_awready = ~aw_full & ~s_axi_bvalid;
  assign s_axi_wready = ~w_full & ~s_axi_bvalid;
  assign s_axi_arready = ~ar_full & ~s_axi_rvalid;
  assign idle = ~aw_full & ~w_full & ~ar_full & ~s_axi_awvalid & ~s_axi_wvalid & ~s_axi_arvalid & ~seen;

  reg         to_aw, to_w, to_ar;          // on their way to the registers
  wire        aw_taken, w_taken, ar_taken, b_valid, r_valid;
  wire [1:0]  b_resp, r_resp;
  wire [31:0] r_data;
  reg         writing, reading, fetching;  // an access to registers; a read of memory
  reg         seen;                        // what it did shows

  localparam [31:0] LAST_BYTE = MEMORY_BYTES - 1;
  wire w_in_memory = aw_addr[31:28] == 4'd1 & {4'd0, aw_addr[27:0]} <= LAST_BYTE & aw_addr[1:0] == 2'd0;
  wire r_in_memory = ar_addr[31:28] == 4'd1 & {4'd0, ar_addr[27:0]} <= LAST_BYTE & ar_addr[1:0] == 2'd0;
  wire go_write = aw_full & w_full & ~s_axi_bvalid & ~writing & ~reading & ~fetching;
  wire go_read = ar_full & ~s_axi_rvalid & ~writing & ~reading & ~fetching & ~go_write;
  wire store = go_write & w_in_memory & settled;

  wire [29:0] mem_address;
  wire [3:0]  mem_we;
  wire [31:0] mem_wdata, mem_rdata;
  heatbath_memory #(.BYTES(MEMORY_BYTES)) memory (
    .clk(aclk),
    .address(settled ? {4'd0, store ? aw_addr[27:2] : ar_addr[27:2]} : mem_address),
    .we(settled ? (store ? w_strb : 4'd0) : mem_we),
    .wdata(settled ? w_data : mem_wdata),
    .rdata(mem_rdata));

  always @(posedge aclk) begin
    seen <= writing | reading;
    if (s_axi_awvalid & s_axi_awready) begin
      aw_full <= 1'b1;
      aw_addr <= s_axi_awaddr;
    end
    if (s_axi_wvalid & s_axi_wready) begin
      w_full <= 1'b1;
      w_data <= s_axi_wdata;
      w_strb <= s_axi_wstrb;
    end
    if (s_axi_arvalid & s_axi_arready) begin
      ar_full <= 1'b1;
      ar_addr <= s_axi_araddr;
    end
    if (s_axi_bvalid & s_axi_bready) s_axi_bvalid <= 1'b0;
    if (s_axi_rvalid & s_axi_rready) s_axi_rvalid <= 1'b0;
    if (to_aw & aw_taken) to_aw <= 1'b0;
    if (to_w & w_taken) to_w <= 1'b0;
    if (to_ar & ar_taken) to_ar <= 1'b0;

    if (go_write & (~w_in_memory | settled)) begin
      if (w_in_memory) begin
        aw_full <= 1'b0;
        w_full <= 1'b0;
        s_axi_bvalid <= 1'b1;
        s_axi_bresp <= OKAY;
      end else begin
        writing <= 1'b1;
        to_aw <= 1'b1;
        to_w <= 1'b1;
      end
    end
    if (go_read & (~r_in_memory | settled)) begin
      if (r_in_memory) begin
        fetching <= 1'b1;
      end else begin
        reading <= 1'b1;
        to_ar <= 1'b1;
      end
    end
    if (fetching) begin
      fetching <= 1'b0;
      ar_full <= 1'b0;
      s_axi_rvalid <= 1'b1;
      s_axi_rdata <= mem_rdata;
      s_axi_rresp <= OKAY;
    end
    if (writing & b_valid) begin
      writing <= 1'b0;
      aw_full <= 1'b0;
      w_full <= 1'b0;
      s_axi_bvalid <= 1'b1;
      s_axi_bresp <= b_resp;
    end
    if (reading & r_valid) begin
      reading <= 1'b0;
      ar_full <= 1'b0;
      s_axi_rvalid <= 1'b1;
      s_axi_rdata <= r_data;
      s_axi_rresp <= r_resp;
    end
    if (~aresetn) begin
      aw_full <= 1'b0;
      w_full <= 1'b0;
      ar_full <= 1'b0;
      s_axi_bvalid <= 1'b0;
      s_axi_rvalid <= 1'b0;
      to_aw <= 1'b0;
      to_w <= 1'b0;
      to_ar <= 1'b0;
      writing <= 1'b0;
      reading <= 1'b0;
      fetching <= 1'b0;
    end
  end

  // -- registers ----------------------------------------------------------------------------------------------------------
  wire        soft_reset, hw_busy, hw_load, wr_valid, wr_repeat, wr_error, rd_error;
  wire [11:0] hw_load_offset, wr_offset;
  wire [31:0] hw_load_data, wr_data;
  wire [31:0] q_ACTIVE_CELLS, q_DT_TICKS, q_PROGRAM_COUNT, q_SHOTS, q_JOB_FLAGS, q_JOB_SHOT0, q_INTR_ENABLE,
              q_CAPTURE_SLOTS, q_CAPTURE_CELL0, q_CAPTURE_CELLS, q_CAPTURE_WATERMARK;
  wire [63:0] q_PROGRAM_ADDR, q_JOB_SEED, q_JOB_STEP0, q_CAPTURE_BASE;
  wire [31:0] RESET_COUNT, ERR_ACCESS, ERR_SEQUENCE, COMMAND_ACK, STATUS, SHOT_COUNT, PROGRAM_PC, INTR_TAG,
              CAPTURE_RECORD_BYTES, CAPTURE_HEAD, FAULT_CODE, FAULT_PC, FAULT_FIELD, FAULT_INFO, CLIP_COUNT;
  wire [63:0] JOB_TICKS, STALL_TICKS;
  wire [5:0]  INTR_STATE;
  wire [7:0]  DMA_CODE;

  heatbath_regs regs (
    .aclk(aclk), .aresetn(aresetn),
    .s_axi_awaddr(aw_addr), .s_axi_awprot(3'd0), .s_axi_awvalid(to_aw), .s_axi_awready(aw_taken),
    .s_axi_wdata(w_data), .s_axi_wstrb(w_strb), .s_axi_wvalid(to_w), .s_axi_wready(w_taken),
    .s_axi_bresp(b_resp), .s_axi_bvalid(b_valid), .s_axi_bready(1'b1),
    .s_axi_araddr(ar_addr), .s_axi_arprot(3'd0), .s_axi_arvalid(to_ar), .s_axi_arready(ar_taken),
    .s_axi_rdata(r_data), .s_axi_rresp(r_resp), .s_axi_rvalid(r_valid), .s_axi_rready(1'b1),
    .soft_reset(soft_reset), .hw_busy(hw_busy), .hw_load(hw_load), .hw_load_offset(hw_load_offset),
    .hw_load_data(hw_load_data), .wr_valid(wr_valid), .wr_repeat(wr_repeat), .wr_offset(wr_offset), .wr_data(wr_data),
    .wr_error(wr_error), .rd_error(rd_error),
    .hw_reset_DT_TICKS(32'd4096), .hw_reset_ACTIVE_CELLS({{(31-LOG_CELLS){1'b0}}, cells}),
    // what the profile says
    .hw_VENDOR(32'h00004842), .hw_PART(32'h00002107), .hw_REVISION(32'h00000001), .hw_SERIAL_LO(serial[31:0]),
    .hw_SERIAL_HI(serial[63:32]), .hw_CAPS(32'h000002DB), .hw_CAPS_CELLS({{(31-LOG_CELLS){1'b0}}, cells}),
    .hw_CAPS_LANES(32'h00000001), .hw_CAPS_TICK_PS(32'h0000A2C3), .hw_CAPS_TIME_UNIT_TICKS(32'h00001000),
    .hw_CAPS_CAPTURE_MIN_TICKS(32'h00000000), .hw_CAPS_PARAM_FORMAT(32'h00000801),
    .hw_CAPS_CAPTURE_FORMAT(32'h00000000), .hw_CAPS_CELL(32'h01060004), .hw_CAPS_MEMORY_LO(MEMORY_BYTES),
    .hw_CAPS_MEMORY_HI(32'h00000000), .hw_CAPS_PROGRAM_MAX(PROGRAM_MAX), .hw_CAPS_LOOP_DEPTH(32'h00000004),
    .hw_CAPS_RANGE_J2(32'h3F800000), .hw_CAPS_RANGE_J4(32'h3F800000), .hw_CAPS_RANGE_BIAS(32'h41000000),
    .hw_CAPS_RANGE_COUPLING(32'h40000000), .hw_CAPS_RANGE_STATE(32'h3F800000), .hw_CAPS_KT_MIN(32'h00000000),
    .hw_CAPS_KT_MAX(32'h41000000), .hw_CAPS_KT_RESET(32'h3F800000), .hw_CAPS_MOBILITY(32'h3F800000),
    .hw_CAPS_ENERGY_UNIT_J(32'h1D9C67A0), .hw_CAPS_COUPLERS(32'h00000000), .hw_CAPS_RANGE_MASS(32'h3F800000),
    .hw_CAPS_RANGE_DAMPING(32'h3F800000), .hw_CAPS_RANGE_FREQUENCY(32'h3F800000),
    .hw_CAPS_RANGE_SECOND(32'h00000000), .hw_CAPS_ARITHMETIC(32'h00000003), .hw_CAPS_STATES(32'h00000000),
    .hw_CAPS_COST_SAMPLE_J(32'h00000000), .hw_CAPS_COST_READ_J(32'h00000000), .hw_CAPS_COST_WRITE_J(32'h00000000),
    .hw_CAPS_COST_CONVERSION_J(32'h00000000), .hw_CAPS_COST_LINK_BYTE_J(32'h00000000),
    .hw_CAPS_COST_STANDBY_W(32'h00000000), .hw_CAPS_COST_GRADES(32'h00222222),
    // what lives
    .hw_RESET_COUNT(RESET_COUNT), .hw_ERR_ACCESS(ERR_ACCESS), .hw_ERR_SEQUENCE(ERR_SEQUENCE), .hw_ERR_PARITY(32'd0),
    .hw_COMMAND_ACK(COMMAND_ACK), .hw_STATUS(STATUS), .hw_DIE_TEMPERATURE(32'd0), .hw_TIME_LO(device_time[31:0]),
    .hw_TIME_HI(device_time[63:32]), .hw_SHOT_COUNT(SHOT_COUNT), .hw_PROGRAM_PC(PROGRAM_PC),
    .hw_JOB_TICKS_LO(JOB_TICKS[31:0]), .hw_JOB_TICKS_HI(JOB_TICKS[63:32]), .hw_STALL_TICKS_LO(STALL_TICKS[31:0]),
    .hw_STALL_TICKS_HI(STALL_TICKS[63:32]), .hw_INTR_STATE({26'd0, INTR_STATE}), .hw_INTR_TAG(INTR_TAG),
    .hw_CAPTURE_RECORD_BYTES(CAPTURE_RECORD_BYTES), .hw_CAPTURE_HEAD(CAPTURE_HEAD),
    .hw_DMA_STATUS({16'd0, DMA_CODE, 8'd0}), .hw_DMA_MOVED(32'd0), .hw_FAULT_CODE(FAULT_CODE), .hw_FAULT_PC(FAULT_PC),
    .hw_FAULT_FIELD(FAULT_FIELD), .hw_FAULT_INFO(FAULT_INFO), .hw_CLIP_COUNT(CLIP_COUNT), .hw_RAIL_COUNT(32'd0),
    .hw_RAIL_CELL(32'hFFFFFFFF), .hw_CAPTURE_CLIP_COUNT(32'd0),
    .q_ACTIVE_CELLS(q_ACTIVE_CELLS), .q_DT_TICKS(q_DT_TICKS), .q_PROGRAM_ADDR_LO(q_PROGRAM_ADDR[31:0]),
    .q_PROGRAM_ADDR_HI(q_PROGRAM_ADDR[63:32]), .q_PROGRAM_COUNT(q_PROGRAM_COUNT), .q_SHOTS(q_SHOTS),
    .q_JOB_FLAGS(q_JOB_FLAGS), .q_JOB_SEED_LO(q_JOB_SEED[31:0]), .q_JOB_SEED_HI(q_JOB_SEED[63:32]),
    .q_JOB_SHOT0(q_JOB_SHOT0), .q_JOB_STEP0_LO(q_JOB_STEP0[31:0]), .q_JOB_STEP0_HI(q_JOB_STEP0[63:32]),
    .q_INTR_ENABLE(q_INTR_ENABLE), .q_CAPTURE_BASE_LO(q_CAPTURE_BASE[31:0]),
    .q_CAPTURE_BASE_HI(q_CAPTURE_BASE[63:32]), .q_CAPTURE_SLOTS(q_CAPTURE_SLOTS), .q_CAPTURE_CELL0(q_CAPTURE_CELL0),
    .q_CAPTURE_CELLS(q_CAPTURE_CELLS), .q_CAPTURE_WATERMARK(q_CAPTURE_WATERMARK),
    // what nothing here looks at
    /* verilator lint_off PINCONNECTEMPTY */
    .pulse_COMMAND(), .pulse_INTR_ACK(), .pulse_INTR_TEST(), .pulse_DMA_COMMAND(), .q_SCRATCH(), .q_COMMAND(),
    .q_INTR_ACK(), .q_INTR_TEST(), .q_CAPTURE_TAIL(), .q_DMA_COMMAND(), .q_DMA_HOST_LO(), .q_DMA_HOST_HI(),
    .q_DMA_DEVICE_LO(), .q_DMA_DEVICE_HI(), .q_DMA_BYTES(), .q_DMA_BURST());
  /* verilator lint_on PINCONNECTEMPTY */

  // -- sequencer and array --------------------------------------------------------------------------------------------
  wire                      clear, bias_we, pair_we, commit, spin_we, spin_value, spin_reset, sweep, array_busy;
  wire [LOG_CELLS-1:0]      bias_cell, pair_i, pair_j, read_i, read_j, spin_cell;
  wire [7:0]                bias_code, pair_code, live_bias, live_pair;
  wire [(1<<LOG_CELLS)-1:0] spins, held;
  wire [LOG_CELLS:0]        active;
  wire [11:0]               fraction;
  wire signed [11:0]        gain_live, gain_shadow;
  wire [14:0]               kT_live, kT_shadow;
  wire [63:0]               seed;
  wire [47:0]               step;
  wire [31:0]               shot;

  heatbath_sequencer #(.LOG_CELLS(LOG_CELLS), .MEMORY_BYTES(MEMORY_BYTES), .PROGRAM_MAX(PROGRAM_MAX),
                        .TICK_BITS(TICK_BITS)) sequencer (
    .clk(aclk), .aresetn(aresetn), .advance(advance), .time_limit(time_limit), .stop_at_interrupt(stop_at_interrupt),
    .settled(settled), .device_time(device_time), .irq(irq), .cells(cells), .part_seed(part_seed),
    .hw_busy(hw_busy), .soft_reset(soft_reset), .hw_load(hw_load), .hw_load_offset(hw_load_offset),
    .hw_load_data(hw_load_data), .wr_valid(wr_valid), .wr_repeat(wr_repeat), .wr_offset(wr_offset), .wr_data(wr_data),
    .wr_error(wr_error), .rd_error(rd_error),
    .q_ACTIVE_CELLS(q_ACTIVE_CELLS), .q_DT_TICKS(q_DT_TICKS), .q_PROGRAM_ADDR(q_PROGRAM_ADDR),
    .q_PROGRAM_COUNT(q_PROGRAM_COUNT), .q_SHOTS(q_SHOTS), .q_JOB_FLAGS(q_JOB_FLAGS), .q_JOB_SEED(q_JOB_SEED),
    .q_JOB_SHOT0(q_JOB_SHOT0), .q_JOB_STEP0(q_JOB_STEP0), .q_INTR_ENABLE(q_INTR_ENABLE),
    .q_CAPTURE_BASE(q_CAPTURE_BASE), .q_CAPTURE_SLOTS(q_CAPTURE_SLOTS), .q_CAPTURE_CELL0(q_CAPTURE_CELL0),
    .q_CAPTURE_CELLS(q_CAPTURE_CELLS), .q_CAPTURE_WATERMARK(q_CAPTURE_WATERMARK),
    .r_RESET_COUNT(RESET_COUNT), .r_ERR_ACCESS(ERR_ACCESS), .r_ERR_SEQUENCE(ERR_SEQUENCE), .r_COMMAND_ACK(COMMAND_ACK),
    .r_STATUS(STATUS), .r_SHOT_COUNT(SHOT_COUNT), .r_PROGRAM_PC(PROGRAM_PC), .r_JOB_TICKS(JOB_TICKS),
    .r_STALL_TICKS(STALL_TICKS), .r_INTR_STATE(INTR_STATE), .r_INTR_TAG(INTR_TAG),
    .r_CAPTURE_RECORD_BYTES(CAPTURE_RECORD_BYTES), .r_CAPTURE_HEAD(CAPTURE_HEAD), .r_DMA_CODE(DMA_CODE),
    .r_FAULT_CODE(FAULT_CODE), .r_FAULT_PC(FAULT_PC), .r_FAULT_FIELD(FAULT_FIELD), .r_FAULT_INFO(FAULT_INFO),
    .r_CLIP_COUNT(CLIP_COUNT),
    .mem_address(mem_address), .mem_we(mem_we), .mem_wdata(mem_wdata), .mem_rdata(mem_rdata),
    .clear(clear), .bias_we(bias_we), .bias_cell(bias_cell), .bias_code(bias_code), .pair_we(pair_we), .pair_i(pair_i),
    .pair_j(pair_j), .pair_code(pair_code), .commit(commit), .read_i(read_i), .read_j(read_j), .live_bias(live_bias),
    .live_pair(live_pair), .spin_we(spin_we), .spin_cell(spin_cell), .spin_value(spin_value), .spin_reset(spin_reset),
    .spins(spins), .held(held), .sweep(sweep), .active(active), .fraction(fraction), .gain_live(gain_live),
    .gain_shadow(gain_shadow), .kT_live(kT_live), .kT_shadow(kT_shadow), .seed(seed), .step(step), .shot(shot),
    .array_busy(array_busy));

  heatbath_pbit_array #(.LOG_CELLS(LOG_CELLS), .LOG_WIDTH(LOG_WIDTH), .SLICED(SLICED)) array (
    .clk(aclk), .aresetn(aresetn), .active(active), .clear(clear), .bias_we(bias_we), .bias_cell(bias_cell),
    .bias_code(bias_code), .pair_we(pair_we), .pair_i(pair_i), .pair_j(pair_j), .pair_code(pair_code),
    .commit(commit), .read_i(read_i), .read_j(read_j), .live_bias(live_bias), .live_pair(live_pair),
    .spin_we(spin_we), .spin_cell(spin_cell), .spin_value(spin_value), .spin_reset(spin_reset), .spins(spins),
    .held(held), .sweep(sweep), .fraction(fraction), .gain_live(gain_live), .gain_shadow(gain_shadow),
    .kT_live(kT_live), .kT_shadow(kT_shadow), .seed(seed), .step(step), .shot(shot), .busy(array_busy));

  // Protection types are not distinguished.
  wire unused = &{1'b0, s_axi_awprot, s_axi_arprot};
endmodule
