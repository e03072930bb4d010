//! What is told of the steps in headers: from the choices, what headers said, and what was measured.

use std::path::Path;

use crate::calibrate::{FrameSteps, OverscanLevels};
use crate::error::Result;
use crate::recipe::{Calibration, Sky};
use crate::shape::Section;
use crate::sink::{
    DarkFacts, DarkScale, DeviationFacts, Fact, FlatFacts, GainFacts, Limits, MaskFacts,
    MasterName, OverscanFacts, SkyFacts, StepCards, TrimFacts,
};
use crate::source::{Frame, Master, Masters, datasum};
use crate::steps::{Done, Step};

/// The facts that all frames of a run share.
#[derive(Clone, Debug)]
pub(in crate::pipeline) struct Facts {
    bias: Option<MasterName>,
    dark: Option<MasterName>,
    flat: Option<MasterName>,
    mask: Option<MaskFacts>,
    norm: f64,
    sky_section: Option<Section>,
}

impl Facts {
    /// Names the masters, whose sums are made where their headers have none.
    pub(in crate::pipeline) fn new(
        calibration: &Calibration,
        masters: &Masters,
        bad_pixels: Option<&Path>,
        sky_section: Option<&Section>,
        norm: f64,
    ) -> Result<Self> {
        let name = |master: &Option<Master>| match master {
            None => Ok(None),
            Some(master) => named(master).map(Some),
        };
        let masked = bad_pixels.is_some() || calibration.mask_bits.is_some();
        Ok(Self {
            bias: name(&masters.bias)?,
            dark: name(&masters.dark)?,
            flat: name(&masters.flat)?,
            mask: masked.then(|| MaskFacts {
                bad_pixels: bad_pixels.map(|path| MasterName::new(path, "", None)),
                bits: calibration.mask_bits,
            }),
            norm,
            sky_section: sky_section.cloned(),
        })
    }
}

/// A master as headers name it.
fn named(master: &Master) -> Result<MasterName> {
    let sum = datasum(master)?;
    // What was typed may name an HDU behind the name of the file.
    let file = master.path.to_string_lossy();
    let hdu = master.name.strip_prefix(&*file).unwrap_or("");
    Ok(MasterName::new(&master.path, hdu, Some(&sum)))
}

/// What is told of the steps of one frame; `limits` only where they are met on the frame itself.
pub(in crate::pipeline) fn step_cards(
    calibration: &Calibration,
    masters: &Masters,
    facts: &Facts,
    frame: &Frame,
    steps: &FrameSteps,
    limits: bool,
) -> StepCards {
    let Some(raw) = &frame.raw else {
        return StepCards {
            mask: facts.mask.clone(),
            ..StepCards::default()
        };
    };
    let levels = steps.overscan.as_ref().map(|levels| match levels {
        OverscanLevels::Rows(levels) | OverscanLevels::Columns(levels) => mean(levels),
    });
    let overscan = calibration.overscan.as_ref().zip(raw.overscan.clone());
    let scale = steps.dark.zip(raw.exposure).and_then(|(k, exposure)| {
        let scaled = calibration.dark.as_ref().is_some_and(|dark| dark.scale);
        let own = masters.dark.as_ref().and_then(|dark| dark.exposure)?;
        scaled.then(|| DarkScale {
            k: Fact::new(k),
            exposure: Fact::new(exposure),
            dark_exposure: own,
        })
    });
    let limited = calibration.below.is_some() || calibration.above.is_some();
    let mut cards = StepCards {
        overscan: overscan
            .zip(levels)
            .map(|((overscan, section), level)| OverscanFacts {
                section: Fact::new(section),
                stat: overscan.stat,
                fit: overscan.fit,
                clip: overscan.clip,
                level: Fact::new(level),
            }),
        trim: calibration
            .trim
            .as_ref()
            .filter(|_| !raw.done.trim)
            .map(|_| TrimFacts::new(raw.trim.clone(), raw.untrimmed.shape)),
        deviation: steps.deviation.map(|noise| DeviationFacts {
            gain: Fact::new(noise.gain),
            readnoise: Fact::new(noise.readnoise),
            negative: noise.negative,
        }),
        mask: facts.mask.clone(),
        gain: steps.gain.map(|gain| GainFacts {
            gain: Fact::new(gain),
            last: steps.gain_last,
        }),
        bias: facts.bias.clone().filter(|_| steps.bias),
        dark: facts
            .dark
            .clone()
            .filter(|_| steps.dark.is_some())
            .map(|master| DarkFacts { master, scale }),
        flat: facts
            .flat
            .clone()
            .zip(calibration.flat.as_ref())
            .filter(|_| steps.flat)
            .map(|(master, flat)| FlatFacts {
                master,
                min: flat.min,
                norm: facts.norm,
                norm_by: flat.norm,
                section: flat.section.clone(),
            }),
        sky: steps.sky.map(|level| SkyFacts {
            sky: calibration.sky,
            level: Fact::new(level),
            section: facts.sky_section.clone(),
        }),
        limits: (limits && limited).then_some(Limits {
            below: calibration.below,
            above: calibration.above,
        }),
        ..StepCards::default()
    };
    for (step, skipped) in skipped(calibration, raw.done) {
        if skipped {
            cards.skip(step, "the header says that it is done");
        }
    }
    cards
}

/// Which of the steps that are asked for are left out.
fn skipped(calibration: &Calibration, done: Done) -> [(Step, bool); 8] {
    [
        (
            Step::Overscan,
            calibration.overscan.is_some() && done.overscan,
        ),
        (Step::Trim, calibration.trim.is_some() && done.trim),
        (
            Step::Deviation,
            calibration.deviation.is_some() && done.deviation,
        ),
        (Step::Gain, calibration.gain.is_some() && done.gain),
        (Step::Bias, calibration.bias.is_some() && done.bias),
        (Step::Dark, calibration.dark.is_some() && done.dark),
        (Step::Flat, calibration.flat.is_some() && done.flat),
        (Step::Sky, calibration.sky != Sky::None && done.sky),
    ]
}

/// The mean of the levels of an overscan.
pub(in crate::pipeline) fn mean(levels: &[f64]) -> f64 {
    levels.iter().sum::<f64>() / levels.len() as f64
}
