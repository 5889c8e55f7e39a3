// nanotrig_sum2: a + b + K + CI modulo 2^W, in one carry chain and at most one LUT6_2 a bit.
//
// Operands. Bit i of a counts as (a[i] ^ A_NOT[i]) & A_LIVE[i], so that a bit that is not live is 0; b alike.
// Result.   sum = (a + b + K + CI) / 2^LOW modulo 2^(W-LOW). The LOW lowest bits are added, but have no sum: only
//           their carry goes on, at half a LUT a bit. LOW is even, and K is 0 in those bits.
//
// Where three bits meet, of a, b, K and an m from below, a LUT adds those of a, b and K into two: their exclusive or, which
// stays, and their majority m, which goes to the next bit. It makes m of the bit below itself, so it reads four inputs at
// most:
//   s[i] = a[i] ^ b[i] ^ K[i] ^ m[i-1],   di[i] = m[i-1],   m[i] = maj(a[i], b[i], K[i])
// Elsewhere it adds two bits as usual, s[i] = a[i] ^ b[i], di[i] = a[i] & b[i], and m[i] = 0. And of the LOW bits, two at a
// time, carry[i+2] = s ? carry[i] : di with s = p[i+1] & p[i], di = g[i+1] | p[i+1] & g[i], p = a ^ b, g = a & b.
// Where a bit of one operand lives alone it goes into the chain as it is, or inverted, without a LUT of its own.

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
  // Where m is no constant 0; and what the bit below has, at each bit.
  function [W-1:0] saved;
    input below_all;
    integer j;
    reg below;
    begin
      below = below_all;
      for (j = 0; j < W; j = j + 1) begin
        below = (A_LIVE[j] & B_LIVE[j] & (K[j] | below)) | (below & K[j] & (A_LIVE[j] | B_LIVE[j]));
        saved[j] = below;
      end
    end
  endfunction
  localparam [W-1:0] M_LIVE = saved(1'b0);
  localparam [W-1:0] M_BELOW = M_LIVE << 1;
  localparam [W-1:0] K_BELOW = K << 1;
  localparam [W-1:0] A_LIVE_BELOW = A_LIVE << 1;
  localparam [W-1:0] B_LIVE_BELOW = B_LIVE << 1;
  localparam [W-1:0] A_NOT_BELOW = A_NOT << 1;
  localparam [W-1:0] B_NOT_BELOW = B_NOT << 1;
  wire [W-1:0] a_below = a << 1;
  wire [W-1:0] b_below = b << 1;

  // The truth tables of a LUT's inputs, of which those of its outputs are made. I5 is 1, so that O5 and O6 are apart.
  localparam [63:0] I0 = 64'haaaa_aaaa_aaaa_aaaa;
  localparam [63:0] I1 = 64'hcccc_cccc_cccc_cccc;
  localparam [63:0] I2 = 64'hf0f0_f0f0_f0f0_f0f0;
  localparam [63:0] I3 = 64'hff00_ff00_ff00_ff00;

  localparam PAIRS = LOW / 2;
  localparam N = W - PAIRS;  // bits of the chain
  wire [N-1:0] s, di, chain_sum;

  genvar i;
  generate
    for (i = 0; i < LOW; i = i + 2) begin : pair
      localparam [63:0] A0 = (I0 ^ {64{A_NOT[i]}}) & {64{A_LIVE[i]}};
      localparam [63:0] B0 = (I1 ^ {64{B_NOT[i]}}) & {64{B_LIVE[i]}};
      localparam [63:0] A1 = (I2 ^ {64{A_NOT[i+1]}}) & {64{A_LIVE[i+1]}};
      localparam [63:0] B1 = (I3 ^ {64{B_NOT[i+1]}}) & {64{B_LIVE[i+1]}};
      localparam [63:0] S = (A1 ^ B1) & (A0 ^ B0);
      localparam [63:0] DI = (A1 & B1) | ((A1 ^ B1) & (A0 & B0));
      LUT6_2 #(.INIT({S[63:32], DI[31:0]})) lut (
        .I0(a[i]), .I1(b[i]), .I2(a[i+1]), .I3(b[i+1]), .I4(1'b1), .I5(1'b1), .O6(s[i/2]), .O5(di[i/2])
      );
    end
    for (i = LOW; i < W; i = i + 1) begin : one
      if (!A_LIVE[i] && !B_LIVE[i] && !M_BELOW[i]) begin : constant
        assign s[i-PAIRS] = K[i];
        assign di[i-PAIRS] = 1'b0;
      end else if (A_LIVE[i] && !B_LIVE[i] && !M_BELOW[i]) begin : only_a
        assign s[i-PAIRS] = a[i] ^ (A_NOT[i] ^ K[i]);
        assign di[i-PAIRS] = K[i];
      end else if (B_LIVE[i] && !A_LIVE[i] && !M_BELOW[i]) begin : only_b
        assign s[i-PAIRS] = b[i] ^ (B_NOT[i] ^ K[i]);
        assign di[i-PAIRS] = K[i];
      end else begin : both
        localparam [63:0] A = (I0 ^ {64{A_NOT[i]}}) & {64{A_LIVE[i]}};
        localparam [63:0] B = (I1 ^ {64{B_NOT[i]}}) & {64{B_LIVE[i]}};
        localparam [63:0] P = (I2 ^ {64{A_NOT_BELOW[i]}}) & {64{A_LIVE_BELOW[i]}};
        localparam [63:0] Q = (I3 ^ {64{B_NOT_BELOW[i]}}) & {64{B_LIVE_BELOW[i]}};
        localparam [63:0] M = ((P & Q) | ({64{K_BELOW[i]}} & (P | Q))) & {64{M_BELOW[i]}};
        localparam [63:0] S = A ^ B ^ {64{K[i]}} ^ M;
        localparam [63:0] DI = M_LIVE[i] || M_BELOW[i] ? M : A & B;
        LUT6_2 #(.INIT({S[63:32], DI[31:0]})) lut (
          .I0(a[i]), .I1(b[i]), .I2(a_below[i]), .I3(b_below[i]), .I4(1'b1), .I5(1'b1), .O6(s[i-PAIRS]), .O5(di[i-PAIRS])
        );
      end
    end
  endgenerate

  nanotrig_chain #(.W(N)) chain (.ci(CI), .s(s), .di(di), .sum(chain_sum));
  assign sum = chain_sum[N-1:PAIRS];
endmodule
