//! Whether the steps of a calibration go together.

use crate::error::{Error, Result};
use crate::recipe::{
    Beyond, Calibration, Compression, Dark, Fit, Flat, FlatNorm, Frames, MaskBits, Overscan, Plane,
    Quantity, Reduction, Then,
};

fn refuse(fault: impl Into<String>) -> Result<()> {
    Err(Error::Choice(fault.into()))
}

impl Reduction {
    /// Checks that the choices go together.
    ///
    /// # Errors
    ///
    /// [`Error::Choice`] naming the flag of the choice that does not.
    pub fn check(&self) -> Result<()> {
        let Self {
            frames,
            calibration,
            folder,
            resources,
            ..
        } = self;
        if resources.threads == 0 {
            return refuse("--threads 0: there must be at least one");
        }
        let suffix = &folder.suffix;
        if suffix.contains(|c: char| c == '/' || c.is_control()) {
            return refuse(format!(
                "--suffix '{}': it becomes part of the name of a file",
                suffix.escape_debug()
            ));
        }
        if let Some(planes) = &folder.planes {
            if !planes.contains(&Plane::Data) {
                return refuse("--planes: data must be among them");
            }
            let written = [Plane::Data, Plane::Mask, Plane::Uncertainty];
            if let Some(plane) = planes.iter().find(|plane| !written.contains(plane)) {
                return refuse(format!(
                    "--planes: a calibrated frame has no {plane}, only data, mask and uncertainty"
                ));
            }
            let asked = planes.contains(&Plane::Uncertainty);
            if asked && frames.uncertainty_hdu.is_none() && !calibration.may_bring_uncertainty() {
                return refuse(
                    "--planes asks for the uncertainty, but --uncertainty-hdu none looks for none, and neither \
                     --deviation nor a master brings one",
                );
            }
        }
        folder.compression.map_or(Ok(()), Compression::check)?;
        calibration.check(frames)
    }
}

impl Calibration {
    /// Whether samples may be given an uncertainty on the way.
    pub(super) fn may_bring_uncertainty(&self) -> bool {
        let master = self.bias.is_some() || self.dark.is_some() || self.flat.is_some();
        self.deviation.is_some() || master
    }

    /// Checks that the steps go together, and with the choice of frames.
    pub(super) fn check(&self, frames: &Frames) -> Result<()> {
        if self.deviation.is_some() && self.readnoise.is_none() {
            return refuse(
                "--deviation needs --readnoise: the read noise in electrons, or its KEYWORD",
            );
        }
        if self.gain_last && self.gain.is_none() {
            return refuse("--gain-last has no effect without --gain");
        }
        if matches!(self.gain, Some(Quantity::Number(gain)) if !(gain > 0.0 && gain.is_finite())) {
            return refuse("--gain: electrons a count are positive");
        }
        if matches!(self.readnoise, Some(Quantity::Number(noise)) if !(noise >= 0.0 && noise.is_finite()))
        {
            return refuse("--readnoise: it is not negative");
        }
        if let Some(bits) = self.mask_bits {
            bits.check(frames)?;
        }
        if matches!(&self.bias, Some(file) if file.trim().is_empty()) {
            return refuse("--bias names no file");
        }
        self.overscan.iter().try_for_each(Overscan::check)?;
        self.dark.iter().try_for_each(Dark::check)?;
        self.flat.iter().try_for_each(Flat::check)?;
        for (flag, beyond) in [("--below", self.below), ("--above", self.above)] {
            if beyond.is_some_and(|beyond| !beyond.is_sound()) {
                return refuse(format!("{flag}: a level and what replaces it are finite"));
            }
        }
        match (self.below, self.above) {
            (Some(below), Some(above)) if below.level > above.level => refuse(format!(
                "--below {below} and --above {above} leave no value between them"
            )),
            _ => Ok(()),
        }
    }
}

impl MaskBits {
    fn check(self, frames: &Frames) -> Result<()> {
        if frames.mask_hdu.is_none() {
            return refuse(
                "--mask-bits needs the masks of the frames, but --mask-hdu none looks for none",
            );
        }
        if self.bad == 0 {
            return refuse(
                "--mask-bits leaves no bit that is bad; --mask-hdu none looks for no masks",
            );
        }
        Ok(())
    }
}

impl Overscan {
    fn check(&self) -> Result<()> {
        if self.fit == Some(Fit::Spline(0)) {
            return refuse("--overscan-fit spline3:0: a spline has at least one piece");
        }
        match self.clip {
            Some(clip) if !(clip.low > 0.0 && clip.high > 0.0 && clip.rounds > 0) => refuse(
                format!("--overscan-clip {clip}: LOW, HIGH and N are positive"),
            ),
            _ => Ok(()),
        }
    }
}

impl Dark {
    fn check(&self) -> Result<()> {
        if self.file.trim().is_empty() {
            return refuse("--dark names no file");
        }
        if self.exposure_key.trim().is_empty() {
            return refuse("--exposure-key names no keyword");
        }
        for (flag, exposure) in [
            ("--exposure", self.exposure),
            ("--dark-exposure", self.dark_exposure),
        ] {
            if let Some(seconds) = exposure
                && !(seconds > 0.0 && seconds.is_finite())
            {
                return refuse(format!("{flag} {seconds}: exposures are positive"));
            }
        }
        Ok(())
    }
}

impl Flat {
    fn check(&self) -> Result<()> {
        if self.file.trim().is_empty() {
            return refuse("--flat names no file");
        }
        if self.min.is_some_and(|min| !min.is_finite()) {
            return refuse("--flat-min: a finite number");
        }
        if matches!(self.norm, FlatNorm::Value(norm) if !(norm > 0.0 && norm.is_finite())) {
            return refuse("--flat-norm: mean, median or a positive number");
        }
        Ok(())
    }
}

impl Beyond {
    fn is_sound(self) -> bool {
        self.level.is_finite() && !matches!(self.then, Then::Value(value) if !value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{OverscanClip, OverscanStat, Place};

    /// Why these steps are refused.
    fn fault(calibration: &Calibration) -> Option<String> {
        let checked = calibration.check(&Frames::new(["f.fits"]));
        checked.err().map(|error| error.to_string())
    }

    fn dark() -> Dark {
        Dark {
            file: "d.fits".into(),
            scale: true,
            exposure_key: "EXPTIME".into(),
            exposure: None,
            dark_exposure: Some(60.0),
        }
    }

    #[test]
    fn a_pipeline_in_rust_is_told_what_makes_no_sense() {
        let none = Calibration::default;
        let clip = OverscanClip {
            low: f64::NAN,
            high: 3.0,
            rounds: 1,
        };
        let overscan = Overscan {
            place: Place::Keyword("BIASSEC".into()),
            stat: OverscanStat::Median,
            fit: None,
            axis: None,
            clip: Some(clip),
        };
        let beyond = |level, value| {
            Some(Beyond {
                level,
                then: Then::Value(value),
            })
        };
        for (calibration, part) in [
            (
                Calibration {
                    gain: Some(Quantity::Number(f64::NAN)),
                    ..none()
                },
                "--gain",
            ),
            (
                Calibration {
                    bias: Some(String::new()),
                    ..none()
                },
                "--bias",
            ),
            (
                Calibration {
                    overscan: Some(overscan),
                    ..none()
                },
                "--overscan-clip",
            ),
            (
                Calibration {
                    dark: Some(Dark {
                        exposure: Some(0.0),
                        ..dark()
                    }),
                    ..none()
                },
                "--exposure 0",
            ),
            (
                Calibration {
                    dark: Some(Dark {
                        exposure_key: " ".into(),
                        ..dark()
                    }),
                    ..none()
                },
                "--exposure-key",
            ),
            (
                Calibration {
                    below: beyond(1.0, f64::INFINITY),
                    ..none()
                },
                "--below",
            ),
            (
                Calibration {
                    below: beyond(2.0, 0.0),
                    above: beyond(1.0, 0.0),
                    ..none()
                },
                "--above 1=0",
            ),
        ] {
            let fault = fault(&calibration).unwrap_or_default();
            assert!(fault.contains(part), "{part}: {fault}");
        }
        assert_eq!(fault(&none()), None);
        let dark = Some(dark());
        assert_eq!(fault(&Calibration { dark, ..none() }), None);
    }
}
