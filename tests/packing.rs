//! Packed frames: by CFITSIO where it can, else written byte by byte.

use std::fs;
use std::io::Write;
use std::path::Path;

use fitsio::FitsFile;
use fitsio::images::{ImageDescription, ImageType, WriteImage};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::fits::{empty_primary, header};

/// Pixels as CFITSIO takes them, NAXIS1 first.
#[derive(Clone, Debug)]
pub(crate) struct Pixels<T> {
    pub(crate) kind: ImageType,
    pub(crate) axes: Vec<usize>,
    pub(crate) numbers: Vec<T>,
}

impl<T: WriteImage> Pixels<T> {
    /// Writes them to a file as the first image; `packing` is what CFITSIO takes behind a name: `compress R 16,16`.
    pub(crate) fn write(&self, path: &Path, packing: Option<&str>) {
        let name = match packing {
            None => path.display().to_string(),
            Some(packing) => format!("{}[{packing}]", path.display()),
        };
        // As C has them, the fastest last.
        let axes: Vec<usize> = self.axes.iter().rev().copied().collect();
        let described = ImageDescription {
            data_type: self.kind,
            dimensions: &axes,
        };
        let mut file = FitsFile::create(name)
            .with_custom_primary(&described)
            .open()
            .unwrap();
        let hdu = if packing.is_some() {
            file.hdu(1).unwrap()
        } else {
            file.primary_hdu().unwrap()
        };
        hdu.write_image(&mut file, &self.numbers).unwrap();
        hdu.write_key(&mut file, "EXPTIME", 30.5).unwrap();
        hdu.write_key(&mut file, "OBJECT", "M 31").unwrap();
    }
}

/// How the tiles of a table are packed that is written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tiling {
    Gzip1,
    Gzip2,
    NoCompress,
}

impl Tiling {
    fn name(self) -> &'static str {
        match self {
            Self::Gzip1 => "GZIP_1",
            Self::Gzip2 => "GZIP_2",
            Self::NoCompress => "NOCOMPRESS",
        }
    }

    fn pack(self, tile: &[u8], nbyte: usize) -> Vec<u8> {
        match self {
            Self::NoCompress => tile.to_vec(),
            Self::Gzip1 => gzip(tile),
            Self::Gzip2 => {
                let shuffled: Vec<u8> = (0..nbyte)
                    .flat_map(|byte| tile.iter().skip(byte).step_by(nbyte).copied())
                    .collect();
                gzip(&shuffled)
            }
        }
    }
}

/// An image as the bytes of its HDU: header cards and big-endian pixels.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) bitpix: i32,
    pub(crate) axes: Vec<usize>,
    pub(crate) cards: Vec<String>,
    pub(crate) bytes: Vec<u8>,
}

impl Raw {
    fn nbyte(&self) -> usize {
        usize::try_from(self.bitpix.abs() / 8).unwrap()
    }

    fn structure(&self, prefix: &str) -> Vec<String> {
        let card = |keyword: String, value: usize| format!("{keyword:<8}= {value:>20}");
        let bitpix = format!("{:<8}= {:>20}", format!("{prefix}BITPIX"), self.bitpix);
        let naxis = card(format!("{prefix}NAXIS"), self.axes.len());
        let axes = (1..).zip(&self.axes);
        let axes = axes.map(|(n, length)| card(format!("{prefix}NAXIS{n}"), *length));
        [bitpix, naxis].into_iter().chain(axes).collect()
    }

    /// A file of it alone.
    pub(crate) fn plain(&self) -> Vec<u8> {
        let mut cards = vec!["SIMPLE  =                    T".to_owned()];
        cards.extend(self.structure(""));
        cards.extend(self.cards.iter().cloned());
        let mut bytes = header(&cards);
        bytes.extend(&self.bytes);
        bytes.resize(bytes.len().next_multiple_of(2880), 0);
        bytes
    }

    /// The tiles, in their order.
    fn tiles(&self, tile: &[usize]) -> Vec<Vec<u8>> {
        let mut axes = self.axes.clone();
        axes.resize(3, 1);
        let mut along = tile.to_vec();
        along.resize(3, 1);
        let starts = |axis: usize| (0..axes[axis]).step_by(along[axis]);
        let mut tiles = Vec::new();
        for plane in starts(2) {
            for row in starts(1) {
                for col in starts(0) {
                    let mut bytes = Vec::new();
                    for z in plane..axes[2].min(plane + along[2]) {
                        for y in row..axes[1].min(row + along[1]) {
                            let line = (z * axes[1] + y) * axes[0];
                            let to = axes[0].min(col + along[0]);
                            let nbyte = self.nbyte();
                            bytes.extend(&self.bytes[(line + col) * nbyte..(line + to) * nbyte]);
                        }
                    }
                    tiles.push(bytes);
                }
            }
        }
        tiles
    }

    /// A table of its tiles; it was the primary HDU, or an extension.
    pub(crate) fn table(&self, tiling: Tiling, tile: &[usize], primary: bool) -> Vec<u8> {
        let packed = self.tiles(tile);
        let packed = packed.iter().map(|bytes| tiling.pack(bytes, self.nbyte()));
        let (mut rows, mut heap, mut count) = (Vec::new(), Vec::new(), 0);
        for bytes in packed {
            rows.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
            rows.extend(u32::try_from(heap.len()).unwrap().to_be_bytes());
            heap.extend(bytes);
            count += 1;
        }
        let mut cards: Vec<String> = [
            "XTENSION= 'BINTABLE'".to_owned(),
            "BITPIX  =                    8".into(),
            "NAXIS   =                    2".into(),
            "NAXIS1  =                    8".into(),
            format!("NAXIS2  = {count:>20}"),
            format!("PCOUNT  = {:>20}", heap.len()),
            "GCOUNT  =                    1".into(),
            "TFIELDS =                    1".into(),
            "TTYPE1  = 'COMPRESSED_DATA'".into(),
            "TFORM1  = '1PB     '".into(),
            "ZIMAGE  =                    T".into(),
            format!("ZCMPTYPE= '{:<8}'", tiling.name()),
        ]
        .into();
        cards.push(if primary {
            "ZSIMPLE =                    T".into()
        } else {
            "ZTENSION= 'IMAGE   '".into()
        });
        cards.extend(self.structure("Z"));
        let along = (1..).zip(tile);
        cards.extend(along.map(|(n, length)| format!("{:<8}= {length:>20}", format!("ZTILE{n}"))));
        cards.extend(self.cards.iter().cloned());
        let mut bytes = header(&cards);
        bytes.extend(rows);
        bytes.extend(heap);
        bytes.resize(bytes.len().next_multiple_of(2880), 0);
        bytes
    }

    /// A file with an empty primary HDU and this table.
    pub(crate) fn packed(&self, tiling: Tiling, tile: &[usize]) -> Vec<u8> {
        let primary = empty_primary(&["EXTEND  =                    T"]);
        [primary, self.table(tiling, tile, true)].concat()
    }
}

/// Gzips bytes.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Packs bytes with bzip2.
pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Writes a file, and the folder in which it stands.
pub(crate) fn save(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
