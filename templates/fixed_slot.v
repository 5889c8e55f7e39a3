// {{ top }}: the answer of {{ core }} comes exactly {{ slot }} clocks after its event, a new event every {{ events }}.
// {{ core }} takes {{ latency }} of them. rst (synchronous) drops every event in flight.
// Made by nanotrig {{ version }}.

module {{ top }} (
{%- for pin in pins %}
  {{ pin }}{% if not loop.last %},{% endif %}
{%- endfor %}
);
{% if pad > 0 %}
  wire {{ inner }}valid;
{%- for declaration in declarations %}
  {{ declaration }}
{%- endfor %}
{% endif %}
  {{ core }} {{ instance }}core (
    .clk(clk),
    .rst(rst),
    .in_valid(in_valid),
{%- for input in inputs %}
    .{{ input }}({{ input }}),
{%- endfor %}
{%- for output in outputs %}
    .{{ output }}({% if pad > 0 %}{{ inner }}{% endif %}{{ output }}),
{%- endfor %}
    .out_valid({% if pad > 0 %}{{ inner }}valid{% else %}out_valid{% endif %})
  );
{% if pad > 0 %}
  nanotrig_pad #(.W({{ width }}), .N({{ pad }})) {{ instance }}pad (
    .clk(clk),
    .rst(rst),
    .in_valid({{ inner }}valid),
    .in_data({{ bundle }}),
    .out_valid(out_valid),
    .out_data({{ padded }})
  );
{% endif %}
endmodule
