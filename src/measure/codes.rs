//! Measuring a frame of 8- and 16-bit integers: one pass counts how often each code occurs, and the counts tell
//! all but sums that depend on their order.

use super::histogram::{Histogram, NBIN};
use super::mean::RowSums;
use super::mode::{Cells, Range};
use super::noise::RowNoise;
use super::{
    FrameRows, MAD_TO_SIGMA, Measured, Pass, Ranked, Sought, Wanted, distance, median, sought,
};
use crate::error::Result;

/// 2⁵³: sums of whole numbers below this are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The memory for it.
#[derive(Debug)]
pub(super) struct Codes<T> {
    /// For the median and the mode.
    histogram: Option<Histogram>,
    /// For the mean and the noise: the sample of each code.
    samples: Vec<T>,
}

/// Whether the sample of each code is looked up.
fn looks_up(wanted: Wanted) -> bool {
    wanted.mean || wanted.noise.is_some()
}

impl<T: Ranked> Codes<T> {
    /// Memory to measure what is `wanted`.
    pub(super) fn new(wanted: Wanted) -> Self {
        Self {
            histogram: wanted.by_rank().then(|| Histogram::new(1)),
            samples: vec![T::ABSENT; if looks_up(wanted) { NBIN } else { 0 }],
        }
    }

    /// The bytes that `new` allocates.
    pub(super) fn nbyte(wanted: Wanted) -> usize {
        let histogram = if wanted.by_rank() {
            Histogram::nbyte(1)
        } else {
            0
        };
        histogram
            + if looks_up(wanted) {
                NBIN * size_of::<T>()
            } else {
                0
            }
    }

    /// The bytes that it holds now.
    #[cfg(test)]
    pub(super) fn nbyte_held(&self) -> usize {
        self.histogram.as_ref().map_or(0, Histogram::nbyte_held)
            + self.samples.capacity() * size_of::<T>()
    }

    /// Measures a frame in one pass, or two; `None` where no sample is present.
    pub(super) fn measure(
        &mut self,
        wanted: Wanted,
        mut noise: Option<&mut RowNoise>,
        value: &dyn Fn(u16) -> T,
        pass: &mut Pass<'_, T>,
    ) -> Result<Option<Measured>> {
        let sums = self.count(noise.as_deref_mut(), value, pass)?;
        let counted = self
            .histogram
            .as_ref()
            .map(|histogram| Counted::new(histogram.slot(0), value));
        let npresent = counted.as_ref().map_or(sums.npresent(), Counted::npresent);
        if npresent == 0 {
            return Ok(None);
        }
        let mut measured = Measured::of(npresent);
        if wanted.mean {
            measured.mean = sums.mean();
        }
        if let Some(noise) = noise {
            measured.noise = noise.sigma();
        }
        if let Some(counted) = counted {
            let at = |rank| counted.at(rank);
            if wanted.median {
                measured.median = median(npresent, at);
            }
            if wanted.mad {
                let middle = median(npresent, at);
                let at = |rank| counted.distance_at(rank, middle);
                measured.mad = MAD_TO_SIGMA * median(npresent, at);
            }
            if wanted.mode {
                measured.mode = match sought(npresent, at) {
                    Sought::Value(mode) => mode,
                    Sought::Within(range) => counted.mode(range, pass)?,
                };
            }
        }
        Ok(Some(measured))
    }

    /// Goes over the frame: fills the histogram, gauges the noise, and returns the sums where samples are looked up.
    fn count(
        &mut self,
        mut noise: Option<&mut RowNoise>,
        value: &dyn Fn(u16) -> T,
        pass: &mut Pass<'_, T>,
    ) -> Result<RowSums> {
        for (code, sample) in (0..=u16::MAX).zip(&mut self.samples) {
            *sample = value(code);
        }
        if let Some(histogram) = &mut self.histogram {
            histogram.clear();
        }
        let mut sums = RowSums::default();
        pass(&mut |rows| {
            let (codes, present, ncol) = codes_of(rows);
            if !self.samples.is_empty() {
                let sample = |i: usize| self.samples[usize::from(codes[i])].to_f64();
                let noise = noise.as_deref_mut();
                match present {
                    None => look_over((&mut sums, noise), codes.len(), ncol, sample),
                    Some(present) => {
                        let sample = |i| if present[i] { sample(i) } else { f64::INFINITY };
                        look_over((&mut sums, noise), codes.len(), ncol, sample);
                    }
                }
            }
            if let Some(histogram) = &mut self.histogram {
                let nowhere = histogram.nowhere();
                let bins = codes.iter().map(|&code| usize::from(code));
                match present {
                    None => histogram.add(bins),
                    Some(present) => {
                        histogram.add(
                            bins.zip(present)
                                .map(|(bin, &there)| if there { bin } else { nowhere }),
                        );
                    }
                }
            }
        })?;
        Ok(sums)
    }
}

/// Adds samples to their sums, and to the noise where it is gauged.
#[inline(always)]
fn look_over(
    (sums, noise): (&mut RowSums, Option<&mut RowNoise>),
    nsample: usize,
    ncol: usize,
    sample: impl Fn(usize) -> f64,
) {
    sums.add(nsample, ncol, &sample);
    if let Some(noise) = noise {
        noise.add(nsample, ncol, &sample);
    }
}

/// The codes of rows that are no samples, which of them count, and how many make a row.
fn codes_of<T: Copy>(rows: FrameRows<'_, T>) -> (&[u16], Option<&[bool]>, usize) {
    let FrameRows::Codes {
        rows,
        present,
        ncol,
    } = rows
    else {
        panic!("a scratch for codes is handed codes");
    };
    assert!(
        present.is_none_or(|present| present.len() == rows.len()),
        "a mask has one value for each code"
    );
    (rows, present, ncol)
}

/// The samples of a frame, each code that occurs with its count, in order of value.
struct Counted<'a, T> {
    counts: &'a [u64],
    value: &'a dyn Fn(u16) -> T,
    /// The codes of the lowest and of the highest sample: in this order, or falling.
    lowest: u16,
    highest: u16,
}

impl<'a, T: Ranked> Counted<'a, T> {
    fn new(counts: &'a [u64], value: &'a dyn Fn(u16) -> T) -> Self {
        let mut counted = Self {
            counts,
            value,
            lowest: 0,
            highest: u16::MAX,
        };
        let present = |&code: &u16| counted.sample(code).is_some();
        // A frame without samples has none in any range.
        let first = (0..=u16::MAX).find(present).unwrap_or(0);
        let last = (0..=u16::MAX).rev().find(present).unwrap_or(0);
        let falls = counted.sample(first) > counted.sample(last);
        (counted.lowest, counted.highest) = if falls { (last, first) } else { (first, last) };
        counted
    }

    /// The sample of a code that occurs and is not BLANK, and how often it occurs.
    fn sample(&self, code: u16) -> Option<(f64, u64)> {
        let count = self.counts[usize::from(code)];
        // Adding 0.0 makes 0.0 of -0.0.
        (count > 0)
            .then(|| ((self.value)(code).to_f64() + 0.0, count))
            .filter(|&(sample, _)| sample < f64::INFINITY)
    }

    /// The samples in ascending order, and how often each occurs.
    fn ascending(&self) -> impl DoubleEndedIterator<Item = (f64, u64)> {
        let (lowest, highest) = (self.lowest, self.highest);
        let falls = highest < lowest;
        (lowest.min(highest)..=lowest.max(highest)).filter_map(move |code| {
            self.sample(if falls {
                lowest - (code - highest)
            } else {
                code
            })
        })
    }

    /// How many samples there are.
    fn npresent(&self) -> u64 {
        self.ascending().map(|(_, count)| count).sum()
    }

    /// The sample at a rank below `npresent`.
    fn at(&self, rank: u64) -> f64 {
        let mut upto = 0;
        let found = self.ascending().find(|&(_, count)| {
            upto += count;
            rank < upto
        });
        found.expect("a rank below the number of samples").0
    }

    /// The distance from the middle at a rank below `npresent`: from the middle outwards, the nearer of both sides first.
    fn distance_at(&self, rank: u64, middle: f64) -> f64 {
        let away = |(sample, count)| (distance(sample, middle), count);
        let above = self.ascending().filter(|(sample, _)| *sample >= middle);
        let below = self.ascending().filter(|(sample, _)| *sample < middle);
        let (mut above, mut below) = (above.map(away).peekable(), below.rev().map(away).peekable());
        let mut upto = 0;
        loop {
            let nearest = match (above.peek(), below.peek()) {
                (Some(up), Some(down)) if up.0 <= down.0 => above.next(),
                (Some(_), None) => above.next(),
                _ => below.next(),
            };
            let (distance, count) = nearest.expect("a rank below the number of samples");
            upto += count;
            if rank < upto {
                return distance;
            }
        }
    }

    /// The mode within a range. Whole numbers have one sum, whatever their order; others are summed row by row.
    fn mode(&self, range: Range, pass: &mut Pass<'_, T>) -> Result<f64> {
        let mut cells = Cells::new(range);
        self.ascending()
            .for_each(|(sample, count)| cells.add(sample, count));
        let bin = cells.fullest();
        let (mut npresent, mut total, mut largest, mut whole) = (0, 0.0, 0.0, true);
        for (sample, count) in self
            .ascending()
            .filter(|&(sample, _)| range.has(bin, sample))
        {
            npresent += count;
            total += count as f64 * sample;
            largest += count as f64 * sample.abs();
            whole &= sample.fract() == 0.0;
        }
        if whole && largest < EXACT {
            return Ok(total / npresent as f64);
        }
        let mut sums = RowSums::default();
        pass(&mut |rows| {
            let (codes, present, ncol) = codes_of(rows);
            sums.add(codes.len(), ncol, |i| {
                let sample = (self.value)(codes[i]).to_f64();
                let counts = present.is_none_or(|present| present[i]) && range.has(bin, sample);
                if counts {
                    sample * range.unit
                } else {
                    f64::INFINITY
                }
            });
        })?;
        Ok(sums.mean() / range.unit)
    }
}
