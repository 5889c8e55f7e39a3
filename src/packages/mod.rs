//! Packages: what other people's flows need to take a design as it is. They are all in `packages/` of the output folder, but
//! for FuseSoC's, which must stand above the files that it names.
//!
//! To add a package: a file with a [`Package`] and an entry below.

mod cocotb;
mod fusesoc;
mod ip_xact;
mod vhdl;
mod vivado_ip;

use crate::backends::hdl::Use;
use crate::backends::{Context, File, verilog};
use crate::batch::Batch;
use crate::error::Result;
use crate::interfaces::{self, Pin, Shell};
use crate::netlist::Netlist;
use crate::registry::Entry;

/// What packages are made of.
pub struct Design<'a> {
    /// The circuit.
    pub netlist: &'a Netlist,
    /// What stands around it.
    pub shell: Option<&'a Shell>,
    /// What its Verilog was printed with.
    pub context: &'a Context,
    /// Codes of some events, and of the circuit's answers.
    pub vectors: [&'a Batch; 2],
}

/// Makes the files of a package.
pub type Package = fn(&Design) -> Result<Vec<File>>;

/// All packages.
pub const PACKAGES: &[Entry<Package>] =
    &[ip_xact::PACKAGE, vivado_ip::PACKAGE, fusesoc::PACKAGE, vhdl::PACKAGE, cocotb::PACKAGE];

/// The files of all packages.
///
/// # Errors
/// Those of the packages.
pub fn files(design: &Design) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for package in PACKAGES {
        files.extend((package.make)(design)?);
    }
    Ok(files)
}

impl Design<'_> {
    /// The module that others have an instance of.
    fn top(&self) -> &str {
        self.shell.map_or(&self.netlist.name, |shell| &shell.top)
    }

    /// Its pins.
    fn pins(&self) -> Vec<Pin> {
        self.shell.map_or_else(|| circuit(self.netlist), |shell| shell.pins.clone())
    }

    /// The paths of its Verilog, in reading order.
    fn sources(&self, use_of: Use) -> Vec<String> {
        let shell = self.shell.into_iter().flat_map(interfaces::paths);
        verilog::paths(self.netlist, self.context, use_of).into_iter().chain(shell).collect()
    }
}

/// The pins of a circuit.
fn circuit(netlist: &Netlist) -> Vec<Pin> {
    let mut pins = vec![Pin::input("clk", 1)];
    pins.extend(netlist.reset.then(|| Pin::input("rst", 1)));
    pins.push(Pin::input("in_valid", 1));
    let wide = |port: &&crate::port::Port| port.width() > 0;
    pins.extend(netlist.inputs.iter().filter(wide).map(|port| Pin::input(&port.name, port.width())));
    pins.push(Pin::output("out_valid", 1));
    pins.extend(netlist.outputs.iter().filter(wide).map(|port| Pin::output(&port.name, port.width())));
    pins
}
