// {{ name }}: latency {{ latency }} cycles, a new event every {{ events }}.
{%- for format in formats %}
//   {{ format }}
{%- endfor %}
// out_valid is in_valid {{ latency }} cycles later{% if reset %}; rst drops every event in flight{% if states %}, and states are 0 behind it{% endif %}{% endif %}. Data registers have no reset.
{%- if not initial_values %}
// Nothing has an initial value: rst comes first.
{%- endif %}
// Made by nanotrig {{ version }}.

module {{ name }} (
{%- for port in ports %}
  {{ port }}{% if not loop.last %},{% endif %}
{%- endfor %}
);
{% if latency == 0 %}
  assign out_valid = in_valid;
{% else %}
  reg {{ valid_range }}valid{% if initial_values %} = {{ valid_reset }}{% endif %};
  always @(posedge clk)
{%- if reset %}
    if (rst) valid <= {{ valid_reset }};
    else valid <= {{ valid_next }};
{%- else %}
    valid <= {{ valid_next }};
{%- endif %}
  assign out_valid = {{ valid_last }};
{% endif %}
{%- if states %}
  // What an event of stage {{ writes }} leaves for the next one.
{%- for state in states %}
  wire {{ state.range }}{{ state.next }};
  reg  {{ state.range }}{{ state.name }}{% if initial_values %} = {{ state.zero }}{% endif %};
  always @(posedge clk)
    if (rst) {{ state.name }} <= {{ state.zero }};
    else if ({{ written }}) {{ state.name }} <= {{ state.next }};
{% endfor %}
{%- endif %}
{%- for wire in wires %}
  {{ wire }}
{%- endfor %}
{% for instance in instances %}
  {{ instance.module }} {{ instance.name }} (
{%- for pin in instance.pins %}
    .{{ pin }}({{ pin }}){% if not loop.last %},{% endif %}
{%- endfor %}
  );
{% endfor %}
{%- for output in outputs %}
  {{ output }}
{%- endfor %}
{% if unused %}
  // Bits that nobody reads.
  wire unused = &{
{%- for line in unused %}{{ line }},{% if loop.last %} {% else %}
    {% endif %}{% endfor %}1'b0};
{% endif %}
endmodule
