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
  wire enter_{{ part.number + 1 }}_valid, enter_{{ part.number + 1 }}_ready, enter_{{ part.number + 1 }}_last;
  wire [127:0] enter_{{ part.number + 1 }}_data;
{%- endif %}
{%- endfor %}
{% for part in parts %}
  // Part {{ part.number }}: {{ part.layers | join(sep=", ") }}.
  {{ part.top }} u_part_{{ part.number }} (
    .clk(clk),
    .rst(rst),
    .header({% if part.last %}header{% else %}128'd{{ (part.number + 1) * 32 }}{% endif %}),
    .s_axis_tvalid({% if part.first %}s_axis_t{% else %}enter_{{ part.number }}_{% endif %}valid),
    .s_axis_tready({% if part.first %}s_axis_t{% else %}enter_{{ part.number }}_{% endif %}ready),
    .s_axis_tdata({% if part.first %}s_axis_t{% else %}enter_{{ part.number }}_{% endif %}data),
    .s_axis_tlast({% if part.first %}s_axis_t{% else %}enter_{{ part.number }}_{% endif %}last),
    .m_axis_tvalid({% if part.last %}m_axis_t{% else %}leave_{{ part.number }}_{% endif %}valid),
    .m_axis_tready({% if part.last %}m_axis_t{% else %}leave_{{ part.number }}_{% endif %}ready),
    .m_axis_tdata({% if part.last %}m_axis_t{% else %}leave_{{ part.number }}_{% endif %}data),
    .m_axis_tlast({% if part.last %}m_axis_t{% else %}leave_{{ part.number }}_{% endif %}last),
    .misframed(misframed_{{ part.number }})
  );
{% if not part.last %}
  nanotrig_link #(.W(129), .LATENCY({{ link_latency }})) u_link_{{ part.number }} (
    .clk(clk),
    .rst(rst),
    .in_valid(leave_{{ part.number }}_valid),
    .in_ready(leave_{{ part.number }}_ready),
    .in_data({leave_{{ part.number }}_last, leave_{{ part.number }}_data}),
    .out_valid(enter_{{ part.number + 1 }}_valid),
    .out_ready(enter_{{ part.number + 1 }}_ready),
    .out_data({enter_{{ part.number + 1 }}_last, enter_{{ part.number + 1 }}_data})
  );
{% endif %}
{%- endfor %}
  assign misframed = {% for part in parts %}misframed_{{ part.number }}{% if not part.last %} | {% endif %}{% endfor %};
endmodule
