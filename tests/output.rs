//! The file that comes out: planes, header, and that it tells nothing of how it was made.

use std::process::Command;

use crate::common::{Place, assert_same};
use crate::fits::{Header, Image};

/// Three exposures of a minute each but one.
fn night() -> Place {
    let place = Place::new();
    for (name, seconds, date, filter) in [
        ("b.fits", 60.0, "2024-03-01T20:10:00", "V"),
        ("a.fits", 90.0, "2024-03-01T20:00:00", "V"),
        ("c.fits", 60.0, "2024-03-01T20:20:00", "R"),
    ] {
        Image::uint16(&[3, 2], &[10, 20, 30, 40, 50, 65000])
            .card("OBJECT  = 'M 31    '           / the galaxy")
            .card(format!("EXPTIME = {seconds:>20.1} / [s]"))
            .card(format!("DATE-OBS= '{date}'"))
            .card(format!("FILTER  = '{filter:<8}'"))
            .card("BUNIT   = 'adu     '")
            .card("CHECKSUM= 'abcdefghijklmnop'")
            .card("DATASUM = '12345   '")
            .card("IMCMB007= 'old.fits'")
            .write(place.path(name));
    }
    place
}

fn extnames(hdus: &[Header]) -> Vec<String> {
    hdus[1..]
        .iter()
        .map(|hdu| hdu.value("EXTNAME").unwrap())
        .collect()
}

#[test]
fn data_mask_and_uncertainty_stand_where_astropy_looks_for_them() {
    let place = night();
    place.combined("b.fits a.fits c.fits");
    let hdus = place.hdus("out.fits");
    assert_eq!(extnames(&hdus), ["MASK", "UNCERT"]);
    assert_same(
        &hdus
            .iter()
            .map(|hdu| hdu.number("BITPIX"))
            .collect::<Vec<_>>(),
        &[-32.0, 8.0, -32.0],
    );
    assert_eq!(hdus[2].value("UTYPE").as_deref(), Some("StdDevUncertainty"));
    for hdu in &hdus {
        assert_same(&[hdu.number("NAXIS1"), hdu.number("NAXIS2")], &[3.0, 2.0]);
    }
}

#[test]
fn planes_are_written_as_asked() {
    let place = night();
    place.combined("--planes data b.fits a.fits");
    assert_eq!(place.hdus("out.fits").len(), 1);
    place.combined("--planes data,mask,uncertainty,count,low,high b.fits a.fits");
    let hdus = place.hdus("out.fits");
    assert_eq!(extnames(&hdus), ["MASK", "UNCERT", "COUNT", "LOW", "HIGH"]);
    for hdu in &hdus[3..] {
        assert_same(&[hdu.number("BITPIX")], &[32.0]);
    }
    place.combined("--planes count,data b.fits a.fits");
    assert_eq!(extnames(&place.hdus("out.fits")), ["COUNT"]);
}

#[test]
fn the_header_is_that_of_the_first_frame_less_what_no_longer_holds() {
    let place = night();
    place.combined("--clip sigma:3 --clip minmax:,60000 b.fits a.fits c.fits");
    let header = place.header("out.fits");
    for (keyword, value) in [
        ("OBJECT", "M 31"),
        ("BUNIT", "adu"),
        ("NCOMBINE", "3"),
        ("IMCMB001", "b.fits"),
        ("IMCMB002", "a.fits"),
        ("IMCMB003", "c.fits"),
        ("DATE-OBS", "2024-03-01T20:00:00"),
    ] {
        assert_eq!(header.value(keyword).as_deref(), Some(value), "{keyword}");
    }
    for keyword in ["BZERO", "BSCALE", "BLANK", "IMCMB007"] {
        assert_eq!(header.value(keyword), None, "{keyword}");
    }
    assert_ne!(
        header.value("CHECKSUM").as_deref(),
        Some("abcdefghijklmnop")
    );
    let end = header.value("DATE-END").unwrap();
    assert!(end.starts_with("2024-03-01T20:21:00"), "{end}");
    let history = header.history();
    for part in [
        "ccdstream",
        env!("CARGO_PKG_VERSION"),
        "average",
        "sigma:3",
        "minmax:,60000",
        "FILTER",
        "EXPTIME",
    ] {
        assert!(
            history.contains(part) || header.0.iter().any(|card| card.contains(part)),
            "{part} in {:#?}",
            header.0
        );
    }
    assert!(!history.contains("OBJECT"), "frames agree on it: {history}");
}

#[test]
fn the_exposure_time_goes_by_the_method() {
    let place = night();
    for (method, seconds) in [("sum", 210.0), ("average", 70.0), ("median", 60.0)] {
        place.combined(&format!("-m {method} b.fits a.fits c.fits"));
        assert_same(&[place.header("out.fits").number("EXPTIME")], &[seconds]);
    }
}

#[test]
fn frames_are_named_with_their_hdu_and_the_rest_of_very_many_in_history() {
    let place = Place::new();
    Image::row(&[1.0]).write_with(&[Image::row(&[2.0]).named("SCI")], place.path("a.fits"));
    place.combined("'a.fits[SCI]'");
    let name = place.header("out.fits").value("IMCMB001").unwrap();
    assert!(name.starts_with("a.fits["), "{name}");
    let pixels: Vec<f64> = (0..1002).map(f64::from).collect();
    Image::new(16, &[1, 1, 1002], &pixels).write(place.path("cube.fits"));
    assert_same(&place.combined("cube.fits"), &[500.5]);
    let header = place.header("out.fits");
    assert_same(&[header.number("NCOMBINE")], &[1002.0]);
    assert!(
        header
            .value("IMCMB999")
            .is_some_and(|name| name.contains("cube.fits"))
    );
    let later = header
        .history()
        .lines()
        .filter(|line| line.contains("cube.fits"))
        .count();
    assert!(later >= 1, "{}", header.history());
}

#[test]
fn an_output_that_exists_is_kept_unless_told_otherwise() {
    let place = night();
    place.combined("b.fits");
    let before = place.bytes("out.fits");
    let run = place.run("combine -o out.fits a.fits b.fits");
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr.contains("out.fits") && run.stderr.contains("--overwrite"),
        "{}",
        run.stderr
    );
    assert_eq!(place.bytes("out.fits"), before);
    place.done("combine --overwrite -o out.fits a.fits b.fits");
    assert_ne!(place.bytes("out.fits"), before);
    assert_eq!(place.listing(), ["a.fits", "b.fits", "c.fits", "out.fits"]);
}

#[test]
fn the_same_frames_and_recipe_give_the_same_file() {
    let place = night();
    let arguments = "--clip sigma:3 --planes data,mask,uncertainty,count b.fits a.fits c.fits";
    place.done(&format!("combine -o one.fits {arguments}"));
    // A clock that tells seconds would show in the checksum's comment.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    place.done(&format!(
        "combine -o two.fits --mem-limit 200M -j 1 --io read {arguments}"
    ));
    assert_eq!(place.bytes("one.fits"), place.bytes("two.fits"));
}

#[test]
fn fitsverify_where_there_is_one_finds_nothing_to_say() {
    let place = night();
    place.combined("--planes data,mask,uncertainty,count,low,high b.fits a.fits c.fits");
    let Ok(verdict) = Command::new("fitsverify")
        .arg("-q")
        .arg(place.path("out.fits"))
        .output()
    else {
        return;
    };
    let said = String::from_utf8_lossy(&verdict.stdout);
    assert!(said.contains("verification OK"), "{said}");
}

#[test]
fn cards_that_the_standard_forbids_are_mended_or_left_out_and_history_names_them() {
    let place = Place::new();
    Image::row(&[1.0, 2.0])
        .card("GOOD    = 'yes     '")
        .card("ESCAPE  = 'a\u{1b}[31mred'")
        .card("OPEN    = 'never ends")
        .card("ACCENT  = 'caf\u{e9}   '")
        .card("HIERARCH ESO DET NAME = 'CCD-1'")
        .card("HISTORY as it was")
        .write(place.path("a.fits"));
    place.combined("a.fits");
    let header = place.header("out.fits");
    assert!(
        header
            .0
            .iter()
            .all(|card| card.bytes().all(|byte| (0x20..0x7f).contains(&byte))),
        "{:#?}",
        header.0
    );
    assert_eq!(header.value("GOOD").as_deref(), Some("yes"));
    assert!(
        header
            .0
            .iter()
            .any(|card| card.starts_with("HIERARCH ESO DET NAME")),
        "{:#?}",
        header.0
    );
    for part in ["as it was", "ESCAPE", "OPEN", "ACCENT"] {
        assert!(
            header.history().contains(part),
            "{part} in {}",
            header.history()
        );
    }
}
