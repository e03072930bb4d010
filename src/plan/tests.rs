//! The budget adds up, and tiles cover every pixel.

use proptest::prelude::*;

use super::*;

fn demand(nframe: usize, nrow: usize, ncol: usize, threads: usize, mapped: bool) -> Demand {
    let pixels = (nframe * nrow * ncol * 2) as u64;
    Demand {
        process: 4 << 20,
        nframe,
        shape: Shape { nrow, ncol },
        raw_nbyte: 2 * nframe,
        nplane: nframe,
        out_nbyte: 9,
        text_nbyte: 100 * nframe as u64,
        threads,
        scratch_nbyte: 64 * nframe * 4,
        mapped: mapped.then_some(pixels),
        nfile: nframe,
        measure_nbyte: Some(1 << 20),
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

proptest! {
    #[test]
    fn tiles_cover_every_pixel_once_and_stay_within_the_limit(
        nframe in 1_usize..3000, nrow in 1_usize..300, ncol in 1_usize..5000, threads in 1_usize..65,
        mapped: bool, limit in 20_u64..2000,
    ) {
        let demand = demand(nframe, nrow, ncol, threads, mapped);
        let limit = ByteSize(limit << 20);
        let Ok(plan) = demand.plan(limit) else { return Ok(()) };
        prop_assert!(plan.resident.0 + plan.reserve.0 <= limit.0);
        let mut seen = vec![0_u8; nrow * ncol];
        for band in 0..plan.bands {
            let area = plan.area(band);
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
