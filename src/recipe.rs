//! Every choice of a run, as plain values: what the command line becomes, and what a pipeline written in Rust fills in.

mod calibration;
mod check;
mod choosing;
mod clip;
mod compression;
mod deciding;
mod detector;
mod level;
mod neighbours;
mod plane;
mod resources;

use std::path::PathBuf;
use std::time::Duration;

use crate::shape::Section;

pub use calibration::{
    Axis, Beyond, Calibration, Dark, Fit, Flat, FlatNorm, MaskBits, Negative, Overscan,
    OverscanClip, OverscanStat, Place, Quantity, Sky, Then,
};
pub use clip::{Center, Clip, Deviation, Factors, Iterations, Sigma};
pub(crate) use clip::{outliers, stay};
pub use compression::{Codec, Compression};
pub(crate) use deciding::Choice;
pub use detector::DetectorNoise;
pub use level::{Level, LevelTo, Norm, Weight};
pub use neighbours::Neighbours;
pub use plane::{Family, Plane};
pub use resources::{Io, Resources};

/// Everything that a combination of frames needs to know.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Which frames, and which planes of them.
    pub frames: Frames,
    /// What the frames go through on the way into the stack.
    pub calibration: Calibration,
    /// What happens at each pixel.
    pub stack: Stack,
    /// Where the result goes.
    pub output: Output,
    /// What the run may use.
    pub resources: Resources,
}

/// Everything that the calibration of frames, each into a file of its own, needs to know.
#[derive(Clone, Debug)]
pub struct Reduction {
    /// Which frames, and which planes of them; their `region` is not used.
    pub frames: Frames,
    /// What they go through.
    pub calibration: Calibration,
    /// Where the level of the sky is measured, in trimmed pixels.
    pub stats_section: Option<Section>,
    /// Where the results go.
    pub folder: Folder,
    /// What the run may use.
    pub resources: Resources,
}

/// A folder of results, and as what they are written.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder, made if it is not there.
    pub path: PathBuf,
    /// What is added to the name of each frame, before its ending.
    pub suffix: String,
    /// Whether existing files are replaced.
    pub overwrite: bool,
    /// The planes that are written; `None`: data, the uncertainty where there is one, the mask where a sample is masked.
    pub planes: Option<Vec<Plane>>,
    /// The type of the pixels; `None` for the sample type of the frame.
    pub dtype: Option<PixelType>,
    /// How the files are packed, under names that end in `.fz` then; `None`: not at all.
    pub compression: Option<Compression>,
    /// Whether frames are left out whose output an interrupted run of the same recipe has finished.
    pub resume: bool,
}

/// Which frames, and which planes of them.
#[derive(Clone, Debug)]
pub struct Frames {
    /// Files, `file[HDU]`, folders, patterns, and lists (`@file`, `@-`), in order.
    pub names: Vec<String>,
    /// The HDU that is taken in every file that names none itself.
    pub hdu: Hdu,
    /// Only frames whose headers agree with all of these.
    pub conditions: Vec<Condition>,
    /// EXTNAME of the mask planes that stand beside the frames; `None` to look for none.
    pub mask_hdu: Option<String>,
    /// EXTNAME of the uncertainty planes that stand beside the frames; `None` to look for none.
    pub uncertainty_hdu: Option<String>,
    /// A mask for every frame: nonzero is bad.
    pub bad_pixels: Option<PathBuf>,
    /// The part of the frames that is combined.
    pub region: Option<Section>,
    /// Whether damaged frames are left out; otherwise one is an error.
    pub skip_bad: bool,
}

impl Frames {
    /// These names, with every other choice at its default.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
            hdu: Hdu::Auto,
            conditions: Vec::new(),
            mask_hdu: Some("MASK".into()),
            uncertainty_hdu: Some("UNCERT".into()),
            bad_pixels: None,
            region: None,
            skip_bad: false,
        }
    }
}

/// The choice of an HDU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hdu {
    /// The first with an image of 2 or 3 axes that is not a companion plane.
    #[default]
    Auto,
    /// This one; 0 is the primary.
    Number(usize),
    /// The one of this EXTNAME and, where given, EXTVER.
    Name(String, Option<i64>),
    /// Every image HDU in turn, companion planes aside.
    All,
}

/// What a header must say for its frame to be taken: `KEY=VALUE` and its kin.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The keyword, in upper case.
    pub keyword: String,
    /// How the two are compared.
    pub comparison: Comparison,
    /// What the keyword is compared with: a number where it reads as one, else text in which `*` matches any run.
    pub value: String,
}

/// How a keyword is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What happens at each pixel of the stack.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Stack {
    /// How the samples that are left become one value.
    pub method: Method,
    /// What is rejected, in this order.
    pub clip: Vec<Clip>,
    /// What is rejected besides, near what those rejected.
    pub neighbours: Neighbours,
    /// A clip step that would leave fewer samples gives back those nearest the centre. Negative: all but so many stay of those that are
    /// present at a pixel before clipping, behind bounds that lead the chain.
    pub nkeep: i64,
    /// What each frame is divided by.
    pub scale: Level,
    /// What is subtracted from each frame before.
    pub zero: Level,
    /// What the scaled frames are multiplied by again.
    pub scale_to: LevelTo,
    /// What is added to the scaled frames again.
    pub zero_to: LevelTo,
    /// Where scale and zero are measured.
    pub stats_section: Option<Section>,
    /// What each frame, or each sample, counts in the average and the sum.
    pub weight: Weight,
    /// What the uncertainty of the result is made from.
    pub uncertainty: Uncertainty,
}

/// How the samples that are left become one value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Method {
    /// Σwy/Σw.
    #[default]
    Average,
    /// The middle sample, or the mean of the middle two; ignores weights.
    Median,
    /// Σwy.
    Sum,
    /// The lowest sample.
    Min,
    /// The highest sample.
    Max,
    /// The median, but of two samples the lower: a cosmic ray among two is not averaged in.
    Lmedian,
    /// The sample at this part, 0 to 1, of the way from the lowest to the highest by rank; between two of them by their distance.
    Quantile(f64),
    /// The standard deviation about the mean, ddof 1.
    Std,
    /// 1.4826 · median|y − median|.
    Mad,
    /// The mode as that of a frame: the mean of the fullest bin.
    Mode,
    /// √Σ(wy)² / Σw.
    Quadrature,
}

impl Method {
    /// Whether weights have a say.
    pub fn weighs(self) -> bool {
        matches!(self, Self::Average | Self::Sum | Self::Quadrature)
    }

    /// Whether sums are what it takes; the others look at the order of the samples.
    pub(crate) fn has_moments(self) -> bool {
        matches!(
            self,
            Self::Average | Self::Sum | Self::Std | Self::Quadrature
        )
    }

    /// Whether it can be told how uncertain its value is.
    pub fn has_uncertainty(self) -> bool {
        matches!(
            self,
            Self::Average | Self::Median | Self::Sum | Self::Lmedian
        )
    }
}

/// What the uncertainty of the result is made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uncertainty {
    /// The scatter of the samples.
    #[default]
    Scatter,
    /// The uncertainties of the frames.
    Propagate,
    /// There is none.
    None,
}

/// Where the result goes, and as what.
#[derive(Clone, Debug)]
pub struct Output {
    /// The file.
    pub path: PathBuf,
    /// Whether an existing file is replaced.
    pub overwrite: bool,
    /// The planes that are written; data is always among them.
    pub planes: Vec<Plane>,
    /// The type of the pixels; `None` for the sample type of the run.
    pub dtype: Option<PixelType>,
    /// How the images are packed; `None`: not at all.
    pub compression: Option<Compression>,
    /// A folder for masks of what was rejected, one a frame; `None`: none are written.
    pub rejected: Option<PathBuf>,
    /// Whether an interrupted run of the same recipe on the same frames is taken up, where there is one.
    pub resume: bool,
    /// How much time passes, at least, between two times at which what is done is put on the disk, so that it can be taken up: 5 s.
    pub sync_every: Duration,
}

impl Output {
    /// A new file at `path` with the planes data, mask and uncertainty.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            overwrite: false,
            planes: vec![Plane::Data, Plane::Mask, Plane::Uncertainty],
            dtype: None,
            compression: None,
            rejected: None,
            resume: false,
            sync_every: Duration::from_secs(5),
        }
    }
}

/// The type of a pixel of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PixelType {
    U8,
    I16,
    U16,
    I32,
    F32,
    F64,
}

impl PixelType {
    /// The stored integer that means 'nothing was left'; `None` for floats, which have NaN, and for masks.
    pub fn blank(self) -> Option<i64> {
        match self {
            Self::I16 => Some(i64::from(i16::MIN)),
            // The value 65535, stored less BZERO.
            Self::U16 => Some(i64::from(u16::MAX) - 32768),
            Self::I32 => Some(i64::from(i32::MIN)),
            Self::U8 | Self::F32 | Self::F64 => None,
        }
    }

    /// Whether it is a float.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Bytes a pixel.
    pub fn nbyte(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}
