// Builds the test bench of {{ top }}; in this folder: verilator -f args.f -O3 -CFLAGS -O1, then obj_dir/run VECTORS
--cc --exe --build
--top-module {{ top }}
--prefix Vdut
--x-initial unique
-o run
-y ../verilog
-y ../hdl/simulation
-y ../hdl/stream
{{ top }}.v
run.cpp
