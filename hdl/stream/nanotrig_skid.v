// nanotrig_skid: a register slice. It cuts every path between its two sides, ready included, at one word a clock.
//
// A word is taken where valid and ready are both 1 at a clock edge. Once valid, out_valid and out_data stay until taken.
// in_ready depends on registers alone, and is 1 unless two words wait.
// Latency: 1 clock. After reset (synchronous) no word waits.

module nanotrig_skid #(
  parameter W = 8
) (
  input  wire         clk,
  input  wire         rst,
  input  wire         in_valid,
  output wire         in_ready,
  input  wire [W-1:0] in_data,
  output wire         out_valid,
  input  wire         out_ready,
  output wire [W-1:0] out_data
);
  reg         full, spare_full;
  reg [W-1:0] word, spare;  // spare holds the word that came while the other could not leave

  assign in_ready = ~spare_full;
  assign out_valid = full;
  assign out_data = word;

  wire take = in_valid & in_ready;
  wire hold = full & ~out_ready;

  always @(posedge clk)
    if (rst) begin
      full <= 1'b0;
      spare_full <= 1'b0;
    end else begin
      full <= hold | spare_full | take;
      spare_full <= hold & (spare_full | take);
    end

  always @(posedge clk) begin
    if (~hold) word <= spare_full ? spare : in_data;
    if (take) spare <= in_data;
  end
endmodule
