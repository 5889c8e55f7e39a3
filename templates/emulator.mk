# Builds the emulator of {{ name }}: make, then ./emulator INPUT.csv OUTPUT.csv. Made by nanotrig {{ version }}.
CXXFLAGS ?= -O2 -march=native

emulator: main.cpp {{ name }}.h
	$(CXX) -std=c++17 $(CXXFLAGS) -o $@ main.cpp

clean:
	rm -f emulator
.PHONY: clean
