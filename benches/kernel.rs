//! Nanoseconds a sample and gigabytes of samples a second of every kernel, over frames and vector widths, on one
//! thread, on strips that stay in L2.
//!
//! ```text
//! cargo bench --bench kernel                         all
//! cargo bench --bench kernel -- --quick sort         a few rounds of the kernels with `sort` in their name
//! cargo bench --bench kernel -- "median f32" AVX2    lines that hold every filter
//! ```
//!
//! To compare two versions, run both on an idle machine and set the `best` columns side by side: `best` is the
//! fastest round, `median` the middle one; where they differ much, the machine was busy.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use ccdstream::kernel::{
    Bounds, Kept, LANES, Row, Sample, Weights, Width, bounds_of_kept, clip_kept, count_present,
    count_rejected, distances_kept, median_distance_kept, median_kept, sort, squares_all,
    squares_between, squares_kept, sum_all, sum_between, sum_kept, weighted_between,
};

/// Blocks of a strip, at least.
const NBLOCK: usize = 4;
/// Samples of a strip, at least: so many that no branch predictor learns them by heart, so few that they stay in L2.
const NSAMPLE: usize = 1 << 16;
const FRAMES: [usize; 7] = [5, 10, 25, 100, 300, 1000, 3000];
/// A normal distribution's standard deviation over its median absolute deviation.
const SIGMA_OF_MAD: f64 = 1.482_602_218_505_602;

/// What is measured, and how long.
struct Bench {
    filters: Vec<String>,
    rounds: usize,
    /// Samples of one round.
    samples: usize,
}

/// One block of samples, sorted and not, with what is kept of it.
struct Block<T> {
    rows: Vec<Row<T>>,
    sorted: Vec<Row<T>>,
    present: Kept,
    clipped: Kept,
    centre: [f64; LANES],
}

fn main() -> io::Result<()> {
    let mut bench = Bench {
        filters: Vec::new(),
        rounds: 25,
        samples: 1_000_000,
    };
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--bench" => {}
            "--quick" => {
                bench.rounds = 15;
                bench.samples = 200_000;
            }
            _ => bench.filters.push(argument),
        }
    }
    writeln!(
        io::stdout(),
        "{:<28} {:>7} {:>8} {:>9} {:>9} {:>7}",
        "kernel",
        "frames",
        "width",
        "best ns",
        "median ns",
        "GB/s"
    )?;
    bench.of_type::<f32>("f32")?;
    bench.of_type::<f64>("f64")
}

impl Bench {
    fn of_type<T: Sample>(&self, name: &str) -> io::Result<()> {
        for nframe in FRAMES {
            let nblock = NBLOCK.max(NSAMPLE / (nframe * LANES));
            let mut blocks: Vec<Block<T>> = (0..nblock).map(|seed| block(nframe, seed)).collect();
            for width in Width::available() {
                self.order(name, nframe, width, &mut blocks)?;
                self.moments(name, nframe, width, &mut blocks)?;
                self.frames(name, nframe, width, &mut blocks)?;
            }
        }
        Ok(())
    }

    /// Kernels of sorted rows.
    fn order<T: Sample>(
        &self,
        name: &str,
        nframe: usize,
        width: Width,
        blocks: &mut [Block<T>],
    ) -> io::Result<()> {
        self.line(&format!("sort {name}"), nframe, width, blocks, |block| {
            sort(width, &block.rows, &mut block.sorted);
        })?;
        self.line(
            &format!("sort+median {name}"),
            nframe,
            width,
            blocks,
            |block| {
                sort(width, &block.rows, &mut block.sorted);
                black_box(median_kept(&block.sorted, &Kept::present(&block.sorted)));
            },
        )?;
        self.line(&format!("mad {name}"), nframe, width, blocks, |block| {
            black_box(median_distance_kept(
                width,
                &block.sorted,
                &block.present,
                &block.centre,
            ));
        })?;
        self.line(
            &format!("mad clipped {name}"),
            nframe,
            width,
            blocks,
            |block| {
                black_box(median_distance_kept(
                    width,
                    &block.sorted,
                    &block.clipped,
                    &block.centre,
                ));
            },
        )?;
        self.line(
            &format!("sigma clip mad {name}"),
            nframe,
            width,
            blocks,
            |block| {
                let kept = sigma_clip(width, block, false);
                black_box(sum_kept(width, &block.sorted, &kept));
            },
        )?;
        self.line(
            &format!("sigma clip std {name}"),
            nframe,
            width,
            blocks,
            |block| {
                let kept = sigma_clip(width, block, true);
                black_box(sum_kept(width, &block.sorted, &kept));
            },
        )
    }

    /// Sums of sorted rows.
    fn moments<T: Sample>(
        &self,
        name: &str,
        nframe: usize,
        width: Width,
        blocks: &mut [Block<T>],
    ) -> io::Result<()> {
        self.line(
            &format!("sum_kept {name}"),
            nframe,
            width,
            blocks,
            |block| {
                black_box(sum_kept(width, &block.sorted, &block.present));
            },
        )?;
        self.line(
            &format!("sum_kept clipped {name}"),
            nframe,
            width,
            blocks,
            |block| {
                black_box(sum_kept(width, &block.sorted, &block.clipped));
            },
        )?;
        self.line(
            &format!("squares_kept {name}"),
            nframe,
            width,
            blocks,
            |block| {
                black_box(squares_kept(
                    width,
                    &block.sorted,
                    &block.clipped,
                    &block.centre,
                ));
            },
        )?;
        self.line(
            &format!("distances_kept {name}"),
            nframe,
            width,
            blocks,
            |block| {
                black_box(distances_kept(
                    width,
                    &block.sorted,
                    &block.clipped,
                    &block.centre,
                ));
            },
        )
    }

    /// Kernels of unsorted rows.
    fn frames<T: Sample>(
        &self,
        name: &str,
        nframe: usize,
        width: Width,
        blocks: &mut [Block<T>],
    ) -> io::Result<()> {
        let weights = vec![1.5; nframe];
        let mut rejected = vec![0; nframe];
        self.line(
            &format!("count_present {name}"),
            nframe,
            width,
            blocks,
            |block| {
                black_box(count_present(width, &block.rows));
            },
        )?;
        self.line(&format!("sum_all {name}"), nframe, width, blocks, |block| {
            black_box(sum_all(width, &block.rows));
        })?;
        self.line(
            &format!("squares_all {name}"),
            nframe,
            width,
            blocks,
            |block| {
                black_box(squares_all(width, &block.rows, &block.centre));
            },
        )?;
        self.line(
            &format!("sum_between {name}"),
            nframe,
            width,
            blocks,
            |block| {
                let bounds = bounds_of_kept(&block.sorted, &block.clipped);
                black_box(sum_between(width, &block.rows, &bounds));
            },
        )?;
        self.line(
            &format!("squares_between {name}"),
            nframe,
            width,
            blocks,
            |block| {
                let bounds = bounds_of_kept(&block.sorted, &block.clipped);
                black_box(squares_between(width, &block.rows, &bounds, &block.centre));
            },
        )?;
        self.line(
            &format!("weighted_between {name}"),
            nframe,
            width,
            blocks,
            |block| {
                let bounds = bounds_of_kept(&block.sorted, &block.clipped);
                let weights = Weights::PerFrame(&weights);
                black_box(weighted_between(width, &block.rows, weights, &bounds));
            },
        )?;
        self.line(
            &format!("count_rejected {name}"),
            nframe,
            width,
            blocks,
            |block| {
                let bounds = bounds_of_kept(&block.sorted, &block.clipped);
                count_rejected(width, &block.rows, &Bounds::all(), &bounds, &mut rejected);
            },
        )
    }

    /// Measures one kernel and prints its line.
    fn line<T: Sample>(
        &self,
        kernel: &str,
        nframe: usize,
        width: Width,
        blocks: &mut [Block<T>],
        mut run: impl FnMut(&mut Block<T>),
    ) -> io::Result<()> {
        let label = format!("{kernel:<28} {nframe:>7} {:>8}", width.to_string());
        if !self
            .filters
            .iter()
            .all(|filter| label.contains(filter.as_str()))
        {
            return Ok(());
        }
        let strip = nframe * LANES * blocks.len();
        let repeats = self.samples.div_ceil(strip);
        let mut nanoseconds: Vec<f64> = (0..=self.rounds)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..repeats {
                    for block in &mut *blocks {
                        run(black_box(block));
                    }
                }
                start.elapsed().as_secs_f64() * 1e9 / (repeats * strip) as f64
            })
            .collect();
        nanoseconds.remove(0);
        nanoseconds.sort_by(f64::total_cmp);
        let best = nanoseconds[0];
        let gigabytes = size_of::<T>() as f64 / best;
        let median = nanoseconds[nanoseconds.len() / 2];
        writeln!(
            io::stdout(),
            "{label} {best:>9.3} {median:>9.3} {gigabytes:>7.1}"
        )
    }
}

/// Sorts, and clips at three deviations until nothing changes.
fn sigma_clip<T: Sample>(width: Width, block: &mut Block<T>, standard: bool) -> Kept {
    sort(width, &block.rows, &mut block.sorted);
    let sorted = &block.sorted;
    let mut kept = Kept::present(sorted);
    let mut open = kept;
    loop {
        let centre = median_kept(sorted, &open);
        let deviation = if standard {
            let count = open.count();
            let mut mean = sum_kept(width, sorted, &open);
            (0..LANES).for_each(|lane| mean[lane] /= f64::from(count[lane]));
            let mut squares = squares_kept(width, sorted, &open, &mean);
            (0..LANES)
                .for_each(|lane| squares[lane] = (squares[lane] / f64::from(count[lane])).sqrt());
            squares
        } else {
            median_distance_kept(width, sorted, &open, &centre).map(|mad| mad * SIGMA_OF_MAD)
        };
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
fn block<T: Sample>(nframe: usize, seed: usize) -> Block<T> {
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
    block.clipped = sigma_clip(Width::widest(), &mut block, false);
    block
}
