//! The mean, the exact median and the mode of one frame, from a few passes over its rows, in memory fixed beforehand.
//!
//! A room without threads and without files: whoever calls [`measure`] hands it the rows of a frame, pass after pass,
//! and the memory, a [`Scratch`] that serves frame after frame. All that is [`Wanted`] shares the passes:
//!
//! ```text
//!             pass 1                        pass 2                        pass 3
//! samples     mean; where the ranks lie     the ranks exactly: median     the bins: mode
//! codes       mean; how many of each        mode, where its sum
//!             code: median, mode            depends on its order
//! ```

mod brackets;
mod codes;
mod digits;
mod histogram;
mod mean;
mod mode;
#[cfg(test)]
mod plain;
mod ranking;

#[cfg(test)]
mod tests;

use crate::kernel::Sample;
pub(crate) use ranking::Ranked;

use crate::error::Result;
use crate::pixels::SampleType;
use codes::Codes;
use mean::RowSums;
use mode::{Bins, Range};
use ranking::Ranking;

/// Whole rows of a frame's section, as a pass hands them over: the more at a time, the faster.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FrameRows<'a, T> {
    /// Samples, `ncol` to a row; absent ones are [`Sample::ABSENT`], all others finite.
    Samples {
        /// The rows, one after the other.
        rows: &'a [T],
        /// Columns of the section.
        ncol: usize,
    },
    /// 8- and 16-bit integers that no calibration touches: their stored numbers, those of signed integers counted from
    /// the smallest, so that a greater code is a greater stored number.
    Codes {
        /// The rows, one after the other.
        rows: &'a [u16],
        /// Where given, one for each code: only these samples count.
        present: Option<&'a [bool]>,
        /// Columns of the section.
        ncol: usize,
    },
}

/// Once over the rows of the section, from the first to the last, each handed to the visitor.
pub(crate) type Pass<'a, T> = dyn FnMut(&mut dyn FnMut(FrameRows<'_, T>)) -> Result<()> + 'a;

/// What is wanted of a frame; at least one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The mean.
    pub(crate) mean: bool,
    /// The exact median.
    pub(crate) median: bool,
    /// The mode.
    pub(crate) mode: bool,
}

impl Wanted {
    /// How many passes over a frame this takes at most: of samples 1 for a mean, 2 for a median, 3 for a mode; of codes 1,
    /// or 2 for a mode where the samples are not whole numbers.
    pub(crate) fn passes(self, codes: bool) -> u32 {
        match (self.mode, self.median) {
            (true, _) => 3 - u32::from(codes),
            (false, true) => 2 - u32::from(codes),
            (false, false) => u32::from(self.mean),
        }
    }

    /// Whether samples have to be found by their rank.
    fn by_rank(self) -> bool {
        self.median || self.mode
    }

    /// The ranks, from 0, of `npresent` samples that the median and the mode are made of: each group the first and the
    /// last of at most two neighbours.
    fn ranks(self, npresent: u64) -> Vec<[u64; 2]> {
        let few = npresent < mode::FEWEST;
        let mut ranks = Vec::with_capacity(self.ngroup());
        if self.median || (self.mode && few) {
            ranks.push(middle(npresent));
        }
        if self.mode && !few {
            ranks.extend(mode::ends(npresent).map(|rank| [rank, rank]));
        }
        ranks
    }

    /// How many groups of ranks there are at most.
    fn ngroup(self) -> usize {
        usize::from(self.median) + 2 * usize::from(self.mode)
    }
}

/// What was measured of a frame, in the units of its samples; NaN where it was not wanted.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
#[serde(into = "[u64; 4]", from = "[u64; 4]")]
pub(crate) struct Measured {
    /// The mean: samples summed along each row in column order, then the rows' sums in row order, all in f64.
    pub(crate) mean: f64,
    /// The median; of an even number, the mean of the middle two in f64.
    pub(crate) median: f64,
    /// The mode: the mean of the fullest bin.
    pub(crate) mode: f64,
    /// How many samples are present.
    pub(crate) npresent: u64,
}

/// The bits of each number: what is put aside in a file comes back as it was.
impl From<Measured> for [u64; 4] {
    fn from(measured: Measured) -> Self {
        let Measured {
            mean,
            median,
            mode,
            npresent,
        } = measured;
        [mean.to_bits(), median.to_bits(), mode.to_bits(), npresent]
    }
}

impl From<[u64; 4]> for Measured {
    fn from([mean, median, mode, npresent]: [u64; 4]) -> Self {
        Self {
            mean: f64::from_bits(mean),
            median: f64::from_bits(median),
            mode: f64::from_bits(mode),
            npresent,
        }
    }
}

/// All memory that grows with anything in a measurement: made once per thread, used for frame after frame.
#[derive(Debug)]
pub(crate) struct Scratch<T: Ranked> {
    wanted: Wanted,
    npixel: u64,
    room: Room<T>,
}

/// What a scratch has room for.
#[derive(Debug)]
enum Room<T: Ranked> {
    Codes(Codes<T>),
    /// `None` where only the mean is wanted.
    Samples(Option<T::Ranking>),
}

impl<T: Ranked> Scratch<T> {
    /// Memory to measure what is `wanted` of sections of at most `npixel` pixels, handed over as codes or as samples.
    ///
    /// # Panics
    ///
    /// When nothing is wanted.
    pub(crate) fn new(wanted: Wanted, codes: bool, npixel: u64) -> Self {
        assert!(wanted.passes(codes) > 0, "something is wanted of the frame");
        let room = if codes {
            Room::Codes(Codes::new(wanted))
        } else {
            Room::Samples(wanted.by_rank().then(|| T::Ranking::new(wanted, npixel)))
        };
        Self {
            wanted,
            npixel,
            room,
        }
    }

    /// The bytes that [`Scratch::new`] allocates.
    pub(crate) fn nbyte(wanted: Wanted, codes: bool, npixel: u64) -> usize {
        if codes {
            Codes::<T>::nbyte(wanted)
        } else if wanted.by_rank() {
            T::Ranking::nbyte(wanted, npixel)
        } else {
            0
        }
    }

    /// The bytes that it holds now.
    #[cfg(test)]
    fn nbyte_held(&self) -> usize {
        match &self.room {
            Room::Codes(codes) => codes.nbyte_held(),
            Room::Samples(ranking) => ranking.as_ref().map_or(0, Ranking::nbyte_held),
        }
    }
}

/// The bytes of a [`Scratch`] for samples of this type, for the memory plan.
pub(crate) fn scratch_nbyte(wanted: Wanted, codes: bool, npixel: u64, sample: SampleType) -> usize {
    match sample {
        SampleType::F32 => Scratch::<f32>::nbyte(wanted, codes, npixel),
        SampleType::F64 => Scratch::<f64>::nbyte(wanted, codes, npixel),
    }
}

/// Measures a frame; `None` where no sample is present.
///
/// `pass` is called at most [`Wanted::passes`] times and hands over the same rows each time, as the scratch was made
/// for. `value` is the sample of a code, [`Sample::ABSENT`] for BLANK; elsewhere it rises or falls with the code
/// throughout (it falls where BSCALE is negative). Of samples it is never asked.
///
/// # Errors
///
/// Those of `pass`.
///
/// # Panics
///
/// When a pass hands over what the scratch was not made for, parts of rows, or more than the section's pixels.
pub(crate) fn measure<T: Ranked>(
    scratch: &mut Scratch<T>,
    value: &dyn Fn(u16) -> T,
    pass: &mut Pass<'_, T>,
) -> Result<Option<Measured>> {
    let Scratch {
        wanted,
        npixel,
        room,
    } = scratch;
    let mut guarded = |visit: &mut dyn FnMut(FrameRows<'_, T>)| {
        let mut npassed = 0;
        pass(&mut |rows| {
            let (nsample, ncol) = match rows {
                FrameRows::Samples { rows, ncol } => (rows.len(), ncol),
                FrameRows::Codes { rows, ncol, .. } => (rows.len(), ncol),
            };
            assert!(
                nsample == 0 || nsample.is_multiple_of(ncol),
                "a pass hands over whole rows"
            );
            npassed += nsample as u64;
            assert!(npassed <= *npixel, "a pass stays within the section");
            visit(rows);
        })
    };
    match room {
        Room::Codes(codes) => codes.measure(*wanted, value, &mut guarded),
        Room::Samples(ranking) => measure_samples(*wanted, ranking.as_mut(), &mut guarded),
    }
}

/// Measures a frame that comes as samples.
fn measure_samples<T: Ranked>(
    wanted: Wanted,
    mut ranking: Option<&mut T::Ranking>,
    pass: &mut Pass<'_, T>,
) -> Result<Option<Measured>> {
    let mut sums = RowSums::default();
    if let Some(ranking) = &mut ranking {
        ranking.begin();
    }
    pass(&mut |rows| {
        let (samples, ncol) = samples_of(rows);
        if wanted.mean {
            sums.add(samples.len(), ncol, |i| samples[i].to_f64());
        }
        if let Some(ranking) = &mut ranking {
            ranking.survey(samples);
        }
    })?;
    let npresent = ranking
        .as_ref()
        .map_or(sums.npresent(), |ranking| ranking.npresent());
    if npresent == 0 {
        return Ok(None);
    }
    let mut measured = Measured {
        mean: sums.mean(),
        median: f64::NAN,
        mode: f64::NAN,
        npresent,
    };
    if let Some(ranking) = ranking {
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
                Sought::Within(range) => {
                    let mut bins = Bins::new(range);
                    pass(&mut |rows| {
                        let (samples, ncol) = samples_of(rows);
                        bins.add(samples, ncol);
                    })?;
                    bins.mode()
                }
            };
        }
    }
    Ok(Some(measured))
}

/// The samples of rows that are no codes, and how many make a row.
fn samples_of<T: Copy>(rows: FrameRows<'_, T>) -> (&[T], usize) {
    match rows {
        FrameRows::Samples { rows, ncol } => (rows, ncol),
        FrameRows::Codes { .. } => panic!("a scratch for samples is handed samples"),
    }
}

/// The ranks of the middle two of `npresent` samples, the same twice where their number is odd.
fn middle(npresent: u64) -> [u64; 2] {
    [(npresent - 1) / 2, npresent / 2]
}

/// The median of `npresent` samples, `at` giving the one at a rank.
fn median(npresent: u64, at: impl FnMut(u64) -> f64) -> f64 {
    let [low, high] = middle(npresent).map(at);
    f64::midpoint(low, high)
}

/// What the ranks tell of the mode.
enum Sought {
    /// All of it.
    Value(f64),
    /// Where to look for it.
    Within(Range),
}

/// What is known of the mode of `npresent` samples, `at` giving the one at a rank.
fn sought(npresent: u64, mut at: impl FnMut(u64) -> f64) -> Sought {
    if npresent < mode::FEWEST {
        return Sought::Value(median(npresent, at));
    }
    let ends = mode::ends(npresent).map(&mut at);
    Range::new(ends).map_or(Sought::Value(ends[0]), Sought::Within)
}
