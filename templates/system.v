// {{ top }}: the parts of {{ name }}, each of which is for a device of its own, joined by links of {{ link_latency }} clocks: for simulation.
// Made by nanotrig {{ version }}.

module {{ top }} (
{%- for pin in pins %}
  {{ pin }}{% if not loop.last %},{% endif %}
{%- endfor %}
);
{%- for part in parts %}
  wire misframed_{{ part.number }};
{%- if not part.last %}
  wire leave_{{ part.number }}_valid, leave_{{ part.number }}_ready, leave_{{ part.number }}_last;
  wire [127:0] leave_{{ part.number }}_data;
  wire enter_{{ part.number }}_valid, enter_{{ part.number }}_ready, enter_{{ part.number }}_last;
  wire [127:0] enter_{{ part.number }}_data;
{%- endif %}
{%- endfor %}
{% for part in parts %}
{%- if part.last %}{% set leave = "m_axis_t" %}{% else %}{% set leave = "leave_" ~ part.number ~ "_" %}{% endif %}
  // Part {{ part.number }}: {{ part.layers | join(sep=", ") }}.
  {{ part.top }} u_part_{{ part.number }} (
    .clk(clk),
    .rst(rst),
    .header({% if part.last %}header{% else %}128'd{{ part.feeds * 32 }}{% endif %}),
{%- for source in part.sources %}
    .{{ source[0] }}valid({{ source[1] }}valid),
    .{{ source[0] }}ready({{ source[1] }}ready),
    .{{ source[0] }}data({{ source[1] }}data),
    .{{ source[0] }}last({{ source[1] }}last),
{%- endfor %}
    .m_axis_tvalid({{ leave }}valid),
    .m_axis_tready({{ leave }}ready),
    .m_axis_tdata({{ leave }}data),
    .m_axis_tlast({{ leave }}last),
    .misframed(misframed_{{ part.number }})
  );
{% if not part.last %}
  nanotrig_link #(.W(129), .LATENCY({{ link_latency }})) u_link_{{ part.number }} (
    .clk(clk),
    .rst(rst),
    .in_valid({{ leave }}valid),
    .in_ready({{ leave }}ready),
    .in_data({ {{- leave }}last, {{ leave }}data}),
    .out_valid(enter_{{ part.number }}_valid),
    .out_ready(enter_{{ part.number }}_ready),
    .out_data({enter_{{ part.number }}_last, enter_{{ part.number }}_data})
  );
{% endif %}
{%- endfor %}
  assign misframed = {% for part in parts %}misframed_{{ part.number }}{% if not part.last %} | {% endif %}{% endfor %};
endmodule
