// nanotrig_padded_window: the windows of nanotrig_window, where they reach beyond the image: the first ones PT rows above it, and
// PL columns to the left. There are NR rows of NC windows; what is not in the image is PAD.
//
// out_valid is 1 in the clock after the pixel at a window's lower right corner; to the right of a row's last pixel is the next
// row's first. Where the last windows end behind the image's last pixel, pixels are made up, one every PACE clocks after that
// one; PACE is how far pixels are apart at least. The next image may come meanwhile: it has lines of its own, and begins its
// windows when the last image's have left. For that, no window is larger than the image, and what is added before and behind,
// together, is less than a window, in rows and in columns.
// Reset (synchronous) comes first; the next pixel after it begins an image.

module nanotrig_padded_window #(
  parameter W = 8,
  parameter ROWS = 4,
  parameter COLUMNS = 4,
  parameter KR = 3,
  parameter KC = 3,
  parameter SR = 1,
  parameter SC = 1,
  parameter PT = 1,
  parameter PL = 1,
  parameter NR = 4,
  parameter NC = 4,
  parameter PACE = 1,
  parameter [W-1:0] PAD = {W{1'b0}}
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
  localparam PIXELS = ROWS * COLUMNS;
  // The pixels that complete the first and the last window, and how many are made up.
  localparam FIRST = (KR - 1 - PT) * COLUMNS + KC - 1 - PL;
  localparam LAST = FIRST + (NR - 1) * SR * COLUMNS + (NC - 1) * SC;
  localparam LATE = LAST < PIXELS ? 0 : LAST - PIXELS + 1;
  localparam FAR = (NC - 1) * SC;  // the column of a row's last window

  localparam B = $clog2(PIXELS + 1);
  localparam P = $clog2(PACE + 1);
  reg [B-1:0] pixels_left;  // of the image that comes, behind the next one
  reg [B-1:0] until_first;  // pixels before the one that completes the first window
  reg [B-1:0] late;  // pixels to make up
  reg [P-1:0] pause;  // clocks before the next of them
  reg newer;  // which of two images comes

  wire last = in_valid & ~|pixels_left;
  wire made = |late & ~|pause;

  always @(posedge clk) begin
    if (rst | last) begin
      pixels_left <= PIXELS[B-1:0] - 1'b1;
      until_first <= FIRST[B-1:0];
    end else if (in_valid) begin
      pixels_left <= pixels_left - 1'b1;
      until_first <= until_first - {{(B-1){1'b0}}, |until_first};
    end
    if (rst) begin
      late <= {B{1'b0}};
      newer <= 1'b0;
    end else if (last) begin
      late <= LATE[B-1:0];
      newer <= LATE > 0 ? ~newer : 1'b0;
    end else if (made) begin
      late <= late - 1'b1;
    end
    pause <= last | made ? PACE[P-1:0] - 1'b1 : pause - 1'b1;
  end

  // The next window that may leave, wherever strides would put it: its upper left corner, behind PT and PL.
  reg [15:0] row, column;
  reg [15:0] rows_left, columns_left;  // until one that leaves

  wire step = (in_valid & ~|until_first) | made;
  wire over = LATE > 0 ? made & (late == {{(B-1){1'b0}}, 1'b1}) : last;
  wire last_column = column == COLUMNS[15:0] - 16'd1;

  always @(posedge clk) begin
    out_valid <= ~rst & step & (rows_left == 16'd0) & (columns_left == 16'd0) & (column <= FAR[15:0]);
    if (rst | over | (step & last_column)) begin
      column <= 16'd0;
      columns_left <= 16'd0;
    end else if (step) begin
      column <= column + 16'd1;
      columns_left <= columns_left == 16'd0 ? SC[15:0] - 16'd1 : columns_left - 16'd1;
    end
    if (rst | over) begin
      row <= 16'd0;
      rows_left <= 16'd0;
    end else if (step & last_column) begin
      row <= row + 16'd1;
      rows_left <= rows_left == 16'd0 ? SR[15:0] - 16'd1 : rows_left - 16'd1;
    end
  end

  // Which rows and columns of the window that leaves are in the image.
  reg [KR-1:0] rows_in;
  reg [KC-1:0] columns_in;

  genvar r, c;
  generate
    for (r = 0; r < KR; r = r + 1) begin : above
      localparam DOWN = r - PT;
      wire [16:0] at = {1'b0, row} + DOWN[16:0];
      always @(posedge clk) rows_in[r] <= ~at[16] & (at[15:0] < ROWS[15:0]);
    end
    for (c = 0; c < KC; c = c + 1) begin : beside
      localparam RIGHT = c - PL;
      wire [16:0] at = {1'b0, column} + RIGHT[16:0];
      always @(posedge clk) columns_in[c] <= ~at[16] & (at[15:0] < COLUMNS[15:0]);
    end
  endgenerate

  // Pixels are kept so that PAD is 0, the youngest lowest. Where pixels are made up, each of two images has its own.
  localparam IMAGES = LATE > 0 ? 2 : 1;
  localparam K = KR * KC;
  reg of;  // which image's window leaves
  wire [IMAGES*K*W-1:0] windows;

  always @(posedge clk) of <= LATE > 0 ? newer ^ made : 1'b0;

  genvar i;
  generate
    for (i = 0; i < IMAGES; i = i + 1) begin : image
      wire moves = newer == (i == 1) ? in_valid : made;
      reg [N*W-1:0] line;
      if (N > 1) begin : many
        always @(posedge clk) if (moves) line <= {line[(N-1)*W-1:0], in_data ^ PAD};
      end else begin : one
        always @(posedge clk) if (moves) line <= in_data ^ PAD;
      end
      for (r = 0; r < KR; r = r + 1) begin : across
        for (c = 0; c < KC; c = c + 1) begin : along
          assign windows[(i*K+r*KC+c)*W +: W] = line[((KR-1-r)*COLUMNS+(KC-1-c))*W +: W];
        end
      end
    end
    for (r = 0; r < KR; r = r + 1) begin : across
      for (c = 0; c < KC; c = c + 1) begin : along
        localparam AT = r * KC + c;
        wire [W-1:0] pixel = of ? windows[((IMAGES-1)*K+AT)*W +: W] : windows[AT*W +: W];
        assign out_data[AT*W +: W] = (pixel & {W{rows_in[r] & columns_in[c]}}) ^ PAD;
      end
    end
  endgenerate
endmodule
