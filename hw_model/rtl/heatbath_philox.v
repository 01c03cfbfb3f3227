// Philox4x32-10 (Salmon et al., SC'11): four random words of a counter and a key. `start` samples both; `done` is 1 from
// 10 clocks later (40 with SLICED = 1, which multiplies eight bits in a clock) until the next start.
module heatbath_philox #(
  parameter SLICED = 0
) (
  input  wire         clk,
  input  wire         start,
  input  wire [63:0]  key,
  input  wire [127:0] counter,
  output wire [127:0] words,
  output wire         done
);
  localparam [31:0] M0 = 32'hD2511F53, M1 = 32'hCD9E8D57, W0 = 32'h9E3779B9, W1 = 32'hBB67AE85;

  reg  [31:0] x0, x1, x2, x3, k0, k1;
  reg  [3:0]  left;
  wire [63:0] p0, p1;
  wire        round;  // the products are whole

  assign words = {x3, x2, x1, x0};
  assign done = left == 4'd0;

  generate
    if (SLICED != 0) begin : sliced
      reg  [1:0]  slice;
      reg  [55:0] sum0, sum1;  // what is left of the products so far
      wire [39:0] part0 = x0[8 * slice +: 8] * {8'd0, M0};
      wire [39:0] part1 = x2[8 * slice +: 8] * {8'd0, M1};
      assign p0 = {8'd0, sum0} + {part0, 24'd0};
      assign p1 = {8'd0, sum1} + {part1, 24'd0};
      assign round = slice == 2'd3;
      always @(posedge clk)
        if (start) begin
          slice <= 2'd0;
          sum0 <= 56'd0;
          sum1 <= 56'd0;
        end else begin
          slice <= slice + 2'd1;
          sum0 <= round ? 56'd0 : p0[63:8];
          sum1 <= round ? 56'd0 : p1[63:8];
        end
    end else begin : whole
      assign p0 = {32'd0, x0} * {32'd0, M0};
      assign p1 = {32'd0, x2} * {32'd0, M1};
      assign round = 1'b1;
    end
  endgenerate

  always @(posedge clk)
    if (start) begin
      {x3, x2, x1, x0} <= counter;
      {k1, k0} <= key;
      left <= 4'd10;
    end else if (left != 4'd0 && round) begin
      x0 <= p1[63:32] ^ x1 ^ k0;
      x1 <= p1[31:0];
      x2 <= p0[63:32] ^ x3 ^ k1;
      x3 <= p0[31:0];
      k0 <= k0 + W0;
      k1 <= k1 + W1;
      left <= left - 4'd1;
    end
endmodule
