//! A recurrent layer whose state goes on from event to event, as Keras' `stateful=True` has it from batch to batch.
//!
//! The registers of a state have the formats of the values that it takes, which depend on themselves: they are found by
//! trying, from a state of 0 on, until what a state becomes fits into what it was.

use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Quantization, Range};
use crate::port::Port;
use crate::tensor::{Builder, Id};

/// More tries find nothing: the state grows.
const TRIES: usize = 8;

/// The layer's value, of `steps` that begin with states of `units` elements and give their value and the states behind them.
///
/// # Errors
/// Those of `steps`; or a state that no format holds.
pub fn expand(
    g: &mut Builder,
    units: usize,
    states: usize,
    steps: impl Fn(&mut Builder, Vec<Id>) -> Result<(Id, Vec<Id>)>,
) -> Result<Id> {
    let mut held = vec![vec![Range::point(Fixed::ZERO); units]; states];
    for _ in 0..TRIES {
        let mut trial = g.clone();
        let (value, first, last) = turn(&mut trial, &held, &steps)?;
        let left: Vec<Vec<Range>> = last.iter().map(|id| trial.graph().node(*id).ranges.clone()).collect();
        let fits = |(held, left): (&Vec<Range>, &Vec<Range>)| {
            held.iter().zip(left).all(|(held, left)| Format::of(held).range().contains(left))
        };
        if held.iter().zip(&left).all(fits) {
            first.into_iter().zip(last).try_for_each(|(first, last)| trial.next(first, last))?;
            *g = trial;
            return Ok(value);
        }
        for (held, left) in held.iter_mut().zip(&left) {
            let both: Option<Vec<Range>> = held.iter().zip(left).map(|(a, b)| Range::union(*a, *b)).collect();
            *held = both.ok_or_else(grows)?;
        }
    }
    Err(grows())
}

/// The layer with states of these ranges: its value, the states, and what they become.
fn turn(
    g: &mut Builder,
    held: &[Vec<Range>],
    steps: impl Fn(&mut Builder, Vec<Id>) -> Result<(Id, Vec<Id>)>,
) -> Result<(Id, Vec<Id>, Vec<Id>)> {
    let name = g.graph().layers.last().cloned().unwrap_or_default();
    let mut first = Vec::new();
    for (ranges, letter) in held.iter().zip(["h", "c"]) {
        let formats: Vec<Format> = ranges.iter().map(Format::of).collect();
        if formats.iter().any(|format| format.width > Format::MAX_WIDTH) {
            return Err(grows());
        }
        let elements = formats.into_iter().map(Quantization::plain).collect();
        let port = Port { name: format!("{name}_{letter}"), shape: vec![ranges.len()], elements, state: true };
        first.push(g.own_state(port)?);
    }
    let (value, last) = steps(g, first.clone())?;
    let last = last.into_iter().map(|id| g.exact(id)).collect::<Result<_>>().map_err(|error| Error {
        help: "give the layer a `state_format`, such as fixed<8,1,RND,SAT>, or quantizers of its activations".into(),
        ..error
    })?;
    Ok((value, first, last))
}

fn grows() -> Error {
    let help = "give the layer a `state_format` (or, of an lstm, a `carry_format`) such as fixed<8,1,RND,SAT>, or a \
                `state_quantizer` where that bounds it";
    Error::user("its state is wider after each event", help)
}
