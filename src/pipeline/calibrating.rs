//! What calibrates the frames of an image on their way: the masters, and the numbers of each frame.

mod facts;
mod flat;
mod memory;
mod prepare;
mod prepared;

use std::ops::Range;

use crate::calibrate::{FrameSteps, MasterLine, MasterLines};
use crate::decode::{decode_mask_run, decode_run, own_deviations};
use crate::error::Result;
use crate::kernel::Width;
use crate::pixels::{Companion, Role, Stored, UncertaintyKind};
use crate::shape::Area;
use crate::source::{Master, Masters, Reader};
use crate::tile::{self, RawView, TilePlane};

pub(super) use facts::{Facts, mean, step_cards};
pub(super) use flat::{FlatLevel, flat_norm, flat_norm_nbyte};
pub(super) use memory::{CARD, HEADER_COPIES};
pub(super) use prepare::{Overscans, steps};
pub(super) use prepared::{Job, sky_level, sky_wanted};

/// The masters that take part at each pixel.
const ROLES: [Role; 3] = [Role::Bias, Role::Dark, Role::Flat];

/// What calibrates the frames of an image.
#[derive(Clone, Debug)]
pub(super) struct Calibrating<'a> {
    pub(super) masters: &'a Masters,
    /// The steps of each frame.
    pub(super) steps: Vec<FrameSteps>,
    /// Pixels of the flat below this become it.
    pub(super) flat_min: Option<f64>,
    /// What the flat is divided by; 1 where there is none.
    pub(super) flat_norm: f64,
    /// What is to be said of the pixels of the flat.
    pub(super) flat_remark: Option<String>,
}

/// The masters that are there.
fn present(masters: &Masters) -> impl Iterator<Item = (Role, &Master)> {
    ROLES
        .into_iter()
        .filter_map(|role| Some((role, masters.get(role)?)))
}

/// The planes that a master has.
fn planes(master: &Master) -> impl Iterator<Item = (Companion, Stored, UncertaintyKind)> {
    let std_dev = UncertaintyKind::StdDev;
    let image = Some((Companion::Image, master.image.stored, std_dev));
    let mask = master
        .mask
        .map(|image| (Companion::Mask, image.stored, std_dev));
    let uncertainty = master.uncertainty;
    let uncertainty = uncertainty.map(|(image, kind)| (Companion::Uncertainty, image.stored, kind));
    [image, mask, uncertainty].into_iter().flatten()
}

/// The planes of the masters as a tile holds them.
pub(super) fn tile_planes(masters: &Masters) -> impl Iterator<Item = TilePlane> {
    present(masters).flat_map(|(role, master)| {
        planes(master).map(move |(plane, stored, _)| TilePlane {
            companion: tile::Companion::Master(role, plane),
            frame: 0,
            stored,
        })
    })
}

/// Copies the stored bytes of an area of a plane of a master.
pub(super) fn read(
    reader: &Reader<'_>,
    plane: tile::Companion,
    area: &Area,
    bytes: &mut [u8],
) -> Result<()> {
    match plane {
        tile::Companion::Master(role, plane) => reader.read_master(role, plane, area, bytes),
        _ => Ok(()),
    }
}

/// Whether a master brings deviations.
pub(super) fn deviates(masters: &Masters) -> bool {
    present(masters).any(|(_, master)| master.uncertainty.is_some())
}

/// A run of pixels of the masters, in the hands of one thread.
#[derive(Debug, Default)]
pub(super) struct MasterDesk {
    lines: MasterLines,
}

impl MasterDesk {
    /// Bytes that runs of `npixel` pixels of the masters take.
    pub(super) fn nbyte(masters: &Masters, npixel: usize) -> usize {
        present(masters)
            .map(|(_, master)| MasterLine::nbyte(npixel, master.uncertainty.is_some()))
            .sum()
    }

    /// Decodes and prepares a run of the pixels of a tile.
    pub(super) fn load(
        &mut self,
        calibrating: &Calibrating<'_>,
        width: Width,
        view: RawView<'_>,
        pixels: &Range<usize>,
    ) -> &MasterLines {
        let npixel = pixels.len();
        self.lines.first = pixels.start;
        for (role, master) in present(calibrating.masters) {
            let line = match role {
                Role::Bias => &mut self.lines.bias,
                Role::Dark => &mut self.lines.dark,
                Role::Flat | Role::Chip(_) => &mut self.lines.flat,
            };
            let line = line.get_or_insert_with(|| {
                MasterLine::with_capacity(npixel, master.uncertainty.is_some())
            });
            line.deviation.clear();
            line.masked.clear();
            for (plane, stored, kind) in planes(master) {
                let of =
                    |group: &&tile::Group| group.companion == tile::Companion::Master(role, plane);
                let group = view.groups().iter().find(of);
                let group = group.expect("a tile has every plane of every master");
                let bytes = view.bytes(group, 0, pixels);
                match plane {
                    Companion::Image => {
                        line.value.resize(npixel, 0.0);
                        decode_run(width, &stored, bytes, &mut line.value);
                    }
                    Companion::Mask => {
                        line.masked.resize(npixel, false);
                        decode_mask_run(width, &stored, master.mask_bits, bytes, &mut line.masked);
                    }
                    Companion::Uncertainty => {
                        line.deviation.resize(npixel, 0.0);
                        decode_run(width, &stored, bytes, &mut line.deviation);
                        own_deviations(kind, &mut line.deviation);
                    }
                }
            }
            width.vectorize(
                #[inline(always)]
                || match role {
                    Role::Flat => line.for_division(calibrating.flat_min, calibrating.flat_norm),
                    _ => line.for_subtraction(),
                },
            );
        }
        &self.lines
    }
}
