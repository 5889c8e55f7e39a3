//! Images whose pixels come one after another: a convolutional network as a chain of circuits, one for each layer that has
//! windows, with line buffers between them.
//!
//! Each circuit computes what a layer, and the element-wise layers behind it, give at one position: an ordinary circuit, made
//! by the compiler from a network whose input is one window. `hdl/stream/nanotrig_window.v` keeps the lines that windows
//! reach back to; `nanotrig_padded_window.v` adds what lies beside the map, and gives its last windows while no pixel comes or
//! the next map's do. What stands behind `flatten` is a circuit of the whole last map, which is its window. Nothing stalls:
//! a valid bit goes with each window, and the answer leaves a fixed number of clocks after the pixel that completes it.
//!
//! Behind a layer that moves by `s` columns, windows come `s` clocks apart or more, so its circuits may take digits
//! ([`crate::reuse`]).

mod files;
mod plan;
mod window;

pub use files::files;
pub use plan::{Stage, plan};
pub use window::{Fill, Window};

use crate::batch::Batch;
use crate::compiler::{Hardware, Meaning};
use crate::error::Result;
use crate::fixed::Quantization;
use crate::netlist::Simulator;
use crate::port::Port;

/// A stage with its circuit.
pub struct Part {
    /// Its window and layers.
    pub stage: Stage,
    /// What its layers mean.
    pub meaning: Meaning,
    /// Its circuit.
    pub hardware: Hardware,
    /// Clocks from pixel to pixel that come, at least.
    pub pace: u32,
    /// Estimated LUTs, and registers, of the circuit.
    pub cost: [u64; 2],
}

/// A chain of circuits that pixels stream through.
pub struct Chain {
    /// The network's name.
    pub name: String,
    /// The circuits, in the order of the data.
    pub parts: Vec<Part>,
    /// Clocks from pixel to pixel, at least.
    pub interval: u32,
}

impl Part {
    /// The elements of a pixel that comes.
    pub fn pixel(&self) -> &[Quantization] {
        &self.hardware.netlist.inputs[0].elements[..self.stage.window.channels]
    }

    /// The codes of a pixel beside the map.
    pub fn beside(&self) -> Vec<i128> {
        let code = |element: &Quantization| match self.stage.window.fill {
            Fill::Zero => 0,
            Fill::Least => element.format.range().lo,
        };
        self.pixel().iter().map(code).collect()
    }

    /// Bits of a pixel that comes.
    pub fn bits(&self) -> u32 {
        self.pixel().iter().map(|element| element.format.width).sum()
    }
}

impl Chain {
    /// Pixels of an image.
    pub fn pixels(&self) -> usize {
        self.parts[0].stage.window.pixels()
    }

    /// The pixel of an image that completes the answer: what the last window's last pixel was made of.
    pub fn due(&self) -> usize {
        self.completed().0
    }

    /// Clocks from that pixel to the answer: those of each stage.
    pub fn latency(&self) -> u32 {
        self.cycles().iter().sum()
    }

    /// Clocks of each stage: its window and circuit, and the wait for pixels below its map.
    pub fn cycles(&self) -> Vec<u32> {
        let waits = self.completed().1;
        self.parts.iter().zip(waits).map(|(part, wait)| 1 + part.hardware.netlist.latency + wait).collect()
    }

    /// The pixel that completes the answer, and the clocks that each stage waits for pixels below its map.
    fn completed(&self) -> (usize, Vec<u32>) {
        let (mut number, mut waits) = (0, Vec::new());
        for part in self.parts.iter().rev() {
            let (end, last) = (part.stage.window.end(number), part.stage.window.pixels() - 1);
            waits.push(end.saturating_sub(last) as u32 * part.pace);
            number = end.min(last);
        }
        waits.reverse();
        (number, waits)
    }

    /// The port that pixels come to.
    pub fn input(&self) -> Port {
        let part = &self.parts[0];
        let port = &part.hardware.netlist.inputs[0];
        Port {
            name: port.name.clone(),
            shape: vec![part.stage.window.channels],
            elements: part.pixel().to_vec(),
            state: false,
        }
    }

    /// The answers to images, by the circuits on all windows.
    ///
    /// # Errors
    /// A circuit that cannot be simulated.
    pub fn run(&self, images: &Batch) -> Result<Batch> {
        let mut maps = images.clone();
        for part in &self.parts {
            let windows = part.stage.window.gather(&maps, &part.beside());
            let answers = Simulator::new(&part.hardware.netlist).run(&windows);
            let positions = part.stage.window.positions;
            maps = Batch { columns: answers.columns * positions[0] * positions[1], data: answers.data };
        }
        Ok(maps)
    }
}
