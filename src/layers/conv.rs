//! `conv2d` and `conv1d`: windows of the input, gathered, and one matrix product with the kernel for each group; and their
//! transposes.
//!
//! `y[h, w, o] = activation(sum over i, j, c of x[h*sh + i*dh - top, w*sw + j*dw - left, c] * kernel[i, j, c, o] + bias[o])`,
//! with zeros outside. `same` padding keeps `ceil(size / stride)` positions and puts the odd zero behind, as in TensorFlow.
//! With `groups`, output `o` reads the input channels of its group only, and the kernel has as many. A transposed
//! convolution has Keras' kernel `[height, width, outputs, inputs]`.

use super::attributes::{attributes, one, required, tensors};
use super::product::{Product, Weights, check_rank};
use super::windows::{Movement, Padding, Windows, image, lengths};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id};
use serde::Deserialize;
use serde_json::Value;

/// Over images.
pub const CONV2D: Entry<Make> =
    Entry { name: "conv2d", doc: "2-d convolution of [height, width, channels]", make: |layer| make(layer, 2, false) };
/// Over sequences.
pub const CONV1D: Entry<Make> =
    Entry { name: "conv1d", doc: "1-d convolution of [steps, channels]", make: |layer| make(layer, 1, false) };
/// Over images, transposed.
pub const CONV2D_TRANSPOSE: Entry<Make> = Entry {
    name: "conv2d_transpose",
    doc: "transposed 2-d convolution of [height, width, channels]",
    make: |layer| make(layer, 2, true),
};
/// Over sequences, transposed.
pub const CONV1D_TRANSPOSE: Entry<Make> = Entry {
    name: "conv1d_transpose",
    doc: "transposed 1-d convolution of [steps, channels]",
    make: |layer| make(layer, 1, true),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    filters: Option<usize>,
    kernel_size: Option<Vec<usize>>,
    strides: Option<Vec<usize>>,
    padding: Option<Value>,
    dilation: Option<Vec<usize>>,
    #[serde(default = "single")]
    groups: usize,
    kernel_quantizer: Option<String>,
    bias_quantizer: Option<String>,
    activation: Option<String>,
    product_format: Option<String>,
    accumulator_format: Option<String>,
}

fn single() -> usize {
    1
}

struct Conv {
    movement: Movement,
    transposed: bool,
    groups: usize,
    product: Product,
}

fn make(layer: &network::Layer, axes: usize, transposed: bool) -> Result<Box<dyn Layer>> {
    let attributes: Attributes = attributes(layer)?;
    let Attributes {
        filters,
        kernel_size,
        strides,
        padding,
        dilation,
        groups,
        kernel_quantizer,
        bias_quantizer,
        activation,
        product_format,
        accumulator_format,
    } = attributes;
    let strides = lengths("strides", strides, axes, &[])?;
    let dilation = lengths("dilation", dilation, axes, &[])?;
    let movement = Movement { strides, dilation, padding: Padding::read(padding.as_ref(), axes)? };
    let weights = Weights { kernel_quantizer, bias_quantizer, activation, product_format, accumulator_format };
    let product = match transposed {
        false => Product::new(layer, weights, axes + 2)?,
        true => turned(layer, weights, axes)?,
    };
    let outputs = product.outputs();
    if kernel_size.is_some_and(|size| size != product.kernel_shape()[..axes]) {
        let what = format!("`kernel_size` does not suit the kernel of shape {:?}", product.kernel_shape());
        return Err(Error::user(what, "the kernel's first axes are its size"));
    }
    if filters.is_some_and(|filters| filters != outputs) {
        let what = format!("`filters` does not suit the kernel of shape {:?}", product.kernel_shape());
        return Err(Error::user(what, "the kernel's last axis is the filters"));
    }
    if groups == 0 || outputs % groups != 0 || (transposed && groups > 1) {
        let help = if transposed { "a transposed convolution has no groups" } else { "groups divide the filters" };
        return Err(Error::user(format!("`groups` is {groups}, and there are {outputs} filters"), help));
    }
    Ok(Box::new(Conv { movement, transposed, groups, product }))
}

/// The product of a transposed convolution: its kernel has the outputs before the inputs.
fn turned(layer: &network::Layer, weights: Weights, axes: usize) -> Result<Product> {
    let mut found = tensors(layer, &["kernel"], &["bias"])?.into_iter();
    let (kernel, bias) = (required(found.next().flatten())?, found.next().flatten());
    check_rank(&layer.kind, &kernel, axes + 2)?;
    let (outputs, inputs) = (kernel.shape[axes], kernel.shape[axes + 1]);
    let taps = kernel.data.len() / (outputs * inputs);
    let mut shape = kernel.shape.clone();
    shape.swap(axes, axes + 1);
    let columns = |n: usize| (0..outputs).map(move |o| (n / inputs * outputs + o) * inputs + n % inputs);
    let elements: Vec<usize> = (0..taps * inputs).flat_map(columns).collect();
    let product = Product::of(kernel, bias, weights)?;
    if product.scales() > 1 {
        let what = "the kernel of a transposed convolution has a scale per input";
        return Err(Error::user(what, "use a quantizer with alpha=1 or 'auto_po2'"));
    }
    let product = product.rearranged(shape, &elements);
    product.check_bias()?;
    Ok(product)
}

impl Layer for Conv {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = g.coded(one(x)?)?;
        let axes = self.movement.strides.len();
        let (lengths, channels) = image(g.shape(x), axes)?;
        let kernel = self.product.kernel_shape();
        let own = kernel[axes];
        if Some(channels) != own.checked_mul(self.groups) {
            let what = format!("the input has {channels} channels, and the kernel takes {own}");
            let what = if self.groups > 1 { format!("{what} in each of {} groups", self.groups) } else { what };
            return Err(Error::user(what, "images are height, width, channels; transpose them if they are not"));
        }
        let windows = match self.transposed {
            true => Windows::transposed(lengths, &kernel[..axes], &self.movement)?,
            false => Windows::new(lengths, &kernel[..axes], &self.movement)?,
        };
        let mut group = |group: usize| windows.gather(g, x, group * own..(group + 1) * own);
        if self.groups == 1 {
            let x = group(0)?;
            return self.product.expand(g, x);
        }
        let groups: Vec<Id> = (0..self.groups).map(group).collect::<Result<_>>()?;
        self.product.grouped(g, &groups)
    }
}
