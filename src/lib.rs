//! nanotrig turns quantized neural networks into FPGA firmware that answers in nanoseconds.

pub mod error;
pub mod files;
pub mod registry;

pub mod arrays;
pub mod batch;
pub mod fixed;
pub mod frontends;
pub mod layers;
pub mod network;
pub mod port;
pub mod quantizers;
pub mod samples;
pub mod tensor;
