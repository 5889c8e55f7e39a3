//! `nanotrig verify DIR`: the generated Verilog in Verilator, bit by bit, cycle by cycle.

use super::print;
use crate::batch::Batch;
use crate::compiler::{Meaning, meaning};
use crate::error::{At, Error, Result};
use crate::report::Report;
use crate::{files, frontends, samples, verilator};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Arguments {
    /// The output folder of `nanotrig compile`
    dir: PathBuf,
    /// Samples to stream besides random ones (.npy, .npz, .csv)
    #[arg(long, value_name = "X")]
    input: Option<PathBuf>,
    /// The outputs that the samples must give
    #[arg(long, value_name = "Y", requires = "input")]
    expect: Option<PathBuf>,
    /// Vectors to stream in all; random and corner ones fill up
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    vectors: usize,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    let place = arguments.dir.display().to_string();
    let text = files::read_text(&arguments.dir.join("report.json"))
        .map_err(|error| Error { help: "give the output folder of `nanotrig compile`".into(), ..error })?;
    let report = Report::parse(&text).at(arguments.dir.join("report.json").display().to_string())?;
    let network = frontends::read(&arguments.dir.join("model/network.toml"), None)?;
    let meaning = meaning(&network, &report.reading).at(&place)?;
    let mut inputs = Batch::new(meaning.dfg.input_elements().len());
    let mut wrong = 0;
    if let Some(path) = &arguments.input {
        inputs = meaning.inputs(path)?;
        if let Some(expect) = &arguments.expect {
            wrong = mismatches(&meaning, &meaning.codes(&inputs)?, expect)?;
        }
    }
    let missing = arguments.vectors.saturating_sub(inputs.rows());
    if missing > 0 {
        inputs.data.extend(meaning.vectors(missing, 2).data);
    }
    let inputs = meaning.in_order(inputs)?;
    let [inputs, expected] = meaning.outside(&inputs, &meaning.codes(&inputs)?);
    let progress = |step: &str| print::note(format_args!("verify: {step}"));
    let outcome = verilator::verify(&arguments.dir, &inputs, &expected, &progress)?;
    outcome.report.iter().try_for_each(print::line)?;
    if arguments.expect.is_some() {
        let expect = shown(arguments.expect.as_deref());
        print::line(format_args!("{wrong} mismatches between the network and {expect}"))?;
    }
    print::line(format_args!(
        "{} vectors, {} cycles ({:.0} a second): {} mismatches",
        outcome.vectors, outcome.cycles, outcome.cycles_per_second, outcome.mismatches
    ))?;
    if arguments.dir.join("shell").is_dir() {
        let shell = verilator::verify_shell(&arguments.dir, &inputs, &expected, &progress)?;
        shell.report.iter().try_for_each(print::line)?;
        let (vectors, cycles, mismatches) = (shell.vectors, shell.cycles, shell.mismatches);
        print::line(format_args!("shell: {vectors} vectors, {cycles} cycles: {mismatches} mismatches"))?;
        wrong += mismatches as usize;
    }
    Ok((outcome.mismatches > 0 || wrong > 0) as u8)
}

fn shown(path: Option<&Path>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}

/// How many values differ from those of a file, and shows the first.
pub fn mismatches(meaning: &Meaning, codes: &Batch, expect: &Path) -> Result<usize> {
    let want = samples::read(expect, &meaning.given_outputs())?;
    let got = meaning.values(codes)?;
    if want.rows() != got.rows() {
        let what = format!("{} rows of expected outputs for {} samples", want.rows(), got.rows());
        return Err(Error::user(what, "give one row for each sample").at(expect.display().to_string()));
    }
    let differ = |index: &usize| want.data[*index] != got.data[*index];
    let wrong: Vec<usize> = (0..want.data.len()).filter(differ).collect();
    if let Some(first) = wrong.first() {
        let (row, column) = (first / want.columns, first % want.columns);
        print::note(format_args!(
            "sample {row}, output {column}: expected {}, the network gives {}",
            want.data[*first], got.data[*first]
        ));
    }
    Ok(wrong.len())
}
