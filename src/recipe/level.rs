//! What the frames are brought to, and what they count.

use super::Stack;

/// One number a frame: its scale or its zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Level {
    /// 1 for a scale, 0 for a zero.
    #[default]
    None,
    /// The mean of the present samples of the frame.
    Mean,
    /// Their median, exactly.
    Median,
    /// Their mode.
    Mode,
    /// Their spread, exactly: 1.4826 · median|x − median|. A scale alone.
    Mad,
    /// Their median times their spread. A scale alone.
    MedianMad,
    /// The value of this keyword.
    Keyword(String),
    /// These numbers, one a frame.
    Values(Vec<f64>),
}

impl Level {
    /// Whether the samples of the frames are measured for it.
    pub fn is_measured(&self) -> bool {
        matches!(
            self,
            Self::Mean | Self::Median | Self::Mode | Self::Mad | Self::MedianMad
        )
    }
}

/// What levels are brought back to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum LevelTo {
    /// 1 for a scale, 0 for a zero.
    #[default]
    Unity,
    /// The level of the first frame.
    First,
    /// The mean of the levels of all frames.
    Mean,
    /// This number.
    Value(f64),
}

/// What each frame, or each sample, counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Weight {
    /// All the same.
    #[default]
    None,
    /// EXPTIME.
    Exposure,
    /// 1/σ² of the noise of the frame as it is scaled, measured as its scale is.
    Noise,
    /// The value of this keyword.
    Keyword(String),
    /// These numbers, one a frame.
    Values(Vec<f64>),
    /// 1/u² of each sample, from the uncertainty of its frame.
    InverseVariance,
}

/// Scale and zero at once, by the names and to the ends of Siril's `-norm`: frames are brought to the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// Nothing.
    #[default]
    None,
    /// Medians become the same by adding.
    Add,
    /// Medians become the same by multiplying.
    Mul,
    /// Spreads become the same by multiplying, then medians by adding.
    AddScale,
    /// Frames are multiplied by the ratio of the medians and by that of the spreads.
    MulScale,
}

impl Norm {
    /// The zero and the scale that it stands for, both brought back to those of the first frame.
    pub fn levels(self) -> (Level, Level) {
        match self {
            Self::None => (Level::None, Level::None),
            Self::Add => (Level::Median, Level::None),
            Self::Mul => (Level::None, Level::Median),
            Self::AddScale => (Level::Median, Level::Mad),
            Self::MulScale => (Level::None, Level::MedianMad),
        }
    }
}

impl Stack {
    /// Puts what the norm stands for in the place of zero and scale.
    pub fn normalise(&mut self, norm: Norm) {
        (self.zero, self.scale) = norm.levels();
        let to = |level: &Level| match level {
            Level::None => LevelTo::Unity,
            _ => LevelTo::First,
        };
        (self.zero_to, self.scale_to) = (to(&self.zero), to(&self.scale));
    }

    /// Whether the noise of the frames is measured for their weights.
    pub(crate) fn weighs_by_noise(&self) -> bool {
        self.weight == Weight::Noise && self.method.weighs()
    }

    /// What is told of zero, scale and weight, a line each of those that change something.
    pub fn told_levels(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.zero != Level::None {
            lines.push(format!(
                "zero {}, zero-to {}",
                self.zero,
                self.zero_to.text(0.0)
            ));
        }
        if self.scale != Level::None {
            lines.push(format!(
                "scale {}, scale-to {}",
                self.scale,
                self.scale_to.text(1.0)
            ));
        }
        if let Some(section) = self.stats_section.as_ref().filter(|_| self.measures()) {
            lines.push(format!("stats-section {section}"));
        }
        if self.weight != Weight::None {
            lines.push(format!("weight {}", self.weight));
        }
        lines
    }

    /// Whether anything is measured of the frames in the section for statistics.
    pub fn measures(&self) -> bool {
        self.scale.is_measured() || self.zero.is_measured() || self.weighs_by_noise()
    }
}
