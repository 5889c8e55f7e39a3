// Replays lines of pins in Verilator, and names every output that differs. Each line has, for each instance, its inputs (a
// clock's says whether it has an edge) and its outputs before the edge, in binary; `-` is any.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "Vdut.h"
#include "words.h"

typedef Vdut Dut;
typedef std::vector<uint32_t> Bits;

struct Pin {
    const char *name;
    unsigned width;
    bool output, clock;
    void (*put)(Dut &, const uint32_t *);
    void (*get)(Dut &, uint32_t *);
};

#include "pins.h"

static Bits parse(const std::string &digits) {
    Bits bits(digits.size() / 32 + 2);
    for (std::size_t at = 0; at < digits.size(); at++)
        if (digits[digits.size() - 1 - at] == '1') bits[at / 32] |= 1u << at % 32;
    return bits;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    Verilated::randReset(2);
    Dut dut;
    std::ifstream file(argv[1]);
    std::string line, word;
    const Bits low(2), high{1, 0};
    unsigned clocks = 0, differences = 0;
    for (; std::getline(file, line); clocks++) {
        std::istringstream words(line);
        std::vector<const Pin *> edges;
        std::vector<std::pair<const Pin *, std::string>> wanted;
        for (const auto &pins : PINS)
            for (const Pin &pin : pins) {
                words >> word;
                if (pin.output) wanted.push_back({&pin, word});
                else if (!pin.clock) pin.put(dut, parse(word).data());
                else if (word == "1") edges.push_back(&pin);
            }
        dut.eval();
        for (const auto &want : wanted) {
            Bits got(want.first->width / 32 + 2);
            want.first->get(dut, got.data());
            Bits right = parse(want.second);
            right.resize(got.size());
            if (want.second != "-" && got != right && differences++ < 10)
                std::printf("clock %u: %s should be %s\n", clocks, want.first->name, want.second.c_str());
        }
        for (const Bits *level : {&high, &low}) {
            for (const Pin *pin : edges) pin->put(dut, level->data());
            dut.eval();
        }
    }
    std::printf("%u clocks, %zu instances, %u differences\n", clocks, PINS.size(), differences);
    return differences ? 1 : 0;
}
