//! The Verilog text as gates: read back, elaborated, and followed from the output ports to the inputs.
//!
//! A register is a name for what it holds one cycle later: with every path from an input port to an output port crossing
//! the same number of registers, which is demanded wherever two values meet, an event's outputs are a function of that
//! event's inputs alone. `out_valid` is traced bit by bit through registers that start at 0 and, where there is a reset,
//! become 0 by it. A state is an input to all this, and its next value an output: see `states.rs`.

mod constant;
mod elaborate;
mod evaluate;
mod lex;
mod parse;
mod states;
mod syntax;

use super::logic::{Bit, Logic, Word, elements};
use crate::error::{At, Error, Result};
use crate::netlist::Netlist;
use crate::port::Port;
use constant::Constant;
use elaborate::{Circuit, NetId, Source, wrong};
use evaluate::{Names, Value, beyond, together};
use std::collections::HashMap;
use syntax::{Direction, Expr};

/// What a circuit must be.
pub struct Interface<'a> {
    /// The top module.
    pub top: &'a str,
    /// Input ports, and then states.
    pub inputs: Vec<Port>,
    /// Output ports, and then the next values of states.
    pub outputs: Vec<Port>,
    /// Registers on every path.
    pub latency: u32,
    /// Whether there is a port `rst`.
    pub reset: bool,
    /// Clocks from event to event, at least.
    pub interval: u32,
}

impl Interface<'_> {
    /// What a netlist says that its Verilog is.
    pub fn of(netlist: &Netlist) -> Interface<'_> {
        Interface {
            top: &netlist.name,
            inputs: netlist.sources().cloned().collect(),
            outputs: netlist.sinks().map(|(port, ..)| port.clone()).collect(),
            latency: netlist.latency,
            reset: netlist.reset,
            interval: netlist.interval,
        }
    }
}

/// The bits of all output elements as the Verilog computes them.
///
/// # Errors
/// Text that is not of the subset, a circuit that is no pipeline of the given latency, a sum that is too wide.
pub fn results(logic: &mut Logic, files: &[(String, String)], interface: &Interface) -> Result<Vec<Vec<Bit>>> {
    let mut modules = HashMap::new();
    for (path, text) in files {
        for module in parse::modules(&lex::tokens(text).at(path)?).at(path)? {
            let name = module.name.clone();
            if modules.insert(name.clone(), module).is_some() {
                return Err(wrong(format!("module `{name}` is there twice")).at(path));
            }
        }
    }
    let circuit = elaborate::elaborate(&modules, interface.top)?;
    let state = vec![State::Unknown; circuit.nets.len()];
    let mut reader = Reader { circuit, state };
    reader.ports(interface)?;
    let writes = reader.states(interface)?;
    reader.inputs(logic, interface, writes)?;
    let mut codes = Vec::new();
    for port in interface.outputs.iter().filter(|port| port.width() > 0) {
        let value = reader.read(logic, 0, &port.name).at(format!("output `{}`", port.name))?;
        let due = if port.state { writes } else { interface.latency };
        if let Some(stage) = value.stage.filter(|stage| *stage != due) {
            return Err(wrong(format!("`{}` is {stage} registers behind the inputs", port.name)));
        }
        let bits = logic.bits(&value.word);
        codes.extend(elements(port, &bits).ok_or_else(beyond)?);
    }
    reader.valid(interface)?;
    Ok(codes)
}

#[derive(Clone)]
enum State {
    Unknown,
    Open,
    Known(Value),
}

struct Reader<'a> {
    circuit: Circuit<'a>,
    state: Vec<State>,
}

impl Names for Reader<'_> {
    fn constant(&self, scope: usize, name: &str) -> Option<Constant> {
        self.circuit.scopes[scope].constants.get(name).cloned()
    }

    fn shape(&self, scope: usize, name: &str) -> Option<(u32, u32, bool)> {
        let net = &self.circuit.nets[*self.circuit.scopes[scope].nets.get(name)?];
        Some((net.width, net.base, net.signed))
    }

    fn read(&mut self, logic: &mut Logic, scope: usize, name: &str) -> Result<Value> {
        let id = self.circuit.scopes[scope].nets.get(name);
        self.net(logic, *id.ok_or_else(|| wrong(format!("`{name}` is not declared")))?)
    }
}

impl<'a> Reader<'a> {
    /// Checks the top's ports.
    fn ports(&self, interface: &Interface) -> Result<()> {
        let mut wanted: Vec<(Direction, &str, u32)> = vec![(Direction::In, "clk", 1), (Direction::In, "in_valid", 1)];
        wanted.extend(interface.reset.then_some((Direction::In, "rst", 1)));
        wanted.push((Direction::Out, "out_valid", 1));
        let wide = |port: &&Port| port.width() > 0 && !port.state;
        wanted
            .extend(interface.inputs.iter().filter(wide).map(|port| (Direction::In, port.name.as_str(), port.width())));
        wanted.extend(
            interface.outputs.iter().filter(wide).map(|port| (Direction::Out, port.name.as_str(), port.width())),
        );
        let mut found: Vec<(Direction, &str, u32)> = Vec::new();
        for (direction, id) in &self.circuit.ports {
            let net = &self.circuit.nets[*id];
            found.push((*direction, &net.name, net.width));
        }
        if let Some((_, name, width)) = wanted.iter().find(|port| !found.contains(port)) {
            return Err(wrong(format!("the top module has no port `{name}` of {width} bits")));
        }
        if let Some((_, name, _)) = found.iter().find(|port| !wanted.contains(port)) {
            return Err(wrong(format!("the top module's port `{name}` is not one of the network's")));
        }
        Ok(())
    }

    /// Gives inputs and states their symbols. An event reads states that the one before it has written at the end of stage
    /// `writes`, one clock before it reads them where events follow as closely as they may.
    fn inputs(&mut self, logic: &mut Logic, interface: &Interface, writes: u32) -> Result<()> {
        let reads = (writes + 1).checked_sub(interface.interval);
        for (index, port) in interface.inputs.iter().enumerate() {
            let bits = (0..port.elements.len()).filter_map(|element| logic.input(index as u32, element as u32));
            let word = Word::Bits(bits.flatten().collect());
            let stage = if port.state { reads } else { Some(0) };
            let late = || wrong(format!("an event may come before `{}` is written", port.name));
            if let Some(id) = self.circuit.scopes[0].nets.get(&port.name) {
                self.state[*id] = State::Known(Value { word, stage: Some(stage.ok_or_else(late)?) });
            }
        }
        Ok(())
    }

    fn net(&mut self, logic: &mut Logic, id: NetId) -> Result<Value> {
        match &self.state[id] {
            State::Known(value) => return Ok(value.clone()),
            State::Open => return Err(wrong(format!("`{}` depends on itself", self.circuit.nets[id].name))),
            State::Unknown => self.state[id] = State::Open,
        }
        if logic.late() {
            return Err(Error::bug("the time is over"));
        }
        let (name, width) = (self.circuit.nets[id].name.clone(), self.circuit.nets[id].width);
        let drivers = self.circuit.nets[id].drivers.clone();
        let (mut words, mut stage, mut at) = (Vec::new(), None, 0);
        for driver in drivers {
            if driver.lo != at {
                break;
            }
            let value = self.source(logic, driver.source, driver.width).map_err(|error| deepest(error, &name))?;
            stage = together(stage, value.stage).map_err(|error| deepest(error, &name))?;
            words.push(value.word);
            at += driver.width;
        }
        if at != width {
            return Err(wrong(format!("bit {at} of `{name}` is not driven")));
        }
        let hint = self.circuit.nets[id].hint(&self.circuit.scopes);
        let word = logic.joined(words).ok_or_else(beyond).map_err(|error| deepest(error, &name))?;
        let value = Value { word: logic.known(word, &hint), stage };
        self.state[id] = State::Known(value.clone());
        Ok(value)
    }

    fn source(&mut self, logic: &mut Logic, source: Source<'a>, width: u32) -> Result<Value> {
        match source {
            Source::Net(id) => self.net(logic, id),
            Source::Wire(scope, expr) => self.assigned(logic, scope, expr, width),
            Source::Register(scope, expr, None) => {
                let value = self.assigned(logic, scope, expr, width)?;
                Ok(Value { stage: value.stage.map(|stage| stage + 1), ..value })
            }
            Source::Register(..) => Err(wrong("a register of data has a reset")),
        }
    }

    /// An expression, extended or cut to what it is assigned to.
    fn assigned(&mut self, logic: &mut Logic, scope: usize, expr: &Expr, width: u32) -> Result<Value> {
        let (own, signed) = evaluate::size(self, scope, expr)?;
        let value = evaluate::expression(logic, self, scope, expr, own.max(width), signed)?;
        let word = value.word.slice(0, width).ok_or_else(beyond)?;
        Ok(Value { word, ..value })
    }

    /// Checks that `out_valid` is `in_valid` a latency later.
    fn valid(&self, interface: &Interface) -> Result<()> {
        let Some(to) = self.top("out_valid") else { return Err(wrong("there is no out_valid")) };
        match self.registers((to, 0), interface.reset)? {
            registers if registers == interface.latency => Ok(()),
            registers => Err(wrong(format!("`out_valid` is `in_valid` {registers} cycles later"))),
        }
    }

    fn top(&self, name: &str) -> Option<NetId> {
        self.circuit.scopes[0].nets.get(name).copied()
    }

    /// Follows a bit back to `in_valid`, and counts registers, which start at 0.
    fn registers(&self, (mut id, mut bit): (NetId, u32), reset: bool) -> Result<u32> {
        let Some(from) = self.top("in_valid") else { return Err(wrong("there is no in_valid")) };
        let mut registers = 0;
        for _ in 0..1_000_000 {
            if id == from {
                return Ok(registers);
            }
            let net = &self.circuit.nets[id];
            let driver = net.drivers.iter().find(|driver| (driver.lo..driver.lo + driver.width).contains(&bit));
            let driver = driver.ok_or_else(|| wrong(format!("bit {bit} of `{}` is not driven", net.name)))?;
            let own = bit - driver.lo;
            let (scope, expr) = match driver.source {
                Source::Net(inner) => {
                    (id, bit) = (inner, own);
                    continue;
                }
                Source::Wire(scope, expr) => (scope, expr),
                Source::Register(scope, expr, by) => {
                    registers += 1;
                    self.starts_at_zero(net, bit, reset)?;
                    self.resets(scope, by, reset).at(&net.name)?;
                    (scope, expr)
                }
            };
            (id, bit) = self.wire(scope, expr, own)?;
        }
        Err(wrong("a valid bit does not come from `in_valid`"))
    }

    /// A register of valid bits starts at 0; one without a start is 0 from the first `rst` on.
    fn starts_at_zero(&self, net: &elaborate::Net, bit: u32, reset: bool) -> Result<()> {
        let zero = match net.start {
            Some((scope, expr)) => {
                let start = constant::value(&self.circuit.scopes[scope].constants, expr)?;
                start.bits.get(bit as usize).is_none_or(|bit| !bit)
            }
            None => reset,
        };
        if zero { Ok(()) } else { Err(wrong(format!("`{}` does not start at 0", net.name))) }
    }

    /// A register of valid bits becomes 0 by `rst`, or there is no `rst`.
    fn resets(&self, scope: usize, reset: Option<(&Expr, &Expr)>, wanted: bool) -> Result<()> {
        let by_rst = match reset {
            None => false,
            Some((Expr::Name(name), value)) => {
                let bits = constant::value(&self.circuit.scopes[scope].constants, value)?.bits;
                let own = self.circuit.scopes[scope].nets.get(name);
                own.is_some() && own == self.circuit.scopes[0].nets.get("rst") && bits.iter().all(|bit| !bit)
            }
            Some(_) => return Err(wrong("a reset is no plain `rst`")),
        };
        if by_rst == wanted && reset.is_some() == wanted {
            return Ok(());
        }
        Err(wrong("a valid bit is not reset as the design says"))
    }

    /// The net and bit of which a bit of an expression is a copy.
    fn wire(&self, scope: usize, expr: &Expr, bit: u32) -> Result<(NetId, u32)> {
        let net = |name: &String| {
            let id = self.circuit.scopes[scope].nets.get(name);
            id.copied().ok_or_else(|| wrong(format!("`{name}` is no net")))
        };
        let number = |expr: &Expr| constant::number(&self.circuit.scopes[scope].constants, expr);
        match expr {
            Expr::Name(name) => Ok((net(name)?, bit)),
            Expr::Index(name, at) if bit == 0 => Ok((net(name)?, number(at)?)),
            Expr::Slice(name, _, low) => Ok((net(name)?, number(low)? + bit)),
            Expr::Concat(items) => {
                let mut at = 0;
                for item in items.iter().rev() {
                    let width = evaluate::size(self, scope, item)?.0;
                    if bit < at + width {
                        return self.wire(scope, item, bit - at);
                    }
                    at += width;
                }
                Err(wrong("a valid bit is not driven"))
            }
            _ => Err(wrong("a valid bit is not a copy of another")),
        }
    }
}

/// An error with the innermost net that it is about.
fn deepest(error: Error, name: &str) -> Error {
    if error.place.is_empty() { error.at(format!("`{name}`")) } else { error }
}
