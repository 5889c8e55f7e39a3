//! Random kernels to begin with, and how far weights may go from there.
//!
//! Kernels are uniform in `+-sqrt(6 / (inputs + outputs))` of all taps (Glorot and Bengio 2010), as Keras has them. A fixed-point
//! quantizer whose step is too coarse for these would make all of them 0, and nothing would ever be learned behind them:
//! as in QKeras' `QInitializer`, where half its step exceeds their standard deviation they become wider, by the root
//! of `max(q) / rms(x)` where all are 0, else of `sum(q q) / sum(q x)`.

use super::{Quantizer, Role};
use crate::error::Result;
use crate::network::Tensor;
use crate::random::Random;

/// A kernel `[taps .., inputs, outputs]` for a quantizer, of float32 numbers.
///
/// # Errors
/// The quantizer has no use for weights.
pub fn kernel(shape: &[usize], quantizer: Option<&dyn Quantizer>, random: &mut Random) -> Result<Tensor> {
    let (outer, inner) = shape.split_at(shape.len().saturating_sub(2));
    let fan = outer.iter().product::<usize>() * inner.iter().sum::<usize>();
    let bound = (6.0 / fan.max(1) as f64).sqrt();
    let float = |x: f64| f64::from(x as f32);
    let data = (0..shape.iter().product()).map(|_| float((2.0 * random.unit() - 1.0) * bound)).collect();
    let mut kernel = Tensor { shape: shape.to_vec(), data };
    if let Some(quantizer) = quantizer {
        let wider = wider(&kernel, quantizer)?;
        let limit = quantizer.limit().map_or(f64::INFINITY, f64::from);
        kernel.data.iter_mut().for_each(|x| *x = float(*x * wider).clamp(-limit, limit));
    }
    Ok(kernel)
}

/// The factor that makes a kernel wide enough for its quantizer; 1 where it is.
fn wider(kernel: &Tensor, quantizer: &dyn Quantizer) -> Result<f64> {
    let Some((format, _)) = quantizer.format(Role::Kernel) else { return Ok(1.0) };
    let square = kernel.data.iter().map(|x| x * x).sum::<f64>() / kernel.data.len().max(1) as f64;
    if 2f64.powi(format.format.lsb - 1) <= square.sqrt() || square == 0.0 {
        return Ok(1.0);
    }
    let codes = quantizer.parameter(kernel, Role::Kernel)?.codes;
    let q = |e: usize| codes[e].to_f64().unwrap_or(0.0);
    let sum = |of: &dyn Fn(usize) -> f64| (0..codes.len()).map(of).sum::<f64>();
    let (with_q, with_x) = (sum(&|e| q(e) * q(e)), sum(&|e| q(e) * kernel.data[e]));
    let most = format.format.range().high().to_f64().unwrap_or(1.0) + 2f64.powi(format.format.lsb);
    let variance = if with_q == 0.0 { most / square.sqrt() } else { with_q / with_x };
    Ok(variance.max(1.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantizers::parse;

    /// The share of a kernel that is not 0 once it is quantized, and its greatest number.
    fn drawn(quantizer: &str) -> (f64, f64) {
        let quantizer = parse(quantizer).unwrap();
        let kernel = kernel(&[64, 32], Some(&*quantizer), &mut Random::new(1)).unwrap();
        let codes = quantizer.parameter(&kernel, Role::Kernel).unwrap().codes;
        let some = codes.iter().filter(|code| !code.is_zero()).count();
        (some as f64 / codes.len() as f64, kernel.data.iter().fold(0.0, |most, x| most.max(x.abs())))
    }

    #[test]
    fn a_coarse_step_makes_a_kernel_wider() {
        // Half a step is 1/64, the bound sqrt(6/96) = 1/4: as Keras draws it.
        let (some, most) = drawn("quantized_bits(6,0,alpha=1)");
        assert!(some > 0.9 && most <= 0.25, "{some}, {most}");
        // Steps of 1: all would be 0. Now sqrt(2 / 0.144) times the bound.
        let (some, most) = drawn("quantized_bits(2,1,1,alpha=1.0)");
        assert!((0.4..0.55).contains(&some) && (0.9..0.95).contains(&most), "{some}, {most}");
        // Steps of 1/2, some of which are reached.
        let (some, _) = drawn("quantized_bits(3,1,alpha=1)");
        assert!(some > 0.4, "{some}");
    }
}
