//! A tile that is passed over more than once gives the same, however many rows it has, and whatever way leads through a block.

use std::sync::Arc;

use proptest::prelude::*;

use super::{PLANES, critical, step};
use crate::kernel::Width;
use crate::level::FrameLevel;
use crate::pipeline::strip::{Bench, Passes, Tile, Workshop, pass_before, work};
use crate::pixels::{Bitpix, Stored};
use crate::recipe::{Clip, Factors, Method, Neighbours, Uncertainty};
use crate::shape::{Area, Shape};
use crate::stack::{Around, Desk, Scratch, StackRoom, Tally, Way};
use crate::tile::{Companion, EmptyTile, Layout, RawTile, TilePlane};

/// What came of the frames: the bytes of the planes, what is told of the samples, what was counted.
#[derive(Debug, PartialEq)]
struct Whole {
    planes: Vec<Vec<u8>>,
    told: Vec<u8>,
    low: Vec<u64>,
    high: Vec<u64>,
    of_frames: Vec<Vec<u64>>,
}

/// Combines frames in bands of so many rows.
fn combine(room: &StackRoom, way: Way, shape: Shape, frames: &[Vec<f32>], height: usize) -> Whole {
    let Shape { nrow, ncol } = shape;
    let stored = Stored {
        bitpix: Bitpix::F32,
        bscale: 1.0,
        bzero: 0.0,
        blank: None,
    };
    let raw = (0..room.nframe).map(|frame| TilePlane {
        companion: Companion::Image,
        frame,
        stored,
    });
    let planes = PLANES.map(|(plane, pixel)| (plane, pixel.nbyte())).to_vec();
    let halo = room.halo();
    let capacities = [(height + 2 * halo) * ncol, height * ncol];
    let layout = Arc::new(Layout::around(raw, planes, capacities, room.told_nbyte()));
    let passes = Passes::of(room);
    let workshop = Workshop {
        passes: passes.as_ref(),
        ..Workshop::plain(room)
    };
    let mut bench = Bench::new(Scratch::<f32>::for_way(room, way));
    bench.desk = Some(Desk::new(room, ncol, capacities[0]));
    let mut tile = RawTile::new(Arc::clone(&layout));
    let mut whole = Whole {
        planes: vec![Vec::new(); PLANES.len()],
        told: Vec::new(),
        low: Vec::new(),
        high: Vec::new(),
        of_frames: Vec::new(),
    };
    let mut empty = Some(EmptyTile::new(layout));
    for start in (0..nrow).step_by(height) {
        let area = |rows| Area {
            rows,
            cols: 0..ncol,
        };
        let band = area(start..nrow.min(start + height));
        let read = area(start.saturating_sub(halo)..nrow.min(band.rows.end + halo));
        let view = tile.fill(&read, |_, frame, bytes| {
            let pixels = &frames[frame][read.rows.start * ncol..read.rows.end * ncol];
            for (bytes, pixel) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
                *bytes = pixel.to_be_bytes();
            }
            Ok::<(), crate::Error>(())
        });
        let raw = Tile {
            view: view.expect("nothing is read here"),
            area: &read,
            read: &read,
            band: &band,
        };
        pass_before(workshop, raw, &mut bench, || Ok(())).expect("nobody stops it");
        let mut room_for = empty.take().expect("it came home");
        if let Some(desk) = &bench.desk {
            desk.marks.tell(&raw.rows(), room_for.told(band.npixel()));
        }
        let combined = room_for.combine_behind(raw.lead_npixel(), band.clone(), 32, |strip| {
            let place = |pixel| raw.place(pixel);
            work(workshop, (raw.view, &read), &mut bench, strip, place)
        });
        let combined = combined.expect("every value fits f64");
        for (all, (_, bytes)) in whole.planes.iter_mut().zip(combined.planes()) {
            // A NaN is a NaN, whatever stands in it.
            let is_wide = bytes.len() == 8 * band.npixel();
            for bytes in bytes.chunks(if is_wide { 8 } else { bytes.len() }) {
                match bytes.try_into().map(f64::from_be_bytes) {
                    Ok(value) if is_wide && value.is_nan() => all.extend(f64::NAN.to_be_bytes()),
                    _ => all.extend(bytes),
                }
            }
        }
        whole.told.extend(combined.told());
        empty = Some(combined.empty());
    }
    let tally: &Tally = &bench.scratch.tally;
    whole.low.clone_from(&tally.low);
    whole.high.clone_from(&tally.high);
    whole.of_frames = (0..room.nstep())
        .map(|step| tally.frames(step).to_vec())
        .collect();
    whole
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn bands_of_any_height_and_every_way_give_the_same(
        chain in prop::collection::vec(step(), 1..3), poisson in prop::option::of((0.5..4.0_f64, 0..3_usize)),
        method in prop_oneof![Just(Method::Average), Just(Method::Median), Just(Method::Sum)],
        (nframe, nrow, ncol) in (2..7_usize, 1..9_usize, 1..40_usize),
        pixels in prop::collection::vec(prop_oneof![
            3 => 80.0..120.0_f32, 1 => 0.0..400.0_f32, 1 => Just(100.0_f32), 1 => Just(f32::NAN),
        ], 7 * 9 * 40),
        grow in prop_oneof![Just(0.0), 0.5..4.0_f64], hole_fill in 0..4_usize, nkeep in -3..4_i64,
        (told, scaled) in (any::<bool>(), any::<bool>()), height in 1..9_usize,
    ) {
        let mut chain = chain;
        if let Some((factor, place)) = poisson {
            let step = Clip::Poisson(Factors { low: factor, high: factor });
            chain.insert(place.min(chain.len()), step);
        }
        let shape = Shape { nrow, ncol };
        let frames: Vec<_> = pixels.chunks(9 * 40).take(nframe).map(|frame| frame[..nrow * ncol].to_vec()).collect();
        let level = |frame: usize| FrameLevel { a: 1.0 + frame as f64 / 16.0, b: -0.5 };
        let mut room = StackRoom {
            width: Width::widest(), nframe, method, critical: critical(&chain, nframe), clip: chain, nkeep,
            around: Around::new(Neighbours { grow, hole_fill }, told), uncertainty: Uncertainty::Scatter,
            levels: Arc::new([]),
            weights: None, inverse_variance: false, needs_deviation: false,
            may_be_absent: true, below: None, above: None, planes: PLANES.to_vec(),
        };
        if scaled {
            room.scale_by((0..nframe).map(level).collect());
        }
        let whole = combine(&room, room.way(), shape, &frames, nrow);
        prop_assert_eq!(&combine(&room, room.way(), shape, &frames, height.min(nrow)), &whole);
        prop_assert_eq!(&combine(&room, Way::Page, shape, &frames, nrow), &whole);
    }
}
