//! `nanotrig train RECIPE.toml -o DIR`: a network from data.

#[cfg(feature = "train")]
mod checkpoint;
#[cfg(feature = "train")]
mod front;
#[cfg(feature = "train")]
mod run;

#[cfg(feature = "train")]
pub use run::run;

use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// What is trained on what, as TOML
    recipe: PathBuf,
    /// The folder of the result: model.toml, history.csv, report.html
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Start anew where an earlier run of the same recipe was interrupted
    #[arg(long)]
    restart: bool,
}

/// Without libtorch there is no training.
#[cfg(not(feature = "train"))]
pub fn run(arguments: &Arguments) -> crate::error::Result<u8> {
    let Arguments { recipe, output: _, restart: _ } = arguments;
    let what = format!("{}: this nanotrig was built without training", recipe.display());
    let help = "in the repository: eval \"$(scripts/libtorch.sh)\" && cargo install --path . --features train";
    Err(crate::error::Error::user(what, help))
}
