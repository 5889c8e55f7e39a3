//! What a long command is doing, on standard error: on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// A line with the present step and the time since the start. It is gone when dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// Begins to count, and shows nothing before the first step: what is said before stays readable.
    pub fn new() -> Progress {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        Progress(bar)
    }

    /// Says what is being done now.
    pub fn step(&self, what: &str) {
        self.0.set_message(what.to_string());
        self.0.enable_steady_tick(Duration::from_millis(200));
    }

    /// Writes something on the terminal above the line.
    #[cfg(feature = "train")]
    pub fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
