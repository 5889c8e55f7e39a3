// nanotrig_narrow: a word of N*W bits becomes N words of W bits, the lowest bits first; one word a clock.
//
// A word is taken where valid and ready are both 1 at a clock edge. Once valid, out_valid, out_data and out_last stay until
// taken. out_last is 1 with the last of the N words. in_ready is 1 with the last word's leaving, so that no clock is lost.
// Latency: 1 clock. After reset (synchronous) no word waits.

module nanotrig_narrow #(
  parameter W = 8,
  parameter N = 4
) (
  input  wire           clk,
  input  wire           rst,
  input  wire           in_valid,
  output wire           in_ready,
  input  wire [N*W-1:0] in_data,
  output wire           out_valid,
  input  wire           out_ready,
  output wire [W-1:0]   out_data,
  output wire           out_last
);
  localparam A = N > 1 ? $clog2(N) : 1;
  localparam [A-1:0] LAST = N[A-1:0] - 1'b1;

  reg           full;
  reg [A-1:0]   count;  // words that have left
  reg [N*W-1:0] group;

  assign out_valid = full;
  assign out_data = group[W-1:0];
  assign out_last = count == LAST;
  assign in_ready = ~full | (out_ready & out_last);

  wire give = out_valid & out_ready;

  always @(posedge clk)
    if (rst) begin
      full <= 1'b0;
      count <= {A{1'b0}};
    end else begin
      if (in_ready) full <= in_valid;
      if (give) count <= out_last ? {A{1'b0}} : count + 1'b1;
    end

  generate
    if (N > 1) begin : many
      always @(posedge clk)
        if (in_ready) group <= in_data;
        else if (give) group <= {{W{1'b0}}, group[N*W-1:W]};
    end else begin : one
      always @(posedge clk) if (in_ready) group <= in_data;
    end
  endgenerate
endmodule
