# Packages {{ top }} for Vivado's IP catalogue. Made by nanotrig {{ version }}.
# In the output folder: vivado -mode batch -source packages/vivado_ip.tcl; the IP is then in packages/vivado_ip.
create_project -in_memory -part {{ part }}
add_files {
{%- for file in files %}
  {{ file }}
{%- endfor %}
}
set_property top {{ top }} [current_fileset]
ipx::package_project -root_dir packages/vivado_ip -vendor nanotrig -library networks -taxonomy /nanotrig -import_files
set core [ipx::current_core]
set_property name {{ top }} $core
set_property version {{ version }} $core
{%- for clock in clocks %}
ipx::infer_bus_interface {{ clock.name }} xilinx.com:signal:clock_rtl:1.0 $core
{%- if clock.reset %}
ipx::infer_bus_interface {{ clock.reset }} xilinx.com:signal:reset_rtl:1.0 $core
set_property value ACTIVE_HIGH [ipx::add_bus_parameter POLARITY [ipx::get_bus_interfaces {{ clock.reset }} -of_objects $core]]
ipx::associate_bus_interfaces -clock {{ clock.name }} -reset {{ clock.reset }} $core
{%- endif %}
{%- if clock.streams %}
foreach stream [split {{ clock.streams }} :] {
  ipx::associate_bus_interfaces -busif $stream -clock {{ clock.name }} $core
}
{%- endif %}
{%- endfor %}
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity $core
ipx::save_core $core
