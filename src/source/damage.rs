//! What makes a frame a damaged one, which `--skip-bad` leaves out.
//!
//! A frame is damaged where its file cannot be opened, is no FITS file that can be read, or ends early, and where its header
//! contradicts itself, so that its pixels are not known. A frame that is whole but does not go with the others (of another shape or
//! unit, without the HDU or keyword that is asked for) is not damaged: it was chosen by mistake, and `--where` leaves it out.
//! Damage that shows only when pixels are read ends the run with the name of the frame: the frames before it are in the stack.

use std::io;

use crate::error::{Error, Result};
use crate::header::printable;
use crate::recipe::Hdu;
use crate::source::choose;
use crate::source::companions::CompanionNames;
use crate::source::file::FitsFile;
use crate::source::list::shown;
use crate::source::names::Named;
use crate::source::planes::{Kind, Planes, kind};
use crate::summary::SkippedFrame;

/// A block of a FITS file.
const BLOCK: u64 = 2880;

/// The planes of an image of a file that went through no transfer in text mode.
pub(super) fn planes(file: &FitsFile, number: usize) -> std::result::Result<Planes, String> {
    let planes = file.planes(number)?;
    match is_from_text_mode(file, file.data_end(number, &planes)) {
        Ok(false) => Ok(planes),
        Ok(true) => Err(
            "each line feed in it follows a carriage return, as a transfer in text mode leaves it, so that its pixels are \
             not where they were; copy it again in binary mode"
                .into(),
        ),
        Err(e) => Err(format!("cannot read: {e}")),
    }
}

/// The HDU of a file that is taken. Where there is none such in a file that ends early, the file is damaged.
pub(super) fn choose(
    file: &mut FitsFile,
    name: &str,
    want: &Hdu,
    aside: CompanionNames<'_>,
) -> Result<usize> {
    choose::choose(file, want, Some(aside)).map_err(|fault| {
        let error = Error::frame(name, fault);
        if file.ends_early() {
            error.damaged()
        } else {
            error
        }
    })
}

/// Refuses a file of which not every image is whole, for a run over all of them: a frame is left out of all, or of none.
pub(super) fn every_image(file: &mut FitsFile) -> std::result::Result<(), String> {
    let images: Vec<usize> = file
        .all()
        .filter(|(_, unit)| kind(&unit.header) == Kind::Image)
        .map(|(number, _)| number)
        .collect();
    for number in images {
        planes(file, number).map_err(|fault| format!("HDU {number} {fault}"))?;
    }
    nothing_broken_off(file, "")
}

/// Refuses a file that breaks off in the header of an extension, which may be the one that is looked for; `or` is what
/// else would help than another copy.
pub(super) fn nothing_broken_off(file: &mut FitsFile, or: &str) -> std::result::Result<(), String> {
    if !file.breaks_off() {
        return Ok(());
    }
    let next = file.all().count();
    Err(format!(
        "the header of its HDU {next} cannot be read{}; copy it again{or}",
        file.why()
    ))
}

/// A damaged file as it is told of: its name, and what is wrong with it.
pub(crate) fn skipped(named: &Named, fault: &Error) -> SkippedFrame {
    let name = shown(&named.path);
    let text = printable(&fault.to_string());
    let fault = text.strip_prefix(&name).unwrap_or(&text);
    SkippedFrame {
        fault: fault.strip_prefix(": ").unwrap_or(fault).to_owned(),
        frame: name,
    }
}

/// The error for a run of which damaged frames were left out, and nothing is left; `None` where none was.
pub(crate) fn only_damaged(skipped: &[SkippedFrame]) -> Option<Error> {
    let (SkippedFrame { frame, fault }, others) = skipped.split_first()?;
    let also = match others.len() {
        0 => String::new(),
        more => format!(" (and {more} more are damaged)"),
    };
    Some(Error::NoFrames(format!(
        "none is left that is not damaged; {frame}: {fault}{also}"
    )))
}

/// Whether a transfer in text mode put a carriage return before each line feed of a file, an image of which should end at byte `end`:
/// then all of them follow one, and without them the file has whole blocks.
fn is_from_text_mode(file: &FitsFile, end: u64) -> io::Result<bool> {
    let grown = file.length() > end.next_multiple_of(BLOCK);
    if !grown || file.length().is_multiple_of(BLOCK) {
        return Ok(false);
    }
    let (mut bytes, mut at, mut before, mut nfeed) = ([0; 16 << 10], 0, 0, 0);
    loop {
        let read = file.read_at(&mut bytes, at)?;
        for &byte in &bytes[..read] {
            if byte == b'\n' {
                nfeed += 1;
                if before != b'\r' {
                    return Ok(false);
                }
            }
            before = byte;
        }
        if read == 0 {
            return Ok(nfeed > 0 && (file.length() - nfeed).is_multiple_of(BLOCK));
        }
        at += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sample::{card, extension, folder, image, saved, unpacked};

    fn opened(bytes: &[u8]) -> FitsFile {
        let dir = folder();
        FitsFile::open(&saved(&dir, "a.fits", bytes), unpacked()).expect("opened")
    }

    #[test]
    fn a_transfer_in_text_mode_is_noticed() {
        let mut whole = image(&[], 16, &[40, 30]);
        for (byte, number) in whole[2880..].iter_mut().zip(0..2400_u32) {
            *byte = u8::try_from(number * 7 % 251).expect("below 251");
        }
        assert!(planes(&opened(&whole), 0).is_ok());
        let text: Vec<u8> = whole
            .iter()
            .flat_map(|&byte| match byte {
                b'\n' => vec![b'\r', b'\n'],
                byte => vec![byte],
            })
            .collect();
        assert!(text.len() > whole.len());
        let fault = planes(&opened(&text), 0).expect_err("refused");
        assert!(fault.contains("text mode"), "{fault}");
        let mut junk = whole.clone();
        junk.extend(b"junk\n");
        assert!(planes(&opened(&junk), 0).is_ok());
        assert!(planes(&opened(&whole[..2880 + 2400]), 0).is_ok());
    }

    #[test]
    fn an_extension_that_breaks_off_in_its_header_is_noticed() {
        let one = [
            image(&[], 8, &[]),
            extension(&[card("EXTNAME", "'SCI'")], 8, &[2, 2]),
        ]
        .concat();
        let second = extension(&[card("EXTNAME", "'MASK'")], 8, &[2, 2]);
        for (more, whole) in [
            (&b""[..], true),
            (b"junk", true),
            (&[b'#'; 2880], true),
            (&second, true),
            (&second[..2000], false),
            (&second[..80], false),
        ] {
            let mut file = opened(&[&one[..], more].concat());
            let said = every_image(&mut file);
            assert_eq!(said.is_ok(), whole, "{said:?}");
        }
        let said = every_image(&mut opened(&[&one[..], &second[..2000]].concat()));
        let said = said.expect_err("broken off");
        assert!(
            said.starts_with("the header of its HDU 2 cannot be read"),
            "{said}"
        );
        let said = every_image(&mut opened(&[&one[..], &second[..2882]].concat()));
        let said = said.expect_err("cut short");
        assert!(said.starts_with("HDU 2 is cut short"), "{said}");
    }
}
