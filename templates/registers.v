// {{ top }}: {{ core }} with its weights in registers that are written through AXI4-Lite (s_axi_*).
//
// Word 1 + i, at byte address 4 * (1 + i), waits to be weight i: its lowest bits are the weight's code, two's complement, and
// weights.csv says which weight that is. A write of 1 to address 0 puts all weights that wait in use at once: events from the
// clock in which s_axi_bvalid answers it are computed with the new weights, and those before it with the old ones.
// After rst (synchronous, it drops every event in flight) the weights are those of the network that was compiled.
// Made by nanotrig {{ version }}.

module {{ top }} (
{%- for pin in pins %}
  {{ pin }}{% if not loop.last %},{% endif %}
{%- endfor %}
);
  wire [{{ 32 * count - 1 }}:0] {{ inner }}words;

  nanotrig_registers #(
    .N({{ count }}),
    .A({{ address }}),
    .FIRST({
{%- for line in first %}
      {{ line }}{% if not loop.last %},{% endif %}
{%- endfor %}
    })
  ) {{ instance }}weights (
    .clk(clk),
    .rst(rst),
{%- for pin in bus %}
    .{{ pin }}(s_axi_{{ pin }}),
{%- endfor %}
    .words({{ inner }}words)
  );

  {{ core }} {{ instance }}core (
    .clk(clk),
    .rst(rst),
    .in_valid(in_valid),
{%- for port in events %}
    .{{ port }}({{ port }}),
{%- endfor %}
{%- for port in weights %}
    .{{ port.name }}({
{%- for line in port.lines %}
      {{ line }}{% if not loop.last %},{% endif %}
{%- endfor %}
    }),
{%- endfor %}
{%- for port in outputs %}
    .{{ port }}({{ port }}),
{%- endfor %}
    .out_valid(out_valid)
  );

  wire {{ inner }}unused = &{s_axi_awprot, s_axi_arprot, {{ inner }}words, 1'b0};
endmodule
