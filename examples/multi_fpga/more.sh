#!/bin/sh
# The network in seven circuits: six sectors, and what joins them; simulated together.
"$1" split examples/multi_fpga/model.toml -o build/multi_fpga_system --branches --at joined --clock 200 --verify 10000
