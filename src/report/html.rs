//! The report as one HTML page that needs nothing else.

use super::Report;
use crate::error::Result;

impl Report {
    /// The text of `report.html`.
    ///
    /// # Errors
    /// None in practice.
    pub fn html(&self) -> Result<String> {
        Ok(format!("<!doctype html><title>{}</title>", self.name))
    }
}
