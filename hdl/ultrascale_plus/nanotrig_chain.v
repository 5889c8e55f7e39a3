// nanotrig_chain: a carry chain of W bits, as CARRY8 of AMD UltraScale and UltraScale+.
//
//   carry[0] = ci,   carry[i+1] = s[i] ? carry[i] : di[i],   sum[i] = s[i] ^ carry[i]
//
// What is above W in the last CARRY8 is 0 and unread.

module nanotrig_chain #(
  parameter W = 8
) (
  input  wire         ci,
  input  wire [W-1:0] s,
  input  wire [W-1:0] di,
  output wire [W-1:0] sum
);
  localparam N = (W + 7) / 8;  // CARRY8s

  // Filled with zeros; one more than needed, for there is no vector of no bits.
  wire [8*N:0] all_s  = {{(8*N-W+1){1'b0}}, s};
  wire [8*N:0] all_di = {{(8*N-W+1){1'b0}}, di};
  wire [8*N-1:0] all_sum, all_co;

  genvar i;
  generate
    for (i = 0; i < N; i = i + 1) begin : eight
      wire carry;
      if (i == 0) begin : first
        assign carry = ci;
      end else begin : next
        assign carry = all_co[8*i-1];
      end
      CARRY8 #(.CARRY_TYPE("SINGLE_CY8")) chain (
        .CI(carry), .CI_TOP(1'b0), .S(all_s[8*i +: 8]), .DI(all_di[8*i +: 8]), .O(all_sum[8*i +: 8]), .CO(all_co[8*i +: 8])
      );
    end
  endgenerate

  assign sum = all_sum[W-1:0];
endmodule
