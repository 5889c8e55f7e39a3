// What the test bench calls the Verilated {{ top }}, where a tool chooses the class's name. Made by nanotrig {{ version }}.
#include "V{{ top }}.h"
typedef V{{ top }} Vdut;
