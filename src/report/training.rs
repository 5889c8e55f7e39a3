//! The page of a training: how losses and accuracy went, epoch by epoch.

use crate::backends::page;
use crate::error::Result;
use serde::Serialize;

/// A picture's width and height, in pixels.
const SIZE: [f64; 2] = [1000.0, 260.0];
/// Room for the numbers at its sides.
const MARGIN: f64 = 60.0;

/// A quantity over the epochs.
pub struct Curve<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value in each epoch.
    pub values: Vec<f64>,
}

#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    name: &'a str,
    summary: &'a str,
    width: f64,
    height: f64,
    margin: f64,
    epochs: usize,
    pictures: Vec<Picture<'a>>,
}

#[derive(Serialize)]
struct Picture<'a> {
    title: &'a str,
    high: String,
    low: String,
    lines: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    colour: usize,
    last: String,
    points: String,
}

/// One page of pictures, each with curves on one scale.
///
/// # Errors
/// None in practice.
pub fn html(name: &str, summary: &str, pictures: &[(&str, Vec<Curve>)]) -> Result<String> {
    let epochs = pictures.iter().flat_map(|(_, curves)| curves).map(|curve| curve.values.len()).max().unwrap_or(0);
    let pictures = pictures.iter().map(|(title, curves)| picture(title, curves)).collect();
    let style = include_str!("../../templates/report.css");
    let [width, height] = SIZE;
    let seen = Page { style, name, summary, width, height, margin: MARGIN, epochs, pictures };
    page(include_str!("../../templates/training.html"), &seen)
}

fn picture<'a>(title: &'a str, curves: &'a [Curve]) -> Picture<'a> {
    let all = || curves.iter().flat_map(|curve| &curve.values).copied().filter(|value| value.is_finite());
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let line = |(index, curve): (usize, &'a Curve)| {
        let point = |(at, value): (usize, &f64)| {
            let last = curve.values.len().saturating_sub(1).max(1) as f64;
            let x = MARGIN + (SIZE[0] - 2.0 * MARGIN) * at as f64 / last;
            let y = SIZE[1] - 20.0 - (SIZE[1] - 40.0) * (value - low) / (high - low).max(f64::MIN_POSITIVE);
            format!("{x:.1},{y:.1}")
        };
        let points: Vec<String> = curve.values.iter().enumerate().filter(|(_, v)| v.is_finite()).map(point).collect();
        let last = curve.values.last().map_or(String::new(), |value| format!("{value:.4}"));
        Line { name: curve.name, colour: index, last, points: points.join(" ") }
    };
    let lines = curves.iter().enumerate().map(line).collect();
    Picture { title, high: format!("{high:.4}"), low: format!("{low:.4}"), lines }
}
