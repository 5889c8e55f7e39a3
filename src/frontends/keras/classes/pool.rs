//! Pooling.

use super::super::super::json::{field, optional, sizes, string};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::Class;
use super::conv::plain;
use crate::error::{Error, Result};

/// This family.
pub const CLASSES: &[Class] = &[("MaxPooling2D", max_pool2d)];

fn max_pool2d(b: &mut Builder, node: &Node) -> Result<()> {
    plain(&node.config)?;
    let pool = field(&node.config, "pool_size", sizes)?;
    let strides = optional(&node.config, "strides", sizes)?.unwrap_or_else(|| pool.clone());
    let padding = optional(&node.config, "padding", string)?.unwrap_or("valid");
    if strides != pool || padding != "valid" {
        let what = format!("has strides {strides:?} and padding `{padding}`");
        return Err(Error::user(what, "pooling is supported with strides equal to the pool size and valid padding"));
    }
    let layer = b.layer(node, "max_pool2d").with("size", pool);
    b.push(layer);
    Ok(())
}
