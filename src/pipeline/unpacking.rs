//! Unpacking, before the walks: files that are packed as a whole, and packed images whose tiles are larger than row bands serve.

mod chips;
mod images;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::by_frame::by_frame;
use crate::error::{Error, Result};
use crate::pixels;
use crate::plan::{self, Packing, Unpacking};
use crate::recipe::{Frames, Io, Resources};
use crate::source::{self, Desks, Frame, FrameList, Masters, Reader, Tiles, Unpacked, Wanted};
use crate::sys;
use crate::units::ByteSize;
use crate::watch::{Walk, Watch};

pub(super) use chips::PackedChip;
pub(super) use images::PackedImages;

/// What a run stands on before it opens a frame.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    /// What the process took at the start.
    pub(super) process: ByteSize,
    /// What was unpacked.
    pub(super) unpacked: Unpacked<'a>,
    /// Where threads unpack tiles.
    desks: Desks,
    io: Io,
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
            desks: Desks::new(*threads),
            io: *io,
            file_nbyte,
            file_threads: plan::file_threads(*mem_limit, process, file_nbyte, most),
        };
        let depth = match depth {
            // Those that cannot be unpacked are damaged.
            Depth::All if frames.skip_bad => Depth::AllThatCan,
            depth => depth,
        };
        ground.unpack(&wanted, depth, watch)?;
        Ok(ground)
    }

    /// What reads the frames and masters of one image.
    pub(super) fn reader<'l>(
        &'l self,
        list: &'l FrameList,
        masters: &'l Masters,
    ) -> Result<Reader<'l>> {
        Reader::new(list, masters, self.io, &self.desks)
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
                    done => done.map_err(Error::damaged),
                }
            },
        )
        .map(drop)
    }

    /// What the plan is to know of the files.
    pub(super) fn unpacking(&self) -> Unpacking {
        Unpacking {
            file_nbyte: self.file_nbyte,
            file_threads: self.file_threads,
            ..Unpacking::default()
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

/// Bytes that are kept of what is packed of a frame, beside the frame itself.
pub(super) fn packed_nbyte(frame: &Frame) -> u64 {
    frame.packed.as_ref().map_or(0, |packed| packed.nbyte())
}

/// Bytes that unpacking the largest of the masters takes.
pub(super) fn master_nbyte(masters: &Masters, list: &FrameList) -> u64 {
    let masters = masters
        .all()
        .filter_map(|(_, master)| master.packed.as_ref());
    let bad_pixels = list
        .bad_pixels
        .iter()
        .filter_map(|mask| mask.packed.as_ref());
    let files = masters.chain(bad_pixels);
    let images = files.flat_map(|packed| packed.all_tiles());
    let each = images.map(|tiles| tiles.desk_nbyte().saturating_add(tiles.written_nbyte()));
    each.max().unwrap_or(0)
}
