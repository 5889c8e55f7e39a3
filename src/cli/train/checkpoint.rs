//! The checkpoint of an unfinished run: an `.npz` beside its output folder.

use crate::arrays::npz::{self, Npz};
use crate::error::Result;
use crate::files;
use crate::network::Tensor;
use crate::training::Checkpoint;
use std::path::{Path, PathBuf};

/// Where a checkpoint is kept.
pub struct Kept {
    /// The file.
    pub path: PathBuf,
    /// The recipe's text, as numbers: another recipe begins anew.
    recipe: Tensor,
}

impl Kept {
    /// The checkpoint of an output folder.
    pub fn new(output: &Path, recipe: &str) -> Kept {
        let mut name = output.file_name().unwrap_or_default().to_os_string();
        name.push(".checkpoint.npz");
        let recipe = Tensor::vector(recipe.bytes().map(f64::from).collect());
        Kept { path: output.with_file_name(name), recipe }
    }

    /// The checkpoint, if there is one of the same recipe.
    pub fn read(&self) -> Option<Checkpoint> {
        let bytes = files::read(&self.path).ok()?;
        let npz = Npz::open(&bytes).ok()?;
        let array = |key: &&str| Some((key.to_string(), npz.get(key).ok()?.tensor().ok()?));
        let mut arrays: Checkpoint = npz.keys().iter().map(array).collect::<Option<_>>()?;
        (arrays.remove("recipe")? == self.recipe).then_some(arrays)
    }

    /// Writes it, in place of the one before.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, checkpoint: &Checkpoint) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            // What refuses here refuses the file too, and says more.
            let _ = std::fs::create_dir_all(folder);
        }
        let arrays = checkpoint.iter().map(|(name, array)| (name.as_str(), array));
        files::replace(&self.path, &npz::format(arrays.chain([("recipe", &self.recipe)]))?)
    }

    /// Removes it: the run is finished.
    pub fn remove(&self) {
        // One that stays is in nobody's way.
        let _ = std::fs::remove_file(&self.path);
    }
}
