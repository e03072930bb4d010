//! Scale and zero of a frame, and the one formula that uses them.

use crate::error::{Error, Result};
use crate::recipe::{Level, LevelTo};

/// What scaling does to the samples of a frame: y = x·a + b.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FrameLevel {
    /// scale_to / scale.
    pub(crate) a: f64,
    /// zero_to − zero·a.
    pub(crate) b: f64,
}

impl FrameLevel {
    /// Leaves samples as they are.
    pub(crate) const UNITY: Self = Self { a: 1.0, b: 0.0 };

    /// y = (x − zero)/scale·scale_to + zero_to.
    pub(crate) fn new(zero: f64, scale: f64, zero_to: f64, scale_to: f64) -> Self {
        let a = scale_to / scale;
        Self {
            a,
            b: zero_to - zero * a,
        }
    }

    /// The scaled sample, in f64: one multiplication, one addition.
    #[inline(always)]
    pub(crate) fn apply(self, x: f64) -> f64 {
        x * self.a + self.b
    }
}

/// What scales (or zeros) are brought back to; `unity` is 1 for scales and 0 for zeros.
pub(crate) fn target(to: LevelTo, levels: &[f64], unity: f64) -> f64 {
    match to {
        LevelTo::Unity => unity,
        LevelTo::First => levels[0],
        LevelTo::Mean => levels.iter().sum::<f64>() / levels.len() as f64,
        LevelTo::Value(value) => value,
    }
}

/// The keyword that a level comes from, where it does.
fn keyword(from: &Level) -> String {
    match from {
        Level::Keyword(keyword) => format!(" ({keyword})"),
        _ => String::new(),
    }
}

/// Checks the scale of a frame.
///
/// # Errors
///
/// [`Error::Frame`] unless it is positive and finite.
pub(crate) fn check_scale(frame: &str, from: &Level, scale: f64) -> Result<()> {
    if scale > 0.0 && scale.is_finite() {
        return Ok(());
    }
    Err(Error::frame(
        frame,
        format!(
            "its scale{} is {scale}, not a positive number; choose another --scale or --stats-section, or leave it out",
            keyword(from)
        ),
    ))
}

/// Checks the zero of a frame.
///
/// # Errors
///
/// [`Error::Frame`] unless it is finite.
pub(crate) fn check_zero(frame: &str, from: &Level, zero: f64) -> Result<()> {
    if zero.is_finite() {
        return Ok(());
    }
    Err(Error::frame(
        frame,
        format!(
            "its zero{} is {zero}, not a number; choose another --zero or --stats-section, or leave it out",
            keyword(from)
        ),
    ))
}

/// The weight of a frame whose samples have this noise.
///
/// # Errors
///
/// [`Error::Frame`] where there is no such number.
pub(crate) fn noise_weight(frame: &str, noise: f64) -> Result<f64> {
    let weight = 1.0 / (noise * noise);
    if weight > 0.0 && weight.is_finite() {
        return Ok(weight);
    }
    let fault = if noise == 0.0 {
        "its noise measures 0: its samples are all alike, or no row of the section has five that are present".into()
    } else {
        format!("its noise is {noise}, of which --weight noise can make no weight")
    };
    Err(Error::frame(
        frame,
        format!("{fault}; choose another --weight or --stats-section, or leave the frame out"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_loses_its_zero_and_is_brought_to_the_common_scale() {
        let level = FrameLevel::new(100.0, 2.0, 7.0, 4.0);
        assert_eq!(level.apply(110.0).to_bits(), 27.0_f64.to_bits());
        assert_eq!(FrameLevel::new(0.0, 1.0, 0.0, 1.0), FrameLevel::UNITY);
    }

    #[test]
    fn levels_come_back_to_what_was_asked() {
        let target = |to| target(to, &[2.0, 4.0], 1.0).to_bits();
        assert_eq!(target(LevelTo::Unity), 1.0_f64.to_bits());
        assert_eq!(target(LevelTo::First), 2.0_f64.to_bits());
        assert_eq!(target(LevelTo::Mean), 3.0_f64.to_bits());
        assert_eq!(target(LevelTo::Value(9.0)), 9.0_f64.to_bits());
    }

    #[test]
    fn a_frame_counts_by_its_noise_and_one_without_is_refused() {
        assert_eq!(noise_weight("f", 0.5).ok(), Some(4.0));
        for noise in [0.0, f64::NAN, f64::INFINITY, 1e-200, 1e200] {
            assert!(noise_weight("f", noise).is_err(), "{noise}");
        }
    }

    #[test]
    fn a_scale_is_positive_and_a_zero_is_a_number() {
        assert!(
            check_scale("f", &Level::Mean, 0.5).is_ok()
                && check_zero("f", &Level::Mean, -3.0).is_ok()
        );
        for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(check_scale("f", &Level::Mean, scale).is_err(), "{scale}");
        }
        assert!(check_zero("f", &Level::Mean, f64::NAN).is_err());
    }
}
