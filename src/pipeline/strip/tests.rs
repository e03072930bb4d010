//! Every way through a block gives what the textbook gives, to the bit, on every vector width.

use std::sync::Arc;

use proptest::prelude::*;

use super::work;
use crate::kernel::{Sample, Width};
use crate::level::FrameLevel;
use crate::pixels::{Bitpix, Stored, UncertaintyKind};
use crate::recipe::{
    Center, Clip, Deviation, Iterations, Method, PixelType, Plane, Sigma, Uncertainty,
};
use crate::shape::Area;
use crate::stack::{Scratch, StackRoom, Way};
use crate::tile::{Companion, EmptyTile, Layout, RawTile, TilePlane};

const NPIXEL: usize = 37;
const PLANES: [(Plane, PixelType); 6] = [
    (Plane::Data, PixelType::F64),
    (Plane::Mask, PixelType::U8),
    (Plane::Uncertainty, PixelType::F64),
    (Plane::Count, PixelType::I32),
    (Plane::Low, PixelType::I32),
    (Plane::High, PixelType::I32),
];

/// The numbers of all planes, as text that tells them apart to the bit, and what each step took of each frame, for frames of f32 samples worked in one way.
fn combine<T: Sample>(
    room: &StackRoom,
    way: Way,
    frames: &[f32],
    deviations: &[f32],
) -> Vec<String> {
    let stored = Stored {
        bitpix: Bitpix::F32,
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
    let layout = Arc::new(Layout::new(images.chain(uncertain), planes, NPIXEL));
    let mut scratch = Scratch::<T>::for_way(room, way);
    let area = Area {
        rows: 0..1,
        cols: 0..NPIXEL,
    };
    let mut raw = RawTile::new(Arc::clone(&layout));
    let view = raw.fill(&area, |companion, frame, bytes| {
        let from = if companion == Companion::Image {
            frames
        } else {
            deviations
        };
        let pixels = &from[frame * NPIXEL..][..NPIXEL];
        for (bytes, sample) in bytes.chunks_exact_mut(4).zip(pixels) {
            bytes.copy_from_slice(&sample.to_be_bytes());
        }
        Ok::<(), crate::Error>(())
    });
    let view = view.expect("nothing is read here");
    let tile = EmptyTile::new(layout)
        .combine(area, 16, |strip| {
            work(room, view, &mut scratch, strip, |pixel| (pixel + 1, 1))
        })
        .expect("every value fits f64");
    let taken: Vec<_> = (0..room.clip.len())
        .map(|step| scratch.tally.frames(step).to_vec())
        .collect();
    let mut told = Vec::new();
    for (plane, bytes) in tile.planes() {
        for (pixel, bytes) in bytes.chunks(bytes.len() / NPIXEL).enumerate() {
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
    told.push(format!(
        "low {:?}, high {:?}, of frames {taken:?}",
        scratch.tally.low, scratch.tally.high
    ));
    told
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
    prop_oneof![
        (-5.0..60.0_f64, 40.0..160.0_f64).prop_map(|(low, high)| Clip::Minmax { low, high }),
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
    ]
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

fn room() -> impl Strategy<Value = StackRoom> {
    let method = prop_oneof![
        Just(Method::Average),
        Just(Method::Median),
        Just(Method::Sum)
    ];
    let uncertainty = prop_oneof![
        Just(Uncertainty::Scatter),
        Just(Uncertainty::Propagate),
        Just(Uncertainty::None)
    ];
    let chain = prop::collection::vec(step(), 0..4);
    let nframe = prop_oneof![1..12_usize, 12..40_usize];
    (
        nframe,
        method,
        chain,
        0..6_usize,
        uncertainty,
        any::<bool>(),
        0..3_u8,
    )
        .prop_map(
            |(nframe, method, clip, nkeep, uncertainty, scaled, weighted)| {
                let level = |frame: usize| {
                    FrameLevel::new(frame as f64 % 3.0, 1.0 + 0.1 * (frame as f64), 1.0, 1.0)
                };
                let inverse_variance = weighted == 2 && method != Method::Median;
                StackRoom {
                    width: Width::widest(),
                    nframe,
                    method,
                    clip,
                    nkeep,
                    uncertainty,
                    levels: (0..nframe).filter(|_| scaled).map(level).collect(),
                    weights: (weighted == 1)
                        .then(|| (0..nframe).map(|frame| frame as f64 % 4.0).collect()),
                    inverse_variance,
                    needs_deviation: inverse_variance || uncertainty == Uncertainty::Propagate,
                    may_be_absent: true,
                    below: None,
                    above: None,
                    planes: PLANES.to_vec(),
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_way_and_width_gives_what_the_textbook_gives(
        room in room(),
        frames in prop::collection::vec(sample(), 40 * NPIXEL),
        deviations in prop::collection::vec(prop_oneof![9 => 0.5..3.0_f32, 1 => Just(0.0_f32)], 40 * NPIXEL),
    ) {
        let page = combine::<f32>(&room, Way::Page, &frames, &deviations);
        for width in Width::available() {
            let room = StackRoom { width, ..room.clone() };
            let way = room.way();
            for (fast, page) in combine::<f32>(&room, way, &frames, &deviations).iter().zip(&page) {
                prop_assert_eq!(fast, page, "{} f32 {:?}", width, way);
            }
        }
        let page = combine::<f64>(&room, Way::Page, &frames, &deviations);
        for (fast, page) in combine::<f64>(&room, room.way(), &frames, &deviations).iter().zip(&page) {
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
            width: Width::widest(), nframe: 20, method, clip: chain, nkeep: 0, uncertainty: Uncertainty::Scatter,
            levels: Arc::new([]), weights: None, inverse_variance: false, needs_deviation: false,
            may_be_absent: false, below: None, above: None, planes: PLANES.to_vec(),
        };
        let page = combine::<f32>(&plain, Way::Page, &frames, &[]);
        prop_assert_eq!(&combine::<f32>(&plain, plain.way(), &frames, &[]), &page);
    }
}
