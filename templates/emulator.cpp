// The outputs that {{ name }} gives for a file of inputs, or the speed of its emulator. Made by nanotrig {{ version }}.
//
// usage: emulator INPUT.csv OUTPUT.csv    real values, one row an event, {{ input_count }} columns; a header is skipped
//        emulator --speed EVENTS          random events
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "{{ name }}.h"

namespace network = nanotrig_{{ name }};
typedef std::vector<network::Integer> Codes;

static Codes evaluate(const Codes &in) {
    const std::size_t events = network::INPUTS ? in.size() / network::INPUTS : 0;
    Codes out(events * network::OUTPUTS);
    network::evaluate(events, in.data(), out.data());
    return out;
}

// The codes of a row; false if it is not one.
static bool parse(const std::string &line, Codes &codes) {
    std::istringstream cells(line);
    std::string cell;
    std::size_t element = 0;
    while (std::getline(cells, cell, ',')) {
        char *end = nullptr;
        const double value = std::strtod(cell.c_str(), &end);
        if (end == cell.c_str() || !std::isfinite(value) || element == network::INPUTS) return false;
        codes.push_back(network::code(element++, value));
    }
    return element == network::INPUTS;
}

static int convert(const char *from, const char *to) {
    std::ifstream input(from);
    std::string line;
    Codes in;
    for (std::size_t row = 1; std::getline(input, line); row++) {
        if (row == 1 && line.find_first_of("[abcdfghijklmopqrstuvwxyz") != std::string::npos) continue;  // names
        if (!parse(line, in)) {
            std::fprintf(stderr, "%s: line %zu is no row of %zu values\n", from, row, network::INPUTS);
            return 2;
        }
    }
    const Codes out = evaluate(in);
    std::ofstream output(to);
    output.precision(17);
    for (std::size_t i = 0; i < out.size(); i++) {
        const std::size_t element = i % network::OUTPUTS;
        output << network::value(element, out[i]) << (element + 1 == network::OUTPUTS ? '\n' : ',');
    }
    output.close();
    if (input.bad() || in.empty() || !output) {
        std::fprintf(stderr, "%s cannot be read, has no rows, or %s cannot be written\n", from, to);
        return 2;
    }
    return 0;
}

static int speed(std::size_t events) {
    std::mt19937 random(1);
    const std::size_t block = events < 4096 ? events : 4096;  // what caches hold, over and over
    Codes in(block * network::INPUTS), out(block * network::OUTPUTS);
    for (std::size_t i = 0; i < in.size(); i++) {
        const network::Format &format = network::format(network::INPUT_FORMATS, i % network::INPUTS);
        const double any = double(random()) - 2147483648.0;
        in[i] = network::quantize({1, format.is_signed, format.width, 0, network::TRN, network::WRAP}, any);
    }
    std::uint64_t sum = 0;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t done = 0; done < events; done += block) {
        network::evaluate(block, in.data(), out.data());
        sum += std::uint64_t(out.empty() ? 0 : out[done % out.size()]);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("%zu events in %.6f s, %.0f a second; checksum %016llx\n", events, seconds.count(),
                double(events) / seconds.count(), (unsigned long long)sum);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && std::strcmp(argv[1], "--speed") == 0) return speed(std::strtoull(argv[2], nullptr, 10));
    if (argc == 3) return convert(argv[1], argv[2]);
    std::fprintf(stderr, "usage: emulator INPUT.csv OUTPUT.csv, or emulator --speed EVENTS\n");
    return 2;
}
