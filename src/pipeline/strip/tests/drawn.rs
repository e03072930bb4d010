//! Drawn stacks of every number of frames from 1 to 3000, every method and chain, in every lane: a few in each test run, as many as
//! wanted in a long one.
//!
//! ```text
//! CCDSTREAM_SAMPLES=1e9 cargo test --release --lib drawn
//! ```
//!
//! The stacks have numbers, and each is the same on every run; a failure tells its number. `CCDSTREAM_FIRST_STACK` begins at another.

use std::io::Write;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{Frames, combine, critical, room};
use crate::kernel::{Sample, Width};
use crate::pixels::Bitpix;
use crate::recipe::{Clip, Factors};
use crate::stack::{StackRoom, Way};

/// The most frames that a stack has.
const LARGEST: u64 = 3000;
/// Samples that an ordinary test run draws.
const FEW: f64 = 3e5;

/// What was compared, in samples drawn, absent ones included.
#[derive(Clone, Copy, Debug, Default)]
struct Compared {
    stacks: u64,
    single: u64,
    double: u64,
    sorted: u64,
    moments: u64,
    /// Of those, samples of pixels that may get some back, which the textbook itself decides.
    nkeep: u64,
}

impl Compared {
    fn samples(&self) -> u64 {
        self.single + self.double
    }
}

impl AddAssign for Compared {
    fn add_assign(&mut self, other: Self) {
        self.stacks += other.stacks;
        self.single += other.single;
        self.double += other.double;
        self.sorted += other.sorted;
        self.moments += other.moments;
        self.nkeep += other.nkeep;
    }
}

#[test]
fn drawn_stacks_give_what_the_textbook_gives_on_every_width() {
    let asked = |name: &str| std::env::var(name).ok()?.parse::<f64>().ok();
    let long = asked("CCDSTREAM_SAMPLES");
    let wanted = long.unwrap_or(FEW);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of stacks"
    )]
    let next = AtomicU64::new(asked("CCDSTREAM_FIRST_STACK").unwrap_or(0.0) as u64);
    let (total, failed) = (Mutex::new(Compared::default()), AtomicBool::new(false));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let failure = Failure(&failed);
                loop {
                    let enough = total.lock().is_ok_and(|t| t.samples() as f64 >= wanted);
                    if enough || failed.load(Ordering::Relaxed) {
                        break;
                    }
                    let compared = check(next.fetch_add(1, Ordering::Relaxed));
                    *total.lock().expect("no other thread failed") += compared;
                }
                std::mem::forget(failure);
            });
        }
    });
    let total = total.into_inner().expect("no thread failed");
    if long.is_some() {
        tell(&total, begun.elapsed().as_secs_f64()).expect("standard error is open");
    }
}

#[test]
fn what_goes_from_between_others_goes_as_in_the_textbook() {
    for number in 0..36 {
        let mut draw = Draw::new(number);
        let nframe = [11, 30, 67, 200][draw.below(4)] + draw.below(9);
        let mut room = drawn_room(number, nframe);
        let reach = [1.2, 1.7, 2.2, 3.0];
        let factors = Factors {
            low: reach[draw.below(4)],
            high: reach[draw.below(4)],
        };
        let behind = room.clip.pop();
        room.clip = std::iter::once(Clip::LinearFit(factors))
            .chain(behind)
            .collect();
        room.critical = critical(&room.clip, nframe);
        room.levels = Arc::new([]);
        room.may_be_absent = true;
        if draw.below(4) > 0 {
            room.nkeep = 0;
        }
        let npixel = 1 + draw.below(60);
        if draw.below(3) > 0 {
            let frames = draw.frames::<f32>(nframe, npixel, false);
            every_width::<f32>(number, &room, &frames);
        } else {
            let frames = draw.frames::<f64>(nframe, npixel, false);
            every_width::<f64>(number, &room, &frames);
        }
    }
}

/// Tells the other threads of a failure, where the one that holds it unwinds.
struct Failure<'a>(&'a AtomicBool);

impl Drop for Failure<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Says what was compared.
fn tell(total: &Compared, seconds: f64) -> std::io::Result<()> {
    let widths: Vec<String> = Width::available().iter().map(Width::to_string).collect();
    let samples = total.samples() as f64;
    let share = |part: u64| 100.0 * part as f64 / samples;
    writeln!(
        std::io::stderr(),
        "\n{samples:.3e} samples drawn, in {} stacks of 1 to {LARGEST} frames; each compared with the textbook on {}: {:.3e} in all. \
         f32 {:.0} %, f64 {:.0} %; sorted {:.0} %, moments {:.0} %; with nkeep {:.0} %. \
         {seconds:.0} s, {:.2} million samples drawn a second",
        total.stacks,
        widths.join(", "),
        samples * widths.len() as f64,
        share(total.single),
        share(total.double),
        share(total.sorted),
        share(total.moments),
        share(total.nkeep),
        samples / seconds / 1e6,
    )
}

/// Draws a stack, and compares every width with the textbook.
fn check(number: u64) -> Compared {
    // Every number of frames comes, in a mixed order; between them smaller ones, which are most of what people have.
    let nframe = if number.is_multiple_of(2) {
        (number / 2 * 1237 + 4) % LARGEST + 1
    } else {
        number / 2 % 130 + 1
    };
    let nframe = usize::try_from(nframe).expect("small");
    let mut draw = Draw::new(number);
    let mut room = drawn_room(number, nframe);
    let whole = draw.below(4) == 0;
    let bounded = matches!(room.clip.first(), Some(Clip::Minmax { .. }));
    room.may_be_absent = !whole || bounded || !room.levels.is_empty() || room.needs_deviation;
    if draw.below(4) > 0 {
        room.nkeep = 0;
    }
    let npixel = 1 + draw.below(if nframe < 150 { 200 } else { 40 });
    let samples = (nframe * npixel) as u64;
    let way = room.way();
    let mut compared = Compared {
        stacks: 1,
        ..Compared::default()
    };
    if draw.below(3) > 0 {
        let frames = draw.frames::<f32>(nframe, npixel, whole);
        every_width::<f32>(number, &room, &frames);
        compared.single = samples;
    } else {
        let frames = draw.frames::<f64>(nframe, npixel, whole);
        every_width::<f64>(number, &room, &frames);
        compared.double = samples;
    }
    match way {
        Way::Sorted => compared.sorted = samples,
        Way::Moments => compared.moments = samples,
        // The textbook against itself shows nothing.
        Way::Page => return Compared::default(),
    }
    if room.nkeep != 0 {
        compared.nkeep = samples;
    }
    compared
}

/// The choices of a stack.
fn drawn_room(number: u64, nframe: usize) -> StackRoom {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let tree = room(Just(nframe)).new_tree(&mut runner);
    tree.expect("nothing is filtered").current()
}

/// Demands the same bits of every width.
fn every_width<T: Sample>(number: u64, room: &StackRoom, frames: &Frames) {
    let page = combine::<T>(room, Way::Page, frames);
    for width in Width::available() {
        let room = StackRoom {
            width,
            ..room.clone()
        };
        let fast = combine::<T>(&room, room.way(), frames);
        if fast == page {
            continue;
        }
        // The payload of a NaN is nobody's business.
        let told = fast.told().into_iter().zip(page.told());
        let different: Vec<_> = told.filter(|(fast, page)| fast != page).take(5).collect();
        assert!(
            different.is_empty(),
            "stack {number}, {width}: {different:#?}\n{room:?}"
        );
    }
}

/// The same numbers on every run (splitmix64).
struct Draw(u64);

impl Draw {
    fn new(number: u64) -> Self {
        let mut draw = Self(number);
        Self(draw.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal, of deviation 1, from one number.
    fn noise(&mut self) -> f64 {
        let bits = self.next();
        let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xFFFF).sum();
        (sum as f64 / 65536.0 - 2.0) * 1.7
    }

    /// Frames in which every pixel is of a kind of its own; `whole` where no sample is absent.
    fn frames<T: Sample>(&mut self, nframe: usize, npixel: usize, whole: bool) -> Frames {
        let pixels: Vec<(usize, f64)> = (0..npixel)
            .map(|_| {
                let kind = self.below(if nframe < 100 { 11 } else { 10 });
                let absent = [0.0, 0.0, 0.0, 0.02, 0.5, 1.0][self.below(6)];
                (kind, if whole { 0.0 } else { absent })
            })
            .collect();
        let wide = size_of::<T>() == 8;
        let put = |bytes: &mut Vec<u8>, number: f64| {
            if wide {
                bytes.extend(number.to_be_bytes());
            } else {
                #[expect(clippy::cast_possible_truncation, reason = "the loss is asked for")]
                bytes.extend((number as f32).to_be_bytes());
            }
        };
        let (mut images, mut deviations) = (Vec::new(), Vec::new());
        for frame in 0..nframe {
            for (kind, absent) in &pixels {
                let sample = if *absent > 0.0 && self.uniform() < *absent {
                    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][self.below(3)]
                } else {
                    self.sample::<T>(*kind, frame, nframe)
                };
                put(&mut images, sample);
                let deviation = [0.5 + self.uniform(), 0.0, f64::NAN];
                put(
                    &mut deviations,
                    deviation[self.below(40).saturating_sub(37)],
                );
            }
        }
        Frames {
            bitpix: if wide { Bitpix::F64 } else { Bitpix::F32 },
            npixel,
            images,
            deviations,
        }
    }

    /// A finite sample of one of eleven kinds.
    fn sample<T: Sample>(&mut self, kind: usize, frame: usize, nframe: usize) -> f64 {
        let noise = self.noise();
        let largest = T::MAX.to_f64();
        match kind {
            // Bias frames in whole numbers, and such as hardly ever differ.
            0 => (100.0 + 3.0 * noise).round(),
            1 => 100.0 + f64::from(u8::from(self.below(10) == 0)),
            2 => 100.0 + 5.0 * noise,
            // Cosmic rays, and every second sample an outlier.
            3 => {
                100.0
                    + 5.0 * noise
                    + if self.below(50) == 0 {
                        1e4 * self.uniform()
                    } else {
                        0.0
                    }
            }
            4 => 100.0 + noise + 900.0 * (frame % 2) as f64,
            5 => [-1.0, -0.0, 0.0, 1.0][self.below(4)],
            // Denormals, of the sample type.
            6 => noise * if largest > 1e300 { 1e-310 } else { 1e-40 },
            7 => 7.25,
            // One sample beyond all others, and numbers far larger than their scatter.
            8 => {
                100.0
                    + noise
                    + if frame == nframe / 3 {
                        largest / 4.0
                    } else {
                        0.0
                    }
            }
            9 => 16_000_000.0 + (2.0 * noise).round(),
            // Of every size.
            _ => (noise * largest.powf(2.0 * self.uniform() - 1.0)).clamp(-largest, largest),
        }
    }
}
