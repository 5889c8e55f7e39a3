// nanotrig_widen: N words of W bits become one word of N*W bits, the first word lowest; one word a clock.
//
// A word is taken where valid and ready are both 1 at a clock edge. in_last is 1 with the last of the N words. Groups that
// end early, or late, or whose last word is in_bad, are dropped as a whole, and misframed is then 1 until reset.
// in_ready is 1 unless a whole group waits and cannot leave. Latency: 1 clock after the last word.
// After reset (synchronous) the next word is a first one.

module nanotrig_widen #(
  parameter W = 8,
  parameter N = 4
) (
  input  wire           clk,
  input  wire           rst,
  input  wire           in_valid,
  output wire           in_ready,
  input  wire [W-1:0]   in_data,
  input  wire           in_last,
  input  wire           in_bad,
  output wire           out_valid,
  input  wire           out_ready,
  output wire [N*W-1:0] out_data,
  output reg            misframed
);
  localparam A = N > 1 ? $clog2(N) : 1;
  localparam [A-1:0] LAST = N[A-1:0] - 1'b1;

  reg           full;
  reg           late;   // the group should have ended already
  reg [A-1:0]   count;  // words of the group so far
  reg [N*W-1:0] group;  // word k enters at the top and moves down

  assign in_ready = ~full | out_ready;
  assign out_valid = full;
  assign out_data = group;

  wire take = in_valid & in_ready;
  wire at_end = count == LAST;

  generate
    if (N > 1) begin : many
      always @(posedge clk) if (take) group <= {in_data, group[N*W-1:W]};
    end else begin : one
      always @(posedge clk) if (take) group <= in_data;
    end
  endgenerate

  always @(posedge clk)
    if (rst) begin
      full <= 1'b0;
      late <= 1'b0;
      count <= {A{1'b0}};
      misframed <= 1'b0;
    end else begin
      if (in_ready) full <= take & at_end & in_last & ~in_bad & ~late;
      if (take) begin
        count <= in_last | at_end ? {A{1'b0}} : count + 1'b1;
        late <= ~in_last & (late | at_end);
        misframed <= misframed | (at_end ? ~in_last : in_last) | in_bad;
      end
    end
endmodule
