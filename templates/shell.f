// Builds the test bench of {{ top }}; in this folder: verilator -O3 -f args.f -CFLAGS -O1, then obj_dir/run VECTORS
--cc --exe --build
--top-module {{ top }}
--prefix Vdut
--x-initial unique
-o run
{%- if rows %}
// The C++ of a row is compiled once for all its instances, as long as what they read keeps the row's names:
-fno-gate
{%- endif %}
-y ../verilog
-y ../hdl/simulation
-y ../hdl/stream
{{ top }}.v
run.cpp
