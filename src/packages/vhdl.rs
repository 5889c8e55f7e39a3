//! `packages/NAME.vhd`: VHDL-2008: a package with the circuit's component and a record for each side, and an entity that has those
//! records as its ports, each element of a tensor a field of its own. A shell has a component without records.

use super::{Design, Package, circuit};
use crate::backends::{File, render};
use crate::error::Result;
use crate::interfaces::Pin;
use crate::port::Port;
use crate::registry::Entry;
use serde::Serialize;

/// The entry.
pub const PACKAGE: Entry<Package> =
    Entry { name: "vhdl", doc: "a VHDL-2008 component, and a wrapper with record ports", make };

/// Words of VHDL-2008 that are no identifiers.
const RESERVED: &str = " abs access after alias all and architecture array assert assume assume_guarantee attribute begin \
block body buffer bus case component configuration constant context cover default disconnect downto else elsif end entity \
exit fairness file for force function generate generic group guarded if impure in inertial inout is label library linkage \
literal loop map mod nand new next nor not null of on open or others out package parameter port postponed procedure process \
property protected pure range record register reject release rem report restrict restrict_guarantee return rol ror select \
sequence severity shared signal sla sll sra srl strong subtype then to transport type unaffected units until use variable \
vmode vprop vunit wait when while with xnor xor ";

#[derive(Serialize)]
struct Text<'a> {
    design: &'a str,
    /// The design's name as a part of VHDL's.
    base: String,
    name: String,
    latency: u32,
    reset: bool,
    pins: Vec<String>,
    shell: Option<Component>,
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
}

#[derive(Serialize)]
struct Component {
    name: String,
    pins: Vec<String>,
}

/// A port with bits.
#[derive(Serialize)]
struct Tensor {
    name: String,
    signal: String,
    kind: String,
    fields: Vec<Field>,
}

/// An element with bits.
#[derive(Serialize)]
struct Field {
    name: String,
    kind: String,
    note: String,
    /// The element in the record of its side.
    field: String,
    /// The port's bits as the element's type.
    read: String,
    /// The bits, and the element as bits.
    bits: String,
    write: String,
}

fn make(design: &Design) -> Result<Vec<File>> {
    let netlist = design.netlist;
    let base = plain(&netlist.name);
    let text = Text {
        design: &netlist.name,
        name: identifier(&netlist.name),
        latency: netlist.latency,
        reset: netlist.reset,
        pins: circuit(netlist).iter().map(declaration).collect(),
        shell: design.shell.map(|shell| Component {
            name: identifier(&shell.top),
            pins: shell.pins.iter().map(declaration).collect(),
        }),
        inputs: tensors(&netlist.inputs, "event.in"),
        outputs: tensors(&netlist.outputs, "answer.out"),
        base,
    };
    let path = format!("packages/{}.vhd", netlist.name);
    Ok(vec![File { path, text: render(include_str!("../../templates/wrapper.vhd"), &text)? }])
}

/// A name as VHDL takes it: as it is where that is a basic identifier in lower case, else an extended one, which keeps its case.
fn identifier(name: &str) -> String {
    let basic = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.ends_with('_')
        && !name.contains("__")
        && !RESERVED.contains(&format!(" {name} "));
    if basic { name.to_string() } else { format!("\\{name}\\") }
}

/// A name that others are made of.
fn plain(name: &str) -> String {
    let words: Vec<String> = name.split('_').filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    format!("net_{}", words.join("_"))
}

fn declaration(pin: &Pin) -> String {
    let direction = if pin.output { "out" } else { "in " };
    let kind = if pin.width > 1 { format!("std_logic_vector({} downto 0)", pin.width - 1) } else { "std_logic".into() };
    format!("{} : {direction} {kind}", identifier(&pin.name))
}

/// Ports with bits, numbered from 1.
fn tensors(ports: &[Port], side: &str) -> Vec<Tensor> {
    let wide = ports.iter().filter(|port| port.width() > 0).enumerate();
    wide.map(|(index, port)| tensor(port, &format!("{side}_{}", index + 1))).collect()
}

/// A port whose record is at a place.
fn tensor(port: &Port, place: &str) -> Tensor {
    let signal = format!("bits_of_{}", port.name);
    let signal = identifier(&signal);
    let mut fields = Vec::new();
    let mut lo = 0;
    for (index, element) in port.elements.iter().enumerate().filter(|(_, element)| element.format.width > 0) {
        let (format, name) = (element.format, format!("e{index}"));
        let sign = if format.signed { "signed" } else { "unsigned" };
        let hi = lo + format.width - 1;
        // A port of one bit is no vector.
        let bits = if port.width() == 1 { signal.clone() } else { format!("{signal}({hi} downto {lo})") };
        let field = format!("{place}.{name}");
        let (read, write) = match port.width() {
            1 => (format!("(0 downto 0 => {signal})"), format!("{field}(0)")),
            _ => (format!("{sign}({bits})"), format!("std_logic_vector({field})")),
        };
        let kind = format!("{sign}({} downto 0)", format.width - 1);
        fields.push(Field { name, kind, note: format.to_string(), field, read, bits, write });
        lo = hi + 1;
    }
    let kind =
        if port.width() > 1 { format!("std_logic_vector({} downto 0)", port.width() - 1) } else { "std_logic".into() };
    Tensor { name: identifier(&port.name), signal, kind, fields }
}

#[cfg(test)]
mod tests {
    use super::{identifier, plain};

    #[test]
    fn names_that_vhdl_would_not_take_are_extended() {
        for (name, want) in [
            ("jet", "jet"),
            ("signal", "\\signal\\"),
            ("X", "\\X\\"),
            ("a__b", "\\a__b\\"),
            ("_a", "\\_a\\"),
            ("a_", "\\a_\\"),
        ] {
            assert_eq!(identifier(name), want);
        }
        assert_eq!(plain("Jet__tagger_"), "net_jet_tagger");
    }
}
