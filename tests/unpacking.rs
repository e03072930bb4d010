//! Which packed frames are unpacked where; masters, companions and extensions that are packed; what ends in a message.

use std::fs;

use crate::common::{Place, Random};
use crate::fits::{Image, empty_primary};
use crate::packing::{Raw, Tiling, bzip2, gzip, save};

/// A frame of 200 × 150 pixels around 1000; `seed` draws its noise.
fn frame(seed: u64, level: u64) -> Raw {
    let mut random = Random(seed);
    let pixel = |_| u16::try_from(level + random.bits() % 50).unwrap();
    Raw {
        bitpix: 16,
        axes: vec![200, 150],
        cards: vec![
            "EXPTIME =                 30.0".into(),
            format!("EXTNAME = 'CHIP{seed}'"),
        ],
        bytes: (0..200 * 150)
            .map(pixel)
            .flat_map(u16::to_be_bytes)
            .collect(),
    }
}

fn with_ways(place: &Place, arguments: &str) -> serde_json::Value {
    place.json(&format!("combine --dry-run -o out.fits {arguments}"))["packing"].clone()
}

#[test]
fn a_dry_run_says_which_frames_are_unpacked_how() {
    let place = Place::new();
    for n in 0..4 {
        let raw = frame(n, 900);
        save(
            &place.path(&format!("rows/f{n}.fits")),
            &raw.packed(Tiling::Gzip1, &[200, 1]),
        );
        save(
            &place.path(&format!("tall/f{n}.fits")),
            &raw.packed(Tiling::Gzip1, &[50, 10]),
        );
        save(
            &place.path(&format!("whole/f{n}.fits")),
            &raw.packed(Tiling::Gzip1, &[200, 150]),
        );
        save(
            &place.path(&format!("files/f{n}.fits")),
            &gzip(&raw.plain()),
        );
        save(&place.path(&format!("plain/f{n}.fits")), &raw.plain());
    }
    let size = 200 * 150 * 2;
    let before = place.listing();
    for (arguments, plain, by_bands, once, files) in [
        ("plain", 4, 0, 0, 0),
        ("rows", 0, 4, 0, 0),
        ("tall", 0, 4, 0, 0),
        ("-j 2 whole", 0, 0, 4, 0),
        ("-j 1 whole", 0, 4, 0, 0),
        ("files", 4, 0, 0, 4),
        ("-j 2 plain rows tall whole files", 8, 8, 4, 4),
    ] {
        let ways = with_ways(&place, arguments);
        let told = ["plain", "by_bands", "once", "files"].map(|way| ways[way].as_u64().unwrap());
        assert_eq!(told, [plain, by_bands, once, files], "{arguments}");
        assert_eq!(
            ways["once_bytes"].as_u64(),
            Some(once * size),
            "{arguments}"
        );
        let whole = 2880 + u64::next_multiple_of(size, 2880);
        assert_eq!(
            ways["files_bytes"].as_u64(),
            Some(files * whole),
            "{arguments}"
        );
    }
    let text = place
        .done("combine --dry-run -o out.fits -j 2 plain rows whole files")
        .stdout;
    for line in [
        "4 files are packed as a whole: unpacked once to .",
        "4 frames are packed in tiles: unpacked by row bands",
        "4 frames are packed in tiles: unpacked once to .",
        "8 frames are not packed in tiles",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert_eq!(place.listing(), before);
}

#[test]
fn little_memory_sends_tall_tiles_to_the_temporary_file() {
    let place = Place::new();
    for n in 0..100 {
        let raw = frame(n, 900);
        save(
            &place.path(&format!("tall/f{n:02}.fits")),
            &raw.packed(Tiling::Gzip1, &[200, 75]),
        );
    }
    let least = crate::limits::smallest(&place, "-j 1 -o out.fits tall");
    for (limit, once) in [(least, 100), (1 << 18, 0)] {
        let ways = with_ways(&place, &format!("-j 1 --mem-limit {limit}K tall"));
        assert_eq!(ways["once"], once, "{ways}");
        assert_eq!(ways["by_bands"], 100 - once, "{ways}");
    }
}

/// A mask of the frame: every 13th pixel is bad.
fn mask() -> Raw {
    Raw {
        bitpix: 8,
        axes: vec![200, 150],
        cards: vec!["EXTNAME = 'MASK    '".into()],
        bytes: (0..200 * 150).map(|n| u8::from(n % 13 == 0)).collect(),
    }
}

#[test]
fn masters_masks_and_frames_may_be_packed_in_any_way() {
    let (plain, packed) = (Place::new(), Place::new());
    let put = |name: &str, raw: &Raw, pack: &dyn Fn(&Raw) -> Vec<u8>| {
        save(&plain.path(name), &raw.plain());
        save(&packed.path(name), &pack(raw));
    };
    let rows = |raw: &Raw| raw.packed(Tiling::Gzip2, &[200, 1]);
    let tall = |raw: &Raw| raw.packed(Tiling::Gzip1, &[60, 40]);
    put("bias.fits", &frame(90, 100), &tall);
    put("dark.fits", &frame(91, 10), &|raw| gzip(&raw.plain()));
    put("flat.fits", &frame(92, 5000), &|raw| bzip2(&rows(raw)));
    put("bad.fits", &mask(), &rows);
    for n in 0..5 {
        let raw = frame(n, 3000);
        put(&format!("raw/f{n}.fits"), &raw, &|raw| match n {
            0 => gzip(&raw.plain()),
            1 => rows(raw),
            2 => tall(raw),
            3 => raw.packed(Tiling::NoCompress, &[200, 150]),
            _ => bzip2(&raw.plain()),
        });
    }
    let steps = "--bias bias.fits --dark dark.fits --flat flat.fits --bad-pixels bad.fits --sky median --overscan [1:200,1:20] \
                 --trim [11:190,21:150] --overscan-axis column";
    let small =
        "--bias bias.fits --dark dark.fits --flat flat.fits --bad-pixels bad.fits --sky median";
    for (threads, steps) in [(1, small), (3, small)] {
        for place in [&plain, &packed] {
            place.done(&format!(
                "calibrate -q -j {threads} --overwrite -o red {steps} raw"
            ));
            place.done(&format!(
                "combine -q -j {threads} --overwrite --clip sigma:3 -o out.fits {steps} raw"
            ));
        }
        for n in 0..5 {
            let name = format!("red/f{n}.fits");
            assert!(plain.bytes(&name) == packed.bytes(&name), "{name}");
        }
        assert!(plain.bytes("out.fits") == packed.bytes("out.fits"));
    }
    // Masters of the whole shape do not go with the trim, but overscan and trim are the same of both.
    let trimmed = steps.split("--sky").nth(1).unwrap();
    for place in [&plain, &packed] {
        place.done(&format!(
            "calibrate -q --overwrite -o red --sky {trimmed} raw"
        ));
    }
    for n in 0..5 {
        let name = format!("red/f{n}.fits");
        assert!(plain.bytes(&name) == packed.bytes(&name), "{name}");
    }
    assert_eq!(
        packed.listing(),
        [
            "bad.fits",
            "bias.fits",
            "dark.fits",
            "flat.fits",
            "out.fits",
            "raw",
            "red"
        ]
    );
}

#[test]
fn extensions_and_companions_are_found_under_their_names() {
    let (plain, packed) = (Place::new(), Place::new());
    let primary = empty_primary(&[
        "EXTEND  =                    T",
        "EXPTIME =                 30.0",
    ]);
    for n in 0..3 {
        let raw = [frame(1, 500 + n), mask(), frame(2, 800 + n)];
        let packed_hdu = |raw: &Raw| raw.table(Tiling::Gzip1, &[200, 7], false);
        let plain_hdu = |raw: &Raw| {
            let structure = format!("BITPIX  = {:>20}", raw.bitpix);
            assert!(structure.len() <= 80);
            let numbers: Vec<f64> = match raw.bitpix {
                8 => raw.bytes.iter().map(|byte| f64::from(*byte)).collect(),
                _ => raw
                    .bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|b| f64::from(i16::from_be_bytes(*b)))
                    .collect(),
            };
            let image = Image::new(raw.bitpix, &raw.axes, &numbers);
            raw.cards
                .iter()
                .fold(image, |image, card| image.card(card.clone()))
                .extension()
        };
        let file = |hdu: &dyn Fn(&Raw) -> Vec<u8>| {
            [primary.clone(), raw.iter().flat_map(hdu).collect()].concat()
        };
        save(&plain.path(&format!("in/f{n}.fits")), &file(&plain_hdu));
        save(&packed.path(&format!("in/f{n}.fits")), &file(&packed_hdu));
    }
    for choice in ["", "--hdu CHIP2", "--hdu 3", "--hdu all", "--mask-hdu none"] {
        for place in [&plain, &packed] {
            place.done(&format!("combine -q --overwrite -o out.fits {choice} in"));
        }
        assert!(
            plain.bytes("out.fits") == packed.bytes("out.fits"),
            "{choice}"
        );
    }
}

#[test]
fn what_cannot_be_unpacked_ends_in_one_message_and_leaves_nothing() {
    let place = Place::new();
    let raw = frame(1, 900);
    save(&place.path("good.fits"), &raw.plain());
    let zipped = gzip(&raw.plain());
    save(&place.path("cut.fits.gz"), &zipped[..zipped.len() / 2]);
    let mut damaged = zipped.clone();
    let at = damaged.len() - 5;
    damaged[at] ^= 1;
    save(&place.path("crc.fits.gz"), &damaged);
    save(
        &place.path("text.fits.gz"),
        &gzip(b"Dear observer, there is no frame here.\n"),
    );
    save(&place.path("xz.fits"), b"\xfd7zXZ\0 and so on");
    let tiles = raw.packed(Tiling::Gzip1, &[200, 10]);
    save(&place.path("heap.fits"), &tiles[..tiles.len() - 2880]);
    let mut junk = tiles.clone();
    let heap = 2880 + 2880 + 15 * 8;
    junk[heap + 40..heap + 60].fill(0xff);
    save(&place.path("junk.fits"), &junk);
    for (name, part) in [
        (
            "cut.fits.gz",
            "is cut short: what gzip packed ends early; copy it again",
        ),
        ("crc.fits.gz", "is damaged: gzip cannot unpack it"),
        (
            "text.fits.gz",
            "unpacks to something that is text, not FITS",
        ),
        (
            "xz.fits",
            "is compressed with xz, which is not read here; unpack it with unxz first",
        ),
        ("heap.fits", "is cut short: its tile"),
        ("junk.fits", "cannot be unpacked: its tile 1 is damaged"),
    ] {
        place.refused(&format!("good.fits {name}"), 1, &[name, part]);
    }
    place.refused(
        "--temp-dir nowhere good.fits",
        1,
        &["nowhere: is no folder", "--temp-dir"],
    );
    fs::write(place.path("good.fits.gz"), &zipped).unwrap();
    place.refused(
        "--temp-dir /proc good.fits.gz",
        1,
        &["/proc: cannot unpack frames here", "--temp-dir"],
    );
}

#[test]
fn a_frame_that_cannot_be_unpacked_leaves_the_others_calibrated() {
    let place = Place::new();
    let zipped = gzip(&frame(1, 900).plain());
    for name in ["a.fits.gz", "c.fits.gz"] {
        save(&place.path(&format!("raw/{name}")), &zipped);
    }
    save(&place.path("raw/b.fits.gz"), &zipped[..1000]);
    let run = place.run("calibrate -o red --gain 2 raw");
    assert_eq!(run.status, Some(1));
    assert!(run.stderr.contains("b.fits.gz"), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("is cut short: what gzip packed ends early"),
        "{}",
        run.stderr
    );
    // What is hidden tells a run with --resume which are done.
    let red = fs::read_dir(place.path("red")).unwrap();
    let names = red.map(|entry| entry.unwrap().file_name());
    let shown = names.filter(|name| !name.to_string_lossy().starts_with('.'));
    assert_eq!(shown.count(), 2);
}
