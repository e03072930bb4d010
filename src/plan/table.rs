//! A plan as `--dry-run` prints it.

use std::fmt;

use super::allowance::COMBINING;
use super::{Demand, Packing, Part, Plan};
use crate::units::ByteSize;

impl Demand {
    /// Resident memory, part by part.
    pub(super) fn parts(
        &self,
        capacity: usize,
        [measurers, unpackers, packers]: [usize; 3],
    ) -> Vec<Part> {
        let part = |name: String, size: u64| Part {
            name,
            size: ByteSize(size),
        };
        let threads = self.workers();
        let [raw, out] = self.tiles(capacity).unwrap_or_default();
        let mut parts = vec![
            part("process".into(), self.process() + COMBINING),
            part(format!("{} frames and headers", self.nframe), self.frames()),
            part(format!("{threads} tiles of frames"), raw),
            part(format!("{} tiles of results", self.ntile()), out),
            part(format!("scratch of {threads} threads"), self.scratch()),
            part(
                format!("packed tiles of {} threads", self.threads),
                self.desks(),
            ),
            part(
                format!("first walk, {measurers} threads (before the tiles)"),
                self.measuring(measurers),
            ),
            part(
                format!("unpacking, {unpackers} threads (before the tiles)"),
                unpackers as u64 * self.unpacker(),
            ),
            part(
                format!(
                    "unpacking files, {} threads (first)",
                    self.unpacking.file_threads
                ),
                self.files(self.unpacking.file_threads),
            ),
            part(
                format!("packing the output, {packers} threads (last)"),
                self.packing(packers),
            ),
        ];
        parts.retain(|part| part.size.0 > 0);
        parts
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, purpose) = if self.one_by_one {
            ("each at most, calibrated", "to calibrate")
        } else {
            ("combined", "to combine")
        };
        writeln!(f, "{} frames, {} pixels {done}", self.frames, self.shape)?;
        for step in &self.clip {
            writeln!(f, "clip {step}")?;
        }
        let how = if self.mapped { "mapped" } else { "read" };
        let cut = if self.tile_cols < self.shape.ncol {
            format!("{} of {} columns", self.tile_cols, self.shape.ncol)
        } else {
            format!("{} rows", self.tile_rows)
        };
        let halo = match self.halo {
            0 => String::new(),
            halo => format!(", each read with {halo} more above and below"),
        };
        writeln!(
            f,
            "{} tiles of {cut}{halo}, {} at a time; frames are {how}",
            self.bands, self.threads
        )?;
        for (index, bytes) in self.walks.iter().enumerate() {
            let walk = if index + 1 == self.walks.len() {
                purpose
            } else {
                "to measure"
            };
            writeln!(f, "reads {} {walk}", ByteSize(*bytes))?;
        }
        if self.rejected.0 > 0 {
            let rejected = self.rejected;
            writeln!(
                f,
                "notes {rejected} on the disk beside the output meanwhile, of the samples that are rejected"
            )?;
        }
        writeln!(f, "{}memory:", self.packing)?;
        for part in &self.parts {
            writeln!(f, "  {:44} {:>10}", part.name, part.size.to_string())?;
        }
        writeln!(
            f,
            "  {:44} {:>10}",
            "peak resident",
            self.resident.to_string()
        )?;
        writeln!(
            f,
            "  {:44} {:>10}",
            "kept free (code, page tables, huge pages)",
            self.reserve.to_string()
        )?;
        writeln!(f, "  {:44} {:>10}", "--mem-limit", self.limit.to_string())?;
        write!(
            f,
            "  {:44} {:>10}",
            "smallest --mem-limit that would do",
            self.smallest.to_string()
        )
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            plain,
            by_bands,
            once,
            once_bytes,
            files,
            files_bytes,
            temp_dir,
        } = self;
        let folder = temp_dir.display();
        if *files > 0 {
            writeln!(
                f,
                "{files} files are packed as a whole: unpacked once to {folder}, {files_bytes}"
            )?;
        }
        if *by_bands > 0 {
            writeln!(
                f,
                "{by_bands} frames are packed in tiles: unpacked by row bands"
            )?;
        }
        if *once > 0 {
            writeln!(
                f,
                "{once} frames are packed in tiles: unpacked once to {folder}, {once_bytes}"
            )?;
        }
        if *plain > 0 && by_bands + once > 0 {
            writeln!(f, "{plain} frames are not packed in tiles")?;
        }
        Ok(())
    }
}
