//! `--precision` as a library: what hls4ml itself does not compute is refused, with the reason.

use nanotrig::error::{Kind, Result};
use nanotrig::network::{Input, Layer, Network, Tensor};
use nanotrig::precision::{Precision, apply};

const DEFAULT: &str = "Model: {Precision: {default: \"fixed<12,4>\"}, Strategy: Latency}";

fn network(shape: &[usize], layers: Vec<Layer>) -> Network {
    let outputs = layers.last().map(|layer| layer.name.clone()).into_iter().collect();
    let inputs = vec![Input { name: "x".into(), shape: shape.to_vec(), format: None, next: None }];
    Network { name: "n".into(), inputs, layers, outputs }
}

fn layer(name: &str, kind: &str, input: &str) -> Layer {
    Layer::new(name, kind, vec![input.to_string()])
}

fn ones(shape: &[usize]) -> Tensor {
    Tensor { shape: shape.to_vec(), data: vec![1.0; shape.iter().product()] }
}

fn applied(network: &Network, text: &str) -> Result<Network> {
    apply(network, &Precision::parse(text).unwrap())
}

fn depthwise(multiplier: usize) -> Layer {
    layer("d", "depthwise_conv1d", "x").with_tensor("kernel", ones(&[2, 3, multiplier]))
}

fn lstm() -> Layer {
    layer("l", "lstm", "x").with_tensor("kernel", ones(&[3, 8])).with_tensor("recurrent_kernel", ones(&[2, 8]))
}

#[test]
fn what_hls4ml_does_not_compute() {
    let norm = ["mean", "variance", "gamma", "beta"]
        .iter()
        .fold(layer("b", "batch_norm", "d"), |norm, tensor| norm.with_tensor(tensor, ones(&[3])));
    let dense = |kernel: &str, bias: &str| {
        let dense = layer("f", "dense", "x").with("kernel_quantizer", kernel).with("bias_quantizer", bias);
        dense.with_tensor("kernel", ones(&[3, 2])).with_tensor("bias", ones(&[2]))
    };
    let small = layer("p", "dense", "x").with("kernel_quantizer", "quantized_po2(6)");
    let mut tiny = ones(&[3, 2]);
    tiny.data[0] = 1e-5;
    let auto = "Model: {Precision: {default: \"fixed<12,4>\"}}\n\
                LayerName: {d: {Precision: {result: auto}}}";
    for (shape, layers, text, says) in [
        (&[4, 3][..], vec![depthwise(2)], DEFAULT, "depth multiplier"),
        (&[4, 3], vec![depthwise(1)], "Model: {Precision: \"fixed<12,4>\", Strategy: Resource}", "aborts"),
        (&[4, 3], vec![depthwise(1), norm], auto, "the wrong weights"),
        (&[4, 3], vec![lstm().with("go_backwards", true)], DEFAULT, "passes over"),
        (&[4, 3], vec![lstm().with("activation", "softsign")], DEFAULT, "do not have"),
        (&[4, 3], vec![lstm().with("kernel_quantizer", "quantized_bits(4,0,alpha=1)")], DEFAULT, "`kernel_quantizer`"),
        (&[4, 3], vec![layer("s", "simple_rnn", "x")], DEFAULT, "`simple_rnn`"),
        (&[3], vec![dense("quantized_po2(4)", "quantized_po2(4)")], DEFAULT, "does not compile"),
        (&[3], vec![dense("binary(alpha='auto')", "binary(alpha=1)")], DEFAULT, "scale"),
        (&[3], vec![small.with_tensor("kernel", tiny)], DEFAULT, "loses some"),
        (
            &[4, 3],
            vec![layer("u", "upsample", "x").with("size", vec![2]).with("interpolation", "bilinear")],
            DEFAULT,
            "nearest",
        ),
        (&[4, 3], vec![layer("a", "activation", "x").with("function", "gelu")], DEFAULT, "`gelu`"),
    ] {
        let error = applied(&network(shape, layers), text).expect_err(says);
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.kind == Kind::User && !error.help.is_empty(), "{error}");
    }
}

#[test]
fn a_separable_convolution_s_two_parts_have_types_of_their_own() {
    let separable = layer("s", "separable_conv1d", "x")
        .with_tensor("depthwise_kernel", ones(&[2, 3, 1]))
        .with_tensor("pointwise_kernel", ones(&[1, 3, 4]));
    let text = format!(
        "{DEFAULT}\nLayerName: {{S: {{Precision: {{depthwise: \"fixed<5,2>\", pointwise: \"fixed<6,2>\", \
         depthwise_result: \"fixed<9,5>\", depthwise_accum: \"fixed<14,6>\", result: \"fixed<8,6>\"}}}}}}"
    );
    let made = applied(&network(&[4, 3], vec![separable]), &text).unwrap();
    let said = |name: &str, key: &str| {
        let layer = made.layers.iter().find(|layer| layer.name == name).unwrap();
        layer.attributes[key].as_str().unwrap().to_string()
    };
    assert_eq!(said("s_depthwise", "kernel_quantizer"), "fixed<5,2,TRN,WRAP>");
    assert_eq!(said("s_depthwise", "accumulator_format"), "fixed<14,6,TRN,WRAP>");
    assert_eq!(said("s_depthwise", "result_format"), "fixed<9,5,TRN,WRAP>");
    assert_eq!(said("s_pointwise", "kernel_quantizer"), "fixed<6,2,TRN,WRAP>");
    assert_eq!(said("s_pointwise", "accumulator_format"), "fixed<12,4,TRN,WRAP>");
    assert_eq!(said("s_pointwise", "result_format"), "fixed<8,6,TRN,WRAP>");
    assert_eq!(made.outputs, ["s_linear"]);
}

#[test]
fn weights_of_two_bits_are_ternary_to_hls4ml() {
    let mut kernel = ones(&[3, 1]);
    kernel.data = vec![-2.0, -1.0, 0.0];
    let dense = layer("f", "dense", "x").with_tensor("kernel", kernel);
    let text = format!("{DEFAULT}\nLayerName: {{f: {{Precision: {{weight: \"ap_int<2>\"}}}}}}");
    let made = applied(&network(&[3], vec![dense]), &text).unwrap();
    assert_eq!(made.layers[0].tensors["kernel"].data, [1.0, -1.0, 0.0]);
}
