// The weights of {{ top }}, for run.cpp: of each its bits, and its code after reset. Made by nanotrig {{ version }}.
static const unsigned WEIGHTS = {{ widths | length }};
static const unsigned WIDTHS[WEIGHTS] = {
{%- for width in widths %}
    {{ width }},
{%- endfor %}
};
static const uint32_t FIRST[WEIGHTS] = {
{%- for code in first %}
    {{ code }},
{%- endfor %}
};
