// nanotrig_sum2: a + b + K + CI modulo 2^W. The twin, for simulation, of hdl/lut6/nanotrig_sum2.v.
//
// Operands. Bit i of a counts as (a[i] ^ A_NOT[i]) & A_LIVE[i], so that a bit that is not live is 0; b alike.
// Result.   sum = (a + b + K + CI) / 2^LOW modulo 2^(W-LOW). LOW is even, and K is 0 in the LOW lowest bits.

module nanotrig_sum2 #(
  parameter W = 8,
  parameter LOW = 0,
  parameter [W-1:0] K = {W{1'b0}},
  parameter [0:0] CI = 1'b0,
  parameter [W-1:0] A_LIVE = {W{1'b1}},
  parameter [W-1:0] B_LIVE = {W{1'b1}},
  parameter [W-1:0] A_NOT = {W{1'b0}},
  parameter [W-1:0] B_NOT = {W{1'b0}}
) (
  input  wire [W-1:0]   a,
  input  wire [W-1:0]   b,
  output wire [W-1:LOW] sum
);
  localparam [W:0] UNIT = {{W{1'b0}}, CI};
  wire [W-1:0] all = ((a ^ A_NOT) & A_LIVE) + ((b ^ B_NOT) & B_LIVE) + (K + UNIT[W-1:0]);
  assign sum = all[W-1:LOW];

  // Bits that nobody reads: the LOW lowest carry into those above them.
  wire unused = &{all, 1'b0};
endmodule
