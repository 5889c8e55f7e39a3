//! Front ends: a file becomes a [`Network`]. Each is one file here and one line in [`FRONTENDS`].
//!
//! A file is recognised by its content, not by its name. A front end names layers as the file does, maps foreign
//! layers to kinds of ours and foreign quantizers to call strings, and interprets nothing else. Shapes never have the
//! sample axis. What it returns has passed [`Network::validate`].

pub mod dwn;
pub mod kanele;
pub mod hgq;
mod json;
pub mod keras;
pub mod native;
pub mod neutral;
pub mod onnx;

use crate::arrays::npz;
use crate::error::{At, Error, Result};
use crate::files;
use crate::network::Network;
use crate::registry::Entry;
use std::path::{Path, PathBuf};

/// A file as far as it can be understood without a front end.
#[derive(Debug)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// A second file with the weights, if the user named one.
    pub weights: Option<PathBuf>,
    /// What is in it.
    pub content: Content,
}

/// The container of a file.
#[derive(Debug)]
pub enum Content {
    /// A JSON document, gzip'd or not.
    Json(serde_json::Value),
    /// HDF5.
    Hdf5(Vec<u8>),
    /// A zip archive, such as `.npz`.
    Zip(Vec<u8>),
    /// Any other UTF-8 text.
    Text(String),
    /// Anything else.
    Other(Vec<u8>),
}

/// One way to read a network.
pub struct FrontEnd {
    /// Does the content look like this front end's?
    pub recognise: fn(&Source) -> bool,
    /// Reads it.
    pub read: fn(&Source) -> Result<Network>,
    /// Does it take a second file with weights?
    pub takes_weights: bool,
}

/// All front ends, in the order in which they are asked.
pub const FRONTENDS: &[Entry<FrontEnd>] = &[
    native::FRONTEND,
    keras::FRONTEND,
    hgq::FRONTEND,
    dwn::FRONTEND,
    kanele::FRONTEND,
    neutral::FRONTEND,
    onnx::FRONTEND,
];

/// Reads a network with the front end that recognises the file.
///
/// # Errors
/// The file or its weights cannot be read, are not understood, or are not a sound network.
pub fn read(path: &Path, weights: Option<&Path>) -> Result<Network> {
    let source = Source::open(path, weights)?;
    understand(&source).at(path.display().to_string())
}

/// Understands a file that has been opened.
///
/// # Errors
/// As [`read`], without the file's name as the place.
pub fn understand(source: &Source) -> Result<Network> {
    let frontend = recognise(source)?;
    if source.weights.is_some() && !frontend.make.takes_weights {
        let help = "leave out the option for weights; this format holds or names its own";
        return Err(Error::user(format!("{} takes no file of weights", frontend.doc), help));
    }
    let network = (frontend.make.read)(source)?;
    network.validate()?;
    Ok(network)
}

/// The front end for a file.
fn recognise(source: &Source) -> Result<&'static Entry<FrontEnd>> {
    FRONTENDS.iter().find(|entry| (entry.make.recognise)(source)).ok_or_else(|| {
        let known: Vec<_> = FRONTENDS.iter().map(|entry| format!("{} ({})", entry.name, entry.doc)).collect();
        let what = format!("is not a network that nanotrig knows; it is {}", source.content.describe());
        Error::user(what, format!("known: {}", known.join("; ")))
    })
}

impl Source {
    /// Reads a file and finds out what container it is.
    ///
    /// # Errors
    /// It cannot be read, is too large, or is broken JSON or gzip.
    pub fn open(path: &Path, weights: Option<&Path>) -> Result<Source> {
        // A model that is a folder: its tables are what is read first.
        let inside = path.join(kanele::TABLES);
        let path = if inside.is_file() { &inside } else { path };
        files::read(path).and_then(|bytes| Source::new(path, weights, bytes).at(path.display().to_string()))
    }

    /// Finds out what container a file's bytes are; the file itself is not opened.
    ///
    /// # Errors
    /// The bytes are broken JSON or gzip, or there are none.
    pub fn new(path: &Path, weights: Option<&Path>, bytes: Vec<u8>) -> Result<Source> {
        let content = Content::of(bytes)?;
        Ok(Source { path: path.to_path_buf(), weights: weights.map(Path::to_path_buf), content })
    }

    /// The file's name without its extensions, as a name for the network.
    fn stem(&self) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy().to_string()).unwrap_or_default();
        name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("network").to_string()
    }
}

impl Content {
    fn of(bytes: Vec<u8>) -> Result<Content> {
        if bytes.is_empty() {
            return Err(Error::user("is empty", "the file may not have been fetched; fetch or write it again"));
        }
        let bytes = if files::is_gzip(&bytes) { files::gunzip(&bytes)? } else { bytes };
        if keras::is_hdf5(&bytes) {
            return Ok(Content::Hdf5(bytes));
        }
        if npz::is_zip(&bytes) {
            return Ok(Content::Zip(bytes));
        }
        if let Some(b'{') = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            return json::parse(&bytes).map(Content::Json);
        }
        Ok(String::from_utf8(bytes).map_or_else(|error| Content::Other(error.into_bytes()), Content::Text))
    }

    fn describe(&self) -> String {
        match self {
            Content::Json(value) => {
                let keys = value.as_object().map(|object| object.keys().take(8).cloned().collect::<Vec<_>>());
                format!("JSON with the keys {}", keys.unwrap_or_default().join(", "))
            }
            Content::Hdf5(_) => "HDF5 without a network".into(),
            Content::Zip(bytes) => {
                let files = npz::Npz::open(bytes).map(|npz| npz.files().take(8).collect::<Vec<_>>().join(", "));
                format!("a zip with {}", files.as_deref().unwrap_or("a broken directory"))
            }
            Content::Text(_) => "text, neither JSON nor TOML with a `format`".into(),
            Content::Other(_) => "neither text nor a known container".into(),
        }
    }
}
