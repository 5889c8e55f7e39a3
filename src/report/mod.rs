//! What a compile made: cost, latency, bits per layer; as JSON, HTML, and a summary for the terminal.

mod html;
mod measure;
mod summary;
#[cfg(feature = "train")]
pub mod training;
mod weights;

pub use weights::weights;

use crate::compiler::{Hardware, Making, Meaning, Reading};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Quantization};
use crate::host::{Host, Thermometer};
use crate::interfaces::{Pin, Shell};
use crate::port::Port;
use crate::targets::calibration::{Calibration, Kind, calibration};
use measure::Measure;
use serde::{Deserialize, Serialize};

/// `report.json`: the machine-readable result. Estimates are the target's; `registers` are counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Always `nanotrig`.
    pub generator: String,
    /// The version that wrote it.
    pub version: String,
    /// The network's name.
    pub name: String,
    /// The top module.
    pub top: String,
    /// The target.
    pub target: String,
    /// The clock period in ns: as asked, or the shortest for the stages asked.
    pub period_ns: f64,
    /// The shortest period in ns that the target's delays allow.
    pub shortest_period_ns: f64,
    /// Registers on every path from input port to output port.
    pub latency_cycles: u32,
    /// That many periods.
    pub latency_ns: f64,
    /// Cycles between events.
    pub initiation_interval: u32,
    /// Look-up tables, estimated.
    pub luts: u64,
    /// Register bits, counted, a valid bit for each stage included; copies and bits that nobody reads are left out, as
    /// synthesis does.
    pub registers: u64,
    /// DSP blocks.
    pub dsps: u64,
    /// Carry-chain bits, estimated.
    pub carry: u64,
    /// What the estimates were fitted on, and how far off they are; none for a target that was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Fit>,
    /// The target's own areas of each kind of logic, before the fit.
    #[serde(default)]
    pub kinds: Vec<KindRow>,
    /// Operations on the longest path.
    pub depth: u32,
    /// Seconds from start to files.
    pub compile_s: f64,
    /// One row a layer.
    pub layers: Vec<LayerRow>,
    /// One row a stage, from the input ports on.
    pub stages: Vec<StageRow>,
    /// Input ports.
    pub inputs: Vec<PortRow>,
    /// Output ports.
    pub outputs: Vec<PortRow>,
    /// What is kept from event to event: registers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<PortRow>,
    /// What stands around the circuit; none for the bare one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<ShellRow>,
    /// What the levels were checked on.
    pub checked: Checked,
    /// The proof of the Verilog; none where it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proved>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// How the network was read.
    pub reading: Reading,
}

/// What estimates were fitted on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// What counted, with its version.
    pub tool: String,
    /// The networks of the fit.
    pub fitted: Vec<String>,
    /// Networks that the fit did not see: the errors are of these.
    pub held_out: Vec<String>,
    /// The worst error of LUTs, in percent.
    pub luts_percent: f64,
    /// The worst error of the counted registers, in percent: synthesis drops copies.
    pub registers_percent: f64,
    /// The worst error of carry-chain bits, in percent.
    pub carry_percent: f64,
}

/// A kind of logic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindRow {
    /// Its name, as `scripts/calibrate.sh` knows it.
    pub kind: String,
    /// Look-up tables by the target's own area.
    pub luts: u64,
    /// Carry-chain bits by the target's own area.
    pub carry: u64,
}

/// A layer's share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerRow {
    /// Its name.
    pub name: String,
    /// Look-up tables, estimated.
    pub luts: u64,
    /// Carry-chain bits, estimated.
    pub carry: u64,
    /// Register bits, counted.
    pub registers: u64,
    /// Operations.
    pub operations: u64,
    /// Values it gives to other layers or ports.
    pub values: u64,
    /// Bits of those values.
    pub bits: u64,
    /// First and last stage with its logic; both 0 where there is no operation.
    pub stages: [u32; 2],
}

/// A stage: the logic between two rows of registers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRow {
    /// Its number: registers before it.
    pub stage: u32,
    /// Its longest path in ns, a register included.
    pub delay_ns: f64,
    /// Look-up tables, estimated.
    pub luts: u64,
    /// Bits of the registers at its end, its valid bit included.
    pub registers: u64,
    /// The layers with logic in it.
    pub layers: Vec<Share>,
}

/// A layer's logic in a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The layer's name.
    pub name: String,
    /// Look-up tables, estimated.
    pub luts: u64,
}

/// A port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortRow {
    /// Its name.
    pub name: String,
    /// The network's own name of the tensor, which files of samples have.
    #[serde(default)]
    pub tensor: String,
    /// The tensor's shape.
    pub shape: Vec<usize>,
    /// Bits; element 0 is lowest.
    pub width: u32,
    /// Each element's format, and how the host brings values to it; width 0 has no bits.
    pub elements: Vec<String>,
    /// Float32 operations that the host applies to its values, in order.
    pub chain: Vec<String>,
    /// Where the host makes the port's bits of features: which thresholds they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thermometer: Option<ThermometerRow>,
}

/// Bits of features: a bit for each threshold, feature by feature, the first bit lowest in the port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThermometerRow {
    /// A bit is 1 where the feature is `>` its threshold, or `>=`.
    pub comparison: String,
    /// The thresholds of each feature.
    pub thresholds: Vec<Vec<f64>>,
}

/// The module around the circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellRow {
    /// The interface, as the user asked for it.
    pub interface: String,
    /// The module's name.
    pub top: String,
    /// Its pins, as Verilog declares them.
    pub pins: Vec<String>,
}

/// What tensor graph, dataflow graph and netlist were compared on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Random and corner vectors.
    pub random: usize,
    /// The user's vectors.
    pub given: usize,
    /// Values that differ from what the user expects.
    pub mismatches: usize,
}

/// What became of the proof at the end of a compile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proved {
    /// Whether tensor graph, dataflow graphs and Verilog are equal on all inputs.
    pub holds: bool,
    /// Why that is not known, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// The report of a compile; [`Report::timed`] adds its time.
    pub fn new(
        meaning: &Meaning,
        hardware: &Hardware,
        making: &Making,
        reading: Reading,
        target: &str,
        checked: Checked,
    ) -> Report {
        let period = making.goal.period.unwrap_or(hardware.schedule.period);
        let ns = |ps: u32| f64::from(ps) / 1000.0;
        let latency = hardware.schedule.latency;
        let fitted = calibration(target);
        let measure = Measure::new(hardware, &*making.target, fitted);
        let (inputs, outputs) = (meaning.given_inputs(), meaning.given_outputs());
        let ports = meaning.dfg.inputs.iter().zip(&inputs);
        let inputs = ports.zip(&meaning.expanded.hosts).map(|((port, given), host)| match host {
            Host::Nothing => PortRow::new(port, given, Vec::new()),
            Host::Bits(thermometer) => {
                PortRow { thermometer: Some(ThermometerRow::new(thermometer)), ..PortRow::new(port, given, Vec::new()) }
            }
            host => PortRow::new(port, given, vec![host.to_string()]),
        });
        let chains = meaning.tails.iter().map(|tail| tail.floats.iter().map(ToString::to_string).collect());
        let ports = meaning.dfg.outputs.iter().zip(&outputs).zip(chains);
        let outputs = ports.map(|((port, given), chain)| PortRow::new(port, given, chain));
        Report {
            generator: "nanotrig".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            name: meaning.dfg.name.clone(),
            top: hardware.netlist.name.clone(),
            target: target.into(),
            period_ns: ns(period),
            shortest_period_ns: ns(hardware.schedule.period),
            latency_cycles: latency,
            latency_ns: f64::from(period) * f64::from(latency) / 1000.0,
            initiation_interval: hardware.netlist.interval,
            luts: measure.luts(),
            registers: measure.register_rows().iter().sum(),
            dsps: 0,
            carry: measure.carry(),
            calibration: fitted.map(Fit::new),
            kinds: measure.kinds(),
            depth: measure.depth(),
            compile_s: 0.0,
            layers: measure.layers(),
            stages: measure.stages(),
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            states: hardware.netlist.states.iter().map(|s| PortRow::new(&s.held, &s.held, Vec::new())).collect(),
            shell: None,
            checked,
            proof: None,
            notes: meaning.expanded.notes.clone(),
            reading,
        }
    }

    /// The same report of a circuit with something around it.
    pub fn around(self, interface: &str, shell: Option<&Shell>) -> Report {
        let row = |shell: &Shell| ShellRow {
            interface: interface.into(),
            top: shell.top.clone(),
            pins: shell.pins.iter().map(Pin::declaration).collect(),
        };
        Report { shell: shell.map(row), ..self }
    }

    /// The same report with the time of the compile.
    pub fn timed(self, seconds: f64) -> Report {
        Report { compile_s: (seconds * 1000.0).round() / 1000.0, ..self }
    }

    /// The same report with what became of the proof.
    pub fn proved(self, proof: Option<Proved>) -> Report {
        Report { proof, ..self }
    }

    /// The text of `report.json`.
    ///
    /// # Errors
    /// None in practice.
    pub fn json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|error| Error::bug(format!("the report has no JSON form: {error}")))
    }

    /// Reads `report.json`.
    ///
    /// # Errors
    /// It is not one that this version wrote.
    pub fn parse(text: &str) -> Result<Report> {
        serde_json::from_str(text).map_err(|error| {
            Error::user(format!("is not a report of this version: {error}"), "compile the network again")
        })
    }

    /// How far the estimates are off, in one sentence; none for a target that was not fitted.
    fn accuracy(&self) -> Option<String> {
        let products = self.kinds.iter().any(|row| row.kind == Kind::Product.name());
        let beside =
            "; no products of two variables were among them: synthesis may need several times their LUTs, or DSPs";
        let fit = self.calibration.as_ref()?;
        Some(fit.sentence() + if products { beside } else { "" })
    }
}

impl Fit {
    fn new(fitted: &Calibration) -> Fit {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Fit {
            tool: fitted.tool.into(),
            fitted: owned(fitted.fitted),
            held_out: owned(fitted.held_out),
            luts_percent: fitted.luts_error,
            registers_percent: fitted.registers_error,
            carry_percent: fitted.carry_error,
        }
    }

    /// One sentence.
    fn sentence(&self) -> String {
        format!(
            "LUT within {:.1} %, registers within {:.1} %, carry bits within {:.1} % of what {} maps, on {} networks that the \
             fit (on {}) did not see",
            self.luts_percent,
            self.registers_percent,
            self.carry_percent,
            self.tool,
            self.held_out.len(),
            self.fitted.len()
        )
    }
}

impl LayerRow {
    fn named(name: &str) -> LayerRow {
        let name = name.to_string();
        LayerRow { name, luts: 0, carry: 0, registers: 0, operations: 0, values: 0, bits: 0, stages: [0, 0] }
    }

    /// `2`, `2..4`, or `-` where there is no logic.
    fn place(&self) -> String {
        match self.stages {
            _ if self.operations == 0 => "-".into(),
            [first, last] if first == last => first.to_string(),
            [first, last] => format!("{first}..{last}"),
        }
    }
}

impl ThermometerRow {
    fn new(thermometer: &Thermometer) -> ThermometerRow {
        // Thresholds come from floats.
        let number = |threshold: &Fixed| threshold.to_f64().unwrap_or(f64::NAN);
        let thresholds = thermometer.thresholds.iter().map(|row| row.iter().map(number).collect()).collect();
        ThermometerRow { comparison: if thermometer.strict { ">" } else { ">=" }.into(), thresholds }
    }
}

impl PortRow {
    fn new(port: &Port, given: &Port, chain: Vec<String>) -> PortRow {
        let elements = port.elements.iter().map(Quantization::to_string).collect();
        PortRow {
            name: port.name.clone(),
            tensor: given.name.clone(),
            shape: port.shape.clone(),
            width: port.width(),
            elements,
            chain,
            thermometer: None,
        }
    }
}
