//! The page of a training: how losses and accuracy went, and the front of accuracy and cost.

use crate::backends::page;
use crate::error::Result;
use serde::Serialize;

/// A picture's width and height, in pixels.
const SIZE: [f64; 2] = [1000.0, 260.0];
/// Room for the numbers at its sides.
const MARGIN: f64 = 60.0;

/// A picture of curves on one scale.
pub struct Plot<'a> {
    /// What is up.
    pub title: &'a str,
    /// What goes to the right.
    pub axis: &'a str,
    /// The curves.
    pub curves: Vec<Curve<'a>>,
}

/// A quantity over another.
pub struct Curve<'a> {
    /// Its name.
    pub name: &'a str,
    /// Points, from left to right.
    pub points: Vec<[f64; 2]>,
}

#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    name: &'a str,
    summary: &'a str,
    width: u32,
    height: u32,
    margin: u32,
    pictures: Vec<Picture<'a>>,
}

#[derive(Serialize)]
struct Picture<'a> {
    title: &'a str,
    axis: &'a str,
    /// The numbers at the ends of both axes.
    left: String,
    right: String,
    low: String,
    high: String,
    lines: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    colour: usize,
    last: String,
    points: String,
    dots: Vec<[String; 2]>,
}

/// The page.
///
/// # Errors
/// None in practice.
pub fn html(name: &str, summary: &str, plots: &[Plot]) -> Result<String> {
    let style = include_str!("../../templates/report.css");
    let [width, height, margin] = [SIZE[0], SIZE[1], MARGIN].map(|side| side as u32);
    let pictures = plots.iter().map(picture).collect();
    let seen = Page { style, name, summary, width, height, margin, pictures };
    page(include_str!("../../templates/training.html"), &seen)
}

fn picture<'a>(plot: &'a Plot) -> Picture<'a> {
    let range = |axis: usize| {
        let all = plot.curves.iter().flat_map(|curve| &curve.points).map(|point| point[axis]);
        all.filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let ((left, right), (low, high)) = (range(0), range(1));
    let share = |value: f64, from: f64, to: f64| (value - from) / (to - from).max(f64::MIN_POSITIVE);
    let place = |[x, y]: [f64; 2]| {
        let x = MARGIN + (SIZE[0] - 2.0 * MARGIN) * share(x, left, right);
        let y = SIZE[1] - 40.0 - (SIZE[1] - 60.0) * share(y, low, high);
        [format!("{x:.1}"), format!("{y:.1}")]
    };
    let line = |(colour, curve): (usize, &'a Curve)| {
        let finite = curve.points.iter().filter(|point| point.iter().all(|value| value.is_finite()));
        let dots: Vec<[String; 2]> = finite.map(|point| place(*point)).collect();
        let points = dots.iter().map(|dot| dot.join(",")).collect::<Vec<_>>().join(" ");
        let last = curve.points.last().map_or(String::new(), |point| number(point[1]));
        // A long curve is a line.
        let dots = if dots.len() > 24 { Vec::new() } else { dots };
        Line { name: curve.name, colour, last, points, dots }
    };
    let [left, right, low, high] = [left, right, low, high].map(number);
    let lines = plot.curves.iter().enumerate().map(line).collect();
    Picture { title: plot.title, axis: plot.axis, left, right, low, high, lines }
}

/// With as many decimals as make sense.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.4}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_become_lines_with_dots() {
        let points = vec![[0.0, 1.0], [1.0, 0.5], [2.0, f64::NAN], [4.0, 0.25]];
        let plot = Plot { title: "loss", axis: "epoch", curves: vec![Curve { name: "a < b", points }] };
        let page = html("net", "trained", &[plot]).expect("it renders");
        for part in [
            "viewBox=\"0 0 1000 260\"",
            "points=\"60.0,20.0 280.0,153.3 940.0,220.0\"",
            "cx=\"280.0\" cy=\"153.3\"",
            "a &lt; b",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
    }
}
