//! The noise of the frames of a run, as their detectors make it, in units of the samples that are clipped.

use crate::kernel::{FarSquares, FrameNoise};
use crate::level::FrameLevel;
use crate::recipe::{Clip, Factors};

/// What the noise of a frame is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Detector {
    /// Electrons per unit of its samples before they are scaled; above 0.
    pub(crate) gain: f64,
    /// In electrons; not below 0.
    pub(crate) readnoise: f64,
    /// As a part of the signal; not below 0.
    pub(crate) sensitivity: f64,
}

/// The noise of every frame; of none where a step does not go by that.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Noises {
    detectors: Vec<Detector>,
    frames: Vec<FrameNoise>,
    /// Whether all have the same. Levels count as different before they are measured.
    alike: bool,
}

impl Noises {
    /// Bytes a frame.
    pub(crate) const NBYTE: usize = size_of::<Detector>() + size_of::<FrameNoise>();

    /// Those of frames at these levels; no levels where samples stay as they are.
    pub(super) fn new(detectors: Vec<Detector>, levels: &[FrameLevel]) -> Self {
        let unity = std::iter::repeat(&FrameLevel::UNITY);
        let frames = detectors.iter().zip(levels.iter().chain(unity));
        let frames: Vec<FrameNoise> = frames
            .map(|(detector, level)| detector.at(*level))
            .collect();
        Self {
            alike: levels.is_empty() && frames.iter().all(|frame| *frame == frames[0]),
            frames,
            detectors,
        }
    }

    /// Those of the same frames at these levels.
    pub(super) fn scaled(&self, levels: &[FrameLevel]) -> Self {
        Self::new(self.detectors.clone(), levels)
    }

    /// That of each frame.
    pub(super) fn frames(&self) -> &[FrameNoise] {
        &self.frames
    }

    /// That of every frame, if all have the same.
    pub(super) fn shared(&self) -> Option<FrameNoise> {
        self.frames.first().copied().filter(|_| self.alike)
    }

    /// Whether frames have noise each of its own.
    pub(super) fn differ(&self) -> bool {
        !self.frames.is_empty() && !self.alike
    }
}

impl Detector {
    /// The noise of scaled samples: σ² = a²·((rdnoise/gain)² + I/gain + (snoise·I)²), I = (y − b)/a being the unscaled signal.
    fn at(self, level: FrameLevel) -> FrameNoise {
        let square = |number: f64| number * number;
        let scale = square(level.a);
        FrameNoise {
            dark: level.b,
            unit: 1.0 / level.a,
            read: scale * square(self.readnoise / self.gain),
            photon: scale / self.gain,
            sensitivity: scale * square(self.sensitivity),
        }
    }
}

/// How far a step lets samples be.
pub(super) fn far(factors: Factors) -> FarSquares {
    FarSquares {
        low: factors.low * factors.low,
        high: factors.high * factors.high,
    }
}

impl Clip {
    /// How many deviations of its own frame a sample may be away, where the step goes by that.
    pub(super) fn of_detector(&self) -> Option<Factors> {
        match self {
            Self::Ccd { factors, .. } => Some(*factors),
            Self::Cr { high, .. } => Some(Factors {
                low: f64::INFINITY,
                high: *high,
            }),
            _ => None,
        }
    }
}
