//! The mask that serves every frame.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::pixels::Image;
use crate::recipe::Hdu;
use crate::source::choose;
use crate::source::damage;
use crate::source::file::FitsFile;
use crate::source::first::Shapes;
use crate::source::frame::Stamp;
use crate::source::list::shown;
use crate::source::masters::settled;
use crate::source::names;
use crate::source::packed_file::PackedFile;
use crate::source::unpacked::Unpacked;

/// A mask for every frame, of their trimmed shape: nonzero is bad.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BadPixels {
    /// The file.
    pub path: Arc<Path>,
    /// The file as it was when its header was read.
    pub stamp: Stamp,
    /// What is packed of the file.
    pub packed: Option<Arc<PackedFile>>,
    /// Where its pixels stand.
    pub image: Image,
}

impl BadPixels {
    /// Opens the mask for frames of which the first is called `first` and has these shapes.
    pub(super) fn open(
        path: &Path,
        unpacked: &Unpacked<'_>,
        first: &str,
        shapes: Shapes,
    ) -> Result<Self> {
        let named = names::single(path)?;
        let name = format!("--bad-pixels {}", shown(path));
        let wrong = |fault| Error::frame(name.as_str(), fault);
        let mut file = FitsFile::open(&named.path, unpacked)?;
        let hdu = named.hdu.as_ref().unwrap_or(&Hdu::Auto);
        let number = choose::choose(&mut file, hdu, None).map_err(wrong)?;
        let planes = damage::planes(&file, number).map_err(wrong)?;
        if planes.count != 1 {
            let fault = format!("has {} planes, where a mask has one", planes.count);
            return Err(wrong(fault));
        }
        if let Some(fault) = shapes.fault(planes.shape(), first) {
            return Err(wrong(fault));
        }
        let stamp = Stamp::of(file.about());
        Ok(Self {
            packed: settled(&file, &named.path, stamp, unpacked)?,
            path: named.path.into(),
            stamp,
            image: planes.plane(0),
        })
    }
}
