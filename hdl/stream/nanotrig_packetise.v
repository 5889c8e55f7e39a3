// nanotrig_packetise: words of 128 bits, N to a packet, get a header before and a footer behind them, as APEIRON's links
// have them; one word a clock.
//
// The header, lowest bits first: virtual channel 5, process 16, destination x 6, y 5, z 5, port 4, reserved 1, out of
// lattice 1, type 5, size in bytes 14, address 48, hops 10, error code 8. `header` gives all but the size, which is that of
// the payload, 16*N. It is read with the packet's first word. The footer is FOOTER.
//
// A word is taken where valid and ready are both 1 at a clock edge; in_last and out_last are 1 with a packet's last word.
// Once valid, outputs stay until taken. Latency: a packet's payload follows its header, without a register on the way.
// After reset (synchronous) the next word begins a packet.

module nanotrig_packetise #(
  parameter N = 1,
  parameter [127:0] FOOTER = 128'd0
) (
  input  wire         clk,
  input  wire         rst,
  input  wire [127:0] header,
  input  wire         in_valid,
  output wire         in_ready,
  input  wire [127:0] in_data,
  input  wire         in_last,
  output wire         out_valid,
  input  wire         out_ready,
  output wire [127:0] out_data,
  output wire         out_last
);
  localparam [1:0] HEADER = 2'd0, PAYLOAD = 2'd1, TAIL = 2'd2;
  localparam [13:0] SIZE = 14'd16 * N[13:0];

  reg [1:0] state;

  assign out_valid = state == TAIL | in_valid;
  assign in_ready = state == PAYLOAD & out_ready;
  assign out_data = state == HEADER ? {header[127:62], SIZE, header[47:0]} : state == PAYLOAD ? in_data : FOOTER;
  assign out_last = state == TAIL;

  always @(posedge clk)
    if (rst) state <= HEADER;
    else if (out_valid & out_ready)
      case (state)
        HEADER: state <= PAYLOAD;
        PAYLOAD: state <= in_last ? TAIL : PAYLOAD;
        default: state <= HEADER;
      endcase

  wire unused = &{header[61:48], 1'b0};
endmodule
