//! nanotrig turns quantized neural networks into FPGA firmware that answers in nanoseconds.

pub mod error;
pub mod registry;

pub mod backends;
pub mod batch;
pub mod dfg;
pub mod fixed;
pub mod netlist;
pub mod network;
pub mod port;
pub mod schedulers;
pub mod tensor;
pub mod verilator;
