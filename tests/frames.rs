//! What is combined: every way to name frames, the HDUs in them, companion planes, and headers that choose.

use std::fs;

use crate::common::{Place, Run, assert_same};
use crate::fits::{Image, empty_primary};

#[test]
fn a_folder_gives_its_fits_files_by_name_and_nothing_hidden() {
    let place = Place::new();
    fs::create_dir_all(place.path("night/below.fits")).unwrap();
    for (name, value) in [
        ("b.fits", 2.0),
        ("A.FIT", 1.0),
        ("c.fts", 3.0),
        (".hidden.fits", 100.0),
        ("below.fits/d.fits", 100.0),
    ] {
        Image::row(&[value]).write(place.path("night").join(name));
    }
    fs::write(place.path("night/notes.txt"), "clouds").unwrap();
    for folder in ["night", "night/"] {
        assert_same(&place.combined(folder), &[2.0]);
        let header = place.header("out.fits");
        let names = ["IMCMB001", "IMCMB002", "IMCMB003"].map(|keyword| header.value(keyword));
        assert_eq!(
            names,
            ["A.FIT", "b.fits", "c.fts"].map(|name| Some(name.to_owned()))
        );
    }
}

#[test]
fn a_pattern_is_expanded_here_and_each_in_turn() {
    let place = Place::with_rows(&[&[1.0], &[2.0], &[6.0]]);
    assert_same(&place.combined("'?.fits'"), &[3.0]);
    assert_same(&place.combined("'[ab].fits'"), &[1.5]);
    assert_same(&place.combined("--scale 1,2,6 a.fits '[bc].fits'"), &[1.0]);
}

#[test]
fn a_list_names_one_frame_a_line_relative_to_itself() {
    let place = Place::new();
    fs::create_dir(place.path("lists")).unwrap();
    Image::row(&[1.0]).write(place.path("lists/a b.fits"));
    Image::row(&[5.0]).write(place.path("c.fits"));
    fs::write(
        place.path("lists/all.txt"),
        "# frames\na b.fits\n\n../c.fits   # the other\n",
    )
    .unwrap();
    assert_same(&place.combined("@lists/all.txt"), &[3.0]);
    fs::write(place.path("lists/all.txt"), "a b.fits\r\n../c.fits\r\n").unwrap();
    assert_same(&place.combined("@lists/all.txt"), &[3.0]);
}

#[test]
fn a_list_may_come_on_standard_input() {
    let place = Place::with_rows(&[&[1.0], &[5.0]]);
    let arguments = "combine -o out.fits @-";
    let mut program = place.program(arguments);
    program.write_stdin("a.fits\n# not this one\nb.fits");
    let run = Run::of(program, arguments);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_same(&place.plane("out.fits", None), &[3.0]);
}

#[test]
fn a_file_of_that_literal_name_comes_first() {
    let place = Place::new();
    Image::row(&[1.0]).write_with(&[Image::row(&[2.0])], place.path("M31"));
    Image::row(&[7.0]).write(place.path("M31[1]"));
    Image::row(&[8.0]).write(place.path("*.fits"));
    Image::row(&[9.0]).write(place.path("@list.fits"));
    assert_same(&place.combined("'M31[1]'"), &[7.0]);
    assert_same(&place.combined("'*.fits'"), &[8.0]);
    assert_same(&place.combined("@list.fits"), &[9.0]);
    fs::remove_file(place.path("M31[1]")).unwrap();
    assert_same(&place.combined("'M31[1]'"), &[2.0]);
}

/// An empty primary and three images: SCI 1, a table aside, SCI 2 and OTHER.
fn extensions(place: &Place, file: &str, values: [f64; 3]) {
    let sci = |value: f64, version: u8| {
        Image::row(&[value])
            .named("SCI")
            .card(format!("EXTVER  = {version:>20}"))
    };
    let parts = [
        sci(values[0], 1).extension(),
        sci(values[1], 2).extension(),
        Image::row(&[values[2]]).named("OTHER").extension(),
    ];
    let bytes = empty_primary(&["OBJECT  = 'M 31    '", "EXPTIME =                 30.0"])
        .into_iter()
        .chain(parts.concat());
    fs::write(place.path(file), bytes.collect::<Vec<u8>>()).unwrap();
}

#[test]
fn an_hdu_is_taken_by_number_by_name_and_by_version() {
    let place = Place::new();
    extensions(&place, "a.fits", [1.0, 2.0, 3.0]);
    extensions(&place, "b.fits", [11.0, 12.0, 13.0]);
    for (arguments, want) in [
        ("a.fits b.fits", 6.0),
        ("--hdu auto a.fits b.fits", 6.0),
        ("--hdu 2 a.fits b.fits", 7.0),
        ("--hdu OTHER a.fits b.fits", 8.0),
        ("--hdu other a.fits b.fits", 8.0),
        ("--hdu SCI,2 a.fits b.fits", 7.0),
        ("'a.fits[SCI,2]' 'b.fits[3]'", 7.5),
        ("--hdu OTHER 'a.fits[1]' b.fits", 7.0),
        ("'[ab].fits[SCI,2]'", 7.0),
    ] {
        assert_same(&place.combined(arguments), &[want]);
    }
}

#[test]
fn every_image_hdu_is_combined_in_turn_under_the_primary_header() {
    let place = Place::new();
    extensions(&place, "a.fits", [1.0, 2.0, 3.0]);
    extensions(&place, "b.fits", [11.0, 12.0, 13.0]);
    place.done("combine --hdu all -o out.fits a.fits b.fits");
    let hdus = place.hdus("out.fits");
    assert_eq!(hdus[0].number("NAXIS").to_string(), "0");
    assert_eq!(hdus[0].value("OBJECT").as_deref(), Some("M 31"));
    let names: Vec<String> = hdus[1..]
        .iter()
        .map(|hdu| hdu.value("EXTNAME").unwrap())
        .collect();
    assert_eq!(
        names.iter().filter(|name| *name == "SCI").count(),
        2,
        "{names:?}"
    );
    for name in [
        "OTHER",
        "OTHER_MASK",
        "OTHER_UNCERT",
        "SCI_MASK",
        "SCI_UNCERT",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} in {names:?}");
    }
    assert_same(&place.plane("out.fits", Some("OTHER")), &[8.0]);
    assert_same(&place.plane("out.fits", Some("SCI")), &[6.0]);
}

#[test]
fn companion_planes_are_not_frames() {
    let place = Place::new();
    let mask = Image::new(8, &[2, 1], &[0.0, 1.0]).named("MASK");
    let bytes = [
        empty_primary(&[]),
        mask.extension(),
        Image::row(&[4.0, 6.0]).extension(),
    ]
    .concat();
    fs::write(place.path("a.fits"), bytes).unwrap();
    assert_same(&place.combined("a.fits"), &[4.0, f64::NAN]);
    assert_same(
        &place.combined("--mask-hdu none --hdu 2 a.fits"),
        &[4.0, 6.0],
    );
}

#[test]
fn masked_samples_are_absent() {
    let place = Place::new();
    let mask = |pixels: &[f64], name: &str| Image::new(8, &[3, 1], pixels).named(name);
    Image::row(&[1.0, 2.0, 3.0])
        .write_with(&[mask(&[1.0, 0.0, 4.0], "MASK")], place.path("a.fits"));
    Image::row(&[5.0, 6.0, 7.0])
        .write_with(&[mask(&[0.0, 0.0, 255.0], "DQ")], place.path("b.fits"));
    let nan = f64::NAN;
    assert_same(&place.combined("a.fits b.fits"), &[5.0, 4.0, 7.0]);
    assert_same(
        &place.combined("--mask-hdu DQ a.fits b.fits"),
        &[3.0, 4.0, 3.0],
    );
    assert_same(
        &place.combined("--mask-hdu none a.fits b.fits"),
        &[3.0, 4.0, 5.0],
    );
    Image::new(16, &[3, 1], &[0.0, -1.0, 0.0]).write(place.path("bad.fits"));
    assert_same(
        &place.combined("--bad-pixels bad.fits a.fits b.fits"),
        &[5.0, nan, 7.0],
    );
    assert_same(&place.plane("out.fits", Some("MASK")), &[0.0, 1.0, 0.0]);
}

#[test]
fn a_mask_leaves_its_samples_out_of_the_levels() {
    let place = Place::new();
    let mask = Image::new(8, &[3, 1], &[1.0, 0.0, 0.0]).named("MASK");
    Image::row(&[1000.0, 2.0, 4.0]).write_with(&[mask], place.path("a.fits"));
    assert_same(
        &place.combined("--zero mean a.fits"),
        &[f64::NAN, -1.0, 1.0],
    );
    assert_same(
        &place.combined("--zero median a.fits"),
        &[f64::NAN, -1.0, 1.0],
    );
}

#[test]
fn headers_choose_frames() {
    let place = Place::new();
    for (name, kind, seconds, value) in [
        ("a.fits", "Dark", 30.0, 1.0),
        ("b.fits", "dark", 60.0, 2.0),
        ("c.fits", "Dark frame", 90.0, 4.0),
        ("d.fits", "light", 60.0, 8.0),
    ] {
        Image::row(&[value])
            .card(format!("IMAGETYP= '{kind}'"))
            .card(format!("EXPTIME = {seconds:>20.1}"))
            .write(place.path(name));
    }
    Image::row(&[16.0]).write(place.path("e.fits"));
    for (conditions, sum) in [
        ("--where IMAGETYP=dark", 3.0),
        ("--where imagetyp=DARK*", 7.0),
        ("--where IMAGETYP!=dark", 12.0),
        ("--where 'EXPTIME>=60'", 14.0),
        ("--where 'EXPTIME>60'", 4.0),
        ("--where 'EXPTIME<60'", 1.0),
        ("--where 'EXPTIME<=60'", 11.0),
        ("--where EXPTIME=60", 10.0),
        ("--where 'EXPTIME=6E1'", 10.0),
        ("--where EXPTIME!=60", 5.0),
        ("--where 'EXPTIME>=60' --where IMAGETYP=*dark*", 6.0),
    ] {
        assert_same(
            &place.combined(&format!("-m sum {conditions} '[a-e].fits'")),
            &[sum],
        );
    }
}

#[test]
fn a_keyword_is_looked_up_in_the_image_and_then_in_the_primary() {
    let place = Place::new();
    extensions(&place, "a.fits", [1.0, 2.0, 3.0]);
    Image::row(&[4.0])
        .card("OBJECT  = 'M 33    '")
        .write(place.path("b.fits"));
    assert_same(
        &place.combined("--where 'OBJECT=M 31' a.fits b.fits"),
        &[1.0],
    );
    assert_same(
        &place.combined("--scale key:EXPTIME --scale-to 60 a.fits"),
        &[2.0],
    );
}

#[test]
fn a_region_is_cut_out_of_every_frame_and_its_place_is_kept() {
    let place = Place::new();
    let pixels: Vec<f64> = (0..20).map(f64::from).collect();
    Image::new(16, &[5, 4], &pixels)
        .card("CRPIX1  =                  3.5")
        .card("CRPIX2  =                  1.0")
        .write(place.path("a.fits"));
    assert_same(
        &place.combined("--region '[2:4,3:4]' a.fits"),
        &[11.0, 12.0, 13.0, 16.0, 17.0, 18.0],
    );
    let header = place.header("out.fits");
    let numbers = ["NAXIS1", "NAXIS2", "CRPIX1", "CRPIX2", "LTV1", "LTV2"]
        .map(|keyword| header.number(keyword));
    assert_same(&numbers, &[3.0, 2.0, 2.5, -1.0, -1.0, -2.0]);
    assert_same(
        &place.combined("--region '[*,2]' a.fits"),
        &[5.0, 6.0, 7.0, 8.0, 9.0],
    );
}

#[test]
fn a_frame_given_twice_is_used_twice_with_a_warning() {
    let place = Place::with_rows(&[&[1.0], &[4.0]]);
    let run = place.done("combine -o out.fits a.fits b.fits ./a.fits");
    assert!(
        run.stderr.contains("a.fits") && run.stderr.contains("given before"),
        "{}",
        run.stderr
    );
    assert_same(&place.plane("out.fits", None), &[2.0]);
}
