//! How good a network's outputs are.

/// The class of the greatest output, the first of equals; of a single output, whether it is above 0.
pub fn predicted(row: &[f64]) -> usize {
    if let [score] = row {
        return (*score > 0.0) as usize;
    }
    let greatest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    row.iter().position(|value| *value == greatest).unwrap_or(0)
}

/// The area under the ROC curve of one class against the rest: the chance that a member scores above a non-member, ties
/// half (Mann-Whitney).
pub fn area(labels: &[usize], class: usize, score: impl Fn(usize) -> f64) -> Option<f64> {
    let mut scored: Vec<(f64, bool)> = (0..labels.len()).map(|row| (score(row), labels[row] == class)).collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let members = scored.iter().filter(|(_, member)| *member).count();
    let (mut below, mut wins) = (0.0, 0.0);
    for tied in scored.chunk_by(|a, b| a.0 == b.0) {
        let inside = tied.iter().filter(|(_, member)| *member).count() as f64;
        let outside = tied.len() as f64 - inside;
        wins += inside * (below + outside / 2.0);
        below += outside;
    }
    let pairs = members as f64 * (labels.len() - members) as f64;
    (pairs > 0.0).then(|| wins / pairs)
}
