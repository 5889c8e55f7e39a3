//! Estimates fitted to what Yosys maps: a factor for each kind of logic on a target's own areas.
//!
//! A target prices operations one by one; synthesis also merges them, drops bits that follow from others, and packs small
//! functions together. How much of that there is differs by kind of operation more than by network, so
//! `scripts/calibrate.sh` fits one factor a kind on some networks, and says how far off others are. Only estimates use it:
//! no decision of the compiler does, so fitting again changes no Verilog.

use super::fitted::FITTED;
use crate::dfg::{Dfg, Id, Op};

/// Kinds of logic, each with a factor of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A sum without a constant, or a row of terms.
    Sum,
    /// A sum with a constant.
    Offset,
    /// The greater or lesser of a value and a constant: a ReLU, a saturation.
    Clip,
    /// The greater or lesser of two values.
    Compare,
    /// One of two values by a sign.
    Select,
    /// A table of at most six bits.
    Table,
    /// A table of more.
    LargeTable,
    /// A product of two values.
    Product,
}

impl Kind {
    /// All kinds, in the order of the factors.
    pub const ALL: [Kind; 8] = [
        Kind::Sum,
        Kind::Offset,
        Kind::Clip,
        Kind::Compare,
        Kind::Select,
        Kind::Table,
        Kind::LargeTable,
        Kind::Product,
    ];

    /// The kind of a node with logic; `None` for wiring.
    pub fn of(dfg: &Dfg, id: Id) -> Option<Kind> {
        let constant = |id: &Id| dfg.range(*id).constant().is_some();
        Some(match &dfg[id].op {
            Op::Input { .. } | Op::Const(_) | Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. } => return None,
            Op::Add { constant, .. } if !constant.is_zero() => Kind::Offset,
            Op::Add { .. } | Op::Dot { .. } => Kind::Sum,
            Op::Max(a, b) | Op::Min(a, b) if constant(a) || constant(b) => Kind::Clip,
            Op::Max(..) | Op::Min(..) => Kind::Compare,
            Op::Select { .. } => Kind::Select,
            Op::Table { args, .. } if args.iter().map(|arg| dfg.range(*arg).width()).sum::<u32>() <= 6 => Kind::Table,
            Op::Table { .. } => Kind::LargeTable,
            Op::Mul(..) => Kind::Product,
        })
    }

    /// Its name in `report.json` and in the fit.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Sum => "sum",
            Kind::Offset => "offset",
            Kind::Clip => "clip",
            Kind::Compare => "compare",
            Kind::Select => "select",
            Kind::Table => "table",
            Kind::LargeTable => "large_table",
            Kind::Product => "product",
        }
    }
}

/// A target's factors, and how good they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// The target's name.
    pub target: &'static str,
    /// What counted, with its version.
    pub tool: &'static str,
    /// LUTs measured for each one of the target's own, for each of [`Kind::ALL`].
    pub luts: [f64; Kind::ALL.len()],
    /// Carry-chain bits measured for each one of the target's own.
    pub carry: f64,
    /// The networks of the fit.
    pub fitted: &'static [&'static str],
    /// The networks that the errors are of, which the fit did not see.
    pub held_out: &'static [&'static str],
    /// The worst error of LUTs on those, in percent.
    pub luts_error: f64,
    /// The worst error of the counted registers on those, in percent.
    pub registers_error: f64,
    /// The worst error of carry-chain bits on those, in percent.
    pub carry_error: f64,
}

/// The calibration of a target, if there is one.
pub fn calibration(target: &str) -> Option<&'static Calibration> {
    FITTED.iter().find(|fitted| fitted.target == target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_sane() {
        for fitted in FITTED {
            assert!(fitted.luts.iter().all(|factor| (0.0..=4.0).contains(factor)), "{}", fitted.target);
            assert!(!fitted.fitted.is_empty() && !fitted.held_out.is_empty(), "{}", fitted.target);
            let seen = |name: &&&str| fitted.fitted.contains(name);
            assert_eq!(fitted.held_out.iter().find(seen), None, "{}: fitted on what it is judged on", fitted.target);
            assert!(super::super::TARGETS.iter().any(|target| target.name == fitted.target), "{}", fitted.target);
        }
    }

    #[test]
    fn kinds_are_in_order() {
        let names: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        assert!(Kind::ALL.iter().enumerate().all(|(index, kind)| *kind as usize == index));
        let quoted: Vec<String> = Kind::ALL.iter().map(|kind| format!("{:?}", kind.name())).collect();
        let script = include_str!("../../scripts/calibrate.py");
        assert!(script.contains(&format!("KINDS = [{}]", quoted.join(", "))), "the fit has the same order");
    }
}
