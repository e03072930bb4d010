//! Floats that become whole numbers, in steps of a part of their noise, with a random fraction added so that the steps leave no trace.
//!
//! Source: CFITSIO, `fits_quantize_double`; FITS standard 4.0, 10.2.

use super::noise::noise;
use crate::packed::{NRANDOM, begin, random};
use crate::recipe::PixelType;

/// ZDITHER0: where in the list of random numbers the first tile begins. Always the same, so that the same pixels become the same bytes.
pub(crate) const SEED: i64 = 1;

/// ZBLANK: the number that means NaN.
pub(crate) const BLANK: i32 = -2_147_483_647;

/// Numbers next to it that are not used, for they mean other things.
const RESERVED: f64 = 10.0;

/// Room for the floats of a tile.
#[derive(Debug, Default)]
pub(super) struct Quantiser {
    values: Vec<f64>,
    present: Vec<f64>,
    differences: Vec<f64>,
}

/// The floats of a tile.
#[derive(Debug)]
pub(super) struct Floats<'q>(&'q mut Quantiser);

impl Quantiser {
    /// Bytes a pixel.
    pub(super) const PIXEL: usize = 3 * size_of::<f64>();

    /// Takes in the stored pixels of a tile.
    pub(super) fn load(&mut self, dtype: PixelType, stored: &[u8]) -> Floats<'_> {
        self.values.clear();
        if dtype == PixelType::F64 {
            let (pixels, _) = stored.as_chunks();
            let values = pixels.iter().map(|&pixel| f64::from_be_bytes(pixel));
            self.values.extend(values);
        } else {
            let (pixels, _) = stored.as_chunks();
            let values = pixels
                .iter()
                .map(|&pixel| f64::from(f32::from_be_bytes(pixel)));
            self.values.extend(values);
        }
        let present = self.values.iter().filter(|value| !value.is_nan());
        self.present.clear();
        self.present.extend(present);
        Floats(self)
    }
}

impl Floats<'_> {
    /// Makes them whole numbers, in steps of their noise over `level`; returns scale and zero. `None` where they have no noise, or would
    /// need larger numbers than there are: infinite ones too.
    pub(super) fn quantise(
        self,
        tile: usize,
        level: f64,
        numbers: &mut Vec<i32>,
    ) -> Option<(f64, f64)> {
        let Quantiser {
            values,
            present,
            differences,
        } = self.0;
        if values.len() <= 1 {
            return None;
        }
        let (least, most, noise) = if present.is_empty() {
            (0.0, 1.0, 1.0)
        } else {
            let least = present.iter().copied().fold(f64::INFINITY, f64::min);
            let most = present.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (least, most, noise(present, differences))
        };
        let scale = noise / level;
        let nstep = (most - least) / scale;
        if !(scale > 0.0 && nstep <= 2.0 * f64::from(i32::MAX) - RESERVED) {
            return None;
        }
        let zero = if present.len() < values.len() {
            // The numbers begin just above the one that means NaN.
            least - scale * (f64::from(BLANK) + RESERVED)
        } else if nstep < f64::from(i32::MAX) - RESERVED {
            // A whole number of steps, so that what was unpacked is packed again in the same steps.
            let whole = (least / scale).round();
            if whole.abs() < 1e15 {
                whole * scale
            } else {
                least
            }
        } else {
            f64::midpoint(least, most)
        };
        let mut dither = Dither::new(tile);
        numbers.clear();
        numbers.extend(values.iter().map(|value| {
            let fraction = dither.next();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "checked by the range above"
            )]
            let number = ((value - zero) / scale + fraction - 0.5).round() as i32;
            if value.is_nan() { BLANK } else { number }
        }));
        Some((scale, zero))
    }
}

/// The random fractions of a tile.
struct Dither {
    random: &'static [f32],
    seed: usize,
    next: usize,
}

impl Dither {
    /// Those of a tile, by its number from 0.
    fn new(tile: usize) -> Self {
        let (random, seed) = (random(), tile % NRANDOM);
        Self {
            random,
            seed,
            next: begin(random[seed]),
        }
    }

    /// The fraction of the next pixel.
    fn next(&mut self) -> f64 {
        let fraction = f64::from(self.random[self.next]);
        self.next += 1;
        if self.next == NRANDOM {
            self.seed = (self.seed + 1) % NRANDOM;
            self.next = begin(self.random[self.seed]);
        }
        fraction
    }
}
