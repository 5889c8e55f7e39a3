//! Training, and what the user sees of it.

use super::Arguments;
use super::checkpoint::Kept;
use super::front::{self, Row};
use crate::cli::print;
use crate::cli::progress::Progress;
use crate::error::{At, Result};
use crate::files;
use crate::frontends::{self, native};
use crate::output::Output;
use crate::report::training::{Curve, Plot, html};
use crate::temporary::uninterrupted;
use crate::training::recipe::Loss;
use crate::training::{Epoch, Recipe, Run, Score, Split, Trained, standardise};
use std::path::Path;

/// Trains, and writes the result.
///
/// # Errors
/// A mistake in the recipe, the network or the data; a loss that is no number any more.
pub fn run(arguments: &Arguments) -> Result<u8> {
    let place = arguments.recipe.display().to_string();
    let text = files::read_text(&arguments.recipe)?;
    let recipe = Recipe::parse(&text).at(&*place)?;
    let folder = arguments.recipe.parent().unwrap_or(Path::new(""));
    let network = frontends::read(&folder.join(&recipe.network), None).at(&*place)?;
    network.stateless("training").at(&*place)?;
    let mut split = Split::read(&recipe.data, &recipe.loss, recipe.seed, folder).at(&*place)?;
    if let Loss::Distillation { teacher: Some(teacher), temperature, .. } = &recipe.loss {
        let teacher = frontends::read(&folder.join(teacher), None).at(&*place)?;
        teacher.stateless("training").at("the teacher").at(&*place)?;
        split.teach(&teacher, *temperature).at("the teacher").at(&*place)?;
    }
    let network = match recipe.data.standardise {
        Some(fraction) => standardise(&network, &split.train, fraction).at(&*place)?,
        None => network,
    };
    Output::check(&arguments.output)?;
    let mut run = Run::new(&network, &split, &recipe).at(&*place)?;
    let kept = Kept::new(&arguments.output, &text);
    if let Some(checkpoint) = kept.read().filter(|_| !arguments.restart) {
        run.restore(&checkpoint).at(kept.path.display().to_string())?;
        print::note(format_args!("goes on from {}", kept.path.display()));
    }
    for layer in run.frozen() {
        print::note(format_args!(
            "`{layer}` keeps its numbers: it has no quantizer, or layers of its kind are not trained"
        ));
    }
    print::line(format_args!("{} samples to train on, {} to validate", split.train.rows(), split.validation.rows()))?;
    print::line(format_args!("{:>5} {:>10} {:>10} {:>9} {:>9}", "epoch", "loss", "validated", "accuracy", "EBOPs"))?;
    let progress = Progress::new();
    let mut number = 0;
    while !run.finished() {
        progress.step(&format!("epoch {} of {}", number + 1, recipe.epochs));
        // An interrupt waits for the end of an epoch: libtorch must not be taken down while it works.
        let (epoch, checkpoint) = uninterrupted(|| Ok((run.epoch()?, run.checkpoint()?))).at(&*place)?;
        number = epoch.number;
        progress.above(|| row(&epoch))?;
        kept.write(&checkpoint)?;
    }
    progress.step("evaluating with integers");
    let trained = uninterrupted(|| run.finish()).at(&*place)?;
    progress.step("compiling the front");
    let front = front::compiled(&trained.front)?;
    drop(progress);
    write(&trained, &front, &arguments.output)?;
    kept.remove();
    print::line(format_args!("validated {}", summary(&trained.score)))?;
    if let Some(test) = &trained.test {
        print::line(format_args!("tested    {}", summary(test)))?;
    }
    front::show(&front)?;
    print::line(format_args!("network   {}", arguments.output.join("model.toml").display()))?;
    Ok(0)
}

/// A line of the table of epochs.
fn row(epoch: &Epoch) -> Result<()> {
    let Epoch { number, loss, validation_loss, accuracy, ebops, .. } = epoch;
    let accuracy = accuracy.unwrap_or(f64::NAN);
    print::line(format_args!("{number:>5} {loss:>10.5} {validation_loss:>10.5} {accuracy:>9.4} {ebops:>9.0}"))
}

/// What the integer evaluator says.
fn summary(score: &Score) -> String {
    let shares = score.accuracy.zip(score.error());
    let accuracy = shares.map_or(String::new(), |(share, error)| format!("accuracy {share:.4} +- {error:.4}, "));
    let auc = score.auc.map_or(String::new(), |auc| format!("ROC AUC {auc:.4}, "));
    let Score { loss, samples, .. } = score;
    format!("{accuracy}{auc}loss {loss:.5} on {samples} samples, by the integer evaluator")
}

/// The curves as a page.
fn page(trained: &Trained, front: &[Row]) -> Result<String> {
    let curve = |name, value: fn(&Epoch) -> f64| Curve {
        name,
        points: trained.history.iter().map(|epoch| [epoch.number as f64, value(epoch)]).collect(),
    };
    let losses = vec![curve("training", |epoch| epoch.loss), curve("validation", |epoch| epoch.validation_loss)];
    let mut pictures = vec![Plot { title: "Loss", axis: "epoch", curves: losses }];
    if trained.score.accuracy.is_some() {
        let curves = vec![curve("validation", |epoch| epoch.accuracy.unwrap_or(f64::NAN))];
        pictures.push(Plot { title: "Accuracy", axis: "epoch", curves });
    }
    pictures.push(Plot {
        title: "Effective bit operations",
        axis: "epoch",
        curves: vec![curve("all products", |epoch| epoch.ebops)],
    });
    if !front.is_empty() {
        let points = front.iter().map(|row| [row.luts, row.quality]).collect();
        pictures.push(Plot { title: "Front", axis: "LUT", curves: vec![Curve { name: row_name(trained), points }] });
    }
    let test = trained.test.as_ref().map_or(String::new(), |test| format!(" Test: {}.", summary(test)));
    html(&trained.network.name, &format!("Validation: {}.{test}", summary(&trained.score)), &pictures)
}

/// What the front's quality is.
fn row_name(trained: &Trained) -> &'static str {
    match (&trained.test, trained.score.accuracy) {
        (Some(_), Some(_)) => "test accuracy",
        (None, Some(_)) => "validation accuracy",
        (Some(_), None) => "minus the test loss",
        (None, None) => "minus the validation loss",
    }
}

fn write(trained: &Trained, front: &[Row], place: &Path) -> Result<()> {
    let output = Output::begin(place)?;
    native::write(&trained.network, &output.path("model.toml")?)?;
    let mut history = "epoch,loss,validation_loss,accuracy,ebops,rate\n".to_string();
    for Epoch { number, loss, validation_loss, accuracy, ebops, rate } in &trained.history {
        let accuracy = accuracy.map_or(String::new(), |accuracy| accuracy.to_string());
        history += &format!("{number},{loss},{validation_loss},{accuracy},{ebops},{rate}\n");
    }
    output.write("history.csv", history.as_bytes())?;
    for (row, point) in front.iter().zip(&trained.front) {
        native::write(&point.network, &output.path(&format!("front/{}/model.toml", row.name))?)?;
    }
    output.write("report.html", page(trained, front)?.as_bytes())?;
    let scored = |Score { samples, loss, accuracy, auc }: &Score| serde_json::json!({ "samples": samples, "loss": loss, "accuracy": accuracy, "roc_auc": auc });
    let report = serde_json::json!({
        "nanotrig": env!("CARGO_PKG_VERSION"),
        "validation": scored(&trained.score),
        "test": trained.test.as_ref().map(scored),
        "front": front,
        "epochs": trained.history.len(),
    });
    output.write("report.json", format!("{report:#}\n").as_bytes())?;
    output.finish()
}
