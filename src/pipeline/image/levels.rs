//! The levels of the frames of an image, from what was measured, listed or stands in their headers.

use std::sync::Arc;

use super::Image;
use crate::error::Result;
use crate::level::{FrameLevel, check_scale, check_zero, noise_weight, target};
use crate::measure::Measured;
use crate::pipeline::choices::{keyed, listed};
use crate::recipe::Level;
use crate::summary::UsedLevel;

/// What the frames of an image are brought to: one scale and one zero each.
pub(super) struct Levels {
    scales: Vec<f64>,
    zeros: Vec<f64>,
    scale_to: f64,
    zero_to: f64,
}

impl Levels {
    /// What scaling does to each frame.
    pub(super) fn scaling(&self) -> Arc<[FrameLevel]> {
        let levels = self.scales.iter().zip(&self.zeros);
        levels
            .map(|(scale, zero)| FrameLevel::new(*zero, *scale, self.zero_to, self.scale_to))
            .collect()
    }
}

impl Image<'_> {
    /// The level of each frame; none where samples stay as they are.
    pub(super) fn levels(&self, measured: &[Measured]) -> Result<Option<Levels>> {
        let stack = &self.recipe.stack;
        if stack.scale == Level::None && stack.zero == Level::None {
            return Ok(None);
        }
        let keyed = |level: &Level| usize::from(matches!(level, Level::Keyword(_)));
        let scales = self.level("--scale", &stack.scale, 1.0, 0, measured)?;
        let zeros = self.level("--zero", &stack.zero, 0.0, keyed(&stack.scale), measured)?;
        for ((frame, scale), zero) in self.list.frames.iter().zip(&scales).zip(&zeros) {
            check_scale(&frame.name(), &stack.scale, *scale)?;
            check_zero(&frame.name(), &stack.zero, *zero)?;
            tracing::debug!("{}: scale {scale}, zero {zero}", frame.name());
        }
        for (frame, measured) in self.list.frames.iter().zip(measured) {
            tracing::debug!(
                "{}: measured on {} samples",
                frame.name(),
                measured.npresent
            );
        }
        Ok(Some(Levels {
            scale_to: target(stack.scale_to, &scales, 1.0),
            zero_to: target(stack.zero_to, &zeros, 0.0),
            scales,
            zeros,
        }))
    }

    /// Bytes of what is told of how the frames enter the stack.
    pub(super) fn used_nbyte(&self) -> u64 {
        let names = self.list.frames.iter().map(|frame| frame.name().len());
        let stack = &self.recipe.stack;
        let scaled = stack.scale != Level::None || stack.zero != Level::None;
        if scaled || self.weights_by_frame().is_some() {
            names.map(UsedLevel::nbyte).sum()
        } else {
            0
        }
    }

    /// How the frames enter the stack, where they are scaled or weighed.
    pub(super) fn used(&self, levels: Option<&Levels>) -> Vec<UsedLevel> {
        let weights = self.weights_by_frame();
        if levels.is_none() && weights.is_none() {
            return Vec::new();
        }
        let frames = self.list.frames.iter().enumerate();
        let used = frames.map(|(at, frame)| UsedLevel {
            frame: frame.name(),
            zero: levels.map_or(0.0, |levels| levels.zeros[at]),
            scale: levels.map_or(1.0, |levels| levels.scales[at]),
            scale_to: levels.map_or(1.0, |levels| levels.scale_to),
            zero_to: levels.map_or(0.0, |levels| levels.zero_to),
            weight: weights.map(|weights| weights[at]),
        });
        used.collect()
    }

    /// The weights of the frames, where they have a say.
    fn weights_by_frame(&self) -> Option<&[f64]> {
        let weighs = self.recipe.stack.method.weighs();
        self.stack.weights.as_deref().filter(|_| weighs)
    }

    /// The weight of each frame by its noise, where that is asked for: that of its samples once they are scaled.
    pub(super) fn weights(&self, measured: &[Measured]) -> Result<Option<Arc<[f64]>>> {
        if !self.recipe.stack.weighs_by_noise() {
            return Ok(None);
        }
        let levels = &self.stack.levels;
        let weigh = |(at, measured): (usize, &Measured)| {
            let level = levels.get(at).copied().unwrap_or(FrameLevel::UNITY);
            let noise = measured.noise * level.a.abs();
            let frame = self.list.frames[at].name();
            tracing::debug!("{frame}: noise {noise} as it is scaled");
            noise_weight(&frame, noise)
        };
        measured
            .iter()
            .enumerate()
            .map(weigh)
            .collect::<Result<Vec<f64>>>()
            .map(|weights| Some(weights.into()))
    }

    /// One number a frame; `index` is that of the keyword among those that were asked for.
    fn level(
        &self,
        flag: &'static str,
        level: &Level,
        unity: f64,
        index: usize,
        measured: &[Measured],
    ) -> Result<Vec<f64>> {
        let nframe = self.list.frames.len();
        match level {
            Level::None => Ok(vec![unity; nframe]),
            Level::Mean => Ok(measured.iter().map(|measured| measured.mean).collect()),
            Level::Median => Ok(measured.iter().map(|measured| measured.median).collect()),
            Level::Mode => Ok(measured.iter().map(|measured| measured.mode).collect()),
            Level::Mad => Ok(measured.iter().map(|measured| measured.mad).collect()),
            Level::MedianMad => {
                let product = |measured: &Measured| measured.median * measured.mad;
                Ok(measured.iter().map(product).collect())
            }
            Level::Keyword(keyword) => keyed(&self.list.frames, flag, keyword, index),
            Level::Values(values) => listed(flag, values, self.list),
        }
    }
}
