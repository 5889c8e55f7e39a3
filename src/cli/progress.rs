//! What a long command is doing, on standard error: on a terminal only, and not before it has taken a while.

use indicatif::ProgressBar;
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Shorter commands show nothing.
const PATIENCE: Duration = Duration::from_millis(700);

/// A line with the present step and the time. It is gone when dropped.
pub struct Progress {
    start: Instant,
    bar: RefCell<Option<ProgressBar>>,
}

impl Progress {
    /// Begins to count.
    pub fn new() -> Progress {
        Progress { start: Instant::now(), bar: RefCell::new(None) }
    }

    /// Says what is being done now.
    pub fn step(&self, what: &str) {
        if self.start.elapsed() < PATIENCE {
            return;
        }
        // It draws on a terminal only.
        let mut bar = self.bar.borrow_mut();
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner().with_elapsed(self.start.elapsed());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        bar.set_message(format!("{what} ({} s)", self.start.elapsed().as_secs()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}
