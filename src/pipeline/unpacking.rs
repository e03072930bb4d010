//! Unpacking, before the walks: files that are packed as a whole, and packed images whose tiles are larger than row bands serve.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::by_frame::by_frame;
use crate::error::{Error, Result};
use crate::pixels;
use crate::plan::{self, Grid, Packing, Plan, Unpacking};
use crate::recipe::{Frames, Resources};
use crate::shape::Area;
use crate::source::{self, Frame, FrameList, Masters, Reader, Tiles, Unpacked, Wanted};
use crate::sys;
use crate::units::ByteSize;
use crate::watch::{Walk, Watch};

/// What a run stands on before it opens a frame.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    /// What the process took at the start.
    pub(super) process: ByteSize,
    /// What was unpacked.
    pub(super) unpacked: Unpacked<'a>,
    /// Bytes of a thread that unpacked files, and how many did.
    file_nbyte: u64,
    file_threads: usize,
}

/// What is unpacked of the files of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// All, and a file that cannot be unpacked ends the run.
    All,
    /// All that can be unpacked.
    AllThatCan,
    /// Only headers, for a plan.
    Headers,
}

impl<'a> Ground<'a> {
    /// Unpacks the files among these frames that are packed as a whole; `beside` is where the output goes.
    pub(super) fn new(
        frames: &Frames,
        resources: &Resources,
        beside: &Path,
        depth: Depth,
        watch: &'a Watch,
    ) -> Result<Self> {
        let process = sys::resident().unwrap_or_default();
        let Resources {
            mem_limit,
            threads,
            io,
            temp_dir,
        } = resources;
        let folder = temp_dir.as_deref().unwrap_or(beside);
        if let Some(folder) = temp_dir.as_ref().filter(|folder| !folder.is_dir()) {
            return Err(Error::Temporary {
                folder: folder.clone(),
                fault: "is no folder".into(),
            });
        }
        let unpacked = Unpacked::new(folder, *io, *mem_limit, depth == Depth::Headers, watch);
        let mut seen = HashSet::new();
        let names = source::expand(&frames.names)?.into_iter();
        let names = names.filter(|named| seen.insert(named.path.clone()));
        let wanted: Vec<Wanted> = names.filter_map(|named| Wanted::of(&named.path)).collect();
        let file_nbyte = wanted.iter().map(|wanted| wanted.nbyte).max().unwrap_or(0);
        let most = (*threads).min(wanted.len());
        let mut ground = Self {
            process,
            unpacked,
            file_nbyte,
            file_threads: plan::file_threads(*mem_limit, process, file_nbyte, most),
        };
        ground.unpack(&wanted, depth, watch)?;
        Ok(ground)
    }

    fn unpack(&mut self, wanted: &[Wanted], depth: Depth, watch: &Watch) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        watch.begin(
            Walk::Unpacking,
            wanted.iter().map(|wanted| wanted.length).sum(),
        );
        by_frame(
            self.file_threads,
            wanted.len(),
            || (),
            |(), file| {
                let told = |nbyte| watch.advance(nbyte);
                match self.unpacked.unpack(&wanted[file].path, &told) {
                    // It is said again when the frame is opened.
                    Err(Error::Frame { .. } | Error::Io { .. }) if depth != Depth::All => Ok(()),
                    done => done,
                }
            },
        )
        .map(drop)
    }

    /// What the plan is to know of the files.
    fn unpacking(&self) -> Unpacking {
        Unpacking {
            file_nbyte: self.file_nbyte,
            file_threads: self.file_threads,
            ..Unpacking::default()
        }
    }

    /// What the plan is to know of a frame that is unpacked some rows at a time.
    pub(super) fn unpacking_rows(&self, desk_nbyte: u64) -> Unpacking {
        Unpacking {
            desk_nbyte,
            ..self.unpacking()
        }
    }

    /// Which files are packed; of the frames nothing is said.
    pub(super) fn packing(&self) -> Packing {
        let (files, nbyte) = self.unpacked.files();
        Packing {
            files,
            files_bytes: ByteSize(nbyte),
            temp_dir: self.unpacked.folder().to_owned(),
            ..Packing::default()
        }
    }
}

/// The folder in which a file stands.
pub(super) fn beside(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The packed planes of a frame: of its image, its mask and its uncertainty.
pub(super) fn packed_planes(frame: &Frame) -> [Option<(&Arc<Tiles>, pixels::Image)>; 3] {
    let uncertainty = frame.uncertainty.map(|(image, _)| image);
    [Some(frame.image), frame.mask, uncertainty].map(|image| {
        let image = image?;
        Some((frame.packed.as_ref()?.tiles(&image)?, image))
    })
}

/// Bytes of a thread that unpacks a frame some rows at a time, all its planes in turn.
pub(super) fn desk_nbyte(frame: &Frame) -> u64 {
    let planes = packed_planes(frame).into_iter().flatten();
    planes.fold(0, |sum, (tiles, _)| sum.saturating_add(tiles.desk_nbyte()))
}

/// Bytes that are kept of what is packed of a frame, beside the frame itself.
pub(super) fn packed_nbyte(frame: &Frame) -> u64 {
    frame.packed.as_ref().map_or(0, |packed| packed.nbyte())
}

/// Bytes that unpacking the largest of the masters takes.
pub(super) fn master_nbyte(masters: &Masters, list: &FrameList) -> u64 {
    let masters = masters.all().filter_map(|(_, master)| master.packed.as_ref());
    let bad_pixels = list.bad_pixels.iter().filter_map(|mask| mask.packed.as_ref());
    let files = masters.chain(bad_pixels);
    let images = files.flat_map(|packed| packed.all_tiles());
    let each = images.map(|tiles| tiles.desk_nbyte().saturating_add(tiles.written_nbyte()));
    each.max().unwrap_or(0)
}

/// The packed images of a list.
#[derive(Debug)]
pub(super) struct PackedImages<'a> {
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
    fn is_by_bands(&self, bands: Bands) -> bool {
        !self.tiles.is_deep() && bands.is_some_and(|grid| grid.serves(self.grid))
    }
}

/// So many heights of tiles are tried for row bands.
const MOST_GRIDS: usize = 4;

/// How packed images are unpacked: by row bands that end on this grid if that serves them, else once.
pub(super) type Bands = Option<Grid>;

impl<'a> PackedImages<'a> {
    /// The packed images of a list, of which `region` is combined.
    pub(super) fn of(list: &'a FrameList, region: &Area) -> Self {
        let mut known = std::collections::HashMap::new();
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

    /// The ways to unpack them: by bands on the grid of the tallest tiles, on those of lower ones, and all once.
    pub(super) fn ways(&self) -> Vec<Bands> {
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
    fn once(&self, bands: Bands) -> impl Iterator<Item = &PackedImage<'a>> {
        self.images
            .iter()
            .filter(move |image| !image.is_by_bands(bands))
    }

    /// What the plan is to know.
    pub(super) fn unpacking(&self, ground: &Ground<'_>, bands: Bands) -> Unpacking {
        let any = self.images.iter().any(|image| image.is_by_bands(bands));
        let once = self.once(bands).map(|image| {
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
            let by_bands = images.filter(|image| image.is_by_bands(bands));
            by_bands
                .map(|image| image.tiles.desk_nbyte())
                .max()
                .unwrap_or(0)
        };
        Unpacking {
            grid: bands.filter(|_| any),
            desk_nbyte: (0..3).map(desk).fold(0, u64::saturating_add),
            image_nbyte: once.max().unwrap_or(0),
            ..ground.unpacking()
        }
    }

    /// Which frames are unpacked how.
    pub(super) fn packing(&self, ground: &Ground<'_>, bands: Bands) -> Packing {
        let mut packing = ground.packing();
        for planes in &self.of_frames {
            let mut images = planes.iter().flatten().map(|number| &self.images[*number]);
            let is_packed = planes.iter().any(Option::is_some);
            let count = match (is_packed, images.all(|image| image.is_by_bands(bands))) {
                (false, _) => &mut packing.plain,
                (true, true) => &mut packing.by_bands,
                (true, false) => &mut packing.once,
            };
            *count += 1;
        }
        let nbyte = self.once(bands).map(|image| image.tiles.nbyte());
        packing.once_bytes = ByteSize(nbyte.fold(0, u64::saturating_add));
        packing
    }

    /// Unpacks the images that are not unpacked by bands.
    pub(super) fn unpack(
        &self,
        ground: &Ground<'_>,
        bands: Bands,
        (reader, plan): (&Reader<'_>, &Plan),
        watch: &Watch,
    ) -> Result<()> {
        let images: Vec<_> = self.once(bands).collect();
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
            || (),
            |(), index| {
                let PackedImage { tiles, frame, .. } = *images[index];
                reader.unpack(frame, tiles, (&to, starts[index]), |nbyte| {
                    watch.advance(nbyte);
                    watch.check()
                })
            },
        )
        .map(drop)
    }
}
