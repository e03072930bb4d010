//! The frames of a run: opened one after another, held against the first, and reduced to what the run needs of them.

use std::collections::{BTreeSet, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::header::{Header, Keywords, printable};
use crate::pixels::Image;
use crate::recipe::{self, Hdu};
use crate::shape::Shape;
use crate::source::agree::{FirstHeader, canonical_unit};
use crate::source::choose;
use crate::source::companions::{CompanionNames, Companions};
use crate::source::condition::Conditions;
use crate::source::file::FitsFile;
use crate::source::frame::{Frame, Stamp, hdu_suffix};
use crate::source::names::{self, Named};
use crate::source::planes::Planes;
use crate::watch::{Walk, Watch};

/// What is asked of the frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selection<'a> {
    /// Which frames, and which planes of them.
    pub frames: &'a recipe::Frames,
    /// The HDU that is taken where a name gives none; `All` counts as `Auto`.
    pub hdu: &'a Hdu,
    /// The keywords whose numbers are wanted of every frame.
    pub keywords: &'a [String],
}

/// The frames of a run, in their order: one shape, one unit.
#[derive(Debug)]
pub(crate) struct FrameList {
    /// The frames; at least one.
    pub frames: Vec<Frame>,
    /// Rows and columns of each.
    pub shape: Shape,
    /// The header of the HDU in which the first frame stands.
    pub first: Header,
    /// The primary header of the first frame's file, where its image stands in another HDU.
    pub primary: Option<Header>,
    /// EXTNAME of the HDU in which the first frame stands.
    pub extname: Option<String>,
    /// The keywords of which the frames do not all say the same.
    pub differing: BTreeSet<String>,
    /// A mask for every frame.
    pub bad_pixels: Option<BadPixels>,
    /// What the user should know, though it stops nothing.
    pub warnings: Vec<String>,
}

/// A mask for every frame: nonzero is bad.
#[derive(Clone, Debug)]
pub(crate) struct BadPixels {
    /// The file.
    pub path: Arc<Path>,
    /// The file as it was when its header was read.
    pub stamp: Stamp,
    /// Where its pixels stand.
    pub image: Image,
}

/// Opens the frames that are asked for. One pass over the headers; no pixel is read.
pub(crate) fn open(selection: &Selection<'_>, watch: &Watch) -> Result<FrameList> {
    let named = names::expand(&selection.frames.names)?;
    watch.begin(Walk::Opening, named.len() as u64);
    let mut opening = Opening::new(selection);
    for named in &named {
        watch.check()?;
        opening.take(named)?;
        watch.advance(1);
    }
    opening.finish()
}

/// The image HDUs of the first file, companion planes aside, for a run over each in turn.
pub(crate) fn image_hdus(frames: &recipe::Frames) -> Result<Vec<Hdu>> {
    let named = names::expand(&frames.names)?;
    let Some(first) = named.first() else {
        return Ok(Vec::new());
    };
    if let Some(hdu) = &first.hdu {
        return Ok(vec![hdu.clone()]);
    }
    let mut file = FitsFile::open(&first.path)?;
    choose::image_hdus(&mut file, CompanionNames::of(frames))
        .map_err(|fault| Error::frame(shown(&first.path), fault))
}

/// A path as messages show it.
fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// What the first frame sets for all.
struct First {
    name: String,
    image: FirstHeader,
    primary: Option<FirstHeader>,
    extname: Option<String>,
    shape: Shape,
    unit: String,
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
        }
    }

    /// Opens a file and adds its frames, if it meets the conditions.
    fn take(&mut self, named: &Named) -> Result<()> {
        let want = named.hdu.as_ref().unwrap_or(self.selection.hdu);
        let suffix = hdu_suffix(want);
        let name = printable(&format!("{}{suffix}", named.path.display()));
        let wrong = |fault: String| Error::frame(name.as_str(), fault);

        let mut file = FitsFile::open(&named.path)?;
        let number = choose::choose(&mut file, want, Some(self.companions)).map_err(wrong)?;
        if !self
            .conditions
            .agree(|keyword| keywords(&file, number).value(keyword))
        {
            return Ok(());
        }
        let planes = Planes::of(file.known(number), file.length()).map_err(wrong)?;
        let companions =
            Companions::of(&mut file, number, &planes, self.companions).map_err(wrong)?;
        self.hold_against_first(&name, &file, number, planes.shape())?;
        if !self
            .seen
            .insert((file.about().dev(), file.about().ino(), number))
        {
            self.repeated.push(name.clone());
        }

        let keywords = keywords(&file, number);
        let stamp = Stamp::of(file.about());
        let frame = Frame::new(
            &named.path,
            &suffix,
            stamp,
            planes.plane(0),
            keywords,
            self.selection.keywords,
        );
        self.frames.extend((0..planes.count).map(|plane| Frame {
            suffix: match planes.count {
                1 => frame.suffix.clone(),
                _ => format!("{suffix} plane {}", plane + 1).into(),
            },
            image: planes.plane(plane),
            mask: companions.mask(plane),
            uncertainty: companions.uncertainty(plane),
            ..frame.clone()
        }));
        Ok(())
    }

    /// Makes a frame the first, or checks that it goes with the first.
    fn hold_against_first(
        &mut self,
        name: &str,
        file: &FitsFile,
        number: usize,
        shape: Shape,
    ) -> Result<()> {
        let keywords = keywords(file, number);
        let unit = canonical_unit(keywords.text("BUNIT").as_deref());
        let Some(first) = &self.first else {
            self.first = Some(First {
                name: name.to_owned(),
                image: FirstHeader::new(keywords.image.clone()),
                primary: keywords.primary.cloned().map(FirstHeader::new),
                extname: file.known(number).name(),
                shape,
                unit,
            });
            return Ok(());
        };
        if shape != first.shape {
            return Err(Error::Shapes {
                frame: name.to_owned(),
                shape,
                first: first.name.clone(),
                first_shape: first.shape,
            });
        }
        if unit != first.unit {
            let (unit, other) = (printable(&unit), printable(&first.unit));
            let fault = format!(
                "its unit is '{unit}', but {} has '{other}'; only frames of one unit combine",
                first.name
            );
            return Err(Error::frame(name, fault));
        }
        first.image.compare(keywords.image, &mut self.differing);
        if let (Some(first), Some(primary)) = (&first.primary, keywords.primary) {
            first.compare(primary, &mut self.differing);
        }
        Ok(())
    }

    /// The list, once every file has been taken.
    fn finish(self) -> Result<FrameList> {
        let Some(first) = self.first else {
            return Err(self.conditions.nothing_left());
        };
        let bad_pixels = match &self.selection.frames.bad_pixels {
            Some(path) => Some(bad_pixels(path, &first)?),
            None => None,
        };
        Ok(FrameList {
            frames: self.frames,
            shape: first.shape,
            first: first.image.header,
            primary: first.primary.map(|primary| primary.header),
            extname: first.extname,
            differing: self.differing,
            bad_pixels,
            warnings: repetition(&self.repeated).into_iter().collect(),
        })
    }
}

/// Where the keywords of a frame are looked up.
fn keywords(file: &FitsFile, number: usize) -> Keywords<'_> {
    let primary = (number > 0).then(|| &file.primary().header);
    Keywords {
        image: &file.known(number).header,
        primary,
    }
}

/// Opens the mask that serves every frame.
fn bad_pixels(path: &Path, first: &First) -> Result<BadPixels> {
    let named = names::single(path)?;
    let name = format!("--bad-pixels {}", shown(path));
    let wrong = |fault| Error::frame(name.as_str(), fault);
    let mut file = FitsFile::open(&named.path)?;
    let number =
        choose::choose(&mut file, named.hdu.as_ref().unwrap_or(&Hdu::Auto), None).map_err(wrong)?;
    let planes = Planes::of(file.known(number), file.length()).map_err(wrong)?;
    if planes.count != 1 {
        return Err(wrong(format!(
            "has {} planes, where a mask has one",
            planes.count
        )));
    }
    if planes.shape() != first.shape {
        return Err(wrong(format!(
            "{} pixels, but {} has {}",
            planes.shape(),
            first.name,
            first.shape
        )));
    }
    Ok(BadPixels {
        path: named.path.into(),
        stamp: Stamp::of(file.about()),
        image: planes.plane(0),
    })
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
