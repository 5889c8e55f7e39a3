//! A trial trained by nanotrig, as the rest of the recipe says.

use crate::error::{At, Result};
use crate::frontends;
use crate::network::Network;
use crate::searches::worker::{Objective, Task};
use crate::searches::{Config, Parameter, Space, apply};
use crate::training::recipe::{Loss, Optimizer};
use crate::training::{Recipe, Split, initialise, standardise, train};
use std::path::{Path, PathBuf};

/// What is trained on what: the recipe without its search, and its folder.
pub struct Training {
    recipe: Recipe,
    folder: PathBuf,
}

/// Early stopping as AutoQKeras has it, after a fifth of the epochs and at most 20; but not below 5, where a loss that is only
/// noisy would end a short trial.
const PATIENCE: [usize; 2] = [5, 20];

impl Training {
    /// Reads the recipe's own part.
    pub fn new(recipe: &toml::Table, folder: &Path) -> Result<Training> {
        Ok(Training { recipe: Recipe::parse(&recipe.to_string())?, folder: folder.to_path_buf() })
    }

    /// Epochs of a trial, where [search] says nothing.
    pub fn epochs(&self) -> u32 {
        self.recipe.epochs as u32
    }

    /// The network that trials are made from: with weights, and the standardisation that the data ask for.
    pub fn base(&self, network: &Network, config: &Config) -> Result<Network> {
        let mut network = match self.recipe.data.standardise {
            Some(fraction) => standardise(network, &self.split()?.train, fraction)?,
            None => network.clone(),
        };
        // A network without quantizers cannot be expanded; any trial's has the same shapes, but for widths.
        let space = Space::new(config, &network, None)?;
        let same = |parameter: &Parameter| parameter.values.iter().position(|value| value == "1").unwrap_or(0);
        let choices: Vec<usize> = space.parameters.iter().map(same).collect();
        let filled = initialise(&apply(&network, &space, &choices)?.network, self.recipe.seed)?;
        for (layer, filled) in network.layers.iter_mut().zip(filled.layers) {
            layer.tensors = filled.tensors;
        }
        Ok(network)
    }

    fn split(&self) -> Result<Split> {
        Split::read(&self.recipe.data, &self.recipe.loss, self.recipe.seed, &self.folder)
    }

    /// The objective. The metric is the accuracy on the validation samples, by the integer evaluator; where there are no
    /// classes, `1 / (1 + loss)`.
    pub fn objective(self) -> Result<Box<Objective<'static>>> {
        let mut split = self.split()?;
        if let Loss::Distillation { teacher: Some(teacher), temperature, .. } = &self.recipe.loss {
            let teacher = frontends::read(&self.folder.join(teacher), None)?;
            split.teach(&teacher, *temperature).at("the teacher")?;
        }
        let recipe = self.recipe;
        Ok(Box::new(move |task: &Task| {
            let epochs = task.epochs as usize;
            let optimizer = Optimizer { rate: recipe.optimizer.rate * task.rate, ..recipe.optimizer.clone() };
            let patience = recipe.patience.or(Some((epochs / 5).clamp(PATIENCE[0], PATIENCE[1])));
            let recipe = Recipe { epochs, seed: task.seed, patience, optimizer, ..recipe.clone() };
            let trained = train(task.network, &split, &recipe, &mut |_| ())?;
            let score = trained.score;
            Ok((score.accuracy.unwrap_or(1.0 / (1.0 + score.loss)), trained.network))
        }))
    }
}
