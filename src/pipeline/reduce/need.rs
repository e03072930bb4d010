//! What a run over files needs memory for: found by opening each once.

use super::chip::Chip;
use crate::error::Result;
use crate::pipeline::ceiling;
use crate::pipeline::unpacking::{Ground, PackedChip};
use crate::plan::{Around, Demand, Grid, Packing, Plan, Unpacking};
use crate::recipe::Resources;
use crate::shape::Shape;
use crate::source;
use crate::units::ByteSize;

/// Files of a batch at most: with so many, what their masters take is little beside what they take themselves.
const MOST: usize = 16;

/// What the frames of a run need at most.
#[derive(Debug, Default)]
pub(super) struct Need {
    /// Shape of the frame with most pixels.
    shape: Option<Shape>,
    /// Bytes of all frames.
    nbyte: u64,
    pixel_nbyte: usize,
    nplane: usize,
    scratch_nbyte: usize,
    /// Bytes that are held of a file until all of its batch are done.
    held_nbyte: usize,
    /// Files that are open for a frame.
    nfile: usize,
    /// Bytes that are mapped for a frame.
    mapped: u64,
    /// Bytes of the names of the files, and of what is told of them.
    text_nbyte: u64,
    /// What the packed frames need, and how many are unpacked by rows, and once.
    packed: PackedChip,
    npacked: [usize; 2],
}

impl Need {
    /// Adds a file of that many bytes of name.
    pub(super) fn add(&mut self, name_nbyte: usize, chips: &[Chip<'_>]) -> Result<()> {
        self.text_nbyte += name_nbyte as u64 * 3;
        for chip in chips {
            let npixel = chip.shape().npixel();
            if self.shape.is_none_or(|shape| npixel > shape.npixel()) {
                self.shape = Some(chip.shape());
            }
            self.nbyte += chip.nbyte();
            self.pixel_nbyte = self.pixel_nbyte.max(chip.pixel_nbyte());
            self.nplane = self.nplane.max(chip.nplane());
            self.scratch_nbyte = self.scratch_nbyte.max(chip.scratch_nbyte()?);
            self.held_nbyte = self.held_nbyte.max(chip.held_nbyte(chips.len()));
            self.text_nbyte += chip.told_nbyte() as u64;
            let packed = chip.packed();
            self.text_nbyte += packed.kept;
            if packed.is_packed() {
                self.npacked[usize::from(packed.is_once())] += 1;
            }
            self.packed.cover(&packed);
            let (nfile, mapped) = chip.files();
            (self.nfile, self.mapped) = (self.nfile.max(nfile), self.mapped.max(mapped));
        }
        Ok(())
    }

    /// Plans a run over `nfile` files, and says how many files a batch has. Of no frames nothing is planned.
    pub(super) fn plan(
        &self,
        ground: &Ground<'_>,
        nfile: usize,
        resources: &Resources,
    ) -> Result<(Plan, usize)> {
        let Some(shape) = self.shape else {
            return Ok((Plan::default(), 1));
        };
        let demand = |batch: usize| Demand {
            process: ground.process.0,
            nframe: nfile,
            shape,
            raw_nbyte: self.pixel_nbyte,
            nplane: self.nplane,
            out_nbyte: 0,
            tally_nbyte: 0,
            around: Around::default(),
            text_nbyte: self.text_nbyte + (batch * self.held_nbyte) as u64,
            threads: resources.threads,
            scratch_nbyte: self.scratch_nbyte,
            mapped: (self.mapped > 0).then_some(batch as u64 * self.mapped),
            nfile: batch * self.nfile,
            measure_nbyte: None,
            packing_nbyte: None,
            again: false,
            walks: vec![self.nbyte],
            unpacking: Unpacking {
                // Whole rows, so that no tile of a row is unpacked twice.
                grid: (self.packed.desk > 0).then_some(Grid::new(1, 0)),
                desk_nbyte: self.packed.desk,
                image_nbyte: self.packed.image,
                master_nbyte: self.packed.master,
                ..ground.unpacking()
            },
        };
        let [by_rows, once] = self.npacked;
        let packing = |batch: usize| Packing {
            plain: nfile.saturating_sub(by_rows + once),
            by_bands: by_rows,
            once,
            once_bytes: ByteSize(batch.min(once) as u64 * self.packed.once),
            ..ground.packing()
        };
        let limit = resources.mem_limit;
        let mut alone = ceiling::plan(&demand(1), limit)?;
        alone.packing = packing(1);
        let files = usize::try_from(source::spare_descriptors()).unwrap_or(usize::MAX);
        let most = MOST.min(nfile).min(files / self.nfile.max(1)).max(1);
        for batch in (2..=most).rev() {
            match ceiling::plan(&demand(batch), limit) {
                // Together they must not take the room that long runs of pixels need.
                Ok(mut plan) if 2 * plan.capacity() >= alone.capacity() => {
                    plan.smallest = alone.smallest;
                    plan.packing = packing(batch);
                    return Ok((plan, batch));
                }
                // One alone fits, so that an error says that so many do not.
                Ok(_) | Err(_) => {}
            }
        }
        Ok((alone, 1))
    }
}
