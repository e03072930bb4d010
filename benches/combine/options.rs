//! What is measured: the command line of the bench.

use std::fmt;
use std::path::PathBuf;

use ccdstream::ByteSize;
use ccdstream::recipe::{Center, Clip, Deviation, Iterations, Method, Sigma, Stack, Weight};
use clap::{Parser, ValueEnum};
use serde::Serialize;

use super::frames::Pixels;

/// Whole runs against reading and decoding the same frames
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Stacks of so many frames
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "5,25,100,3000", value_parser = at_least_one)]
    pub(crate) frames: Vec<usize>,
    /// Samples of each stack, whose frames are squares [default: 4e8; 2e7 with --quick]
    #[arg(long, value_name = "N")]
    samples: Option<f64>,
    /// Rows and columns of each frame, however many samples that makes
    #[arg(long, value_name = "N", conflicts_with = "samples", value_parser = at_least_one)]
    side: Option<usize>,
    /// Threads that work on pixels [default: one a core]
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = at_least_one)]
    pub(crate) threads: Vec<usize>,
    /// Memory limits
    #[arg(
        long,
        value_name = "SIZE,…",
        value_delimiter = ',',
        default_value = "1G"
    )]
    pub(crate) limits: Vec<ByteSize>,
    /// What the frames are; `nan` brings `f32` beside it
    #[arg(
        long,
        value_name = "VARIANT,…",
        value_delimiter = ',',
        default_value = "plain"
    )]
    variants: Vec<Variant>,
    /// What is done with them [default: all]
    #[arg(long, value_name = "CASE,…", value_delimiter = ',')]
    pub(crate) cases: Vec<Case>,
    /// Medians of so many rounds [default: 5; 3 with --quick]
    #[arg(long = "rounds", value_name = "N", value_parser = at_least_one)]
    asked_rounds: Option<usize>,
    /// How soon a run of 3000 small frames reads its first pixel; nothing else is measured
    #[arg(long)]
    pub(crate) start: bool,
    /// Fewer samples and rounds
    #[arg(long)]
    quick: bool,
    /// Writes the rows there, a list of objects; in which the floor is a member of each
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[arg(skip)]
    pub(crate) rounds: usize,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// With every default that depends on others, or on the machine.
    pub(crate) fn settled(mut self) -> Self {
        if self.threads.is_empty() {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            self.threads.push(cores);
        }
        if self.cases.is_empty() {
            self.cases = Case::value_variants().to_vec();
        }
        self.rounds = self.asked_rounds.unwrap_or(if self.quick { 3 } else { 5 });
        self
    }

    /// Rows of a frame of a stack of `nframe`, and columns.
    pub(crate) fn side(&self, nframe: usize) -> usize {
        let samples = self.samples.unwrap_or(if self.quick { 2e7 } else { 4e8 });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a side, positive"
        )]
        let nearest = (samples / nframe as f64).sqrt().round() as usize;
        self.side.unwrap_or(nearest.max(1))
    }

    /// The side that was asked for.
    pub(crate) fn given_side(&self) -> Option<usize> {
        self.side
    }

    /// The variants that are asked for, by the frames that they take.
    pub(crate) fn by_pixels(&self) -> Vec<(Pixels, Vec<Variant>)> {
        let asked = |variant: &&Variant| {
            let beside = **variant == Variant::F32 && self.variants.contains(&Variant::Nan);
            beside || self.variants.contains(variant)
        };
        let mut found: Vec<(Pixels, Vec<Variant>)> = Vec::new();
        for variant in Variant::value_variants().iter().filter(asked) {
            match found.iter_mut().find(|of| of.0 == variant.pixels()) {
                Some((_, variants)) => variants.push(*variant),
                None => found.push((variant.pixels(), vec![*variant])),
            }
        }
        found
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("a whole number, at least 1".into()),
    }
}

/// What is done with the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Case {
    /// The mean
    Mean,
    /// The median
    Median,
    /// The mean of what one clip at 3 standard deviations about the mean leaves
    Sigma,
    /// The mean of what one clip at 5 MAD about the median leaves
    Mad,
    /// The same, clipped until nothing changes
    Converge,
    /// No case of the table: what [`super::start`] runs.
    #[value(skip)]
    Start,
}

impl Case {
    pub(crate) fn stack(self) -> Stack {
        let sigma = |factor, center, dev, iters| {
            vec![Clip::Sigma(Sigma {
                low: factor,
                high: factor,
                center,
                dev,
                iters,
                floor: 0.0,
            })]
        };
        let mad = |iters| sigma(5.0, Center::Median, Deviation::Mad, iters);
        let clip = match self {
            Self::Mean | Self::Median | Self::Start => Vec::new(),
            Self::Sigma => sigma(3.0, Center::Mean, Deviation::Std, Iterations::Times(1)),
            Self::Mad => mad(Iterations::Times(1)),
            Self::Converge => mad(Iterations::Converge),
        };
        let method = if self == Self::Median {
            Method::Median
        } else {
            Method::Average
        };
        Stack {
            method,
            clip,
            ..Stack::default()
        }
    }
}

/// What the frames are, and what comes with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Variant {
    /// uint16
    Plain,
    /// uint16, and a weight for each frame
    Weights,
    /// uint16, and a mask beside each frame, in which 0.1 % is bad
    Masks,
    /// BITPIX -32
    F32,
    /// BITPIX -32, of which 0.1 % is NaN
    Nan,
    /// BITPIX -64
    F64,
}

impl Variant {
    fn pixels(self) -> Pixels {
        match self {
            Self::Plain | Self::Weights => Pixels::Uint16,
            Self::Masks => Pixels::Masked,
            Self::F32 => Pixels::Single,
            Self::Nan => Pixels::SingleNan,
            Self::F64 => Pixels::Double,
        }
    }

    /// The same with the weights of this variant.
    pub(crate) fn weighted(self, stack: Stack, nframe: usize) -> Stack {
        let weight = match self {
            Self::Weights => {
                Weight::Values((0..nframe).map(|frame| 1.0 + (frame % 3) as f64).collect())
            }
            _ => Weight::None,
        };
        Stack { weight, ..stack }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
