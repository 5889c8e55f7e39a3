//! Where things of the picture are: how numbers become pixels.

use super::super::{Report, StageRow};

/// Logic and registers of the largest stage.
const TALL: i32 = 220;
/// Where they begin, below the stage's number and LUTs.
const TOP: i32 = 48;

/// How numbers become pixels.
pub struct Scale {
    /// From stage to stage.
    pub pitch: i32,
    luts: u64,
    registers: u64,
    /// Pixels that even the smallest block has, so that it can be seen.
    least: i32,
    /// The clock's, in ns.
    pub period: f64,
}

impl Scale {
    /// The scale on which the largest stage and registers are as tall as can be.
    pub fn new(report: &Report, pitch: i32) -> Scale {
        let most = |value: fn(&StageRow) -> u64| report.stages.iter().map(value).max().unwrap_or(0).max(1);
        let blocks = most(|row| row.layers.len() as u64) as i32;
        let (luts, registers) = (most(|row| row.luts), most(|row| row.registers));
        Scale { pitch, luts, registers, least: (TALL / (4 * blocks)).clamp(1, 3), period: report.period_ns }
    }

    /// The height of a stage's blocks: together they are as tall as the stage's LUTs.
    pub fn blocks(&self, stage: &StageRow) -> Vec<i32> {
        let room = (TALL - self.least * stage.layers.len() as i32) as f64;
        let height = |luts: u64| self.least + (room * luts as f64 / self.luts as f64) as i32;
        stage.layers.iter().map(|share| height(share.luts)).collect()
    }

    /// The height of the registers that end a stage.
    pub fn register(&self, stage: &StageRow) -> i32 {
        8 + ((TALL - 8) as f64 * stage.registers as f64 / self.registers as f64) as i32
    }

    /// The height of a row, a port at its end included.
    pub fn tall(&self, stages: &[&StageRow]) -> i32 {
        let heights = stages.iter().map(|stage| self.blocks(stage).iter().sum::<i32>().max(self.register(stage)));
        heights.max().unwrap_or(0).max(TALL / 3)
    }
}

/// Where a row of stages is.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its top.
    pub top: i32,
    /// Its logic and registers.
    pub tall: i32,
}

impl Row {
    /// The line that values flow along.
    pub fn middle(self) -> i32 {
        self.top + TOP + self.tall / 2
    }

    /// So far below the logic.
    pub fn text(self, below: i32) -> i32 {
        self.top + TOP + self.tall + below
    }
}
