//! States: `if (rst) h <= 0; else if (an event is at stage w) h <= h_next;` in the top module.

use super::elaborate::{NetId, Source, wrong};
use super::syntax::Expr;
use super::{Interface, Reader};
use crate::error::{At, Result};

impl Reader<'_> {
    /// Checks the registers of all states, and gives the stage at whose end they are written.
    pub fn states(&self, interface: &Interface) -> Result<u32> {
        let held = interface.inputs.iter().filter(|port| port.state && port.width() > 0);
        let next = interface.outputs.iter().filter(|port| port.state && port.width() > 0);
        let mut writes = None;
        for (held, next) in held.zip(next) {
            let net = |name: &str, width: u32| {
                let id = self.top(name).filter(|id| self.circuit.nets[*id].width == width);
                id.ok_or_else(|| wrong(format!("the top module has no `{name}` of {width} bits")))
            };
            let ids = (net(&held.name, held.width())?, net(&next.name, next.width())?);
            let own = self.written(ids, interface.reset).at(format!("state `{}`", held.name))?;
            if *writes.get_or_insert(own) != own {
                return Err(wrong(format!("`{}` is written at another stage than other states", held.name)));
            }
        }
        Ok(writes.unwrap_or(0))
    }

    /// The stage at whose end a register takes its next value, of an event that is one; it is 0 at first and after reset.
    fn written(&self, (held, next): (NetId, NetId), reset: bool) -> Result<u32> {
        let net = &self.circuit.nets[held];
        let [driver] = &net.drivers[..] else { return Err(wrong("it is not one register")) };
        let Source::Register(scope, Expr::Choose(event, yes, no), by) = driver.source else {
            return Err(wrong("it is no register with a condition"));
        };
        let is = |expr: &Expr, id: NetId| matches!(expr, Expr::Name(name) if self.circuit.scopes[scope].nets.get(name) == Some(&id));
        if driver.lo != 0 || driver.width != net.width || !is(yes, next) || !is(no, held) {
            return Err(wrong("it does not keep its value, or take the next one, as a whole"));
        }
        (0..net.width).try_for_each(|bit| self.starts_at_zero(net, bit, reset))?;
        self.resets(scope, by, reset)?;
        self.registers(self.wire(scope, event, 0)?, reset)
    }
}
