// {{ top }}: the circuits of {{ name }} and their line buffers. A pixel comes with in_valid, at most every {% if interval > 1 %}{{ interval }} clocks{% else %}clock{% endif %}, row by row;
// {{ pixels }} pixels are an image, and images may follow each other at once. The answer comes {{ latency }} clocks after pixel {{ due }} of its image.
// rst comes first; the next pixel after it begins an image.
// Made by nanotrig {{ version }}.

module {{ top }} (
{%- for pin in pins %}
  {{ pin }}{% if not loop.last %},{% endif %}
{%- endfor %}
);
{%- for stage in stages %}

  // {{ stage.layers }}: windows of {{ stage.size[0] }} x {{ stage.size[1] }} pixels of {{ stage.width }} bits, in a map of {{ stage.rows }} x {{ stage.columns }}.
  wire stage_{{ stage.number }}_valid;
  wire {{ stage.window }}stage_{{ stage.number }}_window;
{%- if stage.padded %}
  // The first begins {{ stage.before[0] }}, {{ stage.before[1] }} (rows, columns) before the map; there are {{ stage.positions[0] }} x {{ stage.positions[1] }}.
  nanotrig_padded_window #(
    .W({{ stage.width }}), .ROWS({{ stage.rows }}), .COLUMNS({{ stage.columns }}), .KR({{ stage.size[0] }}), .KC({{ stage.size[1] }}), .SR({{ stage.strides[0] }}), .SC({{ stage.strides[1] }}),
    .PT({{ stage.before[0] }}), .PL({{ stage.before[1] }}), .NR({{ stage.positions[0] }}), .NC({{ stage.positions[1] }}), .PACE({{ stage.pace }}), .PAD({{ stage.beside }})
  ) u_window_{{ stage.number }} (
{%- else %}
  nanotrig_window #(.W({{ stage.width }}), .ROWS({{ stage.rows }}), .COLUMNS({{ stage.columns }}), .KR({{ stage.size[0] }}), .KC({{ stage.size[1] }}), .SR({{ stage.strides[0] }}), .SC({{ stage.strides[1] }})) u_window_{{ stage.number }} (
{%- endif %}
    .clk(clk),
    .rst(rst),
{%- if loop.first %}
    .in_valid(in_valid),
    .in_data({{ input }}),
{%- else %}
    .in_valid(stage_{{ stage.number - 1 }}_answers),
    .in_data(stage_{{ stage.number - 1 }}_answer),
{%- endif %}
    .out_valid(stage_{{ stage.number }}_valid),
    .out_data(stage_{{ stage.number }}_window)
  );
{%- if not stage.last %}
  wire stage_{{ stage.number }}_answers;
  wire {{ stage.answer }}stage_{{ stage.number }}_answer;
{%- endif %}
  {{ stage.core }} u_core_{{ stage.number }} (
    .clk(clk),
    .rst(rst),
    .in_valid(stage_{{ stage.number }}_valid),
    .{{ stage.input }}(stage_{{ stage.number }}_window),
{%- if stage.last %}
    .out_valid(out_valid),
    .{{ stage.output }}({{ output }})
{%- else %}
    .out_valid(stage_{{ stage.number }}_answers),
    .{{ stage.output }}(stage_{{ stage.number }}_answer)
{%- endif %}
  );
{%- endfor %}
endmodule
