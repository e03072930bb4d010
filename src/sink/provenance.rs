//! What a result tells of its making: the choices and the frames, in HISTORY and IMCMB.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use super::dates::Exposures;
use super::steps::{Limits, StepCards};
use crate::header::Card;
use crate::recipe::Stack;
use crate::shape::Area;
use crate::summary::SkippedFrame;

/// Where a result comes from.
pub(crate) struct Provenance<'a> {
    /// What happened at each pixel.
    pub(crate) stack: &'a Stack,
    /// What its clip steps came to on these frames, as they are typed.
    pub(crate) clip: &'a [String],
    /// How many frames there were.
    pub(crate) nframe: usize,
    /// The name of each: its file without folders, with HDU or plane.
    pub(crate) name: &'a dyn Fn(usize) -> String,
    /// Their times.
    pub(crate) exposures: &'a Exposures,
    /// The keywords on which they disagree.
    pub(crate) differing: &'a BTreeSet<String>,
    /// The frames that were left out because they are damaged; of their names, the last part is told.
    pub(crate) skipped: &'a [SkippedFrame],
    /// The mask of bad pixels; only its name is told.
    pub(crate) bad_pixels: Option<&'a Path>,
    /// The part of the frames that was combined; `None` for all of it.
    pub(crate) region: Option<&'a Area>,
    /// Whether there is a plane of uncertainties.
    pub(crate) uncertainty: bool,
    /// What the frames went through on their way into the stack.
    pub(crate) calibration: Option<&'a StepCards>,
    /// What happened to combined values beyond levels.
    pub(crate) limits: Limits,
}

impl fmt::Debug for Provenance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provenance")
            .field("stack", self.stack)
            .field("nframe", &self.nframe)
            .finish_non_exhaustive()
    }
}

/// As many frames as IMCMBnnn can name.
const NAMED: usize = 999;

impl Provenance<'_> {
    /// The choices, a HISTORY line each; those that change nothing are not told.
    pub(super) fn choices(&self) -> Vec<Card> {
        let stack = self.stack;
        let frames = if self.nframe == 1 { "frame" } else { "frames" };
        let version = env!("CARGO_PKG_VERSION");
        let mut lines = vec![format!(
            "ccdstream {version}: {} of {} {frames}",
            stack.method, self.nframe
        )];
        lines.extend(self.clip.iter().map(|step| format!("clip {step}")));
        lines.extend(stack.neighbours.steps());
        if stack.nkeep != 0 {
            lines.push(format!("nkeep {}", stack.nkeep));
        }
        lines.extend(stack.told_levels());
        if self.uncertainty {
            lines.push(format!("uncertainty {}", stack.uncertainty));
        }
        if let Some(Area { rows, cols }) = self.region {
            lines.push(format!(
                "region [{}:{},{}:{}]",
                cols.start + 1,
                cols.end,
                rows.start + 1,
                rows.end
            ));
        }
        lines.extend(self.limits.lines());
        let masked = self.calibration.and_then(|steps| steps.mask.as_ref());
        let told = masked.is_some_and(|mask| mask.bad_pixels.is_some());
        let bad_pixels = self.bad_pixels.filter(|_| !told);
        if let Some(name) = bad_pixels.and_then(Path::file_name) {
            lines.push(format!("bad pixels {}", name.to_string_lossy()));
        }
        if !self.differing.is_empty() {
            let keywords: Vec<&str> = self.differing.iter().map(String::as_str).collect();
            lines.push(format!("the frames differ in {}", keywords.join(" ")));
        }
        lines.extend(self.skipped.iter().map(|SkippedFrame { frame, fault }| {
            let name = frame.rsplit('/').next().unwrap_or(frame);
            format!("left out as damaged: {name}: {fault}")
        }));
        lines
            .iter()
            .flat_map(|line| Card::commentary("HISTORY", line))
            .collect()
    }

    /// The names of the frames: IMCMB001 to IMCMB999, the rest in HISTORY.
    pub(super) fn frames(&self) -> Vec<Card> {
        let card = |frame: usize| {
            let (name, number) = ((self.name)(frame), frame + 1);
            if frame < NAMED {
                Card::string(&format!("IMCMB{number:03}"), &name, "")
            } else {
                Card::commentary("HISTORY", &format!("frame {number}: {name}"))
            }
        };
        (0..self.nframe).flat_map(card).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Beyond, Level, LevelTo, Then, Weight};

    /// What a stack of `nframe` frames tells.
    fn told(stack: &Stack, nframe: usize) -> (Vec<String>, Vec<String>) {
        let steps: Vec<String> = stack.clip.iter().map(ToString::to_string).collect();
        let provenance = Provenance {
            stack,
            clip: &steps,
            nframe,
            name: &|frame| format!("frame{frame}.fits[SCI]"),
            exposures: &Exposures::default(),
            differing: &BTreeSet::new(),
            skipped: &[],
            bad_pixels: None,
            region: None,
            uncertainty: false,
            calibration: None,
            limits: Limits {
                below: Some(Beyond {
                    level: 0.2,
                    then: Then::Mask,
                })
                .filter(|_| nframe == 2),
                above: None,
            },
        };
        let text = |card: &Card| String::from_utf8_lossy(&card.0).trim_end().to_owned();
        let choices = provenance.choices().iter().map(text).collect();
        (choices, provenance.frames().iter().map(text).collect())
    }

    #[test]
    fn choices_that_change_nothing_are_not_told() {
        let (choices, _) = told(&Stack::default(), 1);
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            choices,
            [format!("HISTORY ccdstream {version}: average of 1 frame")]
        );
    }

    #[test]
    fn every_choice_is_told_as_it_is_typed() {
        let stack = Stack {
            clip: vec![
                "minmax:,60000".parse().expect("a clip"),
                "sigma:3,4".parse().expect("a clip"),
            ],
            nkeep: 2,
            scale: Level::Median,
            zero: Level::Values(vec![1.5, 2.0]),
            scale_to: LevelTo::First,
            stats_section: "[1:5,*]".parse().ok(),
            weight: Weight::Keyword("GAIN".into()),
            ..Stack::default()
        };
        let (choices, _) = told(&stack, 2);
        let lines = [
            "clip minmax:,60000",
            "clip sigma:3,4",
            "nkeep 2",
            "zero 1.5,2, zero-to 0",
            "scale median, scale-to first",
            "stats-section [1:5,*]",
            "weight key:GAIN",
            "below 0.2=mask",
        ];
        assert_eq!(choices[1..], lines.map(|line| format!("HISTORY {line}")));
    }

    #[test]
    fn frames_beyond_the_last_imcmb_are_named_in_history() {
        let (_, frames) = told(&Stack::default(), 1001);
        assert_eq!(frames[0], "IMCMB001= 'frame0.fits[SCI]'");
        assert_eq!(frames[998], "IMCMB999= 'frame998.fits[SCI]'");
        assert_eq!(
            frames[999..],
            [
                "HISTORY frame 1000: frame999.fits[SCI]",
                "HISTORY frame 1001: frame1000.fits[SCI]"
            ]
        );
    }
}
