//! `nanotrig import MODEL -o MODEL.toml`: any front end to the native format.

use super::model::ModelArguments;
use super::print;
use crate::error::Result;
use crate::frontends::native;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// The TOML file; large weights go beside it
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    let mut network = arguments.model.network()?;
    for (name, format) in arguments.model.reading().input_formats {
        let meant = network.inputs.iter_mut().filter(|input| name.as_ref().is_none_or(|name| *name == input.name));
        meant.for_each(|input| input.format = Some(format.clone()));
    }
    network.validate()?;
    native::write(&network, &arguments.output)?;
    print::line(format_args!("{} layers -> {}", network.layers.len(), arguments.output.display()))?;
    Ok(0)
}
