//! The noise of a detector, from which `ccd` and `cr` take the deviation of each frame.

use super::{Calibration, Quantity};

/// What the noise of a sample is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorNoise {
    /// Electrons per unit of the samples that are clipped, before they are scaled; above 0. `None`: 1 where the calibration makes electrons of
    /// the counts; without that it has to be told.
    pub gain: Option<Quantity>,
    /// Read noise in electrons; not below 0.
    pub readnoise: Quantity,
    /// Noise that goes with the signal, as a part of it; not below 0.
    pub sensitivity: Quantity,
}

impl DetectorNoise {
    /// Fills in what calibrated samples bring with them.
    pub(crate) fn settled(&self, calibration: &Calibration) -> Self {
        let electrons = calibration.gain.as_ref().map(|_| Quantity::Number(1.0));
        Self {
            gain: self.gain.clone().or(electrons),
            ..self.clone()
        }
    }

    /// Whether what is a number can be what it stands for; keywords are looked up later.
    pub(crate) fn is_sound(&self) -> bool {
        let holds = |quantity: &Quantity, rule: fn(f64) -> bool| match quantity {
            Quantity::Number(number) => number.is_finite() && rule(*number),
            Quantity::Keyword(_) => true,
        };
        self.gain.iter().all(|gain| holds(gain, |gain| gain > 0.0))
            && [&self.readnoise, &self.sensitivity]
                .into_iter()
                .all(|noise| holds(noise, |noise| noise >= 0.0))
    }

    /// What it is made of, as it is typed: gain, read noise, sensitivity noise.
    pub(crate) fn parts(&self) -> [(&'static str, Option<&Quantity>); 3] {
        [
            ("gain", self.gain.as_ref()),
            ("rdnoise", Some(&self.readnoise)),
            ("snoise", Some(&self.sensitivity)),
        ]
    }
}
