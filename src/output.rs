//! Output folders: written beside their place and moved there whole, or not at all: an interrupt leaves nothing behind.

use crate::error::{Error, Result};
use crate::temporary::{Folder, uninterrupted};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file that says that a folder is ours.
const MARK: &str = "report.json";

/// An output folder being written. Dropping it without [`Output::finish`] leaves nothing behind.
pub struct Output {
    place: PathBuf,
    work: Folder,
}

fn system(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::user(
        format!("cannot {what} {}: {error}", path.display()),
        "check the path, its rights, and the disk's space",
    )
}

/// The folder that holds a path.
fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// A hidden folder to write in, removed when dropped.
fn work(parent: &Path) -> Result<Folder> {
    let work = Folder::new_in(parent);
    // The error's own text names a random file.
    work.map_err(|error| system("write in", parent, &io::Error::from(error.kind())))
}

impl Output {
    /// Could a folder be at `place`? Leaves nothing behind, so that it can be asked before the work.
    ///
    /// # Errors
    /// The place is taken by something that nanotrig did not write, or cannot be written to.
    pub fn check(place: &Path) -> Result<()> {
        if place.exists() {
            let empty = || place.read_dir().is_ok_and(|mut entries| entries.next().is_none());
            let ours = || fs::read_to_string(place.join(MARK)).is_ok_and(|text| text.contains("\"nanotrig\""));
            if !place.is_dir() || !(empty() || ours()) {
                let what = format!("{} exists and was not written by nanotrig", place.display());
                return Err(Error::user(what, "choose another output folder, or remove it"));
            }
        }
        let mut above = parent(place);
        while !above.exists() {
            above = parent(&above);
        }
        work(&above).map(drop)
    }

    /// Begins a folder that will be at `place`; makes the folders above it.
    ///
    /// # Errors
    /// Those of [`Output::check`].
    pub fn begin(place: &Path) -> Result<Output> {
        Output::check(place)?;
        let parent = parent(place);
        fs::create_dir_all(&parent).map_err(|error| system("make the folder", &parent, &error))?;
        Ok(Output { place: place.to_path_buf(), work: work(&parent)? })
    }

    /// Where a file of the folder is being written; its folders are made.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn path(&self, file: &str) -> Result<PathBuf> {
        let path = self.work.path().join(file);
        if let Some(folder) = path.parent() {
            uninterrupted(|| fs::create_dir_all(folder)).map_err(|error| system("make the folder", folder, &error))?;
        }
        Ok(path)
    }

    /// Where the folder is while it is written.
    pub fn folder(&self) -> &Path {
        self.work.path()
    }

    /// Writes a file of the folder.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, file: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(file)?;
        uninterrupted(|| fs::write(&path, bytes)).map_err(|error| system("write", &path, &error))
    }

    /// Puts the folder in its place, instead of an earlier one.
    ///
    /// # Errors
    /// The disk refuses; the earlier folder is then still there.
    pub fn finish(self) -> Result<()> {
        // A folder that others may read, unlike a temporary one.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let rights = fs::Permissions::from_mode(0o755);
            fs::set_permissions(self.work.path(), rights).map_err(|error| system("open", self.work.path(), &error))?;
        }
        let Output { place, work } = self;
        work.persist(&place).map_err(|error| system("move the result to", &place, &error))
    }
}
