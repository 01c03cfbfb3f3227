// Device memory: 32-bit words, one port, data one clock after the address. A board with other memory puts its own here.
module heatbath_memory #(
  parameter BYTES = 2097152
) (
  input  wire        clk,
  input  wire [29:0] address,
  input  wire [3:0]  we,
  input  wire [31:0] wdata,
  output reg  [31:0] rdata
);
  localparam WORDS = BYTES / 4, BITS = $clog2(WORDS);
  reg [31:0] words [0:WORDS-1] /*verilator public_flat_rw*/;
  always @(posedge clk) begin
    rdata <= words[address[BITS-1:0]];
    if (we[0]) words[address[BITS-1:0]][7:0] <= wdata[7:0];
    if (we[1]) words[address[BITS-1:0]][15:8] <= wdata[15:8];
    if (we[2]) words[address[BITS-1:0]][23:16] <= wdata[23:16];
    if (we[3]) words[address[BITS-1:0]][31:24] <= wdata[31:24];
  end
  wire unused = &{1'b0, address[29:BITS]};
endmodule
