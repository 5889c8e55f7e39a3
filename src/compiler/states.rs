//! States: what an event leaves for the next one.
//!
//! Every level takes states as inputs and gives their next values as outputs, the last ones of both: so events are
//! independent there, and are compared and proved for all states. Here they are put in order.

use super::Meaning;
use crate::batch::Batch;
use crate::dfg::Evaluator;
use crate::error::{Error, Result};
use crate::samples::columns;

impl Meaning {
    /// How many ports are states.
    pub fn states(&self) -> usize {
        self.dfg.states()
    }

    /// Columns of codes that are states: the last ones of inputs and of outputs.
    fn state_columns(&self) -> usize {
        columns(&self.dfg.inputs[self.dfg.inputs.len() - self.states()..])
    }

    /// The same input codes one after the other from reset on: states are what the events before leave, whatever they were.
    ///
    /// # Errors
    /// Numbers and tensors leave different states, which is a bug.
    pub fn in_order(&self, mut inputs: Batch) -> Result<Batch> {
        let (states, rows) = (self.state_columns(), inputs.rows());
        if states == 0 {
            return Ok(inputs);
        }
        // Numbers are ready for the next event sooner than tensors, which have the last word below.
        let numbers = Evaluator::new(&self.dfg)?;
        let (first, mut held) = (inputs.columns - states, vec![0; states]);
        for event in inputs.data.chunks_exact_mut(first + states) {
            event[first..].copy_from_slice(&held);
            let answer = numbers.run(&Batch { columns: first + states, data: event.to_vec() });
            held.copy_from_slice(&answer.data[answer.columns - states..]);
        }
        let answers = self.codes(&inputs)?;
        let left = |row: usize| &answers.row(row)[answers.columns - states..];
        match (1..rows).find(|row| left(row - 1) != &inputs.row(*row)[first..]) {
            None => Ok(inputs),
            Some(row) => Err(Error::bug(format!("event {}: the levels leave different states", row - 1))),
        }
    }

    /// Inputs and answers as they pass the circuit's pins: without states.
    pub fn outside(&self, inputs: &Batch, answers: &Batch) -> [Batch; 2] {
        let states = self.state_columns();
        [inputs, answers].map(|batch| batch.narrow(batch.columns - states))
    }
}
