//! Outputs that are packed: the same pixels and headers as plain ones, as CFITSIO reads them; the same bytes, however the work is cut.

use fitsio::FitsFile;
use fitsio::images::ReadImage;

use crate::common::{Place, Random, assert_same};
use crate::fits::{Header, Image};

/// Packed outputs of runs that are cut short.
mod cut_short;

/// Every plane that there is.
const PLANES: &str = "--planes data,mask,uncertainty,count,low,high --clip sigma:2";

/// Cards of the packing, and those that tell of the form of the file.
const FORM: [&str; 12] = [
    "SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "EXTEND", "PCOUNT", "GCOUNT",
    "TFIELDS", "CHECKSUM", "DATASUM",
];

/// Frames of floats with noise, a hole and a row in which all is absent, and of the lowest and highest whole numbers.
pub(super) fn night() -> Place {
    let place = Place::new();
    let mut random = Random(3);
    for n in 0..5 {
        let mut pixels: Vec<f64> = (0..300 * 200)
            .map(|_| 1000.0 + (random.bits() % 4096) as f64 / 64.0)
            .collect();
        pixels[40 * 300..41 * 300].fill(f64::NAN);
        pixels[50 * 300 + 7..50 * 300 + 90].fill(f64::NAN);
        Image::new(-32, &[300, 200], &pixels)
            .card("OBJECT  = 'M31     '           / what was looked at")
            .card("HISTORY it was cloudy")
            .card("HIERARCH ESO DET CHIP = 'left'")
            .card("COMMENT and cold")
            .write(place.path(&format!("f{n}.fits")));
        let pixels: Vec<u16> = (0..300 * 200)
            .map(|_| (random.bits() % 65_535) as u16)
            .collect();
        Image::uint16(&[300, 200], &pixels).write(place.path(&format!("u{n}.fits")));
    }
    place
}

/// The image of an HDU, read by CFITSIO.
fn image<T>(place: &Place, file: &str, hdu: usize) -> T
where
    T: ReadImage,
{
    let mut fits = FitsFile::open(place.path(file)).unwrap();
    let hdu = fits.hdu(hdu).unwrap();
    hdu.read_image(&mut fits).unwrap()
}

/// The cards of an image as it was before it was packed, its form aside.
fn cards(header: &Header) -> Vec<String> {
    let keyword = |card: &String| card.split('=').next().unwrap().trim().to_owned();
    let of_packing = |name: &str| {
        ["TTYPE", "TFORM"].iter().any(|stem| name.starts_with(stem)) || name.starts_with('Z')
    };
    let cards = header.0.iter().cloned();
    cards
        .filter(|card| !FORM.contains(&&*keyword(card)) && !of_packing(&keyword(card)))
        .collect()
}

#[test]
fn every_plane_comes_back_to_the_bit_with_its_header() {
    let place = night();
    for (frames, dtype) in [
        ("f", "f32"),
        ("f", "f64"),
        ("u", "i32"),
        ("f", "i16"),
        ("u", "u16"),
    ] {
        let combine = format!("combine -q {PLANES} --overwrite --dtype {dtype} '{frames}*.fits'");
        place.done(&format!("{combine} -o plain.fits"));
        for how in ["rice --quantize none", "gzip"] {
            place.done(&format!("{combine} --compress {how} -o packed.fits.fz"));
            let (plain, packed) = (place.hdus("plain.fits"), place.hdus("packed.fits.fz"));
            assert_eq!(packed.len(), 7, "an empty primary, and six planes");
            for (number, (was, is)) in plain.iter().zip(&packed[1..]).enumerate() {
                let told = format!("{dtype} {how} {number}");
                let bits = |file: &str, hdu| -> Vec<u64> {
                    let values: Vec<f64> = image(&place, file, hdu);
                    values.into_iter().map(f64::to_bits).collect()
                };
                let (plain, packed) = ("plain.fits", "packed.fits.fz");
                assert!(bits(plain, number) == bits(packed, number + 1), "{told}");
                assert_eq!(cards(was), cards(is), "{told}");
                // What tells a reader that all is as it was.
                assert_eq!(was.value("CHECKSUM"), is.value("ZHECKSUM"), "{told}");
                assert_eq!(was.value("DATASUM"), is.value("ZDATASUM"), "{told}");
                let method = is.value("ZCMPTYPE").unwrap();
                let float = was.number("BITPIX") < 0.0;
                let rice = how.starts_with("rice") && !float;
                assert_eq!(method.contains("RICE_1"), rice, "{told}: {method}");
            }
        }
    }
}

#[test]
fn floats_are_rounded_to_a_part_of_their_noise() {
    let place = night();
    place.done("combine -q -o plain.fits 'f*.fits'");
    for (how, steps) in [
        ("rice", 4.0),
        ("rice --quantize 16", 16.0),
        ("gzip --quantize 4", 4.0),
    ] {
        place.done(&format!(
            "combine -q --overwrite --compress {how} -o p.fits.fz 'f*.fits'"
        ));
        for (number, packed) in [(0, 1), (2, 3)] {
            let was: Vec<f64> = image(&place, "plain.fits", number);
            let is: Vec<f64> = image(&place, "p.fits.fz", packed);
            let present: Vec<f64> = was.iter().copied().filter(|v| !v.is_nan()).collect();
            let mean = present.iter().sum::<f64>() / present.len() as f64;
            let squares = present.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            let noise = (squares / present.len() as f64).sqrt();
            let mut off: f64 = 0.0;
            let mut sum = 0.0;
            for (was, is) in was.iter().zip(&is) {
                // What CFITSIO makes of absent pixels where it is not told: scripts/compressed_output.py looks for NaN.
                if !was.is_nan() {
                    off = off.max((was - is).abs());
                    sum += is - was;
                }
            }
            // Half a step; the noise that a row seems to have differs from row to row.
            assert!(
                (0.5..1.6).contains(&(off / (0.5 * noise / steps))),
                "{how}: {off} of {noise}"
            );
            let bias = (sum / present.len() as f64).abs();
            assert!(bias < 0.01 * noise, "{how}: {bias} of {noise}");
        }
        let header = &place.hdus("p.fits.fz")[1];
        assert_eq!(
            header.value("ZQUANTIZ").as_deref(),
            Some("SUBTRACTIVE_DITHER_1")
        );
        assert_eq!(header.value("ZDITHER0").as_deref(), Some("1"));
    }
    // The mask keeps every bit.
    let mask: Vec<f64> = image(&place, "p.fits.fz", 2);
    assert!(mask == image::<Vec<f64>>(&place, "plain.fits", 1));
}

#[test]
fn what_is_packed_is_combined_as_what_is_plain() {
    let place = night();
    place.done("combine -q -o plain.fits 'f*.fits'");
    for (how, name) in [
        ("rice --quantize none", "a"),
        ("gzip", "b"),
        ("rice", "rounded"),
    ] {
        place.done(&format!(
            "combine -q --compress {how} -o {name}.fits.fz 'f*.fits'"
        ));
        place.done(&format!("combine -q -o again_{name}.fits {name}.fits.fz"));
    }
    place.done("combine -q -o again.fits plain.fits");
    let (again, a, b) = (
        place.plane("again.fits", None),
        "again_a.fits",
        "again_b.fits",
    );
    assert_same(&place.plane(a, None), &again);
    assert_same(&place.plane(b, None), &again);
    // NaN stays where it was, in values and uncertainty.
    for plane in [None, Some("UNCERT")] {
        let rounded = place.plane("again_rounded.fits", plane);
        let absent = |values: &[f64]| values.iter().map(|v| v.is_nan()).collect::<Vec<_>>();
        let plain = place.plane("again.fits", plane);
        assert_eq!(absent(&rounded), absent(&plain), "{plane:?}");
    }
}

#[test]
fn the_bytes_are_the_same_whatever_the_limit_and_the_threads() {
    let place = night();
    for how in ["rice", "gzip"] {
        let combine = format!("combine -q --overwrite {PLANES} --compress {how} 'f*.fits'");
        place.done(&format!("{combine} -o ref.fits.fz -j 1"));
        for (number, resources) in ["-j 7", "-j 3 --io mmap", "-j 2 --mem-limit 16M"]
            .iter()
            .enumerate()
        {
            let output = format!("out{number}.fits.fz");
            place.done(&format!("{combine} -o {output} {resources}"));
            let (is, reference) = (place.bytes(&output), place.bytes("ref.fits.fz"));
            assert!(is == reference, "{how} {resources}");
        }
    }
}

#[test]
fn extensions_of_a_mosaic_are_packed_each_and_the_primary_stays() {
    let place = Place::new();
    let chip = |seed| Image::uint16(&[70, 50], &Random(seed).frame(3500));
    for n in 0..3 {
        let mut bytes = crate::fits::empty_primary(&["OBSERVER= 'Ada     '"]);
        bytes.extend(chip(n).named("LEFT").extension());
        bytes.extend(chip(n + 9).named("RIGHT").extension());
        std::fs::write(place.path(&format!("m{n}.fits")), bytes).unwrap();
    }
    place.done("combine -q --hdu all -o plain.fits 'm*.fits'");
    place.done("combine -q --hdu all --compress gzip -o packed.fits.fz 'm*.fits'");
    let (plain, packed) = (place.hdus("plain.fits"), place.hdus("packed.fits.fz"));
    assert_eq!(plain.len(), packed.len());
    assert_eq!(plain[0].0, packed[0].0);
    for number in 1..plain.len() {
        assert_eq!(cards(&plain[number]), cards(&packed[number]));
        assert_eq!(packed[number].value("ZTENSION").as_deref(), Some("IMAGE"));
        let was: Vec<f64> = image(&place, "plain.fits", number);
        assert!(was == image::<Vec<f64>>(&place, "packed.fits.fz", number));
    }
}

#[test]
fn calibrated_frames_are_packed_under_names_that_say_so() {
    let place = night();
    let calibrate = "calibrate -q --gain 2 --deviation --readnoise 3";
    place.done(&format!("{calibrate} -o plain f0.fits f1.fits u0.fits"));
    for (folder, how) in [("rice", "rice"), ("gzip", "gzip")] {
        place.done(&format!(
            "{calibrate} --compress {how} -o {folder} f0.fits f1.fits u0.fits"
        ));
        let mut names: Vec<_> = std::fs::read_dir(place.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["f0.fits.fz", "f1.fits.fz", "u0.fits.fz"]);
    }
    for name in ["f0.fits", "f1.fits", "u0.fits"] {
        let (plain, packed) = (format!("plain/{name}"), format!("gzip/{name}.fz"));
        let (was, is) = (place.hdus(&plain), place.hdus(&packed));
        assert_eq!(was.len() + 1, is.len());
        for number in 0..was.len() {
            assert_eq!(
                was[number].value("CHECKSUM"),
                is[number + 1].value("ZHECKSUM")
            );
            let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
            let was = bits(image(&place, &plain, number));
            assert!(
                was == bits(image(&place, &packed, number + 1)),
                "{name} {number}"
            );
        }
    }
    // One thread and several make the same files.
    place.done(&format!(
        "{calibrate} -j 3 --compress rice -o again f0.fits f1.fits u0.fits"
    ));
    assert!(place.bytes("again/f0.fits.fz") == place.bytes("rice/f0.fits.fz"));
}

#[test]
fn choices_that_do_not_go_together_are_told() {
    let place = night();
    for (arguments, said) in [
        (
            "-o out.fits --quantize 4",
            "--quantize has no effect without --compress",
        ),
        (
            "-o out.fits --compress rice --quantize 0",
            "above 0, or none",
        ),
        ("-o out.fits --compress zip", "rice"),
        (
            "-o out.fits --compress rice --dtype i16 --planes data --quantize 4",
            "no plane of the output is of floats",
        ),
        ("-o out.fits.fz", "add --compress rice or --compress gzip"),
        (
            "-o out.fits.gz --compress gzip",
            "files are not packed as a whole",
        ),
    ] {
        let before = place.listing();
        let run = place.run(&format!("combine {arguments} f0.fits"));
        assert_eq!(run.status, Some(2), "{arguments}: {}", run.stderr);
        let words = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(said), "{arguments}: {}", run.stderr);
        assert_eq!(place.listing(), before);
    }
    let run = place.run("calibrate -o red --quantize 4 f0.fits");
    assert_eq!(run.status, Some(2), "{}", run.stderr);
}

#[test]
fn what_packing_made_of_the_output_is_told() {
    let place = night();
    let summary = place.json("combine --compress rice -o out.fits 'f*.fits'");
    let packed = &summary["packed"];
    assert_eq!(
        packed["packed"].as_u64(),
        Some(place.bytes("out.fits").len() as u64)
    );
    assert!(packed["plain"].as_u64() > packed["packed"].as_u64());
    let run = place.done("combine --overwrite --compress rice -o out.fits 'f*.fits'");
    assert!(run.stderr.contains("packed "), "{}", run.stderr);
    let plan = place.done("combine --dry-run --compress rice -o none.fits 'f*.fits'");
    assert!(
        plan.stdout.contains("packing the output, "),
        "{}",
        plan.stdout
    );
}
