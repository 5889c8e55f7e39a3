//! What can go wrong: the user's mistakes (exit status 2) and our own bugs (exit status 3), kept apart.
//!
//! An [`Error`] says where (`place`, outermost first: file, layer, field), what is wrong, and what to do about it.

use std::fmt;

/// The result type of everything that reads what a user wrote.
pub type Result<T> = std::result::Result<T, Error>;

/// Whose mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The input, the options or the environment: status 2.
    User,
    /// nanotrig itself: status 3.
    Bug,
}

/// One diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Whose mistake it is.
    pub kind: Kind,
    /// Where, outermost first: file, layer, field.
    pub place: Vec<String>,
    /// What was found and what was expected, in one sentence.
    pub what: String,
    /// What to do about it.
    pub help: String,
}

impl Error {
    /// A mistake of the user's: what was found, and what to do about it.
    pub fn user(what: impl Into<String>, help: impl Into<String>) -> Error {
        Error { kind: Kind::User, place: Vec::new(), what: what.into(), help: help.into() }
    }

    /// An invariant of ours that does not hold.
    pub fn bug(what: impl Into<String>) -> Error {
        let help = "this is a bug in nanotrig; please report it with the model and the command line";
        Error { kind: Kind::Bug, place: Vec::new(), what: what.into(), help: help.into() }
    }

    /// The same error, seen from one level further out.
    pub fn at(mut self, place: impl Into<String>) -> Error {
        self.place.insert(0, place.into());
        self
    }

    /// The process's exit status for this error.
    pub fn status(&self) -> u8 {
        match self.kind {
            Kind::User => 2,
            Kind::Bug => 3,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind == Kind::Bug { "internal error" } else { "error" };
        write!(f, "{kind}: ")?;
        for place in &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}\n  help: {}", self.what, self.help)
    }
}

impl std::error::Error for Error {}

/// Adds a place to the error of a result.
pub trait At<T> {
    /// The same result; an error is seen from one level further out.
    fn at(self, place: impl Into<String>) -> Result<T>;
}

impl<T> At<T> for Result<T> {
    fn at(self, place: impl Into<String>) -> Result<T> {
        self.map_err(|error| error.at(place))
    }
}
