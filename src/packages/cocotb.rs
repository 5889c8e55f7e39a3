//! `packages/cocotb/`: an example of a test bench in Python: the circuit answers some events, with gaps, bit by bit.

use super::{Design, Package};
use crate::backends::hdl::Use;
use crate::backends::{File, render, verilog};
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::port::Port;
use crate::registry::Entry;
use serde::Serialize;
use std::collections::BTreeMap;

/// The entry.
pub const PACKAGE: Entry<Package> = Entry { name: "cocotb", doc: "a cocotb test bench, for Icarus or others", make };

#[derive(Serialize)]
struct Text<'a> {
    top: &'a str,
    latency: u32,
    interval: u32,
    reset: bool,
    files: Vec<String>,
}

/// Packed ports of each event, as hexadecimal digits.
#[derive(Serialize)]
struct Vectors<'a> {
    inputs: BTreeMap<&'a str, Vec<String>>,
    outputs: BTreeMap<&'a str, Vec<String>>,
}

fn make(design: &Design) -> Result<Vec<File>> {
    let netlist = design.netlist;
    let text = Text {
        top: &netlist.name,
        latency: netlist.latency,
        interval: netlist.interval,
        reset: netlist.reset,
        files: verilog::paths(netlist, design.context, Use::Simulation),
    };
    let [given, answers] = design.vectors;
    let vectors = Vectors { inputs: packed(&netlist.inputs, given), outputs: packed(&netlist.outputs, answers) };
    let json = serde_json::to_string_pretty(&vectors).map_err(|error| Error::bug(error.to_string()))?;
    let file = |name: &str, text| File { path: format!("packages/cocotb/{name}"), text };
    Ok(vec![
        file("Makefile", render(include_str!("../../templates/cocotb.mk"), &text)?),
        file(&format!("test_{}.py", netlist.name), render(include_str!("../../templates/cocotb.py"), &text)?),
        file("vectors.json", json + "\n"),
    ])
}

/// Each port's bits in each event.
fn packed<'a>(ports: &'a [Port], batch: &Batch) -> BTreeMap<&'a str, Vec<String>> {
    let mut column = 0;
    let mut packed = BTreeMap::new();
    for port in ports {
        let first = column;
        column += port.elements.len();
        let rows = (0..batch.rows()).map(|row| digits(port, &batch.row(row)[first..column]));
        if port.width() > 0 {
            packed.insert(port.name.as_str(), rows.collect());
        }
    }
    packed
}

/// A port's bits for the codes of its elements, element 0 lowest, as hexadecimal digits.
fn digits(port: &Port, codes: &[i128]) -> String {
    let bits = port.elements.iter().zip(codes).flat_map(|(element, code)| {
        let width = element.format.width;
        (0..width).map(move |bit| code >> bit & 1 == 1)
    });
    let bits: Vec<bool> = bits.collect();
    let digit = |four: &[bool]| four.iter().rev().fold(0, |digit, bit| digit << 1 | u32::from(*bit));
    bits.chunks(4).rev().filter_map(|four| char::from_digit(digit(four), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::digits;
    use crate::port::Port;

    #[test]
    fn elements_are_packed_from_the_lowest() {
        let elements = ["fixed<3,3>", "ufixed<2,2>", "fixed<6,6>"].map(|format| format.parse().expect("a format"));
        let port = Port { name: "x".into(), shape: vec![3], elements: elements.into(), state: false };
        // 111110 10 011
        assert_eq!(digits(&port, &[3, 2, -2]), "7d3");
        assert_eq!(digits(&port, &[0, 0, 0]), "000");
    }
}
