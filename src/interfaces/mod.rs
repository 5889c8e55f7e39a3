//! How the circuit meets what is around it. The circuit itself never stalls; a shell around it keeps what cannot leave.
//!
//! To add an interface: a file with a [`Make`] and an entry below. A shell is a module that has an instance of the circuit and
//! of modules of `hdl/stream/`, and a test bench for Verilator; `nanotrig verify` runs both.

mod axi_stream;
mod bare;
mod crossing;
mod fixed_slot;
mod packets;
mod registers;
mod stream;

pub use packets::joined_packets;
pub use registers::{address, registers};
pub use stream::{input_pins, packet_bench};

use crate::backends::hdl::STREAM;
use crate::backends::{File, render};
use crate::error::{Error, Result};
use crate::netlist::Netlist;
use crate::registry::{Entry, find};
use serde::Serialize;

/// Makes the shell of a circuit; the text is what the user wrote after `NAME=`. None where the circuit stands alone.
pub type Make = fn(&Netlist, Option<&str>) -> Result<Option<Shell>>;

/// All interfaces, the default first.
pub const INTERFACES: &[Entry<Make>] =
    &[bare::INTERFACE, fixed_slot::INTERFACE, axi_stream::INTERFACE, packets::INTERFACE, crossing::INTERFACE];

/// What stands around a circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shell {
    /// The module's name.
    pub top: String,
    /// Its pins.
    pub pins: Vec<Pin>,
    /// The modules of `hdl/stream/` that it has instances of.
    pub blocks: Vec<&'static str>,
    /// `shell/`: the module, and its test bench.
    pub files: Vec<File>,
}

/// A pin of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Its name.
    pub name: String,
    /// Bits, at least 1.
    pub width: u32,
    /// Whether the module drives it.
    pub output: bool,
}

impl Pin {
    /// An input.
    pub fn input(name: &str, width: u32) -> Pin {
        Pin { name: name.into(), width, output: false }
    }

    /// An output.
    pub fn output(name: &str, width: u32) -> Pin {
        Pin { name: name.into(), width, output: true }
    }

    /// The declaration in Verilog.
    pub fn declaration(&self) -> String {
        let direction = if self.output { "output" } else { "input " };
        let range = if self.width > 1 { format!("[{}:0] ", self.width - 1) } else { String::new() };
        format!("{direction} wire {range}{}", self.name)
    }
}

/// An interface as the user asks for it, `axi-stream=64`, and whether it needs the circuit's reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    name: String,
    value: Option<String>,
}

impl Choice {
    /// Reads `NAME` or `NAME=VALUE`.
    ///
    /// # Errors
    /// No interface has that name.
    pub fn parse(text: &str) -> Result<Choice> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        find("interface", INTERFACES, name)?;
        Ok(Choice { name: name.into(), value: value.map(String::from) })
    }

    /// Whether the circuit needs a reset: everything but the bare circuit has one.
    pub fn needs_reset(&self) -> bool {
        self.name != INTERFACES[0].name
    }

    /// The shell for a circuit, if there is to be one.
    ///
    /// # Errors
    /// The value does not suit the interface, or the interface not the circuit.
    pub fn shell(&self, netlist: &Netlist) -> Result<Option<Shell>> {
        let place = |error: Error| error.at(format!("--interface {}", self.name));
        (find("interface", INTERFACES, &self.name)?.make)(netlist, self.value.as_deref()).map_err(place)
    }
}

/// What names inside a shell begin with, as no port does: so, or with several of it.
fn free(netlist: &Netlist, start: &str) -> String {
    let mut prefix = start.to_string();
    while netlist.inputs.iter().chain(&netlist.outputs).any(|port| port.name.starts_with(&prefix)) {
        prefix += start;
    }
    prefix
}

/// The path of a block in the output folder.
fn path(block: &str) -> String {
    format!("hdl/stream/{block}.v")
}

/// The file of a block of `hdl/stream/`, as it is in the output folder.
///
/// # Errors
/// There is no such block.
pub fn block(name: &str) -> Result<File> {
    let found = STREAM.iter().find(|(block, _)| *block == name);
    let (_, text) = found.ok_or_else(|| Error::bug(format!("hdl/stream/ has no {name}")))?;
    Ok(File { path: path(name), text: (*text).into() })
}

/// The paths of its Verilog, blocks first.
pub fn paths(shell: &Shell) -> Vec<String> {
    let own = shell.files.iter().map(|file| file.path.clone()).filter(|path| path.ends_with(".v"));
    shell.blocks.iter().map(|block| path(block)).chain(own).collect()
}

/// The files of a circuit's shell: its own, those of its blocks, and how its test bench is built.
///
/// # Errors
/// None in practice.
pub fn files(shell: &Shell, netlist: &Netlist) -> Result<Vec<File>> {
    #[derive(Serialize)]
    struct Text<'a> {
        top: &'a str,
        rows: bool,
    }
    let text = Text { top: &shell.top, rows: !netlist.rows.is_empty() };
    let arguments = render(include_str!("../../templates/shell.f"), &text)?;
    let used = STREAM.iter().filter(|(name, _)| shell.blocks.contains(name));
    let blocks: Vec<File> = used.map(|(name, _)| block(name)).collect::<Result<_>>()?;
    let arguments = File { path: "shell/args.f".into(), text: arguments };
    Ok(shell.files.iter().cloned().chain(blocks).chain([arguments]).collect())
}
