//! nanotrig turns quantized neural networks into FPGA firmware that answers in nanoseconds.

pub mod error;
pub mod files;
pub mod registry;

pub mod arrays;
pub mod backends;
pub mod batch;
pub mod cli;
pub mod compiler;
pub mod dfg;
pub mod fixed;
pub mod frontends;
pub mod layers;
pub mod lower;
pub mod multipliers;
pub mod netlist;
pub mod network;
pub mod output;
pub mod passes;
pub mod port;
pub mod quantizers;
pub mod report;
pub mod samples;
pub mod schedulers;
pub mod targets;
pub mod tensor;
pub mod verilator;
