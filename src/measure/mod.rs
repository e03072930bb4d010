//! The mean, the exact median and MAD, the mode and the noise of one frame, from a few passes over its rows, in memory
//! fixed beforehand.
//!
//! A room without threads and without files: whoever calls [`measure`] hands it the rows of a frame, pass after pass,
//! and the memory, a [`Scratch`] that serves frame after frame. All that is [`Wanted`] shares the passes:
//!
//! ```text
//!             pass 1                        pass 2                        pass 3, and more
//! samples     mean, noise;                  the ranks exactly: median     the bins: mode; where the distances'
//!             where the ranks lie                                         ranks lie; them exactly: MAD
//! codes       mean, noise; how many of      mode, where its sum
//!             each code: median, MAD, mode  depends on its order
//! ```

mod brackets;
mod codes;
mod digits;
mod histogram;
mod mean;
mod mode;
mod noise;
#[cfg(test)]
mod plain;
mod ranking;
mod samples;

#[cfg(test)]
mod tests;

use crate::kernel::Sample;
pub(crate) use ranking::Ranked;

use crate::error::Result;
use crate::pixels::SampleType;
use crate::shape::Shape;
use codes::Codes;
use mode::Range;
use noise::RowNoise;
use samples::Ranks;

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
#[expect(
    clippy::struct_excessive_bools,
    reason = "any of them may be wanted with any other"
)]
pub(crate) struct Wanted {
    /// The mean.
    pub(crate) mean: bool,
    /// The exact median.
    pub(crate) median: bool,
    /// The mode.
    pub(crate) mode: bool,
    /// 1.4826 · median|x − median|, exactly.
    pub(crate) mad: bool,
    /// The noise, of sections of at most this shape.
    pub(crate) noise: Option<Shape>,
}

/// Makes the standard deviation of a Gauss curve of its MAD.
const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;

impl Wanted {
    /// How many passes over a frame this takes at most: of samples 1 for a mean or the noise, 2 for a median, one more for a
    /// mode and two for a MAD; of codes 1, or 2 for a mode where the samples are not whole numbers.
    pub(crate) fn passes(self, codes: bool) -> u32 {
        if codes {
            1 + u32::from(self.mode)
        } else {
            1 + u32::from(self.by_rank()) + u32::from(self.mode) + 2 * u32::from(self.mad)
        }
    }

    /// Whether anything is.
    pub(crate) fn any(self) -> bool {
        self != Self::default()
    }

    /// Whether samples have to be found by their rank.
    fn by_rank(self) -> bool {
        self.by_middle() || self.mode
    }

    /// Whether the middle one has to be.
    fn by_middle(self) -> bool {
        self.median || self.mad
    }

    /// The ranks, from 0, of `npresent` samples that the median and the mode are made of: each group the first and the
    /// last of at most two neighbours.
    fn ranks(self, npresent: u64) -> Vec<[u64; 2]> {
        let few = npresent < mode::FEWEST;
        let mut ranks = Vec::with_capacity(self.ngroup());
        if self.by_middle() || (self.mode && few) {
            ranks.push(middle(npresent));
        }
        if self.mode && !few {
            ranks.extend(mode::ends(npresent).map(|rank| [rank, rank]));
        }
        ranks
    }

    /// How many groups of ranks there are at most.
    fn ngroup(self) -> usize {
        usize::from(self.by_middle()) + 2 * usize::from(self.mode)
    }
}

/// What was measured of a frame, in the units of its samples; NaN where it was not wanted.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
#[serde(into = "[u64; 6]", from = "[u64; 6]")]
pub(crate) struct Measured {
    /// The mean: samples summed along each row in column order, then the rows' sums in row order, all in f64.
    pub(crate) mean: f64,
    /// The median; of an even number, the mean of the middle two in f64.
    pub(crate) median: f64,
    /// The mode: the mean of the fullest bin.
    pub(crate) mode: f64,
    /// The median of the distances from the median, in f64, times 1.4826….
    pub(crate) mad: f64,
    /// The standard deviation of the noise; 0 where there is none to be seen.
    pub(crate) noise: f64,
    /// How many samples are present.
    pub(crate) npresent: u64,
}

impl Measured {
    /// Nothing but the number of samples.
    fn of(npresent: u64) -> Self {
        Self {
            mean: f64::NAN,
            median: f64::NAN,
            mode: f64::NAN,
            mad: f64::NAN,
            noise: f64::NAN,
            npresent,
        }
    }
}

/// The bits of each number: what is put aside in a file comes back as it was.
impl From<Measured> for [u64; 6] {
    fn from(measured: Measured) -> Self {
        let Measured {
            mean,
            median,
            mode,
            mad,
            noise,
            npresent,
        } = measured;
        let [mean, median, mode, mad, noise] = [mean, median, mode, mad, noise].map(f64::to_bits);
        [mean, median, mode, mad, noise, npresent]
    }
}

impl From<[u64; 6]> for Measured {
    fn from([mean, median, mode, mad, noise, npresent]: [u64; 6]) -> Self {
        let [mean, median, mode, mad, noise] = [mean, median, mode, mad, noise].map(f64::from_bits);
        Self {
            mean,
            median,
            mode,
            mad,
            noise,
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
    noise: Option<RowNoise>,
}

/// What a scratch has room for.
#[derive(Debug)]
enum Room<T: Ranked> {
    Codes(Codes<T>),
    Samples(Ranks<T>),
}

impl<T: Ranked> Scratch<T> {
    /// Memory to measure what is `wanted` of sections of at most `npixel` pixels, handed over as codes or as samples.
    ///
    /// # Panics
    ///
    /// When nothing is wanted.
    pub(crate) fn new(wanted: Wanted, codes: bool, npixel: u64) -> Self {
        assert!(wanted.any(), "something is wanted of the frame");
        let room = if codes {
            Room::Codes(Codes::new(wanted))
        } else {
            Room::Samples(Ranks::new(wanted, npixel))
        };
        Self {
            wanted,
            npixel,
            room,
            noise: wanted.noise.map(RowNoise::new),
        }
    }

    /// The bytes that [`Scratch::new`] allocates.
    pub(crate) fn nbyte(wanted: Wanted, codes: bool, npixel: u64) -> usize {
        let room = if codes {
            Codes::<T>::nbyte(wanted)
        } else {
            Ranks::<T>::nbyte(wanted, npixel)
        };
        room + wanted.noise.map_or(0, RowNoise::nbyte)
    }

    /// The bytes that it holds now.
    #[cfg(test)]
    fn nbyte_held(&self) -> usize {
        let room = match &self.room {
            Room::Codes(codes) => codes.nbyte_held(),
            Room::Samples(ranks) => ranks.nbyte_held(),
        };
        room + self.noise.as_ref().map_or(0, RowNoise::nbyte_held)
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
        noise,
    } = scratch;
    if let Some(noise) = noise {
        noise.begin();
    }
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
        Room::Codes(codes) => codes.measure(*wanted, noise.as_mut(), value, &mut guarded),
        Room::Samples(ranks) => ranks.measure(*wanted, noise.as_mut(), &mut guarded),
    }
}

/// How far a sample is from the middle; +∞ where it is absent, and else finite.
fn distance(sample: f64, middle: f64) -> f64 {
    if sample < f64::INFINITY {
        (sample - middle).abs().min(f64::MAX)
    } else {
        sample
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
