//! Files and networks that are refused.

use super::{COMPILE, Case, DENSE, INPUT, case, good, keras, layers, neutral, repository, start, toml};

/// Files that are no network, or half of one.
pub fn broken_files() -> Vec<Case> {
    let model = || repository("tests/data/qkeras/fixed_mlp.h5");
    let json = || ("net.json", repository("tests/data/qkeras/fixed_mlp.json"));
    let garbage = || (0..997u32).map(|n| (n * n % 251) as u8 | 0x80).collect::<Vec<u8>>();
    let hdf5 = || [b"\x89HDF\r\n\x1a\n".to_vec(), garbage()].concat();
    let zip = || [b"PK\x03\x04".to_vec(), garbage()].concat();
    vec![
        case("missing-file", COMPILE, [], &["net.toml", "cannot be read"]),
        case("empty-file", COMPILE, [("net.toml", vec![])], &["net.toml", "is empty"]),
        case("garbage", "compile net.bin -o out", [("net.bin", garbage())], &["net.bin", "known: native"]),
        case("truncated-h5", "compile net.h5 -o out", [("net.h5", start(model(), 2000))], &["net.h5"]),
        case("garbage-h5", "compile net.h5 -o out", [("net.h5", hdf5())], &["net.h5", "HDF5"]),
        case(
            "truncated-weights-h5",
            "compile net.json -o out --weights w.h5",
            [json(), ("w.h5", start(repository("tests/data/qkeras/fixed_mlp_weights.h5"), 3000))],
            &["w.h5"],
        ),
        case("missing-weights", "compile net.json -o out", [json()], &["net.json", "net_weights.h5"]),
        case("truncated-json", "compile net.json -o out", [("net.json", start(json().1, 300))], &["net.json", "EOF"]),
        case("unknown-json", "compile net.json -o out", [("net.json", b"{\"a\": 1}".to_vec())], &["keys a"]),
        case("truncated-toml", COMPILE, [("net.toml", start(good().1, 90))], &["net.toml", "line 7", "broken TOML"]),
        case("wrong-version", COMPILE, [("net.toml", b"format = \"nanotrig/9\"".to_vec())], &["nanotrig/9"]),
        case("truncated-npz", "compile net.npz -o out", [("net.npz", zip())], &["net.npz", "broken directory"]),
        case(
            "truncated-gzip",
            "compile net.json.gz -o out",
            [("net.json.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xab".to_vec())],
            &["net.json.gz", "broken gzip"],
        ),
        case(
            "missing-weights-npz",
            COMPILE,
            [toml(&format!("weights = \"w.npz\"\n{INPUT}{DENSE}"))],
            &["net.toml", "w.npz", "cannot be read"],
        ),
        case(
            "garbage-weights-npz",
            COMPILE,
            [toml(&format!("weights = \"w.npz\"\n{INPUT}{DENSE}")), ("w.npz", zip())],
            &["w.npz"],
        ),
        case(
            "weights-not-taken",
            "compile net.toml -o out --weights w.h5",
            [good()],
            &["net.toml", "no file of weights"],
        ),
    ]
}

/// Networks that mean nothing.
pub fn unsound_networks() -> Vec<Case> {
    let dense = |from: &str, to: &str| layers(&DENSE.replace(from, to));
    let relu = "[[layer]]\nname = \"r\"\nkind = \"relu\"\n";
    let wide = "[[layer]]\nname = \"q\"\nkind = \"quantize\"\nformat = \"fixed<80,3>\"\n";
    let float = "[[layer]]\nname = \"s\"\nkind = \"activation\"\nfunction = \"sigmoid\"\n";
    let square: String = (0..6).map(|n| format!("[[layer]]\nname = \"s{n}\"\nkind = \"multiply\"\n")).collect();
    vec![
        case("unknown-key", COMPILE, [toml("nmae = \"x\"\n")], &["net.toml", "line 2", "nmae"]),
        case(
            "unknown-layer",
            COMPILE,
            [dense("\"dense\"", "\"dens\"")],
            &["net.toml", "layer `d`", "`dens`", "known:"],
        ),
        case("unknown-attribute", COMPILE, [dense("kernel_quantizer", "kernl")], &["net.toml", "layer `d`", "kernl"]),
        case("unknown-tensor", COMPILE, [dense("kernel =", "krnel =")], &["net.toml", "layer `d`", "krnel"]),
        case(
            "unknown-quantizer",
            COMPILE,
            [dense("quantized_bits", "my_bits")],
            &["net.toml", "layer `d`", "kernel", "my_bits", "known:"],
        ),
        case("quantizer-argument", COMPILE, [dense("alpha", "alfa")], &["net.toml", "layer `d`", "alfa"]),
        case("ragged-kernel", COMPILE, [dense("[0.25, 1.0]", "[0.25]")], &["net.toml", "`d`", "`kernel`", "line 11"]),
        case("kernel-shape", COMPILE, [dense(", [0.25, 1.0]", "")], &["net.toml", "`d`", "2 elements", "takes 1"]),
        case(
            "kernel-axes",
            COMPILE,
            [dense("[[0.5, -0.25], [0.25, 1.0]]", "[1, 2]")],
            &["net.toml", "layer `d`", "[2]"],
        ),
        case(
            "bias-shape",
            COMPILE,
            [dense("kernel =", "bias = [1]\nkernel =")],
            &["net.toml", "layer `d`", "bias", "[1]"],
        ),
        case("nan-weight", COMPILE, [dense("0.5", "nan")], &["net.toml", "`d`", "`kernel`", "not a finite number"]),
        case(
            "no-quantizer",
            COMPILE,
            [dense("kernel_quantizer = \"quantized_bits(4,0,alpha=1)\"", "").1]
                .map(|text| ("net.toml", String::from_utf8(text).unwrap().replace("0.5", "0.1").into_bytes())),
            &["net.toml", "layer `d`", "kernel", "no quantizer", "kernel_quantizer"],
        ),
        case(
            "cycle",
            COMPILE,
            [dense("[layer.tensors]", "inputs = [\"d\"]\n[layer.tensors]")],
            &["net.toml", "d <- d"],
        ),
        case(
            "disconnected",
            COMPILE,
            [layers(&format!("{DENSE}{}", relu.replace("\"relu\"", "\"relu\"\ninputs = [\"x\"]")))],
            &["net.toml", "layer `d`", "no output"],
        ),
        case("unknown-edge", COMPILE, [dense("[layer.tensors]", "inputs = [\"y\"]\n[layer.tensors]")], &["`d`", "`y`"]),
        case("name-twice", COMPILE, [layers(&format!("{DENSE}{DENSE}"))], &["net.toml", "`d`", "twice"]),
        case("no-input", COMPILE, [toml(DENSE)], &["net.toml"]),
        case("format-too-wide", COMPILE, [layers(wide)], &["net.toml", "layer `q`", "fixed<80,3>"]),
        case(
            "input-format-too-wide",
            COMPILE,
            [toml(&INPUT.replace("8,4", "80,4"))],
            &["`x`", "format", "fixed<80,4>"],
        ),
        case("beyond-127-bits", COMPILE, [layers(&square)], &["net.toml", "s", "127 bits"]),
        case(
            "float-multiplied",
            COMPILE,
            [layers(&format!("{float}{DENSE}"))],
            &["net.toml", "layer `d`", "s", "quantize"],
        ),
        case(
            "merge-shapes",
            COMPILE,
            [layers(&format!(
                "{DENSE}[[layer]]\nname = \"r\"\nkind = \"reshape\"\n\
            shape = [2, 1]\n[[layer]]\nname = \"c\"\nkind = \"concatenate\"\ninputs = [\"d\", \"r\"]\n"
            ))],
            &["net.toml", "layer `c`", "[2, 1]"],
        ),
        case(
            "neutral-operation",
            "compile net.json -o out",
            [neutral("{\"op\": \"sofmax\"}")],
            &["net.json", "sofmax"],
        ),
        case(
            "neutral-shape",
            "compile net.json -o out",
            [neutral("{\"op\": \"dense\", \"w\": [[1], [2], [3]], \"wf\": 0}")],
            &["net.json", "dense", "`w`", "[2]"],
        ),
    ]
}

/// Keras models whose weights are those of another.
pub fn keras_models() -> Vec<Case> {
    const RUN: &str = "compile net.json -o out --weights w.h5";
    let weights = || ("w.h5", repository("tests/data/qkeras/fixed_mlp_weights.h5"));
    let quantizer = |text: &str| {
        let (name, json) = keras("QDense", &format!(", \"kernel_quantizer\": \"{text}\""));
        (name, String::from_utf8(json).unwrap().replace("\"units\": 2", "\"units\": 12").into_bytes())
    };
    vec![
        case("keras-layer", RUN, [keras("ConvLSTM2D", ""), weights()], &["net.json", "`fc1`", "ConvLSTM2D"]),
        case(
            "keras-quantizer",
            RUN,
            [quantizer("my_bits(3)"), weights()],
            &["net.json", "`fc1`", "my_bits", "quantizers:"],
        ),
        case("keras-other-weights", RUN, [keras("QDense", ""), weights()], &["net.json", "`fc1`", "`bias`"]),
    ]
}
