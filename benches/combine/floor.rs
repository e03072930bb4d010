//! The bound of every run: the bytes of all frames read once and made samples, with as many threads, and no more.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use ccdstream::kernel::Width;

use super::frames::{BLOCK, FrameFiles, Pixels};

/// Pixels that are read at once: they stay in cache until they are samples.
const PIECE: usize = 32 << 10;
/// Pixels that a thread takes before it looks for more.
const SHARE: usize = 64 * PIECE;

/// Reads every plane of every frame, and makes samples of their pixels; what is masked or not finite is absent.
pub(crate) fn floor(files: &FrameFiles, threads: usize) {
    let npixel = files.side * files.side;
    let shares = npixel.div_ceil(SHARE);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut room = Room::new(files.pixels);
        loop {
            let share = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = files.paths.get(share / shares) else {
                break;
            };
            let file = File::open(path).unwrap();
            let first = share % shares * SHARE;
            for at in (first..npixel.min(first + SHARE)).step_by(PIECE) {
                let length = PIECE.min(npixel - at);
                room.read(&file, files, at, length);
                room.decode(files.pixels, length);
            }
        }
    };
    std::thread::scope(|scope| {
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
}

/// The memory of a thread.
struct Room {
    width: Width,
    bytes: Vec<u8>,
    mask: Vec<u8>,
    single: Vec<f32>,
    double: Vec<f64>,
}

impl Room {
    fn new(pixels: Pixels) -> Self {
        let wide = pixels == Pixels::Double;
        Self {
            width: Width::widest(),
            bytes: vec![0; PIECE * pixels.image_nbyte()],
            mask: vec![0; PIECE],
            single: vec![0.0; if wide { 0 } else { PIECE }],
            double: vec![0.0; if wide { PIECE } else { 0 }],
        }
    }

    /// Reads `length` pixels from the one at `at`.
    fn read(&mut self, file: &File, files: &FrameFiles, at: usize, length: usize) {
        let nbyte = files.pixels.image_nbyte();
        let bytes = &mut self.bytes[..length * nbyte];
        let start = BLOCK + at * nbyte;
        file.read_exact_at(bytes, start as u64).unwrap();
        if files.pixels == Pixels::Masked {
            let start = files.mask_start() + at;
            let mask = &mut self.mask[..length];
            file.read_exact_at(mask, start as u64).unwrap();
        }
    }

    /// Makes samples of what was read.
    fn decode(&mut self, pixels: Pixels, length: usize) {
        let Self {
            width,
            bytes,
            mask,
            single,
            double,
        } = self;
        let bytes = &bytes[..length * pixels.image_nbyte()];
        width.vectorize(
            #[inline(always)]
            || match pixels {
                Pixels::Uint16 => {
                    for (sample, pixel) in single.iter_mut().zip(bytes.as_chunks().0) {
                        *sample = f32::from(i16::from_be_bytes(*pixel)) + 32768.0;
                    }
                }
                Pixels::Masked => {
                    let stored = bytes.as_chunks().0.iter().zip(&*mask);
                    for (sample, (pixel, bad)) in single.iter_mut().zip(stored) {
                        let read = f32::from(i16::from_be_bytes(*pixel)) + 32768.0;
                        *sample = if *bad == 0 { read } else { f32::INFINITY };
                    }
                }
                Pixels::Single | Pixels::SingleNan => {
                    for (sample, pixel) in single.iter_mut().zip(bytes.as_chunks().0) {
                        let read = f32::from_be_bytes(*pixel);
                        *sample = if read.is_finite() {
                            read
                        } else {
                            f32::INFINITY
                        };
                    }
                }
                Pixels::Double => {
                    for (sample, pixel) in double.iter_mut().zip(bytes.as_chunks().0) {
                        let read = f64::from_be_bytes(*pixel);
                        *sample = if read.is_finite() {
                            read
                        } else {
                            f64::INFINITY
                        };
                    }
                }
            },
        );
        std::hint::black_box((single, double));
    }
}
