// {{ top }}: {{ core }} between streams of words, {{ words[0] }} bits in and {{ words[1] }} out.
//
{%- if inputs | length > 1 %}
// An event comes in parts, one on each stream, and enters when all are there: {% for input in inputs %}{{ input.count }}{% if not loop.last %}, {% endif %}{% endfor %} words. Its answer is {{ output.count }}
{%- else %}
// An event is {{ inputs[0].count }} word{% if inputs[0].count > 1 %}s{% endif %}, its answer {{ output.count }}
{%- endif %}{% if packets %}, in a packet with a header before and a footer behind{% endif %}; lowest bits first, zeros above. TLAST is 1 with
// the last word. Answers come in the order of the events. {{ core }} never stalls: an event enters it while there is a place
// for its answer in the queue behind, so nothing is lost while nobody takes the answers.
// An event of another number of words is dropped, and misframed is then 1 until reset
{%- if inputs | length > 1 %}; what comes on the other
// streams then belongs to other events, and answers mean nothing until reset{% endif %}.
{%- if packets %}
// `header` is that of the answers' packets; it may change from packet to packet. See nanotrig_packetise.
{%- endif %}
{%- if crossing %}
// The streams belong to io_clk, all else (misframed too) to clk. rst and io_rst, each synchronous to its clock, must be 1
// together for three clocks of the slower.
{%- else %}
// rst is synchronous, and drops every event in flight.
{%- endif %}
// Made by nanotrig {{ version }}.

module {{ top }} (
{%- for pin in pins %}
  {{ pin }}{% if not loop.last %},{% endif %}
{%- endfor %}
);
  wire enter, credit;  // an event enters; there is a place for its answer
{%- for input in inputs %}
  // Words in{% if input.mark %}, of stream {{ input.mark }}{% endif %}.
  wire word{{ input.mark }}_valid, word{{ input.mark }}_ready, word{{ input.mark }}_last;
  wire [{{ words[0] - 1 }}:0] word{{ input.mark }}_data;
{% if crossing %}
  nanotrig_cross #(.W({{ words[0] + 1 }}), .A(4)) u_in{{ input.mark }} (
    .in_clk(io_clk),
    .in_rst(io_rst),
    .in_valid({{ input.pins }}valid),
    .in_ready({{ input.pins }}ready),
    .in_data({ {{- input.pins }}last, {{ input.pins }}data}),
    .out_clk(clk),
    .out_rst(rst),
    .out_valid(word{{ input.mark }}_valid),
    .out_ready(word{{ input.mark }}_ready),
    .out_data({word{{ input.mark }}_last, word{{ input.mark }}_data})
  );
{% else %}
  nanotrig_skid #(.W({{ words[0] + 1 }})) u_in{{ input.mark }} (
    .clk(clk),
    .rst(rst),
    .in_valid({{ input.pins }}valid),
    .in_ready({{ input.pins }}ready),
    .in_data({ {{- input.pins }}last, {{ input.pins }}data}),
    .out_valid(word{{ input.mark }}_valid),
    .out_ready(word{{ input.mark }}_ready),
    .out_data({word{{ input.mark }}_last, word{{ input.mark }}_data})
  );
{% endif %}
{%- if packets %}
  // The payload of a packet.
  wire payload{{ input.mark }}_valid, payload{{ input.mark }}_ready, payload{{ input.mark }}_last, payload{{ input.mark }}_bad, payload{{ input.mark }}_misframed;
  wire [127:0] payload{{ input.mark }}_data;

  nanotrig_depacketise #(.N({{ input.count }})) u_depacketise{{ input.mark }} (
    .clk(clk),
    .rst(rst),
    .in_valid(word{{ input.mark }}_valid),
    .in_ready(word{{ input.mark }}_ready),
    .in_data(word{{ input.mark }}_data),
    .in_last(word{{ input.mark }}_last),
    .out_valid(payload{{ input.mark }}_valid),
    .out_ready(payload{{ input.mark }}_ready),
    .out_data(payload{{ input.mark }}_data),
    .out_last(payload{{ input.mark }}_last),
    .out_bad(payload{{ input.mark }}_bad),
    .misframed(payload{{ input.mark }}_misframed)
  );
{% endif %}
  // An event.
  wire event{{ input.mark }}_valid, event{{ input.mark }}_misframed;
  wire [{{ input.padded - 1 }}:0] event{{ input.mark }}_data;

  nanotrig_widen #(.W({{ words[0] }}), .N({{ input.count }})) u_widen{{ input.mark }} (
    .clk(clk),
    .rst(rst),
    .in_valid({% if packets %}payload{% else %}word{% endif %}{{ input.mark }}_valid),
    .in_ready({% if packets %}payload{% else %}word{% endif %}{{ input.mark }}_ready),
    .in_data({% if packets %}payload{% else %}word{% endif %}{{ input.mark }}_data),
    .in_last({% if packets %}payload{% else %}word{% endif %}{{ input.mark }}_last),
    .in_bad({% if packets %}payload{{ input.mark }}_bad{% else %}1'b0{% endif %}),
    .out_valid(event{{ input.mark }}_valid),
    .out_ready(enter),
    .out_data(event{{ input.mark }}_data),
    .misframed(event{{ input.mark }}_misframed)
  );
{% endfor %}
  assign enter = {% for input in inputs %}event{{ input.mark }}_valid & {% endfor %}credit;
  assign misframed = {% for input in inputs %}event{{ input.mark }}_misframed{% if packets %} | payload{{ input.mark }}_misframed{% endif %}{% if not loop.last %} | {% endif %}{% endfor %};

  // Its answer.
  wire answer_valid, leave_valid, leave_ready;
  wire [{{ output.width - 1 }}:0] answer_data, leave_data;

  {{ core }} u_core (
    .clk(clk),
    .rst(rst),
    .in_valid(enter),
{%- for input in inputs %}
{%- for slice in input.slices %}
    .{{ slice.name }}({{ slice.bits }}),
{%- endfor %}
{%- endfor %}
{%- for slice in output.slices %}
    .{{ slice.name }}({{ slice.bits }}),
{%- endfor %}
    .out_valid(answer_valid)
  );

  nanotrig_credits #(.DEPTH({{ depth }})) u_credits (
    .clk(clk),
    .rst(rst),
    .take(enter),
    .give(leave_valid & leave_ready),
    .in_ready(credit)
  );

  wire room;  // always: credits say so
  nanotrig_fifo #(.W({{ output.width }}), .DEPTH({{ depth }})) u_queue (
    .clk(clk),
    .rst(rst),
    .in_valid(answer_valid),
    .in_ready(room),
    .in_data(answer_data),
    .out_valid(leave_valid),
    .out_ready(leave_ready),
    .out_data(leave_data)
  );

  // Words out.
{%- if packets or crossing %}
  wire last_valid, last_ready, last_last;
  wire [{{ words[1] - 1 }}:0] last_data;
{% endif %}
  nanotrig_narrow #(.W({{ words[1] }}), .N({{ output.count }})) u_narrow (
    .clk(clk),
    .rst(rst),
    .in_valid(leave_valid),
    .in_ready(leave_ready),
    .in_data({% if output.padded > output.width %}{ {{- output.padded - output.width }}'d0, leave_data}{% else %}leave_data{% endif %}),
    .out_valid({% if packets or crossing %}last_{% else %}m_axis_t{% endif %}valid),
    .out_ready({% if packets or crossing %}last_{% else %}m_axis_t{% endif %}ready),
    .out_data({% if packets or crossing %}last_{% else %}m_axis_t{% endif %}data),
    .out_last({% if packets or crossing %}last_{% else %}m_axis_t{% endif %}last)
  );
{%- if packets %}

  nanotrig_packetise #(.N({{ output.count }})) u_packetise (
    .clk(clk),
    .rst(rst),
    .header(header),
    .in_valid(last_valid),
    .in_ready(last_ready),
    .in_data(last_data),
    .in_last(last_last),
    .out_valid(m_axis_tvalid),
    .out_ready(m_axis_tready),
    .out_data(m_axis_tdata),
    .out_last(m_axis_tlast)
  );
{%- endif %}
{%- if crossing %}

  nanotrig_cross #(.W({{ words[1] + 1 }}), .A(4)) u_out (
    .in_clk(clk),
    .in_rst(rst),
    .in_valid(last_valid),
    .in_ready(last_ready),
    .in_data({last_last, last_data}),
    .out_clk(io_clk),
    .out_rst(io_rst),
    .out_valid(m_axis_tvalid),
    .out_ready(m_axis_tready),
    .out_data({m_axis_tlast, m_axis_tdata})
  );
{%- endif %}

  wire unused = &{room, {% for input in inputs %}{% if input.unused %}{{ input.unused }}, {% endif %}{% endfor %}1'b0};
endmodule
