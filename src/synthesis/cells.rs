//! What the cells of a mapped netlist are worth in LUTs, registers and carry bits.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Cells of a design, or an estimate of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Look-up tables; a dual-output one is one, and the tables inside a carry cell are counted.
    pub luts: u64,
    /// Flip-flops.
    pub registers: u64,
    /// Carry-chain bits, those unused at the end of a cell included.
    #[serde(default)]
    pub carry: u64,
    /// Multiplexers that join tables to wider ones.
    #[serde(default)]
    pub muxes: u64,
    /// DSP blocks.
    #[serde(default)]
    pub dsps: u64,
    /// Cells of types that this count does not know: nothing is free by accident.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, u64>,
}

impl Count {
    /// An estimate.
    pub fn estimate(luts: u64, registers: u64, carry: u64) -> Count {
        Count { luts, registers, carry, ..Count::default() }
    }

    /// The count of cells by type, as Yosys names them.
    pub fn of<'a>(cells: impl IntoIterator<Item = (&'a str, u64)>) -> Count {
        let mut count = Count::default();
        for (cell, number) in cells {
            match worth(cell) {
                Some(worth) => count.add(&worth, number),
                None => *count.other.entry(cell.to_string()).or_default() += number,
            }
        }
        count
    }

    /// Adds the cells of something that is there `number` times.
    fn add(&mut self, other: &Count, number: u64) {
        self.luts += number * other.luts;
        self.registers += number * other.registers;
        self.carry += number * other.carry;
        self.muxes += number * other.muxes;
        self.dsps += number * other.dsps;
        for (cell, of) in &other.other {
            *self.other.entry(cell.clone()).or_default() += number * of;
        }
    }
}

/// What one cell is worth; `None` for a type that is not known.
///
/// On an ECP5 a CCU2C takes the place of two LUT4, on a Gowin device an ALU that of one; an iCE40's carry shares the
/// logic cell of a LUT that is counted by itself. Inverters, constants and buffers cost nothing after placement.
fn worth(cell: &str) -> Option<Count> {
    let one = Count::default();
    let numbered = |prefix: &str, most: u32| {
        cell.strip_prefix(prefix).and_then(|rest| rest.parse::<u32>().ok()).is_some_and(|n| (1..=most).contains(&n))
    };
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| cell.starts_with(prefix));
    Some(match cell {
        "LUT6_2" | "SB_LUT4" => Count { luts: 1, ..one },
        _ if numbered("LUT", 6) || begins(&["SRL"]) => Count { luts: 1, ..one },
        "CARRY4" => Count { carry: 4, ..one },
        "CARRY8" => Count { carry: 8, ..one },
        "SB_CARRY" => Count { carry: 1, ..one },
        "CCU2C" => Count { luts: 2, carry: 2, ..one },
        "ALU" => Count { luts: 1, carry: 1, ..one },
        "TRELLIS_FF" | "FDRE" | "FDSE" | "FDCE" | "FDPE" => Count { registers: 1, ..one },
        _ if begins(&["SB_DFF", "DFF"]) => Count { registers: 1, ..one },
        "PFUMX" | "L6MUX21" => Count { muxes: 1, ..one },
        _ if begins(&["MUXF", "MUX2_LUT"]) => Count { muxes: 1, ..one },
        "MULT18X18D" => Count { dsps: 1, ..one },
        _ if begins(&["DSP48", "SB_MAC16", "MULT"]) => Count { dsps: 1, ..one },
        "INV" | "GND" | "VCC" | "GSR" | "$scopeinfo" | "BUFG" | "IBUF" | "OBUF" | "SB_GB" => one,
        _ => return None,
    })
}

/// A design's cells as `stat -json` of Yosys gives them.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The whole design, flattened or not.
    pub design: Count,
    /// Each module's cells, with those of the modules inside it.
    pub modules: BTreeMap<String, Count>,
}

impl Statistics {
    /// Reads what `stat -json` printed.
    ///
    /// # Errors
    /// The text is not what Yosys prints.
    pub fn parse(text: &str) -> Result<Statistics> {
        #[derive(Deserialize)]
        struct Cells {
            num_cells_by_type: BTreeMap<String, u64>,
        }
        #[derive(Deserialize)]
        struct Whole {
            modules: BTreeMap<String, Cells>,
            design: Option<Cells>,
        }
        let wrong = |what: String| {
            Error::user(
                format!("Yosys' statistics cannot be read: {what}"),
                "use Yosys 0.70 (pip install pyosys==0.70)",
            )
        };
        // Some versions print a line before the object or after it.
        let object = text.find('{').zip(text.rfind('}')).and_then(|(first, last)| text.get(first..=last));
        let object = object.ok_or_else(|| wrong("no JSON object".into()))?;
        let whole: Whole = serde_json::from_str(object).map_err(|error| wrong(error.to_string()))?;
        let own: Modules = whole.modules.iter().map(|(name, cells)| (plain(name), &cells.num_cells_by_type)).collect();
        let count = |cells| inside(cells, &own, NESTED).ok_or_else(|| wrong("modules are nested without end".into()));
        let modules: BTreeMap<String, Count> =
            own.iter().map(|(name, cells)| Ok((name.to_string(), count(cells)?))).collect::<Result<_>>()?;
        // A design of one module may have no summary of its own.
        let alone = || modules.values().next().cloned().unwrap_or_default();
        // The summary has a module's cells as often as it has instances, and its instances too.
        let cells = |cells: &Cells| {
            let all = cells.num_cells_by_type.iter().map(|(cell, n)| (plain(cell), *n));
            Count::of(all.filter(|(cell, _)| !own.contains_key(cell)))
        };
        Ok(Statistics { design: whole.design.as_ref().map_or_else(alone, cells), modules })
    }
}

/// Each module's own cells by type.
type Modules<'a> = BTreeMap<&'a str, &'a BTreeMap<String, u64>>;

/// Modules inside one another, at most: top, layer, row, sum, chain, and some for other versions.
const NESTED: u32 = 8;

/// A name as Verilog has it, without the backslash that Yosys may put before it.
fn plain(name: &str) -> &str {
    name.trim_start_matches('\\')
}

/// A module's cells, with those of modules inside it; `None` where they are nested too deeply.
fn inside(cells: &BTreeMap<String, u64>, modules: &Modules, depth: u32) -> Option<Count> {
    let leaves = cells.iter().map(|(cell, n)| (plain(cell), *n)).filter(|(cell, _)| !modules.contains_key(cell));
    let mut count = Count::of(leaves);
    for (cell, n) in cells {
        if let Some(cells) = modules.get(plain(cell)) {
            count.add(&inside(cells, modules, depth.checked_sub(1)?)?, *n);
        }
    }
    Some(count)
}
