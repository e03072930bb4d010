//! Every way through a block gives what the textbook gives, to the bit, on every vector width.

mod around;
mod drawn;

use std::sync::Arc;

use proptest::prelude::*;

use super::{Bench, Workshop, work};
use crate::kernel::{Sample, Width};
use crate::level::FrameLevel;
use crate::pixels::{Bitpix, Stored, UncertaintyKind};
use crate::recipe::{
    Center, Clip, DetectorNoise, Deviation, Factors, Family, Iterations, Method, PixelType, Plane,
    Quantity, Sigma, Uncertainty,
};
use crate::shape::Area;
use crate::stack::{Around, Critical, Detector, Scratch, StackRoom, Way};
use crate::tile::{Companion, EmptyTile, Layout, RawTile, TilePlane};

const NPIXEL: usize = 37;
/// Pixels of a strip: more than a block, and few enough that a tile has several strips.
const STRIP: usize = 32;
const PLANES: [(Plane, PixelType); 12] = [
    (Plane::Data, PixelType::F64),
    (Plane::Mask, PixelType::U8),
    (Plane::Uncertainty, PixelType::F64),
    (Plane::Count, PixelType::I32),
    (Plane::Low, PixelType::I32),
    (Plane::High, PixelType::I32),
    (Plane::LowBy(Family::Bounds), PixelType::I32),
    (Plane::LowBy(Family::Order), PixelType::I32),
    (Plane::LowBy(Family::Deviation), PixelType::I32),
    (Plane::HighBy(Family::Bounds), PixelType::I32),
    (Plane::HighBy(Family::Order), PixelType::I32),
    (Plane::HighBy(Family::Deviation), PixelType::I32),
];

/// Frames of one row as files have them: big-endian floats, frame after frame.
#[derive(Debug)]
struct Frames {
    bitpix: Bitpix,
    npixel: usize,
    images: Vec<u8>,
    deviations: Vec<u8>,
}

impl Frames {
    /// Frames of f32 pixels.
    fn single(npixel: usize, images: &[f32], deviations: &[f32]) -> Self {
        let bytes = |pixels: &[f32]| pixels.iter().flat_map(|v| v.to_be_bytes()).collect();
        Self {
            bitpix: Bitpix::F32,
            npixel,
            images: bytes(images),
            deviations: bytes(deviations),
        }
    }
}

/// What came of a stack.
#[derive(Debug, PartialEq)]
struct Combined {
    /// The bytes of each plane.
    planes: Vec<(Plane, Vec<u8>)>,
    /// Samples that each step took: on its low side, on its high side, and of each frame.
    taken: Vec<(u64, u64, Vec<u64>)>,
}

impl Combined {
    /// Every number, as text that tells them apart to the bit; NaN is NaN, whatever its payload.
    fn told(&self) -> Vec<String> {
        let npixel = self.planes[1].1.len();
        let mut told = Vec::new();
        for (plane, bytes) in &self.planes {
            for (pixel, bytes) in bytes.chunks(bytes.len() / npixel).enumerate() {
                let number = bytes
                    .iter()
                    .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
                let number = if bytes.len() == 8 {
                    f64::from_bits(number)
                } else {
                    number as f64
                };
                told.push(format!("{plane:?} of pixel {pixel}: {number:?}"));
            }
        }
        told.push(format!("low, high, of frames: {:?}", self.taken));
        told
    }
}

/// Combines the frames, worked in one way.
fn combine<T: Sample>(room: &StackRoom, way: Way, frames: &Frames) -> Combined {
    let npixel = frames.npixel;
    let stored = Stored {
        bitpix: frames.bitpix,
        bscale: 1.0,
        bzero: 0.0,
        blank: None,
    };
    let plane = |companion| {
        move |frame| TilePlane {
            companion,
            frame,
            stored,
        }
    };
    let images = (0..room.nframe).map(plane(Companion::Image));
    let uncertain = if room.needs_deviation { room.nframe } else { 0 };
    let uncertain = (0..uncertain).map(plane(Companion::Uncertainty(UncertaintyKind::StdDev)));
    let planes = PLANES.map(|(plane, pixel)| (plane, pixel.nbyte())).to_vec();
    let layout = Arc::new(Layout::new(images.chain(uncertain), planes, npixel));
    let mut bench = Bench::new(Scratch::<T>::for_way(room, way));
    let area = Area {
        rows: 0..1,
        cols: 0..npixel,
    };
    let mut raw = RawTile::new(Arc::clone(&layout));
    let view = raw.fill(&area, |companion, frame, bytes| {
        let from = if companion == Companion::Image {
            &frames.images
        } else {
            &frames.deviations
        };
        bytes.copy_from_slice(&from[frame * bytes.len()..][..bytes.len()]);
        Ok::<(), crate::Error>(())
    });
    let view = view.expect("nothing is read here");
    let tile = EmptyTile::new(layout)
        .combine(area.clone(), STRIP, |strip| {
            let workshop = Workshop::plain(room);
            work(workshop, (view, &area), &mut bench, strip, |pixel| {
                (pixel + 1, 1)
            })
        })
        .expect("every value fits f64");
    let tally = &bench.scratch.tally;
    let taken = |step| {
        let of_frames = tally.frames(step).to_vec();
        (tally.low[step], tally.high[step], of_frames)
    };
    Combined {
        planes: tile
            .planes()
            .map(|(plane, bytes)| (plane, bytes.to_vec()))
            .collect(),
        taken: (0..room.clip.len()).map(taken).collect(),
    }
}

fn step() -> impl Strategy<Value = Clip> {
    let factor = prop_oneof![
        Just(0.5),
        Just(1.0),
        Just(1.5),
        Just(3.0),
        Just(f64::INFINITY)
    ];
    let iters = prop_oneof![
        Just(Iterations::Times(1)),
        Just(Iterations::Times(3)),
        Just(Iterations::Converge)
    ];
    let sigma = (
        factor.clone(),
        factor,
        any::<bool>(),
        any::<bool>(),
        iters,
        prop_oneof![Just(0.0), Just(2.0)],
    );
    // Bounds between samples, on samples, and none; a recipe whose bounds are not in order is refused.
    let low = prop_oneof![4 => -5.0..60.0_f64, 1 => Just(97.0), 1 => Just(f64::NEG_INFINITY)];
    let high = prop_oneof![4 => 40.0..160.0_f64, 1 => Just(103.0), 1 => Just(f64::INFINITY)];
    prop_oneof![
        (low, high).prop_map(|(one, other)| Clip::Minmax {
            low: one.min(other),
            high: one.max(other),
        }),
        (0..4_usize, 0..4_usize).prop_map(|(nlow, nhigh)| Clip::Extrema { nlow, nhigh }),
        sigma.prop_map(|(low, high, mean, std, iters, floor)| {
            Clip::Sigma(Sigma {
                low,
                high,
                center: if mean { Center::Mean } else { Center::Median },
                dev: if std { Deviation::Std } else { Deviation::Mad },
                iters,
                floor,
            })
        }),
        rule(),
    ]
}

/// A rule that goes by the samples of a pixel.
fn rule() -> impl Strategy<Value = Clip> {
    let factor = || {
        prop_oneof![
            Just(0.3),
            Just(1.0),
            Just(2.0),
            Just(3.0),
            Just(f64::INFINITY)
        ]
    };
    let factors = || (factor(), factor()).prop_map(|(low, high)| Factors { low, high });
    let rank = prop_oneof![Just(-0.5), Just(0.5), Just(-1.0), Just(2.0), Just(7.0)];
    let fraction = prop_oneof![Just(0.1), Just(0.3), Just(0.5)];
    prop_oneof![
        (0.001..0.2_f64, 0.001..0.2_f64)
            .prop_map(|(low, high)| Clip::Percentile(Factors { low, high })),
        (rank, factors()).prop_map(|(rank, factors)| Clip::Pclip { rank, factors }),
        factors().prop_map(Clip::Winsorized),
        factors().prop_map(Clip::MedianSigma),
        factors().prop_map(Clip::LinearFit),
        (fraction, prop_oneof![Just(0.05), Just(0.5)])
            .prop_map(|(fraction, alpha)| Clip::Esd { fraction, alpha }),
        prop_oneof![Just(0.5), Just(1.0)].prop_map(|limit| Clip::Rcr { limit }),
        Just(Clip::Auto),
        // Twice, for frames alike and each of its own.
        noisy(),
        noisy(),
    ]
}

/// A rule that goes by the noise of the frames.
fn noisy() -> impl Strategy<Value = Clip> {
    let factor = || prop_oneof![Just(0.3), Just(1.0), Just(3.0)];
    let quantity = |number: f64| Quantity::Number(number);
    let noise = (any::<bool>(), prop_oneof![Just(0.0), Just(5.0)]);
    let noise = noise.prop_map(move |(alike, readnoise)| DetectorNoise {
        gain: Some(quantity(if alike { 1.0 } else { 2.0 })),
        readnoise: quantity(readnoise),
        sensitivity: quantity(0.01),
    });
    (factor(), factor(), any::<bool>(), noise).prop_map(|(low, high, both, noise)| {
        if both {
            let factors = Factors { low, high };
            Clip::Ccd { factors, noise }
        } else {
            Clip::Cr { high, noise }
        }
    })
}

/// What each step compares with; a gain of 2 stands for frames that differ.
fn critical(clip: &[Clip], nframe: usize) -> Arc<[Critical]> {
    let number = |quantity: &Quantity| match quantity {
        Quantity::Number(number) => *number,
        Quantity::Keyword(_) => 1.0,
    };
    let of_step = |clip: &Clip| match clip.noise() {
        None => Critical::new(clip, nframe),
        Some(noise) => {
            let gain = noise.gain.as_ref().map_or(1.0, number);
            let detector = |frame: usize| Detector {
                gain: if gain > 1.0 {
                    0.2 + (frame % 5) as f64
                } else {
                    gain
                },
                readnoise: number(&noise.readnoise),
                sensitivity: number(&noise.sensitivity),
            };
            Critical::of_noise((0..nframe).map(detector).collect())
        }
    };
    clip.iter().map(of_step).collect()
}

/// Samples with ties, outliers, zeros of either sign and absent ones.
fn sample() -> impl Strategy<Value = f32> {
    prop_oneof![
        6 => (90..110_i16).prop_map(f32::from),
        6 => 80.0..120.0_f32,
        1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY)],
        1 => prop_oneof![Just(0.0_f32), Just(-0.0), Just(1e-42), Just(1e30), Just(-3e38)],
    ]
}

/// What is done with `nframe` frames.
fn room(nframe: impl Strategy<Value = usize>) -> impl Strategy<Value = StackRoom> {
    let method = prop_oneof![
        4 => Just(Method::Average),
        2 => Just(Method::Median),
        2 => Just(Method::Sum),
        1 => Just(Method::Min),
        1 => Just(Method::Max),
        1 => Just(Method::Lmedian),
        1 => Just(Method::Quantile(0.3)),
        1 => Just(Method::Std),
        1 => Just(Method::Mad),
        1 => Just(Method::Mode),
        1 => Just(Method::Quadrature),
    ];
    let uncertainty = prop_oneof![
        Just(Uncertainty::Scatter),
        Just(Uncertainty::Propagate),
        Just(Uncertainty::None)
    ];
    let chain = prop::collection::vec(step(), 0..4);
    (
        nframe,
        method,
        chain,
        -5..6_i64,
        uncertainty,
        any::<bool>(),
        0..3_u8,
    )
        .prop_map(
            |(nframe, method, clip, nkeep, uncertainty, scaled, weighted)| {
                let level = |frame: usize| {
                    FrameLevel::new(frame as f64 % 3.0, 1.0 + 0.1 * (frame as f64), 1.0, 1.0)
                };
                let inverse_variance = weighted == 2 && method.weighs();
                let mut room = StackRoom {
                    width: Width::widest(),
                    nframe,
                    method,
                    critical: critical(&clip, nframe),
                    clip,
                    nkeep,
                    around: Around::default(),
                    uncertainty,
                    levels: Arc::new([]),
                    weights: (weighted == 1)
                        .then(|| (0..nframe).map(|frame| frame as f64 % 4.0).collect()),
                    inverse_variance,
                    needs_deviation: inverse_variance || uncertainty == Uncertainty::Propagate,
                    may_be_absent: true,
                    below: None,
                    above: None,
                    planes: PLANES.to_vec(),
                };
                room.scale_by((0..nframe).filter(|_| scaled).map(level).collect());
                room
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_way_and_width_gives_what_the_textbook_gives(
        room in room(prop_oneof![1..12_usize, 12..40_usize]),
        frames in prop::collection::vec(sample(), 40 * NPIXEL),
        deviations in prop::collection::vec(prop_oneof![9 => 0.5..3.0_f32, 1 => Just(0.0_f32)], 40 * NPIXEL),
    ) {
        let frames = Frames::single(NPIXEL, &frames, &deviations);
        let page = combine::<f32>(&room, Way::Page, &frames).told();
        for width in Width::available() {
            let room = StackRoom { width, ..room.clone() };
            let way = room.way();
            for (fast, page) in combine::<f32>(&room, way, &frames).told().iter().zip(&page) {
                prop_assert_eq!(fast, page, "{} f32 {:?}", width, way);
            }
        }
        let page = combine::<f64>(&room, Way::Page, &frames).told();
        for (fast, page) in combine::<f64>(&room, room.way(), &frames).told().iter().zip(&page) {
            prop_assert_eq!(fast, page, "f64 {:?}", room.way());
        }
    }

    #[test]
    fn frames_without_absent_samples_need_no_masks(
        method in prop_oneof![Just(Method::Average), Just(Method::Sum)],
        chain in prop::collection::vec(step(), 0..2),
        frames in prop::collection::vec(80.0..120.0_f32, 20 * NPIXEL),
    ) {
        let plain = StackRoom {
            width: Width::widest(), nframe: 20, method, critical: critical(&chain, 20), clip: chain, nkeep: 0, around: Around::default(), uncertainty: Uncertainty::Scatter,
            levels: Arc::new([]), weights: None, inverse_variance: false, needs_deviation: false,
            may_be_absent: false, below: None, above: None, planes: PLANES.to_vec(),
        };
        let frames = Frames::single(NPIXEL, &frames, &[]);
        let page = combine::<f32>(&plain, Way::Page, &frames).told();
        prop_assert_eq!(&combine::<f32>(&plain, plain.way(), &frames).told(), &page);
    }
}
