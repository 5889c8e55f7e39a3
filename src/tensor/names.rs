//! Names that are legal in Verilog.

/// Reserved words of Verilog-2005 and the SystemVerilog words that tools reserve even in Verilog files, sorted.
const RESERVED: &str = "
    alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind bit
    break buf bufif0 bufif1 byte case casex casez cell chandle checker class clk clocking cmos config const
    constraint context continue cover cross deassign default defparam design disable dist do edge else end
    endcase endclass endconfig endfunction endgenerate endinterface endmodule endpackage endprimitive endprogram
    endproperty endspecify endtable endtask enum event expect export extends extern final first_match for force
    foreach forever fork function generate genvar global highz0 highz1 if iff ifnone import in_valid incdir
    include initial inout input inside instance int integer interface intersect join large let liblist library
    local localparam logic longint macromodule matches medium modport module nand negedge new nmos nor
    noshowcancelled not notif0 notif1 null or out_valid output package packed parameter pmos posedge primitive
    priority program property protected pull0 pull1 pulldown pullup pure rand randc rcmos real realtime ref reg
    release repeat return rnmos rpmos rst rtran rtranif0 rtranif1 scalared sequence shortint shortreal
    showcancelled signed small solve specify specparam static string strong0 strong1 struct super supply0
    supply1 table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1
    triand trior trireg type typedef union unique unsigned use uwire var vectored virtual void wait wait_order
    wand weak0 weak1 while wildcard wire with within wor xnor xor";

/// A legal Verilog identifier for `name`, unlike every name of `taken` (letter case aside: some file systems have none).
///
/// Illegal characters become `_`; a reserved word or a port that every design has (`clk`, `rst`, ..) gets a `_` behind
/// it; a second use of a name gets a number.
pub fn legal_name(name: &str, taken: &[String]) -> String {
    let mut legal: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if !legal.starts_with(|c: char| c.is_ascii_alphabetic()) {
        legal.insert(0, 'n');
    }
    let word = legal.to_ascii_lowercase();
    if RESERVED.split_whitespace().any(|reserved| reserved == word) {
        legal.push('_');
    }
    let used = |candidate: &str| taken.iter().any(|name| name.eq_ignore_ascii_case(candidate));
    let mut candidate = legal.clone();
    let mut number = 2;
    while used(&candidate) {
        candidate = format!("{legal}_{number}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_and_distinct() {
        let mut taken = Vec::new();
        let wanted = ["dense/1", "dense 1", "Dense_1", "3x3", "reg", "", "clk", "é"];
        let expected = ["dense_1", "dense_1_2", "Dense_1_3", "n3x3", "reg_", "n", "clk_", "n_"];
        for (name, legal) in wanted.iter().zip(expected) {
            let found = legal_name(name, &taken);
            assert_eq!(found, legal);
            taken.push(found);
        }
    }
}
