// The streams of {{ top }}, for run.cpp. Made by nanotrig {{ version }}.
#include "Vdut.h"

typedef Vdut Dut;
static const bool PACKETS = {{ packets }};
static const unsigned WORDS[2] = { {{- words[0] }}, {{ words[1] -}} };  // bits, in and out
static const unsigned STREAMS = {{ inputs | length }};  // that an event comes on
static const unsigned COUNTS[STREAMS + 1] = { {% for input in inputs %}{{ input.count }}, {% endfor %}{{ output.count }} };  // words of an event, without header and footer: in, and out

static const unsigned LATENCY = {{ latency }};  // of the circuits
static const unsigned LONGEST = {{ longest }};  // words of an event on its way, header and footer included

// Widths of an event's elements on each stream, ports after one another.
static const std::vector<unsigned> WIDTHS[STREAMS + 1] = {
{%- for input in inputs %}
  {
{%- for port in input.widths %}
    {% for width in port %}{{ width }},{% if not loop.last %} {% endif %}{% endfor %}
{%- endfor %}
  },
{%- endfor %}
  {
{%- for port in output.widths %}
    {% for width in port %}{{ width }},{% if not loop.last %} {% endif %}{% endfor %}
{%- endfor %}
  },
};

// A word on a stream, and whether it is taken.
static void offer(Dut &dut, unsigned stream, bool valid, const uint32_t *data, bool last) {
{%- for input in inputs %}
    if (stream == {{ loop.index0 }}) {
        dut.{{ input.pins }}valid = valid;
        put(dut.{{ input.pins }}data, data);
        dut.{{ input.pins }}last = last;
    }
{%- endfor %}
}
static bool taken(const Dut &dut, unsigned stream) {
    const bool ready[STREAMS] = { {%- for input in inputs %}(bool)dut.{{ input.pins }}ready{% if not loop.last %}, {% endif %}{% endfor -%} };
    return ready[stream];
}

// Clocks of the streams, and of the circuit.
static void clock(Dut &dut, bool level) { dut.{% if crossing %}io_{% endif %}clk = level; }
static void core_clock(Dut &dut, bool level) {
{%- if crossing %}
    dut.clk = level;
{%- endif %}
    (void)dut, (void)level;
}
static const bool CROSSING = {{ crossing }};
static void reset(Dut &dut, bool level) {
    dut.rst = level;
{%- if crossing %}
    dut.io_rst = level;
{%- endif %}
}
static void head(Dut &dut, const uint32_t *words) {
{%- if packets %}
    put(dut.header, words);
{%- endif %}
    (void)dut, (void)words;
}
