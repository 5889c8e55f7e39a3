// The streams of {{ top }}, for run.cpp. Made by nanotrig {{ version }}.
#include "Vdut.h"

typedef Vdut Dut;
static const bool PACKETS = {{ packets }};
static const unsigned WORDS[2] = { {{- words[0] }}, {{ words[1] -}} };  // bits, in and out
static const unsigned COUNTS[2] = { {{- counts[0] }}, {{ counts[1] -}} };  // words of an event, without header and footer

static const unsigned LATENCY = {{ latency }};  // of the circuits
static const unsigned LONGEST = {{ longest }};  // words of an event on its way, header and footer included

// Widths of an event's elements, ports after one another.
static const std::vector<unsigned> INPUTS = {
{%- for port in inputs %}
    {% for width in port %}{{ width }},{% if not loop.last %} {% endif %}{% endfor %}
{%- endfor %}
};
static const std::vector<unsigned> OUTPUTS = {
{%- for port in outputs %}
    {% for width in port %}{{ width }},{% if not loop.last %} {% endif %}{% endfor %}
{%- endfor %}
};

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
