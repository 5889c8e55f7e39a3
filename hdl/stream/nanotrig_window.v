// nanotrig_window: the windows of KR rows and KC columns of an image whose pixels come one after another, row by row.
//
// A pixel of W bits comes with in_valid. Images have ROWS rows of COLUMNS pixels and may follow each other at once. A window
// ends at every SR-th row from row KR-1 on, and every SC-th column from column KC-1 on: out_valid is 1 in the clock after the
// pixel at its lower right corner, and out_data are its pixels row by row, the upper left one lowest. Nothing is added around
// the image. Reset (synchronous) comes first; the next pixel after it begins an image.

module nanotrig_window #(
  parameter W = 8,
  parameter ROWS = 4,
  parameter COLUMNS = 4,
  parameter KR = 2,
  parameter KC = 2,
  parameter SR = 1,
  parameter SC = 1
) (
  input  wire               clk,
  input  wire               rst,
  input  wire               in_valid,
  input  wire [W-1:0]       in_data,
  output reg                out_valid,
  output wire [KR*KC*W-1:0] out_data
);
  // As many pixels as lie between a window's first and last, both included.
  localparam N = (KR - 1) * COLUMNS + KC;

  reg [N*W-1:0] line;  // the youngest lowest
  reg [15:0] row, column;  // of the pixel that comes
  reg [15:0] rows_left, columns_left;  // until one at which windows end

  wire last_column = column == COLUMNS[15:0] - 16'd1;
  wire last_row = row == ROWS[15:0] - 16'd1;

  always @(posedge clk) begin
    out_valid <= ~rst & in_valid & (rows_left == 16'd0) & (columns_left == 16'd0);
    if (rst | (in_valid & last_column)) begin
      column <= 16'd0;
      columns_left <= KC[15:0] - 16'd1;
    end else if (in_valid) begin
      column <= column + 16'd1;
      columns_left <= columns_left == 16'd0 ? SC[15:0] - 16'd1 : columns_left - 16'd1;
    end
    if (rst | (in_valid & last_column & last_row)) begin
      row <= 16'd0;
      rows_left <= KR[15:0] - 16'd1;
    end else if (in_valid & last_column) begin
      row <= row + 16'd1;
      rows_left <= rows_left == 16'd0 ? SR[15:0] - 16'd1 : rows_left - 16'd1;
    end
  end

  generate
    if (N > 1) begin : many
      always @(posedge clk) if (in_valid) line <= {line[(N-1)*W-1:0], in_data};
    end else begin : one
      always @(posedge clk) if (in_valid) line <= in_data;
    end
  endgenerate

  genvar r, c;
  generate
    for (r = 0; r < KR; r = r + 1) begin : across
      for (c = 0; c < KC; c = c + 1) begin : along
        assign out_data[(r*KC+c)*W +: W] = line[((KR-1-r)*COLUMNS+(KC-1-c))*W +: W];
      end
    end
  endgenerate
endmodule
