// nanotrig_depacketise: the payload of packets of 128-bit words: header and footer go, as APEIRON's links have them; one word
// a clock. See nanotrig_packetise for the header.
//
// A word is taken where valid and ready are both 1 at a clock edge; in_last is 1 with a packet's footer. out_last is 1 with
// the last word of a payload. A packet whose header has another size than 16*N is dropped as a whole; where one ends before
// its N words, out_bad is 1 with out_last, and what comes behind must drop them (nanotrig_widen does); words behind the N-th
// are dropped. In all these cases misframed is then 1 until reset.
// Latency: none; payload words pass through. After reset (synchronous) the next word is a header.

module nanotrig_depacketise #(
  parameter N = 1
) (
  input  wire         clk,
  input  wire         rst,
  input  wire         in_valid,
  output wire         in_ready,
  input  wire [127:0] in_data,
  input  wire         in_last,
  output wire         out_valid,
  input  wire         out_ready,
  output wire [127:0] out_data,
  output wire         out_last,
  output wire         out_bad,
  output reg          misframed
);
  localparam [1:0] HEADER = 2'd0, PAYLOAD = 2'd1, TAIL = 2'd2;
  localparam [13:0] SIZE = 14'd16 * N[13:0];
  localparam A = N > 1 ? $clog2(N) : 1;
  localparam [A-1:0] LAST = N[A-1:0] - 1'b1;

  reg [1:0]   state;
  reg [A-1:0] count;  // payload words so far

  wire payload = state == PAYLOAD;
  wire wrong = state == HEADER & in_data[61:48] != SIZE;

  assign out_valid = in_valid & payload;
  assign out_data = in_data;
  assign out_last = count == LAST | in_last;
  assign out_bad = in_last;  // a footer is no payload
  assign in_ready = ~payload | out_ready;

  always @(posedge clk)
    if (rst) begin
      state <= HEADER;
      count <= {A{1'b0}};
      misframed <= 1'b0;
    end else if (in_valid & in_ready) begin
      // A packet of the wrong size is skipped as a footer that is long in coming.
      state <= in_last ? HEADER : state == HEADER & ~wrong ? PAYLOAD : payload & count != LAST ? PAYLOAD : TAIL;
      count <= payload & ~out_last ? count + 1'b1 : {A{1'b0}};
      misframed <= misframed | wrong | (in_last ? state != TAIL : state == TAIL);
    end
endmodule
