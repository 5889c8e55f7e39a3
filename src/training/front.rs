//! The epochs that no other beats in both accuracy and bit operations: one training with a rising penalty passes through
//! networks of every size, and each that is best for its size is kept.

use super::train::Epoch;
use tch::Tensor;

/// Epochs with their parameters, none of which another beats.
#[derive(Default)]
pub struct Front {
    /// In the order of the epochs.
    pub kept: Vec<(Epoch, Tensor)>,
}

/// Is one at least as good in both?
fn beats(one: &Epoch, other: &Epoch) -> bool {
    one.quality() >= other.quality() && one.ebops <= other.ebops
}

impl Front {
    /// Keeps an epoch with its parameters, if none is better; those that it beats go.
    pub fn offer(&mut self, epoch: &Epoch, parameters: &Tensor) {
        if self.kept.iter().any(|(other, _)| beats(other, epoch)) {
            return;
        }
        self.kept.retain(|(other, _)| !beats(epoch, other));
        self.kept.push((*epoch, parameters.copy()));
    }

    /// At most so many, from few bit operations to many: the ends, and between them the nearest to equal factors.
    pub fn chosen(&self, most: usize) -> Vec<&(Epoch, Tensor)> {
        let mut all: Vec<&(Epoch, Tensor)> = self.kept.iter().collect();
        all.sort_by(|(a, _), (b, _)| a.ebops.total_cmp(&b.ebops));
        let (Some((first, _)), Some((last, _))) = (all.first(), all.last()) else { return all };
        if all.len() <= most || most < 2 {
            all.truncate(most.max(1));
            return all;
        }
        let place = |epoch: &Epoch| epoch.ebops.max(1.0).ln();
        let (low, high) = (place(first), place(last));
        let mut chosen: Vec<usize> = (0..most)
            .filter_map(|step| {
                let aim = low + (high - low) * step as f64 / (most - 1) as f64;
                let distance = |at: &usize| (place(&all[*at].0) - aim).abs();
                (0..all.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)))
            })
            .collect();
        chosen.dedup();
        chosen.into_iter().map(|at| all[at]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(number: usize, accuracy: f64, ebops: f64) -> Epoch {
        Epoch { number, loss: 0.0, validation_loss: 1.0 - accuracy, accuracy: Some(accuracy), rate: 0.0, ebops }
    }

    #[test]
    fn only_what_nothing_beats_is_kept() {
        let mut front = Front::default();
        let offers = [(0.7, 900.0), (0.75, 1000.0), (0.74, 1100.0), (0.75, 800.0), (0.6, 100.0), (0.5, 100.0)];
        for (number, (accuracy, ebops)) in offers.into_iter().enumerate() {
            front.offer(&epoch(number, accuracy, ebops), &Tensor::from(number as f32));
        }
        let numbers = |list: Vec<&(Epoch, Tensor)>| list.iter().map(|(epoch, _)| epoch.number).collect::<Vec<_>>();
        assert_eq!(numbers(front.chosen(9)), [4, 3]);
        assert_eq!(numbers(front.chosen(1)), [4]);
        assert_eq!(front.kept[0].1.double_value(&[]), 3.0);
    }

    #[test]
    fn those_written_are_spread_over_the_sizes() {
        let mut front = Front::default();
        for number in 1..=64 {
            front.offer(&epoch(number, number as f64 / 100.0, 2f64.powf(number as f64 / 8.0)), &Tensor::from(0f32));
        }
        let chosen: Vec<usize> = front.chosen(4).iter().map(|(epoch, _)| epoch.number).collect();
        assert_eq!(chosen, [1, 22, 43, 64]);
    }
}
