//! A plan as `--dry-run` prints it.

use std::fmt;

use super::Plan;
use crate::units::ByteSize;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, purpose) = if self.one_by_one {
            ("each at most, calibrated", "to calibrate")
        } else {
            ("combined", "to combine")
        };
        writeln!(f, "{} frames, {} pixels {done}", self.frames, self.shape)?;
        let how = if self.mapped { "mapped" } else { "read" };
        let cut = if self.tile_cols < self.shape.ncol {
            format!("{} of {} columns", self.tile_cols, self.shape.ncol)
        } else {
            format!("{} rows", self.tile_rows)
        };
        writeln!(
            f,
            "{} tiles of {cut}, {} at a time; frames are {how}",
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
        writeln!(f, "memory:")?;
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
