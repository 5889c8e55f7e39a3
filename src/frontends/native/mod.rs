//! `native`: nanotrig's own format, TOML for the structure and, for large arrays, an `.npz` or `.safetensors` beside it.
//!
//! ```toml
//! format = "nanotrig/1"              # required
//! name = "jet"                       # the file's name if left out
//! weights = "jet.weights.npz"        # arrays called `layer.tensor`; inside the folder of this file
//! outputs = ["relu"]                 # the last layer if left out
//!
//! [[input]]
//! name = "x"                         # required
//! shape = [16]                       # required; without the sample axis
//! format = "fixed<16,6,RND,SAT>"     # or ufixed<..>, integer codes with a scale such as "u8/255", or "bits" of a thermometer
//! # next = "relu"                    # makes it a state: what this layer gave for the event before, in that format; 0 at first
//!
//! [[layer]]
//! name = "dense"                     # required; unique among layers and inputs
//! kind = "dense"                     # required; see `nanotrig list layers`
//! inputs = ["x"]                     # the layer before if left out; the input for the first layer
//! kernel_quantizer = "quantized_bits(6,0,alpha=1)"    # any other key is an attribute of this kind of layer
//! [layer.tensors]                    # nested arrays, or in `weights` as `dense.kernel` and `dense.bias`
//! kernel = [[0.5, -0.25]]
//! bias = [0.0, 1.0]
//!
//! [[layer]]
//! name = "relu"
//! kind = "relu"
//! ```
//!
//! `native.schema.json` says the same to an editor. [`write()`] and this reader are inverse: the network that comes back
//! is equal. `nanotrig import MODEL -o MODEL.toml` writes any network that nanotrig reads in this form.
//!
//! A layer's attributes and tensors are those of its kind; what stands in parentheses may be left out. Shapes have no sample
//! axis, images are height, width, channels, and weights have their outputs last.
//!
//! | kind | attributes | tensors |
//! | --- | --- | --- |
//! | `dense` | (`units`) (`kernel_quantizer`) (`bias_quantizer`) (`activation`) (`product_format`) (`accumulator_format`) | `kernel` [inputs, units], (`bias`), (`scale`): float32, behind a kernel of codes |
//! | `einsum_dense` | `equation`: `abc,cd->abd` with the sample axis, and those of `dense` but `units` | `kernel`, (`bias`) |
//! | `conv2d` | (`filters`) (`kernel_size`) (`strides`) (`padding`: `valid`, `same`, [[before, after], ..]) (`dilation`) (`groups`), and those of `dense` but `units` | `kernel` [height, width, inputs, filters], (`bias`) |
//! | `conv1d` | the same, and `padding` `causal` | `kernel` [length, inputs, filters], (`bias`) |
//! | `conv2d_transpose`, `conv1d_transpose` | the same without `groups` | `kernel` [.., filters, inputs], (`bias`) |
//! | `depthwise_conv2d`, `depthwise_conv1d` | those of `conv2d` but `filters` and `groups` | `kernel` [.., inputs, multiplier], (`bias`) |
//! | `separable_conv2d`, `separable_conv1d` | the same, with `depthwise_quantizer` and `pointwise_quantizer` for `kernel_quantizer`, without formats | `depthwise_kernel` `pointwise_kernel`, (`bias`) |
//! | `embedding` | (`embeddings_quantizer`) | `embeddings` [codes, features] |
//! | `max_pool2d`, `max_pool1d` | `size` (`strides`) (`padding`) | |
//! | `average_pool2d`, `average_pool1d` | the same, and (`count_include_pad`) | |
//! | `scale_shift` | (`scale_quantizer`) (`shift_quantizer`) (`product_format`) | `scale`, (`shift`) |
//! | `batch_norm` | (`epsilon`), a quantizer of gamma, beta, mean, variance and inverse | `mean` `variance` (`gamma`) (`beta`) |
//! | `activation` | `function`: `linear`, `softmax`, one of `nanotrig list functions`, or a quantizer | |
//! | `quantize` | `format`: a quantizer; or (`rounding`) (`overflow`) with tensors | `signed` `integer` `fraction`: bits for all, each channel or each element |
//! | `relu`, `flatten`, `average` | | |
//! | `add`, `subtract`, `multiply`, `divide`, `maximum`, `minimum` | (`constant_first`) | (`constant`), with one input |
//! | `concatenate` | (`axis`) | |
//! | `softmax` | (`axis`), and in hardware `implementation`: `latency`, `stable`, `legacy`, `argmax`, with hls4ml's formats and table sizes: see the layer | |
//! | `prelu` | | `alpha` |
//! | `hls4ml_activation` | `function` (`format`) (`input_format`) (`table_size`) (`table_format`) (`param`) (`param_format`) (`shift`) (`shift_format`) | (`alpha`) |
//! | `layer_norm` | (`axis`) (`epsilon`) and hls4ml's formats and table sizes: see the layer | (`gamma`) (`beta`) |
//! | `argmax` | (`axis`) (`keep_dims`) | |
//! | `top_k` | (`k`) (`axis`) (`output`: `values`, `indices`) | |
//! | `quant` | `low` `high` (`rounding`) | `scale`, (`zero_point`) |
//! | `trunc` | `scale` `out_scale` `shift` (`rounding`) (`low`) (`high`) | |
//! | `multi_threshold` | (`out_scale`) (`out_bias`) | `thresholds` [channels, steps] |
//! | `simple_rnn`, `lstm`, `gru` | (`units`) (`activation`) (`recurrent_activation`) (`return_sequences`) (`go_backwards`) (`stateful`) (`reset_after`), a quantizer of kernel, recurrent kernel, bias and state, formats: see the layer | `kernel` `recurrent_kernel` (`bias`) |
//! | `time_distributed` | `layer`: a kind, and that kind's attributes | that kind's |
//! | `sum`, `mean`, `max`, `min` | `axis`: one, or a list (`keep_dims`) | |
//! | `pad` | `padding`: [[before, after], ..] (`value`) | |
//! | `crop` | `cropping`: [[before, after], ..] | |
//! | `upsample` | `size` (`interpolation`: `nearest`, `bilinear`) | |
//! | `slice` | `starts` `ends` (`steps`), one for each axis | |
//! | `gather` | `indices` (`axis`) | |
//! | `reverse` | `axis` | |
//! | `repeat` | `count` | |
//! | `einsum` | `equation` | |
//! | `matmul` | (`transpose_a`) (`transpose_b`) | |
//! | `dot` | `axes`: one, or one of each input | |
//! | `reshape` | `shape` | |
//! | `transpose` | `perm` | |
//! | `hls4ml_pool` | `op`: `average`, `max`, `accumulator_format` (`size`) (`strides`) (`padding`) (`count_include_pad`) (`pad_value`) | |
//! | `table` | `signed` `integer` `fraction` of its input, `out_fraction` | `values` [codes], or [.., codes]: a table for each element of the input's last axes |
//! | `truth_table` | (`bits` `signed` `fraction` of an input's code: 1, false, 0) (`out_fraction`) | `mapping` [units, k]: the inputs that each unit reads; `tables` [units, 2^(k bits)], the first input lowest in the address |
//! | `thermometer` | (`strict`: true for `>`, false for `>=`) | `thresholds` [features, bits] |
//! | `kan` | (`first`: the code of a table's first entry) (`fraction`) (`out_fraction`) (`activation`) | `tables` [inputs, units, codes] |
//!
//! Every kind also takes `result_format`, the fixed-point format that its result is brought to, as in hls4ml's layers.
//!
//! A quantizer is a call, `quantized_bits(6,0,alpha=1)`, or a format, `fixed<8,3,RND,SAT>`: see `nanotrig list quantizers`.
//! Weights without a quantizer are taken exactly as they are.

mod arrays;
mod read;
mod write;

use super::{Content, FrontEnd, Source};
use crate::error::{Error, Result};
use crate::network::Network;
use crate::registry::Entry;

pub use arrays::Container;
pub use write::{write, write_with};

/// This front end.
pub const FRONTEND: Entry<FrontEnd> =
    Entry { name: "native", doc: "nanotrig/1 TOML", make: FrontEnd { recognise, read, takes_weights: false } };

/// The version that is written and read.
pub const FORMAT: &str = "nanotrig/1";
/// The JSON schema of the format.
pub const SCHEMA: &str = include_str!("native.schema.json");

/// Keys of the document.
const DOCUMENT_KEYS: [&str; 6] = ["format", "name", "weights", "outputs", "input", "layer"];
/// Keys of an input.
const INPUT_KEYS: [&str; 4] = ["name", "shape", "format", "next"];
/// Keys of a layer that are not attributes.
const LAYER_KEYS: [&str; 4] = ["name", "kind", "inputs", "tensors"];

fn recognise(source: &Source) -> bool {
    let Content::Text(text) = &source.content else { return false };
    let value =
        |line: &str| Some(line.trim_start().strip_prefix("format")?.trim_start().strip_prefix('=')?.to_string());
    text.lines()
        .filter_map(value)
        .any(|value| value.trim_start().trim_start_matches(['"', '\'']).starts_with("nanotrig/"))
}

fn read(source: &Source) -> Result<Network> {
    let Content::Text(text) = &source.content else { return Err(Error::bug("TOML that is not text")) };
    read::document(source, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::find;
    use std::collections::BTreeSet;

    #[test]
    fn the_schema_has_the_keys_of_the_reader() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let keys = |pointer: &str| -> BTreeSet<String> {
            schema.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
        };
        let set = |keys: &[&str]| keys.iter().map(|key| key.to_string()).collect::<BTreeSet<_>>();
        assert_eq!(keys("/properties"), set(&DOCUMENT_KEYS));
        assert_eq!(keys("/properties/input/items/properties"), set(&INPUT_KEYS));
        assert_eq!(keys("/properties/layer/items/properties"), set(&LAYER_KEYS));
        assert_eq!(schema.pointer("/properties/format/const").unwrap(), FORMAT);
    }

    #[test]
    fn the_table_above_names_kinds_of_layers() {
        let rows = include_str!("mod.rs").lines().filter_map(|line| line.strip_prefix("//! | `"));
        let kinds: Vec<_> = rows.filter_map(|row| row.split("` |").next()).flat_map(|row| row.split("`, `")).collect();
        assert!(kinds.len() > 15, "{kinds:?}");
        kinds.iter().for_each(|kind| assert!(find("layer", crate::layers::LAYERS, kind).is_ok(), "{kind}"));
        for entry in crate::layers::LAYERS {
            assert!(kinds.contains(&entry.name), "the table lacks `{}`", entry.name);
        }
    }

    #[test]
    fn the_example_above_is_read() {
        let doc = include_str!("mod.rs").lines().skip_while(|line| *line != "//! ```toml").skip(1);
        let toml: Vec<_> =
            doc.take_while(|line| *line != "//! ```").map(|line| line.trim_start_matches("//!")).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jet.toml");
        let without_weights =
            toml.join("\n").replace("weights =", "# weights =").replace("shape = [16]", "shape = [1]");
        std::fs::write(&path, without_weights).unwrap();
        let network = super::super::read(&path, None).unwrap();
        assert_eq!(network.layers[0].attributes["kernel_quantizer"], "quantized_bits(6,0,alpha=1)");
        assert_eq!(network.layers[0].tensors["kernel"].shape, [1, 2]);
        assert_eq!(network.layers[1].inputs, ["dense"]);
        assert_eq!(network.outputs, ["relu"]);
    }
}
