//! Mistakes in linear and structural layers.

use super::*;

#[test]
fn mistakes_in_linear_layers_are_explained() {
    let kernel = ("kernel", &[2usize, 1][..], &[1.0, 2.0][..]);
    let cases: Vec<(network::Layer, &str, &str)> = vec![
        (layer("conv1d", json!({"padding": "full"}), &[]), "`padding` is \"full\"", "\"causal\""),
        (layer("conv2d", json!({"padding": "causal"}), &[]), "`padding` is \"causal\"", "each of 2 axes"),
        (
            layer("conv1d", json!({"groups": 2}), &[("kernel", &[1, 1, 3], &[1.0; 3])]),
            "`groups` is 2",
            "divide the filters",
        ),
        (
            layer("depthwise_conv1d", json!({"kernel_size": [2]}), &[("kernel", &[1, 1, 1], &[1.0])]),
            "`kernel_size` does not suit a kernel of [1]",
            "first axes",
        ),
        (
            layer("dense", json!({"accumulator_format": "fixed<8>"}), &[kernel]),
            "`fixed<8>` is no fixed-point format",
            "fixed<W,I>",
        ),
        (
            layer(
                "dense",
                json!({"accumulator_format": "fixed<8,4>", "kernel_quantizer": "binary(alpha=0.3)"}),
                &[kernel],
            ),
            "scale that is no power of two",
            "alpha=1",
        ),
        (layer("einsum_dense", json!({"equation": "ab->a"}), &[kernel]), "does not suit", "abc,cd->abd"),
        (
            layer("einsum_dense", json!({"equation": "ab,bc->ac"}), &[kernel, ("bias", &[2], &[1.0; 2])]),
            "the bias has shape [2]",
            "broadcasts",
        ),
        (layer("einsum_dense", json!({"equation": "ab,cd->acd"}), &[kernel]), "summed by itself", "`sum` layer"),
        (
            layer("embedding", json!({}), &[("embeddings", &[2], &[1.0; 2])]),
            "the embeddings have shape [2]",
            "[codes, features]",
        ),
        (layer("slice", json!({"starts": [2], "ends": [2]}), &[]), "is empty", "correct starts"),
        (layer("slice", json!({"starts": [0, 0], "ends": [1, 1]}), &[]), "input of 1 axes", "one of each"),
        (layer("gather", json!({"indices": [2]}), &[]), "no element 2", "from -1"),
        (layer("crop", json!({"cropping": [[1, 1]]}), &[]), "takes all of an axis of 2", "fewer"),
        (layer("pad", json!({"padding": [[0, 1], [1, 0]]}), &[]), "2 pairs, and the input 1 axes", "may be left out"),
        (layer("subtract", json!({}), &[]), "has 1 inputs, and takes two", "give it two"),
        (layer("divide", json!({}), &[]), "a division of two inputs", "reciprocal"),
        (layer("divide", json!({}), &[("constant", &[1], &[0.0])]), "a division by zero", "other than 0"),
        (
            layer("divide", json!({"constant_first": true}), &[("constant", &[1], &[1.0])]),
            "a constant divided by the input",
            "reciprocal",
        ),
        (layer("add", json!({"constant_first": true}), &[]), "without a constant", "`constant`"),
        (layer("add", json!({}), &[("constant", &[3], &[1.0; 3])]), "do not broadcast", "axes equal"),
        (layer("matmul", json!({}), &[]), "has 1 inputs", "two inputs"),
        (layer("repeat", json!({"count": 0}), &[]), "is empty", "at least one"),
        (layer("repeat", json!({"count": 4_000_000_000u64}), &[]), "too large", "elements"),
    ];
    for (layer, what, help) in cases {
        let kind = layer.kind.clone();
        let error = alone(layer, &[2]).err().unwrap_or_else(|| panic!("{kind} ({what}) expands"));
        assert!(error.what.contains(what) && error.help.contains(help), "{kind}: {error}");
        assert_eq!(error.place.first().map(String::as_str), Some("layer `l`"), "{error}");
    }
}

#[test]
fn operations_are_limited() {
    let layer = layer("dense", json!({}), &[("kernel", &[2, 3], &[1.0; 6])]);
    let input = Input { name: "x".into(), shape: vec![2], format: None, next: None };
    let network = Network { name: "test".into(), inputs: vec![input], outputs: vec!["l".into()], layers: vec![layer] };
    let limited = |most: usize| expand(&network, &Options { max_operations: Some(most), ..Options::default() });
    assert!(limited(6).is_ok());
    let error = limited(5).expect_err("six products");
    assert!(error.what.contains("layer `l` has the most, 6"), "{error}");
    assert_eq!(error.place, ["layer `l`"]);
}
