//! Bad input: each ends in one message that names what is wrong and what would help, and leaves nothing behind.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::common::{good, two};
use crate::fits::{Image, empty_primary, header};

#[test]
fn no_frames() {
    let place = two();
    fs::create_dir(place.path("empty")).unwrap();
    fs::write(place.path("list.txt"), "# nothing\n").unwrap();
    place.refused("empty/", 1, &["no frames", "empty"]);
    place.refused("'none*.fits'", 1, &["none*.fits"]);
    place.refused("@list.txt", 1, &["list.txt"]);
    place.refused("missing.fits", 1, &["missing.fits"]);
    place.refused("a.fits missing.fits", 1, &["missing.fits"]);
    place.refused("@missing.txt", 1, &["missing.txt"]);
    place.refused(
        "--where EXPTIME=1 a.fits b.fits",
        1,
        &["no frames", "EXPTIME=1"],
    );
    place.refused("", 2, &["frames"]);
}

#[test]
fn a_file_that_is_not_a_frame() {
    let place = two();
    fs::write(place.path("text.fits"), "clouds all night\n").unwrap();
    fs::write(place.path("empty.fits"), "").unwrap();
    fs::create_dir(place.path("folder.fits")).unwrap();
    fs::write(
        place.path("zip.fits"),
        [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    )
    .unwrap();
    fs::write(place.path("head.fits"), &empty_primary(&[])[..800]).unwrap();
    fs::write(place.path("nothing.fits"), empty_primary(&[])).unwrap();
    for (file, parts) in [
        ("text.fits", &["not", "FITS"][..]),
        ("empty.fits", &["empty.fits"]),
        ("folder.fits", &["folder.fits"]),
        ("zip.fits", &["unpacks to something that is empty"]),
        ("head.fits", &["head.fits"]),
        ("nothing.fits", &["image"]),
    ] {
        let run = place.refused(&format!("a.fits {file} b.fits"), 1, parts);
        assert!(run.stderr.contains(file), "{}", run.stderr);
    }
    fs::create_dir(place.path("night")).unwrap();
    fs::write(place.path("night/text.fits"), "clouds").unwrap();
    place.refused("night/", 1, &["text.fits", "not", "FITS"]);
    symlink("/dev/null", place.path("null.fits")).unwrap();
    place.refused("null.fits", 1, &["null.fits"]);
}

#[test]
fn a_truncated_frame() {
    let place = two();
    let whole = good(2.0).primary();
    for length in [2880, 2881, 2880 + 11, 2879, 80] {
        fs::write(place.path("short.fits"), &whole[..length]).unwrap();
        place.refused("a.fits short.fits", 1, &["short.fits"]);
    }
    fs::write(place.path("short.fits"), &whole[..2880 + 5]).unwrap();
    place.refused("a.fits short.fits", 1, &["short.fits", "cut short"]);
}

#[test]
fn tables_and_compressed_images() {
    let place = two();
    let table = |extra: &[&str]| {
        let own = [
            "XTENSION= 'BINTABLE'",
            "BITPIX  =                    8",
            "NAXIS   =                    2",
            "NAXIS1  =                    8",
            "NAXIS2  =                    1",
            "PCOUNT  =                    0",
            "GCOUNT  =                    1",
            "TFIELDS =                    1",
            "TFORM1  = '1PB     '",
            "TTYPE1  = 'COMPRESSED_DATA'",
        ];
        let mut bytes = empty_primary(&[]);
        bytes.extend(header(
            &own.iter()
                .chain(extra)
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
        ));
        bytes.resize(bytes.len() + 2880, 0);
        bytes
    };
    fs::write(place.path("table.fits"), table(&["EXTNAME = 'EVENTS  '"])).unwrap();
    place.refused("table.fits", 1, &["table.fits", "image"]);
    place.refused("'table.fits[1]'", 1, &["table.fits", "table"]);
    let packed = table(&[
        "ZIMAGE  =                    T",
        "ZCMPTYPE= 'GZIP_1  '",
        "ZBITPIX =                   16",
        "ZNAXIS  =                    2",
        "ZNAXIS1 =                    3",
        "ZNAXIS2 =                    2",
        "ZTILE1  =                    3",
        "ZTILE2  =                    2",
    ]);
    fs::write(place.path("packed.fits.fz"), packed).unwrap();
    place.refused("packed.fits.fz", 1, &["packed.fits.fz", "tile 1"]);
}

#[test]
fn a_frame_that_may_not_be_read() {
    let place = two();
    fs::set_permissions(place.path("b.fits"), fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything.
    if fs::read(place.path("b.fits")).is_err() {
        place.refused("a.fits b.fits", 1, &["b.fits", "permission"]);
    }
}

#[test]
fn frames_that_do_not_fit_together() {
    let place = two();
    Image::new(16, &[2, 3], &[0.0; 6]).write(place.path("turned.fits"));
    place.refused(
        "a.fits turned.fits",
        1,
        &["turned.fits", "2 × 3", "a.fits", "3 × 2"],
    );
    good(1.0)
        .card("BUNIT   = 'electron'")
        .write(place.path("e.fits"));
    good(1.0)
        .card("BUNIT   = 'Jy      '")
        .write(place.path("jy.fits"));
    good(1.0)
        .card("BUNIT   = 'ADU     '")
        .write(place.path("adu.fits"));
    place.refused("a.fits e.fits", 1, &["e.fits", "electron", "a.fits"]);
    place.refused(
        "jy.fits e.fits",
        1,
        &["e.fits", "electron", "jy.fits", "Jy"],
    );
    place.combined("a.fits adu.fits");
    fs::remove_file(place.path("out.fits")).unwrap();
    good(1.0).write_with(
        &[Image::new(8, &[2, 3], &[0.0; 6]).named("MASK")],
        place.path("m.fits"),
    );
    place.refused("a.fits m.fits", 1, &["m.fits", "MASK", "2 × 3"]);
    place.refused(
        "--bad-pixels turned.fits a.fits",
        1,
        &["turned.fits", "2 × 3"],
    );
    place.refused("--bad-pixels none.fits a.fits", 1, &["none.fits"]);
}

#[test]
fn an_hdu_that_is_not_there() {
    let place = two();
    place.refused("--hdu 3 a.fits", 1, &["a.fits", "3"]);
    place.refused("'a.fits[SCI]'", 1, &["a.fits", "SCI"]);
    place.refused("--hdu SCI,2 a.fits", 1, &["a.fits", "SCI"]);
}

#[test]
fn frames_whose_pixels_are_whole_are_read_whatever_else_is_wrong_with_them() {
    let odd = good(5.0)
        .card("EXPTIME =                 70.0")
        .card("OPEN    = 'never closed")
        .card("BELL    = 'a\u{7}\u{1b}[31mb'")
        .card("ACCENT  = 'caf\u{e9}   '")
        .card("HIERARCH ESO DET CHIP NAME = 'CCD-1'")
        .card("LONGSTR = 'begins &'")
        .card("CONTINUE  'and ends'")
        .card("GAIN    =              1.5D+00");
    let odd = (0..900).fold(odd, |image, n| image.card(format!("HISTORY line {n}")));
    let bytes = odd.primary();
    let header_end = bytes.len() - 2880;
    for (what, bytes) in [
        ("odd cards", bytes.clone()),
        ("no padding", bytes[..header_end + 12].to_vec()),
        (
            "junk behind",
            [&bytes[..], b"junk that is no header"].concat(),
        ),
        (
            "a block of junk behind",
            [&bytes[..], &[b'#'; 2880]].concat(),
        ),
    ] {
        let place = two();
        fs::write(place.path("odd.fits"), bytes).unwrap();
        let run = place.done("combine -o out.fits odd.fits a.fits");
        assert!(!run.stderr.contains(['\u{1b}', '\u{7}']), "{what}");
        assert_eq!(place.plane("out.fits", None), [3.0; 6], "{what}");
    }
}
