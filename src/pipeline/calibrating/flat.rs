//! What calibration has to know of the flat before the first sample: its norm, and how many of its pixels are good for nothing.

use super::super::survey::CHUNK_NPIXEL;
use crate::calibrate::flat_samples;
use crate::decode::{decode_mask_run, decode_run};
use crate::error::{Error, Result};
use crate::header::printable;
use crate::kernel::Width;
use crate::measure::{self, FrameRows, Wanted};
use crate::pixels::{Companion, Image, Role, SampleType};
use crate::recipe::{Flat, FlatNorm};
use crate::shape::Area;
use crate::source::{Master, Masters, Reader};
use crate::watch::Watch;

/// What is measured of a flat for its norm, if anything.
fn wanted(flat: &Flat) -> Option<Wanted> {
    match flat.norm {
        FlatNorm::Value(_) => None,
        FlatNorm::Mean => Some(Wanted {
            mean: true,
            ..Wanted::default()
        }),
        FlatNorm::Median => Some(Wanted {
            median: true,
            ..Wanted::default()
        }),
    }
}

/// The images of a flat that its norm is measured on.
fn chips(masters: &Masters) -> Vec<(Role, &Master)> {
    let all = masters
        .all()
        .filter(|(role, _)| matches!(role, Role::Chip(_)));
    let chips: Vec<_> = all.collect();
    if chips.is_empty() {
        let flat = masters.flat.as_ref().map(|flat| (Role::Flat, flat));
        return flat.into_iter().collect();
    }
    chips
}

/// Where the norm of a flat is measured.
fn section(flat: &Flat, master: &Master) -> Result<Area> {
    match &flat.section {
        Some(section) => section.within(master.image.shape, "--flat-section"),
        None => Ok(master.image.shape.area()),
    }
}

/// Bytes that measuring the norm of a flat takes.
pub(in crate::pipeline) fn flat_norm_nbyte(flat: &Flat, masters: &Masters) -> Result<usize> {
    let (mut npixel, mut chunk) = (0, 0);
    let chunk_of = |area: &Area| chunk_nrow(area) * area.cols.len();
    for (_, master) in chips(masters) {
        let area = section(flat, master)?;
        npixel += area.npixel();
        chunk = chunk.max(chunk_of(&area));
    }
    if let Some(master) = &masters.flat {
        chunk = chunk.max(chunk_of(&master.image.shape.area()));
    }
    let nbyte = 8 + size_of::<f64>() + size_of::<bool>();
    let measuring = wanted(flat).map_or(0, |wanted| {
        measure::scratch_nbyte(wanted, false, npixel as u64, SampleType::F64)
    });
    Ok(measuring + chunk * nbyte)
}

/// Rows of a flat that are read at a time.
fn chunk_nrow(area: &Area) -> usize {
    (CHUNK_NPIXEL / area.cols.len().max(1)).clamp(1, area.rows.len().max(1))
}

/// What helps where a flat has no norm.
const HELP: &str = "choose another --flat-section, or give --flat-norm a number";

/// What a flat is divided by, and what is to be said of its pixels.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::pipeline) struct FlatLevel {
    pub(in crate::pipeline) norm: f64,
    /// How many of its pixels are good for nothing, where any is.
    pub(in crate::pipeline) remark: Option<String>,
}

impl Default for FlatLevel {
    /// That of no flat.
    fn default() -> Self {
        Self {
            norm: 1.0,
            remark: None,
        }
    }
}

/// The flat on its way from the file, some rows at a time.
struct FlatRows<'a> {
    flat: &'a Flat,
    reader: &'a Reader<'a>,
    width: Width,
    watch: &'a Watch,
    bytes: Vec<u8>,
    masked: Vec<bool>,
    values: Vec<f64>,
}

impl FlatRows<'_> {
    /// Shows the rows of an area of a chip: absent where they are not finite or masked, and raised to the minimum.
    fn show(
        &mut self,
        (role, master): (Role, &Master),
        area: &Area,
        visit: &mut dyn FnMut(&[f64]),
    ) -> Result<()> {
        let step = chunk_nrow(area);
        for first in area.rows.clone().step_by(step) {
            self.watch.check()?;
            let rows = Area {
                rows: first..area.rows.end.min(first + step),
                cols: area.cols.clone(),
            };
            let npixel = rows.npixel();
            self.masked.clear();
            if let Some(Image { stored, .. }) = &master.mask {
                self.masked.resize(npixel, false);
                self.bytes.resize(npixel * stored.bitpix.nbyte(), 0);
                self.reader
                    .read_master(role, Companion::Mask, &rows, &mut self.bytes)?;
                let (bits, masked) = (master.mask_bits, &mut self.masked);
                decode_mask_run(self.width, stored, bits, &self.bytes, masked);
            }
            let stored = master.image.stored;
            self.bytes.resize(npixel * stored.bitpix.nbyte(), 0);
            self.reader
                .read_master(role, Companion::Image, &rows, &mut self.bytes)?;
            self.values.resize(npixel, 0.0);
            decode_run(self.width, &stored, &self.bytes, &mut self.values);
            flat_samples(self.flat.min, &mut self.values, &self.masked);
            visit(&self.values);
        }
        Ok(())
    }
}

/// Finds what a flat is divided by, and counts the pixels of it that are good for nothing.
pub(in crate::pipeline) fn flat_norm(
    flat: &Flat,
    masters: &Masters,
    reader: &Reader<'_>,
    width: Width,
    watch: &Watch,
) -> Result<FlatLevel> {
    let mut rows = FlatRows {
        flat,
        reader,
        width,
        watch,
        bytes: Vec::new(),
        masked: Vec::new(),
        values: Vec::new(),
    };
    let unusable = |values: &[f64]| {
        let good = values.iter().filter(|v| **v > 0.0 && v.is_finite());
        values.len() - good.count()
    };
    // Measured over all of the flat, its pixels are counted on the way.
    let mut nbad = None;
    let whole = flat.section.is_none() && masters.chips.is_empty();
    let norm = match (wanted(flat), flat.norm) {
        (Some(wanted), _) => measured_norm(masters, wanted, &mut rows, &mut |values| {
            if whole {
                nbad = Some(nbad.unwrap_or(0) + unusable(values));
            }
        })?,
        (None, FlatNorm::Value(norm)) => norm,
        (None, _) => 1.0,
    };
    let Some(master) = &masters.flat else {
        return Ok(FlatLevel { norm, remark: None });
    };
    let area = master.image.shape.area();
    let nbad = if let Some(nbad) = nbad {
        nbad
    } else {
        let mut nbad = 0;
        rows.show((Role::Flat, master), &area, &mut |values| {
            nbad += unusable(values);
        })?;
        nbad
    };
    let remark = (nbad > 0).then(|| {
        format!(
            "--flat {}: {nbad} of its {} pixels are masked, not finite or not above 0, and so are masked in the result",
            printable(&flat.file),
            area.npixel()
        )
    });
    Ok(FlatLevel { norm, remark })
}

/// The mean or median of the chips of a flat in its section; `first_time` sees all of their samples there once.
fn measured_norm(
    masters: &Masters,
    wanted: Wanted,
    rows: &mut FlatRows<'_>,
    first_time: &mut dyn FnMut(&[f64]),
) -> Result<f64> {
    let flat = rows.flat;
    let file = format!("--flat {}", printable(&flat.file));
    let wrong = |fault: String| Err(Error::frame(file, fault));
    let chips = chips(masters);
    let mut npixel = 0;
    for (_, master) in &chips {
        npixel += section(flat, master)?.npixel() as u64;
    }
    let mut scratch = measure::Scratch::<f64>::new(wanted, false, npixel);
    let mut npass = 0;
    let measured = measure::measure(&mut scratch, &|_| f64::NAN, &mut |visit| {
        for &(role, master) in &chips {
            let area = section(flat, master)?;
            rows.show((role, master), &area, &mut |values| {
                if npass == 0 {
                    first_time(values);
                }
                visit(FrameRows::Samples {
                    rows: values,
                    ncol: area.cols.len(),
                });
            })?;
        }
        npass += 1;
        Ok(())
    })?;
    let Some(measured) = measured else {
        return wrong(format!(
            "none of its {npixel} pixels is good to measure its norm on, all are masked or not finite; {HELP}"
        ));
    };
    let norm = if wanted.mean {
        measured.mean
    } else {
        measured.median
    };
    if norm > 0.0 && norm.is_finite() {
        Ok(norm)
    } else {
        wrong(format!(
            "its norm is {norm}, where a flat is divided by a number above 0; {HELP}"
        ))
    }
}
