//! What is kept of each lane as an interval of its sorted samples: its median, and how a clip shrinks it.

use std::ops::Range;

use super::{LANES, Row, Sample};

/// Which sorted samples of each lane are kept: from `from` up to, not including, `to`. A lane of which nothing is
/// kept has `from == to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Rows of the lowest samples that are kept.
    pub from: [u32; LANES],
    /// Rows after the highest samples that are kept; never below `from`, never beyond the sorted rows.
    pub to: [u32; LANES],
}

impl Kept {
    /// Everything that is present in sorted rows. At most 2³² − 1 rows.
    pub fn present<T: Sample>(sorted: &[Row<T>]) -> Self {
        let nrow = index(sorted.len());
        let mut to = [nrow; LANES];
        let absent = |last: &Row<T>| last.0.iter().fold(false, |any, y| any | (*y == T::ABSENT));
        if sorted.last().is_some_and(absent) {
            for (lane, to) in to.iter_mut().enumerate() {
                let present = sorted.partition_point(|row| row.0[lane] < T::ABSENT);
                *to = index(present);
            }
        }
        Self {
            from: [0; LANES],
            to,
        }
    }

    /// Nothing.
    pub(super) fn none() -> Self {
        Self {
            from: [0; LANES],
            to: [0; LANES],
        }
    }

    /// Keeps other rows of a lane.
    #[inline(always)]
    pub(super) fn set(&mut self, lane: usize, rows: &Range<usize>) {
        self.from[lane] = index(rows.start);
        self.to[lane] = index(rows.end);
    }

    /// Drops the highest or the lowest sample of a lane.
    #[inline(always)]
    pub(super) fn take_end(&mut self, lane: usize, high: bool) {
        if high {
            self.to[lane] -= 1;
        } else {
            self.from[lane] += 1;
        }
    }

    /// The lanes that keep at least so many samples; nothing is kept of the rest.
    #[must_use]
    pub fn where_at_least(&self, count: u32) -> Self {
        let mut enough = *self;
        for lane in 0..LANES {
            if self.to[lane] - self.from[lane] < count {
                enough.to[lane] = self.from[lane];
            }
        }
        enough
    }

    /// How many samples of each lane are kept.
    pub fn count(&self) -> [u32; LANES] {
        let mut count = self.to;
        for (count, from) in count.iter_mut().zip(&self.from) {
            *count -= from;
        }
        count
    }

    /// The lanes that keep other rows than `before`; nothing is kept of the rest. What a clip has not changed, it
    /// would not change again: only these lanes need another look.
    #[must_use]
    pub fn where_changed(&self, before: &Self) -> Self {
        let mut changed = *self;
        for lane in 0..LANES {
            let same = (self.from[lane] == before.from[lane]) & (self.to[lane] == before.to[lane]);
            if same {
                changed.to[lane] = self.from[lane];
            }
        }
        changed
    }

    /// The rows that are kept of one lane.
    #[inline(always)]
    pub(super) fn rows(&self, lane: usize) -> Range<usize> {
        self.from[lane] as usize..self.to[lane] as usize
    }

    /// The rows that are kept of every lane, if they are the same.
    #[inline(always)]
    pub(super) fn shared(&self) -> Option<Range<usize>> {
        let mut differ = 0;
        for (from, to) in self.from.iter().zip(&self.to) {
            differ |= (from ^ self.from[0]) | (to ^ self.to[0]);
        }
        (differ == 0).then(|| self.rows(0))
    }
}

/// The median of the kept samples of each lane: the middle one, or the mean of the middle two in f64. NaN where
/// nothing is kept.
pub fn median_kept<T: Sample>(sorted: &[Row<T>], kept: &Kept) -> [f64; LANES] {
    let mut median = [f64::NAN; LANES];
    if let Some(rows) = kept.shared() {
        if !rows.is_empty() {
            let (low, high) = middle(&rows);
            let (low, high) = (&sorted[low].0, &sorted[high].0);
            for ((median, low), high) in median.iter_mut().zip(low).zip(high) {
                *median = low.halfway(*high);
            }
        }
        return median;
    }
    for (lane, median) in median.iter_mut().enumerate() {
        let rows = kept.rows(lane);
        if !rows.is_empty() {
            let (low, high) = middle(&rows);
            *median = sorted[low].0[lane].halfway(sorted[high].0[lane]);
        }
    }
    median
}

/// The middle two rows, or twice the middle one.
#[inline(always)]
fn middle(rows: &Range<usize>) -> (usize, usize) {
    let count = rows.end - rows.start;
    (
        rows.start + count.saturating_sub(1) / 2,
        rows.start + count / 2,
    )
}

/// Drops the kept samples that are below `low` or above `high`; a bound that is NaN drops nothing. Returns whether
/// anything was dropped.
pub fn clip_kept<T: Sample>(
    sorted: &[Row<T>],
    kept: &mut Kept,
    low: &[f64; LANES],
    high: &[f64; LANES],
) -> bool {
    let mut changed = false;
    for lane in 0..LANES {
        let (low, high) = (low[lane], high[lane]);
        let rows = kept.rows(lane);
        let (mut from, mut to) = (rows.start, rows.end);
        while from < to && sorted[from].0[lane].to_f64() < low {
            from += 1;
        }
        while from < to && sorted[to - 1].0[lane].to_f64() > high {
            to -= 1;
        }
        if from != rows.start || to != rows.end {
            changed = true;
            kept.from[lane] = index(from);
            kept.to[lane] = index(to);
        }
    }
    changed
}

/// A row as it stands in [`Kept`].
#[inline(always)]
fn index(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}
