// A float32 as a code in two's complement of `bits` bits in steps of 2^-steps: the nearest, halves away from zero,
// saturated at both ends (heatbath/codes.h). `clipped`: it lies more than half a step beyond the last code. NaN gives no
// meaning.
module heatbath_fixed (
  input  wire [31:0] value,
  input  wire [3:0]  steps,
  input  wire [4:0]  bits,     // 2..16
  output wire [15:0] code,
  output wire        clipped
);
  wire        negative = value[31];
  wire [7:0]  exponent = value[30:23];
  wire [8:0]  power = {1'b0, exponent} + {5'd0, steps};      // 127 + that of the value in steps
  wire        tiny = exponent == 8'd0 | power < 9'd126;      // below half a step
  wire        vast = exponent != 8'd0 & power >= 9'd143;     // 2^16 steps and more
  wire [8:0]  near = power - 9'd126;                         // 0..16
  wire [40:0] shifted = {17'd0, 1'b1, value[22:0]} << near[4:0];
  wire [17:0] halves = tiny ? 18'd0 : shifted[40:23];        // 2 |value| in steps
  wire        beyond = |shifted[22:0];
  wire [17:0] rounded = (halves + 18'd1) >> 1;
  wire [17:0] top = (18'd1 << (bits - 5'd1)) - {17'd0, ~negative};
  wire        full = vast | rounded >= top;
  wire [17:0] size = full ? top : rounded;
  wire [17:0] last = {top[16:0], 1'b1};
  assign code = negative ? 16'd0 - size[15:0] : size[15:0];
  assign clipped = vast | (~tiny & (halves > last | (halves == last & beyond)));
  wire        unused = &{1'b0, near[8:5], size[17:16], top[17]};
endmodule
