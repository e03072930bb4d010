//! Frames of the demo on disk: uint16 samples out, planes of the results in.

use std::path::Path;

use crate::error::{Error, Result};
use crate::header::Card;
use crate::pixels::Bitpix;
use crate::pixels::Companion;
use crate::recipe::{Calibration, Frames, Hdu, Io, PixelType};
use crate::shape::Shape;
use crate::sink::{FitsSink, HduSpec, Pixels};
use crate::source::{self, Desks, Masters, Reader, Selection, Unpacked};
use crate::units::ByteSize;
use crate::watch::Watch;

/// Writes a frame of uint16 samples (BITPIX 16, BZERO 32768), row after row, replacing one of the same name.
///
/// # Errors
///
/// [`Error::Output`] and [`Error::Io`] where the file cannot be written.
pub(super) fn write_frame(
    path: &Path,
    shape: Shape,
    cards: &[Card],
    samples: &[u16],
) -> Result<()> {
    let pixels = Pixels {
        dtype: PixelType::U16,
        shape,
        blank: None,
    };
    let mut sink = FitsSink::create(path, true)?;
    let hdu = sink.add(&HduSpec {
        extname: None,
        extver: None,
        pixels: Some(pixels),
        cards: cards.to_vec(),
    })?;
    // The stored number is signed, 32768 below the sample: the highest bit turned over.
    let bytes: Vec<u8> = samples
        .iter()
        .flat_map(|sample| (sample ^ 0x8000).to_be_bytes())
        .collect();
    sink.write(hdu, &shape.area(), &bytes)?;
    sink.finish()
}

/// The values of one plane of a result, row after row.
///
/// # Errors
///
/// [`Error::Frame`] and [`Error::Io`] where there is no such plane of 32 bits a pixel, or it cannot be read.
pub(super) fn read_plane(path: &Path, hdu: &Hdu, watch: &Watch) -> Result<Vec<f32>> {
    let frames = Frames::new([name(path)?]);
    let unpacked = Unpacked::new(path, Io::Read, ByteSize(u64::MAX), false, watch);
    let list = source::open(
        &Selection {
            frames: &frames,
            hdu,
            keywords: &[],
            calibration: &Calibration::default(),
            unpacked: &unpacked,
            mem_limit: ByteSize(u64::MAX),
        },
        watch,
    )?;
    let mut bytes = vec![0; 4 * list.shape.npixel()];
    let decode: fn([u8; 4]) -> f32 = match list.frames[0].image.stored.bitpix {
        Bitpix::F32 => f32::from_be_bytes,
        // A count of frames: f32 holds it exactly.
        Bitpix::I32 => |bytes| i32::from_be_bytes(bytes) as f32,
        other => {
            return Err(Error::frame(
                name(path)?,
                format!("a plane of {other:?} is no result of the demo"),
            ));
        }
    };
    let (masters, desks) = (Masters::default(), Desks::new(1));
    let reader = Reader::new(&list, &masters, Io::Read, &desks)?;
    reader.read(0, Companion::Image, &list.shape.area(), &mut bytes)?;
    Ok(bytes
        .as_chunks()
        .0
        .iter()
        .map(|&bytes| decode(bytes))
        .collect())
}

/// A path as a recipe names it.
///
/// # Errors
///
/// [`Error::Output`] where it is not UTF-8.
pub(super) fn name(path: &Path) -> Result<String> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| Error::Output {
            path: path.to_owned(),
            fault: "this name is not UTF-8; name another folder for the demo".into(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_of_floats_and_counts_read_back() {
        let place = tempfile::tempdir().expect("a folder for the test");
        let path = place.path().join("result.fits");
        let shape = Shape { nrow: 1, ncol: 2 };
        let mut sink = FitsSink::create(&path, false).expect("a new file");
        for (extname, dtype, bytes) in [
            (
                None,
                PixelType::F32,
                [1.5_f32.to_be_bytes(), (-2.0_f32).to_be_bytes()],
            ),
            (
                Some("COUNT".to_owned()),
                PixelType::I32,
                [24_i32.to_be_bytes(), 0_i32.to_be_bytes()],
            ),
        ] {
            let pixels = Some(Pixels {
                dtype,
                shape,
                blank: None,
            });
            let hdu = sink
                .add(&HduSpec {
                    extname,
                    extver: None,
                    pixels,
                    cards: Vec::new(),
                })
                .expect("room");
            sink.write(hdu, &shape.area(), bytes.as_flattened())
                .expect("room");
        }
        sink.finish().expect("a whole file");
        let plane = |hdu| read_plane(&path, &hdu, &Watch::default()).expect("a plane");
        assert_eq!(plane(Hdu::Auto), [1.5, -2.0]);
        assert_eq!(plane(Hdu::Name("COUNT".into(), None)), [24.0, 0.0]);
    }

    #[test]
    fn frames_are_uint16() {
        let place = tempfile::tempdir().expect("a folder for the test");
        let path = place.path().join("frame.fits");
        let shape = Shape { nrow: 1, ncol: 3 };
        write_frame(&path, shape, &[], &[0, 32768, 65535]).expect("a frame");
        let frames = Frames::new([name(&path).expect("UTF-8")]);
        let watch = Watch::default();
        let unpacked = Unpacked::new(place.path(), Io::Read, ByteSize(1 << 30), false, &watch);
        let list = source::open(
            &Selection {
                frames: &frames,
                hdu: &Hdu::Auto,
                keywords: &[],
                calibration: &Calibration::default(),
                unpacked: &unpacked,
                mem_limit: ByteSize(u64::MAX),
            },
            &watch,
        )
        .expect("a frame");
        let stored = list.frames[0].image.stored;
        assert_eq!(
            (stored.bitpix, stored.bzero.to_string()),
            (Bitpix::I16, "32768".to_owned())
        );
        let mut bytes = [0; 6];
        let (masters, desks) = (Masters::default(), Desks::new(1));
        let reader = Reader::new(&list, &masters, Io::Read, &desks).expect("a reader");
        reader
            .read(0, Companion::Image, &shape.area(), &mut bytes)
            .expect("pixels");
        assert_eq!(bytes, [0x80, 0, 0, 0, 0x7f, 0xff]);
    }
}
