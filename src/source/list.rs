//! The frames of a run: opened one after another, held against the first, and reduced to what the run needs of them.

use std::collections::{BTreeSet, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::header::{Header, Keywords, printable};
use crate::pixels::Image;
use crate::recipe::{self, Calibration, Hdu};
use crate::shape::Shape;
use crate::source::agree::{FirstHeader, canonical_unit};
use crate::source::bad_pixels::BadPixels;
use crate::source::chips::Chips;
use crate::source::choose;
use crate::source::companions::{CompanionNames, Companions};
use crate::source::condition::Conditions;
use crate::source::damage;
use crate::source::file::FitsFile;
use crate::source::first::{First, Shapes};
use crate::source::frame::{Frame, Stamp, hdu_suffix};
use crate::source::names::{self, Named};
use crate::source::planes::Planes;
use crate::source::raw::Raw;
use crate::source::remarks::Remarks;
use crate::source::unpacked::Unpacked;
use crate::summary::SkippedFrame;
use crate::units::ByteSize;
use crate::watch::{Walk, Watch};

/// Bytes of frames that are kept whatever the limit: no process runs in so few.
const FEW: u64 = 4 << 20;

/// What is asked of the frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selection<'a> {
    /// Which frames, and which planes of them.
    pub frames: &'a recipe::Frames,
    /// The HDU that is taken where a name gives none; `All` counts as `Auto`.
    pub hdu: &'a Hdu,
    /// The keywords whose numbers are wanted of every frame.
    pub keywords: &'a [String],
    /// What the frames go through.
    pub calibration: &'a Calibration,
    /// What was unpacked in the run.
    pub unpacked: &'a Unpacked<'a>,
    /// What is kept of the frames stays below this: a header may speak of more planes of a cube than memory holds.
    pub mem_limit: ByteSize,
}

/// The frames of a run, in their order: one shape, one unit.
#[derive(Debug)]
pub(crate) struct FrameList {
    /// The frames; at least one.
    pub frames: Vec<Frame>,
    /// Rows and columns of each, trimmed.
    pub shape: Shape,
    /// The header of the HDU in which the first frame stands.
    pub first: Header,
    /// The primary header of the first frame's file, where its image stands in another HDU.
    pub primary: Option<Header>,
    /// EXTNAME of the HDU in which the first frame stands.
    pub extname: Option<String>,
    /// The images of the first frame's file.
    pub chips: Chips,
    /// The keywords of which the frames do not all say the same.
    pub differing: BTreeSet<String>,
    /// Bytes of the headers of the file that has most of them: all are held while it is opened.
    pub header_nbyte: usize,
    /// A mask for every frame.
    pub bad_pixels: Option<BadPixels>,
    /// Frames that were left out because they are damaged.
    pub skipped: Vec<SkippedFrame>,
    /// What the user should know, though it stops nothing.
    pub warnings: Vec<String>,
}

/// Opens the frames that are asked for. One pass over the headers; no pixel is read.
pub(crate) fn open(selection: &Selection<'_>, watch: &Watch) -> Result<FrameList> {
    let named = names::expand(&selection.frames.names)?;
    watch.begin(Walk::Opening, named.len() as u64);
    let mut opening = Opening::new(selection);
    for named in &named {
        watch.check()?;
        opening.take_or_skip(named)?;
        watch.advance(1);
    }
    opening.finish()
}

/// Opens the frames of one file; `None` where its header does not meet the conditions. A damaged file is an error in any case.
pub(crate) fn open_one(selection: &Selection<'_>, named: &Named) -> Result<Option<FrameList>> {
    let mut opening = Opening::new(selection);
    opening.take(named)?;
    if opening.first.is_none() {
        return Ok(None);
    }
    opening.finish().map(Some)
}

/// The image HDUs of a file, companion planes aside.
pub(crate) fn image_hdus_of(
    frames: &recipe::Frames,
    named: &Named,
    unpacked: &Unpacked<'_>,
) -> Result<Vec<Hdu>> {
    if let Some(hdu) = &named.hdu {
        return Ok(vec![hdu.clone()]);
    }
    let name = shown(&named.path);
    let mut file = FitsFile::open(&named.path, unpacked).map_err(Error::damaged)?;
    let whole = damage::every_image(&mut file);
    whole.map_err(|fault| Error::frame(&*name, fault).damaged())?;
    choose::image_hdus(&mut file, CompanionNames::of(frames))
        .map_err(|fault| Error::frame(name, fault))
}

/// The image HDUs of the first file that is taken, companion planes aside, for a run over each in turn.
pub(crate) fn image_hdus(frames: &recipe::Frames, unpacked: &Unpacked<'_>) -> Result<Vec<Hdu>> {
    let mut hdus = Ok(Vec::new());
    for named in names::expand(&frames.names)? {
        hdus = image_hdus_of(frames, &named, unpacked);
        if !(frames.skip_bad && matches!(hdus, Err(Error::Damaged(_)))) {
            break;
        }
    }
    hdus
}

/// A path as messages show it.
pub(super) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// The list while it is made.
struct Opening<'a> {
    selection: &'a Selection<'a>,
    companions: CompanionNames<'a>,
    conditions: Conditions<'a>,
    frames: Vec<Frame>,
    first: Option<First>,
    differing: BTreeSet<String>,
    /// Device, inode and HDU of each frame.
    seen: HashSet<(u64, u64, usize)>,
    repeated: Vec<String>,
    remarks: Remarks,
    skipped: Vec<SkippedFrame>,
    header_nbyte: usize,
}

impl<'a> Opening<'a> {
    fn new(selection: &'a Selection<'a>) -> Self {
        Self {
            selection,
            companions: CompanionNames::of(selection.frames),
            conditions: Conditions::new(&selection.frames.conditions),
            frames: Vec::new(),
            first: None,
            differing: BTreeSet::new(),
            seen: HashSet::new(),
            repeated: Vec::new(),
            remarks: Remarks::default(),
            skipped: Vec::new(),
            header_nbyte: 0,
        }
    }

    /// The same as [`Self::take`]; a damaged file is left out where that is asked for.
    fn take_or_skip(&mut self, named: &Named) -> Result<()> {
        match self.take(named) {
            Err(Error::Damaged(fault)) if self.selection.frames.skip_bad => {
                self.skipped.push(damage::skipped(named, &fault));
                Ok(())
            }
            done => done,
        }
    }

    /// Opens a file and adds its frames, if it meets the conditions.
    fn take(&mut self, named: &Named) -> Result<()> {
        let want = named.hdu.as_ref().unwrap_or(self.selection.hdu);
        let suffix = hdu_suffix(want);
        let name = printable(&format!("{}{suffix}", named.path.display()));
        let wrong = |fault: String| Error::frame(name.as_str(), fault);
        let damaged = |fault: String| wrong(fault).damaged();

        let mut file =
            FitsFile::open(&named.path, self.selection.unpacked).map_err(Error::damaged)?;
        let number = damage::choose(&mut file, &name, want, self.companions)?;
        if !self
            .conditions
            .agree(|keyword| keywords(&file, number).value(keyword))
        {
            if self.selection.frames.hdu != Hdu::All {
                self.selection.unpacked.release(&named.path);
            }
            return Ok(());
        }
        let planes = damage::planes(&file, number).map_err(damaged)?;
        self.room_for(planes.count)?;
        if named.hdu.is_none() && self.selection.frames.hdu == Hdu::All {
            damage::every_image(&mut file).map_err(damaged)?;
        }
        let raw = Raw::of(
            &name,
            self.selection.calibration,
            keywords(&file, number),
            planes.plane(0),
            &mut self.remarks,
        );
        let mut raw = raw.map_err(wrong)?;
        let trim = raw
            .as_ref()
            .map_or(planes.shape().area(), |raw| raw.trim.clone());
        let companions = Companions::of(&mut file, number, &planes, trim.shape(), self.companions)
            .map_err(|fault| {
                if file.ends_early() {
                    damaged(fault)
                } else {
                    wrong(fault)
                }
            })?;
        if let Some(raw) = &mut raw {
            raw.deviate(
                &name,
                self.selection.calibration,
                keywords(&file, number),
                companions.uncertainty(0).is_some(),
                &mut self.remarks,
            )
            .map_err(wrong)?;
        }
        self.hold_against_first(&name, &mut file, number, &planes, raw.as_ref())?;
        self.header_nbyte = self.header_nbyte.max(file.header_nbyte());
        if !self
            .seen
            .insert((file.about().dev(), file.about().ino(), number))
        {
            self.repeated.push(name.clone());
        }

        let keywords = keywords(&file, number);
        let stamp = Stamp::of(file.about());
        let frame = Frame {
            packed: file.packed(),
            ..Frame::new(
                &named.path,
                &suffix,
                stamp,
                planes.plane(0),
                keywords,
                self.selection.keywords,
            )
        };
        let trimmed = |(image, kind): (Image, _)| (image.part(&trim), kind);
        self.frames.extend((0..planes.count).map(|plane| Frame {
            suffix: match planes.count {
                1 => frame.suffix.clone(),
                _ => format!("{suffix} plane {}", plane + 1).into(),
            },
            image: planes.plane(plane).part(&trim),
            mask: companions.mask(plane).map(|mask| mask.part(&trim)),
            uncertainty: companions.uncertainty(plane).map(trimmed),
            raw: raw.as_ref().map(|raw| {
                Box::new(Raw {
                    untrimmed: planes.plane(plane),
                    untrimmed_mask: companions.mask(plane),
                    ..raw.clone()
                })
            }),
            ..frame.clone()
        }));
        Ok(())
    }

    /// Refuses more frames than could be kept: before they are. Of few, the plan says what they need with everything else.
    fn room_for(&self, more: usize) -> Result<()> {
        let frames = self.frames.len().saturating_add(more);
        let needed = (frames as u64).saturating_mul(size_of::<Frame>() as u64);
        if needed <= self.selection.mem_limit.0.max(FEW) {
            return Ok(());
        }
        Err(Error::LimitTooSmall {
            limit: self.selection.mem_limit,
            needed: ByteSize(needed),
            frames,
        })
    }

    /// Makes a frame the first, or checks that it goes with the first.
    fn hold_against_first(
        &mut self,
        name: &str,
        file: &mut FitsFile,
        number: usize,
        planes: &Planes,
        raw: Option<&Raw>,
    ) -> Result<()> {
        let shapes = Shapes {
            whole: planes.shape(),
            trimmed: raw.map_or(planes.shape(), |raw| raw.trim.shape()),
        };
        let unit = match raw {
            Some(raw) => raw.unit_after_gain().to_owned(),
            None => canonical_unit(keywords(file, number).text("BUNIT").as_deref()),
        };
        if let Some(first) = &self.first {
            first.check(name, shapes, &unit)?;
            first.compare(keywords(file, number), &mut self.differing);
        } else {
            let chips = Chips::of(file, number, self.companions);
            let keywords = keywords(file, number);
            self.first = Some(First {
                name: name.to_owned(),
                image: FirstHeader::new(keywords.image.clone()),
                primary: keywords.primary.cloned().map(FirstHeader::new),
                extname: file.known(number).name(),
                chips,
                shapes,
                unit,
            });
        }
        Ok(())
    }

    /// What is said where no frame is left.
    fn nothing_left(&self) -> Error {
        damage::only_damaged(&self.skipped).unwrap_or_else(|| self.conditions.nothing_left())
    }

    /// The list, once every file has been taken.
    fn finish(self) -> Result<FrameList> {
        let Some(first) = self.first else {
            return Err(self.nothing_left());
        };
        let bad_pixels = match &self.selection.frames.bad_pixels {
            Some(path) => {
                let unpacked = self.selection.unpacked;
                Some(BadPixels::open(path, unpacked, &first.name, first.shapes)?)
            }
            None => None,
        };
        Ok(FrameList {
            frames: self.frames,
            shape: first.shapes.trimmed,
            first: first.image.header,
            primary: first.primary.map(|primary| primary.header),
            extname: first.extname,
            chips: first.chips,
            differing: self.differing,
            header_nbyte: self.header_nbyte,
            bad_pixels,
            skipped: self.skipped,
            warnings: repetition(&self.repeated)
                .into_iter()
                .chain(self.remarks.texts())
                .collect(),
        })
    }
}

/// Where the keywords of a frame are looked up.
pub(super) fn keywords(file: &FitsFile, number: usize) -> Keywords<'_> {
    Keywords {
        image: &file.known(number).header,
        primary: file.primary_beside(number).map(|unit| &unit.header),
    }
}

/// What is said of frames that were given more than once.
fn repetition(names: &[String]) -> Option<String> {
    match names {
        [] => None,
        [name] => Some(format!("{name} was given before; it counts again")),
        [name, others @ ..] => Some(format!(
            "{name} and {} more frames were given before; they count again",
            others.len()
        )),
    }
}

#[cfg(test)]
mod tests;
