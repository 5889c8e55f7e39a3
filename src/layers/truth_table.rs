//! `truth_table`: each output is a table of a few chosen inputs, as LogicNets, PolyLUT, NeuraLUT and DWN have them.
//!
//! Tensor `mapping` [outputs, k] names the inputs of each output, counted over the flattened input; `tables` [outputs,
//! 2^(k*bits)] has the output's value for each address. An address holds the inputs' codes side by side, the first chosen
//! input lowest: `address = sum(code(x[mapping[o, j]]) << (bits * j))`. A code is the bit pattern of an input of `bits` bits
//! (default 1), two's complement if `signed`, in steps of `2^-fraction`; the inputs must be in that format already. The
//! result is `tables[o, address] * 2^-out_fraction`.

use super::attributes::{attributes, integers, one, required, tensors};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::Format;
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Lookup};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> =
    Entry { name: "truth_table", doc: "each output is a table of a few chosen inputs", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    #[serde(default = "one_bit")]
    bits: u32,
    #[serde(default)]
    signed: bool,
    #[serde(default)]
    fraction: i32,
    #[serde(default)]
    out_fraction: i32,
}

fn one_bit() -> u32 {
    1
}

struct TruthTable {
    /// For each output the inputs of its address, the highest first.
    mapping: Vec<Vec<u32>>,
    lookup: Lookup,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let Attributes { bits, signed, fraction, out_fraction } = attributes(layer)?;
    let mut found = tensors(layer, &["mapping", "tables"], &[])?.into_iter();
    let (mapping, tables) = (required(found.next().flatten())?, required(found.next().flatten())?);
    let ([outputs, inputs], [rows, entries]) = (&mapping.shape[..], &tables.shape[..]) else {
        let what = format!("`mapping` has shape {:?}, `tables` {:?}", mapping.shape, tables.shape);
        return Err(Error::user(what, "they are [outputs, k] and [outputs, 2^(k*bits)]"));
    };
    let address = u32::try_from(*inputs).ok().and_then(|inputs| inputs.checked_mul(bits)).filter(|bits| *bits <= 20);
    let fits = address.is_some_and(|address| address > 0 && *entries == 1 << address);
    if !fits || rows != outputs || *rows == 0 || fraction.abs() > 256 || out_fraction.abs() > 256 {
        let what =
            format!("{rows} tables of {entries} entries for {outputs} outputs of {inputs} inputs of {bits} bits");
        return Err(Error::user(what, "give each output 2^(inputs * bits) entries, of at most 2^20"));
    }
    let mapping: Vec<u32> = integers(&mapping, "mapping")?
        .into_iter()
        .map(|index| {
            u32::try_from(index).map_err(|_| Error::user(format!("input {index} is mapped"), "inputs count from 0"))
        })
        .collect::<Result<_>>()?;
    let values = integers(&tables, "tables")?;
    let format = Format { signed, width: bits, lsb: -fraction };
    let domain = format.range();
    // The address of a row-major index: codes ascend there, bit patterns here.
    let pattern = |index: usize| {
        let mask = (1usize << bits) - 1;
        let half = if signed { 1usize << (bits - 1) } else { 0 };
        (0..*inputs).fold(0, |address, place| {
            let code = (index >> (bits as usize * place) & mask) ^ half;
            address | code << (bits as usize * place)
        })
    };
    let order: Vec<usize> = (0..*entries).map(pattern).collect();
    let tables = values.chunks(*entries).map(|row| order.iter().map(|address| row[*address]).collect()).collect();
    let lookup = Lookup { domains: vec![domain; *inputs], tables, exp: -out_fraction };
    let mapping = mapping.chunks(*inputs).map(|row| row.iter().rev().copied().collect()).collect();
    Ok(Box::new(TruthTable { mapping, lookup }))
}

impl Layer for TruthTable {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let count: usize = g.shape(x).iter().product();
        if let Some(index) = self.mapping.iter().flatten().find(|index| **index as usize >= count) {
            let help = "inputs count from 0, over the flattened input";
            return Err(Error::user(format!("input {index} is mapped, and there are {count}"), help));
        }
        let chosen = self.mapping.iter().flatten().map(|index| (0, *index)).collect();
        let addresses = g.gather(&[x], &[self.mapping.len(), self.lookup.domains.len()], chosen)?;
        g.lookup(addresses, self.lookup.clone())
    }
}
