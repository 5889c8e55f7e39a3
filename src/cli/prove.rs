//! `nanotrig prove DIR`: every step from tensor graph to Verilog kept the function, on all inputs.

use super::print;
use crate::certificate;
use crate::error::Result;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub struct Arguments {
    /// The output folder of `nanotrig compile`
    dir: PathBuf,
    /// Also demand that the files are those of an earlier certificate, DIR/proof.json
    #[arg(long)]
    check: bool,
    /// Seconds that it may take; what is not found out by then is not proved
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    limit: u32,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    let found = certificate::folder(&arguments.dir, arguments.check, Duration::from_secs(arguments.limit.into()))?;
    for link in &found.links {
        let reason = link.reason.as_ref().map(|reason| format!("; {reason}")).unwrap_or_default();
        print::line(format_args!("{:<18} {} of {} outputs proved{reason}", link.level, link.proved, link.outputs))?;
    }
    for file in &found.changed {
        print::line(format_args!("{file} is not the file of the certificate"))?;
    }
    let holds = found.holds();
    print::line(if holds { "proved: the Verilog computes the network, on all inputs" } else { "not proved" })?;
    Ok(!holds as u8)
}
