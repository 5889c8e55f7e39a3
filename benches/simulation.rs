//! Our circuit simulator against Verilator, on the same networks and vectors, in one run, two threads each.
//!
//! `cargo bench --bench simulation [-- MODEL...]`; without arguments the example, and networks of `../shared` if it is there.
//!
//! Verilator gets its best: `-O3`, C++ compiled with `-O3 -march=native`, and the faster of `--threads 2` and two models
//! side by side, each with half of the vectors, which is how our threads share them too. The same test bench is timed,
//! as ours is, without building it and without loading its vectors. Times are of the clock on the wall, and of each tool the best of
//! three runs, in turns: on a machine that does other things too, both wait as long.

use nanotrig::batch::Batch;
use nanotrig::compiler::{Making, Reading, hardware, meaning};
use nanotrig::error::Result;
use nanotrig::netlist::Simulator;
use nanotrig::output::Output;
use nanotrig::verilator::{Build, stream};
use nanotrig::{backends, frontends};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VECTORS: usize = 400_000;
const RUNS: usize = 3;

fn main() {
    let given: Vec<PathBuf> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).map(PathBuf::from).collect();
    let models = if given.is_empty() { defaults() } else { given };
    rayon::ThreadPoolBuilder::new().num_threads(2).build_global().expect("the first pool");
    println!(
        "{:<24} {:>8} {:>16} {:>16} {:>12} {:>8}",
        "network", "nets", "ours, samples/s", "Verilator, /s", "how", "ratio"
    );
    for model in models {
        if let Err(error) = compare(&model) {
            println!("{}: {error}", model.display());
            std::process::exit(1);
        }
    }
}

fn defaults() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let nets = ["jsc_openml_75p86", "jsc_openml_76p86", "jet_mlp_w6_s50"];
    let shared = nets.map(|net| root.join(format!("../shared/bench/nets/{net}.json.gz")));
    [root.join("examples/jet_tagger/model.toml")].into_iter().chain(shared).filter(|path| path.exists()).collect()
}

fn compare(model: &Path) -> Result<()> {
    let meaning = meaning(&frontends::read(model, None)?, &Reading::default())?;
    let hardware = hardware(&meaning.dfg, &Making::default(), |_, _| ())?;
    let inputs = meaning.vectors(VECTORS, 1);
    let folder = Output::begin(&std::env::temp_dir().join(format!("nanotrig-bench-{}", std::process::id())))?;
    for file in backends::files(&hardware.netlist, &backends::Context::default())? {
        folder.write(&file.path, file.text.as_bytes())?;
    }
    let root = folder.path(".")?;
    let simulator = Simulator::new(&hardware.netlist);
    let (mut ours, mut theirs) = (0f64, (0f64, ""));
    for _ in 0..RUNS {
        // As much memory as the next run takes is then there, as it is for a model of Verilator's.
        drop(simulator.run(&inputs));
        let start = Instant::now();
        let codes = simulator.run(&inputs);
        ours = ours.max(VECTORS as f64 / start.elapsed().as_secs_f64());
        for (how, rate) in [("--threads 2", one(&root, &inputs, &codes)?), ("two models", two(&root, &inputs, &codes)?)]
        {
            theirs = if rate > theirs.0 { (rate, how) } else { theirs };
        }
    }
    let (name, nets) = (&meaning.dfg.name, hardware.netlist.nets.len());
    println!("{name:<24} {nets:>8} {ours:>16.0} {:>16.0} {:>12} {:>8.1}", theirs.0, theirs.1, ours / theirs.0);
    Ok(())
}

/// Vectors a second of one model with two threads.
fn one(root: &Path, inputs: &Batch, codes: &Batch) -> Result<f64> {
    let outcome = stream(root, inputs, codes, Build::Fastest(2), &|_| ())?;
    assert_eq!(outcome.mismatches, 0, "{:?}", outcome.report);
    Ok(outcome.cycles_per_second)
}

/// Vectors a second of two models with a thread each, both with half of the vectors.
fn two(root: &Path, inputs: &Batch, codes: &Batch) -> Result<f64> {
    let (left, right) = (halves(inputs), halves(codes));
    // Built before, and not twice.
    stream(root, &left[0], &right[0], Build::Fastest(1), &|_| ())?;
    let run = |half: usize| stream(root, &left[half], &right[half], Build::Fastest(1), &|_| ());
    let (a, b) = std::thread::scope(|scope| {
        let other = scope.spawn(|| run(1));
        (run(0), other.join().expect("no panic"))
    });
    let (a, b) = (a?, b?);
    assert_eq!(a.mismatches + b.mismatches, 0, "{:?}", a.report);
    Ok(a.cycles_per_second + b.cycles_per_second)
}

fn halves(batch: &Batch) -> [Batch; 2] {
    let (a, b) = batch.data.split_at(batch.rows() / 2 * batch.columns);
    [a, b].map(|data| Batch { columns: batch.columns, data: data.to_vec() })
}
