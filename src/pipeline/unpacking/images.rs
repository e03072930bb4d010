//! The packed images of a stack: by row bands where that serves, else once.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Ground, packed_planes};
use crate::error::Result;
use crate::pipeline::by_frame::by_frame;
use crate::pipeline::ceiling;
use crate::pixels;
use crate::plan::{Demand, Grid, Packing, Plan, Unpacking};
use crate::shape::Area;
use crate::source::{Desk, FrameList, Reader, Tiles};
use crate::units::ByteSize;
use crate::watch::{Walk, Watch};

/// The packed images of a list.
#[derive(Debug)]
pub(in crate::pipeline) struct PackedImages<'a> {
    images: Vec<PackedImage<'a>>,
    /// Those of each frame, by their numbers: of image, mask and uncertainty.
    of_frames: Vec<[Option<usize>; 3]>,
}

#[derive(Debug)]
struct PackedImage<'a> {
    tiles: &'a Arc<Tiles>,
    /// A frame in whose file it stands.
    frame: usize,
    /// Where its tiles end, seen from what is combined.
    grid: Grid,
}

impl PackedImage<'_> {
    fn is_by_bands(&self, grid: Option<Grid>) -> bool {
        !self.tiles.is_deep() && grid.is_some_and(|grid| grid.serves(self.grid))
    }
}

/// So many heights of tiles are tried for row bands.
const MOST_GRIDS: usize = 4;

impl<'a> PackedImages<'a> {
    /// The packed images of a list, of which `region` is combined.
    pub(in crate::pipeline) fn of(list: &'a FrameList, region: &Area) -> Self {
        let mut known = HashMap::new();
        let mut images = Vec::new();
        let mut number = |frame: usize, tiles: &'a Arc<Tiles>, image: &pixels::Image| {
            *known.entry(Arc::as_ptr(tiles)).or_insert_with(|| {
                let row = tiles.first_row(image) + region.rows.start;
                let grid = Grid::new(tiles.height(), row);
                images.push(PackedImage { tiles, frame, grid });
                images.len() - 1
            })
        };
        let frames = list.frames.iter().enumerate();
        let of_frames = frames.map(|(frame, of)| {
            packed_planes(of).map(|plane| plane.map(|(tiles, image)| number(frame, tiles, &image)))
        });
        Self {
            of_frames: of_frames.collect(),
            images,
        }
    }

    /// Chooses how they are unpacked: by row bands, if these are then not too few or too large, else once. `demand` says what a way needs
    /// memory for.
    pub(in crate::pipeline) fn choose(
        &self,
        ground: &Ground<'_>,
        demand: impl Fn(Option<Grid>) -> Result<Demand>,
        limit: ByteSize,
    ) -> Result<(Option<Grid>, Plan)> {
        let mut fitting = Vec::new();
        let mut least: Option<(ByteSize, Option<Grid>, Demand)> = None;
        for grid in self.ways() {
            let demand = demand(grid)?;
            if let Ok(plan) = ceiling::plan(&demand, limit) {
                fitting.push((grid, plan));
            }
            let smallest = demand.least()?;
            if least.as_ref().is_none_or(|(least, ..)| smallest < *least) {
                least = Some((smallest, grid, demand));
            }
        }
        let (smallest, grid, demand) = least.expect("there is always the way of all once");
        let (grid, mut plan) = if fitting.is_empty() {
            (grid, ceiling::plan(&demand, limit)?)
        } else {
            // With bands of tall tiles some threads might find none.
            let serves = |(grid, plan): &(Option<Grid>, Plan)| {
                let tall = grid.is_some_and(|grid| grid.height > 1);
                !tall || plan.threads == 1 || plan.bands >= 2 * plan.threads
            };
            let best = fitting.iter().position(serves).unwrap_or(0);
            fitting.swap_remove(best)
        };
        plan.smallest = smallest;
        plan.packing = self.packing(ground, grid);
        Ok((grid, plan))
    }

    /// The ways to unpack them: by bands on the grid of the tallest tiles, on those of lower ones, and all once.
    fn ways(&self) -> Vec<Option<Grid>> {
        let by_bands = self.images.iter().filter(|image| !image.tiles.is_deep());
        let mut grids: Vec<Grid> = Vec::new();
        for grid in by_bands.map(|image| image.grid) {
            if grids.len() < MOST_GRIDS && grids.iter().all(|other| other.height != grid.height) {
                grids.push(grid);
            }
        }
        grids.sort_by_key(|grid| std::cmp::Reverse(grid.height));
        grids.into_iter().map(Some).chain([None]).collect()
    }

    /// The images that are unpacked once.
    fn once(&self, grid: Option<Grid>) -> impl Iterator<Item = &PackedImage<'a>> {
        self.images
            .iter()
            .filter(move |image| !image.is_by_bands(grid))
    }

    /// What the plan is to know.
    pub(in crate::pipeline) fn unpacking(
        &self,
        ground: &Ground<'_>,
        grid: Option<Grid>,
    ) -> Unpacking {
        let any = self.images.iter().any(|image| image.is_by_bands(grid));
        let once = self.once(grid).map(|image| {
            let tiles = image.tiles;
            tiles.desk_nbyte().saturating_add(tiles.written_nbyte())
        });
        // Planes of a frame are read in turn, and tiles of each are held.
        let desk = |plane: usize| {
            let numbers = self
                .of_frames
                .iter()
                .filter_map(move |planes| planes[plane]);
            let images = numbers.map(|number| &self.images[number]);
            let by_bands = images.filter(|image| image.is_by_bands(grid));
            by_bands
                .map(|image| image.tiles.desk_nbyte())
                .max()
                .unwrap_or(0)
        };
        Unpacking {
            grid: grid.filter(|_| any),
            desk_nbyte: (0..3).map(desk).fold(0, u64::saturating_add),
            image_nbyte: once.max().unwrap_or(0),
            ..ground.unpacking()
        }
    }

    /// Which frames are unpacked how.
    fn packing(&self, ground: &Ground<'_>, grid: Option<Grid>) -> Packing {
        let mut packing = ground.packing();
        for planes in &self.of_frames {
            let mut images = planes.iter().flatten().map(|number| &self.images[*number]);
            let is_packed = planes.iter().any(Option::is_some);
            let count = match (is_packed, images.all(|image| image.is_by_bands(grid))) {
                (false, _) => &mut packing.plain,
                (true, true) => &mut packing.by_bands,
                (true, false) => &mut packing.once,
            };
            *count += 1;
        }
        let nbyte = self.once(grid).map(|image| image.tiles.nbyte());
        packing.once_bytes = ByteSize(nbyte.fold(0, u64::saturating_add));
        packing
    }

    /// Unpacks the images that are not unpacked by bands.
    pub(in crate::pipeline) fn unpack(
        &self,
        ground: &Ground<'_>,
        grid: Option<Grid>,
        (reader, plan): (&Reader<'_>, &Plan),
        watch: &Watch,
    ) -> Result<()> {
        let images: Vec<_> = self.once(grid).collect();
        if images.is_empty() {
            return Ok(());
        }
        let mut starts = Vec::with_capacity(images.len());
        let mut nbyte = 0_u64;
        for image in &images {
            starts.push(nbyte);
            nbyte = nbyte.saturating_add(image.tiles.nbyte());
        }
        watch.begin(Walk::Unpacking, nbyte);
        let to = ground.unpacked.room(nbyte)?;
        by_frame(
            plan.unpackers.max(1),
            images.len(),
            Desk::default,
            |desk, index| {
                let PackedImage { tiles, frame, .. } = *images[index];
                reader.unpack(frame, tiles, (&to, starts[index]), desk, |nbyte| {
                    watch.advance(nbyte);
                    watch.check()
                })
            },
        )
        .map(drop)
    }
}
