// {{ name }}: {% if row %}row {{ row.number }} of {{ row.layer }}, {% endif %}a layer of {{ design }}, stages {{ first }} to {{ last }} of {{ latency }}.
{%- if row %}
// Its instances are {{ row.count }} equal rows; names, elements and stages here are those of row {{ row.number }}.
{%- endif %}
// {{ values }} values, {{ register_bits }} register bits. A value at stage k is k registers after the input ports; `_sk` is its register.
// Made by nanotrig {{ version }}.

module {{ name }} (
{%- for port in ports %}
  {{ port }}{% if not loop.last %},{% endif %}
{%- endfor %}
);
{%- if row %}
  /* verilator no_inline_module */
{%- endif %}
{% if made %}
  // Made by rows for others
{%- for wire in made %}
  {{ wire }}
{%- endfor %}
{% endif %}
{%- for stage in stages %}
  // Stage {{ stage.number }}
{%- for wire in stage.wires %}
  {{ wire }}
{%- endfor %}
{%- for declaration in stage.declarations %}
  {{ declaration }}
{%- endfor %}
{%- if stage.updates %}
  always @(posedge clk) begin
{%- for update in stage.updates %}
    {{ update }}
{%- endfor %}
  end
{%- endif %}
{% endfor %}
{%- if instances %}
  // Rows: all channels at a position each
{%- for line in instances %}
  {{ line }}
{%- endfor %}
{% endif %}
{%- if unused %}
  // Bits that nobody reads; most only carry into the bits above them.
  wire unused = &{
{%- for line in unused %}{{ line }},{% if loop.last %} {% else %}
    {% endif %}{% endfor %}1'b0};
{% endif %}
endmodule
