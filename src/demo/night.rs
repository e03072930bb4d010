//! A night at a telescope that never was: a detector with its faults, a field of stars, and what an exposure of them reads.
//!
//! Electrons until the last step, where a sample becomes ADU as a detector reads it out: bias level, gain, rounding, 16 bits.

use super::random::Random;
use crate::shape::Shape;

/// The shape of every frame: 1.2 MiB of uint16.
pub(super) const SHAPE: Shape = Shape {
    nrow: 640,
    ncol: 960,
};
/// Electrons an ADU.
pub(super) const GAIN: f64 = 1.5;
/// Noise of reading a pixel, in electrons.
pub(super) const READ_NOISE: f64 = 5.0;
/// How many pixels have a large dark current.
pub(super) const NHOT: usize = 300;
/// How many stars the field has.
pub(super) const NSTAR: usize = 160;
/// The telescope moves by up to so many pixels between science frames, along each axis.
pub(super) const DITHER: usize = 24;

/// The level that reading out adds, in ADU.
const BIAS: f64 = 1000.0;
/// The light of the sky in a science frame, in electrons, before it drifts.
const SKY: f64 = 1200.0;
/// Standard deviation of the image of a star, in pixels.
const SEEING: f64 = 1.4;
/// The image of a star ends so many pixels from its centre.
const REACH: usize = 8;
/// The faintest light that a cosmic ray leaves in a pixel, in electrons: eight times the noise of a science frame.
const FAINTEST: f64 = 300.0;

/// What an exposure looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Target {
    /// Nothing, for no time.
    Bias,
    /// Nothing, with the shutter closed.
    Dark,
    /// An even light of so many electrons a pixel.
    Flat(f64),
    /// The field of stars, moved by so many rows and columns, under a sky of this brightness (1: the usual).
    Science {
        /// Rows and columns, 0 to [`DITHER`].
        dither: (usize, usize),
        /// The light of the sky against the usual one.
        sky: f64,
    },
}

/// One exposure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exposure {
    /// What it looks at.
    pub target: Target,
    /// Exposure time in seconds.
    pub seconds: f64,
    /// How many cosmic rays hit the detector meanwhile.
    pub nray: usize,
    /// Decides every random number of the exposure.
    pub seed: u64,
}

/// A sample that a cosmic ray hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// The pixel: row · ncol + column.
    pub pixel: usize,
    /// What was read there, in ADU.
    pub adu: u16,
}

/// A star: its place in the field (the detector and a border of [`DITHER`] pixels above and to the right) and its light.
#[derive(Clone, Copy, Debug)]
struct Star {
    row: f64,
    col: f64,
    electrons: f64,
}

/// The detector and the sky.
#[derive(Debug)]
pub(super) struct Night {
    /// Dark current of each pixel, in electrons a second.
    dark: Vec<f32>,
    /// What each pixel makes of the light, about 1.
    response: Vec<f32>,
    /// The level of each column, in ADU.
    bias: Vec<f64>,
    stars: Vec<Star>,
}

impl Night {
    /// The night that this seed decides.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the detector is kept in f32 to save memory"
    )]
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let bias = (0..SHAPE.ncol)
            .map(|_| BIAS + 2.0 * random.normal())
            .collect();
        let mut response = Vec::with_capacity(SHAPE.npixel());
        for row in 0..SHAPE.nrow {
            for col in 0..SHAPE.ncol {
                // Optics lose 15 % of the light at the corners, and pixels differ by 1 %.
                let corner = from_centre(row, SHAPE.nrow).hypot(from_centre(col, SHAPE.ncol));
                response.push((1.0 - 0.075 * corner * corner + 0.01 * random.normal()) as f32);
            }
        }
        let mut dark = vec![0.05; SHAPE.npixel()];
        for _ in 0..NHOT {
            dark[random.index(SHAPE.npixel())] = 10_f64.powf(random.uniform(0.5, 2.0)) as f32;
        }
        let stars = (0..NSTAR)
            .map(|_| Star {
                row: random.uniform(0.0, (SHAPE.nrow + DITHER) as f64),
                col: random.uniform(0.0, (SHAPE.ncol + DITHER) as f64),
                electrons: 10_f64.powf(random.uniform(3.0, 5.5)),
            })
            .collect();
        Self {
            dark,
            response,
            bias,
            stars,
        }
    }

    /// The samples that an exposure reads, in ADU, row after row, and those of them that cosmic rays hit.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 16 bits, as the converter of a camera does"
    )]
    pub(super) fn expose(&self, exposure: &Exposure) -> (Vec<u16>, Vec<Hit>) {
        let mut random = Random::new(exposure.seed);
        let mut electrons = self.light(exposure);
        for sample in &mut electrons {
            // Photons and reading are independent: their variances add.
            let noise = (f64::from(*sample) + READ_NOISE * READ_NOISE).sqrt();
            *sample = (f64::from(*sample) + noise * random.normal()) as f32;
        }
        let mut pixels = Vec::new();
        for _ in 0..exposure.nray {
            strike(&mut electrons, &mut pixels, &mut random);
        }
        let frame: Vec<u16> = electrons
            .chunks_exact(SHAPE.ncol)
            .flat_map(|row| row.iter().zip(&self.bias))
            .map(|(&sample, &bias)| {
                (bias + f64::from(sample) / GAIN)
                    .round()
                    .clamp(0.0, 65535.0) as u16
            })
            .collect();
        pixels.sort_unstable();
        pixels.dedup();
        let hits = pixels
            .into_iter()
            .map(|pixel| Hit {
                pixel,
                adu: frame[pixel],
            })
            .collect();
        (frame, hits)
    }

    /// The electrons that light and dark current leave in each pixel on average.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "f32 holds electrons well below their noise"
    )]
    fn light(&self, exposure: &Exposure) -> Vec<f32> {
        let mut light = match exposure.target {
            Target::Bias | Target::Dark => vec![0.0; SHAPE.npixel()],
            Target::Flat(level) => vec![level as f32; SHAPE.npixel()],
            Target::Science { dither, sky } => {
                let mut light = vec![(SKY * sky) as f32; SHAPE.npixel()];
                for star in &self.stars {
                    star.shine(dither, &mut light);
                }
                light
            }
        };
        let seconds = exposure.seconds as f32;
        for ((light, response), dark) in light.iter_mut().zip(&self.response).zip(&self.dark) {
            *light = *light * response + dark * seconds;
        }
        light
    }
}

impl Star {
    /// Adds the light of the star to `light`, with the telescope moved by so many rows and columns.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a star stands within the field; a negative edge is row or column 0"
    )]
    fn shine(&self, dither: (usize, usize), light: &mut [f32]) {
        let (centre_row, centre_col) = (self.row - dither.0 as f64, self.col - dither.1 as f64);
        let near = |centre: f64, length: usize| {
            let first = (centre - REACH as f64).max(0.0) as usize;
            first..((centre + REACH as f64 + 1.0).max(0.0) as usize).min(length)
        };
        let peak = self.electrons / (std::f64::consts::TAU * SEEING * SEEING);
        for row in near(centre_row, SHAPE.nrow) {
            for col in near(centre_col, SHAPE.ncol) {
                let distance = (row as f64 - centre_row).hypot(col as f64 - centre_col) / SEEING;
                light[row * SHAPE.ncol + col] += (peak * (-0.5 * distance * distance).exp()) as f32;
            }
        }
    }
}

/// Distance from the middle of an axis: 0 there, 1 at its ends.
fn from_centre(at: usize, length: usize) -> f64 {
    (2.0 * at as f64 + 1.0) / length as f64 - 1.0
}

/// Lets a cosmic ray pass: a straight track of 1 to 9 pixels; notes the pixels that it hits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to lie on the detector"
)]
fn strike(electrons: &mut [f32], pixels: &mut Vec<usize>, random: &mut Random) {
    let (mut row, mut col) = (
        random.uniform(0.0, SHAPE.nrow as f64),
        random.uniform(0.0, SHAPE.ncol as f64),
    );
    let (sin, cos) = random.uniform(0.0, std::f64::consts::TAU).sin_cos();
    for _ in 0..=random.index(9) {
        if row < 0.0 || col < 0.0 || row >= SHAPE.nrow as f64 || col >= SHAPE.ncol as f64 {
            return;
        }
        let pixel = row as usize * SHAPE.ncol + col as usize;
        electrons[pixel] += (FAINTEST * 10_f64.powf(random.uniform(0.0, 1.8))) as f32;
        pixels.push(pixel);
        (row, col) = (row + sin, col + cos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCIENCE: Target = Target::Science {
        dither: (3, 5),
        sky: 1.0,
    };

    fn frame(target: Target, nray: usize, seed: u64) -> (Vec<u16>, Vec<Hit>) {
        Night::new(7).expose(&Exposure {
            target,
            seconds: 60.0,
            nray,
            seed,
        })
    }

    fn median(mut samples: Vec<u16>) -> f64 {
        samples.sort_unstable();
        f64::from(samples[samples.len() / 2])
    }

    #[test]
    fn the_same_seed_gives_the_same_frame() {
        assert_eq!(frame(SCIENCE, 60, 1), frame(SCIENCE, 60, 1));
        assert_ne!(frame(SCIENCE, 60, 1).0, frame(SCIENCE, 60, 2).0);
    }

    #[test]
    fn frames_have_the_levels_of_bias_dark_flat_and_sky() {
        let dark_adu = 0.05 * 60.0 / GAIN;
        for (target, adu, tolerance) in [
            (Target::Bias, 1000.0 + dark_adu, 2.0),
            (Target::Dark, 1000.0 + dark_adu, 2.0),
            (Target::Flat(30_000.0), 1000.0 + 20_000.0 * 0.95, 200.0),
            (SCIENCE, 1000.0 + 800.0 * 0.95, 20.0),
        ] {
            let level = median(frame(target, 0, 1).0);
            assert!(
                (level - adu).abs() < tolerance,
                "{target:?}: {level}, not {adu}"
            );
        }
    }

    #[test]
    fn a_cosmic_ray_changes_the_samples_that_are_listed_and_no_others() {
        let (clean, none) = frame(SCIENCE, 0, 1);
        let (hit, hits) = frame(SCIENCE, 60, 1);
        assert_eq!(none, []);
        assert!(hits.len() > 60, "{} hits", hits.len());
        let changed: Vec<usize> = (0..clean.len())
            .filter(|&pixel| clean[pixel] != hit[pixel])
            .collect();
        let listed: Vec<usize> = hits.iter().map(|hit| hit.pixel).collect();
        assert_eq!(changed, listed);
        assert!(
            hits.iter()
                .all(|at| at.adu == hit[at.pixel] && at.adu > clean[at.pixel])
        );
    }

    #[test]
    fn stars_move_with_the_telescope() {
        let night = Night::new(7);
        let light = |dither| {
            let mut light = vec![0.0; SHAPE.npixel()];
            night
                .stars
                .iter()
                .for_each(|star| star.shine(dither, &mut light));
            light
        };
        let (here, there) = (light((0, 0)), light((2, 9)));
        let at = |light: &[f32], row: usize, col: usize| light[row * SHAPE.ncol + col];
        for row in 0..SHAPE.nrow - 2 {
            for col in 0..SHAPE.ncol - 9 {
                let (moved, before) = (at(&there, row, col), at(&here, row + 2, col + 9));
                assert!(
                    (moved - before).abs() < 1e-3 * before.max(1.0),
                    "row {row}, column {col}"
                );
            }
        }
    }
}
