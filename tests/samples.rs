//! How stored numbers become samples, and values become stored numbers again.

use crate::common::{Place, assert_same};
use crate::fits::Image;
use fitsio::FitsFile;
use fitsio::images::{ImageDescription, ImageType};

/// The BITPIX of the primary image.
fn bitpix(place: &Place) -> f64 {
    place.header("out.fits").number("BITPIX")
}

#[test]
fn every_bitpix_holds_the_same_samples() {
    for (stored, carried) in [
        (8, -32.0),
        (16, -32.0),
        (32, -64.0),
        (64, -64.0),
        (-32, -32.0),
        (-64, -64.0),
    ] {
        let place = Place::new();
        Image::new(stored, &[3, 1], &[0.0, 1.0, 100.0]).write(place.path("a.fits"));
        Image::new(stored, &[3, 1], &[2.0, 4.0, 50.0]).write(place.path("b.fits"));
        assert_same(&place.combined("a.fits b.fits"), &[1.0, 2.5, 75.0]);
        assert_same(&[bitpix(&place)], &[carried]);
    }
}

#[test]
fn frames_written_by_cfitsio_read_the_same() {
    let types = [
        ImageType::UnsignedByte,
        ImageType::Short,
        ImageType::UnsignedShort,
        ImageType::Long,
        ImageType::UnsignedLong,
        ImageType::LongLong,
        ImageType::Float,
        ImageType::Double,
    ];
    for data_type in types {
        let place = Place::new();
        for (name, pixels) in [("a.fits", [0_i32, 20, 100]), ("b.fits", [2, 40, 50])] {
            let description = ImageDescription {
                data_type,
                dimensions: &[1, 3],
            };
            let mut file = FitsFile::create(place.path(name))
                .with_custom_primary(&description)
                .open()
                .unwrap();
            file.primary_hdu()
                .unwrap()
                .write_image(&mut file, &pixels)
                .unwrap();
        }
        assert_same(&place.combined("a.fits b.fits"), &[1.0, 30.0, 75.0]);
    }
}

#[test]
fn unsigned_integers_are_exact() {
    let place = Place::new();
    Image::uint16(&[3, 1], &[0, 65535, 32768]).write(place.path("a.fits"));
    Image::uint16(&[3, 1], &[0, 65533, 32767]).write(place.path("b.fits"));
    assert_same(&place.combined("a.fits b.fits"), &[0.0, 65534.0, 32767.5]);
    let bzero = "BZERO   =           2147483648";
    Image::new(32, &[2, 1], &[2_147_483_647.0, -2_147_483_648.0])
        .card(bzero)
        .write(place.path("c.fits"));
    Image::new(32, &[2, 1], &[2_147_483_645.0, -2_147_483_647.0])
        .card(bzero)
        .write(place.path("d.fits"));
    assert_same(&place.combined("c.fits d.fits"), &[4_294_967_294.0, 0.5]);
    let bzero = "BZERO   =                 -128";
    Image::new(8, &[2, 1], &[0.0, 255.0])
        .card(bzero)
        .write(place.path("e.fits"));
    assert_same(&place.combined("e.fits"), &[-128.0, 127.0]);
}

#[test]
fn integers_of_64_bits_are_exact_to_two_to_the_53() {
    let place = Place::new();
    Image::new(
        64,
        &[2, 1],
        &[9_007_199_254_740_991.0, -9_007_199_254_740_991.0],
    )
    .write(place.path("a.fits"));
    assert_same(
        &place.combined("a.fits"),
        &[9_007_199_254_740_991.0, -9_007_199_254_740_991.0],
    );
}

#[test]
fn bscale_bzero_and_blank_are_applied() {
    for bitpix in [16, 32, 64] {
        let place = Place::new();
        for (name, stored) in [("a.fits", [-1.0, 4.0, -1.0]), ("b.fits", [6.0, 8.0, -1.0])] {
            Image::new(bitpix, &[3, 1], &stored)
                .card("BSCALE  =                  0.5")
                .card("BZERO   =                1.0D1")
                .card("BLANK   =                   -1")
                .write(place.path(name));
        }
        assert_same(
            &place.combined("--planes data,mask,count a.fits b.fits"),
            &[13.0, 13.0, f64::NAN],
        );
        assert_same(&place.plane("out.fits", Some("COUNT")), &[1.0, 2.0, 0.0]);
        let header = place.header("out.fits");
        for keyword in ["BSCALE", "BZERO", "BLANK"] {
            assert_eq!(header.value(keyword), None, "{keyword} of a float image");
        }
    }
}

#[test]
fn blank_means_nothing_in_an_image_of_floats() {
    let place = Place::new();
    Image::row(&[-1.0, 4.0])
        .card("BLANK   =                   -1")
        .write(place.path("a.fits"));
    assert_same(&place.combined("a.fits"), &[-1.0, 4.0]);
}

#[test]
fn the_sample_type_is_f64_where_a_frame_needs_it() {
    let place = Place::new();
    Image::new(16, &[1, 1], &[1.0]).write(place.path("short.fits"));
    Image::new(16, &[1, 1], &[1.0])
        .card("BSCALE  =                  0.1")
        .write(place.path("tenth.fits"));
    Image::new(16, &[1, 1], &[1.0])
        .card("BSCALE  =                 0.25")
        .write(place.path("quarter.fits"));
    Image::new(-64, &[1, 1], &[0.1]).write(place.path("double.fits"));
    for (frames, want) in [
        ("short", -32.0),
        ("tenth", -64.0),
        ("quarter", -32.0),
        ("double", -64.0),
    ] {
        place.combined(&format!("short.fits {frames}.fits"));
        assert_same(&[bitpix(&place)], &[want]);
    }
    assert_same(&place.combined("double.fits"), &[0.1]);
    place.combined("--dtype f32 double.fits");
    assert_same(&[bitpix(&place)], &[-32.0]);
    place.combined("--dtype f64 short.fits");
    assert_same(&[bitpix(&place)], &[-64.0]);
}

#[test]
fn integer_outputs_round_half_to_even_and_keep_one_value_for_blank() {
    let nan = f64::NAN;
    let place = Place::with_rows(&[&[0.0, 1.0, 2.0, 7.0, nan], &[1.0, 2.0, 3.0, 7.0, nan]]);
    for (dtype, bits, blank, stored) in [
        ("i16", 16.0, -32768.0, -32768.0),
        ("u16", 16.0, 65535.0, 32767.0),
        ("i32", 32.0, -2_147_483_648.0, -2_147_483_648.0),
    ] {
        assert_same(
            &place.combined(&format!("--dtype {dtype} a.fits b.fits")),
            &[0.0, 2.0, 2.0, 7.0, blank],
        );
        assert_same(
            &[bitpix(&place), place.header("out.fits").number("BLANK")],
            &[bits, stored],
        );
        assert_same(
            &place.plane("out.fits", Some("MASK")),
            &[0.0, 0.0, 0.0, 0.0, 1.0],
        );
    }
}

#[test]
fn a_value_that_an_integer_output_cannot_hold_is_an_error_that_names_the_pixel() {
    for (dtype, value) in [
        ("i16", 40_000.0),
        ("i16", -32768.0),
        ("u16", -1.0),
        ("u16", 65535.0),
        ("u16", 65534.6),
        ("i32", 3e9),
    ] {
        let place = Place::with_rows(&[&[5.0, value]]);
        let run = place.run(&format!("combine --dtype {dtype} -o out.fits a.fits"));
        assert_eq!(run.status, Some(1), "{dtype} {value}");
        assert!(
            run.stderr.contains("2,1") || run.stderr.contains("(2, 1)"),
            "{}",
            run.stderr
        );
        assert_eq!(place.listing(), ["a.fits"]);
    }
}

#[test]
fn two_axes_may_come_as_three() {
    let place = Place::new();
    Image::new(16, &[2, 1, 1], &[1.0, 2.0]).write(place.path("a.fits"));
    Image::new(16, &[2, 1], &[3.0, 4.0]).write(place.path("b.fits"));
    assert_same(&place.combined("a.fits b.fits"), &[2.0, 3.0]);
    Image::new(16, &[2, 1, 3], &[1.0, 2.0, 3.0, 4.0, 11.0, 12.0]).write(place.path("cube.fits"));
    assert_same(&place.combined("cube.fits"), &[5.0, 6.0]);
    assert_same(&place.combined("-m median cube.fits b.fits"), &[3.0, 4.0]);
    assert_same(&[place.header("out.fits").number("NCOMBINE")], &[4.0]);
    assert_same(&[place.header("out.fits").number("NAXIS")], &[2.0]);
}
