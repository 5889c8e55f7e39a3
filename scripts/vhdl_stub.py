"""Writes a stand-in for the circuit of a VHDL package, and a bench that drives the wrapper's records with it.

usage: vhdl_stub.py PACKAGE.vhd FOLDER

The stand-in checks that each input port carries the bits of its fields, the first field lowest, and answers with known bits; the
bench fills the fields, and checks those of the answer.
"""

import re
import sys
from pathlib import Path


def bits(seed, width):
    """Known bits, the highest first."""
    return "".join("01"[(seed * 7 + at * at * 3 + at) % 5 > 1] for at in range(width))


def main(package, folder):
    source = Path(package).read_text()
    name, ports = re.search(r"component (\S+) is\s+port \((.*?)\n    \);", source, re.S).groups()
    records = re.findall(r"type (in|out)_(\d+)_t is record  -- (\S+)\n(.*?)  end record;", source, re.S)
    base = re.search(r"package (\S+)_package is", source).group(1)
    reset = "reset  :" in source
    checks, answers, drives, asserts, seed = [], [], [], [], 0
    for side, number, port, fields in records:
        seed += 1
        words = [(field, int(high) + 1) for field, high in re.findall(r"(e\d+) : \w+\((\d+) downto 0\)", fields)]
        word = bits(seed, sum(width for _, width in words))
        literal = f"'{word}'" if len(word) == 1 else f'"{word}"'
        left = word
        for field, width in words:
            own, left = left[len(left) - width:], left[:len(left) - width]
            place = f"{'given.in' if side == 'in' else 'found.out'}_{number}.{field}"
            (drives if side == "in" else asserts).append(f'{place} <= "{own}";' if side == "in" else f'assert {place} = "{own}" severity failure;')
        (checks if side == "in" else answers).append(f"assert {port} = {literal} severity failure;" if side == "in" else f"{port} <= {literal};")
    stub = f"""library ieee;
use ieee.std_logic_1164.all;
entity {name} is
  port ({ports}
  );
end entity;
architecture stub of {name} is
begin
  {' '.join(answers)}
  out_valid <= in_valid;
  process begin
    wait until in_valid = '1';
    wait for 1 ns;
    {' '.join(checks)}
    wait;
  end process;
end architecture;
"""
    bench = f"""library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.{base}_package.all;
entity bench is
end entity;
architecture bench of bench is
  signal given : event_t;
  signal found : answer_t;
begin
  records : entity work.{base}_records
    port map (clock => '0',{" reset => '0'," if reset else ""} event => given, answer => found);
  process begin
    {' '.join(drives)}
    given.valid <= '0';
    wait for 5 ns;
    given.valid <= '1';
    wait for 5 ns;
    {' '.join(asserts)}
    assert found.valid = '1' severity failure;
    wait;
  end process;
end architecture;
"""
    Path(folder, "stub.vhd").write_text(stub)
    Path(folder, "bench.vhd").write_text(bench)


if __name__ == "__main__":
    main(*sys.argv[1:])
