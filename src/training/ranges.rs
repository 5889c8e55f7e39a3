//! Integer bits that follow the data instead of a gradient: those of learned formats that wrap.
//!
//! Training only rounds such values. Their integer bits are those that the greatest number of a batch needs, and where they are more
//! they shrink by a hundredth of a bit with every step, as in HGQ2 (its `i_decay_speed`). A network that is written has the bits
//! that all samples need which training has seen, and no number of these wraps.

use super::parameters::Parameters;
use crate::error::Result;
use crate::quantizers::learned::trained;
use tch::Tensor;

/// Bits a step.
pub const DECAY: f64 = 0.01;

/// Takes over what a pass has found: the greatest numbers of formats, with their layers. All formats are done together.
///
/// # Errors
/// A layer has no integer bits.
pub fn follow(parameters: &Parameters, greatest: &[(String, Tensor)], decay: f64) -> Result<()> {
    if greatest.is_empty() {
        return Ok(());
    }
    let _guard = tch::no_grad_guard();
    let own = |tensor: &str| {
        let one = |(layer, _): &(String, Tensor)| Ok(parameters.get(layer, tensor)?.own.data());
        greatest.iter().map(one).collect::<Result<Vec<Tensor>>>()
    };
    let flat = |parts: &[Tensor]| Tensor::cat(&parts.iter().map(|part| part.reshape([-1])).collect::<Vec<Tensor>>(), 0);
    let (mut integers, fractions) = (own("integer")?, own("fraction")?);
    let found: Vec<Tensor> = greatest.iter().map(|(_, found)| found.shallow_clone()).collect();
    let next = (flat(&integers) - decay).maximum(&trained::needed(&flat(&found), &flat(&fractions)));
    let counts: Vec<i64> = integers.iter().map(|own| own.numel() as i64).collect();
    for (own, next) in integers.iter_mut().zip(next.split_with_sizes(counts.as_slice(), 0)) {
        own.copy_(&next.view_as(own));
    }
    Ok(())
}
