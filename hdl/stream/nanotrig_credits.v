// nanotrig_credits: lets words into a pipeline that cannot stall while the queue behind it has room for all that are inside.
//
// `take` is 1 at the clock edge at which a word enters, `give` at which one leaves the queue. in_ready is 1 while fewer than
// DEPTH words are inside; it depends on registers alone. After reset (synchronous), which must also empty the pipeline and
// the queue, none is.

module nanotrig_credits #(
  parameter DEPTH = 16
) (
  input  wire clk,
  input  wire rst,
  input  wire take,
  input  wire give,
  output wire in_ready
);
  localparam A = $clog2(DEPTH + 1);

  reg [A-1:0] held;

  assign in_ready = held != DEPTH[A-1:0];

  always @(posedge clk)
    if (rst) held <= {A{1'b0}};
    else if (take & ~give) held <= held + 1'b1;
    else if (give & ~take) held <= held - 1'b1;
endmodule
