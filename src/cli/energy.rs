//! `nanotrig energy MODEL`: what a network costs: QTools' energy, bits, and effective bit operations, layer by layer.

use super::model::ModelArguments;
use super::print;
use crate::costs::{self, COSTS, Compat, Cost, Energy, Memory, Operand, Options, Sram};
use crate::error::{At, Error, Result};
use crate::registry::find;
use clap::{Args, ValueEnum};
use serde::Serialize;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Whose energies: those of the paper's QKeras 0.7.4, or of today's
    #[arg(long, value_enum, default_value = "current")]
    compat: CompatArgument,
    /// Where weights lie
    #[arg(long, value_enum, default_value = "fixed")]
    parameters: MemoryArgument,
    /// Where values between layers lie
    #[arg(long, value_enum, default_value = "fixed")]
    activations: MemoryArgument,
    /// Inputs and outputs go through DRAM, not only SRAM
    #[arg(long)]
    dram_io: bool,
    /// The smallest SRAM, in bits
    #[arg(long, value_name = "BITS", default_value_t = 134_217_728)]
    sram_bits: u64,
    /// The price of an SRAM access: for each word of 64 bits, as QTools has it, or for each bit, as the table means it
    #[arg(long, value_enum, default_value = "word")]
    sram: SramArgument,
    /// The type of what has no quantizer: int8, fp16, fp32
    #[arg(long, value_name = "TYPE", default_value = "fp16")]
    internal: String,
    /// The type of sums of what has no quantizer: int16, int32, fp16, fp32; that of --internal if not given
    #[arg(long, value_name = "TYPE")]
    accumulator: Option<String>,
    /// Look at the weights: powers of two cost what their different values need
    #[arg(long)]
    trained: bool,
    /// As if the network had no quantizers: what a search compares with
    #[arg(long)]
    reference: bool,
    /// Print JSON instead of the table
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum CompatArgument {
    #[value(name = "0.7.4")]
    Paper,
    Current,
}

#[derive(Clone, Copy, ValueEnum)]
enum MemoryArgument {
    Fixed,
    Sram,
    Dram,
}

#[derive(Clone, Copy, ValueEnum)]
enum SramArgument {
    Word,
    Bit,
}

impl From<MemoryArgument> for Memory {
    fn from(memory: MemoryArgument) -> Memory {
        match memory {
            MemoryArgument::Fixed => Memory::Fixed,
            MemoryArgument::Sram => Memory::Sram,
            MemoryArgument::Dram => Memory::Dram,
        }
    }
}

/// A layer of the table and of the JSON. Energies in pJ.
#[derive(Serialize)]
struct Row {
    layer: String,
    class: String,
    inputs: f64,
    parameters: f64,
    operations: f64,
    outputs: f64,
    counted: f64,
    parameter_bits: f64,
    activation_bits: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ebops: Option<f64>,
}

/// The JSON.
#[derive(Serialize)]
struct Document {
    name: String,
    layers: Vec<Row>,
    energy_pj: f64,
    bits: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ebops: Option<f64>,
    notes: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    let network = arguments.model.network()?;
    let options = options(arguments)?;
    let cost = |name: &str| (find("cost", COSTS, name)?.make)(&network, &options);
    let place = arguments.model.model.display().to_string();
    let (energy, bits) = (cost("energy").at(&place)?, cost("bits").at(&place)?);
    let mut notes = energy.notes.clone();
    // A network with float weights has an energy, but no products of codes yet.
    let ebops = cost("ebops").map_err(|error| notes.push(format!("no EBOPs: {}", error.at(&place)))).ok();
    let rows = rows(&energy, &bits, ebops.as_ref());
    if arguments.json {
        let (energy_pj, bits, ebops) = (energy.total, bits.total, ebops.map(|cost| cost.total));
        let document = Document { name: network.name, layers: rows, energy_pj, bits, ebops, notes };
        let json = serde_json::to_string_pretty(&document).map_err(|error| Error::bug(error.to_string()))?;
        print::line(json)?;
        return Ok(0);
    }
    notes.iter().for_each(|note| print::note(format_args!("note: {note}")));
    table(&rows)?;
    let ebops = ebops.map(|cost| format!(", {:.0} EBOPs", cost.total)).unwrap_or_default();
    print::line(format_args!("{:.0} pJ an event, {:.0} bits{ebops}", energy.total, bits.total))?;
    Ok(0)
}

fn options(arguments: &Arguments) -> Result<Options> {
    let named = |option: &str, name: &str| {
        let unknown =
            || Error::user(format!("--{option} {name}: no such type"), "known: int8, int16, int32, fp16, fp32");
        Operand::named(name).ok_or_else(unknown)
    };
    let energy = Energy {
        compat: if matches!(arguments.compat, CompatArgument::Paper) { Compat::Paper } else { Compat::Current },
        parameters: arguments.parameters.into(),
        activations: arguments.activations.into(),
        dram_io: arguments.dram_io,
        sram_bits: arguments.sram_bits as f64,
        sram: if matches!(arguments.sram, SramArgument::Word) { Sram::Word } else { Sram::Bit },
        internal: named("internal", &arguments.internal)?,
        accumulator: named("accumulator", arguments.accumulator.as_ref().unwrap_or(&arguments.internal))?,
        trained: arguments.trained,
        reference: arguments.reference,
    };
    let bits = costs::Bits { reference: arguments.reference, ..costs::Bits::default() };
    Ok(Options { reading: arguments.model.reading(), energy, bits, ..Options::default() })
}

fn rows(energy: &Cost, bits: &Cost, ebops: Option<&Cost>) -> Vec<Row> {
    let of = |cost: &Cost, layer: &str, part: &str| {
        let row = cost.rows.iter().find(|row| row.layer == layer);
        row.and_then(|row| row.parts.iter().find(|(name, _)| *name == part)).map_or(0.0, |(_, value)| *value)
    };
    let row = |row: &costs::Row| Row {
        layer: row.layer.clone(),
        class: row.class.clone(),
        inputs: of(energy, &row.layer, "inputs"),
        parameters: of(energy, &row.layer, "parameters"),
        operations: of(energy, &row.layer, "operations"),
        outputs: of(energy, &row.layer, "outputs"),
        counted: energy.rows.iter().find(|other| other.layer == row.layer).map_or(0.0, |row| row.total),
        parameter_bits: of(bits, &row.layer, "parameters"),
        activation_bits: of(bits, &row.layer, "activations"),
        ebops: ebops.map(|cost| cost.of_layer(&row.layer)),
    };
    bits.rows.iter().map(row).collect()
}

fn table(rows: &[Row]) -> Result<()> {
    let width = rows.iter().map(|row| row.layer.chars().count()).max().unwrap_or(0).max(5);
    let class = rows.iter().map(|row| row.class.chars().count()).max().unwrap_or(0).max(5);
    let heads = ["inputs", "parameters", "operations", "outputs", "counted"].map(|head| format!("{head:>11}")).join("");
    print::line(format_args!(
        "{:<width$}  {:<class$}{heads} pJ  weight bits   act. bits       EBOPs",
        "layer", "class"
    ))?;
    for row in rows {
        let energies = [row.inputs, row.parameters, row.operations, row.outputs, row.counted];
        let energies = energies.map(|energy| format!("{energy:>11.2}")).join("");
        let ebops = row.ebops.map_or("-".into(), |ebops| format!("{ebops:.0}"));
        let bits = format!("{:>12} {:>11}", row.parameter_bits, row.activation_bits);
        print::line(format_args!("{:<width$}  {:<class$}{energies}   {bits} {ebops:>11}", row.layer, row.class))?;
    }
    Ok(())
}
