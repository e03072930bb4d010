//! What was typed about calibration becomes what it means.

use std::ffi::OsString;
use std::path::Path;

use ccdstream::recipe::{
    Calibration, Dark, Flat, FlatNorm, Folder, MaskBits, Overscan, PixelType, Plane, Sky,
};
use ccdstream::{Reduction, Result};

use super::{
    Choices, Machine, choice, frames, given, pixel_type, planes, resources, too_much, unicode,
};
use crate::cli::calibrate::{self, Calibrate};
use crate::cli::calibrating::Calibrating;

/// The keyword of exposure times.
const EXPOSURE_KEY: &str = "EXPTIME";

impl Calibrate {
    /// Returns what was typed as a recipe for this machine.
    ///
    /// # Errors
    ///
    /// [`ccdstream::Error::Choice`] where choices do not go together, and [`ccdstream::Error::Value`] where one does not do.
    pub(crate) fn choices(&self, machine: Machine) -> Result<Choices<Reduction>> {
        let recipe = Reduction {
            frames: frames(&self.names, &self.frames)?,
            calibration: self.calibrating.choices()?,
            stats_section: self.stats_section.clone(),
            folder: folder(&self.folder, self.resources.resume)?,
            resources: resources(&self.resources, machine),
        };
        if self.messages.json && recipe.folder.path.to_str().is_none() {
            return choice(
                "--json cannot tell the name of the output, which is no Unicode text; choose another",
            );
        }
        recipe.check()?;
        let warnings = self.warnings(&recipe, machine);
        Ok(Choices { recipe, warnings })
    }

    /// Choices that are legal, but hardly what was meant.
    fn warnings(&self, recipe: &Reduction, machine: Machine) -> Vec<String> {
        let rest = Calibration {
            redo: false,
            ..recipe.calibration.clone()
        };
        let nothing = rest == Calibration::default() && recipe.frames.bad_pixels.is_none();
        let mut warnings = given([
            (
                nothing,
                "no step of a calibration is asked for: the frames are written as they are",
            ),
            (
                self.stats_section.is_some() && self.calibrating.sky == Sky::None,
                "--stats-section has no effect without --sky",
            ),
        ]);
        warnings.extend(self.calibrating.warnings());
        warnings.extend(too_much(&recipe.resources, machine));
        warnings
    }
}

fn folder(typed: &calibrate::Folder, resume: bool) -> Result<Folder> {
    if typed.path == Path::new("-") {
        return choice("--output -: calibrated frames cannot go to standard output; name a folder");
    }
    let planes = typed.planes.as_deref().map(planes).transpose()?;
    let dtype = pixel_type(&typed.dtype)?;
    let has_floats = dtype.is_none_or(PixelType::is_float)
        || planes
            .as_ref()
            .is_none_or(|planes| planes.contains(&Plane::Uncertainty));
    Ok(Folder {
        path: typed.path.clone(),
        suffix: typed.suffix.clone(),
        overwrite: typed.overwrite,
        planes,
        dtype,
        compression: typed.compression.choices(has_floats)?,
        resume,
    })
}

impl Calibrating {
    /// Returns the steps that were typed.
    ///
    /// # Errors
    ///
    /// [`ccdstream::Error::Choice`] where a flag is there without the one that it belongs to.
    pub(super) fn choices(&self) -> Result<Calibration> {
        let mut flags = self.belongings().into_iter();
        if let Some((flag, _, of, _)) = flags.find(|(_, typed, _, there)| *typed && !there) {
            return choice(format!("{flag} has no effect without {of}"));
        }
        Ok(Calibration {
            overscan: self.overscan.as_ref().map(|place| Overscan {
                place: place.clone(),
                stat: self.overscan_stat.unwrap_or_default(),
                fit: self.overscan_fit.flatten(),
                axis: self.overscan_axis.flatten(),
                clip: self.overscan_clip,
            }),
            trim: self.trim.clone(),
            deviation: self.deviation.then(|| self.negative.unwrap_or_default()),
            gain: self.gain.clone(),
            gain_last: self.gain_last,
            readnoise: self.readnoise.clone(),
            mask_bits: self.mask_bits(),
            bias: master("--bias", self.bias.as_ref())?,
            dark: self.dark()?,
            flat: self.flat()?,
            sky: self.sky,
            below: self.below,
            above: self.above,
            redo: self.redo,
        })
    }

    /// Flags that mean nothing without another: the flag, whether it was typed, the other, whether that was.
    fn belongings(&self) -> [(&'static str, bool, &'static str, bool); 15] {
        let overscan = |flag, typed| (flag, typed, "--overscan", self.overscan.is_some());
        let dark = |flag, typed| (flag, typed, "--dark", self.dark.is_some());
        let flat = |flag, typed| (flag, typed, "--flat", self.flat.is_some());
        [
            overscan("--overscan-stat", self.overscan_stat.is_some()),
            overscan("--overscan-fit", self.overscan_fit.is_some()),
            overscan("--overscan-axis", self.overscan_axis.is_some()),
            overscan("--overscan-clip", self.overscan_clip.is_some()),
            ("--gain-last", self.gain_last, "--gain", self.gain.is_some()),
            (
                "--negative",
                self.negative.is_some(),
                "--deviation",
                self.deviation,
            ),
            (
                "--flip-bits",
                self.flip_bits,
                "--mask-bits",
                self.mask_bits.is_some(),
            ),
            dark("--dark-scale", self.dark_scale),
            dark("--exposure-key", self.exposure_key.is_some()),
            dark("--exposure", self.exposure.is_some()),
            dark("--dark-exposure", self.dark_exposure.is_some()),
            flat("--flat-min", self.flat_min.is_some()),
            flat("--flat-norm", self.flat_norm.is_some()),
            flat("--flat-section", self.flat_section.is_some()),
            flat("--flat-norm-over", self.flat_norm_over.is_some()),
        ]
    }

    /// The bits that are bad; `None` where any is, as if nothing were typed.
    fn mask_bits(&self) -> Option<MaskBits> {
        let typed = self.mask_bits?;
        let bad = if self.flip_bits {
            !typed.bad
        } else {
            typed.bad
        };
        (bad != u64::MAX).then_some(MaskBits { bad })
    }

    fn dark(&self) -> Result<Option<Dark>> {
        let file = master("--dark", self.dark.as_ref())?;
        let key = self.exposure_key.as_deref().unwrap_or(EXPOSURE_KEY);
        Ok(file.map(|file| Dark {
            file,
            scale: self.dark_scale,
            exposure_key: key.into(),
            exposure: self.exposure,
            dark_exposure: self.dark_exposure,
        }))
    }

    fn flat(&self) -> Result<Option<Flat>> {
        let file = master("--flat", self.flat.as_ref())?;
        Ok(file.map(|file| Flat {
            file,
            min: self.flat_min,
            norm: self.flat_norm.unwrap_or_default(),
            section: self.flat_section.clone(),
            shared_norm: self.shares_norm(),
        }))
    }

    fn shares_norm(&self) -> bool {
        self.flat_norm_over.as_deref() == Some("mef")
    }

    /// Choices that are legal, but hardly what was meant.
    pub(super) fn warnings(&self) -> Vec<String> {
        let unscaled = self.dark.is_some() && !self.dark_scale;
        let number = matches!(self.flat_norm, Some(FlatNorm::Value(_)));
        given([
            (
                self.readnoise.is_some() && !self.deviation,
                "--readnoise has no effect without --deviation",
            ),
            (
                unscaled && self.exposure_key.is_some(),
                "--exposure-key has no effect without --dark-scale",
            ),
            (
                unscaled && self.exposure.is_some(),
                "--exposure has no effect without --dark-scale",
            ),
            (
                unscaled && self.dark_exposure.is_some(),
                "--dark-exposure has no effect without --dark-scale",
            ),
            (
                number && self.flat_section.is_some(),
                "--flat-section has no effect: --flat-norm is a number",
            ),
            (
                number && self.shares_norm(),
                "--flat-norm-over has no effect: --flat-norm is a number",
            ),
        ])
    }
}

/// The name of a master as text.
fn master(flag: &'static str, name: Option<&OsString>) -> Result<Option<String>> {
    let name = name.map(|name| unicode(flag, name)).transpose()?;
    Ok(name.map(str::to_owned))
}

#[cfg(test)]
mod tests;
