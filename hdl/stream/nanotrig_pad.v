// nanotrig_pad: out is in, N clocks later; out_valid alone is cleared by reset (synchronous). N is at least 1.

module nanotrig_pad #(
  parameter W = 8,
  parameter N = 1
) (
  input  wire         clk,
  input  wire         rst,
  input  wire         in_valid,
  input  wire [W-1:0] in_data,
  output wire         out_valid,
  output wire [W-1:0] out_data
);
  reg [N-1:0]   valid;
  reg [N*W-1:0] data;  // the youngest lowest

  assign out_valid = valid[N-1];
  assign out_data = data[N*W-1:(N-1)*W];

  generate
    if (N > 1) begin : many
      always @(posedge clk) begin
        valid <= rst ? {N{1'b0}} : {valid[N-2:0], in_valid};
        data <= {data[(N-1)*W-1:0], in_data};
      end
    end else begin : one
      always @(posedge clk) begin
        valid <= ~rst & in_valid;
        data <= in_data;
      end
    end
  endgenerate
endmodule
