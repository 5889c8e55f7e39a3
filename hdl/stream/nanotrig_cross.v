// nanotrig_cross: a queue of 2^A words from one clock to another, one word a clock of the slower.
//
// A word is taken where valid and ready are both 1 at an edge of that side's clock. Once valid, out_valid and out_data stay
// until taken. Pointers cross in Gray code through two registers, so each side sees the other's late and never wrong.
// in_rst and out_rst, each synchronous to its clock, must be 1 together for three clocks of the slower side; no word then
// waits. A is at least 2. For timing tools: in_gray to out_meta, and out_gray to in_meta, need at most one period of skew;
// words to out_data is stable whenever it is read.

module nanotrig_cross #(
  parameter W = 8,
  parameter A = 4
) (
  input  wire         in_clk,
  input  wire         in_rst,
  input  wire         in_valid,
  output wire         in_ready,
  input  wire [W-1:0] in_data,
  input  wire         out_clk,
  input  wire         out_rst,
  output wire         out_valid,
  input  wire         out_ready,
  output wire [W-1:0] out_data
);
  reg [W-1:0] words [0:(1<<A)-1];

  // Pointers have a bit more than places, which tells full from empty.
  reg [A:0] tail, in_gray, in_meta, in_seen;
  reg [A:0] head, out_gray, out_meta, out_seen;

  // Full: the same place, one turn apart.
  assign in_ready = in_gray != {~in_seen[A:A-1], in_seen[A-2:0]};
  assign out_valid = out_gray != out_seen;
  assign out_data = words[head[A-1:0]];

  wire push = in_valid & in_ready;
  wire pop = out_valid & out_ready;
  wire [A:0] tail_next = tail + 1'b1;
  wire [A:0] head_next = head + 1'b1;

  always @(posedge in_clk)
    if (in_rst) begin
      tail <= {(A+1){1'b0}};
      in_gray <= {(A+1){1'b0}};
      in_meta <= {(A+1){1'b0}};
      in_seen <= {(A+1){1'b0}};
    end else begin
      in_meta <= out_gray;
      in_seen <= in_meta;
      if (push) begin
        tail <= tail_next;
        in_gray <= tail_next ^ (tail_next >> 1);
      end
    end

  always @(posedge in_clk)
    if (push) words[tail[A-1:0]] <= in_data;

  always @(posedge out_clk)
    if (out_rst) begin
      head <= {(A+1){1'b0}};
      out_gray <= {(A+1){1'b0}};
      out_meta <= {(A+1){1'b0}};
      out_seen <= {(A+1){1'b0}};
    end else begin
      out_meta <= in_gray;
      out_seen <= out_meta;
      if (pop) begin
        head <= head_next;
        out_gray <= head_next ^ (head_next >> 1);
      end
    end
endmodule
