//! Temporary folders that are gone when dropped, and when the program is interrupted (Ctrl-C) or asked to end (`kill`).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// The folders that are there now. Whoever holds the lock cannot be interrupted.
static LIVE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn live() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on an interrupt removes all folders, then ends the program with status 130, as shells do.
pub fn remove_on_interrupt() {
    let ended = ctrlc::set_handler(|| {
        // Locked until the end: nobody makes a folder, or a file in a new one, any more.
        let live = live();
        for folder in live.iter() {
            // A file that is being written may come back while its folder goes.
            (0..3).for_each(|_| _ = fs::remove_dir_all(folder));
        }
        std::process::exit(130);
    });
    // Without a handler an interrupt ends the program all the same, and leaves its folders.
    _ = ended;
}

/// Does something that an interrupt must not cut in two, such as a folder made or moved.
pub fn uninterrupted<T>(work: impl FnOnce() -> T) -> T {
    let _held = live();
    work()
}

/// A temporary folder.
pub struct Folder(Option<TempDir>);

impl Folder {
    /// A folder in another one.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn new_in(parent: &Path) -> io::Result<Folder> {
        let mut live = live();
        let folder = tempfile::Builder::new().prefix(".nanotrig-").tempdir_in(parent)?;
        live.insert(folder.path().to_path_buf());
        Ok(Folder(Some(folder)))
    }

    /// A folder where the system keeps temporary ones.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn new() -> io::Result<Folder> {
        Folder::new_in(&std::env::temp_dir())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.as_ref().map_or(Path::new(""), TempDir::path)
    }

    /// Moves it to a place where it stays, instead of what was there.
    ///
    /// # Errors
    /// The disk refuses; what was there is then still there, and the folder is gone.
    pub fn persist(mut self, place: &Path) -> io::Result<()> {
        let mut live = live();
        let Some(folder) = self.0.take() else { return Ok(()) };
        live.remove(folder.path());
        let old = folder.path().with_extension("old");
        if place.exists() {
            fs::rename(place, &old)?;
        }
        if let Err(error) = fs::rename(folder.path(), place) {
            _ = fs::rename(&old, place);
            return Err(error);
        }
        _ = folder.keep();
        if old.exists() { fs::remove_dir_all(&old) } else { Ok(()) }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(folder) = self.0.take() {
            let path = folder.path().to_path_buf();
            drop(folder);
            live().remove(&path);
        }
    }
}
