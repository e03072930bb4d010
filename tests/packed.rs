//! Packed frames give the bytes of the frames that they were packed from.

use std::fs;

use fitsio::images::{ImageType, WriteImage};

use crate::common::{Place, Random};
use crate::limits::{smallest, within};
use crate::packing::{Pixels, Raw, Tiling, bzip2, gzip, save};

const ALL_PLANES: &str = "--planes data,mask,uncertainty,count,low,high";

/// Combines the frames of a folder, and returns the bytes of the output.
fn combined(place: &Place, folder: &str, arguments: &str) -> Vec<u8> {
    place.done(&format!(
        "combine -q --overwrite {arguments} -o {folder}.out {folder}"
    ));
    place.bytes(&format!("{folder}.out"))
}

/// Writes frames plain and packed under the same names, and wants the same output of both.
#[track_caller]
fn alike<T: WriteImage>(frames: &[Pixels<T>], packing: &str) {
    let place = Place::new();
    for folder in ["plain", "packed"] {
        fs::create_dir(place.path(folder)).unwrap();
    }
    for (n, frame) in frames.iter().enumerate() {
        frame.write(&place.path(&format!("plain/f{n}.fits")), None);
        frame.write(&place.path(&format!("packed/f{n}.fits")), Some(packing));
    }
    // CFITSIO gives them different comments.
    let planes = |folder: &str| {
        let arguments = format!("--clip sigma:2 --scale median {ALL_PLANES}");
        combined(&place, folder, &arguments);
        let names = ["MASK", "UNCERT", "COUNT", "LOW", "HIGH"].map(Some);
        let planes = [None].into_iter().chain(names);
        let planes = planes.flat_map(|name| place.plane(&format!("{folder}.out"), name));
        planes.map(f64::to_bits).collect::<Vec<_>>()
    };
    assert!(planes("packed") == planes("plain"), "{packing}");
}

/// Three frames of 37 × 29 pixels, made of random bits.
fn frames<T>(kind: ImageType, pixel: impl Fn(u64) -> T) -> Vec<Pixels<T>> {
    let mut random = Random(17);
    let frame = |_| Pixels {
        kind,
        axes: vec![37, 29],
        numbers: (0..37 * 29).map(|_| pixel(random.bits())).collect(),
    };
    (0..3).map(frame).collect()
}

/// A number up to 459: three levels with noise.
fn level(bits: u64) -> u32 {
    u32::try_from(bits % 60 + (bits >> 40) % 3 * 200).unwrap()
}

#[test]
fn whole_numbers_that_cfitsio_packed_come_back_from_every_tile() {
    for packing in ["R", "G", "H", "P"] {
        // HCOMPRESS wants 4 × 4 of every tile.
        let tiles = match packing {
            "H" => ["37,16", "37,29", "20,8"].as_slice(),
            _ => &["", "37,16", "37,29", "10,7", "5,29"],
        };
        for tile in tiles {
            let packing = format!("compress {packing} {tile}");
            let byte = |bits| u8::try_from(level(bits) % 256).unwrap();
            alike(&frames(ImageType::UnsignedByte, byte), &packing);
            let short = |bits| u16::try_from(level(bits) + 900).unwrap();
            alike(&frames(ImageType::UnsignedShort, short), &packing);
            let long = |bits| i32::try_from(level(bits) * 8).unwrap();
            alike(&frames(ImageType::Long, long), &packing);
        }
    }
}

#[test]
fn what_hcompress_loses_is_lost_as_in_cfitsio() {
    for packing in [
        "compress H 37,16; s 5",
        "compress HS 37,16; s 9",
        "compress HS 37,29; s 30",
    ] {
        let place = Place::new();
        let frame = &frames(ImageType::Long, |bits| i32::try_from(level(bits)).unwrap())[0];
        frame.write(&place.path("packed.fits"), Some(packing));
        let mut file = fitsio::FitsFile::open(place.path("packed.fits")).unwrap();
        let want: Vec<f64> = file.hdu(1).unwrap().read_image(&mut file).unwrap();
        assert!(
            place.combined("--planes data packed.fits") == want,
            "{packing}"
        );
        let lossless: Vec<f64> = frame
            .numbers
            .iter()
            .map(|pixel| f64::from(*pixel))
            .collect();
        assert!(want != lossless, "{packing}");
    }
}

#[test]
fn quantised_floats_are_what_cfitsio_makes_of_them() {
    for packing in [
        "compress R; q 4",
        "compress R 37,29; qz 8",
        "compress R 10,7; q0 2",
        "compress G 37,4; qz 1",
        "compress H 37,16; q 16",
        "compress G; q 0",
        "compress R 37,3; q -0.25",
    ] {
        let place = Place::new();
        let pixel = |bits| match bits % 7 {
            0 => 0.0,
            _ => f64::from(level(bits)) / 3.0,
        };
        let narrow = frames(ImageType::Float, |bits| {
            #[expect(clippy::cast_possible_truncation, reason = "as a camera does")]
            let pixel = pixel(bits) as f32;
            pixel
        });
        let wide = frames(ImageType::Double, pixel);
        narrow[0].write(&place.path("narrow.fits"), Some(packing));
        wide[0].write(&place.path("wide.fits"), Some(packing));
        let mut file = fitsio::FitsFile::open(place.path("narrow.fits")).unwrap();
        let floats: Vec<f32> = file.hdu(1).unwrap().read_image(&mut file).unwrap();
        let want = floats.into_iter().map(f64::from).collect::<Vec<_>>();
        assert!(
            place.combined("--planes data narrow.fits") == want,
            "{packing}"
        );
        let mut file = fitsio::FitsFile::open(place.path("wide.fits")).unwrap();
        let want: Vec<f64> = file.hdu(1).unwrap().read_image(&mut file).unwrap();
        assert!(
            place.combined("--planes data wide.fits") == want,
            "{packing}"
        );
    }
}

/// Frames of 37 × 29 × planes pixels of this type.
fn raw(bitpix: i32, nplane: usize, count: usize) -> Vec<Raw> {
    let mut random = Random(23);
    let nbyte = usize::try_from(bitpix.abs() / 8).unwrap();
    let pixel = |bits: u64| -> Vec<u8> {
        let number = level(bits);
        match bitpix {
            -32 if bits.is_multiple_of(31) => f32::NAN.to_be_bytes().to_vec(),
            -32 => (f32::from(u16::try_from(number).unwrap()) / 7.0)
                .to_be_bytes()
                .to_vec(),
            -64 => (f64::from(number) / 7.0).to_be_bytes().to_vec(),
            _ => u64::from(number).to_be_bytes()[8 - nbyte..].to_vec(),
        }
    };
    let axes = if nplane == 1 {
        vec![37, 29]
    } else {
        vec![37, 29, nplane]
    };
    let frame = |n| Raw {
        bitpix,
        axes: axes.clone(),
        cards: vec![
            format!("EXPTIME = {:>20}", 10 * (n + 1)),
            "OBJECT  = 'M 31    '           / what it is".into(),
            "COMMENT   taken by hand".into(),
            "DATE-OBS= '2024-05-06T07:08:09'".into(),
        ],
        bytes: (0..37 * 29 * nplane)
            .flat_map(|_| pixel(random.bits()))
            .collect(),
    };
    (0..count).map(frame).collect()
}

/// Writes frames plain, and packed by `pack` under the same names; wants the same output of both, and returns the place.
#[track_caller]
fn alike_raw(frames: &[Raw], arguments: &str, pack: impl Fn(usize, &Raw) -> Vec<u8>) -> Place {
    let place = Place::new();
    for (n, frame) in frames.iter().enumerate() {
        save(&place.path(&format!("plain/f{n}.fits")), &frame.plain());
        save(&place.path(&format!("packed/f{n}.fits")), &pack(n, frame));
    }
    let want = combined(&place, "plain", arguments);
    assert!(combined(&place, "packed", arguments) == want, "{arguments}");
    assert_eq!(
        place.listing(),
        ["packed", "packed.out", "plain", "plain.out"]
    );
    place
}

#[test]
fn tables_from_another_hand_are_read_and_their_headers_are_those_of_the_frames() {
    let arguments = format!("--clip extrema:0,1 {ALL_PLANES}");
    for bitpix in [8, 16, 32, 64, -32, -64] {
        let mut frames = raw(bitpix, 1, 3);
        if bitpix > 8 {
            let blank = format!("BLANK   = {:>20}", level(5));
            for frame in &mut frames {
                frame.cards.push(blank.clone());
            }
        }
        for tiling in [Tiling::Gzip1, Tiling::Gzip2, Tiling::NoCompress] {
            for tile in [&[37, 1][..], &[37, 8], &[11, 6], &[37, 29]] {
                alike_raw(&frames, &arguments, |_, frame| frame.packed(tiling, tile));
            }
        }
    }
}

#[test]
fn files_that_are_packed_as_a_whole_are_read_whatever_their_names() {
    let frames = raw(16, 1, 5);
    let arguments = format!("--scale mean --clip sigma:1.5 {ALL_PLANES}");
    let place = alike_raw(&frames, &arguments, |n, frame| match n {
        0 => gzip(&frame.plain()),
        1 => bzip2(&frame.plain()),
        2 => gzip(&frame.packed(Tiling::Gzip2, &[37, 10])),
        3 => [gzip(&frame.plain()[..999]), gzip(&frame.plain()[999..])].concat(),
        _ => frame.plain(),
    });
    for more in ["--io mmap", "--io read", "-j 1", "-j 7", "--temp-dir /tmp"] {
        let arguments = format!("{more} {arguments}");
        assert!(
            combined(&place, "packed", &arguments) == place.bytes("plain.out"),
            "{more}"
        );
    }
}

#[test]
fn cubes_are_read_plane_by_plane_however_deep_their_tiles_are() {
    let frames = raw(16, 4, 2);
    for tile in [&[37, 1, 1][..], &[37, 29, 1], &[37, 5, 3], &[10, 10, 4]] {
        alike_raw(&frames, "--clip sigma:1", |_, frame| {
            frame.packed(Tiling::Gzip1, tile)
        });
    }
}

#[test]
fn parts_of_frames_are_read_whatever_tiles_they_cut() {
    let frames = raw(32, 1, 3);
    for region in ["[5:30,3:27]", "[12:12,1:29]", "[1:37,20:20]"] {
        for tile in [&[37, 1][..], &[37, 8], &[11, 6], &[37, 29]] {
            let arguments = format!("--region {region} --scale median --stats-section [2:20,4:19]");
            alike_raw(&frames, &arguments, |_, frame| {
                frame.packed(Tiling::Gzip1, tile)
            });
        }
    }
}

#[test]
fn rows_beside_a_band_are_read_whatever_tiles_they_cut() {
    let frames = raw(16, 1, 5);
    for tile in [&[37, 1][..], &[37, 8], &[11, 6], &[37, 29]] {
        alike_raw(
            &frames,
            "--clip sigma:1 --grow 2 --hole-fill 2",
            |_, frame| frame.packed(Tiling::Gzip1, tile),
        );
    }
}

#[test]
fn any_limit_and_thread_count_gives_the_same_bytes_within_the_limit() {
    let mut random = Random(5);
    let frames: Vec<Raw> = (0..6)
        .map(|_| Raw {
            bitpix: 16,
            axes: vec![700, 300],
            cards: Vec::new(),
            bytes: (0..210_000)
                .flat_map(|_| u16::try_from(level(random.bits())).unwrap().to_be_bytes())
                .collect(),
        })
        .collect();
    let arguments = format!("--clip sigma:2 --scale median {ALL_PLANES}");
    for tile in [&[700, 1][..], &[700, 16], &[100, 60], &[700, 300]] {
        let place = alike_raw(&frames, &arguments, |n, frame| match n {
            0 => gzip(&frame.plain()),
            _ => frame.packed(Tiling::Gzip2, tile),
        });
        let want = place.bytes("plain.out");
        for threads in [1, 3] {
            let arguments = format!("-j {threads} {arguments} -o out.fits packed");
            let least = smallest(&place, &arguments);
            for limit in [least, least + 300, least + 4000, 1 << 18] {
                let (got, _) = within(&place, &arguments, limit);
                assert!(got == want, "{tile:?} {arguments} under {limit} KiB");
            }
        }
    }
}
