//! Spaces, scores and tuners against what AutoQKeras says of them; and what workers share.

use super::store::{Claim, Ending, Store};
use super::worker::{Search, Task, best};
use super::*;
use crate::compiler::Reading;
use crate::costs::text;
use crate::error::Result;
use crate::network::{Input, Layer, Network, Tensor};

/// Dense layers with ReLUs between them, and a softmax.
fn network(widths: &[usize]) -> Network {
    let zeros = |shape: &[usize]| Tensor { shape: shape.to_vec(), data: vec![0.0; shape.iter().product()] };
    let mut layers = Vec::new();
    let mut before = "x".to_string();
    for (at, pair) in widths.windows(2).enumerate() {
        let name = format!("dense_{}", at + 1);
        let dense = Layer::new(&name, "dense", vec![before])
            .with_tensor("kernel", zeros(pair))
            .with_tensor("bias", zeros(&pair[1..]));
        let last = at + 2 == widths.len();
        let act = Layer::new(format!("act_{}", at + 1), "activation", vec![name]);
        layers.push(dense);
        layers.push(act.with("function", if last { "softmax" } else { "relu" }));
        before = format!("act_{}", at + 1);
    }
    let x = Input { name: "x".into(), shape: vec![widths[0]], format: Some("fixed<8,3>".into()), next: None };
    Network { name: "n".into(), inputs: vec![x], layers, outputs: vec![before] }
}

fn config(text: &str) -> Config {
    toml::from_str(text).unwrap()
}

/// AutoQKeras' notebook, as TOML: keys about Keras itself are taken, too.
const NOTEBOOK: &str = r#"
output_dir = "autoq"
overwrite = false
mode = "random"
max_trials = 15
seed = 42
tune_filters = "layer"
tune_filters_exceptions = "dense_3"
layer_indexes = [1, 2, 3, 4, 5]
learning_rate_optimizer = false
transfer_weights = false
activation_bits = 4
[goal]
type = "bits"
params = { delta_p = 8.0, delta_n = 8.0, rate = 2.0, stress = 1.0, input_bits = 8, output_bits = 8, ref_bits = 8, config = { default = ["parameters", "activations"] } }
[limit]
Dense = [4, 8, 4]
Activation = [4]
BatchNormalization = []
"#;

#[test]
fn the_space_of_a_notebook() {
    let net = network(&[4, 8, 8, 3]);
    let space = Space::new(&config(NOTEBOOK), &net, None).unwrap();
    let names: Vec<String> = space.parameters.iter().map(|p| format!("{} {}", p.name, p.values.len())).collect();
    // Kernels and activations of at most 4 bits, biases of 8; the softmax and the last width stay.
    assert_eq!(
        names.join(", "),
        "dense_1_kernel 7, dense_1_bias 3, network_filters_dense_1 5, act_1_activation 5, dense_2_kernel 7, dense_2_bias 3, \
         network_filters_dense_2 5, act_2_activation 5, dense_3_kernel 7, dense_3_bias 3"
    );
}

#[test]
fn patterns_share_their_choices_and_come_first() {
    let text = "[limit]\n\"dense_[12]\" = [[\"ternary\", \"binary\"], 4, 4]\nDense = [8, 8, 8]\ndefault = 4";
    let space = Space::new(&config(text), &network(&[4, 8, 8, 3]), None).unwrap();
    let shared = &space.parameters[0];
    assert_eq!((shared.name.as_str(), shared.values.join(" ").as_str()), ("dense_[12]_kernel", "ternary binary"));
    assert_eq!(shared.effects.len(), 2);
    assert_eq!(
        space.parameters.iter().map(|p| p.name.as_str()).collect::<Vec<_>>()[1..],
        ["dense_[12]_bias", "dense_3_kernel", "dense_3_bias"]
    );
    let error = |text: &str| Space::new(&config(text), &network(&[4, 3]), None).unwrap_err().to_string();
    assert!(error("[limit]\nDense = [[\"quantum\"]]").contains("`quantum` is not in the pool `kernel`"));
    assert!(error("[limit]\nDense = [0]").contains("at most 0 bits"));
    assert!(error("[limit]\n\"dense(\" = [4]").contains("no regular expression"));
}

#[test]
fn choices_make_a_network() {
    let net = network(&[4, 8, 8, 3]);
    let space = Space::new(&config(NOTEBOOK), &net, None).unwrap();
    // The first choices: binary everywhere, half the width.
    let applied = apply(&net, &space, &vec![0; space.parameters.len()]).unwrap().network;
    let shape = |name: &str| applied.layer(name).unwrap().tensors["kernel"].shape.clone();
    assert_eq!((shape("dense_1"), shape("dense_2"), shape("dense_3")), (vec![4, 4], vec![4, 4], vec![4, 3]));
    assert_eq!(text(applied.layer("dense_2").unwrap(), "kernel_quantizer"), Some("binary"));
    assert_eq!(text(applied.layer("act_1").unwrap(), "function"), Some("binary"));
    assert_eq!(text(applied.layer("act_3").unwrap(), "function"), Some("softmax"));
    // A width that reaches the output is no choice.
    let open = config("tune_filters = \"block\"\n[limit]\nDense = [4, 4, 4]");
    let space = Space::new(&open, &net, None).unwrap();
    let error = apply(&net, &space, &vec![0; space.parameters.len()]).unwrap_err();
    assert!(error.to_string().contains("shape of the output"), "{error}");
}

/// `delta = 8 % ln(C / c) / ln 2`: half the cost is forgiven 8 percent, twice the cost is punished by 10.
#[test]
fn the_forgiving_factor() {
    let goal = config::Goal { kind: "bits".into(), params: toml::from_str("delta_n = 10\nstress = 0.5").unwrap() };
    let goal = Goal::new(&goal, &network(&[4, 3]), &Reading::default()).unwrap();
    // 15 weights and 3 softmax outputs and 4 inputs of 8 bits.
    assert_eq!(goal.reference, 22.0 * 8.0);
    assert!((goal.factor(44.0) - 1.08).abs() < 1e-12);
    assert!((goal.factor(22.0) - 1.16).abs() < 1e-12);
    assert!((goal.factor(176.0) - 0.9).abs() < 1e-12);
    assert_eq!(goal.factor(88.0), 1.0);
    assert_eq!(rate_factor(4, 10.0, 20.0), 1.1);
    assert_eq!((rate_factor(0, 10.0, 20.0), rate_factor(0, 30.0, 20.0)), (0.5, 1.0));
}

fn problem(space: &Space) -> Problem<'_> {
    Problem { space, seed: 7, max_trials: 60, epochs: 9, factor: 3 }
}

#[test]
fn random_trials_depend_on_seed_and_number_alone() {
    let space = Space::new(&config("[limit]\nDense = [2, 4]\nActivation = [2]"), &network(&[4, 3]), None).unwrap();
    assert_eq!(space.size(), 10.0);
    let problem = problem(&space);
    let tuner = &random::SEARCH.make;
    assert_eq!((tuner.count)(&problem), 10);
    let all: std::collections::BTreeSet<_> =
        (0..10).map(|number| (tuner.propose)(&problem, number, &[]).unwrap().choices).collect();
    assert_eq!(all.len(), 10, "every network once");
}

/// 9 epochs and a factor of 3: 9 trials of 1, 3 of 3, 1 of 9; 5 of 3, 1 of 9; 3 of 9 (Li et al., table 1, for R = 9).
#[test]
fn rungs_of_hyperband() {
    let space = Space::new(&config(NOTEBOOK), &network(&[4, 8, 8, 3]), None).unwrap();
    let (problem, tuner) = (problem(&space), &hyperband::SEARCH.make);
    assert_eq!((tuner.count)(&problem), 9 + 3 + 1 + 5 + 1 + 3);
    let mut trials = Vec::new();
    let epochs: Vec<u32> = (0..9).map(|number| (tuner.propose)(&problem, number, &[]).unwrap().epochs).collect();
    assert_eq!(epochs, [1; 9]);
    assert_eq!((tuner.propose)(&problem, 9, &trials), None, "the rung before is not done");
    for number in 0..9 {
        let choices = (tuner.propose)(&problem, number, &[]).unwrap().choices;
        trials.push(Trial {
            number,
            choices,
            score: Some(if number == 4 { 2.0 } else { -(number as f64) }),
            running: false,
        });
    }
    let second = (tuner.propose)(&problem, 9, &trials).unwrap();
    assert_eq!((second.epochs, second.choices), (3, trials[4].choices.clone()));
    assert_eq!((tuner.propose)(&problem, 10, &trials).unwrap().choices, trials[0].choices);
    assert_eq!((tuner.propose)(&problem, 13, &trials).unwrap().epochs, 3, "another bracket need not wait");
}

/// A score with one best network among many: after 60 trials the model has found a better one than chance.
#[test]
fn the_bayesian_model_learns() {
    let space = Space::new(&config(NOTEBOOK), &network(&[4, 8, 8, 3]), None).unwrap();
    let score = |choices: &[usize]| -choices.iter().map(|choice| *choice as f64).sum::<f64>();
    let best = |tuner: &Tuner, seed| {
        let problem = Problem { seed, max_trials: 40, ..problem(&space) };
        let mut trials: Vec<Trial> = Vec::new();
        for number in 0..40 {
            let choices = (tuner.propose)(&problem, number, &trials).unwrap().choices;
            trials.push(Trial { number, score: Some(score(&choices)), choices, running: false });
        }
        trials.iter().filter_map(|trial| trial.score).fold(f64::MIN, f64::max)
    };
    for seed in 0..3 {
        let (model, chance) = (best(&bayesian::SEARCH.make, seed), best(&random::SEARCH.make, seed));
        assert!(model > chance + 3.0, "seed {seed}: {model} against {chance}");
    }
}

/// The metric of a network, from nothing but its quantizers.
fn synthetic(task: &Task) -> Result<(f64, Network)> {
    let letters: usize =
        task.network.layers.iter().flat_map(|layer| layer.attributes.values()).map(|v| v.to_string().len()).sum();
    Ok((0.5 + letters as f64 / 1000.0, task.network.clone()))
}

fn search(text: &str) -> Search {
    Search::new(config(text), network(&[4, 8, 8, 3]), &Reading::default()).unwrap()
}

/// Trials and scores of a search by so many workers.
fn run(text: &str, workers: usize) -> Vec<store::Record> {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("s.sqlite").display().to_string();
    let open = |worker: &str| Store::open(&place, "s", worker, 30.0).unwrap();
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let (mut own, mut heart) = (open(&format!("w{worker}")), open(&format!("w{worker}")));
            scope.spawn(move || search(text).work(&mut own, &mut heart, &mut synthetic).unwrap());
        }
    });
    let stages = search(text).stages.len() as u64;
    let mut records: Vec<_> = (0..stages).flat_map(|stage| open("x").trials(stage).unwrap()).collect();
    records.iter_mut().for_each(|record| record.worker.clear());
    records
}

#[test]
fn workers_share_a_search() {
    let alone = run(NOTEBOOK, 1);
    assert_eq!(alone.len(), 15);
    assert!(alone.iter().all(|record| record.attempts == 1 && record.trial.score.is_some()));
    assert_eq!(run(NOTEBOOK, 4), alone);
}

#[test]
fn blocks_follow_each_other() {
    let text = NOTEBOOK
        .replace("seed = 42", "seed = 42\nblocks = [\"(dense|act)_1\", \"(dense|act)_2\"]\nschedule_block = \"cost\"");
    let search = search(&text);
    // The second block has most weights, and comes first; both have at least 10 trials.
    assert_eq!(
        search.stages.iter().map(|s| (s.block.as_str(), s.max_trials)).collect::<Vec<_>>(),
        [("(dense|act)_2", 10), ("(dense|act)_1", 10)]
    );
    let records = run(&text, 2);
    assert_eq!(records.len(), 20);
    assert_eq!(records, run(&text, 1));
    assert!(best(&records[10..]).unwrap().trial.score > best(&records[..10]).unwrap().trial.score);
}

/// A worker that is not heard of gives its trial back, and its late result is refused.
#[test]
fn a_dead_worker_gives_its_trial_back() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("s.sqlite").display().to_string();
    let search = search(NOTEBOOK);
    let standing = search.start().unwrap();
    let problem = Problem { max_trials: 1, ..problem(&standing.space) };
    let tuner = &random::SEARCH.make;
    let (mut dead, mut alive) =
        (Store::open(&place, "s", "dead", 0.1).unwrap(), Store::open(&place, "s", "alive", 30.0).unwrap());
    let Claim::Trial(lost) = dead.claim(0, tuner, &problem).unwrap() else { panic!() };
    assert_eq!(alive.claim(0, tuner, &problem).unwrap(), Claim::Wait);
    assert!(dead.beat(&lost).unwrap());
    std::thread::sleep(std::time::Duration::from_millis(200));
    let Claim::Trial(taken) = alive.claim(0, tuner, &problem).unwrap() else { panic!() };
    assert_eq!((taken.number, &taken.proposal), (lost.number, &lost.proposal));
    assert!(!dead.beat(&lost).unwrap());
    assert!(!dead.finish(&lost, &Ending::Scored(1.0, 1.0, 1.0, "{}".into())).unwrap());
    assert!(alive.finish(&taken, &Ending::Scored(0.5, 2.0, 0.6, "{}".into())).unwrap());
    let records = alive.trials(0).unwrap();
    assert_eq!((records[0].attempts, records[0].metric, records[0].worker.as_str()), (2, Some(0.5), "alive"));
    assert_eq!(alive.claim(0, tuner, &problem).unwrap(), Claim::Done);
}
