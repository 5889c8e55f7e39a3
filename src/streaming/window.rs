//! Windows of a map whose pixels come one after another.

use crate::batch::Batch;
use crate::error::Result;
use crate::layers::{Movement, Padding, Windows};

/// What a pixel beside the map is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// The number 0.
    Zero,
    /// The least number of the pixels' format, so that no maximum is changed: each window has a pixel of the map.
    Least,
}

/// Windows of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the map.
    pub map: [usize; 2],
    /// Channels of a pixel.
    pub channels: usize,
    /// Rows and columns of a window.
    pub size: [usize; 2],
    /// Rows and columns from window to window.
    pub strides: [usize; 2],
    /// Rows above the map, and columns to the left of it, that windows reach to.
    pub before: [usize; 2],
    /// Rows of windows, and windows of a row.
    pub positions: [usize; 2],
    /// What lies beside the map.
    pub fill: Fill,
}

impl Window {
    /// One window at every position, or the whole map as one.
    pub fn plain(map: [usize; 2], channels: usize, size: [usize; 2]) -> Window {
        let positions = [0, 1].map(|axis| map[axis] + 1 - size[axis]);
        Window { map, channels, size, strides: [1, 1], before: [0, 0], positions, fill: Fill::Zero }
    }

    /// The same map with windows of a size that move by strides.
    ///
    /// # Errors
    /// The map is smaller than a window.
    pub fn moved(self, size: [usize; 2], strides: [usize; 2], padding: Padding, fill: Fill) -> Result<Window> {
        let movement = Movement { strides: strides.to_vec(), dilation: vec![1; 2], padding };
        let windows = Windows::new(&self.map, &size, &movement)?;
        let (counts, before) = (windows.counts(), windows.before());
        let (positions, before) = ([counts[0], counts[1]], [before[0], before[1]]);
        Ok(Window { size, strides, positions, before, fill, ..self })
    }

    /// Rows below the map, and columns to the right of it, that windows reach to.
    pub fn after(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let end = (self.positions[axis] - 1) * self.strides[axis] + self.size[axis];
            end.saturating_sub(self.before[axis] + self.map[axis])
        })
    }

    /// Whether windows reach beyond the map.
    pub fn padded(&self) -> bool {
        self.before != [0, 0] || self.after() != [0, 0]
    }

    /// Pixels of the map.
    pub fn pixels(&self) -> usize {
        self.map[0] * self.map[1]
    }

    /// The pixel that completes the window of a number, counted as if the rows of the map went on below it, one behind another.
    pub fn end(&self, number: usize) -> usize {
        let position = [number / self.positions[1], number % self.positions[1]];
        let [row, column] =
            [0, 1].map(|axis| position[axis] * self.strides[axis] + self.size[axis] - 1 - self.before[axis]);
        row * self.map[1] + column
    }

    /// Pixels below the map that its last windows wait for.
    pub fn late(&self) -> usize {
        (self.end(self.positions[0] * self.positions[1] - 1) + 1).saturating_sub(self.pixels())
    }

    /// Pixels from one window to the next at least, also where that is of the next map.
    pub fn apart(&self) -> usize {
        let [rows, columns] = self.positions;
        let along = (columns - 1) * self.strides[1];
        let down = (rows - 1) * self.strides[0] * self.map[1];
        let mut apart = self.pixels() - down - along;
        if columns > 1 {
            apart = apart.min(self.strides[1]);
        }
        if rows > 1 {
            apart = apart.min(self.strides[0] * self.map[1] - along);
        }
        apart
    }

    /// Pixels that are kept: from a window's first to its last, of two maps where one's last windows leave in the next.
    pub fn kept(&self) -> usize {
        ((self.size[0] - 1) * self.map[1] + self.size[1]) * if self.late() > 0 { 2 } else { 1 }
    }

    /// A row for each window of each map, in order; `beside` are the codes of a pixel beside the map.
    pub fn gather(&self, maps: &Batch, beside: &[i128]) -> Batch {
        let [rows, columns] = self.positions;
        let mut windows = Batch::new(self.size[0] * self.size[1] * self.channels);
        let inside = |at: usize, axis: usize| at.checked_sub(self.before[axis]).filter(|at| *at < self.map[axis]);
        for map in 0..maps.rows() {
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                for (line, place) in
                    (0..self.size[0]).flat_map(|line| (0..self.size[1]).map(move |place| (line, place)))
                {
                    let at = inside(row * self.strides[0] + line, 0).zip(inside(column * self.strides[1] + place, 1));
                    windows.data.extend_from_slice(match at {
                        Some((row, column)) => {
                            let from = (row * self.map[1] + column) * self.channels;
                            &maps.row(map)[from..from + self.channels]
                        }
                        None => beside,
                    });
                }
            }
        }
        windows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_apart_as_their_last_pixels_are() {
        let paddings = [Padding::Valid, Padding::Same, Padding::Explicit(vec![[1, 0], [0, 1]])];
        let mut count = 0;
        for map in (2..6).flat_map(|rows| (2..7).map(move |columns| [rows, columns])) {
            for size in (1..=map[0]).flat_map(|rows| (1..=map[1]).map(move |columns| [rows, columns])) {
                for strides in (1..=size[0]).flat_map(|rows| (1..=size[1]).map(move |columns| [rows, columns])) {
                    for padding in &paddings {
                        let window = Window::plain(map, 1, size).moved(size, strides, padding.clone(), Fill::Zero);
                        let window = window.expect("no larger than the map");
                        if (0..2).any(|axis| window.before[axis] + window.after()[axis] >= size[axis]) {
                            continue;
                        }
                        let mut ends: Vec<usize> =
                            (0..window.positions[0] * window.positions[1]).map(|number| window.end(number)).collect();
                        // The first one of the next map.
                        ends.push(window.end(0) + window.pixels());
                        let apart = ends.windows(2).map(|pair| pair[1] - pair[0]).min();
                        assert_eq!(Some(window.apart()), apart, "{window:?}");
                        assert!(window.late() < window.pixels() && window.late() <= window.end(0), "{window:?}");
                        count += 1;
                    }
                }
            }
        }
        assert!(count > 3000, "{count}");
    }
}
