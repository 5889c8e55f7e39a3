// nanotrig_sum3: a + b + c + MI + CI modulo 2^W, in one carry chain and at most one LUT6_2 a bit.
//
// Operands. Bit i of a counts as (a[i] & A_LIVE[i]) ^ A_NOT[i], so that a bit that is not live is the constant A_NOT[i];
//           b and c alike. MI and CI are two free units, which two negated operands need.
//
// From the lowest bit at which three bits meet (SAVE), a LUT adds three bits into two: their exclusive or, which
// stays, and their majority m, which leaves at O5 for the next bit:
//   s[i] = a[i] ^ b[i] ^ c[i] ^ m[i-1],   di[i] = m[i-1],   m[i] = maj(a[i], b[i], c[i]),   m[-1] = MI
// Below, where at most two are not 0, it adds as usual: s[i] = a[i] ^ b[i] ^ c[i], di[i] = maj(a[i], b[i], c[i]), m[i] = 0.
// Where a bit of one operand lives alone it goes into the chain as it is, or inverted, without a LUT of its own; a 1 beside it
// is the chain's other input.
//
// A slice has one output for both m and the sum of a bit: it is one LUT a bit only if sum feeds registers alone.

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
  localparam [W:0] UNIT = {{W{1'b0}}, MI};
  // Where no operand is the constant 0, and from the lowest such bit up.
  localparam [W-1:0] MEET = ((A_LIVE | A_NOT) & (B_LIVE | B_NOT) & (C_LIVE | C_NOT)) | UNIT[W-1:0];
  localparam [W-1:0] SAVE = ~((MEET & (~MEET + 1'b1)) - 1'b1);
  // Where an operand is the constant 0, or 1; and where therefore the majority is.
  localparam [W-1:0] A0 = ~A_LIVE & ~A_NOT, B0 = ~B_LIVE & ~B_NOT, C0 = ~C_LIVE & ~C_NOT;
  localparam [W-1:0] A1 = ~A_LIVE & A_NOT, B1 = ~B_LIVE & B_NOT, C1 = ~C_LIVE & C_NOT;
  localparam [W-1:0] ZERO = (A0 & B0) | (A0 & C0) | (B0 & C0);
  localparam [W-1:0] ONE = (A1 & B1) | (A1 & C1) | (B1 & C1);
  // Where m of the bit below is the constant 1.
  localparam [W-1:0] ONE_BELOW = ((SAVE & ONE) << 1) | UNIT[W-1:0];
  // Where one operand lives beside a 0 and a 1.
  localparam [W-1:0] BESIDE =
    (A_LIVE & ((B0 & C1) | (B1 & C0))) | (B_LIVE & ((A0 & C1) | (A1 & C0))) | (C_LIVE & ((A0 & B1) | (A1 & B0)));

  // Where m of the bit below is no constant.
  function [W-1:0] saved;
    input none;
    integer j;
    reg below;
    begin
      below = none;
      for (j = 0; j < W; j = j + 1) begin
        saved[j] = below;
        below = SAVE[j] & ~ZERO[j] & ~ONE[j] & ~(BESIDE[j] & ~below & ~ONE_BELOW[j]);
      end
    end
  endfunction
  localparam [W-1:0] M_BELOW = saved(1'b0);
  // Where the 1 needs no LUT; where one operand lives alone.
  localparam [W-1:0] WITH_ONE = BESIDE & ~M_BELOW & ~ONE_BELOW;
  localparam [W-1:0] LONE = (~M_BELOW & ZERO) | WITH_ONE;
  localparam [W-1:0] NONE = ~(A_LIVE | B_LIVE | C_LIVE);
  localparam [W-1:0] ODD = A_NOT ^ B_NOT ^ C_NOT;

  // The truth tables of a LUT's inputs, of which those of its outputs are made. I5 is 1, so that O5 and O6 are apart.
  localparam [63:0] I0 = 64'haaaa_aaaa_aaaa_aaaa;
  localparam [63:0] I1 = 64'hcccc_cccc_cccc_cccc;
  localparam [63:0] I2 = 64'hf0f0_f0f0_f0f0_f0f0;
  localparam [63:0] I3 = 64'hff00_ff00_ff00_ff00;

  wire [W-1:0] s, di, majority;
  wire [W-1:0] m_below = ((majority & SAVE) << 1) | UNIT[W-1:0];
  assign di = (m_below & SAVE) | (majority & ~SAVE) | WITH_ONE;

  genvar i;
  generate
    for (i = 0; i < W; i = i + 1) begin : one
      if (NONE[i]) begin : none
        assign s[i] = ODD[i] ^ m_below[i];
        assign majority[i] = ONE[i];
      end else if (LONE[i]) begin : lone
        assign s[i] = (A_LIVE[i] ? a[i] : B_LIVE[i] ? b[i] : c[i]) ^ (ODD[i] ^ ONE_BELOW[i]);
        assign majority[i] = 1'b0;
      end else begin : three
        localparam [63:0] A = (I0 & {64{A_LIVE[i]}}) ^ {64{A_NOT[i]}};
        localparam [63:0] B = (I1 & {64{B_LIVE[i]}}) ^ {64{B_NOT[i]}};
        localparam [63:0] C = (I2 & {64{C_LIVE[i]}}) ^ {64{C_NOT[i]}};
        localparam [63:0] M = M_BELOW[i] ? I3 : {64{ONE_BELOW[i]}};
        localparam [63:0] S = A ^ B ^ C ^ M;
        localparam [63:0] MAJORITY = (A & B) | (A & C) | (B & C);
        LUT6_2 #(.INIT({S[63:32], MAJORITY[31:0]})) lut (
          .I0(a[i]), .I1(b[i]), .I2(c[i]), .I3(m_below[i]), .I4(1'b1), .I5(1'b1), .O6(s[i]), .O5(majority[i])
        );
      end
    end
  endgenerate

  nanotrig_chain #(.W(W)) chain (.ci(CI), .s(s), .di(di), .sum(sum));
endmodule
