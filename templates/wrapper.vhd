-- {{ design }} in VHDL-2008: its component, records of its tensors, and an entity with records as ports.
-- An answer comes {{ latency }} clocks after its event. Made by nanotrig {{ version }}.

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

package {{ base }}_package is

  constant latency : positive := {{ latency }};

  component {{ name }} is
    port (
{%- for pin in pins %}
      {{ pin }}{% if not loop.last %};{% endif %}
{%- endfor %}
    );
  end component;
{% if shell %}
  component {{ shell.name }} is
    port (
{%- for pin in shell.pins %}
      {{ pin }}{% if not loop.last %};{% endif %}
{%- endfor %}
    );
  end component;
{% endif %}
{%- for tensor in inputs %}
  type in_{{ loop.index }}_t is record  -- {{ tensor.name }}
{%- for field in tensor.fields %}
    {{ field.name }} : {{ field.kind }};  -- {{ field.note }}
{%- endfor %}
  end record;
{% endfor %}
{%- for tensor in outputs %}
  type out_{{ loop.index }}_t is record  -- {{ tensor.name }}
{%- for field in tensor.fields %}
    {{ field.name }} : {{ field.kind }};  -- {{ field.note }}
{%- endfor %}
  end record;
{% endfor %}
  type event_t is record
    valid : std_logic;
{%- for tensor in inputs %}
    in_{{ loop.index }} : in_{{ loop.index }}_t;  -- {{ tensor.name }}
{%- endfor %}
  end record;

  type answer_t is record
    valid : std_logic;
{%- for tensor in outputs %}
    out_{{ loop.index }} : out_{{ loop.index }}_t;  -- {{ tensor.name }}
{%- endfor %}
  end record;

end package;

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.{{ base }}_package.all;

entity {{ base }}_records is
  port (
    clock  : in  std_logic;
{%- if reset %}
    reset  : in  std_logic;
{%- endif %}
    event  : in  event_t;
    answer : out answer_t
  );
end entity;

architecture wrapper of {{ base }}_records is
{%- for tensor in inputs %}
  signal {{ tensor.signal }} : {{ tensor.kind }};
{%- endfor %}
{%- for tensor in outputs %}
  signal {{ tensor.signal }} : {{ tensor.kind }};
{%- endfor %}
begin
{%- for tensor in inputs %}
{%- for field in tensor.fields %}
  {{ field.bits }} <= {{ field.write }};
{%- endfor %}
{%- endfor %}
{% for tensor in outputs %}
{%- for field in tensor.fields %}
  {{ field.field }} <= {{ field.read }};
{%- endfor %}
{%- endfor %}

  circuit : component {{ name }}
    port map (
      clk => clock,
{%- if reset %}
      rst => reset,
{%- endif %}
      in_valid => event.valid,
{%- for tensor in inputs %}
      {{ tensor.name }} => {{ tensor.signal }},
{%- endfor %}
{%- for tensor in outputs %}
      {{ tensor.name }} => {{ tensor.signal }},
{%- endfor %}
      out_valid => answer.valid
    );
end architecture;
