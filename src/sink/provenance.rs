//! What a result tells of its making: the choices and the frames, in HISTORY and IMCMB.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use super::card::Card;
use super::dates::Exposures;
use crate::recipe::{Level, Stack, Weight};
use crate::shape::Area;

/// Where a result comes from.
pub(crate) struct Provenance<'a> {
    /// What happened at each pixel.
    pub(crate) stack: &'a Stack,
    /// How many frames there were.
    pub(crate) nframe: usize,
    /// The name of each: its file without folders, with HDU or plane.
    pub(crate) name: &'a dyn Fn(usize) -> String,
    /// Their times.
    pub(crate) exposures: &'a Exposures,
    /// The keywords on which they disagree.
    pub(crate) differing: &'a BTreeSet<String>,
    /// The mask of bad pixels; only its name is told.
    pub(crate) bad_pixels: Option<&'a Path>,
    /// The part of the frames that was combined; `None` for all of it.
    pub(crate) region: Option<&'a Area>,
    /// Whether there is a plane of uncertainties.
    pub(crate) uncertainty: bool,
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
        lines.extend(stack.clip.iter().map(|step| format!("clip {step}")));
        if stack.nkeep > 0 {
            lines.push(format!("nkeep {}", stack.nkeep));
        }
        if stack.zero != Level::None {
            lines.push(format!(
                "zero {}, zero-to {}",
                stack.zero,
                stack.zero_to.text(0.0)
            ));
        }
        if stack.scale != Level::None {
            lines.push(format!(
                "scale {}, scale-to {}",
                stack.scale,
                stack.scale_to.text(1.0)
            ));
        }
        let measured = |level: &Level| matches!(level, Level::Mean | Level::Median | Level::Mode);
        if let Some(section) = &stack.stats_section
            && (measured(&stack.zero) || measured(&stack.scale))
        {
            lines.push(format!("stats-section {section}"));
        }
        if stack.weight != Weight::None {
            lines.push(format!("weight {}", stack.weight));
        }
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
        if let Some(name) = self.bad_pixels.and_then(Path::file_name) {
            lines.push(format!("bad pixels {}", name.to_string_lossy()));
        }
        if !self.differing.is_empty() {
            let keywords: Vec<&str> = self.differing.iter().map(String::as_str).collect();
            lines.push(format!("the frames differ in {}", keywords.join(" ")));
        }
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
