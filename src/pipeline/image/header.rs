//! The HDUs that an image becomes, with where it comes from.

use super::Image;
use crate::pipeline::choices::plane_types;
use crate::recipe::{Hdu, Plane, Uncertainty};
use crate::sink::{self, Exposures, HduSpec, Part, Place, Provenance};

impl Image<'_> {
    /// The primary header of a multi-extension output.
    pub(in crate::pipeline) fn shared_header(&self) -> HduSpec {
        let name = |frame: usize| self.list.frames[frame].base_name();
        let cards = self
            .list
            .primary
            .as_ref()
            .unwrap_or(&self.list.first)
            .cards();
        let cards = sink::combined(
            cards,
            Part::Primary,
            &self.provenance(&self.exposures(), &name),
        );
        HduSpec {
            extname: None,
            extver: None,
            pixels: None,
            cards,
        }
    }

    /// The HDUs that the image becomes.
    pub(super) fn hdus(&self) -> Vec<HduSpec> {
        let (list, all) = (self.list, self.recipe.frames.hdu == Hdu::All);
        let inherited = list
            .primary
            .as_ref()
            .map_or(&[][..], |header| header.cards());
        let part = if all {
            Part::Extension
        } else {
            Part::Whole { inherited }
        };
        let name = |frame: usize| list.frames[frame].base_name();
        let cards = sink::combined(
            list.first.cards(),
            part,
            &self.provenance(&self.exposures(), &name),
        );
        let place = if all {
            Place::Extension {
                name: list.extname.as_deref(),
                version: list.first.integer("EXTVER"),
                number: self.number,
            }
        } else {
            Place::Primary
        };
        let planes: Vec<Plane> = self.stack.planes.iter().map(|(plane, _)| *plane).collect();
        let types = plane_types(self.recipe, self.sample);
        sink::plane_hdus(&planes, types, self.region.shape(), place, &cards)
    }

    fn exposures(&self) -> Exposures {
        let mut exposures = Exposures::default();
        for frame in &self.list.frames {
            exposures.add(
                frame.exptime,
                frame.date_obs.as_deref(),
                frame.date_end.as_deref(),
            );
        }
        exposures
    }

    /// Where the image comes from; `name` is the name of a frame without its folder.
    fn provenance<'p>(
        &'p self,
        exposures: &'p Exposures,
        name: &'p dyn Fn(usize) -> String,
    ) -> Provenance<'p> {
        Provenance {
            stack: &self.recipe.stack,
            clip: &self.plan.clip,
            nframe: self.list.frames.len(),
            name,
            exposures,
            differing: &self.list.differing,
            skipped: &self.list.skipped,
            bad_pixels: self.list.bad_pixels.as_ref().map(|mask| &*mask.path),
            region: (self.region != self.list.shape.area()).then_some(&self.region),
            uncertainty: self.stack.uncertainty != Uncertainty::None,
            calibration: self.told.as_ref(),
            limits: sink::Limits {
                below: self.stack.below,
                above: self.stack.above,
            },
        }
    }
}
