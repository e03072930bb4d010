//! Tiles: the memory of a run, all of it made before the first band, so that a run cannot exceed its limit.
//!
//! What is read stays with the thread that works on it: a [`RawTile`] a thread, filled again and again, so small that it does not leave
//! the caches on its way from the file to the result. What comes out circulates: `EmptyTile → CombinedTile → EmptyTile`.

use std::ops::Range;
use std::sync::Arc;

use crate::pixels::{self, Role, Stored, UncertaintyKind};
use crate::recipe::{Family, Plane};
use crate::shape::Area;

/// Bytes by which the pixels of one plane of a tile stand off the end of those before. The planes of a tile would else lie a power
/// of two apart, and the pixels that a strip takes from them would fall on few lines of the cache.
const STAGGER: usize = 192;

/// The planes that an output can have.
pub(crate) const NPLANE: usize = 6 + 2 * Family::ALL.len();

/// Which plane of a frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Companion {
    /// The image itself.
    Image,
    /// Its mask: nonzero is bad.
    Mask,
    /// Its uncertainty.
    Uncertainty(UncertaintyKind),
    /// The mask that holds for every frame.
    BadPixels,
    /// A plane of a master that holds for every frame.
    Master(Role, pixels::Companion),
}

/// Planes of consecutive frames that are stored alike.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Which planes.
    pub(crate) companion: Companion,
    /// How their pixels are stored.
    pub(crate) stored: Stored,
    /// The frames.
    pub(crate) frames: Range<usize>,
    /// Where in a tile the first of them begins, in bytes.
    start: usize,
    /// Bytes from one to the next.
    step: usize,
}

impl Group {
    /// Where in a tile the plane of `frame` begins, in bytes.
    fn start_of(&self, frame: usize) -> usize {
        self.start + (frame - self.frames.start) * self.step
    }
}

/// How a tile is laid out: the stored bytes of each plane of each frame, then the bytes of each plane of the output.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The planes that are read.
    pub(crate) groups: Vec<Group>,
    /// The planes that are written, with the bytes of a pixel of each.
    pub(crate) planes: Vec<(Plane, usize)>,
    /// Pixels that a tile of results holds at most.
    capacity: usize,
    /// Bytes of a pixel of what is told of its samples.
    told: usize,
    /// Bytes of all that is read.
    nraw: usize,
}

/// A plane of a frame as a tile holds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TilePlane {
    /// Which plane.
    pub(crate) companion: Companion,
    /// Of which frame.
    pub(crate) frame: usize,
    /// How its pixels are stored.
    pub(crate) stored: Stored,
}

impl Layout {
    /// Lays out tiles of `capacity` pixels for the planes `raw`, sorted by companion and frame, and an output of `planes`.
    pub(crate) fn new(
        raw: impl Iterator<Item = TilePlane>,
        planes: Vec<(Plane, usize)>,
        capacity: usize,
    ) -> Self {
        Self::around(raw, planes, [capacity; 2], 0)
    }

    /// The same for tiles of which more pixels are read than combined, and more is told than the planes.
    pub(crate) fn around(
        raw: impl Iterator<Item = TilePlane>,
        planes: Vec<(Plane, usize)>,
        [read, capacity]: [usize; 2],
        told: usize,
    ) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let mut nraw = 0;
        for plane in raw {
            let step = (read * plane.stored.bitpix.nbyte()).next_multiple_of(64) + STAGGER;
            match groups.last_mut() {
                Some(group)
                    if group.companion == plane.companion
                        && group.stored == plane.stored
                        && group.frames.end == plane.frame =>
                {
                    group.frames.end += 1;
                }
                _ => groups.push(Group {
                    companion: plane.companion,
                    stored: plane.stored,
                    frames: plane.frame..plane.frame + 1,
                    start: nraw,
                    step,
                }),
            }
            nraw += step;
        }
        Self {
            groups,
            planes,
            capacity,
            told,
            nraw,
        }
    }

    /// Bytes of a raw tile whose pixels take `raw` bytes in `nplane` planes: at most what such a tile takes, without a list of the planes.
    pub(crate) fn estimate(raw: usize, nplane: usize, capacity: usize) -> Option<usize> {
        raw.checked_mul(capacity)?
            .checked_add(nplane.checked_mul(STAGGER + 63)?)
    }

    /// The planes that are read, with their place in a tile for an area of `npixel` pixels.
    fn places(&self, npixel: usize) -> impl Iterator<Item = (&Group, usize, Range<usize>)> {
        self.groups.iter().flat_map(move |group| {
            group.frames.clone().map(move |frame| {
                let start = group.start_of(frame);
                (
                    group,
                    frame,
                    start..start + npixel * group.stored.bitpix.nbyte(),
                )
            })
        })
    }
}

/// The stored bytes of an area of every frame, in the hands of one thread.
#[derive(Debug)]
pub(crate) struct RawTile {
    layout: Arc<Layout>,
    bytes: Vec<u8>,
}

impl RawTile {
    /// Makes a tile.
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        Self {
            bytes: vec![0; layout.nraw],
            layout,
        }
    }

    /// Fills the tile with `area`: `read` is handed each plane of each frame with the room for its bytes.
    pub(crate) fn fill<E>(
        &mut self,
        area: &Area,
        mut read: impl FnMut(Companion, usize, &mut [u8]) -> Result<(), E>,
    ) -> Result<RawView<'_>, E> {
        for (group, frame, place) in self.layout.places(area.npixel()) {
            read(group.companion, frame, &mut self.bytes[place])?;
        }
        Ok(RawView {
            layout: &self.layout,
            bytes: &self.bytes,
        })
    }
}

/// What the work room may read of a tile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawView<'a> {
    layout: &'a Layout,
    bytes: &'a [u8],
}

impl<'a> RawView<'a> {
    /// The planes in the tile.
    pub(crate) fn groups(self) -> &'a [Group] {
        &self.layout.groups
    }

    /// The stored bytes of a run of pixels of one frame of a group.
    pub(crate) fn bytes(self, group: &Group, frame: usize, pixels: &Range<usize>) -> &'a [u8] {
        let nbyte = group.stored.bitpix.nbyte();
        let start = group.start_of(frame);
        &self.bytes[start + pixels.start * nbyte..start + pixels.end * nbyte]
    }
}

/// A run of pixels of the output: the bytes of each plane, in the order of the layout.
#[derive(Debug)]
pub(crate) struct OutStrip<'a> {
    /// The pixels, counted from the corner of the tile along its rows.
    pub(crate) pixels: Range<usize>,
    /// Big-endian bytes, a slice a plane.
    pub(crate) planes: [&'a mut [u8]; NPLANE],
}

/// Room for the output bytes of an area.
#[derive(Debug)]
pub(crate) struct EmptyTile {
    layout: Arc<Layout>,
    planes: Vec<Vec<u8>>,
    /// What is told of the samples of each pixel.
    told: Vec<u8>,
}

/// The output bytes of an area.
#[derive(Debug)]
pub(crate) struct CombinedTile {
    memory: EmptyTile,
    area: Area,
}

impl EmptyTile {
    /// Makes a tile.
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        let planes = layout
            .planes
            .iter()
            .map(|(_, nbyte)| vec![0; nbyte * layout.capacity])
            .collect();
        let told = vec![0; layout.told * layout.capacity];
        Self {
            layout,
            planes,
            told,
        }
    }

    /// Room for what is told of the samples of so many pixels.
    pub(crate) fn told(&mut self, npixel: usize) -> &mut [u8] {
        &mut self.told[..npixel * self.layout.told]
    }

    /// Cuts `area` into strips of `npixel` pixels, and has `work` fill them one after another.
    pub(crate) fn combine<E>(
        self,
        area: Area,
        npixel: usize,
        work: impl FnMut(&mut OutStrip<'_>) -> Result<(), E>,
    ) -> Result<CombinedTile, E> {
        self.combine_behind(0, area, npixel, work)
    }

    /// The same where so many pixels were read that stand before the area.
    pub(crate) fn combine_behind<E>(
        mut self,
        lead: usize,
        area: Area,
        npixel: usize,
        mut work: impl FnMut(&mut OutStrip<'_>) -> Result<(), E>,
    ) -> Result<CombinedTile, E> {
        let total = area.npixel();
        for first in (0..total).step_by(npixel) {
            let pixels = first..total.min(first + npixel);
            let mut planes: [&mut [u8]; NPLANE] = Default::default();
            let room = self.planes.iter_mut().zip(&self.layout.planes);
            for (strip, (plane, (_, nbyte))) in planes.iter_mut().zip(room) {
                *strip = &mut plane[pixels.start * nbyte..pixels.end * nbyte];
            }
            let pixels = lead + pixels.start..lead + pixels.end;
            work(&mut OutStrip { pixels, planes })?;
        }
        Ok(CombinedTile { memory: self, area })
    }
}

impl CombinedTile {
    /// The area that the tile holds.
    pub(crate) fn area(&self) -> &Area {
        &self.area
    }

    /// The output bytes of each plane.
    pub(crate) fn planes(&self) -> impl Iterator<Item = (Plane, &[u8])> {
        let npixel = self.area.npixel();
        let EmptyTile { layout, planes, .. } = &self.memory;
        layout
            .planes
            .iter()
            .zip(planes)
            .map(move |((plane, nbyte), bytes)| (*plane, &bytes[..npixel * nbyte]))
    }

    /// What is told of the samples of each pixel.
    pub(crate) fn told(&self) -> &[u8] {
        &self.memory.told[..self.area.npixel() * self.memory.layout.told]
    }

    /// Sends the memory home.
    pub(crate) fn empty(self) -> EmptyTile {
        self.memory
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pixels::Bitpix;

    #[test]
    fn a_tile_is_filled_and_strips_of_it_are_combined() {
        let stored = |bitpix| Stored {
            bitpix,
            bscale: 1.0,
            bzero: 0.0,
            blank: None,
        };
        let raw = [Bitpix::U8, Bitpix::U8, Bitpix::I16]
            .into_iter()
            .enumerate()
            .map(|(frame, bitpix)| TilePlane {
                companion: Companion::Image,
                frame,
                stored: stored(bitpix),
            });
        let layout = Arc::new(Layout::new(
            raw,
            vec![(Plane::Data, 4), (Plane::Mask, 1)],
            100,
        ));
        assert_eq!(layout.groups.len(), 2);
        let estimate = Layout::estimate(4, 3, 100).unwrap_or(0);
        assert!(layout.nraw <= estimate, "{} {estimate}", layout.nraw);
        let area = Area {
            rows: 2..4,
            cols: 0..35,
        };
        let mut raw = RawTile::new(Arc::clone(&layout));
        let view = raw.fill(&area, |_, frame, bytes| {
            bytes.fill(u8::try_from(frame).map_err(|_| ())?);
            Ok::<(), ()>(())
        });
        let view = view.expect("these are read");
        assert_eq!(view.bytes(&view.groups()[1], 2, &(64..70)), [2; 12]);
        let mut strips = Vec::new();
        let combined = EmptyTile::new(layout).combine(area.clone(), 32, |strip| {
            strip.planes[0].fill(1);
            strips.push((strip.pixels.clone(), strip.planes[0].len()));
            Ok::<(), ()>(())
        });
        assert_eq!(strips, [(0..32, 128), (32..64, 128), (64..70, 24)]);
        assert_eq!(
            combined.map(|tile| (
                tile.area().clone(),
                tile.planes().map(|(_, bytes)| bytes.to_vec()).collect()
            )),
            Ok((area, vec![vec![1; 280], vec![0; 70]]))
        );
    }
    proptest! {
        #[test]
        fn planes_of_a_tile_never_overlap_and_take_what_is_planned(
            kinds in prop::collection::vec(0_usize..3, 1..40), capacity in 1_usize..2000,
        ) {
            let bitpix = |kind: &usize| [Bitpix::U8, Bitpix::I16, Bitpix::F64][*kind];
            let plane = |(frame, kind): (usize, &usize)| TilePlane {
                companion: Companion::Image,
                frame,
                stored: Stored { bitpix: bitpix(kind), bscale: 1.0, bzero: 0.0, blank: None },
            };
            let raw = kinds.iter().enumerate().map(plane);
            let layout = Layout::new(raw, vec![(Plane::Data, 4)], capacity);
            let nbyte = kinds.iter().map(|kind| bitpix(kind).nbyte()).sum();
            prop_assert!(Layout::estimate(nbyte, kinds.len(), capacity).is_some_and(|most| layout.nraw <= most));
            let mut end = 0;
            let mut frames = 0..;
            for (group, frame, place) in layout.places(capacity) {
                prop_assert_eq!(Some(frame), frames.next());
                prop_assert!(end <= place.start);
                prop_assert_eq!(place.len(), capacity * group.stored.bitpix.nbyte());
                end = place.end;
            }
            prop_assert_eq!(frames.start, kinds.len());
            prop_assert!(end <= layout.nraw);
        }
    }
}
