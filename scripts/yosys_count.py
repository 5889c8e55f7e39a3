#!/usr/bin/env python3
"""Count the LUTs, carry bits and flip-flops that Yosys maps Verilog to, as one JSON line.

usage: yosys_count.py TOP FILE.v... [--keep NETLIST.v]

Flattened, for UltraScale+, without DSPs, memories and shift registers, so that everything is counted in the same three
currencies. Cells are counted as mapped, not as packed into sites. Needs `pip install pyosys`.
"""
import argparse
import json
import os
import pathlib
import re
import sys
import tempfile

from pyosys import libyosys

SYNTH = "synth_xilinx -family xcup -flatten -noiopad -nodsp -nobram -nolutram -nosrl"

# What one cell of a matching type is worth. A type that matches nothing here is an error, so that none is free by accident.
WORTH = [
    (r"LUT[1-6]|LUT6_2", "lut", 1),
    (r"CARRY4", "carry_bits", 4),
    (r"CARRY8", "carry_bits", 8),
    (r"FD[RSCP]E", "ff", 1),
    (r"MUXF[789]", "muxf", 1),
    (r"INV|GND|VCC|BUFG|\$scopeinfo", None, 0),  # absorbed in placement, or no hardware at all
]


def mapped_cells(top, files, netlist):
    """Synthesize, write the mapped netlist if it has a place, and return the number of cells of each type."""
    with tempfile.TemporaryDirectory() as tmp:
        stat = pathlib.Path(tmp, "stat.json")
        design = libyosys.Design()
        # Deferred reading: a parametrised module is elaborated only with the parameters it is instantiated with.
        for command in (f"read_verilog -defer -sv {' '.join(files)}", f"{SYNTH} -top {top}", f"tee -o {stat} stat -json"):
            libyosys.run_pass(f"tee -q {command}", design)
        if netlist:
            libyosys.run_pass(f"tee -q write_verilog -noattr {netlist}", design)
        text = stat.read_text()
    return json.loads(text[text.index("{"): text.rindex("}") + 1])["design"]["num_cells_by_type"]


def main():
    parser = argparse.ArgumentParser(description="Count the cells that Yosys maps Verilog to.")
    parser.add_argument("top")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--keep", help="where the mapped netlist is written")
    options = parser.parse_args()
    result = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Yosys has to say goes to standard error, so that standard output holds the result alone
    count = {"lut": 0, "carry_bits": 0, "ff": 0, "muxf": 0}
    for cell, number in mapped_cells(options.top, options.files, options.keep).items():
        worth = [(what, each) for pattern, what, each in WORTH if re.fullmatch(pattern, cell)]
        if not worth:
            sys.exit(f"yosys_count: {number} cells of a type this count does not know: {cell}")
        what, each = worth[0]
        if what:
            count[what] += number * each
    print(json.dumps(count), file=result)


if __name__ == "__main__":
    main()
