//! The text of the steps that go by the noise of a detector: `ccd:LOW,HIGH,gain=,rdnoise=,snoise=` and `cr:HIGH,...`.

use std::fmt::{self, Display, Formatter};

use super::{bound, side};
use crate::recipe::{Clip, DetectorNoise, Factors, Quantity};

pub(super) const CCD: &str = "ccd:LOW,HIGH[,gain=G],rdnoise=R[,snoise=0]; rdnoise has to be given, ccd:3 means 3,3, an empty side is no bound, LOW and HIGH are positive; \
                              gain G, read noise R and the sensitivity noise are numbers or the KEYWORDs that hold them";
pub(super) const CR: &str = "cr:HIGH[,gain=G],rdnoise=R[,snoise=0]; rdnoise has to be given, HIGH is positive; \
                             gain G, read noise R and the sensitivity noise are numbers or the KEYWORDs that hold them";

pub(super) fn ccd(text: &str) -> Option<Clip> {
    let (sides, noise) = read(text)?;
    let (low, high) = match *sides {
        [low, high] => (bound(low, f64::INFINITY)?, bound(high, f64::INFINITY)?),
        // One number stands for both, so that it has to be there.
        [both] => [super::finite(both)?; 2].into(),
        _ => return None,
    };
    let factors = Factors { low, high };
    (low > 0.0 && high > 0.0).then_some(Clip::Ccd { factors, noise })
}

pub(super) fn cr(text: &str) -> Option<Clip> {
    let (sides, noise) = read(text)?;
    let [high] = *sides else { return None };
    let high = super::finite(high).filter(|high| *high > 0.0)?;
    Some(Clip::Cr { high, noise })
}

/// What stands before the first option, and the options.
fn read(text: &str) -> Option<(Vec<&str>, DetectorNoise)> {
    let parts: Vec<&str> = text.split(',').collect();
    let nside = parts.iter().take_while(|part| !part.contains('=')).count();
    let (sides, options) = parts.split_at(nside);
    let (mut gain, mut readnoise, mut sensitivity) = (None, None, None);
    for option in options {
        let (name, value) = option.split_once('=')?;
        let quantity: Quantity = value.parse().ok()?;
        let place = match name.trim() {
            "gain" => &mut gain,
            "rdnoise" => &mut readnoise,
            "snoise" => &mut sensitivity,
            _ => return None,
        };
        if place.replace(quantity).is_some() {
            return None;
        }
    }
    let noise = DetectorNoise {
        gain,
        readnoise: readnoise?,
        sensitivity: sensitivity.unwrap_or(Quantity::Number(0.0)),
    };
    noise.is_sound().then(|| (sides.to_vec(), noise))
}

pub(super) fn write(clip: &Clip, f: &mut Formatter<'_>) -> fmt::Result {
    match clip {
        Clip::Ccd { factors, noise } => {
            write!(f, "ccd:{},{}{noise}", side(factors.low), side(factors.high))
        }
        Clip::Cr { high, noise } => write!(f, "cr:{}{noise}", side(*high)),
        _ => Ok(()),
    }
}

impl Display for DetectorNoise {
    /// The options, each behind a comma, those at their defaults left out.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (name, quantity) in self.parts() {
            match quantity {
                Some(Quantity::Number(0.0)) if name == "snoise" => {}
                Some(quantity) => write!(f, ",{name}={quantity}")?,
                None => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Option<String> {
        let clip: Option<Clip> = text.parse().ok();
        clip.map(|clip| clip.to_string())
    }

    #[test]
    fn gain_and_noise_are_numbers_or_keywords() {
        for (text, full) in [
            ("ccd:3,4,gain=1.5,rdnoise=5", "ccd:3,4,gain=1.5,rdnoise=5"),
            ("ccd:3,rdnoise=RDNOISE", "ccd:3,3,rdnoise=RDNOISE"),
            ("ccd:,4,gain=gain,rdnoise=0", "ccd:,4,gain=GAIN,rdnoise=0"),
            (
                "cr: 5 , snoise=0.01, rdnoise=RON ,gain=EGAIN",
                "cr:5,gain=EGAIN,rdnoise=RON,snoise=0.01",
            ),
            ("cr:5,rdnoise=1,snoise=0", "cr:5,rdnoise=1"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(full), "{text}");
        }
    }

    #[test]
    fn what_does_not_read_is_answered_with_the_grammar() {
        for (text, grammar) in [
            ("ccd", CCD),
            ("ccd:3,3", CCD),
            ("ccd:3,3,gain=1", CCD),
            ("ccd:3,3,3,rdnoise=1", CCD),
            ("ccd:0,3,rdnoise=1", CCD),
            ("ccd:,rdnoise=1", CCD),
            ("ccd:rdnoise=1", CCD),
            ("ccd:3,rdnoise=1,rdnoise=2", CCD),
            ("ccd:3,rdnoise=1,noise=2", CCD),
            ("ccd:3,rdnoise=1,3", CCD),
            ("ccd:3,rdnoise=", CCD),
            ("ccd:3,rdnoise=-1", CCD),
            ("ccd:3,gain=0,rdnoise=1", CCD),
            ("ccd:3,gain=inf,rdnoise=1", CCD),
            ("ccd:3,rdnoise=1,snoise=-0.1", CCD),
            ("cr:3,3,rdnoise=1", CR),
            ("cr:,rdnoise=1", CR),
            ("cr:-3,rdnoise=1", CR),
            ("cr:inf,rdnoise=1", CR),
        ] {
            let message = text.parse::<Clip>().err().map(|e| e.to_string());
            let expected = format!("--clip '{text}': expected {grammar}");
            assert_eq!(message, Some(expected));
        }
    }

    fn steps() -> impl Strategy<Value = Clip> {
        let quantity = || {
            prop_oneof![
                (1e-9..1e9_f64).prop_map(Quantity::Number),
                "[A-Z][A-Z0-9_-]{0,7}".prop_map(Quantity::Keyword)
            ]
        };
        let noise = (proptest::option::of(quantity()), quantity(), quantity());
        let noise = noise.prop_map(|(gain, readnoise, sensitivity)| DetectorNoise {
            gain,
            readnoise,
            sensitivity,
        });
        let factor = || prop_oneof![0.1..10.0_f64, Just(f64::INFINITY)];
        (factor(), factor(), noise, any::<bool>()).prop_map(|(low, high, noise, both)| {
            if both || high.is_infinite() {
                let factors = Factors { low, high };
                Clip::Ccd { factors, noise }
            } else {
                Clip::Cr { high, noise }
            }
        })
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same_step(step in steps()) {
            // Words that are numbers, as INF is, are no keywords.
            let keywords = step.noise().into_iter().flat_map(DetectorNoise::parts);
            let odd = keywords.filter_map(|(_, quantity)| quantity).any(|quantity| {
                quantity.to_string().parse::<Quantity>().ok().as_ref() != Some(quantity)
            });
            prop_assert!(odd || step.to_string().parse::<Clip>().ok() == Some(step));
        }
    }
}
