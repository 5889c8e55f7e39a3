//! Block search: layers are quantized a group at a time, so that `n` choices in `b` blocks cost `n b` trials and not `n^b`.
//!
//! Source: `AutoQKerasScheduler`. Blocks come in the order of the file, or the dearest first by their share of the reference's
//! cost; each gets its share of the trials, at least 10. A block's winner is the network that the next one begins with.

use super::config::{Config, Schedule};
use super::space::pattern;
use crate::error::{At, Error, Result};
use crate::network::Network;

/// A search of one block, or of the whole network.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The block's pattern; empty for the whole network.
    pub block: String,
    /// Its layers; all, if `None`.
    pub layers: Option<Vec<String>>,
    /// How many trials it may have.
    pub max_trials: u64,
}

/// The searches, in order. `shares` are the layers' costs in the reference, and their sum is `total`.
///
/// # Errors
/// A pattern is none, or fits no layer.
pub fn stages(config: &Config, network: &Network, shares: &[(String, f64)], total: f64) -> Result<Vec<Stage>> {
    if config.blocks.is_empty() {
        return Ok(vec![Stage { block: String::new(), layers: None, max_trials: config.max_trials }]);
    }
    let mut blocks = Vec::new();
    for text in &config.blocks {
        let block = pattern(text, true).at("`blocks`")?;
        let own = network.layers.iter().map(|layer| layer.name.clone()).filter(|name| block.is_match(name));
        let layers: Vec<String> = own.collect();
        if layers.is_empty() {
            return Err(
                Error::user(format!("the block `{text}` fits no layer"), "correct it, or strike it out").at("`blocks`")
            );
        }
        let cost: f64 = shares.iter().filter(|(name, _)| layers.contains(name)).map(|(_, cost)| cost).sum();
        blocks.push((text.clone(), layers, cost));
    }
    if config.schedule_block == Schedule::Cost {
        blocks.sort_by(|(.., a), (.., b)| b.total_cmp(a));
    }
    let stage = |(block, layers, cost): (String, Vec<String>, f64)| {
        let share = (config.max_trials as f64 * cost / total) as u64;
        Stage { block, layers: Some(layers), max_trials: share.max(10) }
    };
    Ok(blocks.into_iter().map(stage).collect())
}
