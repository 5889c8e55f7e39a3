//! `weights.csv`: where each weight is, on the ports or in the registers, and which code the network's own has.

use crate::compiler::Meaning;
use crate::fixed::Fixed;
use crate::interfaces::address;
use std::fmt::Write;

/// A line for each weight: port, its element, layer and tensor, the lowest bit in the port and how many, the byte address of its
/// register if it has one, format, and the code (two's complement, in those bits) and value of the network's own weight.
pub fn weights(meaning: &Meaning, registers: bool) -> String {
    let mut text = "port,element,layer,tensor,low_bit,bits,address,format,code,value\n".to_string();
    let ports = &meaning.dfg.inputs[meaning.event_ports().len()..];
    let mut number = 0;
    for (port, weight) in ports.iter().zip(&meaning.weights) {
        let mut low = 0;
        for (element, code) in weight.own.iter().enumerate() {
            let format = port.format(element);
            let address = if registers { address(number).to_string() } else { String::new() };
            let value = Fixed::new(*code, format.lsb).to_f64().unwrap_or(f64::NAN);
            let (layer, tensor, bits) = (quoted(&weight.layer), &weight.tensor, format.width);
            // A text takes every line.
            let _ = writeln!(
                text,
                "{},{element},{layer},{tensor},{low},{bits},{address},{},{code},{value}",
                port.name,
                quoted(&format.to_string())
            );
            low += format.width;
            number += 1;
        }
    }
    text
}

/// A field of a CSV file.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() }
}
