# Synthesizes, places and routes {{ top }} out of context. Made by nanotrig {{ version }}.
# In the output folder: vivado -mode batch -source vivado/project.tcl
set part [expr {$argc > 0 ? [lindex $argv 0] : "{{ part }}"}]
create_project -in_memory -part $part
{% for file in files -%}
read_verilog {{ file }}
{% endfor -%}
read_xdc vivado/clock.xdc
synth_design -top {{ top }} -part $part -mode out_of_context -flatten_hierarchy rebuilt
report_utilization -file vivado/utilization_synth.rpt
opt_design
place_design
phys_opt_design
route_design
report_utilization -file vivado/utilization.rpt
report_utilization -hierarchical -file vivado/hierarchy.rpt
report_timing_summary -file vivado/timing.rpt
write_checkpoint -force vivado/{{ top }}.dcp
