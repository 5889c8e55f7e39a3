// A pin's bits to and from 32-bit words, whichever type Verilator gave it.
#include <cstddef>
#include <cstdint>

#include "verilated.h"

template <class T> void put(T &pin, const uint32_t *words) {
    uint64_t value = words[0];
    if (sizeof(T) > 4) value |= (uint64_t)words[1] << 32;
    pin = (T)value;
}
template <std::size_t N> void put(VlWide<N> &pin, const uint32_t *words) {
    for (std::size_t i = 0; i < N; i++) pin[i] = words[i];
}
template <class T> void get(const T &pin, uint32_t *words) {
    words[0] = (uint32_t)pin;
    if (sizeof(T) > 4) words[1] = (uint32_t)((uint64_t)pin >> 32);
}
template <std::size_t N> void get(const VlWide<N> &pin, uint32_t *words) {
    for (std::size_t i = 0; i < N; i++) words[i] = pin[i];
}
