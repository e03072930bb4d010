//! Blocks of samples of every kind, with intervals, centres and weights to try on them.

use super::super::{Kept, LANES, Row, Sample};
use super::textbook;

/// Kinds of samples that [`Drawn::new`] knows.
pub(super) const KINDS: u64 = 13;

/// Numbers of frames: every one around the steps of the network and of the first merges, and some large.
pub(super) fn sizes() -> impl Iterator<Item = usize> {
    (1..=70).chain([100, 128, 257, 1000, 3000])
}

/// A block and what is tried on it.
#[derive(Debug)]
pub(super) struct Drawn<T> {
    pub(super) rows: Vec<Row<T>>,
    /// What is present, what all lanes keep alike, and what each lane keeps for itself.
    pub(super) kept: [Kept; 3],
    pub(super) centre: [f64; LANES],
    pub(super) weights: Vec<f64>,
}

impl<T: Sample> Drawn<T> {
    /// `nframe` rows of one kind of samples.
    pub(super) fn new(nframe: usize, kind: u64) -> Self {
        let mut draw = Draw(nframe as u64 * KINDS + kind);
        let rows: Vec<Vec<T>> = (0..nframe)
            .map(|frame| {
                (0..LANES)
                    .map(|lane| draw.sample(kind, frame, lane))
                    .collect()
            })
            .collect();
        Self::of_rows(&rows, draw.0)
    }

    /// These rows.
    pub(super) fn of_rows(rows: &[Vec<T>], seed: u64) -> Self {
        let rows: Vec<Row<T>> = rows
            .iter()
            .map(|row| Row(std::array::from_fn(|lane| row[lane])))
            .collect();
        let mut draw = Draw(seed);
        let mut kept = [Kept {
            from: [0; LANES],
            to: [0; LANES],
        }; 3];
        let mut centre = [0.0; LANES];
        let shortest = (0..LANES)
            .map(|lane| present(&rows, lane).len())
            .min()
            .unwrap_or(0);
        let shared = draw.interval(shortest);
        for (lane, centre) in centre.iter_mut().enumerate() {
            let present = present(&rows, lane);
            kept[0].to[lane] = u32::try_from(present.len()).expect("a small number");
            (kept[1].from[lane], kept[1].to[lane]) = shared;
            (kept[2].from[lane], kept[2].to[lane]) = draw.interval(present.len());
            *centre = match draw.below(4) {
                0 if !present.is_empty() => present[draw.below(present.len())].to_f64(),
                1 if !present.is_empty() => textbook::sum(&present) / present.len() as f64,
                _ => textbook::median_of(&present),
            };
            if !centre.is_finite() {
                *centre = 0.0;
            }
        }
        let weights = rows.iter().map(|_| draw.below(5) as f64 * 0.3).collect();
        Self {
            rows,
            kept,
            centre,
            weights,
        }
    }

    /// The samples of one lane, in frame order.
    pub(super) fn lane(&self, lane: usize) -> Vec<T> {
        column(&self.rows, lane)
    }
}

/// One lane of rows.
pub(super) fn column<T: Sample>(rows: &[Row<T>], lane: usize) -> Vec<T> {
    rows.iter().map(|row| row.0[lane]).collect()
}

fn present<T: Sample>(rows: &[Row<T>], lane: usize) -> Vec<T> {
    textbook::present(&column(rows, lane))
}

/// The same numbers on every run (splitmix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A part of `0..len`, now and then empty.
    fn interval(&mut self, len: usize) -> (u32, u32) {
        let (one, other) = (self.below(len + 1), self.below(len + 1));
        let bound = |row: usize| u32::try_from(row).expect("a small number");
        (bound(one.min(other)), bound(one.max(other)))
    }

    fn sample<T: Sample>(&mut self, kind: u64, frame: usize, lane: usize) -> T {
        let uniform = self.uniform();
        let absent = |often: f64, value: f64| {
            if uniform < often {
                f64::INFINITY
            } else {
                value
            }
        };
        T::from_f64(match kind {
            0 => (1000.0 + 30.0 * self.uniform()).round(),
            10 if frame == lane => 1e30,
            1 | 10 => 1000.0 + 30.0 * (uniform + self.uniform() - self.uniform()),
            2 => absent(0.2, (100.0 * self.uniform()).round()),
            3 => absent(lane as f64 / 15.0, self.uniform()),
            4 => [-1.0, -0.0, 0.0, 1.0][self.below(4)],
            5 => (uniform - 0.5) * 1e-39 * 1e-269_f64.powi(i32::from(T::MAX.to_f64() > 1e300)),
            6 => (uniform - 0.5) * 2.0 * T::MAX.to_f64(),
            7 => -(frame as f64) * (lane as f64 - 7.5),
            8 => 7.25,
            9 => 1000.0 + f64::from(u8::from(uniform < 0.1)),
            11 => {
                (1000.0 + 10.0 * self.uniform()).round()
                    + f64::from(u8::from(uniform < 0.5)) * 4000.0
            }
            _ => absent(0.05, 0.1 + 1e-7 * f64::from(u8::from(frame == 2 * lane))),
        })
    }
}
