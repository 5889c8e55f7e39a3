// {{ top }}: {{ core }} between streams of words, {{ words[0] }} bits in and {{ words[1] }} out.
//
// An event is {{ counts[0] }} word{% if counts[0] > 1 %}s{% endif %}, its answer {{ counts[1] }}{% if packets %}, in a packet with a header before and a footer behind{% endif %}; lowest bits first, zeros above. TLAST is 1 with
// the last word. Answers come in the order of the events. {{ core }} never stalls: an event enters it while there is a place
// for its answer in the queue behind, so nothing is lost while nobody takes the answers.
// An event of another number of words is dropped, and misframed is then 1 until reset.
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
  // Words in.
  wire word_valid, word_ready, word_last;
  wire [{{ words[0] - 1 }}:0] word_data;
{% if crossing %}
  nanotrig_cross #(.W({{ words[0] + 1 }}), .A(4)) u_in (
    .in_clk(io_clk),
    .in_rst(io_rst),
    .in_valid(s_axis_tvalid),
    .in_ready(s_axis_tready),
    .in_data({s_axis_tlast, s_axis_tdata}),
    .out_clk(clk),
    .out_rst(rst),
    .out_valid(word_valid),
    .out_ready(word_ready),
    .out_data({word_last, word_data})
  );
{% else %}
  nanotrig_skid #(.W({{ words[0] + 1 }})) u_in (
    .clk(clk),
    .rst(rst),
    .in_valid(s_axis_tvalid),
    .in_ready(s_axis_tready),
    .in_data({s_axis_tlast, s_axis_tdata}),
    .out_valid(word_valid),
    .out_ready(word_ready),
    .out_data({word_last, word_data})
  );
{% endif %}
{%- if packets %}
  // The payload of a packet.
  wire payload_valid, payload_ready, payload_last, payload_bad, payload_misframed;
  wire [127:0] payload_data;

  nanotrig_depacketise #(.N({{ counts[0] }})) u_depacketise (
    .clk(clk),
    .rst(rst),
    .in_valid(word_valid),
    .in_ready(word_ready),
    .in_data(word_data),
    .in_last(word_last),
    .out_valid(payload_valid),
    .out_ready(payload_ready),
    .out_data(payload_data),
    .out_last(payload_last),
    .out_bad(payload_bad),
    .misframed(payload_misframed)
  );
{% endif %}
  // An event.
  wire event_valid, event_misframed, credit;
  wire [{{ padded[0] - 1 }}:0] event_data;
  wire enter = event_valid & credit;

  nanotrig_widen #(.W({{ words[0] }}), .N({{ counts[0] }})) u_widen (
    .clk(clk),
    .rst(rst),
    .in_valid({% if packets %}payload{% else %}word{% endif %}_valid),
    .in_ready({% if packets %}payload{% else %}word{% endif %}_ready),
    .in_data({% if packets %}payload{% else %}word{% endif %}_data),
    .in_last({% if packets %}payload{% else %}word{% endif %}_last),
    .in_bad({% if packets %}payload_bad{% else %}1'b0{% endif %}),
    .out_valid(event_valid),
    .out_ready(credit),
    .out_data(event_data),
    .misframed(event_misframed)
  );
  assign misframed = event_misframed{% if packets %} | payload_misframed{% endif %};

  // Its answer.
  wire answer_valid, leave_valid, leave_ready;
  wire [{{ widths[1] - 1 }}:0] answer_data, leave_data;

  {{ core }} u_core (
    .clk(clk),
    .rst(rst),
    .in_valid(enter),
{%- for input in inputs %}
    .{{ input.name }}({{ input.bits }}),
{%- endfor %}
{%- for output in outputs %}
    .{{ output.name }}({{ output.bits }}),
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
  nanotrig_fifo #(.W({{ widths[1] }}), .DEPTH({{ depth }})) u_queue (
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
  nanotrig_narrow #(.W({{ words[1] }}), .N({{ counts[1] }})) u_narrow (
    .clk(clk),
    .rst(rst),
    .in_valid(leave_valid),
    .in_ready(leave_ready),
    .in_data({% if padded[1] > widths[1] %}{ {{- padded[1] - widths[1] }}'d0, leave_data}{% else %}leave_data{% endif %}),
    .out_valid({% if packets or crossing %}last_{% else %}m_axis_t{% endif %}valid),
    .out_ready({% if packets or crossing %}last_{% else %}m_axis_t{% endif %}ready),
    .out_data({% if packets or crossing %}last_{% else %}m_axis_t{% endif %}data),
    .out_last({% if packets or crossing %}last_{% else %}m_axis_t{% endif %}last)
  );
{%- if packets %}

  nanotrig_packetise #(.N({{ counts[1] }})) u_packetise (
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

  wire unused = &{room, {% if unused %}{{ unused }}, {% endif %}1'b0};
endmodule
