//! nanotrig turns quantized neural networks into FPGA firmware that answers in nanoseconds.
//!
//! A file becomes Verilog in steps, each of which is a function of this library:
//!
//! 1. A front end reads the file as its authors wrote it: a [`network::Network`] of named layers, attributes and weights
//!    ([`frontends::read`]; the native format is described in [`frontends::native`]).
//! 2. Layers expand into a [`tensor::Graph`]: tensors of exact integer *codes*. Float32 chains between codes and the next
//!    quantizer become the step functions that they are ([`compiler::meaning`] does 2 and 3).
//! 3. The tensor graph is lowered, element by element, to a [`dfg::Dfg`] of *numbers*. A number has an exact range and
//!    cannot overflow; its width is derived, never stored.
//! 4. Passes optimise the numbers for a target: constant matrices become shared shifted sums
//!    ([`compiler::hardware`] does 4 to 6).
//! 5. A scheduler gives each number a pipeline stage: a [`schedulers::Schedule`] beside the graph.
//! 6. The [`netlist::Netlist`] has *bit-vectors* of explicit width in clock cycles, and registers between them.
//! 7. Back ends print it: Verilog, a Verilator test bench, Yosys and Vivado scripts ([`backends::files`]); the numbers are
//!    printed too, as a C++ emulator ([`emulator::files`]).
//!
//! Tensor graph, numbers and netlist each have an evaluator for many samples, and all give the same bits; so does the
//! Verilog in Verilator ([`verilator::verify`]).
//!
//! ```
//! use nanotrig::compiler::{Making, Reading, agree, hardware, meaning};
//! use nanotrig::network::{Input, Layer, Network, Tensor};
//!
//! // relu(W x + b): two inputs, two outputs.
//! let dense = Layer::new("dense", "dense", vec!["x".into()])
//!     .with("activation", "relu")
//!     .with_tensor("kernel", Tensor::new(vec![2, 2], vec![0.5, -1.0, 0.75, 2.0])?)
//!     .with_tensor("bias", Tensor::vector(vec![0.25, 0.0]));
//! let x = Input { name: "x".into(), shape: vec![2], format: Some("fixed<8,4,RND,SAT>".into()), next: None };
//! let network =
//!     Network { name: "tiny".into(), inputs: vec![x], layers: vec![dense], outputs: vec!["dense".into()] };
//!
//! // What it means, and hardware for it: 200 MHz unless another goal is set.
//! let meaning = meaning(&network, &Reading::default())?;
//! let hardware = hardware(&meaning.dfg, &Making::default(), |_pass, _dfg| ())?;
//!
//! // Tensor graph, numbers and netlist agree, on corners and on random inputs.
//! let inputs = meaning.vectors(1000, 1);
//! let outputs = agree(&meaning, &hardware, &inputs)?;
//! assert_eq!(outputs.rows(), 1000);
//!
//! // Verilog, one module a layer, and what goes with it.
//! let files = nanotrig::backends::files(&hardware.netlist, &Default::default())?;
//! let layer = files.iter().find(|file| file.path == "verilog/dense.v").expect("a module for the layer");
//! assert!(layer.text.contains("module dense"));
//! # Ok::<(), nanotrig::error::Error>(())
//! ```
//!
//! `ARCHITECTURE.md` says why it is built this way, and `CONTRIBUTING.md` how to add a layer, a pass or a target.

// Below everything: errors, files, lists of members, exact numbers, and what all levels share.
pub mod error;
pub mod registry;
pub mod random;
pub mod files;
pub mod temporary;
pub mod arrays;
pub mod fixed;
pub mod call;
pub mod host;
pub mod port;
pub mod batch;
pub mod samples;

// In the order in which data flows.
pub mod frontends;
pub mod network;
pub mod precision;
pub mod layers;
pub mod functions;
pub mod quantizers;
pub mod tensor;
#[cfg(feature = "train")]
pub mod training;
pub mod lower;
pub mod dfg;
pub mod multipliers;
pub mod passes;
pub mod targets;
pub mod schedulers;
pub mod reuse;
pub mod netlist;
pub mod backends;
pub mod emulator;
pub mod interfaces;
pub mod packages;
pub mod split;
pub mod verilator;
pub mod proof;

// What puts it together, and what the user sees.
pub mod compiler;
pub mod streaming;
pub mod report;
pub mod costs;
#[cfg(feature = "search")]
pub mod searches;
pub mod synthesis;
pub mod output;
pub mod certificate;
pub mod cli;
