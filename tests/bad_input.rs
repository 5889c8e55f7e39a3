//! Bad files are refused with an error that says where and what to do; none may panic or allocate absurdly.

mod common;

use common::{Random, shared};
use nanotrig::error::{Error, Kind};
use nanotrig::frontends::native::{Container, write_with};
use nanotrig::frontends::read;
use std::io::Write;
use std::path::Path;

/// The error for a file of this content.
fn refused(name: &str, content: &[u8]) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let error = read(&path, None).unwrap_err();
    assert!(error.kind == Kind::User && !error.help.is_empty() && error.place[0].ends_with(name), "{error}");
    error
}

#[track_caller]
fn expect(name: &str, content: impl AsRef<[u8]>, part: &str) {
    let error = refused(name, content.as_ref());
    assert!(error.to_string().contains(part), "expected `{part}` in: {error}");
}

/// A native network with these lines in its one dense layer.
fn native(layer: &str) -> String {
    let head = "format = \"nanotrig/1\"\n[[input]]\nname = \"x\"\nshape = [2]\n";
    format!("{head}[[layer]]\nname = \"d\"\nkind = \"dense\"\n{layer}\n")
}

#[test]
fn no_network_at_all() {
    expect("empty", "", "is empty");
    expect("a.txt", "hello", "known: native");
    expect("a.bin", [0xff, 0xfe, 0, 1], "neither text nor a known container");
    expect("a.json", "{\"a\": 1}", "JSON with the keys a");
    let error = read(Path::new("/nowhere/at/all"), None).unwrap_err();
    assert!(error.what.contains("cannot be read"), "{error}");
    assert!(read(Path::new("/"), None).unwrap_err().what.contains("folder"));
}

#[test]
fn truncated_json() {
    expect("m.json", "{\"class_name\": \"Sequential\", \"config\": {\"la", "broken JSON: EOF");
    expect("m.json", format!("{{\"a\": {}", "[".repeat(100_000)), "recursion limit");
}

#[test]
fn truncated_gzip() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(b"{\"format\": \"neutral-net/1\"}").unwrap();
    let bytes = packer.finish().unwrap();
    expect("n.json.gz", &bytes[..bytes.len() - 9], "broken gzip");
    expect("n.json.gz", &bytes, "has no `input`");
}

#[test]
fn gzip_bomb() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..257 {
        packer.write_all(&zeros).unwrap();
    }
    expect("bomb.gz", packer.finish().unwrap(), "unpacks to more than");
}

#[test]
fn garbage_hdf5() {
    let mut bytes = b"\x89HDF\r\n\x1a\n".to_vec();
    expect("g.h5", &bytes, "g.h5");
    let mut random = Random(1);
    bytes.extend((0..4096).map(|_| random.next() as u8));
    expect("g.h5", &bytes, "HDF5");
}

#[test]
fn garbage_zip() {
    expect("g.npz", b"PK\x03\x04 and no more", "broken directory");
}

#[test]
fn toml_mistakes_name_their_line() {
    expect("n.toml", "format = \"nanotrig/1\"\nnmae = \"x\"\n", "line 2: unknown key `nmae`");
    expect("n.toml", "format = \"nanotrig/9\"\n", "reads `nanotrig/1`");
    expect("n.toml", "format = \"nanotrig/1\"\n[[input]]\nname = \n", "line 3: broken TOML");
    expect("n.toml", "format = \"nanotrig/1\"\n[[input]]\nname = \"x\"\nshpe = [1]\n", "line 4: unknown key `shpe`");
    expect("n.toml", "format = \"nanotrig/1\"\n[[input]]\nname = \"x\"\n", "line 3: `shape` is missing");
    expect("n.toml", "format = \"nanotrig/1\"\ninput = 3\n", "line 2: `input` is no list of tables");
    expect("n.toml", native("a = 1979-05-27"), "line 8: is a date");
    expect("n.toml", native("a = nan"), "line 8: is not a finite number");
    expect("n.toml", native("tensors = 3"), "`tensors` is no table");
    expect("n.toml", format!("format = \"nanotrig/1\"\na = {}", "[".repeat(100_000)), "broken TOML");
}

#[test]
fn unsound_networks() {
    expect("n.toml", native("inputs = [\"y\"]"), "nothing is called `y`");
    expect("n.toml", native("inputs = [\"d\"]"), "circle: d <- d");
    expect("n.toml", native("[[layer]]\nname = \"e\"\nkind = \"relu\"\ninputs = [\"x\"]"), "layer `d`: no output");
    expect("n.toml", native("[[layer]]\nname = \"d\"\nkind = \"relu\""), "`d` is given twice");
    expect("n.toml", native("[layer.tensors]\nkernel = [[1, 2], [3]]"), "lists of 2 and of 1");
    expect("n.toml", native("[layer.tensors]\nkernel = [[1, nan]]"), "not a finite number");
    expect("n.toml", native("[layer.tensors]\nkernel = []"), "shape [0] is empty");
    let shape = |shape: &str| native("").replace("[2]", shape);
    expect("n.toml", shape("[4294967296, 4294967296]"), "too large");
    expect("n.toml", shape("[-1]"), "line 4");
    expect("n.toml", shape("[2]\nformat = \"fixed<80,3>\""), "is not a supported format");
    expect("n.toml", "format = \"nanotrig/1\"", "has no input");
}

#[test]
fn weights_stay_inside_the_folder() {
    for path in ["../w.npz", "/etc/passwd", "", "a/../../w.npz"] {
        expect("n.toml", format!("weights = \"{path}\"\n{}", native("")), "is not inside the folder");
    }
    expect("n.toml", format!("weights = \"w.npz\"\n{}", native("")), "cannot be read");
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).unwrap();
    write("n.toml", format!("weights = \"w\"\n{}", native("")).as_bytes());
    let error = |content: &[u8]| {
        write("w", content);
        read(&folder.path().join("n.toml"), None).unwrap_err().to_string()
    };
    assert!(error(b"garbage").contains("neither .npz nor safetensors"));
    assert!(error(&[0xff; 64]).contains("neither .npz nor safetensors"));
    assert!(error(&u64::MAX.to_le_bytes()).contains("neither .npz nor safetensors"));
}

#[test]
fn neutral_mistakes() {
    let net =
        |input: &str, ops: &str| format!("{{\"format\": \"neutral-net/1\", \"input\": {input}, \"ops\": [{ops}]}}");
    let input = "{\"shape\": [2], \"k\": [1, 1], \"i\": [3, 3], \"f\": [4, 4]}";
    let with = |ops: &str| net(input, ops);
    expect("n.json", with("{\"op\": \"softmax\"}"), "unknown operation `softmax`");
    expect("n.json", with("{\"op\": \"dense\", \"w\": [[1], [2], [3]]}"), "does not fit a tensor of shape [2]");
    expect("n.json", with("{\"op\": \"dense\", \"w\": [[1], [2]], \"b\": [1, 2]}"), "`b` is or has shape [2]");
    expect("n.json", with("{\"op\": \"dense\", \"w\": [[1.5], [2]]}"), "expected an integer");
    expect("n.json", with("{\"op\": \"quant\", \"k\": 1, \"i\": 40, \"f\": 40}"), "is not supported");
    expect("n.json", with("{\"op\": \"quant\", \"k\": 1, \"i\": 9e99, \"f\": 40}"), "`i`");
    expect("n.json", with("{\"op\": \"add_saved\", \"id\": 7}"), "nothing was saved as 7");
    expect("n.json", with("{\"op\": \"sum\", \"axis\": 1}"), "`axis`");
    expect("n.json", with("{\"op\": \"reshape\", \"shape\": [3]}"), "`shape`");
    expect("n.json", with("{\"op\": \"transpose\", \"perm\": [1]}"), "`perm`");
    expect("n.json", with("{\"op\": \"maxpool2d\", \"size\": [0, 0]}"), "`size`");
    expect(
        "n.json",
        with("{\"op\": \"table\", \"k\": 1, \"i\": 60, \"f\": 0, \"values\": [1], \"out_f\": 0}"),
        "1 values",
    );
    let huge = "{\"shape\": [1e12], \"k\": 1, \"i\": 3, \"f\": 4}";
    expect("n.json", net(huge, ""), "shape [1000000000000] is too large");
}

/// A Keras model of one layer of this class and with these arguments, next to no weights that fit.
fn keras(class: &str, arguments: &str) -> Option<String> {
    let weights = shared("data/models/hls4ml_examples/keras/qkeras_3layer_weights.h5")?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.json");
    let layer = format!(
        "{{\"class_name\": \"{class}\", \"config\": {{\"name\": \"fc1\", \"batch_input_shape\": [null, 16]{arguments}}}}}"
    );
    std::fs::write(&path, format!("{{\"class_name\": \"Sequential\", \"config\": {{\"layers\": [{layer}]}}}}"))
        .unwrap();
    Some(read(&path, Some(&weights)).unwrap_err().to_string())
}

#[test]
fn keras_mistakes() {
    let Some(error) = keras("ConvLSTM2D", "") else { return };
    assert!(error.contains("layer `fc1` (ConvLSTM2D): layers of class `ConvLSTM2D` are not supported"), "{error}");
    let expect = |class: &str, arguments: &str, part: &str| {
        let error = keras(class, arguments).unwrap();
        assert!(error.contains(part), "expected `{part}` in: {error}");
    };
    expect("Lambda", "", "a Lambda holds Python code");
    expect("Masking", "", "hardware has a fixed number of steps");
    for (arguments, part) in [
        ("math.cumsum\"", "the operation `cumsum` is not supported"),
        ("math.reduce_sum\"", "reduces over all axes"),
        ("math.reduce_sum\", \"axis\": 0", "`axis` is 0"),
        ("math.truediv\", \"x\": 2.0, \"y\": {\"tensor\": 0}", "divides a constant by a tensor"),
        ("math.add\", \"y\": [[[1.0]], [[2.0]]]", "differs from sample to sample"),
        ("__operators__.getitem\", \"slice_spec\": [0]", "slices the axis of the samples"),
        ("__operators__.getitem\", \"slice_spec\": [{}, 16]", "there is no element 16"),
        ("__operators__.getitem\", \"slice_spec\": [{}, {}, {}]", "more axes than the tensor has"),
        ("reshape\", \"shape\": [4, -1]", "the first axis is that of the samples"),
        ("transpose\", \"perm\": [1, 0]", "moves the axis of the samples"),
        ("squeeze\", \"axis\": 1", "in a sample of shape [16]"),
    ] {
        expect("TFOpLambda", &format!(", \"function\": \"{arguments}"), part);
    }
    expect("QDense", ", \"units\": 99", "expected [99]");
    expect("QDense", ", \"units\": 64, \"kernel_quantizer\": \"my_bits(3)\"", "is called `my_bits`");
    expect(
        "QDense",
        ", \"units\": 64, \"kernel_quantizer\": {\"class_name\": \"my_bits\", \"config\": {}}",
        "`my_bits`",
    );
    expect("QActivation", ", \"activation\": \"quantized_relu(\"", "is no quantizer");
    expect("BatchNormalization", ", \"axis\": 0", "`axis` is 0");
    expect("BatchNormalization", ", \"axis\": -1", "the weights have no `gamma`");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.json");
    std::fs::write(&path, "{\"class_name\": \"Sequential\", \"config\": {\"layers\": []}}").unwrap();
    assert!(read(&path, None).unwrap_err().what.contains("m_weights.h5"));
}

/// Truncates and flips a file, with others beside it, at random: a network or a clean error must come of it.
/// `NANOTRIG_FUZZ=100` tries 100 times as often.
fn mutate(victim: &Path, beside: &[&Path], open: &Path, count: usize) {
    let times = std::env::var("NANOTRIG_FUZZ").ok().and_then(|times| times.parse().ok());
    let folder = tempfile::tempdir().unwrap();
    let inside = |path: &Path| folder.path().join(path.file_name().unwrap());
    for path in beside {
        std::fs::copy(path, inside(path)).unwrap();
    }
    let bytes = std::fs::read(victim).unwrap();
    let mut random = Random(bytes.len() as u64);
    let (mut sound, mut refused) = (0, 0);
    for round in 0..count * times.unwrap_or(1) {
        let mut broken = bytes.clone();
        if round % 4 == 0 {
            broken.truncate(random.below(bytes.len()));
        } else {
            for _ in 0..1 + random.below(2) {
                let at = random.below(broken.len().min(if round % 2 == 0 { 4096 } else { usize::MAX }));
                broken[at] = [random.next() as u8, b'9', 0xff, broken[at] ^ 1 << random.below(8)][random.below(4)];
            }
        }
        std::fs::write(inside(victim), &broken).unwrap();
        match read(&inside(open), None) {
            Ok(network) => {
                network.validate().unwrap();
                sound += 1;
            }
            Err(error) => {
                assert!(error.kind == Kind::User && !error.help.is_empty(), "{error}");
                refused += 1;
            }
        }
    }
    println!("{}: {sound} read, {refused} refused", victim.display());
}

#[test]
fn mutated_keras_files() {
    let Some(models) = shared("data/models") else { return };
    let json = models.join("hls4ml_examples/keras/qkeras_3layer.json");
    let weights = models.join("hls4ml_examples/keras/qkeras_3layer_weights.h5");
    mutate(&weights, &[&json], &json, 400);
    mutate(&json, &[&weights], &json, 400);
    let single = models.join("hls4ml_tutorial/model_3_qkeras6_pruned75_16x64x32x32x5.h5");
    mutate(&single, &[], &single, 400);
}

#[test]
fn mutated_networks_of_tables() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lut");
    for name in ["dwn.npz", "dwn_one.npz"] {
        mutate(&folder.join(name), &[], &folder.join(name), 300);
    }
    let (tables, config) = (folder.join("kanele/truth_tables.json"), folder.join("kanele/config.json"));
    mutate(&tables, &[&config], &tables, 300);
    mutate(&config, &[&tables], &tables, 300);
    let native = folder.join("native.toml");
    mutate(&native, &[], &native, 300);
}

#[test]
fn mutated_other_files() {
    let Some(models) = shared("data/models") else { return };
    let hgq = models.join("hgq/openml_e93431_acc75.86.plain.npz");
    mutate(&hgq, &[], &hgq, 400);
    let Some(neutral) = shared("bench/nets/jet_hgq_tiny.json.gz") else { return };
    mutate(&neutral, &[], &neutral, 100);
    let folder = tempfile::tempdir().unwrap();
    let unpacked = folder.path().join("n.json");
    std::fs::write(&unpacked, nanotrig::files::gunzip(&std::fs::read(&neutral).unwrap()).unwrap()).unwrap();
    mutate(&unpacked, &[], &unpacked, 300);
    let network = read(&hgq, None).unwrap();
    for container in [Container::Npz, Container::Safetensors] {
        let toml = folder.path().join(format!("{}.toml", container.extension()));
        let weights = toml.with_extension(format!("weights.{}", container.extension()));
        write_with(&network, &toml, container).unwrap();
        mutate(&toml, &[&weights], &toml, 300);
        mutate(&weights, &[&toml], &toml, 300);
    }
}
