//! How hard is tried: one way to make a circuit, or with effort `high` several, of which the smallest is taken.

use super::Making;
use crate::dfg::Dfg;
use crate::error::{Error, Kind, Result};
use crate::multipliers::Effort;
use crate::passes::{self, Way};
use crate::schedulers::{Goal, Schedule, fuse};

/// Shorter periods that are tried where registers make sums of three cheap, in percent of the one asked for: the more sums
/// end in registers, the fewer LUTs.
const SHORTER: [u32; 3] = [92, 84, 78];
/// Register bits that are worth a LUT: two stand beside each LUT, and are mostly free.
const BITS: f64 = 8.0;

/// The graph after all passes; `seen` is shown it after each.
pub fn optimised(dfg: &Dfg, making: &Making, way: Way, seen: impl FnMut(&str, &Dfg)) -> Result<Dfg> {
    let (target, multiplier) = (&*making.target, making.multiplier);
    passes::run(dfg, &passes::Context { target, multiplier, way }, None, seen)
}

/// Stages, and sums of three where registers allow them.
pub fn scheduled(dfg: Dfg, making: &Making, goal: Goal) -> Result<(Dfg, Schedule)> {
    (making.progress)("scheduling");
    let schedule = (making.scheduler)(&dfg, &*making.target, Goal { interval: making.interval, ..goal })?;
    fuse(dfg, schedule, &*making.target)
}

/// What makes the smallest circuit, at no more stages and no longer period than asked for: with effort `high` five ways
/// are tried, one with a level more in each matrix, and two with tight sums; then shorter periods.
pub fn best(dfg: &Dfg, making: &Making) -> Result<(Way, Goal)> {
    let effort = making.effort;
    if effort != Effort::High {
        return Ok((Way { effort, ..Way::default() }, making.goal));
    }
    let high = Way { effort, ..Way::default() };
    let tight = Way { tight: true, ..high };
    let mut best: Option<(u32, u32, u64, Way)> = None;
    let mut refused = None;
    for way in [Way::default(), high, Way { slack: 1, ..high }, tight, Way { spare: 1, ..tight }] {
        let made = optimised(dfg, making, way, |_, _| ()).and_then(|dfg| scheduled(dfg, making, making.goal));
        // A goal that one way cannot meet, another may.
        let (dfg, schedule) = match made {
            Ok(made) => made,
            Err(error) if error.kind != Kind::User => return Err(error),
            Err(error) => {
                refused.get_or_insert(error);
                continue;
            }
        };
        let slow = making.goal.period.map_or(schedule.period, |period| period.max(schedule.period));
        let key = (schedule.latency, slow, luts(&dfg, making).round() as u64, way);
        best = Some(best.map_or(key, |best| key.min(best)));
    }
    match (best, refused) {
        (Some((.., way)), _) => Ok((way, shorter(dfg, making, way)?)),
        (None, error) => Err(error.unwrap_or_else(|| Error::bug("no way was tried"))),
    }
}

/// The goal, or one with a shorter period that makes a smaller circuit of no more stages.
fn shorter(dfg: &Dfg, making: &Making, way: Way) -> Result<Goal> {
    let goal = making.goal;
    let Some(period) = goal.period.filter(|_| making.target.sums().operands == 3) else { return Ok(goal) };
    let dfg = optimised(dfg, making, way, |_, _| ())?;
    let price = |dfg: &Dfg, schedule: &Schedule| luts(dfg, making) + schedule.register_bits(dfg) as f64 / BITS;
    let (made, schedule) = scheduled(dfg.clone(), making, goal)?;
    let (stages, mut best) = (schedule.latency, (price(&made, &schedule), goal));
    for percent in SHORTER {
        let goal = Goal {
            period: Some(u32::try_from(u64::from(period) * u64::from(percent) / 100).unwrap_or(period)),
            ..goal
        };
        // What cannot be met at a shorter period is no loss.
        let (made, schedule) = match scheduled(dfg.clone(), making, goal) {
            Err(error) if error.kind == Kind::User => continue,
            made => made?,
        };
        let price = price(&made, &schedule);
        if schedule.latency <= stages && price < best.0 {
            best = (price, goal);
        }
    }
    Ok(best.1)
}

/// The estimate that ways are compared by.
fn luts(dfg: &Dfg, making: &Making) -> f64 {
    dfg.ids().map(|id| making.target.area(dfg, id).luts).sum()
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, meaning};
    use super::*;
    use crate::targets::TARGETS;

    /// The goal taken is the cheapest of those tried, at no more stages; and for some of these it is a shorter period.
    #[test]
    fn shorter_periods_make_smaller_circuits() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jet_tagger/model.toml");
        let network = crate::frontends::read(&path, None).expect("it reads");
        let dfg = meaning(&network, &Reading::default()).expect("it is sound").dfg;
        let target = TARGETS.iter().find(|target| target.name == "ultrascale-plus").expect("it is there");
        let mut taken = 0;
        for period in [3000, 3300, 3600, 4000, 4500] {
            let goal = Goal { period: Some(period), stages: Some(6), ..Goal::default() };
            let making = Making { target: (target.make)(), goal, ..Making::default() };
            let chosen = shorter(&dfg, &making, Way::default()).expect("it can be met");
            let graph = optimised(&dfg, &making, Way::default(), |_, _| ()).expect("it is sound");
            let price = |goal: Goal| {
                let (made, schedule) = scheduled(graph.clone(), &making, goal).ok()?;
                assert!(schedule.latency == 6 && schedule.period <= period);
                Some(luts(&made, &making) + schedule.register_bits(&made) as f64 / BITS)
            };
            let least = price(chosen).expect("it can be met");
            for percent in [100].iter().chain(&SHORTER) {
                let other = price(Goal { period: Some(period * percent / 100), ..goal });
                assert!(other.is_none_or(|other| least <= other), "{period} ps: {least} > {other:?} at {percent} %");
            }
            taken += u32::from(chosen.period < goal.period);
        }
        assert!(taken > 0);
    }
}
