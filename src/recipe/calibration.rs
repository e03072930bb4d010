//! How raw frames are calibrated: the steps of [`Calibration`] in the order in which they are done.
//!
//! I = ((D − overscan)·gain − bias − dark·k) / flat, with `gain_last` I = (D − overscan − bias − dark·k) / flat·gain.

use crate::shape::Section;

/// The steps that raw frames go through: overscan, trim, deviation, mask, gain, bias, dark, flat, sky, limits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// The level of the overscan is subtracted.
    pub overscan: Option<Overscan>,
    /// Only this part of the frames is kept.
    pub trim: Option<Place>,
    /// Each sample is given the deviation that photon and read noise make, in the place of what its frame brings: what negative
    /// samples get.
    pub deviation: Option<Negative>,
    /// Electrons a count of the frames.
    pub gain: Option<Quantity>,
    /// Whether the gain is applied behind the flat, not before the bias.
    pub gain_last: bool,
    /// Read noise in electrons, for the deviation.
    pub readnoise: Option<Quantity>,
    /// Which bits of the masks of frames count as bad; `None`: any number but 0 does.
    pub mask_bits: Option<MaskBits>,
    /// The master bias: a file, or `file[HDU]`.
    pub bias: Option<String>,
    /// The master dark.
    pub dark: Option<Dark>,
    /// The master flat.
    pub flat: Option<Flat>,
    /// What is subtracted of the sky of each calibrated frame.
    pub sky: Sky,
    /// What happens to values below a level.
    pub below: Option<Beyond>,
    /// What happens to values above a level.
    pub above: Option<Beyond>,
    /// Whether steps are done that the header says are done.
    pub redo: bool,
}

/// Part of a frame: one for all, or as the header of each frame has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This section.
    Section(Section),
    /// The section that stands under this keyword.
    Keyword(String),
}

/// A number: one for all frames, or as the header of each has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// This number.
    Number(f64),
    /// The number that stands under this keyword.
    Keyword(String),
}

/// How the level of the overscan is found.
#[derive(Clone, Debug, PartialEq)]
pub struct Overscan {
    /// The overscan in the untrimmed frame.
    pub place: Place,
    /// What each line of it comes to.
    pub stat: OverscanStat,
    /// What is fitted to the lines; `None` to take each line's own level.
    pub fit: Option<Fit>,
    /// Along which axis a line runs; `None`: along the shorter side of the section, along the rows of a square one.
    pub axis: Option<Axis>,
    /// Samples, or lines of a fit, so many deviations below and above are left out, so many rounds.
    pub clip: Option<OverscanClip>,
}

/// What a line of the overscan comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum OverscanStat {
    #[default]
    Median,
    Mean,
}

/// A curve through the levels of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// A polynomial of this degree.
    Polynomial(usize),
    /// Legendre polynomials up to this degree.
    Legendre(usize),
    /// Chebyshev polynomials up to this degree.
    Chebyshev(usize),
    /// A cubic spline of so many pieces.
    Spline(usize),
}

/// An axis of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Along a row: each row has its level.
    Row,
    /// Along a column: each column has its level.
    Column,
}

/// Which lines of a fit are left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverscanClip {
    /// Below the curve less so many standard deviations.
    pub low: f64,
    /// Above the curve and so many.
    pub high: f64,
    /// So often.
    pub rounds: u32,
}

/// What the deviation of a negative sample is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Negative {
    /// That of 0: the read noise alone.
    #[default]
    Readnoise,
    /// There is none: the sample is masked.
    Mask,
}

/// Which bits of a mask count as bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskBits {
    /// These bits are bad where they are set.
    pub bad: u64,
}

/// How the dark is subtracted.
#[derive(Clone, Debug, PartialEq)]
pub struct Dark {
    /// The file, or `file[HDU]`.
    pub file: String,
    /// Whether it is multiplied by the exposure of the frame over its own.
    pub scale: bool,
    /// The keyword of exposure times, in seconds.
    pub exposure_key: String,
    /// The exposure of every frame, in the place of the keyword.
    pub exposure: Option<f64>,
    /// That of the dark.
    pub dark_exposure: Option<f64>,
}

/// How frames are divided by the flat.
#[derive(Clone, Debug, PartialEq)]
pub struct Flat {
    /// The file, or `file[HDU]`.
    pub file: String,
    /// Pixels of the flat below this are set to it, before the norm.
    pub min: Option<f64>,
    /// What the flat is divided by.
    pub norm: FlatNorm,
    /// Where the norm is measured, in trimmed pixels.
    pub section: Option<Section>,
    /// Whether all chips of a multi-extension flat share one norm.
    pub shared_norm: bool,
}

/// What a flat is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum FlatNorm {
    /// The mean of its good pixels.
    #[default]
    Mean,
    /// Their median.
    Median,
    /// This number.
    Value(f64),
}

/// What is subtracted of the sky of a calibrated frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sky {
    /// Nothing.
    #[default]
    None,
    /// The median of the samples that are present in the section for statistics.
    Median,
    /// Their mode.
    Mode,
}

/// What happens to values beyond a level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beyond {
    /// The level.
    pub level: f64,
    /// What happens.
    pub then: Then,
}

/// What happens to a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Then {
    /// It is kept, and masked.
    Mask,
    /// It is blanked, and masked.
    Nan,
    /// It becomes this number.
    Value(f64),
}

impl Then {
    /// What happens to a value below one level or above the other: a level itself is not beyond it, NaN is beyond none, and `below` is
    /// met first.
    pub(crate) fn of(below: Option<Beyond>, above: Option<Beyond>, value: f64) -> Option<Self> {
        let low = below.filter(|below| value < below.level);
        let high = above.filter(|above| value > above.level);
        low.or(high).map(|beyond| beyond.then)
    }
}
