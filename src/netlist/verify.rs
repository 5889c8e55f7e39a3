//! What holds for every netlist.

use super::{Bits, Cell, Net, Netlist, Part};
use crate::error::{Error, Result};
use std::collections::HashSet;

/// Words that name something else in Verilog, SystemVerilog or in the top module.
const KEYWORDS: &str = " always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign \
default defparam design disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive \
endspecify endtable endtask event for force forever fork function generate genvar highz0 highz1 if ifnone incdir \
include initial inout input instance integer join large liblist library localparam macromodule medium module nand \
negedge nmos nor noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown \
pullup pulsestyle_onevent pulsestyle_ondetect rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 \
rtranif1 scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table task time tran \
tranif0 tranif1 tri tri0 tri1 triand trior trireg unsigned use vectored wait wand weak0 weak1 while wire wor xnor xor \
bit break byte chandle class clocking const constraint context continue cover covergroup coverpoint cross dist do \
enum expect export extends extern final foreach forkjoin iff ignore_bins illegal_bins import inside int interface \
intersect local logic longint matches modport new null package packed priority program property protected pure rand \
randc randcase randsequence ref return sequence shortint shortreal solve static string struct super tagged this \
throughout timeprecision timeunit type typedef union unique var virtual void wait_order wildcard with within \
clk rst in_valid out_valid valid unused ";

/// Is it an identifier that the Verilog can use as it is?
pub fn legal(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') && !KEYWORDS.contains(&format!(" {name} "))
}

impl Netlist {
    /// Checks the netlist's invariants:
    ///
    /// 1. names of nets and ports are legal and distinct, those of layers too, apart from the top's;
    /// 2. a net has 1 to 128 bits and belongs to a layer;
    /// 3. operands read nets that come before, inside their width, in parts of at least one bit;
    /// 4. operands are as wide as the cell's contract says;
    /// 5. a net reads its own or earlier layers (valid bits have none);
    /// 6. every path from an input port crosses the same number of registers to a net (constants count for any), a total
    ///    being `interval` of them; and what it reads has one value in an event, or one in each clock of it, as the cell asks;
    /// 7. each output port has its bits, at exactly `latency` registers from the inputs, one value in an event; so has each
    ///    state its next value, of its own format, at the stage at which it is written, no earlier than it is read.
    ///
    /// # Errors
    /// The first condition that does not hold, as a bug of whoever made the netlist.
    pub fn verify(&self) -> Result<()> {
        self.names()?;
        let (stages, serial) = (self.stages(), self.serial());
        let ports: Vec<u32> = self.sources().map(|port| port.width()).collect();
        for (index, net) in self.nets.iter().enumerate() {
            let broken =
                |condition: u32| Error::bug(format!("net `{}` ({}) breaks condition {condition}", net.name, net.cell));
            let check = |holds: bool, condition: u32| if holds { Ok(()) } else { Err(broken(condition)) };
            // check (2)
            check((1..=128).contains(&net.width) && (net.layer as usize) < self.layers.len(), 2)?;
            // check (3)
            let operands = net.cell.operands();
            check(operands.iter().all(|bits| self.inside(bits, index)), 3)?;
            // check (4)
            check(self.contract(net, &ports), 4)?;
            // check (5)
            let read = || operands.iter().flat_map(|bits| bits.0.iter()).filter_map(Part::net);
            let of_layer = |id: &super::NetId| !matches!(self[*id].cell, Cell::Valid(_));
            check(read().filter(of_layer).all(|id| self[id].layer <= net.layer), 5)?;
            // check (6)
            let at: HashSet<u32> = read().filter_map(|id| stages[id.0 as usize]).collect();
            check(at.len() <= 1 && self.alike(net, &stages, &serial), 6)?;
        }
        // check (7)
        let whole = |(port, bits, at): (&crate::port::Port, &Bits, u32)| {
            let read = || bits.0.iter().filter_map(Part::net);
            bits.width() == port.width()
                && self.inside(bits, self.nets.len())
                && read().all(|id| stages[id.0 as usize].is_none_or(|stage| stage == at))
                && !read().any(|id| serial[id.0 as usize])
        };
        if self.results.len() != self.outputs.len() || !self.sinks().all(whole) {
            return Err(Error::bug("an output port or a state breaks condition 7"));
        }
        let turns = self.turn.is_some_and(|turn| turn.reads <= turn.writes && turn.clocks() <= self.interval);
        let same = |state: &super::State| turns && state.held.elements == state.next.elements;
        if self.states.iter().all(same) { Ok(()) } else { Err(Error::bug("a state breaks condition 7")) }
    }

    /// Registers from an input port to each net, by its first operand that depends on one; `None` for constants.
    pub fn stages(&self) -> Vec<Option<u32>> {
        let mut stages: Vec<Option<u32>> = Vec::with_capacity(self.nets.len());
        for net in &self.nets {
            let operands = net.cell.operands();
            let read = operands.iter().flat_map(|bits| bits.0.iter()).filter_map(Part::net);
            let mut known = read.filter_map(|id| stages.get(id.0 as usize).copied().flatten());
            let stage = match net.cell {
                Cell::Input { port, .. } => Some(self.source_stage(port)),
                Cell::Valid(stage) => Some(stage),
                _ => known.next(),
            };
            let registers =
                if matches!(net.cell, Cell::Total { .. }) { self.interval } else { net.cell.is_register() as u32 };
            stages.push(stage.map(|stage| stage + registers));
        }
        stages
    }

    /// Which nets have a value in each clock of an event, and not one in an event: digits, and what depends on them.
    pub fn serial(&self) -> Vec<bool> {
        let mut serial: Vec<bool> = Vec::with_capacity(self.nets.len());
        for net in &self.nets {
            let operands = net.cell.operands();
            let read = operands.iter().flat_map(|bits| bits.0.iter()).filter_map(Part::net);
            serial.push(match net.cell {
                Cell::Digits { .. } => true,
                Cell::Total { .. } => false,
                _ => read.into_iter().any(|id| serial.get(id.0 as usize).is_some_and(|serial| *serial)),
            });
        }
        serial
    }

    /// Whether what a net reads, constants aside, has values as often as its cell asks.
    fn alike(&self, net: &Net, stages: &[Option<u32>], serial: &[bool]) -> bool {
        let all = |bits: &Bits, often: bool| {
            let mut read = bits.0.iter().filter_map(Part::net).map(|id| id.0 as usize);
            read.all(|id| stages[id].is_none() || serial[id] == often)
        };
        match &net.cell {
            Cell::Digits { start, value, .. } => all(start, false) && all(value, false),
            Cell::Total { start, part, .. } => all(start, false) && all(part, true),
            cell => {
                let operands = cell.operands();
                [false, true].into_iter().any(|often| operands.iter().all(|bits| all(bits, often)))
            }
        }
    }

    // check (1)
    fn names(&self) -> Result<()> {
        let ports = self.sources().chain(self.sinks().map(|(port, ..)| port)).map(|port| &port.name);
        let mut seen = HashSet::new();
        for name in ports.chain(self.nets.iter().map(|net| &net.name)) {
            if !legal(name) || !seen.insert(name) {
                return Err(Error::bug(format!("name `{name}` is taken or illegal (condition 1)")));
            }
        }
        if !legal(&self.name) {
            return Err(Error::bug(format!("design name `{}` is illegal (condition 1)", self.name)));
        }
        let mut modules = HashSet::new();
        for name in self.layers.iter() {
            // Any word will do for a layer: a module's name is made legal by adding the design's.
            if !legal(&format!("{name}_0")) || !modules.insert(name) {
                return Err(Error::bug(format!("module name `{name}` is taken or illegal (condition 1)")));
            }
        }
        Ok(())
    }

    fn inside(&self, bits: &Bits, before: usize) -> bool {
        bits.0.iter().all(|part| {
            let width = part.net().map(|id| if (id.0 as usize) < before { self[id].width } else { 0 });
            match (part, width) {
                (Part::Const { bits, width }, _) => (1..=128).contains(width) && bits & !super::ones(*width) == 0,
                (Part::Slice { lo, width, .. } | Part::Not { lo, width, .. }, Some(whole)) => {
                    *width >= 1 && lo + width <= whole
                }
                (Part::Repeat { bit, count, .. }, Some(whole)) => *count >= 1 && *bit < whole,
                (_, None) => false,
            }
        })
    }

    fn contract(&self, net: &Net, ports: &[u32]) -> bool {
        let wide = |bits: &Bits| bits.width() == net.width;
        match &net.cell {
            Cell::Input { port, lo } => ports.get(*port as usize).is_some_and(|width| lo + net.width <= *width),
            Cell::Valid(stage) => net.width == 1 && *stage < self.latency,
            Cell::Digits { start, value, digit } => {
                start.width() == 1 && wide(value) && net.width == digit * self.interval
            }
            Cell::Total { start, part, digit, first, .. } => {
                let whole = part.width() + digit * (self.interval.max(1) - 1);
                start.width() == 1
                    && net.width == whole
                    && first & !super::ones(part.width()) == 0
                    && *digit < part.width()
            }
            Cell::Wire(a) | Cell::Register(a) => wide(a),
            Cell::Sum(terms) => !terms.is_empty() && terms.iter().all(|(bits, _)| wide(bits)),
            Cell::Mul(a, b) => wide(a) && wide(b),
            Cell::Mux { sel, a, b } => sel.width() == 1 && wide(a) && wide(b),
            Cell::Less(a, b) => net.width == 1 && a.width() == b.width() && (1..=128).contains(&a.width()),
            Cell::Any(a) | Cell::All(a) => net.width == 1 && (1..=128).contains(&a.width()),
            Cell::Not(a) => net.width == 1 && a.width() == 1,
            Cell::Rom { index, entries } => {
                index.width() <= 24
                    && entries.len() == 1 << index.width()
                    && entries.iter().all(|entry| entry & !super::ones(net.width) == 0)
            }
        }
    }
}
