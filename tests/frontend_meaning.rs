//! What front ends read means what the file means: a plain float64 evaluator of [`Network`], exact while values have at
//! most 53 bits, gives the outputs that the files' own frameworks gave.

mod common;

use common::shared;
use nanotrig::arrays::npz::Npz;
use nanotrig::fixed::{Fixed, Format, Overflow, Quantization, Rounding};
use nanotrig::frontends::{neutral, read};
use nanotrig::network::{Layer, Network, Tensor};
use std::collections::HashMap;

fn ints(layer: &Layer, name: &str) -> Vec<usize> {
    let list = layer.attributes[name].as_array().unwrap();
    list.iter().map(|value| value.as_u64().unwrap() as usize).collect()
}

fn int(layer: &Layer, name: &str) -> i32 {
    layer.attributes[name].as_i64().unwrap() as i32
}

fn text<'l>(layer: &'l Layer, name: &str) -> &'l str {
    layer.attributes[name].as_str().unwrap()
}

fn apply(quantization: Quantization, value: f64) -> f64 {
    let code = quantization.code(Fixed::from_f64(value).unwrap()).unwrap();
    Fixed::new(code, quantization.format.lsb).to_f64().unwrap()
}

fn quantize(layer: &Layer, mut x: Tensor) -> Tensor {
    let whole = layer.attributes.get("format").map(|format| format.as_str().unwrap().parse().unwrap());
    for at in 0..x.data.len() {
        let each = || {
            let [k, i, f] = ["signed", "integer", "fraction"].map(|name| layer.tensors[name].data[at] as i32);
            let rounding: Rounding = text(layer, "rounding").parse().unwrap();
            let overflow: Overflow = text(layer, "overflow").parse().unwrap();
            Quantization { format: Format::kif(k == 1, i, f), rounding, overflow }
        };
        x.data[at] = apply(whole.unwrap_or_else(each), x.data[at]);
    }
    x
}

/// Every window of `size`, at these strides, as (row, column) of its first element.
fn windows(shape: &[usize], size: &[usize], strides: &[usize]) -> Vec<(usize, usize)> {
    let rows = (0..=shape[0] - size[0]).step_by(strides[0]);
    rows.flat_map(|row| (0..=shape[1] - size[1]).step_by(strides[1]).map(move |column| (row, column))).collect()
}

fn conv2d(layer: &Layer, x: &Tensor) -> Tensor {
    let kernel = &layer.tensors["kernel"];
    let [kh, kw, cin, cout] = kernel.shape[..] else { panic!() };
    let strides = ints(layer, "strides");
    let mut data = Vec::new();
    for (row, column) in windows(&x.shape, &[kh, kw], &strides) {
        for o in 0..cout {
            let mut sum = layer.tensors.get("bias").map_or(0.0, |bias| bias.data[o]);
            for (a, b) in (0..kh).flat_map(|a| (0..kw).map(move |b| (a, b))) {
                for c in 0..cin {
                    let at = ((row + a) * x.shape[1] + column + b) * cin + c;
                    sum += x.data[at] * kernel.data[((a * kw + b) * cin + c) * cout + o];
                }
            }
            data.push(sum);
        }
    }
    let size = |axis: usize, k: usize| (x.shape[axis] - k) / strides[axis] + 1;
    Tensor { shape: vec![size(0, kh), size(1, kw), cout], data }
}

fn max_pool2d(layer: &Layer, x: &Tensor) -> Tensor {
    let size = ints(layer, "size");
    let channels = x.shape[2];
    let mut data = Vec::new();
    for (row, column) in windows(&x.shape, &size, &size) {
        for c in 0..channels {
            let at = |a: usize, b: usize| x.data[((row + a) * x.shape[1] + column + b) * channels + c];
            let window = (0..size[0]).flat_map(|a| (0..size[1]).map(move |b| (a, b)));
            data.push(window.map(|(a, b)| at(a, b)).fold(f64::MIN, f64::max));
        }
    }
    Tensor { shape: vec![x.shape[0] / size[0], x.shape[1] / size[1], channels], data }
}

fn dense(layer: &Layer, x: &Tensor) -> Tensor {
    let kernel = &layer.tensors["kernel"];
    let [inputs, outputs] = kernel.shape[..] else { panic!() };
    let mut data = Vec::new();
    for row in x.data.chunks(inputs) {
        for o in 0..outputs {
            let bias = layer.tensors.get("bias").map_or(0.0, |bias| bias.data[o]);
            data.push(bias + (0..inputs).map(|i| row[i] * kernel.data[i * outputs + o]).sum::<f64>());
        }
    }
    let mut shape = x.shape.clone();
    *shape.last_mut().unwrap() = outputs;
    Tensor { shape, data }
}

fn transpose(perm: &[usize], x: &Tensor) -> Tensor {
    let stride = |axis: usize| x.shape[axis + 1..].iter().product::<usize>();
    let shape: Vec<usize> = perm.iter().map(|axis| x.shape[*axis]).collect();
    let mut data = Vec::new();
    for at in 0..x.data.len() {
        let (mut rest, mut from) = (at, 0);
        for (axis, length) in perm.iter().zip(&shape).rev() {
            from += rest % length * stride(*axis);
            rest /= length;
        }
        data.push(x.data[from]);
    }
    Tensor { shape, data }
}

fn sum(axis: usize, x: &Tensor) -> Tensor {
    let inner: usize = x.shape[axis + 1..].iter().product();
    let step = x.shape[axis] * inner;
    let mut shape = x.shape.clone();
    shape.remove(axis);
    let element = |at: usize| (0..x.shape[axis]).map(|n| x.data[at / inner * step + n * inner + at % inner]).sum();
    Tensor { data: (0..shape.iter().product()).map(element).collect(), shape }
}

fn table(layer: &Layer, mut x: Tensor) -> Tensor {
    let (integer, fraction) = (int(layer, "integer"), int(layer, "fraction"));
    let bits = integer + fraction + layer.attributes["signed"].as_bool().unwrap() as i32;
    for value in &mut x.data {
        let code = (*value * 2f64.powi(fraction)) as i64;
        let entry = layer.tensors["values"].data[(code & ((1 << bits) - 1)) as usize];
        *value = entry * 2f64.powi(-int(layer, "out_fraction"));
    }
    x
}

fn activation(function: &str, mut x: Tensor) -> Tensor {
    match function {
        "quantized_relu(6,0)" => {
            let format = Format::new(false, 6, 0);
            let quantization = Quantization { format, rounding: Rounding::RndConv, overflow: Overflow::Sat };
            x.data.iter_mut().for_each(|value| *value = apply(quantization, *value));
        }
        "softmax" => {}
        other => panic!("{other}"),
    }
    x
}

fn layer(layer: &Layer, inputs: Vec<Tensor>) -> Tensor {
    let pairs = |f: fn(f64, f64) -> f64| {
        let data = inputs[0].data.iter().zip(&inputs[1].data).map(|(a, b)| f(*a, *b)).collect();
        Tensor { shape: inputs[0].shape.clone(), data }
    };
    let x = inputs[0].clone();
    match layer.kind.as_str() {
        "quantize" => quantize(layer, x),
        "dense" => dense(layer, &x),
        "conv2d" => conv2d(layer, &x),
        "max_pool2d" => max_pool2d(layer, &x),
        "relu" => Tensor { data: x.data.iter().map(|value| value.max(0.0)).collect(), ..x },
        "sum" => sum(int(layer, "axis") as usize, &x),
        "transpose" => transpose(&ints(layer, "perm"), &x),
        "reshape" => Tensor { shape: ints(layer, "shape"), ..x },
        "flatten" => Tensor { shape: vec![x.data.len()], ..x },
        "table" => table(layer, x),
        "add" => pairs(|a, b| a + b),
        "multiply" => pairs(|a, b| a * b),
        "activation" => activation(text(layer, "function"), x),
        other => panic!("{other}"),
    }
}

/// The outputs for one sample of the one input.
fn evaluate(network: &Network, sample: &[f64]) -> Vec<f64> {
    let input = &network.inputs[0];
    let start = Tensor { shape: input.shape.clone(), data: sample.to_vec() };
    let mut values = HashMap::from([(input.name.clone(), start)]);
    for next in network.ordered().unwrap() {
        let inputs = next.inputs.iter().map(|name| values[name].clone()).collect();
        values.insert(next.name.clone(), layer(next, inputs));
    }
    network.outputs.iter().flat_map(|name| values[name].data.clone()).collect()
}

#[test]
fn neutral_nets_give_their_vectors() {
    let Some(folder) = shared("bench/nets") else { return };
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".json.gz") {
            continue;
        }
        let (network, vectors) = (read(&path, None).unwrap(), neutral::vectors(&path).unwrap());
        for (row, input) in vectors.inputs.iter().enumerate() {
            let expected: Vec<_> =
                (0..vectors.outputs[row].len()).map(|column| vectors.output(row, column).to_f64().unwrap()).collect();
            assert_eq!(evaluate(&network, input), expected, "{}, vector {row}", path.display());
        }
        println!("{}: {} vectors", path.display(), vectors.inputs.len());
    }
}

/// An array of an `.npz`, as rows.
fn rows(path: &str, key: &str) -> Option<Vec<Vec<f64>>> {
    let bytes = std::fs::read(shared(path)?).unwrap();
    let tensor = Npz::open(&bytes).unwrap().get(key).unwrap().tensor().unwrap();
    Some(tensor.data.chunks(tensor.shape[1]).map(<[f64]>::to_vec).collect())
}

#[test]
fn qkeras_gives_its_golden_logits() {
    let folder = "data/models/hls4ml_examples/keras";
    let Some(path) = shared(&format!("{folder}/qkeras_3layer.json")) else { return };
    let network = read(&path, None).unwrap();
    let inputs = rows("data/jets_hlf/jets_hlf.npz", "x_std").unwrap();
    let golden = rows(&format!("{folder}/qkeras_3layer.golden_fixed16_6_TRN.npz"), "logits").unwrap();
    let port: Quantization = "fixed<16,6>".parse().unwrap();
    let mut network = network;
    // The weights are put on their quantizers' grid, as the framework does.
    let grid: Quantization = "fixed<6,1,RND_CONV,SAT>".parse().unwrap();
    for layer in &mut network.layers {
        for tensor in layer.tensors.values_mut() {
            tensor.data.iter_mut().for_each(|value| *value = apply(grid, *value));
        }
    }
    for (input, golden) in inputs.iter().zip(&golden) {
        let input: Vec<_> = input.iter().map(|value| apply(port, *value)).collect();
        assert_eq!(&evaluate(&network, &input), golden);
    }
}

#[test]
fn hgq_gives_its_golden_logits() {
    let folder = "data/models/hgq";
    for name in [
        "cernbox_e24246_acc75.16",
        "openml_e20849_acc76.86",
        "openml_e50945_acc76.61",
        "openml_e71874_acc76.27",
        "openml_e87478_acc75.99",
        "openml_e93431_acc75.86",
    ] {
        let Some(path) = shared(&format!("{folder}/{name}.plain.npz")) else { return };
        let network = read(&path, None).unwrap();
        let inputs = rows("data/jets_hlf/jets_hlf.npz", "x_std").unwrap();
        let golden = rows(&format!("{folder}/{name}.golden.npz"), "logits").unwrap();
        for (input, golden) in inputs.iter().zip(&golden) {
            assert_eq!(&evaluate(&network, input), golden, "{name}");
        }
    }
}
