# {{ top }}: the clock. Made by nanotrig {{ version }}.
{% if clocked -%}
create_clock -name clk -period {{ period_ns }} [get_ports clk]
{% else -%}
# No registers: the module is combinational, to be timed by what surrounds it.
{% endif -%}
