//! One frame: where its pixels stand, and the little of its header that is kept for the run.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::checksum::digest;
use crate::header::{Header, Keywords, printable};
use crate::pixels::{Image, UncertaintyKind};
use crate::recipe::Hdu;
use crate::source::packed_file::PackedFile;
use crate::source::raw::Raw;

/// One input image, or one plane of a cube.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The file, as the user gave it.
    pub path: Arc<Path>,
    /// What is added to the file's name to tell this frame from others of it: `[SCI,2]`, ` plane 3`.
    pub suffix: Box<str>,
    /// The file as it was when its header was read.
    pub stamp: Stamp,
    /// What tells its headers from others.
    pub header: u64,
    /// What is packed of the file.
    pub packed: Option<Arc<PackedFile>>,
    /// Where the pixels stand.
    pub image: Image,
    /// Where its mask stands, nonzero is bad.
    pub mask: Option<Image>,
    /// Where its uncertainty stands, and what that is.
    pub uncertainty: Option<(Image, UncertaintyKind)>,
    /// The frame before its calibration, where it is calibrated; the three above are trimmed.
    pub raw: Option<Box<Raw>>,
    /// The values of the keywords that were asked for; `None` where one is absent or no number.
    pub numbers: Box<[Option<f64>]>,
    /// EXPTIME, in seconds.
    pub exptime: Option<f64>,
    /// When it began: DATE-OBS, with TIME-OBS where that stands apart.
    pub date_obs: Option<Box<str>>,
    /// When it ended: DATE-END, or EXPTIME after it began.
    pub date_end: Option<Box<str>>,
}

impl Frame {
    /// The frame of an image without companions, of which its header says this; `wanted` are the keywords whose numbers
    /// are kept.
    pub(super) fn new(
        path: &Path,
        suffix: &str,
        stamp: Stamp,
        image: Image,
        keywords: Keywords<'_>,
        wanted: &[String],
    ) -> Self {
        let exptime = keywords.number("EXPTIME");
        let date_obs = date_obs(keywords);
        let date_end = date_end(keywords, date_obs.as_deref(), exptime);
        Self {
            path: path.into(),
            suffix: suffix.into(),
            stamp,
            header: header_digest(keywords),
            packed: None,
            image,
            mask: None,
            uncertainty: None,
            raw: None,
            numbers: wanted
                .iter()
                .map(|keyword| keywords.number(keyword))
                .collect(),
            exptime,
            date_obs: date_obs.map(Into::into),
            date_end: date_end.map(Into::into),
        }
    }

    /// The frame as messages name it: as the user gave it, with HDU or plane.
    pub(crate) fn name(&self) -> String {
        printable(&format!("{}{}", self.path.display(), self.suffix))
    }

    /// The name of its file without the folder, with HDU or plane.
    pub(crate) fn base_name(&self) -> String {
        let file = self.path.file_name().unwrap_or(self.path.as_os_str());
        printable(&format!("{}{}", file.display(), self.suffix))
    }
}

/// What tells that a file was changed: its size and when it was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Bytes in the file.
    pub length: u64,
    /// When it was written last, in nanoseconds since 1970.
    pub modified: i128,
}

impl Stamp {
    /// The stamp of a file of which the system says this.
    pub(crate) fn of(about: &Metadata) -> Self {
        let modified = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
        Self {
            length: about.size(),
            modified,
        }
    }
}

/// An HDU as it is typed behind the name of its file; nothing for the default.
pub(super) fn hdu_suffix(hdu: &Hdu) -> String {
    match hdu {
        Hdu::Auto | Hdu::All => String::new(),
        Hdu::Number(number) => format!("[{number}]"),
        Hdu::Name(name, None) => format!("[{name}]"),
        Hdu::Name(name, Some(version)) => format!("[{name},{version}]"),
    }
}

/// What tells the headers of a frame from others.
fn header_digest(keywords: Keywords<'_>) -> u64 {
    let headers = keywords.primary.into_iter().chain([keywords.image]);
    digest(headers.flat_map(Header::cards).map(|card| &card.0[..]))
}

/// When a frame began: DATE-OBS, with the time of TIME-OBS where it has none itself.
fn date_obs(keywords: Keywords<'_>) -> Option<String> {
    let date = keywords.text("DATE-OBS")?;
    let time = keywords
        .text("TIME-OBS")
        .filter(|time| date.len() == 10 && time.contains(':'));
    Some(time.map_or(date.clone(), |time| format!("{date}T{time}")))
}

/// When a frame ended, as far as that can be told.
fn date_end(keywords: Keywords<'_>, began: Option<&str>, exptime: Option<f64>) -> Option<String> {
    if let Some(end) = keywords.text("DATE-END") {
        return Some(end);
    }
    let began = began
        .filter(|text| text.contains('T'))?
        .trim_end_matches('Z');
    let exptime = SignedDuration::try_from_secs_f64(exptime?).ok()?;
    let end = began.parse::<DateTime>().ok()?.checked_add(exptime).ok()?;
    Some(format!("{end:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sample::{card, header_block};

    #[test]
    fn the_end_of_an_exposure_is_told_or_reckoned() {
        let dates = |cards: &[(&str, &str)]| {
            let cards: Vec<_> = cards
                .iter()
                .map(|(keyword, value)| card(keyword, value))
                .collect();
            let header = Header::from_bytes(&header_block(&cards));
            let keywords = Keywords {
                image: &header,
                primary: None,
            };
            let began = date_obs(keywords);
            (
                began.clone(),
                date_end(keywords, began.as_deref(), keywords.number("EXPTIME")),
            )
        };
        let some = |text: &str| Some(text.to_owned());
        let obs = ("DATE-OBS", "'2012-12-31T23:59:30.25'");
        assert_eq!(
            dates(&[obs, ("EXPTIME", "60.5")]).1,
            some("2013-01-01T00:00:30.750")
        );
        assert_eq!(
            dates(&[obs, ("EXPTIME", "60.5"), ("DATE-END", "'2012-12-31T24'")]).1,
            some("2012-12-31T24")
        );
        assert_eq!(dates(&[obs]).1, None);
        let apart = [
            ("DATE-OBS", "'2012-06-17'"),
            ("TIME-OBS", "'01:00:00'"),
            ("EXPTIME", "'30.0'"),
        ];
        assert_eq!(
            dates(&apart),
            (some("2012-06-17T01:00:00"), some("2012-06-17T01:00:30.000"))
        );
        assert_eq!(
            dates(&[("DATE-OBS", "'17/06/12'"), ("EXPTIME", "30")]),
            (some("17/06/12"), None)
        );
        assert_eq!(dates(&[obs, ("EXPTIME", "1e300")]).1, None);
    }
}
