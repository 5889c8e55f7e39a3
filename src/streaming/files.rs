//! The files of a chain: Verilog of all circuits, the module that joins them, and a test bench.

use super::{Chain, Part};
use crate::backends::{self, Context, File, render, verilator};
use crate::error::Result;
use crate::interfaces::{Pin, block};
use serde::Serialize;

#[derive(Serialize)]
struct Text<'a> {
    top: &'a str,
    name: &'a str,
    pixels: usize,
    due: usize,
    latency: u32,
    interval: u32,
    pins: Vec<String>,
    stages: Vec<StageText<'a>>,
    input: String,
    output: String,
}

#[derive(Serialize)]
struct StageText<'a> {
    number: usize,
    layers: String,
    core: &'a str,
    width: u32,
    rows: usize,
    columns: usize,
    size: [usize; 2],
    strides: [usize; 2],
    /// Whether windows reach beyond the map, and how.
    padded: bool,
    before: [usize; 2],
    positions: [usize; 2],
    pace: u32,
    beside: String,
    window: String,
    answer: String,
    input: &'a str,
    output: &'a str,
    last: bool,
}

impl<'a> StageText<'a> {
    fn new(part: &'a Part, number: usize, count: usize) -> StageText<'a> {
        let (window, netlist) = (&part.stage.window, &part.hardware.netlist);
        let names: Vec<&str> = part.stage.network.layers.iter().map(|layer| layer.name.as_str()).collect();
        let range = |bits: u32| if bits > 1 { format!("[{}:0] ", bits - 1) } else { String::new() };
        StageText {
            number,
            layers: names.join(", "),
            core: &netlist.name,
            width: part.bits(),
            rows: window.map[0],
            columns: window.map[1],
            size: window.size,
            strides: window.strides,
            padded: window.padded(),
            before: window.before,
            positions: window.positions,
            pace: part.pace,
            beside: beside(part),
            window: range(netlist.inputs[0].width()),
            answer: range(netlist.outputs[0].width()),
            input: &netlist.inputs[0].name,
            output: &netlist.outputs[0].name,
            last: number == count,
        }
    }
}

/// A pixel beside the map, as a Verilog number.
fn beside(part: &Part) -> String {
    let codes = part.beside().into_iter().zip(part.pixel()).rev();
    let bits = codes.flat_map(|(code, element)| (0..element.format.width).rev().map(move |bit| code >> bit & 1));
    let bits: String = bits.map(|bit| if bit == 1 { '1' } else { '0' }).collect();
    if bits.contains('1') { format!("{}'b{bits}", part.bits()) } else { format!("{}'d0", part.bits()) }
}

/// `verilog/` and `hdl/` of all circuits and of the chain, and `verilator/`.
///
/// # Errors
/// Those of back ends.
pub fn files(chain: &Chain, context: &Context) -> Result<Vec<File>> {
    let mut files: Vec<File> = Vec::new();
    for part in &chain.parts {
        let printed = backends::files(&part.hardware.netlist, context)?;
        for file in printed.into_iter().filter(|file| file.path.ends_with(".v")) {
            if files.iter().all(|known| known.path != file.path) {
                files.push(file);
            }
        }
    }
    let padded = |wanted: bool| chain.parts.iter().any(|part| part.stage.window.padded() == wanted);
    for name in [(false, "nanotrig_window"), (true, "nanotrig_padded_window")] {
        files.extend(padded(name.0).then(|| block(name.1)).transpose()?);
    }
    let top = format!("{}_stream", chain.name);
    files.push(File { path: format!("verilog/{top}.v"), text: top_text(chain, &top)? });
    let paths = files.iter().map(|file| file.path.clone()).filter(|path| !path.starts_with("hdl/synthesis/"));
    let netlists = [&chain.parts[0].hardware.netlist, &chain.parts[chain.parts.len() - 1].hardware.netlist];
    let bench = verilator::Pixels {
        top: &top,
        latency: chain.latency(),
        interval: chain.interval,
        input: chain.input(),
        outputs: &netlists[1].outputs,
        image: [chain.pixels(), chain.due()],
        rows: chain.parts.iter().any(|part| !part.hardware.netlist.rows.is_empty()),
        files: paths.collect(),
    };
    files.extend(verilator::pixels(bench)?);
    Ok(files)
}

fn top_text(chain: &Chain, top: &str) -> Result<String> {
    let input = chain.input();
    let count = chain.parts.len();
    let output = &chain.parts[count - 1].hardware.netlist.outputs[0];
    let pins = [
        Pin::input("clk", 1),
        Pin::input("rst", 1),
        Pin::input("in_valid", 1),
        Pin::input(&input.name, input.width()),
        Pin::output("out_valid", 1),
        Pin::output(&output.name, output.width()),
    ];
    let text = Text {
        top,
        name: &chain.name,
        pixels: chain.pixels(),
        due: chain.due(),
        latency: chain.latency(),
        interval: chain.interval,
        pins: pins.iter().map(Pin::declaration).collect(),
        stages: chain.parts.iter().enumerate().map(|(index, part)| StageText::new(part, index + 1, count)).collect(),
        input: input.name.clone(),
        output: output.name.clone(),
    };
    render(include_str!("../../templates/pixels.v"), &text)
}
