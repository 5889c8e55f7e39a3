//! Many samples of integer codes, as every evaluator takes and gives them.

/// A matrix of codes: one row a sample, one column an element of the flattened ports, in port order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Elements a sample has.
    pub columns: usize,
    /// The codes, row after row.
    pub data: Vec<i128>,
}

impl Batch {
    /// An empty batch of samples with `columns` elements.
    pub fn new(columns: usize) -> Batch {
        Batch { columns, data: Vec::new() }
    }

    /// The number of samples; 0 if samples have no elements.
    pub fn rows(&self) -> usize {
        self.data.len().checked_div(self.columns).unwrap_or(0)
    }

    /// One sample.
    pub fn row(&self, row: usize) -> &[i128] {
        &self.data[row * self.columns..(row + 1) * self.columns]
    }

    /// The first `rows` samples, or all of fewer.
    pub fn first(&self, rows: usize) -> Batch {
        let codes = self.data.len().min(rows * self.columns);
        Batch { columns: self.columns, data: self.data[..codes].to_vec() }
    }

    /// Appends a sample of `columns` codes.
    pub fn push(&mut self, row: &[i128]) {
        debug_assert_eq!(row.len(), self.columns);
        self.data.extend_from_slice(row);
    }

    /// The same samples with these of their columns, in this order.
    pub fn select(&self, columns: &[usize]) -> Batch {
        let rows = (0..self.rows()).map(|row| self.row(row));
        Batch { columns: columns.len(), data: rows.flat_map(|row| columns.iter().map(|at| row[*at])).collect() }
    }

    /// The same samples without those of their columns that come behind the first so many.
    pub fn narrow(&self, columns: usize) -> Batch {
        self.select(&(0..columns).collect::<Vec<_>>())
    }

    /// Samples side by side; all have the same number of rows.
    pub fn beside(batches: &[Batch]) -> Batch {
        let rows = batches.first().map_or(0, Batch::rows);
        let data = (0..rows).flat_map(|row| batches.iter().flat_map(move |batch| batch.row(row).iter().copied()));
        Batch { columns: batches.iter().map(|batch| batch.columns).sum(), data: data.collect() }
    }
}
