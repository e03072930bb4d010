//! The masks of an image: what was rejected of each of its frames.

use std::path::PathBuf;

use super::Image;
use crate::error::Result;
use crate::pipeline::rejected::{self, Made, Told};
use crate::sink::{FitsSink, FrameMask};
use crate::watch::Watch;

impl Image<'_> {
    /// The names of the masks, where there are to be any.
    pub(in crate::pipeline) fn masks(&self) -> Result<Vec<PathBuf>> {
        let output = &self.recipe.output;
        match &output.rejected {
            None => Ok(Vec::new()),
            Some(folder) => rejected::names(folder, self.list, &output.path),
        }
    }

    /// Bytes that a thread takes that makes them.
    pub(super) fn mask_nbyte(&self) -> Option<usize> {
        let ncol = self.region.shape().ncol;
        let rejected = self.recipe.output.rejected.as_ref();
        rejected.map(|_| FrameMask::nbyte(ncol))
    }

    /// Makes them, of what is told in the image of this number.
    pub(super) fn make_masks(
        &self,
        (sink, image): (&FitsSink, usize),
        (made, names): (&mut Made, &[PathBuf]),
        watch: &Watch,
    ) -> Result<()> {
        let output = &self.recipe.output;
        let (Some(folder), Some(rejected)) = (&output.rejected, &sink.rejected) else {
            return Ok(());
        };
        let stack = &self.recipe.stack;
        let mut making = vec![format!(
            "ccdstream {}: of {} frames",
            env!("CARGO_PKG_VERSION"),
            self.list.frames.len()
        )];
        making.extend(self.plan.clip.iter().map(|step| format!("clip {step}")));
        making.extend(stack.neighbours.steps());
        if stack.nkeep != 0 {
            making.push(format!("nkeep {}", stack.nkeep));
        }
        if let Some(region) = &self.recipe.frames.region {
            making.push(format!("region {region}"));
        }
        let told = Told {
            rejected,
            image,
            shape: self.region.shape(),
            list: self.list,
            making: &making,
        };
        let threads = self.plan.packers.max(1);
        rejected::make(told, (folder, names), made, (threads, watch))
    }
}
