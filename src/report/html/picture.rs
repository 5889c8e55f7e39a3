//! The picture of the pipeline: stages from left to right, in rows of a few, each between two registers.

use super::super::{PortRow, Report, StageRow};
use super::COLOURS;
use super::scale::{Row, Scale};
use super::text::{count, counted, fit, percent};
use serde::Serialize;

/// The picture's width.
const WIDTH: i32 = 1080;
/// Room for a port on either side.
const SIDE: i32 = 100;
/// A port's width.
const PORT: i32 = 80;
/// Stages in a row.
const ROW: usize = 8;
/// Stages drawn; more are said in words.
const MOST: usize = 48;
/// Room for a row's text below them.
const BELOW: i32 = 84;
/// A register's width.
const BAR: i32 = 8;

/// Everything that `templates/picture.svg` prints, in pixels.
#[derive(Serialize, Default)]
pub struct Picture {
    width: i32,
    height: i32,
    title: String,
    about: String,
    rects: Vec<Rect>,
    texts: Vec<Text>,
}

#[derive(Serialize)]
struct Rect {
    x: i32,
    y: i32,
    width: i32,
    height: i32,
    class: String,
    title: String,
}

#[derive(Serialize)]
struct Text {
    x: i32,
    y: i32,
    class: &'static str,
    text: String,
}

/// Draws a report.
pub fn picture(report: &Report) -> Picture {
    let ports_only = |row: &&StageRow| row.stage == 0 && row.layers.is_empty() && report.stages.len() > 1;
    let all: Vec<&StageRow> = report.stages.iter().collect();
    // Before the input registers there is no logic to draw.
    let before = all.iter().take_while(|row| ports_only(row)).count();
    let stages = &all[before..];
    let drawn = stages.len().min(MOST);
    let per_row = drawn.div_ceil(drawn.div_ceil(ROW).max(1)).max(1);
    let pitch = ((WIDTH - 2 * SIDE) / per_row as i32).min(190);
    let rows = drawn.div_ceil(per_row).max(1);
    let mut picture = Picture {
        width: 2 * SIDE + pitch * per_row as i32,
        title: format!("Pipeline of {}", report.name),
        about: about(report, stages.len()),
        ..Picture::default()
    };
    let scale = Scale::new(report, pitch);
    for (row, chunk) in stages[..drawn].chunks(per_row).enumerate() {
        let held = if row == 0 { &all[..before + chunk.len()] } else { chunk };
        let y = Row { top: picture.height, tall: scale.tall(held) };
        picture.height = y.text(BELOW);
        let end = SIDE + pitch * chunk.len() as i32;
        let (first, last) = (row == 0, row + 1 == rows);
        picture.bus(if first { PORT } else { SIDE - 30 }, if last { end + SIDE - PORT } else { end + 30 }, y);
        picture.captions(y);
        if first {
            picture.port(0, y, &report.inputs, "in");
            all[..before].iter().for_each(|stage| picture.register(SIDE, y, stage, &scale));
        }
        for (column, stage) in chunk.iter().enumerate() {
            picture.stage(SIDE + pitch * column as i32, y, stage, report, &scale);
        }
        if last && drawn == stages.len() {
            picture.port(end + SIDE - PORT, y, &report.outputs, "out");
        } else if last {
            picture.text(end + 34, y.middle() + 4, "small start", format!("{} more", stages.len() - drawn));
        }
    }
    picture
}

fn about(report: &Report, stages: usize) -> String {
    format!(
        "{} from input to output in {}; a block's height is a layer's LUTs in the stage, a register's its bits.",
        counted(stages as u64, "stage"),
        counted(u64::from(report.latency_cycles), "cycle"),
    )
}

impl Picture {
    fn rect(&mut self, place: [i32; 4], class: impl Into<String>, title: String) {
        let [x, y, width, height] = place;
        self.rects.push(Rect { x, y, width, height, class: class.into(), title });
    }

    fn text(&mut self, x: i32, y: i32, class: &'static str, text: String) {
        self.texts.push(Text { x, y, class, text });
    }

    /// The line that values flow along.
    fn bus(&mut self, from: i32, to: i32, y: Row) {
        self.rect([from, y.middle() - 1, to - from, 2], "bus", String::new());
    }

    /// What the lines of text under a row are.
    fn captions(&mut self, y: Row) {
        self.text(0, y.text(18), "small start", "registers".into());
        self.text(0, y.text(44), "small start", "delay".into());
    }

    fn port(&mut self, x: i32, y: Row, ports: &[PortRow], kind: &str) {
        let bits = ports.iter().map(|port| u64::from(port.width)).sum();
        let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
        let name = match names.as_slice() {
            [one] => fit(one, PORT - 6),
            _ => format!("{} ports", names.len()),
        };
        let (top, centre) = (y.middle() - 34, x + PORT / 2);
        self.rect([x + 1, top, PORT - 2, 68], "port", names.join(", "));
        self.text(centre, top + 19, "small", kind.into());
        self.text(centre, top + 37, "name", name);
        self.text(centre, top + 55, "small", counted(bits, "bit"));
    }

    /// The registers that end a stage, centred at `x`.
    fn register(&mut self, x: i32, y: Row, stage: &StageRow, scale: &Scale) {
        let height = scale.register(stage);
        let bits = counted(stage.registers, "bit");
        let title = format!("registers at the end of stage {}: {bits}", stage.stage);
        self.rect([x - BAR / 2, y.middle() - height / 2, BAR, height], "register", title);
        self.text(x, y.text(18), "small", count(stage.registers));
    }

    fn stage(&mut self, left: i32, y: Row, stage: &StageRow, report: &Report, scale: &Scale) {
        let (x, width) = (left + 16, scale.pitch - 32);
        let centre = left + scale.pitch / 2;
        self.text(centre, y.top + 16, "name", format!("stage {}", stage.stage));
        self.text(centre, y.top + 33, "small", format!("{} LUT", count(stage.luts)));
        let heights = scale.blocks(stage);
        let mut top = y.middle() - heights.iter().sum::<i32>() / 2;
        for (share, height) in stage.layers.iter().zip(heights) {
            let colour = report.layers.iter().position(|row| row.name == share.name).unwrap_or(0) % COLOURS;
            let luts = format!("{} LUT", count(share.luts));
            self.rect([x, top, width, height], format!("block c{colour}"), format!("{}: {luts}", share.name));
            let baseline = top + height / 2 + 4;
            let two = height >= 34;
            if height >= 15 {
                self.text(centre, baseline - if two { 7 } else { 0 }, "ink", fit(&share.name, width - 4));
            }
            if two {
                self.text(centre, baseline + 8, "ink thin", luts);
            }
            top += height;
        }
        self.delay(x, y.text(36), width, stage, scale);
        self.register(left + scale.pitch, y, stage, scale);
    }

    /// The stage's delay as a part of the period.
    fn delay(&mut self, x: i32, y: i32, width: i32, stage: &StageRow, scale: &Scale) {
        let part = percent(stage.delay_ns, scale.period);
        let title = format!("{:.3} ns, {part:.1} % of the period", stage.delay_ns);
        let full = (f64::from(width) * part.min(100.0) / 100.0) as i32;
        self.rect([x, y, width, 8], "track", title.clone());
        self.rect([x, y, full, 8], "delay", title);
        self.text(x + width / 2, y + 24, "small", format!("{:.2} ns", stage.delay_ns));
    }
}
