//! Training: a network's weights (and formats) from data, on the tensor graph that is compiled.
//!
//! There is no second definition of a model. A network is expanded into its [`crate::tensor::Graph`]; a side table says
//! which constants are which parameter, and which slope each step function has; and the engine runs the graph on
//! libtorch, in float32, with gradients. The result is a [`Network`](crate::network::Network) in which the parameters have
//! new values, and the integer evaluator says how good it is ([`score()`]).
//!
//! Needs the cargo feature `train`; recipes and data do not.

pub mod recipe;

mod batch;
mod data;
mod engine;
mod front;
mod functions;
mod initialise;
mod learn;
mod loss;
mod norm;
mod optimizer;
mod parameters;
mod plan;
mod present;
mod prune;
mod ranges;
mod score;
mod standardise;
mod steps;
mod train;
mod value;

pub use data::{Data, Split, Targets};
pub use engine::{Engine, Mode, Pass};
pub use initialise::initialise;
pub use learn::learn;
pub use recipe::Recipe;
pub use score::{Score, score};
pub use standardise::standardise;
pub use train::{Checkpoint, Epoch, Point, Run, Trained, train};
