//! The two judges of a schedule; neither trusts how it was made.

use super::{Loop, Schedule, is_constant};
use crate::dfg::{Dfg, Op};
use crate::error::{Error, Result};
use crate::targets::{Target, Times};

impl Schedule {
    /// Causality:
    ///
    /// 1. there is a stage per node, and a latency of at least 1;
    /// 2. inputs are at stage 0; logic is at stages `1 .. latency`, or at 0 if the latency is 1;
    /// 3. no node is before its operands;
    /// 4. states are inputs at one such stage, and what they are next is there at another, no earlier one.
    ///
    /// # Errors
    /// The first condition that does not hold, as a bug of the scheduler.
    pub fn verify(&self, dfg: &Dfg) -> Result<()> {
        // check (1)
        if self.stage.len() != dfg.nodes.len() || self.latency == 0 {
            return Err(Error::bug("the schedule does not cover the graph (condition 1)"));
        }
        let first = 1.min(self.latency - 1);
        for id in dfg.ids().filter(|id| !is_constant(dfg, *id)) {
            let stage = self.of(id);
            let broken = |what: &str| Err(Error::bug(format!("{id} at stage {stage} of {}: {what}", self.latency)));
            // check (2)
            let input = matches!(dfg[id].op, Op::Input { .. }).then(|| dfg.is_state(id));
            if if input == Some(false) { stage != 0 } else { !(first..self.latency).contains(&stage) } {
                return broken("outside the stages (condition 2)");
            }
            // check (4)
            if input == Some(true) && self.states.is_none_or(|states| states.reads != stage) {
                return broken("a state at another stage (condition 4)");
            }
            // check (3)
            if dfg[id].op.args().any(|arg| !is_constant(dfg, arg) && self.of(arg) > stage) {
                return broken("before an operand (condition 3)");
            }
        }
        // check (4)
        let written = || dfg.leaving().filter(|(_, state)| *state).map(|(id, _)| self.of(id));
        let holds = match self.states {
            None => written().next().is_none(),
            Some(Loop { reads, writes }) => {
                let within = |stage: u32| (first..self.latency).contains(&stage);
                within(reads) && within(writes) && reads <= writes && written().all(|stage| stage <= writes)
            }
        };
        if holds { Ok(()) } else { Err(Error::bug("a state is written before it is known (condition 4)")) }
    }

    /// When the last bit of each node is there after the clock edge, in ps: along every path that crosses no register.
    pub fn arrivals(&self, dfg: &Dfg, times: &Times) -> Vec<u32> {
        let mut arrival = vec![0u32; dfg.nodes.len()];
        for id in dfg.ids() {
            let mut ready = i64::from(times.delay(id));
            for arg in dfg[id].op.args().filter(|arg| !is_constant(dfg, *arg) && self.of(*arg) == self.of(id)) {
                ready = ready.max(i64::from(arrival[arg.index()]) + i64::from(times.arc(dfg, id, arg)));
            }
            arrival[id.index()] = ready.clamp(0, i64::from(u32::MAX)) as u32;
        }
        arrival
    }

    /// Timing: along every path that crosses no register, the target's delays and a register fit in `period` ps.
    ///
    /// # Errors
    /// The first node that is late, as a bug of the scheduler.
    pub fn verify_timing(&self, dfg: &Dfg, target: &dyn Target, period: u32) -> Result<()> {
        for (id, arrival) in dfg.ids().zip(self.arrivals(dfg, &Times::new(dfg, target))) {
            let need = arrival.saturating_add(target.register_delay());
            if need > period {
                return Err(Error::bug(format!("{id} needs {need} ps in its stage, the period is {period} ps")));
            }
        }
        Ok(())
    }
}
