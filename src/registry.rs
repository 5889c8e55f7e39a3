//! Open sets: a static list of entries, each with a name, one line of documentation, and what it makes.

use crate::error::{Error, Result};

/// One member of an open set.
pub struct Entry<T: 'static> {
    /// The name on the command line and in files.
    pub name: &'static str,
    /// One line for `nanotrig list`.
    pub doc: &'static str,
    /// What the set is made of.
    pub make: T,
}

/// Finds a member by name.
///
/// # Errors
/// An unknown name is answered with the known ones; `set` is the singular word for a member (`layer`, `pass`).
pub fn find<T>(set: &str, entries: &'static [Entry<T>], name: &str) -> Result<&'static Entry<T>> {
    entries.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let known: Vec<_> = entries.iter().map(|entry| entry.name).collect();
        Error::user(format!("no {set} is called `{name}`"), format!("known: {}", known.join(", ")))
    })
}

/// Name and documentation of each member, in the order of the list.
pub fn list<T>(entries: &'static [Entry<T>]) -> Vec<(&'static str, &'static str)> {
    entries.iter().map(|entry| (entry.name, entry.doc)).collect()
}
