//! The budget adds up, and tiles cover every pixel.

use proptest::prelude::*;

use super::*;
use crate::runs::Runs;

fn demand(nframe: usize, nrow: usize, ncol: usize, threads: usize, mapped: bool) -> Demand {
    let pixels = (nframe * nrow * ncol * 2) as u64;
    Demand {
        process: 4 << 20,
        nframe,
        shape: Shape { nrow, ncol },
        raw_nbyte: 2 * nframe,
        nplane: nframe,
        out_nbyte: 9,
        tally_nbyte: 32 << 10,
        around: Around::default(),
        text_nbyte: 100 * nframe as u64,
        threads,
        scratch_nbyte: 64 * nframe * 4,
        mapped: mapped.then_some(pixels),
        nfile: nframe,
        measure_nbyte: Some(1 << 20),
        packing_nbyte: mapped.then_some(2 << 20),
        again: mapped,
        walks: vec![pixels, pixels],
        unpacking: Unpacking::default(),
    }
}

#[test]
fn thirty_two_mebibytes_do_for_five_hundred_frames() {
    for mapped in [true, false] {
        let plan = demand(500, 2048, 2048, 2, mapped).plan(ByteSize(32 << 20));
        assert!(plan.is_ok(), "{plan:?}");
    }
}

#[test]
fn a_limit_that_is_too_small_says_what_would_do() {
    let demand = demand(100, 2048, 2048, 2, true);
    let Err(Error::LimitTooSmall { needed, .. }) = demand.plan(ByteSize(1 << 20)) else {
        panic!("1 MiB cannot do")
    };
    assert!(demand.plan(needed).is_ok());
    assert!(demand.plan(ByteSize(needed.0 - 2048)).is_err());
}

/// A number of any size, small ones as often as large ones.
fn any_size() -> impl Strategy<Value = usize> {
    (0_u32..64, any::<usize>()).prop_map(|(bits, number)| (number >> bits).max(1))
}

prop_compose! {
    fn any_demand()(
        sizes in prop::array::uniform11(any_size()),
        (process, text_nbyte) in (any_size(), any_size()),
        (mapped, measure_nbyte, packing_nbyte) in (
            prop::option::of(any_size()), prop::option::of(any_size()), prop::option::of(any_size()),
        ),
        again: bool, grid in prop::option::of((any_size(), any_size())),
        unpacking in prop::array::uniform4(prop_oneof![Just(0), any_size()]), file_threads in 0_usize..3,
    ) -> Demand {
        let [nframe, nrow, ncol, raw_nbyte, nplane, out_nbyte, threads, scratch_nbyte, nfile, walk, tally_nbyte] = sizes;
        Demand {
            process: process as u64,
            nframe,
            shape: Shape { nrow, ncol },
            raw_nbyte,
            nplane,
            out_nbyte,
            tally_nbyte,
            around: Around::default(),
            text_nbyte: text_nbyte as u64,
            threads,
            scratch_nbyte,
            mapped: mapped.map(|nbyte| nbyte as u64),
            nfile,
            measure_nbyte,
            packing_nbyte,
            again,
            walks: vec![walk as u64],
            unpacking: Unpacking {
                // A tile is no higher than its image, of which a pixel has an address.
                grid: grid.map(|(height, row)| Grid::new(height.min(1 << 58), row)),
                desk_nbyte: unpacking[0] as u64,
                image_nbyte: unpacking[1] as u64,
                file_nbyte: unpacking[2] as u64,
                file_threads: file_threads.min(threads),
                master_nbyte: unpacking[3] as u64,
            },
        }
    }
}

proptest! {
    #[test]
    fn no_size_is_too_absurd_to_be_planned_or_refused(
        demand in any_demand(), limit in any_size(), place in any::<prop::sample::Index>(),
    ) {
        let limit = ByteSize(limit as u64);
        match demand.plan(limit) {
            Ok(plan) => {
                prop_assert!(plan.resident.0 + plan.reserve.0 <= limit.0);
                prop_assert!(plan.smallest.0 <= limit.0.next_multiple_of(1024));
                let Shape { nrow, ncol } = demand.shape;
                let bands = Bands::new(&plan, &Runs::of(0..demand.shape.npixel()));
                prop_assert_eq!(bands.count(), plan.bands);
                for band in [0, place.index(plan.bands), plan.bands - 1] {
                    let area = bands.area(band);
                    prop_assert!(!area.rows.is_empty() && area.rows.end <= nrow);
                    prop_assert!(!area.cols.is_empty() && area.cols.end <= ncol);
                    prop_assert!(area.npixel() <= plan.capacity());
                }
                prop_assert_eq!(bands.area(0).rows.start, 0);
                prop_assert_eq!(bands.area(plan.bands - 1).rows.end, nrow);
                prop_assert_eq!(bands.area(plan.bands - 1).cols.end, ncol);
                prop_assert!(!plan.to_string().is_empty());
            }
            Err(Error::LimitTooSmall { needed, .. }) => {
                prop_assert!(needed > limit);
                prop_assert!(demand.plan(needed).is_ok());
            }
            Err(error) => prop_assert!(matches!(error, Error::System(_)), "{error}"),
        }
    }

    #[test]
    fn tiles_cover_every_pixel_once_and_stay_within_the_limit(
        nframe in 1_usize..3000, nrow in 1_usize..300, ncol in 1_usize..5000, threads in 1_usize..65,
        mapped: bool, limit in 20_u64..2000, grid in prop::option::of((1_usize..300, any::<usize>())),
    ) {
        let mut demand = demand(nframe, nrow, ncol, threads, mapped);
        demand.unpacking.grid = grid.map(|(height, row)| Grid::new(height, row));
        let limit = ByteSize(limit << 20);
        let Ok(plan) = demand.plan(limit) else { return Ok(()) };
        prop_assert!(plan.resident.0 + plan.reserve.0 <= limit.0);
        let mut seen = vec![0_u8; nrow * ncol];
        let bands = Bands::new(&plan, &Runs::of(0..nrow * ncol));
        prop_assert_eq!(bands.count(), plan.bands);
        for band in 0..plan.bands {
            let area = bands.area(band);
            prop_assert!(area.npixel() <= plan.capacity());
            for row in area.rows {
                for col in area.cols.clone() {
                    seen[row * ncol + col] += 1;
                }
            }
        }
        prop_assert!(seen.iter().all(|times| *times == 1));
    }
}
