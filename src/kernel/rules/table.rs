//! Room for numbers along a block.

use super::super::{LANES, Row};

/// Room for two numbers a sample of one lane: a row for sixteen of them.
#[derive(Clone, Debug, Default)]
pub struct Table {
    one: Vec<Row<f64>>,
    other: Vec<Row<f64>>,
}

impl Table {
    /// Bytes a row.
    pub const NBYTE: usize = 2 * size_of::<Row<f64>>();

    /// Room for so many rows.
    pub fn new(nrow: usize) -> Self {
        let rows = || vec![Row([0.0; LANES]); nrow];
        Self {
            one: rows(),
            other: rows(),
        }
    }

    /// Both halves of it.
    pub(super) fn both(&mut self) -> (&mut [Row<f64>], &mut [Row<f64>]) {
        (&mut self.one, &mut self.other)
    }
}
