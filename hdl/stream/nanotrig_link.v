// nanotrig_link: a stand-in for a serial link between two devices, for simulations of systems: words arrive in order, LATENCY
// clocks after they were sent and one to pass the queue behind, one word a clock.
//
// A word is taken where valid and ready are both 1 at a clock edge. Once valid, out_valid and out_data stay until taken. The
// sender has a credit for each place of the queue; a credit travels back as long as a word does. LATENCY is at least 1.
// After reset (synchronous) no word is on the way.

module nanotrig_link #(
  parameter W = 8,
  parameter LATENCY = 16
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
  localparam DEPTH = 2 * LATENCY + 3;

  wire send = in_valid & in_ready;
  wire arrived, room, returned, nothing;
  wire [W-1:0] arrived_data;

  nanotrig_credits #(.DEPTH(DEPTH)) u_credits (
    .clk(clk),
    .rst(rst),
    .take(send),
    .give(returned),
    .in_ready(in_ready)
  );

  nanotrig_pad #(.W(W), .N(LATENCY)) u_there (
    .clk(clk),
    .rst(rst),
    .in_valid(send),
    .in_data(in_data),
    .out_valid(arrived),
    .out_data(arrived_data)
  );

  nanotrig_fifo #(.W(W), .DEPTH(DEPTH)) u_queue (
    .clk(clk),
    .rst(rst),
    .in_valid(arrived),
    .in_ready(room),
    .in_data(arrived_data),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data(out_data)
  );

  nanotrig_pad #(.W(1), .N(LATENCY)) u_back (
    .clk(clk),
    .rst(rst),
    .in_valid(out_valid & out_ready),
    .in_data(1'b0),
    .out_valid(returned),
    .out_data(nothing)
  );

  wire unused = &{room, nothing, 1'b0};
endmodule
