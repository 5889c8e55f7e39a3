//! What the program says. A reader that has gone away, as in `nanotrig list layers | head -1`, is no mistake: what is left
//! to say is not said, and the exit status is what it would have been.

use crate::error::{Error, Result};
use std::fmt::Display;
use std::io::{ErrorKind, Write};

/// Writes a line to standard output.
///
/// # Errors
/// It cannot be written, on a full disk for example.
pub fn line(text: impl Display) -> Result<()> {
    self::text(format_args!("{text}\n"))
}

/// Writes to standard output.
///
/// # Errors
/// It cannot be written, on a full disk for example.
pub fn text(text: impl Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let what = format!("standard output cannot be written: {error}");
            Err(Error::user(what, "see where it goes: a file on a full disk, for example"))
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error. Where even that cannot be written, there is nobody to tell.
pub fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
