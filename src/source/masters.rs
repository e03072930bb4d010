//! The masters of a calibration: opened, matched to the frames, and held against them.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::header::{Keywords, printable};
use crate::pixels::{Image, Role, UncertaintyKind};
use crate::recipe::{Calibration, Dark, Io, MaskBits};
use crate::source::agree::{ELECTRON, canonical_unit};
use crate::source::choose::{self, images};
use crate::source::companions::{CompanionNames, Companions};
use crate::source::damage;
use crate::source::file::FitsFile;
use crate::source::first::Shapes;
use crate::source::frame::{Frame, Stamp};
use crate::source::list::{FrameList, Selection, keywords};
use crate::source::names;
use crate::source::packed_file::PackedFile;
use crate::source::raw::{self, Raw};
use crate::source::unpacked::Unpacked;
use crate::source::way::Opened;

/// The masters that a run takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Masters {
    /// The bias.
    pub bias: Option<Master>,
    /// The dark.
    pub dark: Option<Master>,
    /// The flat.
    pub flat: Option<Master>,
    /// All images of the flat, where they share a norm, in their order; their shapes may differ. None otherwise.
    pub chips: Vec<Master>,
}

/// A master; of one plane, and of the shape of the trimmed frames.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Master {
    /// As it was typed.
    pub name: String,
    /// The file.
    pub path: Arc<Path>,
    /// The file as it was when its header was read.
    pub stamp: Stamp,
    /// What is packed of the file; packed images are unpacked.
    pub packed: Option<Arc<PackedFile>>,
    /// Where the pixels stand.
    pub image: Image,
    /// Where its mask stands.
    pub mask: Option<Image>,
    /// Which bits of the mask are bad; `None`: any number but 0 is.
    pub mask_bits: Option<MaskBits>,
    /// Where its uncertainty stands, and what that is.
    pub uncertainty: Option<(Image, UncertaintyKind)>,
    /// Its unit, in the spelling in which units compare.
    pub unit: String,
    /// Its exposure in seconds, of a dark; positive where it is scaled.
    pub exposure: Option<f64>,
    /// DATASUM, where its header has it.
    pub datasum: Option<String>,
    /// Bytes of the headers of the file, all of which are held while it is opened.
    pub header_nbyte: usize,
}

/// Opens the masters that a calibration names for the frames of a list; no pixel is read. `every`: whether the run goes over every
/// image HDU of the frames, so that a master must have one for each.
pub(crate) fn masters(selection: &Selection<'_>, list: &FrameList, every: bool) -> Result<Masters> {
    let calibration = selection.calibration;
    let opening = Opening {
        selection,
        list,
        every,
    };
    let bias = calibration.bias.as_deref();
    let flat = calibration.flat.as_ref();
    let masters = Masters {
        bias: bias.map(|file| opening.one(Role::Bias, file)).transpose()?,
        dark: match &calibration.dark {
            Some(dark) => Some(opening.one(Role::Dark, &dark.file)?),
            None => None,
        },
        flat: flat
            .map(|flat| opening.one(Role::Flat, &flat.file))
            .transpose()?,
        chips: match flat.filter(|flat| flat.shared_norm) {
            Some(flat) => opening.every_one(&flat.file)?,
            None => Vec::new(),
        },
    };
    masters.check(calibration, list)?;
    Ok(masters)
}

impl Masters {
    /// A master; `None` where there is none of this kind.
    pub(crate) fn get(&self, role: Role) -> Option<&Master> {
        match role {
            Role::Bias => self.bias.as_ref(),
            Role::Dark => self.dark.as_ref(),
            Role::Flat => self.flat.as_ref(),
            Role::Chip(number) => self.chips.get(number),
        }
    }

    /// The masters themselves, with what they are.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Role, &Master)> {
        let of = |role| Some((role, self.get(role)?));
        let chips = (0..self.chips.len()).map(Role::Chip);
        [Role::Bias, Role::Dark, Role::Flat]
            .into_iter()
            .chain(chips)
            .filter_map(of)
    }

    /// The files of the masters, some more than once.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.all().map(|(_, master)| &*master.path)
    }

    /// Refuses masters that do not go with the frames of a list: of another shape, or of another unit. The unit of a flat is its own.
    pub(crate) fn check(&self, calibration: &Calibration, list: &FrameList) -> Result<()> {
        for (role, master) in self.all() {
            match role {
                Role::Bias | Role::Dark => {
                    master.check_shape(role, list)?;
                    master.check_unit(role, calibration, list)?;
                }
                Role::Flat => master.check_shape(role, list)?,
                Role::Chip(_) => {}
            }
        }
        Ok(())
    }
}

impl Master {
    /// The master as messages name it: with its flag.
    pub(super) fn shown(&self, role: Role) -> String {
        format!("{} {}", role.flag(), printable(&self.name))
    }

    fn check_shape(&self, role: Role, list: &FrameList) -> Result<()> {
        let first = &list.frames[0];
        let whole = first.raw.as_ref().map(|raw| raw.untrimmed.shape);
        let shapes = Shapes {
            whole: whole.unwrap_or(list.shape),
            trimmed: list.shape,
        };
        match shapes.fault(self.image.shape, &first.name()) {
            None => Ok(()),
            Some(fault) => Err(Error::frame(self.shown(role), fault)),
        }
    }

    fn check_unit(&self, role: Role, calibration: &Calibration, list: &FrameList) -> Result<()> {
        let by_gain = |raw: &Raw| raw.gain.is_some() && !calibration.gain_last;
        let unit_of = |raw: &'_ Raw| -> String {
            let unit = if by_gain(raw) {
                raw.unit_after_gain()
            } else {
                &raw.unit
            };
            printable(unit)
        };
        let unit = printable(&self.unit);
        let other = list.frames.iter().find_map(|frame| {
            let raw = frame.raw.as_ref()?;
            let done = match role {
                Role::Bias => raw.done.bias,
                Role::Dark => raw.done.dark,
                Role::Flat | Role::Chip(_) => true,
            };
            (!done && unit_of(raw) != unit).then_some((frame, raw))
        });
        let Some((frame, raw)) = other else {
            return Ok(());
        };
        let (name, other) = (frame.name(), unit_of(raw));
        let help = if by_gain(raw) {
            " after --gain; give --gain-last, or a master that is made with --gain".into()
        } else if unit == ELECTRON {
            format!("; give --gain without --gain-last, or a master in '{other}'")
        } else {
            format!("; give a master in '{other}'")
        };
        Err(Error::frame(
            self.shown(role),
            format!("its unit is '{unit}', but {name} is in '{other}'{help}"),
        ))
    }
}

/// The masters while they are opened.
struct Opening<'a> {
    selection: &'a Selection<'a>,
    list: &'a FrameList,
    every: bool,
}

/// What was typed for a master, as it was found.
struct Typed<'a> {
    name: &'a str,
    path: Arc<Path>,
    role: Role,
}

impl Opening<'_> {
    /// Opens the image of a master that belongs to the frames.
    fn one(&self, role: Role, name: &str) -> Result<Master> {
        let named = names::single(Path::new(name))?;
        let wrong = |fault| Error::frame(shown(role, name), fault);
        let mut file = self.file(role, &named.path)?;
        let aside = CompanionNames::of(self.selection.frames);
        let number = match &named.hdu {
            Some(hdu) => choose::choose(&mut file, hdu, Some(aside)).map_err(wrong)?,
            None => {
                let images = images(&mut file, aside).map_err(wrong)?;
                let matched = self.list.chips.matching(&images, self.every);
                let first = || self.list.frames[0].name();
                matched.map_err(|fault| wrong(format!("{fault}, of {}", first())))?
            }
        };
        let typed = Typed {
            name,
            path: named.path.into(),
            role,
        };
        self.master(&typed, &mut file, number)
    }

    /// Opens the file of a master; what is wrong with it is told with the flag and a frame that it was meant for.
    fn file(&self, role: Role, path: &Path) -> Result<FitsFile> {
        FitsFile::open(path, self.selection.unpacked).map_err(|fault| {
            let first = self.list.frames[0].name();
            Error::frame(role.flag(), format!("{fault}; it is needed for {first}"))
        })
    }

    /// Opens all images of a flat.
    fn every_one(&self, name: &str) -> Result<Vec<Master>> {
        let named = names::single(Path::new(name))?;
        let wrong = |fault| Error::frame(shown(Role::Flat, name), fault);
        let mut file = self.file(Role::Flat, &named.path)?;
        let aside = CompanionNames::of(self.selection.frames);
        let typed = Typed {
            name,
            path: named.path.into(),
            role: Role::Chip(0),
        };
        let images = images(&mut file, aside).map_err(wrong)?;
        let chips = images.iter();
        chips
            .map(|chip| self.master(&typed, &mut file, chip.number))
            .collect()
    }

    /// The master in an HDU of a file.
    fn master(&self, typed: &Typed<'_>, file: &mut FitsFile, number: usize) -> Result<Master> {
        let wrong = |fault| Error::frame(shown(typed.role, typed.name), fault);
        let planes = damage::planes(file, number).map_err(wrong)?;
        if planes.count != 1 {
            let fault = format!("has {} planes, where a master has one", planes.count);
            return Err(wrong(fault));
        }
        // A master has its planes under the names that this program gives them, or under those of the frames.
        let own = CompanionNames::of(self.selection.frames);
        let usual = CompanionNames {
            mask: own.mask.map(|_| "MASK"),
            uncertainty: own.uncertainty.map(|_| "UNCERT"),
        };
        let mut companions =
            |names| Companions::of(file, number, &planes, planes.shape(), names).map_err(wrong);
        let (usual, own) = (companions(usual)?, companions(own)?);
        let mask = usual.mask(0).map(|mask| (mask, None));
        let bits = self.selection.calibration.mask_bits;
        let (mask, mask_bits) = match mask.or_else(|| Some((own.mask(0)?, bits))) {
            Some((mask, bits)) => (Some(mask), bits),
            None => (None, None),
        };
        let keywords = keywords(file, number);
        let dark = self.selection.calibration.dark.as_ref();
        let dark = dark.filter(|_| typed.role == Role::Dark);
        let exposure = dark.map(|dark| self.exposure_of_dark(dark, keywords));
        let datasum = keywords.image.text("DATASUM");
        let stamp = Stamp::of(file.about());
        Ok(Master {
            name: typed.name.to_owned(),
            path: Arc::clone(&typed.path),
            stamp,
            packed: settled(file, &typed.path, stamp, self.selection.unpacked)?,
            image: planes.plane(0),
            mask,
            mask_bits,
            uncertainty: usual.uncertainty(0).or_else(|| own.uncertainty(0)),
            unit: canonical_unit(keywords.text("BUNIT").as_deref()),
            exposure: exposure.transpose().map_err(wrong)?.flatten(),
            datasum: datasum.filter(|sum| sum.parse::<u32>().is_ok()),
            header_nbyte: file.header_nbyte(),
        })
    }

    fn exposure_of_dark(
        &self,
        dark: &Dark,
        keywords: Keywords<'_>,
    ) -> std::result::Result<Option<f64>, String> {
        // Where every frame says that its dark is subtracted, this one is never scaled.
        let used = |frame: &Frame| frame.raw.as_ref().is_some_and(|raw| !raw.done.dark);
        let Some(first) = self.list.frames.iter().find(|frame| used(frame)) else {
            return Ok(None);
        };
        let needed = format!(
            "--dark-scale needs it for {}; give --dark-exposure",
            first.name()
        );
        raw::exposure(dark, dark.dark_exposure, keywords, &needed)
    }
}

/// What is packed of a file that serves every frame: its packed images are unpacked, once a run.
pub(super) fn settled(
    file: &FitsFile,
    path: &Path,
    stamp: Stamp,
    unpacked: &Unpacked<'_>,
) -> Result<Option<Arc<PackedFile>>> {
    let Some(packed) = file.packed() else {
        return Ok(None);
    };
    let opened = match &packed.whole {
        Some(whole) => Opened::unpacked(path, stamp, whole),
        None => Opened::new(path, stamp, Io::Read, &mut 1)?,
    };
    let tiles = packed.all_tiles().iter();
    let tiles = tiles.map(|tiles| unpacked.master(&opened, (path, stamp), Arc::clone(tiles)));
    Ok(Some(packed.with(tiles.collect::<Result<_>>()?)))
}

fn shown(role: Role, name: &str) -> String {
    format!("{} {}", role.flag(), printable(name))
}

#[cfg(test)]
mod tests;
