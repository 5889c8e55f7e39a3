//! The score of a trial: its metric times the forgiving factor of its cost.
//!
//! Source: QKeras' `autoqkeras/forgiving_metrics`. With the reference's cost `C`, a trial's cost `c`, the stress `S` and the rate `R`:
//! `delta = d ln(S C / c) / ln(R)`, where `d` is `delta_p` percent if `c < S C`, else `delta_n` percent; the score is
//! `metric (1 + delta)`. So a trial that is `R` times cheaper is forgiven `delta_p` percent of the metric.

use super::config::{self, Params};
use crate::compiler::{Making, Reading};
use crate::costs::{Bits, COSTS, Compat, Cost, Energy, Measure, Memory, Operand, Options};
use crate::error::{At, Error, Result};
use crate::network::Network;
use crate::registry::{Entry, find};
use crate::schedulers::Goal as Clock;
use crate::targets::TARGETS;

/// A cost, and how it is weighed against the metric.
pub struct Goal {
    measure: &'static Entry<Measure>,
    options: Options,
    params: Params,
    /// What the network costs without quantizers.
    pub reference: f64,
    /// The share of each layer, where the measure knows it.
    pub shares: Vec<(String, f64)>,
}

impl Goal {
    /// The goal of a search on a network.
    ///
    /// # Errors
    /// An unknown measure, memory or type; or a measure without a reference.
    pub fn new(goal: &config::Goal, network: &Network, reading: &Reading) -> Result<Goal> {
        let measure = find("cost", COSTS, &goal.kind).at("`goal.type`")?;
        let params = &goal.params;
        if params.rate <= 0.0 || params.rate == 1.0 || params.stress <= 0.0 {
            let what = format!("`rate` is {} and `stress` {}", params.rate, params.stress);
            return Err(Error::user(what, "give positive numbers, and a rate that is not 1").at("`goal.params`"));
        }
        let options = |trial: bool| options(params, reading, trial).at("`goal.params`");
        let reference: Cost = match params.reference {
            Some(total) => Cost { unit: "", rows: Vec::new(), total, notes: Vec::new() },
            None if static_cost(measure.name) => (measure.make)(network, &options(false)?)?,
            None => {
                let what = format!("the goal `{}` has no reference of its own", measure.name);
                let help = "give `goal.params.reference`, such as what a network of 16 bits costs";
                return Err(Error::user(what, help));
            }
        };
        let shares = reference.rows.iter().map(|row| (row.layer.clone(), row.total)).collect();
        let options = options(true)?;
        Ok(Goal { measure, options, params: params.clone(), reference: reference.total, shares })
    }

    /// Can the cost be known before the training?
    pub fn before_training(&self) -> bool {
        static_cost(self.measure.name) && !self.params.trained_model
    }

    /// What a network costs.
    ///
    /// # Errors
    /// Those of the measure.
    pub fn cost(&self, network: &Network) -> Result<f64> {
        Ok((self.measure.make)(network, &self.options)?.total)
    }

    /// The forgiving factor of a cost.
    pub fn factor(&self, cost: f64) -> f64 {
        let Params { delta_p, delta_n, rate, stress, .. } = &self.params;
        let reference = self.reference * stress;
        // Nothing is free: a network that costs nothing is forgiven as one that costs 1.
        let percent = if cost < reference { delta_p } else { delta_n };
        1.0 + percent / 100.0 * (reference / cost.max(1.0)).ln() / rate.ln()
    }

    /// The unit of the cost, as people read it.
    pub fn name(&self) -> &'static str {
        self.measure.name
    }
}

/// Is the cost one of shapes and quantizers alone?
fn static_cost(measure: &str) -> bool {
    ["bits", "energy"].contains(&measure)
}

fn options(params: &Params, reading: &Reading, trial: bool) -> Result<Options> {
    if params.process != "horowitz" {
        return Err(Error::user(format!("`process` is `{}`", params.process), "known: horowitz"));
    }
    let at = usize::from(trial);
    let named = |name: &str| {
        Operand::named(name)
            .ok_or_else(|| Error::user(format!("`{name}` is no type"), "known: int8, int16, int32, fp16, fp32"))
    };
    let energy = Energy {
        compat: Compat::Current,
        parameters: memory(&params.parameters_on_memory[at])?,
        activations: memory(&params.activations_on_memory[at])?,
        dram_io: params.rd_wr_on_io[at],
        sram_bits: params.min_sram_size[at],
        internal: named(&params.reference_internal)?,
        accumulator: named(&params.reference_accumulator)?,
        trained: params.trained_model,
        reference: !trial,
        ..Energy::default()
    };
    let default = Bits::default();
    let bits = Bits {
        input: params.input_bits,
        output: params.output_bits,
        reference_bits: params.ref_bits,
        config: params.config.clone().unwrap_or(default.config),
        reference: !trial,
    };
    let mut reading = reading.clone();
    reading.input_formats.extend(params.source_quantizers.iter().map(|call| (None, call.clone())));
    let target = find("target", TARGETS, &params.target)?;
    let period = (1e6 / params.clock).round();
    if !(100.0..=1e9).contains(&period) {
        return Err(Error::user(format!("`clock` is {}", params.clock), "give a clock between 0.001 and 10000 MHz"));
    }
    let goal = Clock { period: Some(period as u32), ..Clock::default() };
    let making = Making { target: (target.make)(), goal, ..Making::default() };
    Ok(Options { reading, target: params.target.clone(), making, bits, energy })
}

fn memory(name: &str) -> Result<Memory> {
    match name {
        "fixed" => Ok(Memory::Fixed),
        "sram" => Ok(Memory::Sram),
        "dram" => Ok(Memory::Dram),
        _ => Err(Error::user(format!("`{name}` is no memory"), "known: fixed, sram, dram")),
    }
}
