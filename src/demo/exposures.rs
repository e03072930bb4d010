//! The frames of the demo's night: which there are, what each is called, and what its header says.

use super::night::{DITHER, Exposure, GAIN, READ_NOISE, Target};
use super::random::Random;
use crate::header::Card;

/// How many frames of each kind there are.
pub(super) const NBIAS: usize = 10;
pub(super) const NDARK: usize = 8;
pub(super) const NFLAT: usize = 8;
pub(super) const NSCIENCE: usize = 24;

/// How many cosmic rays hit the detector in a minute.
const RAYS_A_MINUTE: usize = 60;
/// Exposure time of darks and science frames, in seconds.
const MINUTE: f64 = 60.0;
/// The light of the first flat, in electrons.
const BRIGHTEST: f64 = 45_000.0;
/// Every random number of the demo comes from this.
pub(super) const SEED: u64 = 2_026;

/// A frame that is to be made.
#[derive(Debug)]
pub(super) struct Planned {
    /// The folder that it goes to, and its IMAGETYP.
    pub kind: &'static str,
    /// Its name in that folder.
    pub file: String,
    /// How it is exposed.
    pub exposure: Exposure,
    /// What its header says besides shape and type.
    pub cards: Vec<Card>,
}

/// All frames of the night, in the order in which they are taken.
pub(super) fn exposures() -> Vec<Planned> {
    let mut random = Random::new(SEED);
    let bias = (0..NBIAS).map(|_| ("bias", Target::Bias, 0.0, 0));
    let dark = (0..NDARK).map(|_| ("dark", Target::Dark, MINUTE, RAYS_A_MINUTE));
    // The evening sky fades between flats.
    let flat = (0..NFLAT).scan(BRIGHTEST, |light, _| {
        let now = *light;
        *light *= 0.85;
        Some(("flat", Target::Flat(now), 2.0, 0))
    });
    let science = (0..NSCIENCE).map(|n| {
        // Five by five places, each missed by a little: no two frames stand close to each other.
        let place = |n: usize, miss: usize| n * (DITHER / 5 + 1) + miss;
        let dither = (place(n / 5, random.index(3)), place(n % 5, random.index(3)));
        let sky = random.uniform(0.9, 1.1);
        (
            "science",
            Target::Science { dither, sky },
            MINUTE,
            RAYS_A_MINUTE,
        )
    });
    let mut planned = Vec::new();
    for (kind, target, seconds, nray) in bias.chain(dark).chain(flat).chain(science) {
        let number = 1 + planned
            .iter()
            .filter(|frame: &&Planned| frame.kind == kind)
            .count();
        let taken = planned.len();
        let seed = SEED + 1 + taken as u64;
        planned.push(Planned {
            kind,
            file: format!("{kind}_{number:02}.fits"),
            exposure: Exposure {
                target,
                seconds,
                nray,
                seed,
            },
            cards: cards(kind, target, seconds, taken),
        });
    }
    planned
}

/// The cards of the frame that is taken as number `taken` of the night, counted from 0.
fn cards(kind: &str, target: Target, seconds: f64, taken: usize) -> Vec<Card> {
    // A frame every 90 seconds, from 18:00 on: the night ends before 20:00.
    let start = 18 * 3600 + 90 * taken;
    let date = format!(
        "2026-01-15T{:02}:{:02}:{:02}",
        start / 3600,
        start / 60 % 60,
        start % 60
    );
    let object = if kind == "science" {
        "Demo field"
    } else {
        kind
    };
    let text = Card::string;
    let number = |keyword, value, comment| vec![Card::float(keyword, value, comment)];
    let mut cards = vec![
        text("OBJECT", object, "what the telescope looked at"),
        text("IMAGETYP", kind, "kind of frame"),
        number("EXPTIME", seconds, "[s] exposure time"),
        text("DATE-OBS", &date, "start of the exposure, UTC"),
        text(
            "INSTRUME",
            "ccdstream demo",
            "made by a program, not by a camera",
        ),
        text("BUNIT", "adu", "unit of the samples"),
        number("GAIN", GAIN, "[electron/adu]"),
        number("RDNOISE", READ_NOISE, "[electron] noise of reading a pixel"),
    ];
    if let Target::Science { dither, .. } = target {
        cards.push(number(
            "DITHCOL",
            dither.1 as f64,
            "[pixel] moved by so many columns",
        ));
        cards.push(number(
            "DITHROW",
            dither.0 as f64,
            "[pixel] and by so many rows",
        ));
    }
    cards.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_has_a_name_and_a_seed_of_its_own() {
        let frames = exposures();
        assert_eq!(frames.len(), NBIAS + NDARK + NFLAT + NSCIENCE);
        for (n, frame) in frames.iter().enumerate() {
            for other in &frames[..n] {
                assert_ne!(frame.file, other.file);
                assert_ne!(frame.exposure.seed, other.exposure.seed);
            }
        }
    }

    #[test]
    fn science_frames_are_dithered_so_that_no_pixel_sees_a_star_often() {
        let dithers: Vec<_> = exposures()
            .iter()
            .filter_map(|frame| match frame.exposure.target {
                Target::Science { dither, .. } => Some(dither),
                _ => None,
            })
            .collect();
        for at in &dithers {
            let near =
                |other: &&(usize, usize)| at.0.abs_diff(other.0).max(at.1.abs_diff(other.1)) <= 4;
            let neighbours = dithers.iter().filter(near).count();
            assert!(
                neighbours <= NSCIENCE / 4,
                "{neighbours} of {NSCIENCE} frames near {at:?}"
            );
        }
    }
}
