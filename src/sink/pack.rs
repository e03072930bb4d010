//! A file that is whole, packed into a second one, which then gets its name.

use std::os::unix::fs::FileExt;

use super::HduSpec;
use super::file::FitsSink;
use super::hdu::Hdu;
use super::tiled::Tiled;
use crate::error::{Error, Result};
use crate::recipe::Compression;

impl FitsSink {
    /// Packs the file, all of whose pixels are written: image by image, each by what is to be done with `each`. An image that would be
    /// the primary becomes the first extension. The plain file stays until the packed one has the name, so that this can be begun again.
    ///
    /// # Errors
    ///
    /// Those of `each`, and [`Error::Io`] where the disk refuses.
    pub(crate) fn pack(
        &mut self,
        compression: Compression,
        each: impl Fn(&Tiled<'_>) -> Result<()>,
    ) -> Result<()> {
        self.complete()?;
        let packed = self.part.second()?;
        let (plain, into) = (self.part.file(), packed.file());
        let refused = |source| Error::io(self.path(), "cannot pack", source);
        let mut end = 0;
        if self.hdus.first().is_some_and(|hdu| hdu.pixels.is_some()) {
            let empty = HduSpec {
                extname: None,
                extver: None,
                pixels: None,
                cards: Vec::new(),
            };
            let (mut header, hdu) = Hdu::lay_out(&empty, true, 0).expect("no pixels are not many");
            let sums = hdu.sum_cards();
            let at = usize::try_from(hdu.sums_at).expect("a header is in memory");
            header[at..at + sums.len()].copy_from_slice(&sums);
            into.write_all_at(&header, 0).map_err(refused)?;
            end = header.len() as u64;
        }
        for hdu in &self.hdus {
            let Some(pixels) = hdu.pixels else {
                let header = usize::try_from(hdu.start - hdu.begin).expect("a header is in memory");
                let mut bytes = vec![0; header];
                plain
                    .read_exact_at(&mut bytes, hdu.begin)
                    .and_then(|()| into.write_all_at(&bytes, end))
                    .map_err(refused)?;
                end += header as u64;
                continue;
            };
            let tiled = Tiled::new(self.path(), (plain, into), (hdu, pixels), compression, end)?;
            each(&tiled)?;
            end = tiled.close()?;
        }
        self.packed = Some(packed);
        Ok(())
    }
}
