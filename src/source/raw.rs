//! What the header of a raw frame says for its calibration.

use crate::header::{Keywords, printable};
use crate::pixels::Image;
use crate::recipe::{Calibration, Dark, Place, Quantity, Sky};
use crate::shape::Area;
use crate::source::agree::{ELECTRON, canonical_unit};
use crate::source::remarks::Remarks;
use crate::source::section::{self, Found};
use crate::steps::{Done, Step, done};

/// A frame before its calibration.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    /// All of its pixels.
    pub untrimmed: Image,
    /// Its mask before the trim.
    pub untrimmed_mask: Option<Image>,
    /// The overscan, in untrimmed pixels; `None` where none is subtracted.
    pub overscan: Option<Area>,
    /// What is kept, in untrimmed pixels.
    pub trim: Area,
    /// Electrons a count, positive; `None` where no gain is applied.
    pub gain: Option<f64>,
    /// Read noise in electrons, not negative; `None` where it is not needed.
    pub readnoise: Option<f64>,
    /// Exposure time in seconds; positive where the dark is scaled by it.
    pub exposure: Option<f64>,
    /// The unit of its samples before any step.
    pub unit: Box<str>,
    /// The steps that are left out for this frame, because its header says that they are done; none with `redo`.
    pub done: Done,
}

impl Raw {
    /// What a header says of the frame `name`, all of whose pixels are `untrimmed`; `None` where nothing is calibrated.
    pub(super) fn of(
        name: &str,
        calibration: &Calibration,
        keywords: Keywords<'_>,
        untrimmed: Image,
        remarks: &mut Remarks,
    ) -> Result<Option<Self>, String> {
        if !calibrates(calibration) {
            return Ok(None);
        }
        let done = skipped(name, calibration, keywords, remarks);
        let shape = untrimmed.shape;
        let mut find = |place: &Place, flag: &str| {
            let Found { area, cut } = section::find(place, flag, keywords, shape)?;
            if let Some(cut) = cut {
                remarks.add(&format!("{flag} is cut"), name, &cut);
            }
            Ok::<_, String>(area)
        };
        let overscan = match calibration.overscan.as_ref().filter(|_| !done.overscan) {
            Some(overscan) => Some(find(&overscan.place, "--overscan")?),
            None => None,
        };
        let trim = match calibration.trim.as_ref().filter(|_| !done.trim) {
            Some(place) => find(place, "--trim")?,
            None => shape.area(),
        };
        let gain = match calibration.gain.as_ref().filter(|_| !done.gain) {
            Some(gain) => Some(number(gain, "--gain", "above 0", keywords, |gain| {
                gain > 0.0
            })?),
            None => None,
        };
        let exposure = match calibration.dark.as_ref().filter(|_| !done.dark) {
            Some(dark) => exposure_of_frame(dark, keywords)?,
            None => None,
        };
        let unit = canonical_unit(keywords.text("BUNIT").as_deref());
        if gain.is_some() && unit == ELECTRON {
            let text = "its unit is electron already, and --gain is applied to it";
            remarks.add("gain of electrons", name, text);
        }
        Ok(Some(Self {
            untrimmed,
            untrimmed_mask: None,
            overscan,
            trim,
            gain,
            readnoise: None,
            exposure,
            unit: unit.into(),
            done,
        }))
    }

    /// Finds what the deviation needs, if it is to be made. It is done where the header says so and the frame has the uncertainty to show
    /// for it; one that was written without that plane has lost it.
    pub(super) fn deviate(
        &mut self,
        name: &str,
        calibration: &Calibration,
        keywords: Keywords<'_>,
        has_uncertainty: bool,
        remarks: &mut Remarks,
    ) -> Result<(), String> {
        if calibration.deviation.is_none() {
            return Ok(());
        }
        let card = Step::Deviation.said_by(keywords);
        if let Some(card) = card.filter(|_| self.done.deviation) {
            self.done.deviation = has_uncertainty;
            let text = if has_uncertainty {
                left_out(Step::Deviation, card, "--deviation")
            } else {
                format!(
                    "its header says that its deviation is done ({card}), but it has no uncertainty; --deviation makes one of its samples as \
                     they are"
                )
            };
            remarks.add(&format!("deviation, {has_uncertainty}"), name, &text);
        }
        if let Some(noise) = calibration
            .readnoise
            .as_ref()
            .filter(|_| !self.done.deviation)
        {
            let not_below = |noise| noise >= 0.0;
            let readnoise = number(noise, "--readnoise", "not below 0", keywords, not_below)?;
            self.readnoise = Some(readnoise);
        }
        Ok(())
    }

    /// The unit of its samples behind the gain.
    pub(crate) fn unit_after_gain(&self) -> &str {
        if self.gain.is_some() {
            ELECTRON
        } else {
            &self.unit
        }
    }
}

/// Whether anything is done to frames at all.
fn calibrates(calibration: &Calibration) -> bool {
    let nothing = Calibration {
        mask_bits: calibration.mask_bits,
        redo: calibration.redo,
        ..Calibration::default()
    };
    *calibration != nothing
}

/// The steps that the header of a frame says are done, unless they are done again; of those that are asked for it is told, but of the
/// deviation, which [`Raw::deviate`] settles.
fn skipped(
    name: &str,
    calibration: &Calibration,
    keywords: Keywords<'_>,
    remarks: &mut Remarks,
) -> Done {
    if calibration.redo {
        return Done::default();
    }
    for (step, flag) in asked(calibration) {
        if let Some(card) = step.said_by(keywords) {
            let text = left_out(step, card, flag);
            remarks.add(&format!("{} is done", step.name()), name, &text);
        }
    }
    done(keywords)
}

/// What is said of a step that is left out.
fn left_out(step: Step, card: &str, flag: &str) -> String {
    format!(
        "its header says that its {} is done ({card}); {flag} is left out, --redo does it again",
        step.name()
    )
}

/// The steps that are asked for and that a header can say are done, with their flags.
fn asked(calibration: &Calibration) -> impl Iterator<Item = (Step, &'static str)> {
    [
        (calibration.overscan.is_some(), Step::Overscan, "--overscan"),
        (calibration.trim.is_some(), Step::Trim, "--trim"),
        (calibration.gain.is_some(), Step::Gain, "--gain"),
        (calibration.bias.is_some(), Step::Bias, "--bias"),
        (calibration.dark.is_some(), Step::Dark, "--dark"),
        (calibration.flat.is_some(), Step::Flat, "--flat"),
        (calibration.sky != Sky::None, Step::Sky, "--sky"),
    ]
    .into_iter()
    .filter_map(|(asked, step, flag)| asked.then_some((step, flag)))
}

/// A number of a frame, which must be finite and `sound`: in words, `wanted`.
fn number(
    quantity: &Quantity,
    flag: &str,
    wanted: &str,
    keywords: Keywords<'_>,
    sound: impl Fn(f64) -> bool,
) -> Result<f64, String> {
    let (number, shown) = match quantity {
        Quantity::Number(number) => (*number, flag.to_owned()),
        Quantity::Keyword(keyword) => {
            let shown = format!("{}, which {flag} asks for,", printable(keyword));
            let help = format!("name another keyword, or give {flag} a number {wanted}");
            let named = named(keyword, &shown, keywords);
            (named.map_err(|fault| format!("{fault}; {help}"))?, shown)
        }
    };
    if number.is_finite() && sound(number) {
        Ok(number)
    } else {
        Err(format!(
            "{shown} is {number}, which it cannot be; give {flag} a number {wanted}"
        ))
    }
}

/// The number of a keyword, which messages call `shown`.
fn named(keyword: &str, shown: &str, keywords: Keywords<'_>) -> Result<f64, String> {
    let value = keywords
        .value(keyword)
        .ok_or_else(|| format!("{shown} is not in its header"))?;
    value.number().ok_or_else(|| {
        format!(
            "{shown} is '{}', which is no number",
            printable(&value.text())
        )
    })
}

/// The exposure of a frame from which the dark is subtracted.
fn exposure_of_frame(dark: &Dark, keywords: Keywords<'_>) -> Result<Option<f64>, String> {
    let file = printable(&dark.file);
    let needed = format!("--dark-scale needs it for the dark {file}; give --exposure");
    exposure(dark, dark.exposure, keywords, &needed)
}

/// An exposure in seconds: as it was `given`, or under the keyword; it must be positive where the dark is scaled. `needed`
/// says what it is needed for.
pub(super) fn exposure(
    dark: &Dark,
    given: Option<f64>,
    keywords: Keywords<'_>,
    needed: &str,
) -> Result<Option<f64>, String> {
    let keyword = printable(&dark.exposure_key);
    let found = given.map_or_else(|| named(&dark.exposure_key, &keyword, keywords), Ok);
    if !dark.scale {
        return Ok(found.ok());
    }
    let no_time = |fault: &str| format!("has no exposure time: {fault}; {needed}");
    match found {
        Ok(time) if time > 0.0 && time.is_finite() => Ok(Some(time)),
        Ok(time) if given.is_some() => Err(no_time(&format!("it is given as {time} s"))),
        Ok(time) => Err(no_time(&format!("{keyword} is {time}"))),
        Err(fault) => Err(no_time(&fault)),
    }
}

#[cfg(test)]
mod tests;
