//! Blocks of samples, and clips made of kernels as the stack makes them.

use ccdstream::kernel::{
    Between, Centre, Dropped, Kept, LANES, Reach, Row, Sample, Spread, Width, clip_kept,
    count_present, median_distance_kept, median_kept, sort,
};

/// One block of samples, sorted and not, with what is kept of it.
pub(crate) struct Block<T> {
    pub(crate) rows: Vec<Row<T>>,
    pub(crate) sorted: Vec<Row<T>>,
    pub(crate) present: Kept,
    pub(crate) clipped: Kept,
    pub(crate) centre: [f64; LANES],
}

/// Three deviations on either side.
const REACH: Reach = Reach {
    low: 3.0,
    high: 3.0,
    floor: 0.0,
};
/// A normal distribution's standard deviation over its median absolute deviation.
const SIGMA_OF_MAD: f64 = 1.482_602_218_505_602;

/// Clips at three standard deviations about the median until nothing changes.
pub(crate) fn median_std_clip<T: Sample>(width: Width, block: &mut Block<T>) -> Kept {
    sort(width, &block.rows, &mut block.sorted);
    let sorted = &block.sorted;
    let mut kept = Kept::present(sorted);
    let mut open = kept;
    let mut spread = Spread::of_ranks(width, sorted, &kept);
    while spread.clip_ranks(
        width,
        sorted,
        &mut kept,
        &mut open,
        (Centre::Median, &REACH),
    ) {}
    kept
}

/// The same about the mean.
pub(crate) fn mean_std_clip<T: Sample>(width: Width, rows: &[Row<T>]) -> Between<T> {
    let mut kept = Between::all(count_present(width, rows));
    let mut open = [true; LANES];
    let mut spread = Spread::of_values(width, rows, &kept);
    let mut dropped = Dropped::none();
    while spread.clip_values(width, rows, (&mut kept, &mut dropped), &mut open, &REACH) {}
    kept
}

/// Sorts, and clips at three deviations of the median distance until nothing changes.
pub(crate) fn mad_clip<T: Sample>(width: Width, block: &mut Block<T>) -> Kept {
    sort(width, &block.rows, &mut block.sorted);
    let sorted = &block.sorted;
    let mut kept = Kept::present(sorted);
    let mut open = kept;
    loop {
        let centre = median_kept(sorted, &open);
        let deviation =
            median_distance_kept(width, sorted, &open, &centre).map(|mad| mad * SIGMA_OF_MAD);
        let (mut low, mut high) = (centre, centre);
        for lane in 0..LANES {
            low[lane] -= 3.0 * deviation[lane];
            high[lane] += 3.0 * deviation[lane];
        }
        let before = kept;
        if !clip_kept(sorted, &mut kept, &low, &high) {
            return kept;
        }
        open = kept.where_changed(&before);
    }
}

/// Sky of 1000 ± 20 ADU, whole numbers, one sample in two hundred hit by a cosmic ray; the same on every run.
pub(crate) fn block<T: Sample>(nframe: usize, seed: usize) -> Block<T> {
    let mut state = seed as u64 * 7919 + nframe as u64 + 1;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64
    };
    let mut sample = || {
        let normal = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let hit = if uniform() < 0.005 {
            5000.0 * uniform()
        } else {
            0.0
        };
        T::from_f64((1000.0 + 20.0 * normal + hit).round() * 1.01)
    };
    let rows: Vec<Row<T>> = (0..nframe)
        .map(|_| {
            let mut row = Row([T::ABSENT; LANES]);
            row.0.iter_mut().for_each(|lane| *lane = sample());
            row
        })
        .collect();
    let mut sorted = vec![Row([T::ABSENT; LANES]); nframe];
    sort(Width::widest(), &rows, &mut sorted);
    let present = Kept::present(&sorted);
    let mut block = Block {
        centre: median_kept(&sorted, &present),
        clipped: present,
        present,
        rows,
        sorted,
    };
    block.clipped = mad_clip(Width::widest(), &mut block);
    block
}
