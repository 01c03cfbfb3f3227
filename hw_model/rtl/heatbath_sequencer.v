// Runs programs of 64-byte instructions from device memory on the array, keeps the time of both, and answers what the
// registers ask: the sequencer of profile fpga-pbit, tick for tick that of hw_model/device/sequencer.hpp.
//
// Time. Device time moves only on request: with `settled` and `advance`, everything up to and including tick `time_limit`
// happens, and `settled` is 1 again; with `stop_at_interrupt` it comes back at the instant at which irq rises. Between two
// requests the registers answer. A board ties time_limit to a clock counter (heatbath_board.v).
//
// Memory is one port of 32-bit words, data one clock after the address; the sequencer uses it only while not settled.
//
// Of the instructions, METER_CLEAR and METER_SNAPSHOT are refused as CAPS says, all others run. The program is read from
// memory as it runs: a host that changes it meanwhile changes what runs.
//
// TICK_BITS: device time wraps after 2^TICK_BITS ticks, and durations that need more are refused (FAULT_FIELD ticks); the
// model has 64. Whatever is a multiple of a step is kept as a number of steps.
module heatbath_sequencer #(
  parameter LOG_CELLS    = 6,
  parameter MEMORY_BYTES = 2097152,   // a power of two, 1024 or more
  parameter PROGRAM_MAX  = 4096,
  parameter LOOP_DEPTH   = 4,
  parameter LOG_STEP     = 12,     // a step of the array and the time unit are 2^LOG_STEP ticks
  parameter TICK_BITS    = 64
) (
  input  wire                      clk,
  input  wire                      aresetn,
  // time
  input  wire                      advance,
  input  wire [63:0]               time_limit,
  input  wire                      stop_at_interrupt,
  output wire                      settled,
  output wire [63:0]               device_time,
  output wire                      irq,
  // the part
  input  wire [LOG_CELLS:0]        cells,          // of this part
  input  wire [63:0]               part_seed,      // its own noise: key of unseeded jobs
  // registers
  output wire                      hw_busy,
  output reg                       soft_reset,
  output reg                       hw_load,
  output reg  [11:0]               hw_load_offset,
  output reg  [31:0]               hw_load_data,
  input  wire                      wr_valid,
  input  wire                      wr_repeat,
  input  wire [11:0]               wr_offset,
  input  wire [31:0]               wr_data,
  input  wire                      wr_error,
  input  wire                      rd_error,
  input  wire [31:0]               q_ACTIVE_CELLS,
  input  wire [31:0]               q_DT_TICKS,
  input  wire [63:0]               q_PROGRAM_ADDR,
  input  wire [31:0]               q_PROGRAM_COUNT,
  input  wire [31:0]               q_SHOTS,
  input  wire [31:0]               q_JOB_FLAGS,
  input  wire [63:0]               q_JOB_SEED,
  input  wire [31:0]               q_JOB_SHOT0,
  input  wire [63:0]               q_JOB_STEP0,
  input  wire [31:0]               q_INTR_ENABLE,
  input  wire [63:0]               q_CAPTURE_BASE,
  input  wire [31:0]               q_CAPTURE_SLOTS,
  input  wire [31:0]               q_CAPTURE_CELL0,
  input  wire [31:0]               q_CAPTURE_CELLS,
  input  wire [31:0]               q_CAPTURE_WATERMARK,
  output reg  [31:0]               r_RESET_COUNT,
  output reg  [31:0]               r_ERR_ACCESS,
  output reg  [31:0]               r_ERR_SEQUENCE,
  output reg  [31:0]               r_COMMAND_ACK,
  output wire [31:0]               r_STATUS,
  output reg  [31:0]               r_SHOT_COUNT,
  output wire [31:0]               r_PROGRAM_PC,
  output wire [63:0]               r_JOB_TICKS,
  output wire [63:0]               r_STALL_TICKS,
  output reg  [5:0]                r_INTR_STATE,
  output reg  [31:0]               r_INTR_TAG,
  output wire [31:0]               r_CAPTURE_RECORD_BYTES,
  output reg  [31:0]               r_CAPTURE_HEAD,
  output reg  [7:0]                r_DMA_CODE,
  output wire [31:0]               r_FAULT_CODE,
  output wire [31:0]               r_FAULT_PC,
  output wire [31:0]               r_FAULT_FIELD,
  output wire [31:0]               r_FAULT_INFO,
  output reg  [31:0]               r_CLIP_COUNT,
  // device memory
  output reg  [29:0]               mem_address,    // of a word
  output reg  [3:0]                mem_we,
  output reg  [31:0]               mem_wdata,
  input  wire [31:0]               mem_rdata,
  // the array
  output reg                       clear,
  output reg                       bias_we,
  output reg  [LOG_CELLS-1:0]      bias_cell,
  output reg  [7:0]                bias_code,
  output reg                       pair_we,
  output reg  [LOG_CELLS-1:0]      pair_i,
  output reg  [LOG_CELLS-1:0]      pair_j,
  output reg  [7:0]                pair_code,
  output reg                       commit,
  output reg  [LOG_CELLS-1:0]      read_i,
  output reg  [LOG_CELLS-1:0]      read_j,
  input  wire [7:0]                live_bias,
  input  wire [7:0]                live_pair,
  output reg                       spin_we,
  output reg  [LOG_CELLS-1:0]      spin_cell,
  output reg                       spin_value,
  output reg                       spin_reset,
  input  wire [(1<<LOG_CELLS)-1:0] spins,
  output reg  [(1<<LOG_CELLS)-1:0] held,
  output reg                       sweep,
  output reg  [LOG_CELLS:0]        active,
  output wire [11:0]               fraction,
  output reg  signed [11:0]        gain_live,
  output reg  signed [11:0]        gain_shadow,
  output reg  [14:0]               kT_live,
  output reg  [14:0]               kT_shadow,
  output reg  [63:0]               seed,
  output wire [47:0]               step,
  output reg  [31:0]               shot,
  input  wire                      array_busy
);
  localparam [31:0] STEP = 32'd1 << LOG_STEP;
  localparam [31:0] MEMORY = MEMORY_BYTES;
  localparam STEPS = TICK_BITS - LOG_STEP;         // bits of a number of steps
  localparam PLACE = $clog2(MEMORY_BYTES);         // bits of a byte's address
  localparam PCS = $clog2(PROGRAM_MAX) + 1;        // bits of a number of instructions
  localparam INDEX = LOG_CELLS + 2;                // bits of the number of a word of a record
  localparam SLOTS = 20;                           // bits of a number of records in the ring
  localparam [31:0] NONE = 32'hFFFFFFFF;
  localparam [LOG_CELLS-1:0] EIGHT = 8, TWO = 2;
  // statuses (heatbath/status.h) and fields (heatbath/program.h)
  localparam [7:0] OK = 0, BAD_ARG = 1, BUSY = 2, UNSUPPORTED = 6, BAD_PROGRAM = 7;
  localparam [3:0] F_OP = 1, F_SECTION = 2, F_FLAGS = 3, F_FIRST = 4, F_COUNT = 5, F_IMM = 6, F_STRIDE = 7, F_ADDR = 8,
                   F_TICKS = 9, F_RESERVED = 10, F_OPERAND = 11;
  localparam [15:0] HALT = 0, LOAD = 1, COMMIT = 2, RAMP = 3, EVOLVE = 4, SET = 5, CLAMP = 6, RELEASE = 7, SAMPLE = 8,
                    CAPTURE_START = 9, CAPTURE_STOP = 10, METER_CLEAR = 11, METER_SNAPSHOT = 12, LOOP_BEGIN = 13,
                    LOOP_END = 14, INTERRUPT = 15, READBACK = 16;
  localparam [15:0] BIAS = 2, COUPLING = 3, GAIN = 4, KT = 5, SECTIONS = 9;
  localparam [5:0] JOB_DONE = 1, ABORTED = 2, FAULT = 4, CAPTURE = 8, PROGRAM = 16;
  localparam [31:0] ONE = 32'h3F800000, MINUS_ONE = 32'hBF800000, KT_MAX = 32'h41000000;

  // -- the state of the machine -------------------------------------------------------------------------------------------
  localparam [4:0] SETTLED = 0, INSTANT = 1, COMMAND = 2, CHECK_JOB = 3, FETCH = 4, CHECK = 5, LOOPS = 6, CHECKED = 7,
                   ACCEPT = 8, ANSWER = 9, EXECUTE = 10, IMMEDIATE = 11, CODES = 12, STATES = 13, READ_BACK = 14,
                   RECORD = 15, SWEEP = 16, AFTER = 17, WAIT = 18, FRACTION = 19, REFUSE = 20;
  localparam [1:0] IDLE = 0, WAITING = 1, RUNNING = 2;
  localparam [1:0] NOTHING = 0, DONE = 1, ABORT = 2, FAILED = 3;
  reg  [4:0]  state, after_fetch;
  reg  [1:0]  phase, outcome;
  reg  [TICK_BITS-1:0] limit, now;
  reg         stop;
  reg         command_due;
  reg  [31:0] command;
  reg  [7:0]  answer;

  // -- the job ------------------------------------------------------------------------------------------------------------
  reg  [STEPS-1:0] array_step, start_step, abort_step, stall_step, stall_steps;  // instants, and the length of stalls
  reg         abort_due, exists, stalled, capturing, captures;
  reg  [47:0] step0;
  reg  [STEPS-1:0] job_steps, remaining, ramp_steps, period, to_record;
  reg  [STEPS:0] ramp_sum;
  reg         ramped, owed;
  reg  [LOG_CELLS-3:0] record_lines;     // of 64 bytes
  // what a job failed or was refused for
  reg  [7:0]  fault_code;
  reg  [PCS-1:0] fault_pc;
  reg         fault_of_job;             // no instruction
  reg  [11:0] fault_field;
  reg  [LOG_CELLS:0] fault_info;
  reg  [11:0] ramp_fraction;
  reg  [PLACE-1:0] program_at, slot_at, ring_base;
  reg  [PCS-1:0] program_count, pc, next_pc;
  reg  [31:0] tail;
  reg  [SLOTS-1:0] slots, slot;
  reg  [LOG_CELLS:0] cell0, captured;
  reg  [31:0] dt;                       // DT_TICKS as it stands
  reg  [LOG_CELLS:0] clips_bias;
  reg  [2*LOG_CELLS:0] clips_coupling;
  reg         clips_gain;
  reg  [7:0]  kT_code_live, kT_code_shadow;  // as READBACK shows temperatures

  // loops, of the check and of the run
  reg  [PCS-1:0] loop_pc [0:LOOP_DEPTH-1];
  reg  [31:0] loop_count [0:LOOP_DEPTH-1];
  reg  [20:0] loop_length[0:LOOP_DEPTH-1];   // instructions of an iteration at one instant; saturated
  reg  [LOOP_DEPTH-1:0] loop_timed;
  reg  [2:0]  depth;
  wire [1:0]  top = depth[1:0] - 2'd1, below = depth[1:0] - 2'd2;

  assign settled = state == SETTLED & ~command_due;
  assign hw_busy = ~settled;
  assign irq = |(r_INTR_STATE & q_INTR_ENABLE[5:0]);
  assign r_STATUS = {27'd0, outcome == FAILED, outcome == ABORT, outcome == DONE, stalled, phase != IDLE};
  assign r_PROGRAM_PC = {{(32-PCS){1'b0}}, pc};
  assign r_JOB_TICKS = {{(64-TICK_BITS){1'b0}}, job_steps, {LOG_STEP{1'b0}}};
  assign r_CAPTURE_RECORD_BYTES = {{(28-LOG_CELLS){1'b0}}, record_lines, 6'd0};
  assign r_FAULT_CODE = {24'd0, fault_code};
  assign r_FAULT_PC = fault_of_job ? NONE : {{(32-PCS){1'b0}}, fault_pc};
  assign r_FAULT_FIELD = {20'd0, fault_field};
  assign r_FAULT_INFO = {{(31-LOG_CELLS){1'b0}}, fault_info};
  assign device_time = {{(64-TICK_BITS){1'b0}}, now};
  assign fraction = ramped ? ramp_fraction : 12'd0;
  wire [63:0] wide_steps = {{(64-STEPS){1'b0}}, job_steps};
  assign step = step0 + wide_steps[47:0];

  // the next instant of the grid, and the last one
  wire [STEPS-1:0] now_step = now[TICK_BITS-1:LOG_STEP], limit_step = limit[TICK_BITS-1:LOG_STEP];
  wire [STEPS-1:0] grid_step = now_step + {{(STEPS-1){1'b0}}, |now[LOG_STEP-1:0]};
  wire [STEPS-1:0] next_step = array_step + {{(STEPS-1){1'b0}}, 1'b1};

  // A stall ends at an abort or at a step of the grid; until then it has lasted to now.
  wire        stall_aborts = abort_due & abort_step <= limit_step & ~(~full & grid_step < abort_step);
  wire [STEPS-1:0] stall_until = state == SETTLED ? now_step : stall_aborts ? abort_step : grid_step;
  wire [STEPS-1:0] stall_sum = stall_steps + (stall_until - stall_step);
  assign r_STALL_TICKS = {{(64-TICK_BITS){1'b0}}, stalled ? {stall_sum, now[LOG_STEP-1:0]} : {stall_steps, {LOG_STEP{1'b0}}}};

  // There are never more unread records than slots.
  wire [SLOTS-1:0] unread = r_CAPTURE_HEAD[SLOTS-1:0] - tail[SLOTS-1:0];
  wire        full = unread == slots;
  wire [31:0] unread_next = {{(32-SLOTS){1'b0}}, unread} + 32'd1;
  wire        marked = unread_next == {{(32-SLOTS){1'b0}}, slots} | (q_CAPTURE_WATERMARK != 32'd0 & unread_next >= q_CAPTURE_WATERMARK);

  // -- an instruction -----------------------------------------------------------------------------------------------------
  reg  [31:0] word [0:9];
  reg         reserved;                 // a reserved word is not 0
  reg  [4:0]  at;                       // words asked for
  wire [15:0] op = word[0][15:0], section = word[0][31:16];
  wire [31:0] flags = word[1], first = word[2], count = word[3], imm = word[4], addr = word[6];
  wire [63:0] ticks = {word[9], word[8]};
  reg         odd_flags, far_first, strided, far_addr, long_ticks;  // bits beyond those that are used are not all 0
  wire        lasting = long_ticks | ticks[TICK_BITS-1:0] != 0;
  wire        immediate = flags[0];
  wire        of_cells = op == SET | op == CLAMP;
  wire        operand = op == LOAD | of_cells;
  wire        imm_nan = imm[30:0] > 31'h7F800000;
  wire        imm_finite = imm[30:23] != 8'hFF;
  wire        imm_negative = imm[31] & imm[30:0] != 31'd0;
  wire        imm_warm = (~imm[31] & imm[30:0] <= KT_MAX[30:0]) | imm == 32'h80000000;
  wire        whole_steps = ticks[LOG_STEP-1:0] == 0 & lasting & ~long_ticks;
  wire [STEPS-1:0] duration = ticks[TICK_BITS-1:LOG_STEP];
  wire        exists_here = section == BIAS | section == COUPLING | section == GAIN | section == KT;

  // bytes of the operand, and whether they lie in memory
  wire [2*LOG_CELLS+1:0] ordered = {{(LOG_CELLS+1){1'b0}}, active} * {{(LOG_CELLS+1){1'b0}}, active - 1'b1};
  wire [31:0] pair_bytes = {{(31-2*LOG_CELLS){1'b0}}, ordered[2*LOG_CELLS+1:1]};  // n (n - 1) / 2
  // Looked at after bad_range and bad_count, so that first, count and their sum are numbers of cells.
  wire [31:0] bytes = of_cells ? {{(29-LOG_CELLS){1'b0}}, count[LOG_CELLS:0], 2'b00} :
                      section == COUPLING ? pair_bytes : {{(31-LOG_CELLS){1'b0}}, active};
  wire [31:0] room = MEMORY - {{(31-PLACE){1'b0}}, addr[PLACE:0]};
  wire        in_memory = addr[1:0] == 2'd0 & ~far_addr & addr <= MEMORY & bytes <= room;
  wire        bad_range = far_first | first[LOG_CELLS:0] >= active;
  wire        bad_count = count == 32'd0 | |count[31:LOG_CELLS+1] | count[LOG_CELLS:0] > active - first[LOG_CELLS:0];

  // what is wrong with it, by the rules of hw_model/device/start_check.cpp and in their order
  reg  [7:0]  wrong;
  reg  [3:0]  wrong_field;
  reg         takes_section, takes_cells, takes_imm, takes_stride, takes_addr, takes_ticks;
  always @* begin
    takes_section = op == LOAD | op == READBACK;
    takes_cells = of_cells | op == RELEASE;
    takes_imm = (operand & immediate) | op == INTERRUPT;
    takes_stride = operand & ~immediate;
    takes_addr = (operand & ~immediate) | op == READBACK;
    takes_ticks = op == RAMP | op == EVOLVE | op == CAPTURE_START;
    wrong = BAD_PROGRAM;
    wrong_field = F_OP;
    if (op > READBACK) wrong_field = F_OP;
    else if (op == METER_CLEAR | op == METER_SNAPSHOT) wrong = UNSUPPORTED;
    else if (~takes_section & section != 16'd0) wrong_field = F_SECTION;
    else if (odd_flags | (flags[0] & ~operand) | (flags[1] & op != CAPTURE_START)) wrong_field = F_FLAGS;
    else if (~takes_cells & (far_first | first[LOG_CELLS:0] != 0)) wrong_field = F_FIRST;
    else if (~(takes_cells | op == LOOP_BEGIN) & count != 32'd0) wrong_field = F_COUNT;
    else if (~takes_imm & imm != 32'd0) wrong_field = F_IMM;
    else if (~takes_stride & strided) wrong_field = F_STRIDE;
    else if (~takes_addr & (far_addr | addr != 32'd0)) wrong_field = F_ADDR;
    else if (~takes_ticks & lasting) wrong_field = F_TICKS;
    else if (reserved) wrong_field = F_RESERVED;
    else if (takes_section & section >= SECTIONS) wrong_field = F_SECTION;
    else if (op == READBACK & section == GAIN) wrong_field = F_SECTION;
    else if (takes_section & ~exists_here) begin
      wrong = UNSUPPORTED;
      wrong_field = F_SECTION;
    end
    else if (takes_cells & bad_range) wrong_field = F_FIRST;
    else if (takes_cells & bad_count) wrong_field = F_COUNT;
    else if (op == LOAD & section == GAIN & ~immediate) wrong_field = F_FLAGS;
    else if (op == LOAD & section == GAIN & ~imm_finite) wrong_field = F_IMM;
    else if (op == LOAD & section == KT & ~immediate) begin
      wrong = UNSUPPORTED;
      wrong_field = F_FLAGS;
    end
    else if (op == LOAD & section == KT & ~imm_warm) wrong_field = F_IMM;
    else if (operand & immediate & imm_nan) wrong_field = F_IMM;
    else if (op == LOAD & section != BIAS & strided) wrong_field = F_STRIDE;
    else if (strided) begin
      wrong = UNSUPPORTED;
      wrong_field = F_STRIDE;
    end
    else if (takes_addr & ~in_memory) wrong_field = F_ADDR;
    else if (takes_ticks & ~whole_steps) wrong_field = F_TICKS;
    else if (op == LOOP_BEGIN & depth == LOOP_DEPTH) wrong_field = F_OP;
    else if (op == LOOP_BEGIN & count == 32'd0) wrong_field = F_COUNT;
    else if (op == LOOP_END & depth == 3'd0) wrong_field = F_OP;
    else wrong = OK;
  end

  // what is wrong with the job's registers
  reg  [7:0]  job_wrong;
  reg  [11:0] job_register;
  wire [31:0] program_room = MEMORY - {{(32-PLACE){1'b0}}, q_PROGRAM_ADDR[PLACE-1:0]};
  always @* begin
    job_wrong = BAD_ARG;
    job_register = 12'h11C;
    if (q_ACTIVE_CELLS == 32'd0 | |q_ACTIVE_CELLS[31:LOG_CELLS+1] | q_ACTIVE_CELLS[LOG_CELLS:0] > cells) job_register = 12'h11C;
    else if (q_DT_TICKS != STEP) job_register = 12'h118;
    else if (q_SHOTS != 32'd1) job_register = 12'h14C;
    else if (q_JOB_FLAGS[15:8] > 8'd8 | (q_JOB_FLAGS[15:8] != 8'd0 & ~q_JOB_FLAGS[0])) job_register = 12'h150;
    else if (q_JOB_FLAGS[15:8] != 8'd0 | q_JOB_FLAGS[16]) begin
      job_wrong = UNSUPPORTED;
      job_register = 12'h150;
    end
    else if (q_JOB_FLAGS[0] & q_JOB_STEP0[63:48] != 16'd0) job_register = 12'h164;
    else if (q_PROGRAM_ADDR[2:0] != 3'd0 | |q_PROGRAM_ADDR[63:PLACE]) job_register = 12'h140;
    else if (q_PROGRAM_COUNT == 32'd0 | q_PROGRAM_COUNT > PROGRAM_MAX | {{(26-PCS){1'b0}}, q_PROGRAM_COUNT[PCS-1:0], 6'd0} > program_room)
      job_register = 12'h148;
    else job_wrong = OK;
  end

  // the ring of a program that takes records
  wire [LOG_CELLS:0] ring_cells = q_CAPTURE_CELLS == 32'd0 ? active - q_CAPTURE_CELL0[LOG_CELLS:0] : q_CAPTURE_CELLS[LOG_CELLS:0];
  wire [LOG_CELLS+3:0] ring_bytes = {1'b0, ring_cells, 2'b00} + 32 + 63;
  wire [LOG_CELLS-3:0] ring_lines = ring_bytes[LOG_CELLS+3:6];  // of 64 bytes
  wire [31:0] ring_room = (MEMORY - {{(32-PLACE){1'b0}}, q_CAPTURE_BASE[PLACE-1:0]}) >> 6;
  wire [LOG_CELLS+19:0] ring_wants = {{20{1'b0}}, ring_lines, 2'b00} * {{LOG_CELLS{1'b0}}, q_CAPTURE_SLOTS[19:0]};  // 4 times
  reg         ring_wrong;
  reg  [11:0] ring_register;
  always @* begin
    ring_wrong = 1'b1;
    ring_register = 12'h24C;
    if (|q_CAPTURE_CELL0[31:LOG_CELLS+1] | q_CAPTURE_CELL0[LOG_CELLS:0] >= active) ring_register = 12'h24C;
    else if (|q_CAPTURE_CELLS[31:LOG_CELLS+1] | q_CAPTURE_CELLS[LOG_CELLS:0] > active - q_CAPTURE_CELL0[LOG_CELLS:0])
      ring_register = 12'h250;
    else if (q_CAPTURE_BASE[5:0] != 6'd0 | |q_CAPTURE_BASE[63:PLACE]) ring_register = 12'h240;
    else if (q_CAPTURE_SLOTS == 32'd0 | q_CAPTURE_SLOTS[31:20] != 12'd0 | {12'd0, ring_wants} > {{(LOG_CELLS-2){1'b0}}, ring_room, 2'b00})
      ring_register = 12'h248;
    else ring_wrong = 1'b0;
  end

  // -- working registers of long instructions --------------------------------------------------------------------------
  reg  [LOG_CELLS:0] i, j;              // cells; pairs
  reg  [PLACE-1:0] address;             // bytes
  reg  [1:0]  lane;                     // byte of a word
  reg         second;                   // the other way of a pair; the second pass of STATES
  reg         fresh;                    // the word at the memory's output is the one asked for
  reg  [21:0] product_left, product_sum;
  reg  [31:0] product_right;
  reg  [5:0]  wait_for;
  reg  [INDEX-1:0] index;
  wire [31:0] in_program = {{(26-PCS){1'b0}}, next_pc, 6'd0};
  wire [31:0] word_of_record = {{(32-INDEX){1'b0}}, index};
  localparam [PLACE-1:0] WORD = 4, LINE = 64;
  localparam [STEPS:0] WHOLE = 4096;
  wire [LOG_CELLS-1:0] recorded = cell0[LOG_CELLS-1:0] + index[LOG_CELLS-1:0] - EIGHT;

  wire [31:0] long_part = mem_rdata >> (TICK_BITS - 33) >> 1;
  wire [7:0]  byte_in = mem_rdata[8*lane +: 8];
  wire        last_of_cells = i + 1'b1 == count[LOG_CELLS:0];
  wire        row_ends = j == active - 1'b1;
  wire        value_negative = mem_rdata[31] & mem_rdata[30:0] != 31'd0;
  wire        value_nan = mem_rdata[30:0] > 31'h7F800000;

  // immediate values as codes: bias, coupling, gain, kT, and kT as READBACK shows it
  reg  [2:0]  as;
  wire [15:0] code;
  wire        clipped;
  heatbath_fixed fixed (
    .value(imm),
    .steps(as == 3'd0 ? 4'd4 : as == 3'd1 ? 4'd6 : as == 3'd2 ? 4'd8 : as == 3'd3 ? 4'd12 : 4'd4),
    .bits(as == 3'd2 ? 5'd12 : as == 3'd3 ? 5'd16 : 5'd8), .code(code), .clipped(clipped));

  // Writes that are taken back.
  wire [31:0] read_records = wr_data - tail;
  wire        wrong_dt = wr_valid & wr_offset == 12'h118 & (phase != IDLE | wr_data == 32'd0);
  wire        wrong_tail = wr_valid & wr_offset == 12'h260 & read_records > {{(32-SLOTS){1'b0}}, unread};

  task raise(input [5:0] which);
    r_INTR_STATE <= r_INTR_STATE | which;
  endtask

  task finish(input [1:0] how);
    begin
      phase <= IDLE;
      outcome <= how;
      stalled <= 1'b0;
      capturing <= 1'b0;
      owed <= 1'b0;
      remaining <= 0;
      ramped <= 1'b0;
      abort_due <= 1'b0;
      raise(how == DONE ? JOB_DONE : how == ABORT ? ABORTED : FAULT);
    end
  endtask

  // What RESET and power-on leave: no job, no array, time 0.
  task forget;
    begin
      now <= 0;
      dt <= STEP;
      phase <= IDLE;
      outcome <= NOTHING;
      exists <= 1'b0;
      abort_due <= 1'b0;
      stalled <= 1'b0;
      capturing <= 1'b0;
      owed <= 1'b0;
      ramped <= 1'b0;
      remaining <= 0;
      job_steps <= 0;
      stall_steps <= 0;
      r_SHOT_COUNT <= 32'd0;
      r_INTR_STATE <= 6'd0;
      r_INTR_TAG <= 32'd0;
      pc <= 0;
      sound;
      r_CLIP_COUNT <= 32'd0;
      record_lines <= 0;
      r_CAPTURE_HEAD <= 32'd0;
      tail <= 32'd0;
      slots <= 0;
      r_DMA_CODE <= OK;
    end
  endtask

  task sound;
    begin
      fault_code <= OK;
      fault_of_job <= 1'b0;
      fault_pc <= 0;
      fault_field <= 12'd0;
      fault_info <= 0;
    end
  endtask

  // A job that is refused at START, for its registers or, with fault_pc, for an instruction.
  task refuse(input [7:0] why, input of_job, input [11:0] what);
    begin
      fault_code <= why;
      fault_of_job <= of_job;
      fault_field <= what;
      state <= REFUSE;
    end
  endtask

  always @(posedge clk) begin
    soft_reset <= 1'b0;
    hw_load <= 1'b0;
    mem_we <= 4'd0;
    clear <= 1'b0;
    bias_we <= 1'b0;
    pair_we <= 1'b0;
    commit <= 1'b0;
    spin_we <= 1'b0;
    spin_reset <= 1'b0;
    sweep <= 1'b0;

    // -- writes of the host that need no time ------------------------------------------------------------------------
    if (wr_error | rd_error | wrong_dt | wrong_tail) r_ERR_ACCESS <= r_ERR_ACCESS + 32'd1;
    if (wr_repeat) r_ERR_SEQUENCE <= r_ERR_SEQUENCE + 32'd1;
    if (wr_valid)
      case (wr_offset)
        12'h100: begin
          command_due <= 1'b1;
          command <= wr_data;
        end
        12'h118:
          if (wrong_dt) begin
            hw_load <= 1'b1;
            hw_load_offset <= 12'h118;
            hw_load_data <= dt;
          end else begin
            dt <= wr_data;
          end
        12'h208: r_INTR_STATE <= r_INTR_STATE & ~wr_data[5:0];
        12'h20C: r_INTR_STATE <= r_INTR_STATE | wr_data[5:0];
        12'h260:
          if (wrong_tail) begin
            hw_load <= 1'b1;
            hw_load_offset <= 12'h260;
            hw_load_data <= tail;
          end else begin
            tail <= wr_data;
          end
        12'h280: r_DMA_CODE <= wr_data[7:0] == 8'd0 ? OK : UNSUPPORTED;
        default: ;
      endcase

    case (state)
      SETTLED: begin
        limit <= time_limit[TICK_BITS-1:0];
        stop <= stop_at_interrupt;
        if (command_due) state <= COMMAND;
        else if (advance & ~wr_valid) state <= INSTANT;
      end

      // -- commands --------------------------------------------------------------------------------------------------
      COMMAND: begin
        command_due <= 1'b0;
        answer <= OK;
        state <= ANSWER;
        case (command[7:0])
          8'd0: ;
          8'd1:
            if (phase != IDLE) answer <= BUSY;
            else state <= CHECK_JOB;
          8'd2:
            if (phase == IDLE) begin
              answer <= BAD_ARG;
            end else if (~abort_due) begin
              abort_due <= 1'b1;
              abort_step <= grid_step;
            end
          8'd3: begin
            soft_reset <= 1'b1;
            r_RESET_COUNT <= r_RESET_COUNT + 32'd1;
            forget;
          end
          default: answer <= BAD_ARG;
        endcase
      end

      REFUSE: begin
        fault_info <= 0;
        outcome <= FAILED;
        raise(FAULT);
        answer <= fault_code;
        state <= ANSWER;
      end

      ANSWER: begin
        r_COMMAND_ACK <= {command[31:16], 8'd0, answer};
        state <= SETTLED;
      end

      // -- START: the registers of the job, then each instruction ----------------------------------------------------
      CHECK_JOB:
        if (job_wrong != OK) begin
          refuse(job_wrong, 1'b1, job_register);
        end else begin
          index <= {1'b0, active};  // of the job before
          active <= q_ACTIVE_CELLS[LOG_CELLS:0];
          program_at <= q_PROGRAM_ADDR[PLACE-1:0];
          program_count <= q_PROGRAM_COUNT[PCS-1:0];
          captures <= 1'b0;
          depth <= 3'd0;
          next_pc <= 0;
          address <= q_PROGRAM_ADDR[PLACE-1:0];
          after_fetch <= CHECK;
          at <= 5'd0;
          state <= FETCH;
        end

      FETCH: begin
        at <= at + 5'd1;
        mem_address <= {{(32-PLACE){1'b0}}, address[PLACE-1:2] + {{(PLACE-7){1'b0}}, at}};
        if (at == 5'd0) reserved <= 1'b0;
        case (at)
          5'd3: odd_flags <= mem_rdata[31:2] != 30'd0;
          5'd4: far_first <= mem_rdata[31:LOG_CELLS+1] != 0;
          5'd7: strided <= mem_rdata != 32'd0;
          5'd9: far_addr <= mem_rdata != 32'd0;
          5'd11: long_ticks <= long_part != 32'd0;
          default: ;
        endcase
        if (at >= 5'd2) begin
          if (at < 5'd12) word[at[3:0] - 4'd2] <= mem_rdata;
          else if (mem_rdata != 32'd0) reserved <= 1'b1;
        end
        if (at == 5'd17) begin
          state <= after_fetch;
          at <= 5'd0;
        end
      end

      CHECK:
        if (wrong != OK) begin
          active <= index[LOG_CELLS:0];
          fault_pc <= next_pc;
          refuse(wrong, 1'b0, {8'd0, wrong_field});
        end else begin
          captures <= captures | op == SAMPLE | op == CAPTURE_START;
          if (depth != 3'd0) begin
            if (loop_length[top] != 21'h100001) loop_length[top] <= loop_length[top] + 21'd1;
            if (op == EVOLVE | op == RAMP) loop_timed[top] <= 1'b1;
          end
          if (op == LOOP_BEGIN) begin
            loop_pc[depth[1:0]] <= next_pc;
            loop_count[depth[1:0]] <= count;
            loop_length[depth[1:0]] <= 21'd0;
            loop_timed[depth[1:0]] <= 1'b0;
            depth <= depth + 3'd1;
          end
          state <= op == LOOP_END ? LOOPS : CHECKED;
          second <= 1'b0;
        end

      // A loop may make 2^20 instructions at one instant: count times those of an iteration, bit by bit.
      LOOPS:
        if (~second) begin
          second <= 1'b1;
          product_left <= {1'b0, loop_length[top]};
          product_right <= loop_timed[top] ? 32'd0 : loop_count[top];
          product_sum <= loop_timed[top] ? 22'd1 : 22'd0;
        end else if (product_sum > 22'h100000 | (product_right != 32'd0 & product_left > 22'h100000)) begin
          active <= index[LOG_CELLS:0];
          fault_pc <= loop_pc[top];
          refuse(BAD_PROGRAM, 1'b0, {8'd0, F_COUNT});
        end else if (product_right != 32'd0) begin
          if (product_right[0]) product_sum <= product_sum + product_left;
          product_left <= product_left << 1;
          product_right <= product_right >> 1;
        end else begin
          if (depth > 3'd1) begin
            loop_length[below] <= {1'b0, loop_length[below]} + product_sum > 22'h100000
                                      ? 21'h100001 : loop_length[below] + product_sum[20:0];
            loop_timed[below] <= loop_timed[below] | loop_timed[top];
          end
          depth <= depth - 3'd1;
          state <= CHECKED;
        end

      CHECKED:
        if (next_pc + 1'b1 != program_count) begin
          next_pc <= next_pc + 1'b1;
          address <= address + LINE;
          at <= 5'd0;
          state <= FETCH;
        end else if (depth != 3'd0) begin
          active <= index[LOG_CELLS:0];
          fault_pc <= loop_pc[top];
          refuse(BAD_PROGRAM, 1'b0, {8'd0, F_OP});
        end else if (op != HALT) begin
          active <= index[LOG_CELLS:0];
          fault_pc <= next_pc;
          refuse(BAD_PROGRAM, 1'b0, {8'd0, F_OP});
        end else if (captures & ring_wrong) begin
          active <= index[LOG_CELLS:0];
          refuse(BAD_ARG, 1'b1, ring_register);
        end else begin
          state <= ACCEPT;
        end

      ACCEPT: begin
        if (~(exists & index[LOG_CELLS:0] == active & q_JOB_FLAGS[0] & q_JOB_STEP0 != 64'd0)) begin
          held <= 0;
          spin_reset <= 1'b1;
          clear <= 1'b1;
          gain_live <= 12'd256;
          gain_shadow <= 12'd256;
          kT_live <= 15'd4096;
          kT_shadow <= 15'd4096;
          kT_code_live <= 8'd16;
          kT_code_shadow <= 8'd16;
          clips_bias <= 0;
          clips_coupling <= 0;
          clips_gain <= 1'b0;
        end
        exists <= 1'b1;
        seed <= q_JOB_FLAGS[0] ? q_JOB_SEED : part_seed;
        shot <= q_JOB_FLAGS[0] ? q_JOB_SHOT0 : r_SHOT_COUNT;
        step0 <= q_JOB_FLAGS[0] ? q_JOB_STEP0[47:0] : 48'd0;
        start_step <= grid_step;
        phase <= WAITING;
        outcome <= NOTHING;
        sound;
        abort_due <= 1'b0;
        r_SHOT_COUNT <= r_SHOT_COUNT + 32'd1;
        pc <= 0;
        next_pc <= 0;
        depth <= 3'd0;
        remaining <= 0;
        ramped <= 1'b0;
        job_steps <= 0;
        stall_steps <= 0;
        r_CLIP_COUNT <= 32'd0;
        capturing <= 1'b0;
        stalled <= 1'b0;
        owed <= 1'b0;
        r_CAPTURE_HEAD <= 32'd0;
        tail <= 32'd0;
        hw_load <= 1'b1;
        hw_load_offset <= 12'h260;
        hw_load_data <= 32'd0;
        slots <= captures ? q_CAPTURE_SLOTS[SLOTS-1:0] : 0;
        slot <= 0;
        slot_at <= q_CAPTURE_BASE[PLACE-1:0];
        ring_base <= q_CAPTURE_BASE[PLACE-1:0];
        cell0 <= q_CAPTURE_CELL0[LOG_CELLS:0];
        captured <= ring_cells;
        record_lines <= captures ? ring_lines : 0;
        answer <= OK;
        state <= ANSWER;
      end

      // -- time: what happens at array_time, then how it passes ----------------------------------------------------------
      INSTANT:
        if (phase == RUNNING & ~stalled & owed) begin
          if (full) begin
            stalled <= 1'b1;
            stall_step <= array_step;
            raise(CAPTURE);
          end else begin
            index <= 0;
            state <= RECORD;
          end
        end else if (phase == RUNNING & ~stalled & abort_due & abort_step <= array_step) begin
          finish(ABORT);
        end else if (phase == RUNNING & ~stalled & remaining == 0) begin
          pc <= next_pc;
          next_pc <= next_pc + 1'b1;
          address <= program_at + in_program[PLACE-1:0];
          after_fetch <= EXECUTE;
          at <= 5'd0;
          state <= FETCH;
        end else if (stop & irq) begin
          state <= SETTLED;
        end else if (phase == IDLE) begin
          now <= limit;
          state <= SETTLED;
        end else if (phase == WAITING) begin
          if (limit_step < start_step) begin
            now <= limit;
            state <= SETTLED;
          end else begin
            now <= {start_step, {LOG_STEP{1'b0}}};
            if (abort_due) begin
              finish(ABORT);
            end else begin
              array_step <= start_step;
              phase <= RUNNING;
            end
          end
        end else if (stalled) begin
          if (stall_aborts) begin
            now <= {stall_until, {LOG_STEP{1'b0}}};
            stall_steps <= stall_sum;
            finish(ABORT);
          end else if (full | grid_step > limit_step) begin
            now <= limit;
            state <= SETTLED;
          end else begin
            now <= {stall_until, {LOG_STEP{1'b0}}};
            stall_steps <= stall_sum;
            stalled <= 1'b0;
            array_step <= stall_until;
          end
        end else if (limit_step == array_step) begin
          now <= limit;
          state <= SETTLED;
        end else begin
          sweep <= 1'b1;
          wait_for <= 6'd2;
          state <= SWEEP;
        end

      SWEEP: begin
        if (wait_for != 6'd0) wait_for <= wait_for - 6'd1;
        if (wait_for == 6'd0 & ~array_busy) begin
          job_steps <= job_steps + 1'b1;
          remaining <= remaining - 1'b1;
          array_step <= next_step;
          now <= {next_step, {LOG_STEP{1'b0}}};
          if (capturing) begin
            to_record <= to_record - 1'b1;
            if (to_record == 1) begin
              to_record <= period;
              owed <= 1'b1;
            end
          end
          state <= INSTANT;
          if (ramped) begin
            ramp_sum <= ramp_sum + WHOLE;
            state <= FRACTION;
            if (remaining == 1) begin
              ramped <= 1'b0;
              state <= AFTER;
            end
          end
        end
      end

      // floor(4096 k / n) of the next step of a ramp
      FRACTION:
        if (ramp_sum >= {1'b0, ramp_steps}) begin
          ramp_sum <= ramp_sum - {1'b0, ramp_steps};
          ramp_fraction <= ramp_fraction + 12'd1;
        end else begin
          state <= INSTANT;
        end

      // -- instructions -------------------------------------------------------------------------------------------------
      EXECUTE: begin
        state <= INSTANT;
        if (op == COMMIT | op == RAMP) begin
          r_CLIP_COUNT <= r_CLIP_COUNT + {{(31-LOG_CELLS){1'b0}}, clips_bias} + {{(31-2*LOG_CELLS){1'b0}}, clips_coupling} +
                          {31'd0, clips_gain};
          clips_bias <= 0;
          clips_coupling <= 0;
          clips_gain <= 1'b0;
        end
        case (op)
          HALT: finish(DONE);
          LOAD: begin
            i <= 0;
            j <= section == COUPLING ? 1 : 0;
            second <= 1'b0;
            fresh <= 1'b0;
            address <= addr[PLACE-1:0];
            as <= section == BIAS ? 3'd0 : section == COUPLING ? 3'd1 : section == GAIN ? 3'd2 : 3'd3;
            if (section == COUPLING & ~immediate) clips_coupling <= 0;
            if (section == BIAS & ~immediate) clips_bias <= 0;
            state <= immediate ? IMMEDIATE : section == COUPLING & active == 1 ? INSTANT : CODES;
          end
          COMMIT: state <= AFTER;
          RAMP: begin
            remaining <= duration;
            ramp_steps <= duration;
            ramp_sum <= 0;
            ramp_fraction <= 12'd0;
            ramped <= 1'b1;
          end
          EVOLVE: remaining <= duration;
          SET, CLAMP: begin
            i <= 0;
            second <= immediate;
            fresh <= 1'b0;
            address <= addr[PLACE-1:0];
            state <= STATES;
          end
          RELEASE: begin
            i <= 0;
            second <= 1'b1;
            state <= STATES;
          end
          SAMPLE: owed <= 1'b1;
          CAPTURE_START: begin
            capturing <= 1'b1;
            period <= duration;
            to_record <= duration;
            owed <= flags[1];
          end
          CAPTURE_STOP: capturing <= 1'b0;
          LOOP_BEGIN: begin
            loop_pc[depth[1:0]] <= next_pc;
            loop_count[depth[1:0]] <= count - 32'd1;
            depth <= depth + 3'd1;
          end
          LOOP_END:
            if (loop_count[top] != 32'd0) begin
              loop_count[top] <= loop_count[top] - 32'd1;
              next_pc <= loop_pc[top];
            end else begin
              depth <= depth - 3'd1;
            end
          INTERRUPT: begin
            r_INTR_TAG <= imm;
            raise(PROGRAM);
          end
          READBACK: begin
            i <= 0;
            j <= section == COUPLING ? 1 : 0;
            fresh <= 1'b0;
            address <= addr[PLACE-1:0];
            read_i <= 0;
            read_j <= 1;
            state <= section == COUPLING & active == 1 ? INSTANT : READ_BACK;
            wait_for <= 6'd2;
          end
          default: ;
        endcase
      end

      // live = shadow
      AFTER: begin
        commit <= 1'b1;
        gain_live <= gain_shadow;
        kT_live <= kT_shadow;
        kT_code_live <= kT_code_shadow;
        wait_for <= 6'd2;
        state <= WAIT;
      end

      WAIT: begin
        if (wait_for != 6'd0) wait_for <= wait_for - 6'd1;
        if (wait_for == 6'd0 & ~array_busy) state <= INSTANT;
      end

      // One code for all: the number of clipped values is that of all.
      IMMEDIATE:
        case (as)
          3'd0: begin
            bias_we <= 1'b1;
            bias_cell <= i[LOG_CELLS-1:0];
            bias_code <= code[7:0];
            i <= i + 1'b1;
            clips_bias <= clipped ? active : 0;
            if (i == active - 1'b1) state <= INSTANT;
          end
          3'd1: begin
            pair_we <= 1'b1;
            pair_i <= i[LOG_CELLS-1:0];
            pair_j <= j[LOG_CELLS-1:0];
            pair_code <= code[7:0];
            j <= j + 1'b1;
            if (row_ends | active == 1) begin
              j <= 0;
              i <= i + 1'b1;
              if (i == active - 1'b1) state <= INSTANT;
            end
            clips_coupling <= clipped ? ordered[2*LOG_CELLS+1:1] : 0;
          end
          3'd2: begin
            gain_shadow <= code[11:0];
            clips_gain <= clipped;
            state <= INSTANT;
          end
          3'd3: begin
            kT_shadow <= code[14:0];
            as <= 3'd4;
          end
          default: begin
            kT_code_shadow <= code[7:0];
            state <= INSTANT;
          end
        endcase

      // Codes from memory, four to a word. A pair is written both ways.
      CODES:
        if (~fresh) begin
          mem_address <= {{(32-PLACE){1'b0}}, address[PLACE-1:2]};
          lane <= address[1:0];
          wait_for <= 6'd1;
          fresh <= 1'b1;
        end else if (wait_for != 6'd0) begin
          wait_for <= wait_for - 6'd1;
        end else if (section == BIAS) begin
          bias_we <= 1'b1;
          bias_cell <= i[LOG_CELLS-1:0];
          bias_code <= byte_in;
          i <= i + 1'b1;
          lane <= lane + 2'd1;
          if (lane == 2'd3) begin
            address <= address + WORD;
            fresh <= 1'b0;
          end
          if (i == active - 1'b1) state <= INSTANT;
        end else begin
          pair_we <= 1'b1;
          pair_i <= second ? j[LOG_CELLS-1:0] : i[LOG_CELLS-1:0];
          pair_j <= second ? i[LOG_CELLS-1:0] : j[LOG_CELLS-1:0];
          pair_code <= byte_in;
          second <= ~second;
          if (second) begin
            lane <= lane + 2'd1;
            if (lane == 2'd3) begin
              address <= address + WORD;
              fresh <= 1'b0;
            end
            j <= j + 1'b1;
            if (row_ends) begin
              i <= i + 1'b1;
              j <= i + {1'b0, TWO};
              if (i + {1'b0, TWO} == active) state <= INSTANT;
            end
          end
        end

      // SET, CLAMP, RELEASE. Values from memory are looked at before any of them is applied.
      STATES:
        if (op != RELEASE & ~immediate & ~fresh) begin
          mem_address <= {{(32-PLACE){1'b0}}, address[PLACE-1:2]};
          wait_for <= 6'd1;
          fresh <= 1'b1;
        end else if (op != RELEASE & ~immediate & wait_for != 6'd0) begin
          wait_for <= wait_for - 6'd1;
        end else if (~second) begin
          i <= i + 1'b1;
          address <= address + WORD;
          fresh <= 1'b0;
          if (value_nan) begin
            fault_code <= BAD_PROGRAM;
            fault_of_job <= 1'b0;
            fault_pc <= pc;
            fault_field <= {8'd0, F_OPERAND};
            fault_info <= i;
            finish(FAILED);
            state <= INSTANT;
          end else if (last_of_cells) begin
            i <= 0;
            address <= addr[PLACE-1:0];
            second <= 1'b1;
          end
        end else begin
          spin_we <= op != RELEASE;
          spin_cell <= first[LOG_CELLS-1:0] + i[LOG_CELLS-1:0];
          spin_value <= immediate ? ~imm_negative : ~value_negative;
          if (op == CLAMP) held[first[LOG_CELLS-1:0] + i[LOG_CELLS-1:0]] <= 1'b1;
          if (op == RELEASE) held[first[LOG_CELLS-1:0] + i[LOG_CELLS-1:0]] <= 1'b0;
          i <= i + 1'b1;
          address <= address + WORD;
          fresh <= 1'b0;
          if (last_of_cells) state <= INSTANT;
        end

      // Live codes to memory, a byte at a time.
      READ_BACK:
        if (wait_for != 6'd0) begin
          wait_for <= wait_for - 6'd1;
        end else begin
          mem_address <= {{(32-PLACE){1'b0}}, address[PLACE-1:2]};
          mem_we <= 4'd1 << address[1:0];
          mem_wdata <= {4{section == BIAS ? live_bias : section == KT ? kT_code_live : live_pair}};
          address <= address + 1'b1;
          wait_for <= 6'd2;
          if (section == COUPLING) begin
            j <= j + 1'b1;
            read_j <= j[LOG_CELLS-1:0] + 1'b1;
            if (row_ends) begin
              i <= i + 1'b1;
              j <= i + {1'b0, TWO};
              read_i <= i[LOG_CELLS-1:0] + 1'b1;
              read_j <= i[LOG_CELLS-1:0] + TWO;
              if (i + {1'b0, TWO} == active) state <= INSTANT;
            end
          end else begin
            i <= i + 1'b1;
            read_i <= i[LOG_CELLS-1:0] + 1'b1;
            if (i == active - 1'b1) state <= INSTANT;
          end
        end

      // -- a record: header, states, padding --------------------------------------------------------------------------
      RECORD: begin
        mem_address <= {{(32-PLACE){1'b0}}, slot_at[PLACE-1:2] + {{(PLACE-2-INDEX){1'b0}}, index}};
        mem_we <= 4'hF;
        index <= index + 1'b1;
        case (word_of_record)
          32'd0: mem_wdata <= r_CAPTURE_HEAD;
          32'd1: mem_wdata <= 32'd1;
          32'd2: mem_wdata <= {{(31-LOG_CELLS){1'b0}}, captured};
          32'd3: mem_wdata <= {{(31-LOG_CELLS){1'b0}}, cell0};
          32'd4: mem_wdata <= r_JOB_TICKS[31:0];
          32'd5: mem_wdata <= r_JOB_TICKS[63:32];
          32'd6, 32'd7: mem_wdata <= 32'd0;
          default:
            mem_wdata <= word_of_record - 32'd8 >= {{(31-LOG_CELLS){1'b0}}, captured} ? 32'd0
                         : spins[recorded] ? ONE : MINUS_ONE;
        endcase
        if (word_of_record + 32'd1 == {2'd0, r_CAPTURE_RECORD_BYTES[31:2]}) begin
          owed <= 1'b0;
          r_CAPTURE_HEAD <= r_CAPTURE_HEAD + 32'd1;
          slot <= slot + 1'b1;
          slot_at <= slot_at + r_CAPTURE_RECORD_BYTES[PLACE-1:0];
          if (slot + 1'b1 == slots) begin
            slot <= 0;
            slot_at <= ring_base;
          end
          if (marked) raise(CAPTURE);
          state <= INSTANT;
        end
      end

      default: state <= SETTLED;
    endcase

    if (~aresetn) begin
      forget;
      state <= SETTLED;
      command_due <= 1'b0;
      stall_step <= 0;
      active <= cells;
      r_RESET_COUNT <= 32'd0;
      r_ERR_ACCESS <= 32'd0;
      r_ERR_SEQUENCE <= 32'd0;
      r_COMMAND_ACK <= 32'd0;
    end
  end
  // Bits of registers that mean nothing here, and lower bits of sums.
  wire unused = &{1'b0, q_JOB_FLAGS[31:17], q_JOB_FLAGS[7:1], q_INTR_ENABLE[31:6], command[15:8], ordered[0],
                  ring_bytes[5:0], code[15], in_program, time_limit, wide_steps, flags, first, ticks};
endmodule
