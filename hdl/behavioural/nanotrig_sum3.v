// nanotrig_sum3: a + b + c + MI + CI modulo 2^W. The twin, for simulation, of hdl/lut6/nanotrig_sum3.v.
//
// Operands. Bit i of a counts as (a[i] & A_LIVE[i]) ^ A_NOT[i], so that a bit that is not live is the constant A_NOT[i];
//           b and c alike. MI and CI are two free units, which two negated operands need.

module nanotrig_sum3 #(
  parameter W = 8,
  parameter [0:0] MI = 1'b0,
  parameter [0:0] CI = 1'b0,
  parameter [W-1:0] A_LIVE = {W{1'b1}},
  parameter [W-1:0] B_LIVE = {W{1'b1}},
  parameter [W-1:0] C_LIVE = {W{1'b1}},
  parameter [W-1:0] A_NOT = {W{1'b0}},
  parameter [W-1:0] B_NOT = {W{1'b0}},
  parameter [W-1:0] C_NOT = {W{1'b0}}
) (
  input  wire [W-1:0] a,
  input  wire [W-1:0] b,
  input  wire [W-1:0] c,
  output wire [W-1:0] sum
);
  localparam [W:0] UNITS = {{W{1'b0}}, MI} + {{W{1'b0}}, CI};
  assign sum = ((a & A_LIVE) ^ A_NOT) + ((b & B_LIVE) ^ B_NOT) + ((c & C_LIVE) ^ C_NOT) + UNITS[W-1:0];
endmodule
