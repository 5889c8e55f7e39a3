//! Where to cut: parts of nearly equal size, and narrow links between them.

/// A way to cut: the widest link, the bits of all links, the largest part, and the last layers of parts. The least is the best.
type Way = (u32, u64, u64, Vec<usize>);

/// Of all ways to cut, those whose largest part is within a quarter of the smallest possible largest part are as good as each other;
/// the one of them with the narrowest widest link is taken, and then the one with the fewest bits in all.
///
/// `luts` are those of each layer, `widths` the bits of an event behind each layer. Gives the last layer of each part but the last
/// one; none where there are fewer layers with logic than parts.
pub fn balance(luts: &[u64], widths: &[u32], parts: usize) -> Option<Vec<usize>> {
    let smallest = least(luts, parts)?;
    let most = smallest + smallest / 4;
    // best[p][l]: how the layers before l best become p parts.
    let count = luts.len();
    let mut best: Vec<Vec<Option<Way>>> = vec![vec![None; count + 1]; parts + 1];
    best[0][0] = Some((0, 0, 0, Vec::new()));
    for part in 1..=parts {
        for end in 1..=count {
            for start in 0..end {
                let size: u64 = luts[start..end].iter().sum();
                let Some((widest, bits, largest, cuts)) = &best[part - 1][start] else { continue };
                if size == 0 || size > most {
                    continue;
                }
                // The whole's last part has no link behind it.
                let link = if end == count { 0 } else { widths[end - 1] };
                let mut cuts = cuts.clone();
                cuts.extend((end < count).then_some(end - 1));
                let way = (link.max(*widest), bits + u64::from(link), size.max(*largest), cuts);
                if best[part][end].as_ref().is_none_or(|known| way < *known) {
                    best[part][end] = Some(way);
                }
            }
        }
    }
    best[parts][count].take().map(|(_, _, _, cuts)| cuts)
}

/// The size of the largest part at best.
fn least(luts: &[u64], parts: usize) -> Option<u64> {
    let count = luts.len();
    let mut best: Vec<Vec<Option<u64>>> = vec![vec![None; count + 1]; parts + 1];
    best[0][0] = Some(0);
    for part in 1..=parts {
        for end in 1..=count {
            let ways = (0..end).filter_map(|start| {
                let size: u64 = luts[start..end].iter().sum();
                best[part - 1][start].filter(|_| size > 0).map(|before| before.max(size))
            });
            best[part][end] = ways.min();
        }
    }
    best[parts][count]
}

#[cfg(test)]
mod tests {
    use super::balance;

    #[test]
    fn sizes_come_first_and_links_second() {
        assert_eq!(balance(&[40, 10, 30, 20], &[9, 9, 9, 9], 2), Some(vec![1]));
        // Behind the empty layer the link is narrower.
        assert_eq!(balance(&[50, 0, 50], &[64, 8, 8], 2), Some(vec![1]));
        assert_eq!(balance(&[50, 0, 50], &[8, 64, 8], 2), Some(vec![0]));
        // 100 at best; within a quarter there is a narrower link.
        assert_eq!(balance(&[50, 46, 4, 50, 50], &[99, 10, 99, 10, 0], 2), Some(vec![1]));
        assert_eq!(balance(&[50, 46, 4, 50, 50], &[99, 99, 99, 10, 0], 2), Some(vec![2]));
        assert_eq!(balance(&[98, 6, 96], &[50, 10, 0], 2), Some(vec![1]));
        assert_eq!(balance(&[10, 0, 10], &[1, 1, 1], 3), None);
        assert_eq!(balance(&[10, 10, 10], &[1, 1, 1], 1), Some(Vec::new()));
    }
}
