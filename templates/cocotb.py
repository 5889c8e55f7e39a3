# {{ top }} answers the events of vectors.json, with gaps between them: each {{ latency }} clocks later, bit by bit.
# An example to start from. Made by nanotrig {{ version }}.
import json
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
LATENCY = {{ latency }}
INTERVAL = {{ interval }}  # clocks from event to event, at least


def events():
    """The packed inputs and outputs of each event, with the ports' names."""
    def rows(ports):
        return [dict(zip(ports, map(lambda bits: int(bits, 16), row))) for row in zip(*ports.values())]

    return list(zip(rows(VECTORS["inputs"]), rows(VECTORS["outputs"])))


@cocotb.test()
async def every_event_is_answered(dut):
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
    dut.in_valid.value = 0
{%- if reset %}
    dut.rst.value = 1
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.rst.value = 0
{%- endif %}
    randomness = random.Random(1)
    left, due = events(), {}
    assert left, "there are events"
    clock = answered = 0
    ready = 0  # the clock from which on the circuit takes an event
    while left or due:
        await FallingEdge(dut.clk)
        clock += 1
        expected = due.pop(clock, None)
        assert int(dut.out_valid.value) == (expected is not None), f"out_valid at clock {clock}"
        for name, value in (expected or {}).items():
            assert int(getattr(dut, name).value) == value, f"{name} at clock {clock}"
        answered += expected is not None
        valid = bool(left) and clock >= ready and randomness.random() < 0.7
        dut.in_valid.value = int(valid)
        if valid:
            inputs, due[clock + LATENCY] = left.pop(0)
            ready = clock + INTERVAL
            for name, value in inputs.items():
                getattr(dut, name).value = value
    dut._log.info("%d events answered", answered)
