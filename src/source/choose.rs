//! Which HDU of a file is the image.

use crate::header::printable;
use crate::recipe::Hdu;
use crate::source::companions::CompanionNames;
use crate::source::file::FitsFile;
use crate::source::planes::{Kind, kind};
use crate::source::unit::HeaderUnit;

/// The number of the HDU that is taken; the error says what is there instead.
///
/// `Auto` passes over companion planes where their names are given.
pub(super) fn choose(
    file: &mut FitsFile,
    want: &Hdu,
    aside: Option<CompanionNames<'_>>,
) -> Result<usize, String> {
    match want {
        Hdu::Number(number) => {
            let Some(unit) = file.unit(*number) else {
                let last = file.all().count() - 1;
                return Err(format!(
                    "has no HDU {number}; its last is {last} (0 is the primary){}",
                    file.behind()
                ));
            };
            usable(*number, unit)
        }
        Hdu::Name(name, version) => named(file, name, *version),
        Hdu::Auto | Hdu::All => first_image(file, aside),
    }
}

/// The first image, companion planes aside.
fn first_image(file: &mut FitsFile, aside: Option<CompanionNames<'_>>) -> Result<usize, String> {
    let mut passed = Vec::new();
    let mut number = 0;
    while let Some(unit) = file.unit(number) {
        if aside.is_some_and(|names| names.include(unit)) {
            passed.push(format!(
                "HDU {number} is the companion plane '{}'",
                shown_name(unit)
            ));
        } else {
            match kind(&unit.header) {
                Kind::Image => return Ok(number),
                Kind::Other(what) => passed.push(format!("HDU {number} is {what}")),
            }
        }
        number += 1;
    }
    passed.truncate(4);
    Err(format!(
        "has no image of 2 or 3 axes: {}{}",
        passed.join("; "),
        file.behind()
    ))
}

/// The first image of this EXTNAME and, where given, EXTVER.
fn named(file: &mut FitsFile, name: &str, version: Option<i64>) -> Result<usize, String> {
    let matches = |unit: &HeaderUnit| {
        unit.is_named(name) && version.is_none_or(|version| unit.version() == version)
    };
    let tried: Vec<_> = file
        .all()
        .filter(|(_, unit)| matches(unit))
        .map(|(number, unit)| usable(number, unit))
        .collect();
    if let Some(first) = tried.iter().find(|tried| tried.is_ok()).or(tried.first()) {
        return first.clone();
    }
    let mut names: Vec<_> = file
        .all()
        .filter(|(_, unit)| unit.name().is_some())
        .map(|(_, unit)| shown_name(unit))
        .collect();
    names.truncate(12);
    let wanted = version.map_or(printable(name), |version| {
        format!("{},{version}", printable(name))
    });
    let there = if names.is_empty() {
        "none of its HDUs has a name".into()
    } else {
        format!("it has {}", names.join(", "))
    };
    Err(format!(
        "has no HDU named {wanted}; {there}{}",
        file.behind()
    ))
}

/// The number of an HDU if it is an image.
pub(super) fn usable(number: usize, unit: &HeaderUnit) -> Result<usize, String> {
    match kind(&unit.header) {
        Kind::Image => Ok(number),
        Kind::Other(what) => Err(format!("HDU {number} is {what}")),
    }
}

/// EXTNAME, and EXTVER where it is given, fit for a message.
fn shown_name(unit: &HeaderUnit) -> String {
    let name = printable(&unit.name().unwrap_or_default());
    unit.header
        .integer("EXTVER")
        .map_or(name.clone(), |version| format!("{name},{version}"))
}

/// An image among those of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chip {
    /// The number of its HDU.
    pub number: usize,
    /// EXTNAME.
    pub name: Option<String>,
    /// EXTVER.
    pub version: i64,
}

/// The images of a file, companion planes aside; at least one.
pub(super) fn images(file: &mut FitsFile, names: CompanionNames<'_>) -> Result<Vec<Chip>, String> {
    let mut images = Vec::new();
    for (number, unit) in file.all().filter(|(_, unit)| !names.include(unit)) {
        match kind(&unit.header) {
            Kind::Image => images.push(Chip {
                number,
                name: unit.name(),
                version: unit.version(),
            }),
            Kind::Other(_) => {}
        }
    }
    if images.is_empty() {
        return first_image(file, Some(names)).map(|_| images);
    }
    Ok(images)
}

/// The image HDUs of a file, companion planes aside: by EXTNAME where that is the only one, by EXTNAME and EXTVER where
/// these are, else by number.
pub(super) fn image_hdus(
    file: &mut FitsFile,
    names: CompanionNames<'_>,
) -> Result<Vec<Hdu>, String> {
    let images = images(file, names)?;
    let every: Vec<_> = file
        .all()
        .filter_map(|(_, unit)| Some((unit.name()?, unit.version())))
        .collect();
    let alone = |name: &str, version: Option<i64>| {
        let same = |own: &&(String, i64)| {
            own.0.eq_ignore_ascii_case(name) && version.is_none_or(|v| own.1 == v)
        };
        every.iter().filter(same).count() == 1
    };
    let hdus = images.into_iter().map(
        |Chip {
             number,
             name,
             version,
         }| match name {
            Some(name) if alone(&name, None) => Hdu::Name(name, None),
            Some(name) if alone(&name, Some(version)) => Hdu::Name(name, Some(version)),
            _ => Hdu::Number(number),
        },
    );
    Ok(hdus.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sample::{card, extension, folder, image, saved, table, table_of, unpacked};

    const USUAL: CompanionNames<'_> = CompanionNames {
        mask: Some("MASK"),
        uncertainty: Some("UNCERT"),
    };

    /// A file with an empty primary HDU and these.
    fn mef(hdus: &[Vec<u8>]) -> FitsFile {
        let dir = folder();
        let path = saved(
            &dir,
            "a.fits",
            &[image(&[], 8, &[]), hdus.concat()].concat(),
        );
        FitsFile::open(&path, unpacked()).expect("opened")
    }

    fn plane(name: &str, version: Option<i64>) -> Vec<u8> {
        let mut cards = vec![card("EXTNAME", &format!("'{name}'"))];
        cards.extend(version.map(|version| card("EXTVER", &version.to_string())));
        extension(&cards, 16, &[4, 3])
    }

    #[test]
    fn auto_takes_the_first_image_that_is_no_companion() {
        let mut file = mef(&[
            table(&[]),
            plane("mask", None),
            plane("SCI_UNCERT", None),
            plane("SCI", None),
        ]);
        assert_eq!(choose(&mut file, &Hdu::Auto, Some(USUAL)), Ok(4));
        assert_eq!(choose(&mut file, &Hdu::Auto, None), Ok(2));
        let err = CompanionNames {
            mask: None,
            uncertainty: Some("ERR"),
        };
        assert_eq!(
            choose(
                &mut mef(&[plane("ERR", None), plane("X", None)]),
                &Hdu::Auto,
                Some(err)
            ),
            Ok(2)
        );
        let said = choose(
            &mut mef(&[table(&[]), plane("MASK", None)]),
            &Hdu::Auto,
            Some(USUAL),
        )
        .expect_err("none");
        assert_eq!(
            said,
            "has no image of 2 or 3 axes: HDU 0 is without pixels; HDU 1 is a table, not an image; \
             HDU 2 is the companion plane 'MASK'"
        );
    }

    #[test]
    fn an_hdu_is_taken_by_number_or_name() {
        let mut file = mef(&[
            table(&[]),
            plane("SCI", Some(1)),
            plane("SCI", Some(2)),
            plane("x", None),
        ]);
        let mut take = |hdu: Hdu| choose(&mut file, &hdu, Some(USUAL));
        let name = |name: &str, version| Hdu::Name(name.into(), version);
        assert_eq!(take(Hdu::Number(3)), Ok(3));
        assert_eq!(take(name("sci", None)), Ok(2));
        assert_eq!(take(name("SCI", Some(2))), Ok(3));
        assert_eq!(take(name("X", Some(1))), Ok(4));
        assert_eq!(
            take(Hdu::Number(1)).expect_err("a table"),
            "HDU 1 is a table, not an image"
        );
        assert_eq!(
            take(Hdu::Number(9)).expect_err("none"),
            "has no HDU 9; its last is 4 (0 is the primary)"
        );
        let said = take(name("SCI", Some(3))).expect_err("none");
        assert_eq!(said, "has no HDU named SCI,3; it has SCI,1, SCI,2, x");
    }

    #[test]
    fn a_packed_image_is_an_image() {
        let mut file = mef(&[
            table(&[]),
            // CFITSIO goes past it only where its rows are as many as its tiles.
            table_of(
                1,
                &[
                    card("ZIMAGE", "T"),
                    card("ZCMPTYPE", "'GZIP_1'"),
                    card("ZBITPIX", "16"),
                    card("ZNAXIS", "2"),
                    card("ZNAXIS1", "9"),
                    card("ZNAXIS2", "1"),
                    card("TTYPE1", "'COMPRESSED_DATA'"),
                ],
            ),
        ]);
        assert_eq!(choose(&mut file, &Hdu::Auto, Some(USUAL)), Ok(2));
        assert_eq!(image_hdus(&mut file, USUAL), Ok(vec![Hdu::Number(2)]));
    }

    #[test]
    fn all_images_are_told_apart() {
        let mut file = mef(&[
            plane("A", None),
            plane("A_MASK", None),
            plane("SCI", Some(1)),
            plane("SCI", Some(2)),
            plane("B", None),
            plane("B", None),
            extension(&[], 8, &[2, 2]),
            table(&[]),
        ]);
        let name = |name: &str, version| Hdu::Name(name.into(), version);
        assert_eq!(
            image_hdus(&mut file, USUAL).expect("images"),
            [
                name("A", None),
                name("SCI", Some(1)),
                name("SCI", Some(2)),
                Hdu::Number(5),
                Hdu::Number(6),
                Hdu::Number(7),
            ]
        );
        assert!(image_hdus(&mut mef(&[]), USUAL).is_err());
    }
}
