// {{ name }}: a bit-accurate emulator of the circuit, C++17 without dependencies. Made by nanotrig {{ version }}.
//
// An event is a row of codes: code times 2^lsb is the value. The elements of all ports follow one another:
{%- for format in formats %}
//   {{ format }}
{%- endfor %}
{%- if states %}
// What a state leaves is the input of the next event, and 0 the first one's.
{%- endif %}
// evaluate() gives the output codes of input codes; code() and value() convert an element's value by its format. What else
// the host does (pixels, thresholds, a softmax behind the outputs) is in report.json.
// A line below computes one value of the network, of one event or of many side by side in a vector register; the comment
// names its layer element, and the range of its codes with the exponent of their step.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace nanotrig_{{ name }} {

// Holds every code of the network, and every sum on the way to it.
typedef {{ integer }} Integer;

constexpr std::size_t INPUTS = {{ input_count }};
constexpr std::size_t OUTPUTS = {{ output_count }};

enum Rounding { TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV };
enum Overflow { WRAP, SAT, SAT_ZERO, SAT_SYM };

// Neighbouring elements of one format; rounding and overflow have ap_fixed's names and meaning.
struct Format {
    std::size_t elements;
    bool is_signed;
    unsigned width;
    int lsb;
    Rounding rounding;
    Overflow overflow;
};
constexpr Format INPUT_FORMATS[] = {
{%- for run in inputs %}
    { {{- run.count }}, {{ run.signed }}, {{ run.width }}, {{ run.lsb }}, {{ run.rounding }}, {{ run.overflow -}} },
{%- endfor %}
};
constexpr Format OUTPUT_FORMATS[] = {
{%- for run in outputs %}
    { {{- run.count }}, {{ run.signed }}, {{ run.width }}, {{ run.lsb }}, {{ run.rounding }}, {{ run.overflow -}} },
{%- endfor %}
};

// The format of an element.
inline const Format &format(const Format *formats, std::size_t element) {
    while (element >= formats->elements) element -= formats++->elements;
    return *formats;
}

// The code of a finite value: rounded, then brought into the format; exact for any value.
inline Integer quantize(const Format &format, double value) {
    if (format.width == 0) return 0;
    double scaled = std::ldexp(value, -format.lsb);
    if (scaled == 0 && value != 0) scaled = std::copysign(0.25, value);  // too small for a double, and rounded like this
    const bool negative = value < 0;
    double whole = std::trunc(scaled);
    const double rest = std::fabs(scaled - whole);
    bool away = false;  // from zero
    switch (format.rounding) {
    case TRN: away = negative && rest > 0; break;
    case TRN_ZERO: break;
    case RND: away = rest > 0.5 || (rest == 0.5 && !negative); break;
    case RND_ZERO: away = rest > 0.5; break;
    case RND_INF: away = rest >= 0.5; break;
    case RND_MIN_INF: away = rest > 0.5 || (rest == 0.5 && negative); break;
    case RND_CONV: away = rest > 0.5 || (rest == 0.5 && std::fmod(whole, 2) != 0); break;
    }
    if (away) whole += negative ? -1 : 1;
    const unsigned magnitude = format.width - format.is_signed;
    const double limit = std::ldexp(1, magnitude);
    const Integer high = magnitude == 0 ? 0 : ((Integer(1) << (magnitude - 1)) - 1) * 2 + 1;
    const Integer low = format.is_signed ? -high - (format.overflow != SAT_SYM) : 0;
    const bool below = !format.is_signed ? whole < 0 : format.overflow == SAT_SYM ? whole <= -limit : whole < -limit;
    if (whole < limit && !below) return Integer(whole);
    if (format.overflow == SAT || format.overflow == SAT_SYM) return below ? low : high;
    if (format.overflow == SAT_ZERO || std::fabs(whole) >= std::ldexp(1, 120)) return 0;  // no low bits
    const double period = std::ldexp(1, int(format.width));
    const double left = std::fmod(whole, period);
    if (!format.is_signed) return left < 0 ? Integer(left) + high + 1 : Integer(left);
    return Integer(left >= limit ? left - period : left < -limit ? left + period : left);
}

// The code of an input element's value.
inline Integer code(std::size_t element, double value) { return quantize(format(INPUT_FORMATS, element), value); }

// The value of an output element's code.
inline double value(std::size_t element, Integer code) {
    return std::ldexp(double(code), format(OUTPUT_FORMATS, element).lsb);
}

// Operations, on an Integer or on a vector of them.
template <class V> inline V constant(Integer value) { return V(V{} + value); }
template <class V> inline V max(V a, V b) { return a > b ? a : b; }
template <class V> inline V min(V a, V b) { return a < b ? a : b; }
template <class V> inline V select(V sign_of, V negative, V otherwise) { return sign_of < constant<V>(0) ? negative : otherwise; }
template <unsigned WIDTH, class V> inline V wrap_unsigned(V x) {
    return V(x & constant<V>(((Integer(1) << (WIDTH - 1)) - 1) * 2 + 1));
}
template <unsigned WIDTH, class V> inline V wrap_signed(V x) {
    const V sign = constant<V>(Integer(1) << (WIDTH - 1));
    return V(V(V(x & constant<V>(((Integer(1) << (WIDTH - 1)) - 1) * 2 + 1)) ^ sign) - sign);
}
template <class V> inline V lookup(const Integer *table, V index) {
    if constexpr (std::is_same<V, Integer>::value) {
        return table[index];
    } else {
        V values{};
        for (std::size_t lane = 0; lane < sizeof(V) / sizeof(Integer); lane++) values[lane] = table[index[lane]];
        return values;
    }
}
{%- if not vectors %}
inline Integer wide(std::int64_t high, std::uint64_t low) { return Integer(high) * 4294967296 * 4294967296 + Integer(low); }
{%- endif %}
{% if tables %}
namespace tables {
{%- for table in tables %}
constexpr Integer t{{ table.number }}[] = {
{%- for line in table.entries %}
    {{ line }},
{%- endfor %}
};
{%- endfor %}
}  // namespace tables
{% endif %}
// Values that one function computes and another reads.
template <class V> struct Values {
{%- for name in shared %}
    V {{ name }};
{%- endfor %}
};
{% for function in functions %}
template <class V> inline void evaluate_{{ function.name }}({% if function.reads_inputs %}const V *in, {% endif %}Values<V> &v) {
{%- for line in function.lines %}
    {{ line }}
{%- endfor %}
}
{% endfor %}
template <class V> inline void network(const V *in, V *out) {
    static thread_local Values<V> v;  // too many for a stack
{%- for function in functions %}
    evaluate_{{ function.name }}({% if function.reads_inputs %}in, {% endif %}v);
{%- endfor %}
    (void)in, (void)v;
{%- for result in results %}
    out[{{ loop.index0 }}] = {{ result }};
{%- endfor %}
}

// The output codes of one event.
inline void evaluate(const Integer *in, Integer *out) { network(in, out); }

// The output codes of many events, INPUTS and OUTPUTS codes each.
inline void evaluate(std::size_t events, const Integer *in, Integer *out) {
    std::size_t event = 0;
{%- if vectors %}
#ifdef __GNUC__  // and clang
#if defined(__AVX512BW__)
    typedef Integer Vector __attribute__((vector_size(64)));
#elif defined(__AVX2__)
    typedef Integer Vector __attribute__((vector_size(32)));
#else
    typedef Integer Vector __attribute__((vector_size(16)));
#endif
    constexpr std::size_t LANES = sizeof(Vector) / sizeof(Integer);
    Vector x[INPUTS + 1], y[OUTPUTS + 1];
    Integer *const x_lanes = reinterpret_cast<Integer *>(x);  // x[i][lane] = ... is slow in clang
    const Integer *const y_lanes = reinterpret_cast<const Integer *>(y);
    for (; event + LANES <= events; event += LANES) {
        for (std::size_t lane = 0; lane < LANES; lane++)
            for (std::size_t i = 0; i < INPUTS; i++) x_lanes[i * LANES + lane] = in[(event + lane) * INPUTS + i];
        network(x, y);
        for (std::size_t lane = 0; lane < LANES; lane++)
            for (std::size_t i = 0; i < OUTPUTS; i++) out[(event + lane) * OUTPUTS + i] = y_lanes[i * LANES + lane];
    }
#endif
{%- endif %}
    for (; event < events; event++) network(in + event * INPUTS, out + event * OUTPUTS);
}

}  // namespace nanotrig_{{ name }}
