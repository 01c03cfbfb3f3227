// A Wishbone master before heatbath_board: plays the accesses of a file and prints what it read.
//   w ADDRESS DATA SELECT   writes; r ADDRESS 0 0 reads and prints; i 0 0 0 waits for the interrupt
`timescale 1ns / 1ps
module board_tb;
  reg         clk = 1'b0, rst = 1'b1;
  reg  [31:0] adr = 0, dat_w = 0;
  reg  [3:0]  sel = 4'hF;
  reg         we = 0, stb = 0;
  wire [31:0] dat_r;
  wire        ack, err, irq;
  heatbath_board #(.MEMORY_BYTES(16384), .PROGRAM_MAX(64)) board (
    .clk(clk), .rst(rst), .wb_adr(adr), .wb_dat_w(dat_w), .wb_dat_r(dat_r), .wb_sel(sel), .wb_we(we), .wb_cyc(stb),
    .wb_stb(stb), .wb_ack(ack), .wb_err(err), .irq(irq));
  always #5 clk = ~clk;

  integer file, got, clocks;
  reg [7:0]  what;
  reg [31:0] a, d, s;
  initial begin
    repeat (8) @(posedge clk);
    rst <= 1'b0;
    file = $fopen("accesses.txt", "r");
    got = $fscanf(file, "%c %h %h %h\n", what, a, d, s);
    while (got == 4) begin
      clocks = 0;
      if (what == "i") begin
        while (~irq && clocks < 2000000) begin
          @(posedge clk);
          clocks = clocks + 1;
        end
        $display("i %0d %0d", irq, clocks);
      end else begin
        adr <= a;
        dat_w <= d;
        sel <= s[3:0];
        we <= what == "w";
        stb <= 1'b1;
        @(posedge clk);
        while (~ack && ~err && clocks < 100000) begin
          @(posedge clk);
          clocks = clocks + 1;
        end
        if (what == "r") $display("r %h %h", a, err ? 32'hBAD0BAD0 : dat_r);
        else if (err) $display("e %h", a);
        stb <= 1'b0;
        @(posedge clk);
      end
      got = $fscanf(file, "%c %h %h %h\n", what, a, d, s);
    end
    $finish;
  end
endmodule
