//! The steps that were done to a frame, or to the frames of a stack, with their facts: in a header they are a card a step, worded as
//! IRAF's ccdproc words them, and a HISTORY line a step.

mod told;

use std::path::Path;

use crate::recipe::{Beyond, Fit, FlatNorm, MaskBits, Negative, OverscanClip, OverscanStat, Sky};
use crate::shape::{Area, Section, Shape};
use crate::steps::Step;

/// A number or a section: one for all frames, or each frame's own, of which only that of the first is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fact<T> {
    first: T,
    shared: bool,
}

impl<T: PartialEq> Fact<T> {
    /// That of one frame.
    pub(crate) fn new(first: T) -> Self {
        Self {
            first,
            shared: true,
        }
    }

    /// What all frames share.
    fn told(&self) -> Option<&T> {
        self.shared.then_some(&self.first)
    }

    fn merge(&mut self, other: &Self) {
        self.shared &= other.shared && self.first == other.first;
    }
}

/// A master by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MasterName {
    name: String,
    datasum: Option<String>,
}

impl MasterName {
    /// The master in the file `path`; `hdu` is what names its HDU, such as `[SCI]`, or nothing. Folders are not told: they belong to
    /// the machine.
    pub(crate) fn new(path: &Path, hdu: &str, datasum: Option<&str>) -> Self {
        let file = path.file_name().unwrap_or(path.as_os_str());
        Self {
            name: format!("{}{hdu}", file.to_string_lossy()),
            datasum: datasum.map(|sum| sum.trim().to_owned()),
        }
    }
}

/// The level of the overscan was subtracted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OverscanFacts {
    /// The overscan, in untrimmed pixels.
    pub(crate) section: Fact<Area>,
    pub(crate) stat: OverscanStat,
    pub(crate) fit: Option<Fit>,
    pub(crate) clip: Option<OverscanClip>,
    /// The mean of the levels of its lines, in counts.
    pub(crate) level: Fact<f64>,
}

/// Only a part of the frame was kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TrimFacts {
    section: Fact<Area>,
    untrimmed: Shape,
    /// Whether the first frame, whose header is told, is among the trimmed.
    of_first: bool,
}

impl TrimFacts {
    /// The part `section` of a frame of `untrimmed` pixels.
    pub(crate) fn new(section: Area, untrimmed: Shape) -> Self {
        Self {
            section: Fact::new(section),
            untrimmed,
            of_first: true,
        }
    }
}

/// Each sample was given the deviation of photon and read noise.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeviationFacts {
    /// Electrons a count; 1 where none was given.
    pub(crate) gain: Fact<f64>,
    /// In electrons.
    pub(crate) readnoise: Fact<f64>,
    pub(crate) negative: Negative,
}

/// Samples were masked beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MaskFacts {
    /// The mask of bad pixels, without folders.
    pub(crate) bad_pixels: Option<MasterName>,
    /// Which bits of the frame's own mask count.
    pub(crate) bits: Option<MaskBits>,
}

/// The frame was multiplied by its gain.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GainFacts {
    /// Electrons a count.
    pub(crate) gain: Fact<f64>,
    /// Whether behind the flat.
    pub(crate) last: bool,
}

/// The dark was subtracted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DarkFacts {
    pub(crate) master: MasterName,
    /// Where the dark was scaled: by what.
    pub(crate) scale: Option<DarkScale>,
}

/// What the dark was multiplied by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DarkScale {
    /// The exposure of the frame over that of the dark.
    pub(crate) k: Fact<f64>,
    /// The exposure of the frame in seconds.
    pub(crate) exposure: Fact<f64>,
    /// That of the dark.
    pub(crate) dark_exposure: f64,
}

/// The frame was divided by the flat.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FlatFacts {
    pub(crate) master: MasterName,
    /// Pixels of the flat below this were set to it.
    pub(crate) min: Option<f64>,
    /// What the flat was divided by, and what that is.
    pub(crate) norm: f64,
    pub(crate) norm_by: FlatNorm,
    /// Where the norm was measured.
    pub(crate) section: Option<Section>,
}

/// The level of the sky was subtracted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SkyFacts {
    pub(crate) sky: Sky,
    pub(crate) level: Fact<f64>,
    /// Where it was measured.
    pub(crate) section: Option<Section>,
}

/// What happened to values beyond levels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    pub(crate) below: Option<Beyond>,
    pub(crate) above: Option<Beyond>,
}

/// A step that was asked for and not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    step: Step,
    reason: String,
    /// For how many frames.
    nframe: usize,
}

/// The steps that were done to a frame, or to the frames of a stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StepCards {
    pub(crate) overscan: Option<OverscanFacts>,
    pub(crate) trim: Option<TrimFacts>,
    pub(crate) deviation: Option<DeviationFacts>,
    pub(crate) mask: Option<MaskFacts>,
    pub(crate) gain: Option<GainFacts>,
    pub(crate) bias: Option<MasterName>,
    pub(crate) dark: Option<DarkFacts>,
    pub(crate) flat: Option<FlatFacts>,
    pub(crate) sky: Option<SkyFacts>,
    /// Of a single frame; those of a combined value are its [`Provenance`](super::Provenance)'s.
    pub(crate) limits: Option<Limits>,
    /// What was asked for and not done: see [`Self::skip`].
    pub(crate) skipped: Vec<Skipped>,
    /// Whether this stands for more than one frame: see [`Self::merge`].
    pub(crate) many: bool,
}

impl StepCards {
    /// Notes that a step that was asked for was not done, and why: `TRIM stands in the header`.
    pub(crate) fn skip(&mut self, step: Step, reason: impl Into<String>) {
        self.skipped.push(Skipped {
            step,
            reason: reason.into(),
            nframe: 1,
        });
    }

    /// Takes in the next frame of a stack; what is not the same for all is no longer told.
    pub(crate) fn merge(&mut self, next: &Self) {
        self.many = true;
        both(&mut self.overscan, next.overscan.as_ref(), |own, next| {
            own.section.merge(&next.section);
            own.level.merge(&next.level);
        });
        match (&mut self.trim, &next.trim) {
            (Some(own), Some(next)) => own.section.merge(&next.section),
            (own @ None, Some(next)) => {
                *own = Some(TrimFacts {
                    of_first: false,
                    ..next.clone()
                });
            }
            (_, None) => {}
        }
        both(&mut self.deviation, next.deviation.as_ref(), |own, next| {
            own.gain.merge(&next.gain);
            own.readnoise.merge(&next.readnoise);
        });
        both(&mut self.mask, next.mask.as_ref(), |_, _| {});
        both(&mut self.gain, next.gain.as_ref(), |own, next| {
            own.gain.merge(&next.gain);
        });
        both(&mut self.bias, next.bias.as_ref(), |_, _| {});
        both(&mut self.dark, next.dark.as_ref(), |own, next| {
            if let (Some(own), Some(next)) = (&mut own.scale, &next.scale) {
                own.k.merge(&next.k);
                own.exposure.merge(&next.exposure);
            }
        });
        both(&mut self.flat, next.flat.as_ref(), |_, _| {});
        both(&mut self.sky, next.sky.as_ref(), |own, next| {
            own.level.merge(&next.level);
        });
        both(&mut self.limits, next.limits.as_ref(), |_, _| {});
        for skip in &next.skipped {
            let alike = |own: &&mut Skipped| own.step == skip.step && own.reason == skip.reason;
            match self.skipped.iter_mut().find(alike) {
                Some(own) => own.nframe += skip.nframe,
                None => self.skipped.push(skip.clone()),
            }
        }
    }

    /// The part that was kept of the frame whose header is told, and of how many pixels.
    pub(super) fn trimmed(&self) -> Option<(&Area, Shape)> {
        let trim = self.trim.as_ref().filter(|trim| trim.of_first)?;
        Some((&trim.section.first, trim.untrimmed))
    }
}

/// Merges what two have, or takes over what only the next has.
fn both<T: Clone>(own: &mut Option<T>, next: Option<&T>, merge: impl Fn(&mut T, &T)) {
    match (own, next) {
        (Some(own), Some(next)) => merge(own, next),
        (own @ None, Some(next)) => *own = Some(next.clone()),
        (_, None) => {}
    }
}

#[cfg(test)]
mod tests;
