//! What can be typed about the calibration of frames, behind every command that calibrates.

use std::ffi::OsString;

use ccdstream::Section;
use ccdstream::recipe::{
    Axis, Beyond, Fit, FlatNorm, MaskBits, Negative, OverscanClip, OverscanStat, Place, Quantity,
    Sky,
};
use clap::Args;

use super::{help, parse};

/// An axis that was typed; `None` for `auto`.
pub(crate) type AxisOrAuto = Option<Axis>;
/// A fit that was typed; `None` for `none`.
pub(crate) type FitOrNone = Option<Fit>;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(next_help_heading = "Calibration")]
pub(crate) struct Calibrating {
    /// Subtract the level of the overscan: its section in the untrimmed frame, or the KEYWORD that holds it [default: none]
    #[arg(long, value_name = "SECTION|KEYWORD", value_parser = parse::value::<Place>, long_help = help::OVERSCAN)]
    pub(crate) overscan: Option<Place>,

    /// What the overscan of a line comes to [default: median]
    #[arg(long, value_name = "STAT", value_parser = parse::word::<OverscanStat>(&["median", "mean"]))]
    pub(crate) overscan_stat: Option<OverscanStat>,

    /// Curve through the levels of the lines: none, poly:N, legendre:N, chebyshev:N or spline3:N [default: none]
    #[arg(long, value_name = "FIT", value_parser = parse::fit, long_help = help::OVERSCAN_FIT)]
    pub(crate) overscan_fit: Option<FitOrNone>,

    /// Whether each row or each column has its level; auto: rows where the section is higher than wide [default: auto]
    ///
    /// By itself a line runs along the shorter side of the section, so that there are as many levels as its longer side
    /// is long; a square section has one a row.
    #[arg(long, value_name = "AXIS", value_parser = parse::axis())]
    pub(crate) overscan_axis: Option<AxisOrAuto>,

    /// Leave out lines of a fit (without a fit: samples of a line) LOW deviations below, HIGH above, N rounds [default: none]
    ///
    /// 3,3,2 clips twice at three standard deviations of what is left; an empty side is no bound: ,3,1.
    #[arg(long, value_name = "LOW,HIGH,N", value_parser = parse::value::<OverscanClip>)]
    pub(crate) overscan_clip: Option<OverscanClip>,

    /// Keep only this section of each frame, or the one that KEYWORD holds; WCS and masks follow [default: the whole frame]
    ///
    /// Sections are FITS sections, in pixels from 1, both ends included. Frames that are combined must come to one shape. Every
    /// other section but --overscan counts in trimmed pixels.
    #[arg(long, value_name = "SECTION|KEYWORD", value_parser = parse::value::<Place>)]
    pub(crate) trim: Option<Place>,

    /// Make the uncertainty of each sample from its photons and the read noise; needs --readnoise
    ///
    /// sqrt(g*v + r*r) / g in counts, with v the sample less the overscan, g --gain (1 if there is none) and r
    /// --readnoise. It takes the place of an uncertainty that the frame brings. It is made of the samples as they are: of raw
    /// frames, before any other step is done.
    #[arg(long)]
    pub(crate) deviation: bool,

    /// Electrons a count: multiplies the frames before the bias; a number, or the KEYWORD that holds it [default: none]
    #[arg(long, value_name = "G|KEYWORD", allow_negative_numbers = true, value_parser = parse::value::<Quantity>)]
    pub(crate) gain: Option<Quantity>,

    /// Apply --gain behind the flat: for a bias and a dark that are in counts
    #[arg(long)]
    pub(crate) gain_last: bool,

    /// Read noise in electrons, for --deviation: a number, or the KEYWORD that holds it
    #[arg(long, value_name = "R|KEYWORD", allow_negative_numbers = true, value_parser = parse::value::<Quantity>)]
    pub(crate) readnoise: Option<Quantity>,

    /// Uncertainty that --deviation gives to a negative sample: that of 0, which is the read noise alone, or none: it is masked [default: readnoise]
    #[arg(long, value_name = "HOW", value_parser = parse::word::<Negative>(&["readnoise", "mask"]))]
    pub(crate) negative: Option<Negative>,

    /// Bits of the masks beside the frames that are bad: 1,4, all but some: ~2, or all [default: all]
    #[arg(long, value_name = "BITS", value_parser = parse::value::<MaskBits>, long_help = help::MASK_BITS)]
    pub(crate) mask_bits: Option<MaskBits>,

    /// Turn --mask-bits around: the bits that it names are not bad, all others are
    #[arg(long)]
    pub(crate) flip_bits: bool,

    /// Master bias to subtract: a file, or an HDU of it [default: none]
    ///
    /// Masters have the shape and the unit of the trimmed frames (behind the gain, unless --gain-last); their own MASK
    /// and UNCERT planes count. The chips of a multi-extension master are matched by EXTNAME, then by order.
    #[arg(long, value_name = "FILE")]
    pub(crate) bias: Option<OsString>,

    /// Master dark to subtract: a file, or an HDU of it [default: none]
    #[arg(long, value_name = "FILE")]
    pub(crate) dark: Option<OsString>,

    /// Multiply the dark by the exposure of the frame over its own, from --exposure-key of both
    #[arg(long)]
    pub(crate) dark_scale: bool,

    /// Keyword of exposure times in seconds, for --dark-scale [default: EXPTIME]
    #[arg(long, value_name = "KEYWORD", value_parser = parse::keyword)]
    pub(crate) exposure_key: Option<String>,

    /// Exposure of every frame in seconds, for --dark-scale, in the place of the keyword
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = parse::number)]
    pub(crate) exposure: Option<f64>,

    /// Exposure of the master dark in seconds, for --dark-scale, in the place of the keyword
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = parse::number)]
    pub(crate) dark_exposure: Option<f64>,

    /// Master flat to divide by, itself divided by its norm: a file, or an HDU of it [default: none]
    ///
    /// Its unit does not matter. Pixels at which it is zero, negative, not finite or masked are masked, and divided by 1; how many
    /// they are is told.
    #[arg(long, value_name = "FILE")]
    pub(crate) flat: Option<OsString>,

    /// Raise pixels of the flat below V to V, in its units, before the norm [default: none]
    #[arg(long, value_name = "V", allow_negative_numbers = true, value_parser = parse::number)]
    pub(crate) flat_min: Option<f64>,

    /// What the flat itself is divided by: mean or median of its good pixels, or a number [default: mean]
    #[arg(long, value_name = "NORM", allow_negative_numbers = true, value_parser = parse::value::<FlatNorm>)]
    pub(crate) flat_norm: Option<FlatNorm>,

    /// Section where the norm of the flat is measured, in trimmed pixels [default: the whole flat]
    #[arg(long, value_name = "[X1:X2,Y1:Y2]", value_parser = parse::value::<Section>)]
    pub(crate) flat_section: Option<Section>,

    /// With --hdu all: whether each chip of the flat has its norm, or all share one (mef), which keeps their ratios [default: frame]
    #[arg(long, value_name = "OVER", value_parser = ["frame", "mef"])]
    pub(crate) flat_norm_over: Option<String>,

    /// Subtract from each calibrated frame its sky, one number, over --stats-section
    #[arg(long, value_name = "SKY", default_value = "none", value_parser = parse::word::<Sky>(&["none", "median", "mode"]))]
    pub(crate) sky: Sky,

    /// Values below V, in units of the result: V=mask masks them, V=nan blanks them too, V=W makes them W [default: none]
    ///
    /// It is the last step: calibrate does it to the calibrated frame, combine to the combined value.
    #[arg(long, value_name = "V=THEN", allow_hyphen_values = true, value_parser = parse::value::<Beyond>)]
    pub(crate) below: Option<Beyond>,

    /// Values above V: as for --below
    #[arg(long, value_name = "V=THEN", allow_hyphen_values = true, value_parser = parse::value::<Beyond>)]
    pub(crate) above: Option<Beyond>,

    /// Do every step, also those that the header of a frame says are done
    ///
    /// Without it such a step is skipped for that frame, with a note. The cards that say so: OVERSCAN, TRIM, ZEROCOR,
    /// DARKCOR and FLATCOR, as IRAF and ccdstream write them, DEVIATN (where the uncertainty is there), GAINCOR and SKYSUB of
    /// ccdstream, and those of ccdproc.
    #[arg(long)]
    pub(crate) redo: bool,
}
