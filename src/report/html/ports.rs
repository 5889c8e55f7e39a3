//! Ports: runs of elements with one format, where their bits are, and what the host does.

use super::super::{PortRow, ThermometerRow};
use super::text::{count, counted};
use crate::fixed::{Overflow, Quantization, Rounding};
use serde::Serialize;

/// Runs that are shown at once; more are folded.
const SHOWN: usize = 16;

/// A port as the page shows it.
#[derive(Serialize)]
pub struct Port {
    name: String,
    shape: String,
    width: String,
    runs: Vec<Run>,
    /// What stands on the folded table, if it is.
    folded: Option<String>,
    chain: Vec<String>,
    thermometer: Option<Thermometer>,
}

/// What the host compares features with to make the port's bits.
#[derive(Serialize)]
struct Thermometer {
    /// What stands on the folded table.
    summary: String,
    rows: Vec<Feature>,
}

/// A feature, and the bits that its thresholds make.
#[derive(Serialize)]
struct Feature {
    feature: String,
    elements: String,
    thresholds: String,
}

/// Elements after one another that have one format.
#[derive(Serialize)]
struct Run {
    elements: String,
    bits: String,
    format: String,
    holds: String,
    host: String,
}

impl Port {
    /// A port that the host writes.
    pub fn input(row: &PortRow) -> Port {
        Port::new(row, |quantization| format!("{}, {}", rounds(quantization), overflows(quantization)))
    }

    /// A port that the host reads.
    pub fn output(row: &PortRow) -> Port {
        Port::new(row, |quantization| match quantization.format.lsb {
            0 => "the value is the code".into(),
            lsb => format!("the value is the code × 2{}", superscript(lsb)),
        })
    }

    fn new(row: &PortRow, host: impl Fn(&Quantization) -> String) -> Port {
        let (mut runs, mut start, mut lo) = (Vec::new(), 0, 0);
        for same in row.elements.chunk_by(|a, b| a == b) {
            let quantization = same[0].parse::<Quantization>().ok();
            let width = quantization.map_or(0, |quantization| quantization.format.width) * same.len() as u32;
            runs.push(Run {
                elements: span(start, start + same.len() - 1),
                bits: if width == 0 { "–".into() } else { format!("[{}:{lo}]", lo + width - 1) },
                format: quantization.map_or(same[0].clone(), |quantization| plain(&quantization)),
                holds: quantization.map_or("always 0".into(), |quantization| holds(&quantization)),
                host: quantization.map_or("nothing".into(), |quantization| host(&quantization)),
            });
            start += same.len();
            lo += width;
        }
        let shape = &row.shape;
        Port {
            name: row.name.clone(),
            shape: match shape.as_slice() {
                [] => "1 value".into(),
                [one] => counted(*one as u64, "value"),
                more => more.iter().map(usize::to_string).collect::<Vec<_>>().join(" × "),
            },
            width: counted(u64::from(row.width), "bit"),
            folded: (runs.len() > SHOWN)
                .then(|| format!("{} runs of elements with one format", count(runs.len() as u64))),
            runs,
            chain: row.chain.iter().map(|step| operation(step)).collect(),
            thermometer: row.thermometer.as_ref().map(Thermometer::new),
        }
    }
}

impl Thermometer {
    fn new(row: &ThermometerRow) -> Thermometer {
        let each = row.thresholds.first().map_or(0, Vec::len);
        let rows = row.thresholds.iter().enumerate().map(|(at, thresholds)| Feature {
            feature: at.to_string(),
            elements: span(at * each, (at * each + thresholds.len()).saturating_sub(1)),
            thresholds: thresholds.iter().map(f64::to_string).collect::<Vec<_>>().join(", ").replace('-', "−"),
        });
        let (features, sign) = (counted(row.thresholds.len() as u64, "feature"), &row.comparison);
        Thermometer {
            summary: format!("The host compares each of {features}: a bit is 1 where the feature {sign} its threshold"),
            rows: rows.collect(),
        }
    }
}

fn span(first: usize, last: usize) -> String {
    if first == last { first.to_string() } else { format!("{first}–{last}") }
}

/// The format without what the host does.
fn plain(quantization: &Quantization) -> String {
    let format = quantization.format;
    format!("{}fixed<{},{}>", if format.signed { "" } else { "u" }, format.width, format.integer())
}

/// `−8 to 7.875 by 2⁻³`.
fn holds(quantization: &Quantization) -> String {
    let range = quantization.format.range();
    let value = |code: i128| {
        let value = code as f64 * 2f64.powi(range.exp);
        let short =
            if value.abs() >= 1e6 { format!("{value:.3e}") } else { format!("{}", (value * 1e6).round() / 1e6) };
        short.replace('-', "−")
    };
    format!("{} to {} by 2{}", value(range.lo), value(range.hi), superscript(range.exp))
}

fn superscript(exponent: i32) -> String {
    let raised = |c: char| match c.to_digit(10) {
        Some(digit) => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize],
        None => '⁻',
    };
    exponent.to_string().chars().map(raised).collect()
}

fn rounds(quantization: &Quantization) -> &'static str {
    match quantization.rounding {
        Rounding::Trn => "rounds down (TRN)",
        Rounding::TrnZero => "rounds toward 0 (TRN_ZERO)",
        Rounding::Rnd => "rounds to nearest, ties up (RND)",
        Rounding::RndZero => "rounds to nearest, ties toward 0 (RND_ZERO)",
        Rounding::RndInf => "rounds to nearest, ties away from 0 (RND_INF)",
        Rounding::RndMinInf => "rounds to nearest, ties down (RND_MIN_INF)",
        Rounding::RndConv => "rounds to nearest, ties to even (RND_CONV)",
    }
}

fn overflows(quantization: &Quantization) -> &'static str {
    match quantization.overflow {
        Overflow::Wrap => "drops high bits (WRAP)",
        Overflow::Sat => "saturates (SAT)",
        Overflow::SatZero => "gives 0 beyond the range (SAT_ZERO)",
        Overflow::SatSym => "saturates symmetrically (SAT_SYM)",
    }
}

/// An operation of the float chain, a long list of constants shortened.
fn operation(step: &str) -> String {
    let (name, constants) = step.split_once(' ').unwrap_or((step, ""));
    let what = name.trim_start_matches("float_");
    let list: Vec<&str> = constants.trim_matches(['[', ']']).split(", ").filter(|c| !c.is_empty()).collect();
    match list.as_slice() {
        [] => what.into(),
        [one] => format!("{what} {one}"),
        few if few.len() <= 8 => format!("{what} [{}]", few.join(", ")),
        many => format!("{what} [{}, …] ({} constants, all in report.json)", many[..4].join(", "), many.len()),
    }
}
