//! `bare`: the circuit as it is.

use super::{Make, Shell};
use crate::error::{Error, Result};
use crate::netlist::Netlist;
use crate::registry::Entry;

/// The entry.
pub const INTERFACE: Entry<Make> = Entry { name: "bare", doc: "data and valid, nothing around the circuit", make };

fn make(_: &Netlist, value: Option<&str>) -> Result<Option<Shell>> {
    match value {
        None => Ok(None),
        Some(value) => {
            Err(Error::user(format!("it takes no value, and `{value}` was given"), "write --interface bare"))
        }
    }
}
