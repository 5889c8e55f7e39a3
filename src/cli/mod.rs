//! The command line, one file a subcommand. Exit status: 0 done, 1 the answer is no, 2 the user's mistake, 3 ours.

// `println!` panics where the reader has gone away.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod compile;
mod dump;
mod energy;
mod evaluate;
mod import;
mod list;
mod model;
mod print;
mod progress;
mod prove;
mod run;
#[cfg(feature = "search")]
mod search;
mod split;
mod stream;
mod synth;
mod train;
mod verify;

use crate::error::{Error, Result};
use crate::temporary;
use clap::{Parser, Subcommand};

/// Quantized neural networks to FPGA firmware that answers in nanoseconds.
#[derive(Parser)]
#[command(name = "nanotrig", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile a network to Verilog
    Compile(compile::Arguments),
    /// Give the network's exact outputs for samples
    Run(run::Arguments),
    /// Give accuracy, and what wrapped, saturated or never moved
    Evaluate(evaluate::Arguments),
    /// Simulate a compiled network in Verilator and compare every bit of every cycle
    Verify(verify::Arguments),
    /// Prove that the Verilog of a compiled network computes the network, on all inputs
    Prove(prove::Arguments),
    /// Synthesize a compiled network with Yosys or Vivado, and show measured beside estimated
    Synth(synth::Arguments),
    /// Cut a network into parts for several devices, joined by packets
    Split(split::Arguments),
    /// Compile a convolutional network for images that come pixel by pixel
    Stream(stream::Arguments),
    /// Write a network in nanotrig's native format
    Import(import::Arguments),
    /// Give what a network costs: energy, bits, and operations on bits, layer by layer
    Energy(energy::Arguments),
    /// Find quantizers and widths for a network by trials
    #[cfg(feature = "search")]
    Search(search::Arguments),
    /// Print a level of the compiler as text
    Dump(dump::Arguments),
    /// Train a network on data, as a recipe says
    Train(train::Arguments),
    /// List the members of an open set
    List(list::Arguments),
}

/// Shows an error on standard error.
pub fn complain(error: &Error) {
    print::note(error);
}

/// Parses the process's arguments and runs the subcommand; gives the exit status.
///
/// # Errors
/// Those of the subcommand. Wrong arguments end the process with status 2 and a message of clap's.
pub fn run() -> Result<u8> {
    let command = Cli::parse().command;
    temporary::remove_on_interrupt();
    match command {
        Command::Compile(arguments) => compile::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Prove(arguments) => prove::run(&arguments),
        Command::Synth(arguments) => synth::run(&arguments),
        Command::Energy(arguments) => energy::run(&arguments),
        #[cfg(feature = "search")]
        Command::Search(arguments) => search::run(&arguments),
        Command::Split(arguments) => split::run(&arguments),
        Command::Stream(arguments) => stream::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Dump(arguments) => dump::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
    }
}
