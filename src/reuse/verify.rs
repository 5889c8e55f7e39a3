//! The judge of a folded graph's schedule.

use super::{Folded, Kind};
use crate::dfg::Op;
use crate::error::{Error, Result};
use crate::schedulers::Schedule;
use crate::targets::Target;

impl Folded {
    /// Checks a schedule:
    ///
    /// 1. there is a stage per node, and a latency;
    /// 2. inputs of the network are at stage 0, and what a link makes is as many stages behind its source as it takes;
    /// 3. no node is before its operands, or beyond the latency;
    /// 4. operands of a node, constants aside, all have a value in each clock, or all one in an event; so have sources what
    ///    their links take, and results one in an event;
    /// 5. along every path that crosses no register, the target's delays and a register fit in `period` ps.
    ///
    /// # Errors
    /// The first condition that does not hold, as a bug.
    pub fn verify(&self, schedule: &Schedule, target: &dyn Target, period: u32) -> Result<()> {
        let dfg = &self.dfg;
        // check (1)
        if schedule.stage.len() != dfg.nodes.len() || schedule.latency == 0 {
            return Err(Error::bug("the schedule does not cover the folded graph (condition 1)"));
        }
        let serial = self.serial();
        let constant = |id: crate::dfg::Id| matches!(dfg[id].op, Op::Const(_));
        for id in dfg.ids().filter(|id| !constant(*id)) {
            let stage = schedule.of(id);
            let broken = |what: &str| Err(Error::bug(format!("{id} at stage {stage} of {}: {what}", schedule.latency)));
            // check (2), and (4) of links
            match (self.link(&dfg[id].op), &dfg[id].op) {
                (Some(link), _) => {
                    let source = self.source(link);
                    let ready = schedule.of(source) + self.links[link].span(self.interval);
                    if source >= id || ready > stage {
                        return broken("before its link's source (condition 2)");
                    }
                    if serial[source.index()] != matches!(self.links[link].kind, Kind::Total { .. }) {
                        return broken("its link takes another kind of value (condition 4)");
                    }
                }
                (None, Op::Input { .. }) if stage != 0 => return broken("an input after stage 0 (condition 2)"),
                _ => {}
            }
            // check (3)
            let late = dfg[id].op.args().any(|arg| !constant(arg) && schedule.of(arg) > stage);
            if late || stage > schedule.latency {
                return broken("before an operand, or too late (condition 3)");
            }
            // check (4)
            if dfg[id].op.args().any(|arg| !constant(arg) && serial[arg.index()] != serial[id.index()]) {
                return broken("reads values of clocks and of events (condition 4)");
            }
        }
        let own = dfg.results.len() - self.links.len();
        if dfg.results[..own].iter().any(|id| serial[id.index()]) {
            return Err(Error::bug("an output has a value in each clock (condition 4)"));
        }
        // check (5)
        schedule.verify_timing(dfg, target, period)?;
        let slow = (0..self.links.len()).any(|link| self.delay(link, target) + target.register_delay() > period);
        if slow { Err(Error::bug("an accumulator is late (condition 5)")) } else { Ok(()) }
    }
}
