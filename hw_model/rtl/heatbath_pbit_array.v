// An array of p-bits with dense couplings, updated one after the other in integers. The law and its widths stand in
// hw_model/physics/integer_spins.hpp (ADR 0052); the bits are those of profile fpga-pbit.
//
// Two sets of parameters: writes go to the shadow set, `commit` copies it into the live one. A sweep uses both: it is
// `fraction` / 4096 of the way from live to shadow. `busy` from the clock after commit or sweep until it is done; nothing
// may be written meanwhile.
//
// To put another array in this place, keep these ports: codes in (bias_*, pair_*), spins out, a sweep on request.
module heatbath_pbit_array #(
  parameter LOG_CELLS  = 6,   // 2^LOG_CELLS cells
  parameter LOG_WIDTH  = 3,   // 2^LOG_WIDTH couplings are summed in a clock
  parameter SLICED     = 0,   // of heatbath_philox
  parameter BIAS_SHIFT = 14,  // 12 + log2(range of biases / range of couplings)
  parameter SIZE_SHIFT = 5    // of integer_spins.hpp: a step of a coupling is 2^-(SIZE_SHIFT + 1)
) (
  input  wire                        clk,
  input  wire                        aresetn,
  input  wire [LOG_CELLS:0]          active,        // cells that take part, from 0
  input  wire                        clear,         // all parameters of both sets are 0
  input  wire                        bias_we,
  input  wire [LOG_CELLS-1:0]        bias_cell,
  input  wire [7:0]                  bias_code,
  input  wire                        pair_we,       // J of cell pair_j on cell pair_i; to be written both ways
  input  wire [LOG_CELLS-1:0]        pair_i,
  input  wire [LOG_CELLS-1:0]        pair_j,
  input  wire [7:0]                  pair_code,
  input  wire                        commit,
  input  wire [LOG_CELLS-1:0]        read_i,        // live codes of this cell and pair, one clock later; not while busy
  input  wire [LOG_CELLS-1:0]        read_j,
  output wire [7:0]                  live_bias,
  output wire [7:0]                  live_pair,
  input  wire                        spin_we,       // spin_value: 1 for +1, 0 for -1
  input  wire [LOG_CELLS-1:0]        spin_cell,
  input  wire                        spin_value,
  input  wire                        spin_reset,    // all spins +1
  output reg  [(1<<LOG_CELLS)-1:0]   spins,
  input  wire [(1<<LOG_CELLS)-1:0]   held,          // cells that do not move
  input  wire                        sweep,
  input  wire [11:0]                 fraction,
  input  wire signed [11:0]          gain_live,
  input  wire signed [11:0]          gain_shadow,
  input  wire [14:0]                 kT_live,
  input  wire [14:0]                 kT_shadow,
  input  wire [63:0]                 seed,          // where the noise of this sweep lies (noise.hpp)
  input  wire [47:0]                 step,
  input  wire [31:0]                 shot,
  output wire                        busy
);
  localparam CELLS = 1 << LOG_CELLS, WIDTH = 1 << LOG_WIDTH, LOG_ROW = LOG_CELLS - LOG_WIDTH;
  localparam SUM = 9 + LOG_CELLS, FIELD = 48;
  localparam [7:0] FLIP = 8'd3;  // Purpose::flip

  localparam [4:0] IDLE = 0, COPY = 1, PREPARE = 2, DRAW = 3, STORE = 4, CELL = 5, ADD = 6, GAIN = 7, RAMP = 8,
                   COUPLE = 9, FIELDS = 10, BIASES = 11, WHOLE = 12, SIZE = 13, DIVIDE = 14, LOOK = 15, NEXT = 16,
                   SLOPE = 17, DECIDE = 18;
  reg [4:0] state;
  assign busy = state != IDLE;

  // -- parameters: rows of codes, WIDTH to a word ---------------------------------------------------------------------
  reg  [8*WIDTH-1:0] shadow [0:CELLS*CELLS/WIDTH-1];
  reg  [8*WIDTH-1:0] live   [0:CELLS*CELLS/WIDTH-1];
  reg  [7:0]         shadow_biases [0:CELLS-1];
  reg  [7:0]         live_biases   [0:CELLS-1];
  reg                shadow_coupled, live_coupled, shadow_biased, live_biased;  // else all codes are 0
  reg  [8*WIDTH-1:0] row_shadow, row_live;
  reg  [7:0]         b_shadow, b_live;

  reg  [LOG_CELLS-1:0] site;
  reg  [LOG_ROW:0]     word;   // of the row, at the memories' inputs
  reg  [2*LOG_CELLS-LOG_WIDTH-1:0] copied;
  reg  [1:0]           phase;

  wire [2*LOG_CELLS-LOG_WIDTH-1:0] row_at =
      state == COPY ? copied :
      state == IDLE ? {read_i, read_j[LOG_CELLS-1:LOG_WIDTH]} : {site, word[LOG_ROW-1:0]};
  wire [LOG_CELLS-1:0] bias_at = state == COPY ? copied[LOG_CELLS-1:0] : state == IDLE ? read_i : site;
  reg  [2*LOG_CELLS-LOG_WIDTH-1:0] copy_to;
  reg                              copying;
  reg  [LOG_WIDTH-1:0]             read_byte;
  wire [2*LOG_CELLS-LOG_WIDTH-1:0] pair_at = {pair_i, pair_j[LOG_CELLS-1:LOG_WIDTH]};
  integer b;

  always @(posedge clk) begin
    row_shadow <= shadow[row_at];
    row_live <= live[row_at];
    b_shadow <= shadow_biases[bias_at];
    b_live <= live_biases[bias_at];
    read_byte <= read_j[LOG_WIDTH-1:0];
    copy_to <= copied;
    copying <= state == COPY;
    for (b = 0; b < WIDTH; b = b + 1)
      if (pair_we && pair_j[LOG_WIDTH-1:0] == b[LOG_WIDTH-1:0]) shadow[pair_at][8*b +: 8] <= pair_code;
    if (bias_we) shadow_biases[bias_cell] <= bias_code;
    if (copying) begin
      live[copy_to] <= row_shadow;
      live_biases[copy_to[LOG_CELLS-1:0]] <= b_shadow;
    end
  end
  assign live_pair = live_coupled ? row_live[8*read_byte +: 8] : 8'd0;
  assign live_bias = live_biased ? b_live : 8'd0;

  // -- the sum of a word of the row -----------------------------------------------------------------------------------
  reg  [LOG_ROW:0]          summed;  // the word whose codes stand in row_*
  reg                       summing;
  reg  signed [SUM-1:0]     part_live, part_shadow;
  reg  signed [SUM-1:0]     one_live, one_shadow;
  reg  [LOG_CELLS:0]        k;
  always @* begin
    part_live = {SUM{1'b0}};
    part_shadow = {SUM{1'b0}};
    one_live = {SUM{1'b0}};
    one_shadow = {SUM{1'b0}};
    k = {(LOG_CELLS+1){1'b0}};
    for (b = 0; b < WIDTH; b = b + 1) begin
      k = {1'b0, summed[LOG_ROW-1:0], b[LOG_WIDTH-1:0]};
      one_live = {{(SUM-8){row_live[8*b+7]}}, row_live[8*b +: 8]};
      one_shadow = {{(SUM-8){row_shadow[8*b+7]}}, row_shadow[8*b +: 8]};
      if (k < active && k[LOG_CELLS-1:0] != site) begin
        part_live = spins[k[LOG_CELLS-1:0]] ? part_live + one_live : part_live - one_live;
        part_shadow = spins[k[LOG_CELLS-1:0]] ? part_shadow + one_shadow : part_shadow - one_shadow;
      end
    end
  end

  // -- noise ------------------------------------------------------------------------------------------------------------
  reg  [30:0]  noise [0:CELLS-1];                      // the upper 31 bits of a word
  reg  [30:0]  random;
  reg  [LOG_CELLS:0] block;                            // 16 g + l holds cells 64 g + 16 w + l
  wire [LOG_CELLS+2:0] first = {block[LOG_CELLS:4], 2'b00, block[3:0]};
  reg          draw;
  wire [127:0] words;
  wire         drawn;
  heatbath_philox #(.SLICED(SLICED)) philox (
    .clk(clk), .start(draw), .key(seed),
    .counter({FLIP, 8'd0, step[47:32], shot, step[31:0], {(31-LOG_CELLS){1'b0}}, block}),
    .words(words), .done(drawn));
  wire [LOG_CELLS+2:0] stored = {block[LOG_CELLS:4], phase, block[3:0]};
  always @(posedge clk) begin
    if (state == STORE && stored < {2'b00, active}) noise[stored[LOG_CELLS-1:0]] <= words[32*phase+1 +: 31];
    random <= noise[site];
  end

  // -- the field and the threshold --------------------------------------------------------------------------------------
  reg  signed [SUM+12:0]   mul_a;                      // 28 bits for 64 cells
  reg  signed [16:0]       mul_b;
  wire signed [SUM+29:0]   product = mul_a * mul_b;
  reg  signed [SUM-1:0]    sum_live, sum_shadow;
  reg  signed [SUM+12:0]   mixed;
  reg  signed [FIELD-1:0]  field;
  reg  signed [24:0]       gain;                       // its sum before the shift
  reg  [27:0]              warmth;                     // kT before the shift
  wire signed [16:0]       gain_now = gain[24:8];
  wire [14:0]              kT = warmth[26:12];
  wire signed [16:0]       rest = 17'd4096 - {5'd0, fraction};
  wire signed [16:0]       part = {5'd0, fraction};
  wire signed [7:0]        bias_live = live_biased ? b_live : 8'd0, bias_shadow = shadow_biased ? b_shadow : 8'd0;
  wire [FIELD-1:0]         size = (field[FIELD-1] ? -field : field) >> SIZE_SHIFT;
  reg  [14:0]              remainder;
  reg  [16:0]              quotient;
  reg  [4:0]               digits;
  wire [15:0]              trial = {remainder, quotient[16]};
  wire                     goes = trial >= {1'b0, kT};
  wire [14:0]              less = trial[14:0] - kT;
  reg  [8:0]               index;
  wire [30:0]              entry;
  reg  [30:0]              threshold;
  heatbath_sigmoid sigmoid (.clk(clk), .index(index), .data(entry));
  wire [24:0]              next_entry = index == 9'd0 ? 25'd0 : entry[24:0];  // behind the last there is 0
  wire [24:0]              slope = threshold[24:0] - next_entry;  // it is not more
  wire [30:0]              decided = threshold - {5'd0, product[33:8]};
  wire                     up = field[FIELD-1] | field == {FIELD{1'b0}};  // the likely value is +1
  wire [LOG_CELLS:0]       last_word = (active - 1'b1) >> LOG_WIDTH;

  always @(posedge clk) begin
    draw <= 1'b0;
    summing <= 1'b0;
    if (spin_we) spins[spin_cell] <= spin_value;
    if (spin_reset) spins <= {CELLS{1'b1}};
    if (pair_we) shadow_coupled <= 1'b1;
    if (bias_we) shadow_biased <= 1'b1;
    if (clear) begin
      shadow_coupled <= 1'b0;
      live_coupled <= 1'b0;
      shadow_biased <= 1'b0;
      live_biased <= 1'b0;
    end
    case (state)
      IDLE: begin
        copied <= 0;
        phase <= 2'd0;
        if (commit) begin
          state <= COPY;
          live_coupled <= shadow_coupled;
          live_biased <= shadow_biased;
        end else if (sweep) begin
          state <= PREPARE;
        end
      end

      COPY: begin
        copied <= copied + 1'b1;
        if (&copied) state <= NEXT;  // one clock for the last word
      end

      // gain and kT at this point of the ramp
      PREPARE: begin
        phase <= phase + 2'd1;
        mul_a <= phase == 2'd0 ? {{(SUM+1){gain_live[11]}}, gain_live} : {{(SUM+1){gain_shadow[11]}}, gain_shadow};
        mul_b <= phase == 2'd0 ? rest : part;
        if (phase == 2'd1) gain <= product[24:0];
        if (phase == 2'd2) begin
          gain <= gain + product[24:0];
          mul_a <= {{(SUM-2){1'b0}}, kT_live};
          mul_b <= rest;
        end
        if (phase == 2'd3) begin
          warmth <= product[27:0];
          mul_a <= {{(SUM-2){1'b0}}, kT_shadow};
          mul_b <= part;
          block <= 0;
          draw <= 1'b1;
          state <= DRAW;
        end
      end

      DRAW: begin
        phase <= 2'd0;
        if (block == 0 & draw) warmth <= warmth + product[27:0];
        if (drawn & ~draw) state <= STORE;
      end

      STORE: begin
        phase <= phase + 2'd1;
        if (phase == 2'd3) begin
          block <= block + 1'b1;
          draw <= 1'b1;
          state <= DRAW;
          if (first + (block[3:0] == 4'd15 ? 49 : 1) >= {2'b00, active}) begin
            draw <= 1'b0;
            site <= 0;
            state <= CELL;
          end
        end
      end

      CELL: begin
        word <= 0;
        sum_live <= 0;
        sum_shadow <= 0;
        summing <= 1'b0;
        if (held[site]) begin
          if ({1'b0, site} + 1'b1 == active) state <= IDLE;
          site <= site + 1'b1;
        end else begin
          state <= ADD;
        end
      end

      ADD: begin
        word <= word + 1'b1;
        summed <= word;
        summing <= 1'b1;
        if (summing) begin
          if (live_coupled) sum_live <= sum_live + part_live;
          if (shadow_coupled) sum_shadow <= sum_shadow + part_shadow;
          if ({{LOG_WIDTH{1'b0}}, summed} == last_word) state <= fraction == 12'd0 ? COUPLE : GAIN;
        end
      end

      GAIN: begin
        mul_a <= {{13{sum_live[SUM-1]}}, sum_live};
        mul_b <= rest;
        state <= RAMP;
      end

      RAMP: begin
        mixed <= product[SUM+12:0];
        mul_a <= {{13{sum_shadow[SUM-1]}}, sum_shadow};
        mul_b <= part;
        state <= COUPLE;
      end

      COUPLE: begin
        mul_a <= fraction == 12'd0 ? {sum_live[SUM-1], sum_live, 12'd0} : mixed + product[SUM+12:0];
        mul_b <= gain_now;
        state <= FIELDS;
      end

      FIELDS: begin
        field <= {{(FIELD-SUM-30){product[SUM+29]}}, product};
        mul_a <= {{(SUM+5){bias_live[7]}}, bias_live};
        mul_b <= rest;
        state <= BIASES;
      end

      BIASES: begin
        mixed <= product[SUM+12:0];
        mul_a <= {{(SUM+5){bias_shadow[7]}}, bias_shadow};
        mul_b <= part;
        state <= WHOLE;
      end

      WHOLE: begin
        field <= field + ({{(FIELD-SUM-13){mixed[SUM+12]}}, mixed} + {{(FIELD-SUM-13){product[SUM+12]}}, product[SUM+12:0]}
                          <<< BIAS_SHIFT);
        state <= SIZE;
      end

      SIZE: begin
        remainder <= size[31:17];
        quotient <= size[16:0];
        digits <= 5'd17;
        state <= DIVIDE;
        if (kT == 15'd0) begin  // the field decides
          if (field != {FIELD{1'b0}}) spins[site] <= up;
          if ({1'b0, site} + 1'b1 == active) state <= IDLE;
          else state <= CELL;
          site <= site + 1'b1;
        end else if (size[FIELD-1:17] >= {{(FIELD-32){1'b0}}, kT}) begin
          quotient <= 17'h1FFFF;
          state <= LOOK;
          index <= 9'd511;
        end
      end

      DIVIDE: begin
        remainder <= goes ? less : trial[14:0];
        quotient <= {quotient[15:0], goes};
        digits <= digits - 5'd1;
        if (digits == 5'd1) begin
          state <= LOOK;
          index <= quotient[15:7];  // of the quotient after this digit
        end
      end

      LOOK: begin
        index <= index + 9'd1;
        state <= NEXT;
      end

      NEXT:
        if (copying) begin
          state <= IDLE;
        end else begin
          threshold <= entry;
          state <= SLOPE;
        end

      SLOPE: begin
        mul_a <= {{(SUM-12){1'b0}}, slope};
        mul_b <= {9'd0, quotient[7:0]};
        state <= DECIDE;
      end

      DECIDE: begin
        spins[site] <= (random < decided) ^ up;
        state <= {1'b0, site} + 1'b1 == active ? IDLE : CELL;
        site <= site + 1'b1;
      end

      default: state <= IDLE;
    endcase
    if (~aresetn) state <= IDLE;
  end
endmodule
