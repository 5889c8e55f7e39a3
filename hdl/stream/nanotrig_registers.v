// nanotrig_registers: N words of 32 bits that are written one by one through AXI4-Lite, and change all at once.
//
// Byte address 4 * (i + 1) is that of word i. What is written there waits (bytes without a strobe stay as they are); a write
// with bit 0 set to address 0 puts all words that wait in use, at the clock edge after which bvalid answers it. A read gives
// what waits; address 0 gives how often the words in use changed since reset, modulo 2^32. Other addresses are answered with
// SLVERR. awready and wready wait for awvalid and wvalid. A, the bits of an address, is at least $clog2(N + 1) + 2.
// After reset (synchronous) all words, in use and waiting, are FIRST.

module nanotrig_registers #(
  parameter N = 1,
  parameter A = 3,
  parameter [32*N-1:0] FIRST = {32*N{1'b0}}
) (
  input  wire            clk,
  input  wire            rst,
  input  wire            awvalid,
  output wire            awready,
  input  wire [A-1:0]    awaddr,
  input  wire            wvalid,
  output wire            wready,
  input  wire [31:0]     wdata,
  input  wire [3:0]      wstrb,
  output reg             bvalid,
  input  wire            bready,
  output reg  [1:0]      bresp,
  input  wire            arvalid,
  output wire            arready,
  input  wire [A-1:0]    araddr,
  output reg             rvalid,
  input  wire            rready,
  output reg  [31:0]     rdata,
  output reg  [1:0]      rresp,
  output reg  [32*N-1:0] words
);
  localparam R = $clog2(N + 1);  // bits of a word's number
  localparam [A-3:0] LAST = N[A-3:0];

  reg [32*N-1:0] waiting;
  reg [31:0]     changes;

  wire write = awvalid & wvalid & (~bvalid | bready);
  wire read = arvalid & (~rvalid | rready);
  assign awready = write;
  assign wready = write;
  assign arready = ~rvalid | rready;

  wire [A-3:0] at = awaddr[A-1:2];
  wire [A-3:0] from = araddr[A-1:2];
  wire change = write & at == {A-2{1'b0}} & wstrb[0] & wdata[0];
  wire [32*N+31:0] all = {waiting, changes};

  always @(posedge clk)
    if (rst) begin
      bvalid <= 1'b0;
      rvalid <= 1'b0;
      changes <= 32'd0;
      words <= FIRST;
    end else begin
      bvalid <= write | (bvalid & ~bready);
      rvalid <= read | (rvalid & ~rready);
      if (change) begin
        changes <= changes + 32'd1;
        words <= waiting;
      end
    end

  always @(posedge clk) begin
    if (write) bresp <= {at > LAST, 1'b0};
    if (read) begin
      rresp <= {from > LAST, 1'b0};
      rdata <= from > LAST ? 32'd0 : all[{from[R-1:0], 5'd0} +: 32];
    end
  end

  genvar i;
  generate
    for (i = 0; i < N; i = i + 1) begin : word
      localparam [31:0] NUMBER = i + 1;
      wire here = write & at == NUMBER[A-3:0];
      always @(posedge clk)
        if (rst) waiting[32*i +: 32] <= FIRST[32*i +: 32];
        else if (here) begin
          if (wstrb[0]) waiting[32*i +: 8] <= wdata[7:0];
          if (wstrb[1]) waiting[32*i+8 +: 8] <= wdata[15:8];
          if (wstrb[2]) waiting[32*i+16 +: 8] <= wdata[23:16];
          if (wstrb[3]) waiting[32*i+24 +: 8] <= wdata[31:24];
        end
    end
  endgenerate

  wire unused = &{awaddr[1:0], araddr[1:0], 1'b0};
endmodule
