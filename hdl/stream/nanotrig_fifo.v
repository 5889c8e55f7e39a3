// nanotrig_fifo: a queue of up to DEPTH words, one word a clock on both sides.
//
// A word is taken where valid and ready are both 1 at a clock edge. Once valid, out_valid and out_data stay until taken.
// in_ready depends on registers alone, and is 1 while fewer than DEPTH words wait.
// Latency: 1 clock. DEPTH is at least 1, any number. After reset (synchronous) no word waits.

module nanotrig_fifo #(
  parameter W = 8,
  parameter DEPTH = 16
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
  localparam A = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam [A-1:0] LAST = DEPTH[A-1:0] - 1'b1;

  reg [W-1:0] words [0:DEPTH-1];
  reg [A-1:0] head, tail;  // the oldest word; the first free place
  reg         some, full;

  assign in_ready = ~full;
  assign out_valid = some;
  assign out_data = words[head];

  wire push = in_valid & in_ready;
  wire pop = out_valid & out_ready;
  wire [A-1:0] head_next = head == LAST ? {A{1'b0}} : head + 1'b1;
  wire [A-1:0] tail_next = tail == LAST ? {A{1'b0}} : tail + 1'b1;

  always @(posedge clk)
    if (rst) begin
      head <= {A{1'b0}};
      tail <= {A{1'b0}};
      some <= 1'b0;
      full <= 1'b0;
    end else begin
      if (pop) head <= head_next;
      if (push) tail <= tail_next;
      if (push & ~pop) begin
        some <= 1'b1;
        full <= tail_next == head;
      end else if (pop & ~push) begin
        some <= head_next != tail;
        full <= 1'b0;
      end
    end

  always @(posedge clk)
    if (push) words[tail] <= in_data;
endmodule
