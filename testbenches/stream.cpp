// Streams test vectors as words through a Verilated shell (an event on one stream, or in parts on several), and compares every word that leaves: nothing may be lost, come
// twice, come in another order, or change while it waits.
//
// usage: run VECTORS [SEED]
// VECTORS: as for testbenches/run.cpp. Exit status: 0 no mismatch, 1 mismatches, 2 wrong use.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <random>
#include <vector>

#include "words.h"
#include "ports.h"

typedef std::vector<uint32_t> Bits;

struct Beat {
    Bits data;
    bool last;
    bool operator==(const Beat &other) const { return data == other.data && last == other.last; }
};
typedef std::vector<Beat> Frame;

static const Bits HEADER = {0x12345678, 0xc0009abc, 0xdef01234, 0x56789abc};

// A packet's header, with the size of the payload in bytes.
static Bits header(unsigned bytes) {
    Bits header = HEADER;
    header[1] = (header[1] & 0xc000ffff) | bytes << 16;
    return header;
}

// The elements on one stream as the words of an event; codes have four words each. The last stream is that of the answers.
static Frame frame(unsigned stream, const uint32_t *&codes) {
    const unsigned side = stream == STREAMS;
    Frame frame(COUNTS[stream], Beat{Bits(WORDS[side] / 32 + 2), false});
    unsigned at = 0;
    for (unsigned width : WIDTHS[stream]) {
        for (unsigned bit = 0; bit < width; bit++, at++) {
            unsigned place = at % WORDS[side];
            frame[at / WORDS[side]].data[place / 32] |= (codes[bit / 32] >> bit % 32 & 1) << place % 32;
        }
        codes += 4;
    }
    if (PACKETS) {
        Beat head{header(16 * COUNTS[stream]), false}, foot{Bits(4), false};
        head.data.resize(WORDS[side] / 32 + 2);
        foot.data.resize(WORDS[side] / 32 + 2);
        frame.insert(frame.begin(), head);
        frame.push_back(foot);
    }
    frame.back().last = true;
    return frame;
}

struct Phase {
    const char *name;
    unsigned idle, stall;  // of 16 clocks, how many neither side moves
    bool damage, resets;
};

static uint64_t clocks = 0, mismatches = 0;

// A stream that comes: its frames, the one that is being sent, and how many events it has begun and may begin.
struct Source {
    std::vector<Frame> frames;
    Frame sending;
    std::size_t sent = 0, begun = 0, left = 0;
    bool offering = false, offered = false;  // a word waits to be taken; a word is there in this clock
    bool done() const { return left == 0 && sending.empty(); }
};

class Bench {
    Dut dut;
    Source sources[STREAMS];
    std::vector<Frame> answers;
    std::mt19937 random;
    std::deque<Beat> expected;
    Beat held;
    bool holding = false, damaged = false, resetting = false;
    double ratio = 1.25, phase = 0;  // of the circuit's clock to the streams'

public:
    explicit Bench(unsigned seed) : random(seed) { held.data.resize(WORDS[1] / 32 + 2); }

    std::size_t rows() const { return answers.size(); }

    bool load(const char *path) {
        std::ifstream file(path, std::ios::binary);
        uint64_t counts[3] = {0, 0, 0};
        std::size_t columns = 0;
        for (const std::vector<unsigned> &widths : WIDTHS) columns += widths.size();
        if (!file.read((char *)counts, sizeof counts) || counts[1] + counts[2] != columns) return false;
        Bits codes(4 * columns);
        for (uint64_t row = 0; row < counts[0]; row++) {
            if (!file.read((char *)codes.data(), codes.size() * sizeof(uint32_t))) return false;
            const uint32_t *at = codes.data();
            for (unsigned stream = 0; stream < STREAMS; stream++) sources[stream].frames.push_back(frame(stream, at));
            answers.push_back(frame(STREAMS, at));
        }
        return counts[0] > 0;
    }

    void reset_all() {
        reset(dut, resetting = true);
        for (unsigned i = 0; i < 16; i++) clock_once(false, false);
        reset(dut, resetting = false);
        // Events of which something was sent are lost; all streams begin anew, as states do.
        std::size_t left = SIZE_MAX;
        for (Source &source : sources) left = std::min(left, source.left);
        for (Source &source : sources) {
            source.sending.clear();
            source.sent = 0;
            source.begun = 0;
            source.left = left;
            source.offering = false;
        }
        expected.clear();
        holding = damaged = false;
    }

    // Sends `events` events from the first one on, and takes all their answers.
    void run(const Phase &phase, std::size_t events) {
        reset_all();
        uint64_t start = clocks, quiet = 0;
        for (Source &source : sources) source.begun = 0, source.left = events;
        auto done = [&] { return std::all_of(sources, sources + STREAMS, [](const Source &source) { return source.done(); }); };
        while (!done() || !expected.empty()) {
            if (CROSSING && phase.stall > 0 && draw(256) == 0) ratio = 0.3 + draw(256) / 100.0;
            for (unsigned stream = 0; stream < STREAMS; stream++) {
                Source &source = sources[stream];
                if (source.sending.empty() && source.left > 0) start_frame(stream, phase.damage && draw(8) == 0);
                source.offered = source.offering || (!source.sending.empty() && draw(16) >= phase.idle);
            }
            quiet = clock_once(true, draw(16) >= phase.stall) ? 0 : quiet + 1;
            if (quiet > 10000) return report(phase.name, "nothing moves any more");
            if (phase.resets && draw(200) == 0) reset_all();
        }
        for (unsigned i = 0; i < LATENCY + 64; i++) clock_once(false, true);
        if (dut.misframed != damaged) report(phase.name, "misframed is wrong");
        if (phase.idle == 0 && phase.stall == 0) {
            if (clocks - start > uint64_t(LONGEST) * events + 2 * (LATENCY + 64)) report(phase.name, "clocks were lost");
        }
    }

private:
    unsigned draw(unsigned bound) { return random() % bound; }

    void report(const char *phase, const char *what) {
        if (mismatches++ < 10) std::printf("mismatch: clock %llu (%s): %s\n", (unsigned long long)clocks, phase, what);
    }

    // The next event's words on a stream. A damaged event comes between two others: of its words, one is missing or too
    // many, or the header is wrong, and it has no answer.
    void start_frame(unsigned stream, bool damage) {
        Source &source = sources[stream];
        const bool header_alone = damage && PACKETS && draw(2) == 0, has_words = source.frames[0].size() > 1u + PACKETS;
        damage &= header_alone || has_words || !PACKETS;
        const std::size_t event = (damage ? source.begun + 7 : source.begun++) % rows();
        source.left--;
        source.sending = source.frames[event];
        source.sent = 0;
        if (header_alone)
            source.sending[0].data = header(16 * COUNTS[stream] + 16 * (1 + draw(3)));
        else if (damage && has_words)
            source.sending.erase(source.sending.end() - 2);
        else if (damage)
            source.sending.insert(source.sending.end() - 1, source.sending.back()), (source.sending.end() - 2)->last = false;
        for (Beat &beat : source.sending) beat.data.resize(WORDS[0] / 32 + 2);
        damaged |= damage;
        if (stream == 0 && !damage) expected.insert(expected.end(), answers[event].begin(), answers[event].end());
    }

    // One clock of the streams, on which words are offered or not; whether a word moved.
    bool clock_once(bool offers, bool ready) {
        for (unsigned stream = 0; stream < STREAMS; stream++) {
            Source &source = sources[stream];
            source.offered &= offers;
            Bits noise(WORDS[0] / 32 + 2);
            for (unsigned bit = 0; bit < WORDS[0]; bit++) noise[bit / 32] |= (uint32_t)(random() & 1) << bit % 32;
            const Beat *beat = source.offered ? &source.sending[source.sent] : nullptr;
            offer(dut, stream, beat != nullptr, beat ? beat->data.data() : noise.data(), beat ? beat->last : draw(2));
        }
        dut.m_axis_tready = ready;
        head(dut, header(0).data());
        for (phase += CROSSING ? ratio : 0; phase >= 1; phase -= 1) {
            core_clock(dut, true);
            dut.eval();
            core_clock(dut, false);
            dut.eval();
        }
        dut.eval();
        bool moved = false;
        for (unsigned stream = 0; stream < STREAMS; stream++) {
            Source &source = sources[stream];
            const bool went = source.offered && taken(dut, stream);
            source.offering = source.offered && !went;
            if (went && ++source.sent == source.sending.size()) source.sending.clear();
            moved |= went;
        }
        moved |= receive(ready);
        clock(dut, true);
        dut.eval();
        clock(dut, false);
        dut.eval();
        clocks++;
        return moved;
    }

    // Checks the word that is there, if any; whether it is taken.
    bool receive(bool ready) {
        if (resetting) return false;
        if (!dut.m_axis_tvalid) {
            if (holding) report("streams", "a word went away");
            holding = false;
            return false;
        }
        Beat beat{Bits(WORDS[1] / 32 + 2), (bool)dut.m_axis_tlast};
        get(dut.m_axis_tdata, beat.data.data());
        if (holding && !(beat == held)) report("streams", "a word changed while it waited");
        held = beat;
        holding = !ready;
        if (!ready) return false;
        if (expected.empty()) {
            report("streams", "a word that nobody asked for");
        } else {
            if (!(beat == expected.front())) report("streams", "a word is wrong");
            expected.pop_front();
        }
        return true;
    }
};

int main(int argc, char **argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: run VECTORS [SEED]\n");
        return 2;
    }
    Verilated::randReset(2);  // registers start at random
    Bench bench(argc > 2 ? std::atoi(argv[2]) : 1);
    if (!bench.load(argv[1])) {
        std::fprintf(stderr, "%s does not hold vectors for this design\n", argv[1]);
        return 2;
    }
    const std::size_t rows = bench.rows(), some = std::min<std::size_t>(rows, 10000);
    const auto start = std::chrono::steady_clock::now();
    const uint64_t before = clocks;
    bench.run({"nobody stalls", 0, 0, false, false}, rows);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const uint64_t timed = clocks - before;
    bench.run({"both stall", 6, 6, false, false}, rows);
    bench.run({"words come slowly", 13, 0, false, false}, some);
    bench.run({"answers leave slowly", 0, 13, false, false}, some);
    bench.run({"resets", 4, 4, false, true}, some);
    // Of several streams, those that are whole would go on with other events than one that lost a part.
    if (STREAMS == 1) bench.run({"damage", 4, 4, true, false}, some);
    std::printf("%llu cycles back to back in %.6f s\n", (unsigned long long)timed, seconds.count());
    std::printf("%llu vectors, %llu cycles, %llu mismatches\n", (unsigned long long)rows, (unsigned long long)clocks,
                (unsigned long long)mismatches);
    return mismatches ? 1 : 0;
}
