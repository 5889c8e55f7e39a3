//! Hardware for events at an interval.

use super::{Hardware, Making};
use crate::dfg::Dfg;
use crate::error::{At, Result};
use crate::passes::Way;
use crate::schedulers::fuse;
use crate::{netlist, passes, reuse};

/// Optimises, schedules and builds with constant matrices that take digits; `seen` is shown the graph of a clock after each pass.
///
/// # Errors
/// A goal that cannot be met, or nothing that digits make smaller.
pub fn hardware(dfg: &Dfg, making: &Making, seen: impl FnMut(&str, &Dfg)) -> Result<Hardware> {
    let (target, period) = (&*making.target, reuse::period(making.goal)?);
    (making.progress)("optimising");
    let way = Way { effort: making.effort, ..Way::default() };
    let context = passes::Context { target, multiplier: making.multiplier, way };
    let whole = passes::run(dfg, &context, None, |_, _| ())?;
    let mut folded = reuse::fold(&dfg.without_dead(), making.interval)?;
    folded.dfg = passes::run(&folded.dfg, &context, None, seen)?;
    (making.progress)("scheduling");
    let schedule = reuse::schedule(&folded, target, making.scheduler, making.goal)?;
    let (dfg, schedule) = fuse(folded.dfg, schedule, target)?;
    folded.dfg = dfg;
    folded.dfg.verify().at("after sums were fused")?;
    folded.verify(&schedule, target, period)?;
    (making.progress)("building the netlist");
    let netlist = netlist::build_folded(&folded, &schedule, &super::options(making))?;
    Ok(Hardware { dfg: whole, folded: Some(folded), schedule, netlist })
}
