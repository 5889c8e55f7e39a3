// The ports of {{ top }}, for run.cpp. Made by nanotrig {{ version }}.
#include "Vdut.h"

typedef Vdut Dut;
static const unsigned LATENCY = {{ latency }};
static const unsigned INTERVAL = {{ interval }};  // clocks from event to event, at least
static const unsigned PIXELS = {{ pixels }};  // of an event, each a vector
static const unsigned DUE = {{ due }};  // the one that completes an event's answer
static const bool STATES = {{ states }};  // events depend on those before, from reset on
static const bool HAS_RESET = {{ reset }};
{%- if not initial_values %}
#define RESET_FIRST  // valid bits have no initial value
{%- endif %}

static const std::vector<Port> INPUTS = {
{%- for port in inputs %}
    {"{{ port.name }}", { {%- for width in port.widths %}{{ width }}{% if not loop.last %}, {% endif %}{% endfor -%} }},
{%- endfor %}
};
static const std::vector<Port> OUTPUTS = {
{%- for port in outputs %}
    {"{{ port.name }}", { {%- for width in port.widths %}{{ width }}{% if not loop.last %}, {% endif %}{% endfor -%} }},
{%- endfor %}
};

// One pointer a port, to its packed words.
static void drive(Dut &dut, const uint32_t *const *words) {
{%- for port in inputs %}{% if port.member %}
    put(dut.{{ port.member }}, words[{{ loop.index0 }}]);
{%- endif %}{% endfor %}
    (void)dut, (void)words;
}
static void sample(const Dut &dut, uint32_t *const *words) {
{%- for port in outputs %}{% if port.member %}
    get(dut.{{ port.member }}, words[{{ loop.index0 }}]);
{%- endif %}{% endfor %}
    (void)dut, (void)words;
}
static void reset(Dut &dut, bool level) {
{%- if reset %}
    dut.rst = level;
{%- endif %}
    (void)dut, (void)level;
}
