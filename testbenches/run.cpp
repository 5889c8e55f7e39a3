// Streams test vectors (or events of several vectors, pixel by pixel) through a Verilated design and compares every output of every cycle, bit by bit.
//
// usage: run VECTORS [SEED]
// VECTORS: three 64-bit counts (vectors, input elements, output elements), then for each vector the codes of its input and
// of its expected output elements, each as 128-bit two's complement; everything little-endian.
// Exit status: 0 no mismatch, 1 mismatches, 2 wrong use.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "words.h"

struct Port {
    std::string name;
    std::vector<unsigned> widths;  // of its elements, the lowest first
    unsigned bits() const {
        unsigned sum = 0;
        for (unsigned width : widths) sum += width;
        return sum;
    }
    unsigned words() const { return bits() / 32 + 1; }
};

#include "ports.h"

typedef std::vector<uint32_t> Words;

// Packed ports of one side: where each port's words begin.
struct Layout {
    const std::vector<Port> &ports;
    std::vector<unsigned> starts;
    unsigned words = 0, elements = 0;
    explicit Layout(const std::vector<Port> &ports) : ports(ports) {
        for (const Port &port : ports) {
            starts.push_back(words);
            words += port.words() + 1;
            elements += port.widths.size();
        }
    }
    // Packs codes (four words each) of one vector.
    void pack(const uint32_t *codes, uint32_t *out) const {
        for (std::size_t p = 0; p < ports.size(); p++) {
            unsigned at = 0;
            for (unsigned width : ports[p].widths) {
                for (unsigned bit = 0; bit < width; bit++, at++)
                    out[starts[p] + at / 32] |= (codes[bit / 32] >> bit % 32 & 1) << at % 32;
                codes += 4;
            }
        }
    }
    // Where the words of each port are; the place for the pointers is the caller's, for this runs in every cycle.
    template <class W> W **pointers(W *words, std::vector<W *> &place) const {
        place.resize(starts.size());
        for (std::size_t p = 0; p < starts.size(); p++) place[p] = words + starts[p];
        return place.data();
    }
};

struct Event {
    bool valid;
    std::size_t row;
};

static uint64_t cycles = 0, mismatches = 0;

class Bench {
    Dut dut;
    const Layout in, out;
    Words inputs, expected, got, noise;
    std::vector<Event> flight;  // the event at each stage, a ring
    std::size_t head = 0;
    unsigned since = INTERVAL;  // clocks since the last event
    std::vector<const uint32_t *> driven;
    std::vector<uint32_t *> sampled;
    std::mt19937 random;

public:
    std::size_t rows = 0;
    explicit Bench(unsigned seed) : in(INPUTS), out(OUTPUTS), flight(LATENCY, Event{false, 0}), random(seed) {
        got.resize(out.words);
        noise.resize(in.words);
    }

    bool load(const char *path) {
        std::ifstream file(path, std::ios::binary);
        uint64_t counts[3] = {0, 0, 0};
        if (!file.read((char *)counts, sizeof counts) || counts[1] != in.elements || counts[2] != out.elements) return false;
        rows = counts[0];
        inputs.resize(rows * in.words);
        expected.resize(rows * out.words);
        Words codes(4 * (in.elements + out.elements));
        for (std::size_t row = 0; row < rows; row++) {
            if (!file.read((char *)codes.data(), codes.size() * sizeof(uint32_t))) return false;
            in.pack(codes.data(), inputs.data() + row * in.words);
            out.pack(codes.data() + 4 * in.elements, expected.data() + row * out.words);
        }
        return true;
    }

    unsigned draw(unsigned bound) { return random() % bound; }

    // Whether the design takes an event in this cycle.
    bool ready() const { return since >= INTERVAL; }

    void cycle(bool valid, std::size_t row, bool rst, const char *phase) {
        const uint32_t *words = inputs.data() + row * in.words;
        if (!valid) {
            // Between events the inputs hold anything.
            for (unsigned i = 0; i < in.words; i++) noise[i] = random();
            for (std::size_t p = 0; p < INPUTS.size(); p++) {
                unsigned bits = INPUTS[p].bits();
                for (unsigned i = 0; i <= INPUTS[p].words(); i++) {
                    unsigned keep = bits > 32 * i ? bits - 32 * i : 0;
                    if (keep < 32) noise[in.starts[p] + i] &= (1u << keep) - 1;
                }
            }
            words = noise.data();
        }
        drive(dut, in.pointers(words, driven));
        dut.in_valid = valid;
        reset(dut, rst);
        dut.clk = 0;
        dut.eval();
        Event now{valid, row};
        check(LATENCY ? flight[head] : now, phase);
        dut.clk = 1;
        dut.eval();
        if (LATENCY) {
            flight[head] = now;
            head = (head + 1) % LATENCY;
        }
        since = valid ? 1 : since + 1;
        if (rst) {
            for (Event &event : flight) event.valid = false;
            since = INTERVAL;
        }
        cycles++;
    }

    // A clock under reset, whatever the valid bits were before.
    void reset_first() {
        reset(dut, true);
        for (bool level : {false, true}) {
            dut.clk = level;
            dut.eval();
        }
    }

    void flush(const char *phase) {
        for (unsigned i = 0; i < LATENCY + 2; i++) cycle(false, 0, false, phase);
    }

private:
    void report(const char *phase, const std::string &what) {
        if (mismatches++ < 10) std::printf("mismatch: cycle %llu (%s): %s\n", (unsigned long long)cycles, phase, what.c_str());
    }

    void check(const Event &event, const char *phase) {
        bool answers = event.valid && event.row % PIXELS == DUE;
        if ((bool)dut.out_valid != answers) report(phase, std::string("out_valid is ") + (dut.out_valid ? "1" : "0"));
        if (!answers) return;
        sample(dut, out.pointers(got.data(), sampled));
        const uint32_t *want = expected.data() + event.row * out.words;
        bool same = true;
        for (unsigned i = 0; i < out.words; i++) same &= got[i] == want[i];
        if (!same) differ(event, want, phase);
    }

    void differ(const Event &event, const uint32_t *want, const char *phase) {
        for (std::size_t p = 0; p < OUTPUTS.size(); p++) {
            unsigned at = 32 * out.starts[p];
            for (std::size_t element = 0; element < OUTPUTS[p].widths.size(); element++) {
                std::string is, should;
                for (unsigned bit = 0; bit < OUTPUTS[p].widths[element]; bit++, at++) {
                    is.insert(0, 1, '0' + (got[at / 32] >> at % 32 & 1));
                    should.insert(0, 1, '0' + (want[at / 32] >> at % 32 & 1));
                }
                if (is != should)
                    report(phase, OUTPUTS[p].name + "[" + std::to_string(element) + "] of vector " +
                                      std::to_string(event.row) + " is " + is + ", not " + should);
            }
        }
    }
};

int main(int argc, char **argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: run VECTORS [SEED]\n");
        return 2;
    }
    Verilated::randReset(2);  // registers without an initial value start at random
    Bench bench(argc > 2 ? std::atoi(argv[2]) : 1);
    if (!bench.load(argv[1])) {
        std::fprintf(stderr, "%s does not hold vectors for this design\n", argv[1]);
        return 2;
    }
#ifdef RESET_FIRST
    bench.reset_first();
#endif
    bench.flush("start");
    auto start = std::chrono::steady_clock::now();
    uint64_t before = cycles;
    for (std::size_t row = 0; row < bench.rows;) {
        bool valid = bench.ready();
        bench.cycle(valid, row, false, "back to back");
        row += valid;
    }
    bench.flush("back to back");
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    uint64_t timed = cycles - before;
    if (STATES) bench.cycle(false, 0, true, "gaps");
    std::size_t some = (bench.rows < 10000 ? bench.rows : 10000) / PIXELS * PIXELS;
    for (std::size_t row = 0; row < some;) {
        bool valid = bench.ready() && bench.draw(3) != 0;
        bench.cycle(valid, row, false, "gaps");
        row += valid;
    }
    bench.flush("gaps");
    if (STATES) bench.cycle(false, 0, true, "reset");
    for (std::size_t row = 0, sent = 0; HAS_RESET && row < some && sent < some;) {
        bool valid = bench.ready() && bench.draw(4) != 0;
        bool rst = bench.draw(2 * (LATENCY + PIXELS) + 2) == 0;
        bench.cycle(valid, row, rst, "reset");
        row += valid, sent += valid;
        // Events go on with a whole image, or where states are 0.
        if (rst) row = STATES ? 0 : (row + PIXELS - 1) / PIXELS * PIXELS;
    }
    if (HAS_RESET) bench.flush("reset");
    std::printf("%llu cycles back to back in %.6f s\n", (unsigned long long)timed, seconds.count());
    std::printf("%llu vectors, %llu cycles, %llu mismatches\n", (unsigned long long)bench.rows, (unsigned long long)cycles,
                (unsigned long long)mismatches);
    return mismatches ? 1 : 0;
}
