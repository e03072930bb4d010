//! Measuring a frame that comes as samples: what is exact by rank takes two passes, and two more where it is the rank of
//! distances.

use super::brackets::Brackets;
use super::mean::RowSums;
use super::mode::{Bins, Range};
use super::noise::RowNoise;
use super::ranking::Ranking;
use super::{
    FrameRows, MAD_TO_SIGMA, Measured, Pass, Ranked, Sought, Wanted, distance, median, sought,
};
use crate::error::Result;

/// What ranks are found with; nothing of what is not wanted.
#[derive(Debug)]
pub(super) struct Ranks<T: Ranked> {
    /// Those of the samples.
    samples: Option<T::Ranking>,
    /// That of their distances from the median.
    distances: Option<Brackets>,
}

/// What is wanted of distances.
const DISTANCES: Wanted = Wanted {
    mean: false,
    median: true,
    mode: false,
    mad: false,
    noise: None,
};

impl<T: Ranked> Ranks<T> {
    /// Memory to measure what is `wanted` of so many pixels.
    pub(super) fn new(wanted: Wanted, npixel: u64) -> Self {
        let distances = wanted.mad.then(|| Brackets::new(DISTANCES, npixel));
        Self {
            samples: wanted.by_rank().then(|| T::Ranking::new(wanted, npixel)),
            distances,
        }
    }

    /// The bytes that `new` allocates.
    pub(super) fn nbyte(wanted: Wanted, npixel: u64) -> usize {
        let mut nbyte = 0;
        if wanted.by_rank() {
            nbyte += T::Ranking::nbyte(wanted, npixel);
        }
        if wanted.mad {
            nbyte += Brackets::nbyte(DISTANCES, npixel);
        }
        nbyte
    }

    /// The bytes that it holds now.
    #[cfg(test)]
    pub(super) fn nbyte_held(&self) -> usize {
        self.samples.as_ref().map_or(0, Ranking::nbyte_held)
            + self.distances.as_ref().map_or(0, Ranking::nbyte_held)
    }

    /// Measures a frame; `None` where no sample is present.
    pub(super) fn measure(
        &mut self,
        wanted: Wanted,
        mut noise: Option<&mut RowNoise>,
        pass: &mut Pass<'_, T>,
    ) -> Result<Option<Measured>> {
        let Self {
            samples: ranking,
            distances,
        } = self;
        let mut sums = RowSums::default();
        // The sums count the samples where no ranking does.
        let summed = wanted.mean || ranking.is_none();
        if let Some(ranking) = ranking {
            ranking.begin();
        }
        pass(&mut |rows| {
            let (samples, ncol) = samples_of(rows);
            if summed {
                sums.add(samples.len(), ncol, |i| samples[i].to_f64());
            }
            if let Some(noise) = &mut noise {
                noise.add(samples.len(), ncol, |i| samples[i].to_f64());
            }
            if let Some(ranking) = ranking {
                ranking.survey(samples);
            }
        })?;
        let npresent = ranking.as_ref().map_or(sums.npresent(), Ranking::npresent);
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
        let Some(ranking) = ranking else {
            return Ok(Some(measured));
        };
        if ranking.narrow(&wanted.ranks(npresent)) {
            pass(&mut |rows| ranking.refine(samples_of(rows).0))?;
        }
        let mut at = |rank| ranking.value(rank);
        if wanted.median {
            measured.median = median(npresent, &mut at);
        }
        if wanted.mode {
            measured.mode = match sought(npresent, &mut at) {
                Sought::Value(mode) => mode,
                Sought::Within(range) => mode_within(range, pass)?,
            };
        }
        if let Some(distances) = distances {
            let middle = median(npresent, &mut at);
            measured.mad = MAD_TO_SIGMA * median_distance(middle, distances, pass)?;
        }
        Ok(Some(measured))
    }
}

/// The mode in a range.
fn mode_within<T: Ranked>(range: Range, pass: &mut Pass<'_, T>) -> Result<f64> {
    let mut bins = Bins::new(range);
    pass(&mut |rows| {
        let (samples, ncol) = samples_of(rows);
        bins.add(samples, ncol);
    })?;
    Ok(bins.mode())
}

/// The median of the distances of the samples from their middle.
fn median_distance<T: Ranked>(
    middle: f64,
    distances: &mut Brackets,
    pass: &mut Pass<'_, T>,
) -> Result<f64> {
    let mut batch = [0.0; 64];
    let mut by_batch = |rows: FrameRows<'_, T>, take: &mut dyn FnMut(&[f64])| {
        for samples in samples_of(rows).0.chunks(batch.len()) {
            for (to, sample) in batch.iter_mut().zip(samples) {
                *to = distance(sample.to_f64(), middle);
            }
            take(&batch[..samples.len()]);
        }
    };
    distances.begin();
    pass(&mut |rows| by_batch(rows, &mut |batch| distances.survey(batch)))?;
    let npresent = distances.npresent();
    if npresent == 0 {
        // The frame changed between the passes.
        return Ok(f64::NAN);
    }
    if distances.narrow(&DISTANCES.ranks(npresent)) {
        pass(&mut |rows| by_batch(rows, &mut |batch| distances.refine(batch)))?;
    }
    Ok(median(npresent, |rank| distances.value(rank)))
}

/// The samples of rows that are no codes, and how many make a row.
fn samples_of<T: Copy>(rows: FrameRows<'_, T>) -> (&[T], usize) {
    match rows {
        FrameRows::Samples { rows, ncol } => (rows, ncol),
        FrameRows::Codes { .. } => panic!("a scratch for samples is handed samples"),
    }
}
