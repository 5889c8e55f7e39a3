//! Netlist to files, through the templates in `templates/`: templates print, whatever needs computing is computed here.
//!
//! A back end is pure: the same netlist and context give the same bytes, without dates and without paths outside the
//! output folder. Paths of files are relative to that folder.

pub mod hdl;
pub mod verilator;
pub mod verilog;
pub mod vivado;
pub mod yosys;

use crate::error::{Error, Result};
use crate::netlist::Netlist;
use crate::registry::Entry;
use serde::Serialize;

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its place in the output folder, `verilog/dense_1.v`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What a back end knows besides the netlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The FPGA part, as Vivado calls it.
    pub part: String,
    /// The command with which Yosys synthesizes for the target, without the top module.
    pub yosys: String,
    /// The command that places and routes for the target, without files and clock, if there is an open tool.
    pub place: Option<String>,
    /// The folder of `hdl/` with the device's carry chain, if sums are to be instances of modules of `hdl/`.
    pub cells: Option<String>,
    /// The clock period in picoseconds.
    pub period_ps: u32,
    /// Whether registers may have an initial value.
    pub initial_values: bool,
}

impl Default for Context {
    /// An UltraScale+ -2 device at 200 MHz.
    fn default() -> Context {
        let yosys = "synth_xilinx -family xcup -flatten -noiopad -nodsp -nobram -nolutram -nosrl";
        Context {
            part: "xcvu9p-flga2104-2-i".into(),
            yosys: yosys.into(),
            place: None,
            cells: None,
            period_ps: 5000,
            initial_values: true,
        }
    }
}

/// Prints a netlist into files.
pub type Backend = fn(&Netlist, &Context) -> Result<Vec<File>>;

/// All back ends.
pub const BACKENDS: &[Entry<Backend>] =
    &[verilog::BACKEND, hdl::BACKEND, verilator::BACKEND, yosys::BACKEND, vivado::BACKEND];

/// The files of all back ends.
///
/// # Errors
/// Those of the back ends.
pub fn files(netlist: &Netlist, context: &Context) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for backend in BACKENDS {
        files.extend((backend.make)(netlist, context)?);
    }
    Ok(files)
}

/// How often an event may come: `an event every` this.
pub(crate) fn every(interval: u32) -> String {
    if interval > 1 { format!("{interval} cycles") } else { "cycle".into() }
}

/// The version that stands in the head of every file.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Fills a template.
pub(crate) fn render(template: &str, context: &impl Serialize) -> Result<String> {
    Template::new(template, false)?.fill(context)
}

/// Fills a template of HTML: what is filled in is text, and cannot become markup.
pub(crate) fn page(template: &str, context: &impl Serialize) -> Result<String> {
    Template::new(template, true)?.fill(context)
}

/// A template, read once for many uses.
struct Template(tera::Tera);

impl Template {
    /// What its only template is called.
    const NAME: &str = "template";

    fn new(text: &str, escape: bool) -> Result<Template> {
        let mut tera = tera::Tera::default();
        tera.autoescape_on(if escape { vec![Template::NAME] } else { Vec::new() });
        tera.add_raw_template(Template::NAME, text).map_err(wrong)?;
        Ok(Template(tera))
    }

    fn fill(&self, context: &impl Serialize) -> Result<String> {
        let mut context = tera::Context::from_serialize(context).map_err(wrong)?;
        context.insert("version", VERSION);
        self.0.render(Template::NAME, &context).map_err(wrong)
    }
}

fn wrong(error: tera::Error) -> Error {
    Error::bug(format!("a template does not fit its data: {error}"))
}
