//! Nanoseconds a sample and gigabytes of samples a second of every kernel, over frames and vector widths, on one
//! thread, on strips that stay in L2; and of the whole way of a strip, from the stored bytes of the frames to values.
//!
//! ```text
//! cargo bench --bench kernel                         all
//! cargo bench --bench kernel -- --quick sort         a few rounds of the kernels with `sort` in their name
//! cargo bench --bench kernel -- "median f32" AVX2    lines that hold every filter
//! cargo bench --bench kernel -- decode AVX-512       the whole way of a strip, and its floor
//! ```
//!
//! Lines that begin with `decode` take frames as files have them, uint16 (`u16`, samples in f32) or doubles (`f64`, samples in f64), through
//! the program's own code; `decode` alone, at the end of its frames and width, goes no further than samples: the floor of those above.
//! Gigabytes are of samples, and in these lines of stored bytes.
//!
//! To compare two versions, run both on an idle machine and set the `best` columns side by side: `best` is the
//! fastest round, `median` the middle one; where they differ much, the machine was busy.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use ccdstream::kernel::{
    Bounds, Kept, LANES, Sample, Spread, Weights, Width, bounds_of_kept, count_present,
    count_rejected, distances_kept, median_distance_kept, median_kept, sort, squares_all,
    squares_between, squares_kept, sum_all, sum_between, sum_kept, weighted_between,
};

#[path = "kernel/block.rs"]
mod block;
#[path = "kernel/decoded.rs"]
mod decoded;

use block::{Block, block, mad_clip, mean_std_clip, median_std_clip};

/// Blocks of a strip, at least.
const NBLOCK: usize = 4;
/// Samples of a strip, at least: so many that no branch predictor learns them by heart, so few that they stay in L2.
const NSAMPLE: usize = 1 << 16;
const FRAMES: [usize; 7] = [5, 10, 25, 100, 300, 1000, 3000];

/// What is measured, and how long.
struct Bench {
    filters: Vec<String>,
    rounds: usize,
    /// Samples of one round.
    samples: usize,
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
    bench.of_type::<f64>("f64")?;
    bench.decoded()
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
                let kept = mad_clip(width, block);
                black_box(sum_kept(width, &block.sorted, &kept));
            },
        )?;
        self.line(
            &format!("sigma clip std {name}"),
            nframe,
            width,
            blocks,
            |block| {
                let kept = median_std_clip(width, block);
                black_box(sum_kept(width, &block.sorted, &kept));
            },
        )?;
        self.line(
            &format!("mean clip std {name}"),
            nframe,
            width,
            blocks,
            |block| {
                let kept = mean_std_clip(width, &block.rows);
                black_box(sum_between(width, &block.rows, &kept.bounds));
            },
        )?;
        self.line(&format!("spread {name}"), nframe, width, blocks, |block| {
            black_box(Spread::of_ranks(width, &block.sorted, &block.present));
        })
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
        let Some(label) = self.label(kernel, nframe, width) else {
            return Ok(());
        };
        let nsample = nframe * LANES * blocks.len();
        self.timed(&label, nsample, size_of::<T>(), || {
            for block in &mut *blocks {
                run(black_box(block));
            }
        })
    }

    /// How a line begins, if it is asked for.
    fn label(&self, kernel: &str, nframe: usize, width: Width) -> Option<String> {
        let label = format!("{kernel:<28} {nframe:>7} {:>8}", width.to_string());
        let asked = |filter: &String| label.contains(filter.as_str());
        self.filters.iter().all(asked).then_some(label)
    }

    /// Measures what takes `nsample` samples of `nbyte` bytes, and prints its line.
    fn timed(
        &self,
        label: &str,
        nsample: usize,
        nbyte: usize,
        mut run: impl FnMut(),
    ) -> io::Result<()> {
        let repeats = self.samples.div_ceil(nsample);
        let mut nanoseconds: Vec<f64> = (0..=self.rounds)
            .map(|_| {
                let start = Instant::now();
                (0..repeats).for_each(|_| run());
                start.elapsed().as_secs_f64() * 1e9 / (repeats * nsample) as f64
            })
            .collect();
        // The first round warms the caches.
        nanoseconds.remove(0);
        nanoseconds.sort_by(f64::total_cmp);
        let best = nanoseconds[0];
        let gigabytes = nbyte as f64 / best;
        let median = nanoseconds[nanoseconds.len() / 2];
        writeln!(
            io::stdout(),
            "{label} {best:>9.3} {median:>9.3} {gigabytes:>7.1}"
        )
    }
}
