//! What holds for every graph.

use super::{Dfg, Op};
use crate::error::{Error, Result};
use crate::port::Port;

impl Dfg {
    /// Checks the graph's invariants:
    ///
    /// 1. operands precede their users;
    /// 2. an input names an element of a port, a table node a table, with one operand per domain;
    /// 3. a sum has one to three operands, or is a dot;
    /// 4. a range is not empty and has at most 120 bits; a table's domains cover its operands' ranges and grids;
    /// 5. a node's range lies within what interval arithmetic allows;
    /// 6. every node names a layer;
    /// 7. there is one result per output element, within its declared format;
    /// 8. states are the last ports, and come in equal formats and the same order as inputs and outputs.
    ///
    /// # Errors
    /// The first condition that does not hold, as a bug of whoever made the graph.
    pub fn verify(&self) -> Result<()> {
        for id in self.ids() {
            let node = &self[id];
            let check = |holds: bool, condition: u32| {
                let what = || format!("{id} = {} : {} breaks condition {condition}", node.op, node.range);
                if holds { Ok(()) } else { Err(Error::bug(what())) }
            };
            // check (1)
            check(node.op.args().all(|arg| arg < id), 1)?;
            // check (2)
            check(self.names_exist(&node.op), 2)?;
            // check (3)
            check(!matches!(&node.op, Op::Add { terms, .. } if terms.is_empty() || terms.len() > 3), 3)?;
            // check (4)
            check(node.range.lo <= node.range.hi && node.range.width() <= 120 && self.covered(&node.op), 4)?;
            // check (5)
            check(self.plausible(id), 5)?;
            // check (6)
            check((node.from.layer as usize) < self.layers.len(), 6)?;
        }
        // check (7)
        let formats = self.output_formats();
        let fits = |(id, format): (&super::Id, &crate::fixed::Format)| {
            id.index() < self.nodes.len() && format.range().contains(&self.range(*id))
        };
        let check = |holds: bool, what: &str| if holds { Ok(()) } else { Err(Error::bug(what)) };
        check(formats.len() == self.results.len(), "results and output elements differ in number")?;
        check(self.results.iter().zip(&formats).all(fits), "a result exceeds its output format (condition 7)")?;
        // check (8)
        let states = |ports: &[Port]| {
            let first = ports.len() - Port::states(ports);
            let last = ports[first..].iter().all(|port| port.state);
            last.then(|| ports[first..].iter().map(|port| port.elements.clone()).collect::<Vec<_>>())
        };
        let (held, next) = (states(&self.inputs), states(&self.outputs));
        check(held.is_some() && held == next, "a state has no next value (condition 8)")
    }

    fn names_exist(&self, op: &Op) -> bool {
        match op {
            Op::Input { port, element } => {
                self.inputs.get(*port as usize).is_some_and(|port| (*element as usize) < port.elements.len())
            }
            Op::Table { table, args } => {
                self.tables.get(*table as usize).is_some_and(|table| table.domains.len() == args.len())
            }
            _ => true,
        }
    }

    fn covered(&self, op: &Op) -> bool {
        let Op::Table { table, args } = op else { return true };
        args.iter().zip(&self.tables[*table as usize].domains).all(|(arg, domain)| domain.contains(&self.range(*arg)))
    }

    /// A claim may be tighter than intervals (correlation), or wider, but never disjoint from what they allow.
    fn plausible(&self, id: super::Id) -> bool {
        let node = &self[id];
        let implied = match &node.op {
            Op::Input { port, element } => Some(self.inputs[*port as usize].format(*element as usize).range()),
            op => op.range(|arg| self.range(arg), &self.tables),
        };
        implied.is_some_and(|implied| implied.low() <= node.range.high() && node.range.low() <= implied.high())
    }
}
