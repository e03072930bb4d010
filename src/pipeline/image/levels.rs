//! The levels of the frames of an image, from what was measured, listed or stands in their headers.

use std::sync::Arc;

use super::Image;
use crate::error::Result;
use crate::level::{FrameLevel, check_scale, check_zero, noise_weight, target};
use crate::measure::Measured;
use crate::pipeline::choices::{keyed, listed};
use crate::recipe::Level;

impl Image<'_> {
    /// The level of each frame; none where samples stay as they are.
    pub(super) fn levels(&self, measured: &[Measured]) -> Result<Arc<[FrameLevel]>> {
        let stack = &self.recipe.stack;
        if stack.scale == Level::None && stack.zero == Level::None {
            return Ok(Arc::new([]));
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
        let (scale_to, zero_to) = (
            target(stack.scale_to, &scales, 1.0),
            target(stack.zero_to, &zeros, 0.0),
        );
        let levels = scales.iter().zip(&zeros);
        Ok(levels
            .map(|(scale, zero)| FrameLevel::new(*zero, *scale, zero_to, scale_to))
            .collect())
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
