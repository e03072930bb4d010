//! Floats that were made whole numbers to be packed, and come back with what was added to them taken away again.
//!
//! Source: CFITSIO, `unquantize_i4r4` and `fits_init_randoms`; FITS standard 4.0, 10.2.

use std::sync::OnceLock;

/// Random numbers of which a dither takes its own.
pub(crate) const NRANDOM: usize = 10_000;

/// How floats were rounded to whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dither {
    /// To the nearest.
    None,
    /// With a random fraction added before.
    Subtractive,
    /// The same, and 0 stayed 0.
    KeepingZero,
}

/// What turns the whole numbers of a tile into floats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quantised {
    /// How they were rounded.
    pub(crate) dither: Dither,
    /// What they are multiplied by.
    pub(crate) scale: f64,
    /// What is added then.
    pub(crate) zero: f64,
    /// The number that means NaN.
    pub(crate) blank: Option<i32>,
    /// Where in the list of random numbers the tile begins, less than 10 000.
    pub(crate) seed: usize,
}

/// Whole numbers on their way to floats, in their order.
#[derive(Debug)]
pub(super) struct Dequantising {
    quantised: Quantised,
    random: &'static [f32],
    seed: usize,
    next: usize,
}

/// What stands for 0 where 0 stays 0.
const ZERO: i32 = -2_147_483_646;

impl Quantised {
    /// Where a tile, by its number from 0, begins in the list of random numbers; `dither` is ZDITHER0, from 1 to 10 000.
    pub(crate) fn seed(tile: u64, dither: u16) -> usize {
        let seed = (tile % NRANDOM as u64) + u64::from(dither) + (NRANDOM as u64 - 1);
        usize::try_from(seed % NRANDOM as u64).expect("less than 10 000")
    }

    /// Bytes of the list of random numbers.
    pub(crate) const RANDOM_NBYTE: usize = NRANDOM * size_of::<f32>();
}

impl Dequantising {
    pub(super) fn new(quantised: &Quantised) -> Self {
        let random = random();
        Self {
            quantised: *quantised,
            random,
            seed: quantised.seed,
            next: begin(random[quantised.seed]),
        }
    }

    /// Hands over the float of each of the next numbers, with its index.
    #[inline(always)]
    pub(super) fn floats(&mut self, numbers: &[i32], mut hand: impl FnMut(usize, f64)) {
        let Quantised {
            dither,
            scale,
            zero,
            blank,
            ..
        } = self.quantised;
        for (at, &number) in numbers.iter().enumerate() {
            let value = if Some(number) == blank {
                f64::NAN
            } else if dither == Dither::None {
                f64::from(number) * scale + zero
            } else if dither == Dither::KeepingZero && number == ZERO {
                0.0
            } else {
                (f64::from(number) - f64::from(self.random[self.next]) + 0.5) * scale + zero
            };
            hand(at, value);
            self.next += 1;
            if self.next == NRANDOM {
                self.seed = (self.seed + 1) % NRANDOM;
                self.next = begin(self.random[self.seed]);
            }
        }
    }
}

/// Where the random numbers of a tile begin, by the one at its seed.
pub(crate) fn begin(random: f32) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to 499"
    )]
    let place = (random * 500.0) as usize;
    place
}

/// Random numbers from 0 to 1, the same everywhere: the generator of Park and Miller (1988).
pub(crate) fn random() -> &'static [f32] {
    static RANDOM: OnceLock<Box<[f32]>> = OnceLock::new();
    RANDOM.get_or_init(|| {
        const FACTOR: u64 = 16_807;
        const MODULUS: u64 = 2_147_483_647;
        let mut seed = 1;
        let next = |_| {
            seed = FACTOR * seed % MODULUS;
            #[expect(clippy::cast_possible_truncation, reason = "as CFITSIO rounds it")]
            let random = (seed as f64 / MODULUS as f64) as f32;
            random
        };
        (0..NRANDOM).map(next).collect()
    })
}
