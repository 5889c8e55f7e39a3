//! How late each product may be: adder levels beyond its fewest, without making the longest path of the network longer.
//!
//! Earliest times take each sum at its fewest levels (Kraft); all operands of a product may be as late as the product may.
//! What the network may spare beyond that, its largest matrix takes.
//! Products behind one another each count the same levels, so paths of several can become a little longer.

use super::Context;
use crate::dfg::{Dfg, Op};
use crate::multipliers::{digits, levels};
use std::collections::BTreeMap;

/// The levels of each node; 0 where nothing waits for it.
pub fn late(dfg: &Dfg, context: &Context) -> Vec<u32> {
    let earliest = earliest(dfg, context);
    let longest = dfg.results.iter().map(|id| earliest[id.index()]).max().unwrap_or(0);
    let mut latest: Vec<Option<u32>> = vec![None; dfg.nodes.len()];
    dfg.results.iter().for_each(|id| latest[id.index()] = Some(longest));
    for id in dfg.ids().rev() {
        let Some(own) = latest[id.index()] else { continue };
        let late = own.saturating_sub(earliest[id.index()]);
        let delay = context.target.delay(dfg, id);
        for arg in dfg[id].op.args() {
            let limit = match dfg[id].op {
                Op::Dot { .. } => earliest[arg.index()] + late,
                _ => own.saturating_sub(delay),
            };
            let known = &mut latest[arg.index()];
            *known = Some(known.map_or(limit, |known| known.min(limit)));
        }
    }
    let adder = context.target.adder_delay().max(1);
    let late = |(latest, earliest): (Option<u32>, u32)| latest.map_or(0, |time| time.saturating_sub(earliest) / adder);
    let mut late: Vec<u32> = latest.into_iter().zip(earliest).map(late).collect();
    if let Some(layer) = largest(dfg) {
        let spared = dfg.ids().filter(|id| dfg[*id].from.layer == layer);
        spared.for_each(|id| late[id.index()] += context.way.spare);
    }
    late
}

/// The layer with the most products.
fn largest(dfg: &Dfg) -> Option<u32> {
    let mut products: BTreeMap<u32, usize> = BTreeMap::new();
    for id in dfg.ids() {
        if let Op::Dot { terms, .. } = &dfg[id].op {
            *products.entry(dfg[id].from.layer).or_default() += terms.len();
        }
    }
    products.into_iter().max_by_key(|(_, count)| *count).map(|(layer, _)| layer)
}

/// The earliest time of each node, in ps.
fn earliest(dfg: &Dfg, context: &Context) -> Vec<u32> {
    let adder = context.target.adder_delay().max(1);
    let mut times: Vec<u32> = Vec::with_capacity(dfg.nodes.len());
    for id in dfg.ids() {
        let op = &dfg[id].op;
        let time = match op {
            Op::Dot { terms, .. } => {
                let first = op.args().map(|arg| times[arg.index()]).min().unwrap_or(0);
                let level = |time: u32| (time - first + adder / 2) / adder;
                let terms = terms.iter().flat_map(|(arg, factor)| digits(*factor).map(|_| level(times[arg.index()])));
                first + levels(terms) * adder
            }
            _ => op.args().map(|arg| times[arg.index()]).max().unwrap_or(0) + context.target.delay(dfg, id),
        };
        times.push(time);
    }
    times
}
