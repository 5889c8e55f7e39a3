// Streams test vectors through a Verilated circuit whose weights are in registers, and compares every output of every cycle, bit
// by bit. Each run of vectors with the same weights is a set: while its events are streamed, the weights of the next set are
// written through AXI4-Lite, and from the clock that answers their change on, events are of the next set. So no event
// may see weights of both.
//
// usage: run VECTORS [SEED]
// VECTORS: as for testbenches/run.cpp; the last columns of a vector's inputs are its weights.
// Exit status: 0 no mismatch, 1 mismatches, 2 wrong use.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "words.h"

struct Port {
    std::string name;
    std::vector<unsigned> widths;  // of its elements, the lowest first
};

#include "ports.h"
#include "weights.h"

typedef std::vector<uint32_t> Words;

// The codes of a side's elements (four words each) as the words of each port, two to spare; the codes are then behind it.
static std::vector<Words> pack(const std::vector<Port> &ports, const uint32_t *&codes) {
    std::vector<Words> packed;
    for (const Port &port : ports) {
        unsigned bits = 0, at = 0;
        for (unsigned width : port.widths) bits += width;
        Words words(bits / 32 + 2);
        for (unsigned width : port.widths) {
            for (unsigned bit = 0; bit < width; bit++, at++) words[at / 32] |= (codes[bit / 32] >> bit % 32 & 1) << at % 32;
            codes += 4;
        }
        packed.push_back(words);
    }
    return packed;
}

static uint32_t mask(unsigned width) { return width < 32 ? (1u << width) - 1 : ~0u; }

// Vectors [begin, end) have these weights.
struct Set {
    std::size_t begin, end;
    Words weights;
};

struct Write {
    uint32_t address, data;
    unsigned strobes;
};

static const std::size_t NONE = (std::size_t)-1;
static uint64_t cycles = 0, mismatches = 0;

class Bench {
    Dut dut;
    std::vector<std::vector<Words>> inputs, expected;
    std::vector<Set> sets;
    std::vector<std::size_t> flight;  // the vector at each stage, a ring; NONE where there is none
    std::size_t head = 0;
    std::mt19937 random;
    std::deque<Write> writes;
    Words waiting;        // what the words that wait are
    uint32_t changes = 0;
    bool sending[2] = {false, false};  // address and data of the first of the writes are offered
    bool answer = false, failing = false;  // an answer is due, and what it says
    bool asking = false, reading = false;  // a read is offered; its answer is due
    uint32_t question = 0, wanted = 0;
    bool refused = false;

public:
    std::size_t rows = 0;
    explicit Bench(unsigned seed) : flight(LATENCY, NONE), random(seed) {}

    bool load(const char *path) {
        std::ifstream file(path, std::ios::binary);
        uint64_t counts[3] = {0, 0, 0};
        std::size_t columns[2] = {WEIGHTS, 0};
        for (const Port &port : INPUTS) columns[0] += port.widths.size();
        for (const Port &port : OUTPUTS) columns[1] += port.widths.size();
        if (!file.read((char *)counts, sizeof counts) || counts[1] != columns[0] || counts[2] != columns[1]) return false;
        rows = counts[0];
        Words codes(4 * (columns[0] + columns[1]));
        for (std::size_t row = 0; row < rows; row++) {
            if (!file.read((char *)codes.data(), codes.size() * sizeof(uint32_t))) return false;
            const uint32_t *at = codes.data();
            inputs.push_back(pack(INPUTS, at));
            Words weights;
            for (unsigned i = 0; i < WEIGHTS; i++, at += 4) weights.push_back(*at & mask(WIDTHS[i]));
            expected.push_back(pack(OUTPUTS, at));
            if (sets.empty() || sets.back().weights != weights) sets.push_back(Set{row, row, weights});
            sets.back().end = row + 1;
        }
        return true;
    }

    unsigned draw(unsigned bound) { return random() % bound; }

    // All events, of which in `idle` of 16 clocks none comes. The next set's weights are written meanwhile, some in two parts.
    void stream(const char *phase, unsigned idle) {
        restart();
        bool first = true;
        for (const Set &set : sets) {
            if (!first || !is_first(set.weights)) load(set.weights, phase, idle);
            first = false;
            for (std::size_t row = set.begin; row < set.end;) {
                bool valid = draw(16) >= idle;
                cycle(valid ? row : NONE, phase);
                row += valid;
            }
            current = &set;
        }
        for (unsigned i = 0; i < LATENCY + 2; i++) cycle(NONE, phase);
        current = nullptr;
    }

private:
    const Set *current = nullptr;  // the set whose weights are in use
    std::size_t again = 0;

    static bool is_first(const Words &weights) {
        for (unsigned i = 0; i < WEIGHTS; i++)
            if ((FIRST[i] & mask(WIDTHS[i])) != weights[i]) return false;
        return true;
    }

    // Writes weights and puts them in use, streaming events of the set before again and again.
    void load(const Words &weights, const char *phase, unsigned idle) {
        for (unsigned i = 0; i < WEIGHTS; i++) {
            uint32_t data = weights[i] | ((uint32_t)random() & ~mask(WIDTHS[i])), address = 4 * (i + 1);
            if (draw(8) == 0) {
                unsigned part = draw(16);
                writes.push_back(Write{address, data ^ (uint32_t)random(), 15});
                writes.push_back(Write{address, data, part});
                writes.push_back(Write{address, data, ~part & 15});
            } else {
                writes.push_back(Write{address, data, 15});
            }
        }
        if (draw(4) == 0) writes.push_back(Write{0, (uint32_t)random() & ~1u, 15});            // changes nothing
        if (draw(4) == 0) writes.push_back(Write{4 * (WEIGHTS + 1), (uint32_t)random(), 15});  // no such word
        writes.push_back(Write{0, 1, 15});
        while (!writes.empty()) {
            bool valid = current && draw(16) >= idle;
            if (valid && (again < current->begin || again + 1 >= current->end)) again = current->begin;
            else if (valid) again++;
            cycle(valid ? again : NONE, phase);
        }
    }

    // Reset: no event, no answer, and the first weights.
    void restart() {
        flight.assign(LATENCY, NONE);
        dut.in_valid = dut.s_axi_awvalid = dut.s_axi_wvalid = dut.s_axi_bready = dut.s_axi_arvalid = dut.s_axi_rready = 0;
        dut.rst = 1;
        for (bool level : {false, true, false}) {
            dut.clk = level;
            dut.eval();
        }
        dut.rst = 0;
        waiting.assign(FIRST, FIRST + WEIGHTS);
        changes = 0;
        sending[0] = sending[1] = answer = asking = reading = false;
        writes.clear();
    }

    // Between events the inputs hold anything.
    Words noise(const Port &port) {
        unsigned bits = 0;
        for (unsigned width : port.widths) bits += width;
        Words words(bits / 32 + 2);
        for (unsigned bit = 0; bit < bits; bit++) words[bit / 32] |= (uint32_t)(random() & 1) << bit % 32;
        return words;
    }

    void cycle(std::size_t row, const char *phase) {
        for (std::size_t p = 0; p < INPUTS.size(); p++) {
            event[p] = row == NONE ? noise(INPUTS[p]) : inputs[row][p];
            place[p] = event[p].data();
        }
        drive(dut, place.data());
        dut.in_valid = row != NONE;
        if (!writes.empty())
            for (bool &side : sending) side = side || draw(4) != 0;
        const Write write = writes.empty() ? Write{0, 0, 0} : writes.front();
        dut.s_axi_awvalid = sending[0];
        dut.s_axi_awaddr = write.address;
        dut.s_axi_wvalid = sending[1];
        dut.s_axi_wdata = write.data;
        dut.s_axi_wstrb = write.strobes;
        dut.s_axi_bready = draw(2);
        if (!asking && draw(16) == 0) {
            asking = true;
            question = draw(WEIGHTS + 2);
        }
        dut.s_axi_arvalid = asking;
        dut.s_axi_araddr = 4 * question;
        dut.s_axi_rready = draw(2);
        dut.clk = 0;
        dut.eval();
        check(LATENCY ? flight[head] : row, phase);
        answers(phase);
        requests(write, phase);
        dut.clk = 1;
        dut.eval();
        if (LATENCY) {
            flight[head] = row;
            head = (head + 1) % LATENCY;
        }
        cycles++;
    }

    // Answers that are taken in this clock.
    void answers(const char *phase) {
        if (answer != (bool)dut.s_axi_bvalid) report(phase, "bvalid is " + std::to_string(dut.s_axi_bvalid));
        if (answer && dut.s_axi_bresp != (failing ? 2 : 0)) report(phase, "bresp is " + std::to_string(dut.s_axi_bresp));
        if (dut.s_axi_bvalid && dut.s_axi_bready) answer = false;
        if (reading != (bool)dut.s_axi_rvalid) report(phase, "rvalid is " + std::to_string(dut.s_axi_rvalid));
        if (reading && (dut.s_axi_rdata != wanted || dut.s_axi_rresp != (refused ? 2 : 0)))
            report(phase, "rdata is " + std::to_string(dut.s_axi_rdata) + ", not " + std::to_string(wanted));
        if (dut.s_axi_rvalid && dut.s_axi_rready) reading = false;
    }

    // What is taken in this clock: a read sees what waited before a write of the same clock.
    void requests(const Write &write, const char *phase) {
        if (asking && dut.s_axi_arready) {
            asking = false;
            reading = true;
            refused = question > WEIGHTS;
            wanted = question == 0 ? changes : refused ? 0 : waiting[question - 1];
        }
        bool taken[2] = {sending[0] && dut.s_axi_awready, sending[1] && dut.s_axi_wready};
        if (taken[0] != taken[1]) report(phase, "an address and its data are taken apart");
        if (!taken[0]) return;
        sending[0] = sending[1] = false;
        writes.pop_front();
        answer = true;
        uint32_t word = write.address / 4, bytes = 0;
        for (unsigned byte = 0; byte < 4; byte++) bytes |= write.strobes >> byte & 1 ? 0xffu << 8 * byte : 0;
        failing = word > WEIGHTS;
        if (word == 0) changes += write.data & bytes & 1;
        else if (!failing) waiting[word - 1] = (waiting[word - 1] & ~bytes) | (write.data & bytes);
    }

    void report(const char *phase, const std::string &what) {
        if (mismatches++ < 10) std::printf("mismatch: cycle %llu (%s): %s\n", (unsigned long long)cycles, phase, what.c_str());
    }

    void check(std::size_t row, const char *phase) {
        if ((bool)dut.out_valid != (row != NONE)) report(phase, std::string("out_valid is ") + (dut.out_valid ? "1" : "0"));
        if (row == NONE) return;
        for (std::size_t p = 0; p < OUTPUTS.size(); p++) {
            got[p].assign(expected[row][p].size(), 0);
            taken[p] = got[p].data();
        }
        sample(dut, taken.data());
        for (std::size_t p = 0; p < OUTPUTS.size(); p++)
            if (got[p] != expected[row][p]) report(phase, OUTPUTS[p].name + " of vector " + std::to_string(row) + " differs");
    }

    std::vector<Words> event = std::vector<Words>(INPUTS.size()), got = std::vector<Words>(OUTPUTS.size());
    std::vector<const uint32_t *> place = std::vector<const uint32_t *>(INPUTS.size());
    std::vector<uint32_t *> taken = std::vector<uint32_t *>(OUTPUTS.size());
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
    auto start = std::chrono::steady_clock::now();
    bench.stream("back to back", 0);
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    uint64_t timed = cycles;
    bench.stream("gaps", 5);
    std::printf("%llu cycles back to back in %.6f s\n", (unsigned long long)timed, seconds.count());
    std::printf("%llu vectors, %llu cycles, %llu mismatches\n", (unsigned long long)bench.rows, (unsigned long long)cycles,
                (unsigned long long)mismatches);
    return mismatches ? 1 : 0;
}
