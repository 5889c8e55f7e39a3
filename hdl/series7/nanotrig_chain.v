// nanotrig_chain: a carry chain of W bits, as CARRY4 of the AMD 7-series.
//
//   carry[0] = ci,   carry[i+1] = s[i] ? carry[i] : di[i],   sum[i] = s[i] ^ carry[i]
//
// What is above W in the last CARRY4 is 0 and unread.

module nanotrig_chain #(
  parameter W = 8
) (
  input  wire         ci,
  input  wire [W-1:0] s,
  input  wire [W-1:0] di,
  output wire [W-1:0] sum
);
  localparam N = (W + 3) / 4;  // CARRY4s

  // Filled with zeros; one more than needed, for there is no vector of no bits.
  wire [4*N:0] all_s  = {{(4*N-W+1){1'b0}}, s};
  wire [4*N:0] all_di = {{(4*N-W+1){1'b0}}, di};
  wire [4*N-1:0] all_sum, all_co;

  genvar i;
  generate
    for (i = 0; i < N; i = i + 1) begin : four
      wire carry;
      if (i == 0) begin : first
        assign carry = 1'b0;
      end else begin : next
        assign carry = all_co[4*i-1];
      end
      // The first carry comes in at CYINIT, the others from the CARRY4 below at CI.
      CARRY4 chain (
        .CI(carry), .CYINIT(i == 0 ? ci : 1'b0), .S(all_s[4*i +: 4]), .DI(all_di[4*i +: 4]), .O(all_sum[4*i +: 4]), .CO(all_co[4*i +: 4])
      );
    end
  endgenerate

  assign sum = all_sum[W-1:0];
endmodule
