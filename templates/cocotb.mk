# Runs test_{{ top }}.py: make, with cocotb 2 installed; SIM chooses the simulator. Made by nanotrig {{ version }}.
SIM ?= icarus
TOPLEVEL_LANG = verilog
VERILOG_SOURCES = \
{%- for file in files %}
  $(CURDIR)/../../{{ file }}{% if not loop.last %} \{% endif %}
{%- endfor %}
COCOTB_TOPLEVEL = {{ top }}
COCOTB_TEST_MODULES = test_{{ top }}
include $(shell cocotb-config --makefiles)/Makefile.sim
