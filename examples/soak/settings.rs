//! What a run is asked for: drawn from the number of its setting, so that the same setting asks for the same bytes.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use ccdstream::recipe::{
    Calibration, Clip, Codec, Compression, Dark, Flat, FlatNorm, Folder, Frames, Hdu, Io, Level,
    LevelTo, Method, Negative, Neighbours, Norm, Output, Overscan, Place, Plane, Quantity,
    Resources, Sky, Stack, Uncertainty, Weight,
};
use ccdstream::{ByteSize, Error, Recipe, Reduction, Section};

use crate::draw::Draw;
use crate::frames::{Kind, Night};

/// What the library is asked for.
#[derive(Debug)]
pub(crate) enum Asked {
    Combine(Box<Recipe>),
    Calibrate(Box<Reduction>),
}

impl Asked {
    /// The name of the call.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Combine(_) => "combine",
            Self::Calibrate(_) => "calibrate",
        }
    }

    /// Which frames.
    pub(crate) fn frames(&mut self) -> &mut Frames {
        match self {
            Self::Combine(recipe) => &mut recipe.frames,
            Self::Calibrate(recipe) => &mut recipe.frames,
        }
    }

    /// What memory it may take.
    pub(crate) fn limit(&self) -> ByteSize {
        match self {
            Self::Combine(recipe) => recipe.resources.mem_limit,
            Self::Calibrate(recipe) => recipe.resources.mem_limit,
        }
    }

    /// Takes up an interrupted run, or starts afresh.
    pub(crate) fn again(&mut self, resume: bool) {
        match self {
            Self::Combine(recipe) => recipe.output.resume = resume,
            Self::Calibrate(recipe) => {
                recipe.folder.resume = resume;
                // Starting afresh replaces what is done.
                recipe.folder.overwrite = !resume;
            }
        }
    }

    /// How often what is done is put on the disk.
    pub(crate) fn sync_every(&mut self, time: Duration) {
        if let Self::Combine(recipe) = self {
            recipe.output.sync_every = time;
        }
    }

    /// What the run may use.
    pub(crate) fn resources(&mut self) -> &mut Resources {
        match self {
            Self::Combine(recipe) => &mut recipe.resources,
            Self::Calibrate(recipe) => &mut recipe.resources,
        }
    }
}

/// The recipe of a setting; the results go below `out`. The resources are some that always do.
pub(crate) fn asked(night: &Night, out: &Path, draw: &mut Draw) -> Asked {
    let kind = draw.one_of(&[Kind::Raw, Kind::Raw, Kind::Packed, Kind::Float, Kind::Chips]);
    let resources = Resources {
        mem_limit: ByteSize(2 << 30),
        threads: 1,
        io: Io::Auto,
        temp_dir: None,
    };
    if draw.percent(25) {
        return Asked::Calibrate(Box::new(Reduction {
            frames: frames(night, kind, draw, 80),
            calibration: calibration(night, kind, draw),
            stats_section: None,
            folder: Folder {
                path: out.join("calibrated"),
                suffix: draw.one_of(&["", "_cal"]).into(),
                overwrite: false,
                planes: None,
                dtype: None,
                compression: compression(draw),
                resume: false,
            },
            resources,
        }));
    }
    let mut recipe = Recipe {
        frames: Frames {
            hdu: if kind == Kind::Chips && draw.percent(50) {
                Hdu::All
            } else {
                Hdu::Auto
            },
            ..frames(night, kind, draw, usize::MAX)
        },
        calibration: Calibration::default(),
        stack: stack(kind, draw),
        output: Output {
            compression: compression(draw),
            ..Output::new(out.join("result.fits"))
        },
        resources,
    };
    if draw.percent(8) {
        // Every frame that there is, whatever it is.
        recipe.frames = Frames::new(
            [Kind::Raw, Kind::Packed, Kind::Float, Kind::Chips].map(|k| path(&night.of(k))),
        );
        recipe.frames.uncertainty_hdu = None;
        recipe.stack.uncertainty = Uncertainty::Scatter;
        recipe.stack.weight = Weight::None;
    } else if draw.percent(40) {
        recipe.calibration = calibration(night, kind, draw);
        if recipe.calibration.sky != Sky::None {
            // What is left without the sky is about 0, and scales nothing.
            recipe.stack.scale = Level::None;
            recipe.stack.scale_to = LevelTo::Unity;
        }
    } else if draw.percent(20) {
        recipe.frames.region = Some(read("[5:30,3:20]"));
    }
    recipe.output.planes = planes(&recipe.stack, draw);
    Asked::Combine(Box::new(recipe))
}

/// A path as a recipe names it.
pub(crate) fn path(path: &Path) -> String {
    path.to_str().expect("temporary folders are UTF-8").into()
}

/// The value of a text that is right.
fn read<T: FromStr<Err = Error>>(text: &str) -> T {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Some frames of a kind, `most` at most, named in one way or another.
fn frames(night: &Night, kind: Kind, draw: &mut Draw, most: usize) -> Frames {
    let count = night.count(kind);
    let most = most.min(count);
    let mut names = if draw.percent(12) && most == count {
        vec![path(&night.of(kind))]
    } else if draw.percent(25) {
        let ten = draw.below((count / 10).max(1));
        vec![path(&night.of(kind).join(format!("{ten:04}?.fits")))]
    } else {
        // As often a few frames as many.
        let exponent = (most as f64).log2() * draw.uniform();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "1 to the count of frames"
        )]
        // Fewer than three are refused where they are clipped.
        let some = (exponent.exp2() as usize).clamp(most.min(3), most);
        let first = draw.below(count - some + 1);
        let frames = first..first + some;
        frames.map(|n| path(&night.frame(kind, n))).collect()
    };
    let skip_bad = kind == Kind::Raw && draw.percent(10);
    if skip_bad {
        names.push(path(&night.cut_short()));
    }
    Frames {
        skip_bad,
        ..Frames::new(names)
    }
}

/// Steps of a calibration that frames of this kind can go through.
fn calibration(night: &Night, kind: Kind, draw: &mut Draw) -> Calibration {
    let beyond = Calibration {
        below: draw.percent(20).then(|| read("-50=mask")),
        above: draw.percent(20).then(|| read("5000=nan")),
        sky: draw.one_of(&[Sky::None, Sky::None, Sky::Median, Sky::Mode]),
        ..Calibration::default()
    };
    if kind == Kind::Float {
        return beyond;
    }
    let overscan = Overscan {
        place: Place::Keyword("BIASSEC".into()),
        stat: draw
            .one_of(&["median", "mean"])
            .parse()
            .expect("a statistic"),
        fit: draw
            .percent(40)
            .then(|| read(draw.one_of(&["poly:1", "legendre:2", "chebyshev:3", "spline3:2"]))),
        axis: None,
        clip: None,
    };
    let raw = Calibration {
        overscan: draw.percent(80).then_some(overscan),
        trim: Some(Place::Keyword("TRIMSEC".into())),
        gain: Some(Quantity::Keyword("GAIN".into())),
        readnoise: Some(Quantity::Keyword("RDNOISE".into())),
        deviation: draw.percent(40).then_some(Negative::Readnoise),
        // The masters are in counts.
        gain_last: kind != Kind::Chips,
        ..beyond
    };
    if kind == Kind::Chips {
        return raw;
    }
    let mut master = |name| draw.percent(70).then(|| path(&night.master(name)));
    Calibration {
        bias: master("bias"),
        dark: master("dark").map(|file| Dark {
            file,
            scale: true,
            exposure_key: "EXPTIME".into(),
            exposure: None,
            dark_exposure: None,
        }),
        flat: master("flat").map(|file| Flat {
            file,
            min: Some(0.5),
            norm: FlatNorm::Median,
            section: None,
            shared_norm: false,
        }),
        ..raw
    }
}

/// What happens at each pixel.
fn stack(kind: Kind, draw: &mut Draw) -> Stack {
    const CLIPS: [&str; 15] = [
        "sigma:3",
        "sigma:2.5,4,center=mean,dev=std,iters=2",
        "sigma:3,iters=converge",
        "sigma:2,3,dev=mad,iters=5",
        "minmax:-100,8000",
        "extrema:1,1",
        "auto",
        "ccd:3,3,gain=1.5,rdnoise=5",
        "cr:4,gain=1.5,rdnoise=5",
        "percentile:0.2",
        "pclip:-0.5,5,5",
        "winsorized:3",
        "median-sigma:3",
        "rcr:0.1",
        "poisson:4",
    ];
    let mut stack = Stack {
        method: draw.one_of(&[
            Method::Average,
            Method::Average,
            Method::Median,
            Method::Sum,
        ]),
        clip: (0..draw.below(3))
            .map(|_| read(draw.one_of(&CLIPS)))
            .collect(),
        nkeep: draw.one_of(&[0, 1, 2, -2]),
        ..Stack::default()
    };
    // Once is all that it can be asked for.
    let is_poisson = |clip: &Clip| matches!(clip, Clip::Poisson(_));
    if stack.clip.iter().all(is_poisson) {
        stack.clip.truncate(1);
    }
    let rejects = |clip: &Clip| !matches!(clip, Clip::Minmax { .. });
    if draw.percent(25) && stack.clip.iter().any(rejects) {
        stack.neighbours = Neighbours {
            grow: draw.one_of(&[0.0, 1.0, 1.5]),
            hole_fill: draw.one_of(&[0, 3]),
        };
    }
    let levels = [
        Level::Mean,
        Level::Median,
        Level::Mode,
        Level::Keyword("EXPTIME".into()),
    ];
    if draw.percent(35) {
        stack.scale = draw.one_of(&levels);
        stack.scale_to = draw.one_of(&[LevelTo::Unity, LevelTo::First, LevelTo::Mean]);
    }
    if draw.percent(25) {
        stack.zero = draw.one_of(&levels);
        stack.zero_to = LevelTo::Mean;
        // A scale that is measured behind its zero may be 0.
        stack.scale = Level::None;
        stack.scale_to = LevelTo::Unity;
    }
    if draw.percent(15) {
        stack.normalise(draw.one_of(&[Norm::Add, Norm::Mul, Norm::MulScale]));
    }
    if draw.percent(20) {
        stack.stats_section = Some(read::<Section>("[3:35,2:30]"));
    }
    if draw.percent(20) {
        stack.weight = draw.one_of(&[
            Weight::Keyword("EXPTIME".into()),
            Weight::Exposure,
            Weight::Noise,
        ]);
    } else if kind == Kind::Float && draw.percent(50) {
        stack.weight = Weight::InverseVariance;
    }
    if kind == Kind::Float {
        stack.uncertainty = draw.one_of(&[Uncertainty::Scatter, Uncertainty::Propagate]);
    } else if draw.percent(20) {
        stack.uncertainty = Uncertainty::None;
    }
    stack
}

/// How the results are packed, of some.
fn compression(draw: &mut Draw) -> Option<Compression> {
    if draw.percent(75) {
        return None;
    }
    let codec = draw.one_of(&[Codec::Rice, Codec::Gzip]);
    let quantize = draw.one_of(&[None, Some(4.0)]);
    Some(Compression { codec, quantize })
}

/// The planes that are written.
fn planes(stack: &Stack, draw: &mut Draw) -> Vec<Plane> {
    let mut planes = vec![Plane::Data];
    if stack.uncertainty != Uncertainty::None && draw.percent(70) {
        planes.push(Plane::Uncertainty);
    }
    for plane in [Plane::Mask, Plane::Count, Plane::Low, Plane::High] {
        if draw.percent(50) {
            planes.push(plane);
        }
    }
    planes
}
