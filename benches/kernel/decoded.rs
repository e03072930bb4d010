//! The whole way of a strip, from the stored bytes of every frame to values, and its floor: the same bytes made samples, and no more.

use std::io;

use ccdstream::BenchTile;
use ccdstream::kernel::{Sample, Width};
use ccdstream::recipe::{Method, Stack};

use super::{Bench, FRAMES, NSAMPLE};

/// Pixels of a tile are a multiple of these: the fewest that a strip of the program has.
const STRIP: usize = 128;
/// Bits of a pixel, and the value of its zero, as the header of a uint16 frame has them.
const UINT16: (i64, f64) = (16, 32768.0);
const DOUBLE: (i64, f64) = (-64, 0.0);

impl Bench {
    /// Every line of the whole way.
    pub(crate) fn decoded(&self) -> io::Result<()> {
        self.decoded_of::<f32>("u16", UINT16, &|sample| {
            let [high, low] = sample.to_be_bytes();
            vec![high ^ 0x80, low]
        })?;
        self.decoded_of::<f64>("f64", DOUBLE, &|sample| {
            (f64::from(sample) * 1.01).to_be_bytes().to_vec()
        })
    }

    /// The lines of frames that are stored alike.
    fn decoded_of<T: Sample>(
        &self,
        name: &str,
        stored: (i64, f64),
        encode: &dyn Fn(u16) -> Vec<u8>,
    ) -> io::Result<()> {
        for nframe in FRAMES {
            let npixel = (NSAMPLE / nframe).max(1).next_multiple_of(STRIP);
            let mut frames: Vec<Vec<u8>> = Vec::new();
            for width in Width::available() {
                let cases = cases().into_iter().map(|(case, stack)| (case, Some(stack)));
                for (case, stack) in cases.chain([("decode".to_owned(), None)]) {
                    let Some(label) = self.label(&format!("{case} {name}"), nframe, width) else {
                        continue;
                    };
                    if frames.is_empty() {
                        frames = drawn(nframe, npixel, encode);
                    }
                    let only_decode = stack.is_none();
                    let stack = stack.unwrap_or_default();
                    let mut tile = BenchTile::<T>::new(width, &stack, stored, &frames)
                        .map_err(io::Error::other)?;
                    let (nsample, nbyte) = (tile.nsample(), frames[0].len() / npixel);
                    let mut done = Ok(());
                    self.timed(&label, nsample, nbyte, || {
                        let taken = if only_decode {
                            tile.decode()
                        } else {
                            tile.combine()
                        };
                        if let Err(error) = taken {
                            done = Err(io::Error::other(error));
                        }
                    })?;
                    done?;
                }
            }
        }
        Ok(())
    }
}

/// What is done with the samples.
fn cases() -> Vec<(String, Stack)> {
    let clipped = |step: &str| Stack {
        clip: vec![step.parse().expect("a step as it is typed")],
        ..Stack::default()
    };
    let median = Stack {
        method: Method::Median,
        ..Stack::default()
    };
    let mut cases = vec![
        ("decode+mean".into(), Stack::default()),
        ("decode+median".into(), median),
        ("decode+MAD clip".into(), clipped("sigma:5,iters=converge")),
        (
            "decode+std clip".into(),
            clipped("sigma:3,center=mean,dev=std,iters=converge"),
        ),
    ];
    for step in [
        "percentile:0.2",
        "pclip:-0.5,3",
        "winsorized:3",
        "median-sigma:3",
        "linear-fit:5",
        "linear-fit:3",
        "esd:0.3,0.05",
        "rcr:0.5",
        "ccd:3,3,gain=1,rdnoise=5",
        "cr:3,gain=1,rdnoise=5",
    ] {
        cases.push((format!("decode+{step}"), clipped(step)));
    }
    cases
}

/// The stored bytes of each frame: sky of 1000 ± 20 ADU, one sample in two hundred hit by a cosmic ray; the same on every run.
fn drawn(nframe: usize, npixel: usize, encode: &dyn Fn(u16) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut state = nframe as u64 + 1;
    let mut below = move |end: u16| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u16::try_from((state >> 40) % u64::from(end)).unwrap_or(0)
    };
    let mut sample = move || {
        // Twelve uniform numbers of 0 to 69 make a bell of deviation 70.
        let bell: u16 = (0..12).map(|_| below(70)).sum();
        let hit = if below(200) == 0 { below(5000) } else { 0 };
        1000 - 414 * 2 / 7 + bell * 2 / 7 + hit
    };
    (0..nframe)
        .map(|_| (0..npixel).flat_map(|_| encode(sample())).collect())
        .collect()
}
