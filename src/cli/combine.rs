//! What can be typed behind `combine`.

use std::ffi::OsString;
use std::path::PathBuf;

use ccdstream::Section;
use ccdstream::recipe::{Clip, Level, LevelTo, Method, Norm, Plane, Uncertainty, Weight};
use clap::Args;

use super::args::{Frames, Messages, PIXEL_TYPES, Resources};
use super::calibrating::Calibrating;
use super::compression::Compression;
use super::{help, parse};

/// Combine a stack of frames, pixel by pixel, into one image
#[derive(Debug, Args)]
#[command(long_about = help::COMBINE_LONG, after_help = help::COMBINE_SHORT, after_long_help = help::COMBINE_AFTER)]
pub(crate) struct Combine {
    /// Frames: files, HDUs of files, folders, 'patterns' and @lists; @- is a list on standard input
    #[arg(required = true, value_name = "FRAMES", long_help = help::FRAMES)]
    pub(crate) names: Vec<OsString>,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) frames: Frames,
    /// Combine only this section, in pixels from 1, both ends included [default: the whole frame]
    #[arg(long, help_heading = "Frames", value_name = "[X1:X2,Y1:Y2]", value_parser = parse::value::<Section>)]
    pub(crate) region: Option<Section>,
    #[command(flatten)]
    pub(crate) calibrating: Calibrating,
    #[command(flatten)]
    pub(crate) scaling: Scaling,
    #[command(flatten)]
    pub(crate) rejection: Rejection,
    #[command(flatten)]
    pub(crate) combining: Combining,
    #[command(flatten)]
    pub(crate) resources: Resources,
    #[command(flatten)]
    pub(crate) messages: Messages,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// The image that is written: under a temporary name beside it, then renamed
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(crate) path: PathBuf,

    /// Replace an existing output, which otherwise is an error
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Planes to write: any of data,mask,uncertainty,count,low,high [default: data,mask,uncertainty]
    ///
    /// data is always written, alone as a plain image; count is how many samples were left, low and high how many the
    /// clip steps took on that side; low:bounds and high:bounds how many of those minmax took, low:order and high:order
    /// extrema, low:deviation and high:deviation the other rules.
    #[arg(long, value_name = "PLANES", value_delimiter = ',', value_parser = parse::value::<Plane>)]
    pub(crate) planes: Option<Vec<Plane>>,

    /// Type of the pixels
    ///
    /// auto is f32, or f64 where the frames need it; a value that does not fit the type is an error.
    #[arg(long, value_name = "TYPE", default_value = "auto", value_parser = PIXEL_TYPES)]
    pub(crate) dtype: String,

    #[command(flatten)]
    pub(crate) compression: Compression,

    /// A folder for masks of what was rejected, one a frame, under the names of the frames [default: none]
    #[arg(long, value_name = "DIR", long_help = help::REJECTED)]
    pub(crate) rejected: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Scaling, y = (x - zero) / scale * scale_to + zero_to")]
pub(crate) struct Scaling {
    /// Bring the frames to the first as Siril's -norm does: none, add, mul, addscale or mulscale [default: none]
    #[arg(long, value_name = "NORM", default_value = "none", hide_default_value = true, long_help = help::NORM,
          conflicts_with_all = ["scale", "zero", "scale_to", "zero_to"],
          value_parser = parse::word::<Norm>(&["none", "add", "mul", "addscale", "mulscale"]))]
    pub(crate) norm: Norm,

    /// Divide each frame by: none, mean, median, mode, mad, key:KEYWORD, numbers 1.5,2,... or @file
    #[arg(long, value_name = "LEVEL", default_value = "none", allow_hyphen_values = true,
          value_parser = parse::scale, long_help = help::SCALE)]
    pub(crate) scale: Level,

    /// Subtract from each frame before: values as for --scale
    #[arg(long, value_name = "LEVEL", default_value = "none", allow_hyphen_values = true, value_parser = parse::zero)]
    pub(crate) zero: Level,

    /// Multiply the frames again by: first or mean (of the scales), or a number [default: 1]
    #[arg(long, value_name = "TO", allow_hyphen_values = true, value_parser = parse::value::<LevelTo>)]
    pub(crate) scale_to: Option<LevelTo>,

    /// Add to the frames again: first or mean (of the zeros), or a number [default: 0]
    #[arg(long, value_name = "TO", allow_hyphen_values = true, value_parser = parse::value::<LevelTo>)]
    pub(crate) zero_to: Option<LevelTo>,

    /// Section where scale, zero, noise and --sky are measured, in trimmed pixels [default: the whole frame]
    #[arg(long, value_name = "[X1:X2,Y1:Y2]", value_parser = parse::value::<Section>)]
    pub(crate) stats_section: Option<Section>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Rejection")]
pub(crate) struct Rejection {
    /// Take samples away: minmax:LO,HI, extrema:NLOW,NHIGH, sigma:LOW,HIGH and more; repeatable [default: none]
    #[arg(long, value_name = "STEP", value_parser = parse::value::<Clip>, long_help = help::CLIP)]
    pub(crate) clip: Vec<Clip>,

    /// Samples that stay at each pixel: a step that would leave fewer gives back those nearest the centre
    ///
    /// Negative, as in IRAF: -2 lets two samples at most go of those that are present at a pixel before clipping, bounds that lead
    /// the chain aside. minmax gives nothing back.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub(crate) nkeep: i64,

    /// Take also what lies within so many pixels of what a step took in the same frame, such as 1.5 [default: 0]
    #[arg(long, value_name = "R", default_value_t = 0.0, hide_default_value = true, value_parser = parse::radius, long_help = help::GROW)]
    pub(crate) grow: f64,

    /// Take also what rejected samples enclose in a frame, up to so many pixels across, such as 5 [default: 0]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, value_parser = parse::hole, long_help = help::HOLE_FILL)]
    pub(crate) hole_fill: usize,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Combining")]
pub(crate) struct Combining {
    /// How the samples that are left become one value
    ///
    /// [possible values: average, median, sum, min, max, lmedian, quantile:Q, std, mad, mode, quadrature]
    #[arg(short, long, value_name = "METHOD", default_value = "average", value_parser = parse::value::<Method>,
          long_help = help::METHOD)]
    pub(crate) method: Method,

    /// What each frame counts: none, exposure, noise, key:KEYWORD, numbers 1.5,2,..., @file or ivar
    #[arg(long, value_name = "WEIGHT", default_value = "none", allow_hyphen_values = true, value_parser = parse::weight,
          long_help = help::WEIGHT)]
    pub(crate) weight: Weight,

    /// What the uncertainty of the result is made from
    #[arg(long, value_name = "FROM", default_value = "scatter", long_help = help::UNCERTAINTY,
          value_parser = parse::word::<Uncertainty>(&["scatter", "propagate", "none"]))]
    pub(crate) uncertainty: Uncertainty,
}
