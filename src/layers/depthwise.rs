//! `depthwise_conv2d`, `depthwise_conv1d`: each channel is convolved with kernels of its own; `separable_conv2d`,
//! `separable_conv1d`: that, and a convolution of windows of one pixel behind it.
//!
//! Output channel `c * multiplier + m` reads channel `c` through `kernel[.., c, m]`.

use super::attributes::{attributes, one, required, tensors};
use super::product::{Product, Weights, check_rank};
use super::windows::{Movement, Padding, Windows, image, lengths};
use super::{Layer, Make};
use crate::error::{At, Error, Result};
use crate::network::{self, Tensor};
use crate::registry::Entry;
use crate::tensor::{Builder, Id};
use serde::Deserialize;
use serde_json::Value;

/// Over images.
pub const DEPTHWISE_CONV2D: Entry<Make> = Entry {
    name: "depthwise_conv2d",
    doc: "2-d convolution of each channel of [height, width, channels]",
    make: |layer| make(layer, 2),
};
/// Over sequences.
pub const DEPTHWISE_CONV1D: Entry<Make> = Entry {
    name: "depthwise_conv1d",
    doc: "1-d convolution of each channel of [steps, channels]",
    make: |layer| make(layer, 1),
};
/// Over images, and pointwise.
pub const SEPARABLE_CONV2D: Entry<Make> = Entry {
    name: "separable_conv2d",
    doc: "a depthwise 2-d convolution, and one of single pixels",
    make: |layer| make_separable(layer, 2),
};
/// Over sequences, and pointwise.
pub const SEPARABLE_CONV1D: Entry<Make> = Entry {
    name: "separable_conv1d",
    doc: "a depthwise 1-d convolution, and one of single steps",
    make: |layer| make_separable(layer, 1),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    kernel_size: Option<Vec<usize>>,
    strides: Option<Vec<usize>>,
    padding: Option<Value>,
    dilation: Option<Vec<usize>>,
    kernel_quantizer: Option<String>,
    bias_quantizer: Option<String>,
    activation: Option<String>,
    product_format: Option<String>,
    accumulator_format: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Separable {
    filters: Option<usize>,
    kernel_size: Option<Vec<usize>>,
    strides: Option<Vec<usize>>,
    padding: Option<Value>,
    dilation: Option<Vec<usize>>,
    depthwise_quantizer: Option<String>,
    pointwise_quantizer: Option<String>,
    bias_quantizer: Option<String>,
    activation: Option<String>,
}

struct Depthwise {
    movement: Movement,
    product: Product,
    pointwise: Option<Product>,
}

fn make(layer: &network::Layer, axes: usize) -> Result<Box<dyn Layer>> {
    let Attributes {
        kernel_size,
        strides,
        padding,
        dilation,
        kernel_quantizer,
        bias_quantizer,
        activation,
        product_format,
        accumulator_format,
    } = attributes(layer)?;
    let movement = movement(strides, dilation, padding, axes)?;
    let weights = Weights { kernel_quantizer, bias_quantizer, activation, product_format, accumulator_format };
    let mut found = tensors(layer, &["kernel"], &["bias"])?.into_iter();
    let (kernel, bias) = (required(found.next().flatten())?, found.next().flatten());
    let product = depthwise(layer, kernel, bias, weights, axes)?;
    check_size(&product, kernel_size.as_deref(), axes)?;
    product.check_bias()?;
    Ok(Box::new(Depthwise { movement, product, pointwise: None }))
}

fn make_separable(layer: &network::Layer, axes: usize) -> Result<Box<dyn Layer>> {
    let Separable {
        filters,
        kernel_size,
        strides,
        padding,
        dilation,
        depthwise_quantizer,
        pointwise_quantizer,
        bias_quantizer,
        activation,
    } = attributes(layer)?;
    let movement = movement(strides, dilation, padding, axes)?;
    let mut found = tensors(layer, &["depthwise_kernel", "pointwise_kernel"], &["bias"])?.into_iter();
    let (kernel, points) = (required(found.next().flatten())?, required(found.next().flatten())?);
    let weights = Weights { kernel_quantizer: depthwise_quantizer, ..Weights::default() };
    let product = depthwise(layer, kernel, None, weights, axes).at("`depthwise_kernel`")?.named("depthwise_kernel");
    check_size(&product, kernel_size.as_deref(), axes).at("`depthwise_kernel`")?;
    check_rank(&layer.kind, &points, axes + 2).at("`pointwise_kernel`")?;
    let mut expected = vec![1; axes];
    expected.extend([product.outputs(), points.shape[axes + 1]]);
    if points.shape != expected || filters.is_some_and(|filters| Some(&filters) != points.shape.last()) {
        let what = format!("the pointwise kernel has shape {:?}", points.shape);
        return Err(Error::user(what, format!("its shape is {expected:?}, the filters last")));
    }
    let kernel_quantizer = pointwise_quantizer;
    let weights = Weights { kernel_quantizer, bias_quantizer, activation, ..Weights::default() };
    let pointwise = Product::of(points, found.next().flatten(), weights)?.named("pointwise_kernel");
    pointwise.check_bias()?;
    Ok(Box::new(Depthwise { movement, product, pointwise: Some(pointwise) }))
}

fn movement(
    strides: Option<Vec<usize>>,
    dilation: Option<Vec<usize>>,
    padding: Option<Value>,
    axes: usize,
) -> Result<Movement> {
    let (strides, dilation) = (lengths("strides", strides, axes, &[])?, lengths("dilation", dilation, axes, &[])?);
    Ok(Movement { strides, dilation, padding: Padding::read(padding.as_ref(), axes)? })
}

/// The product of all channels: `[k.., channels, multiplier]` as `[k.., 1, channels * multiplier]`.
fn depthwise(
    layer: &network::Layer,
    kernel: Tensor,
    bias: Option<Tensor>,
    weights: Weights,
    axes: usize,
) -> Result<Product> {
    check_rank(&layer.kind, &kernel, axes + 2)?;
    let mut shape = kernel.shape[..axes].to_vec();
    shape.extend([1, kernel.shape[axes] * kernel.shape[axes + 1]]);
    let elements: Vec<usize> = (0..kernel.data.len()).collect();
    Ok(Product::of(kernel, bias, weights)?.rearranged(shape, &elements))
}

/// Is a size that the layer names the kernel's?
fn check_size(product: &Product, size: Option<&[usize]>, axes: usize) -> Result<()> {
    if size.is_none_or(|size| *size == product.kernel_shape()[..axes]) {
        return Ok(());
    }
    let what = format!("`kernel_size` does not suit a kernel of {:?}", &product.kernel_shape()[..axes]);
    Err(Error::user(what, "the kernel's first axes are its size"))
}

impl Layer for Depthwise {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = g.coded(one(x)?)?;
        let axes = self.movement.strides.len();
        let (lengths, channels) = image(g.shape(x), axes)?;
        let (size, outputs) = (&self.product.kernel_shape()[..axes], self.product.outputs());
        if channels == 0 || outputs % channels != 0 {
            let what = format!("the input has {channels} channels, which do not divide the kernel's {outputs} outputs");
            return Err(Error::user(what, "a depthwise kernel's last axes are the channels and the multiplier"));
        }
        let windows = Windows::new(lengths, size, &self.movement)?;
        let groups: Vec<Id> =
            (0..channels).map(|channel| windows.gather(g, x, channel..channel + 1)).collect::<Result<_>>()?;
        let y = self.product.grouped(g, &groups)?;
        self.pointwise.as_ref().map_or(Ok(y), |pointwise| pointwise.expand(g, y))
    }
}
