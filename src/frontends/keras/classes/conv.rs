//! Convolutions.

use super::super::super::json::{field, optional, size, sizes, string};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::Class;
use super::config::mismatch;
use super::core::{kernel_and_bias, push_activated};
use crate::error::{Error, Result};
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[("Conv2D", conv2d), ("QConv2D", conv2d)];

fn conv2d(b: &mut Builder, node: &Node) -> Result<()> {
    plain(&node.config)?;
    let strides = optional(&node.config, "strides", sizes)?.unwrap_or_else(|| vec![1, 1]);
    let padding = optional(&node.config, "padding", string)?.unwrap_or("valid");
    let layer = b.layer(node, "conv2d").with("strides", strides).with("padding", padding);
    let layer = kernel_and_bias(b, node, layer, "filters")?;
    let shape = &layer.tensors["kernel"].shape;
    let window = field(&node.config, "kernel_size", sizes)?;
    if shape.len() != 4 || shape[..2] != window[..] {
        return Err(mismatch("kernel", shape, &format!("four axes that start with {window:?} (`kernel_size`)")));
    }
    push_activated(b, node, layer)
}

/// Channels last, no groups, no dilation.
pub fn plain(config: &Value) -> Result<()> {
    let format = optional(config, "data_format", string)?.unwrap_or("channels_last");
    let groups = optional(config, "groups", size)?.unwrap_or(1);
    let dilation = optional(config, "dilation_rate", sizes)?.unwrap_or_default();
    if format != "channels_last" || groups != 1 || dilation.iter().any(|rate| *rate != 1) {
        let what = format!("has data_format `{format}`, {groups} groups and dilation {dilation:?}");
        return Err(Error::user(what, "only channels_last without groups or dilation is supported"));
    }
    Ok(())
}
