// heatbath_board behind an APB3 port with the strobes of APB4: PREADY when the access is over, PSLVERR where the Wishbone
// port has err.
//
// Not tried on a board.
module heatbath_apb #(
  parameter LOG_CELLS    = 6,
  parameter LOG_WIDTH    = 3,
  parameter SLICED       = 1,
  parameter MEMORY_BYTES = 4096,
  parameter PROGRAM_MAX  = 32,
  parameter TICK_BITS    = 48
) (
  input  wire        pclk,
  input  wire        presetn,
  input  wire [31:0] paddr,
  input  wire        psel,
  input  wire        penable,
  input  wire        pwrite,
  input  wire [31:0] pwdata,
  input  wire [3:0]  pstrb,
  output wire [31:0] prdata,
  output wire        pready,
  output wire        pslverr,
  output wire        irq
);
  wire ack, err;
  assign pready = ack | err;
  assign pslverr = err;

  heatbath_board #(.LOG_CELLS(LOG_CELLS), .LOG_WIDTH(LOG_WIDTH), .SLICED(SLICED), .MEMORY_BYTES(MEMORY_BYTES),
                   .PROGRAM_MAX(PROGRAM_MAX), .TICK_BITS(TICK_BITS)) board (
    .clk(pclk), .rst(~presetn), .wb_adr(paddr), .wb_dat_w(pwdata), .wb_dat_r(prdata), .wb_sel(pstrb), .wb_we(pwrite),
    .wb_cyc(psel), .wb_stb(psel & penable), .wb_ack(ack), .wb_err(err), .irq(irq));
endmodule
