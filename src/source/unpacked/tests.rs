//! Tests of files that are packed as a whole.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::source::file::FitsFile;
use crate::source::rows::Rows;
use crate::source::sample::{card, extension, folder, image, saved};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).expect("written");
    packer.finish().expect("finished")
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packer = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
    packer.write_all(bytes).expect("written");
    packer.finish().expect("finished")
}

fn frame() -> Vec<u8> {
    let second = extension(&[card("EXTNAME", "'SCI'")], 8, &[40, 30]);
    [image(&[], 16, &[70, 50]), second].concat()
}

fn nothing<'a>(folder: &Path, io: Io, watch: &'a Watch) -> Unpacked<'a> {
    Unpacked::new(folder, io, ByteSize(1 << 30), false, watch)
}

#[test]
fn members_one_behind_the_other_are_one_file_and_junk_behind_them_is_none() {
    let dir = folder();
    let watch = Watch::default();
    let frame = frame();
    let (first, second) = frame.split_at(5000);
    let zeros = vec![0; 100_000];
    for packed in [
        gzip(&frame),
        bzip2(&frame),
        [gzip(first), gzip(second)].concat(),
        [bzip2(first), bzip2(second)].concat(),
        [&gzip(&frame)[..], b"junk"].concat(),
        [&gzip(&frame)[..], &zeros].concat(),
        gzip(&[&frame[..], &zeros].concat()),
        [&bzip2(&frame)[..], b"B"].concat(),
    ] {
        for io in [Io::Auto, Io::Mmap] {
            let path = saved(&dir, "a.fits", &packed);
            let unpacked = nothing(dir.path(), io, &watch);
            let file = FitsFile::open(&path, &unpacked).expect("opened");
            assert_eq!(file.length(), frame.len() as u64);
            let whole = file.packed().and_then(|packed| packed.whole.clone());
            let whole = whole.expect("it is packed");
            assert_eq!(whole.is_mapped(), io == Io::Mmap);
            let mut bytes = vec![0; frame.len()];
            whole
                .copy(Rows::run(0, frame.len()), &mut bytes)
                .expect("read");
            assert!(bytes == frame);
            assert_eq!(unpacked.files(), (1, frame.len() as u64));
        }
    }
    assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 1);
}

#[test]
fn a_file_that_is_cut_short_or_damaged_is_told_so() {
    let dir = folder();
    let watch = Watch::default();
    let said = |name: &str, bytes: &[u8]| {
        let path = saved(&dir, name, bytes);
        let unpacked = nothing(dir.path(), Io::Auto, &watch);
        let fault = FitsFile::open(&path, &unpacked).expect_err("refused");
        fault.to_string().replace(&path.display().to_string(), "F")
    };
    let (gz, bz) = (gzip(&frame()), bzip2(&frame()));
    for (packed, by) in [(&gz, "gzip"), (&bz, "bzip2")] {
        for length in [20, packed.len() / 2, packed.len() - 3] {
            let text = said("cut.gz", &packed[..length]);
            assert_eq!(
                text,
                format!("F: is cut short: what {by} packed ends early; copy it again")
            );
        }
    }
    let mut damaged = gz.clone();
    let at = gz.len() - 6;
    damaged[at] ^= 0x10;
    let text = said("crc.gz", &damaged);
    assert!(
        text.starts_with("F: is damaged: gzip cannot unpack it"),
        "{text}"
    );
    let text = said("t.gz", &gzip(b"Dear observer,\n"));
    assert_eq!(text, "F: unpacks to something that is text, not FITS");
    let text = said("x.gz", &gzip(b"\xfd7zXZ\0\0"));
    assert!(
        text.contains("unpacks to something that is compressed with xz"),
        "{text}"
    );
    let text = said("h.gz", &gzip(&frame()[..2000]));
    assert!(text.contains("ends in its first header"), "{text}");
}

#[test]
fn what_headers_promise_must_have_space() {
    let dir = folder();
    let watch = Watch::default();
    let mut bomb = image(&[], -64, &[2, 2]);
    let huge = [card("NAXIS1", "2000000000"), card("NAXIS2", "200000000")].concat();
    let at = bomb
        .windows(6)
        .position(|six| six == b"NAXIS1")
        .expect("there");
    bomb[at..at + 160].copy_from_slice(huge.as_bytes());
    bomb.resize(2880, b' ');
    let path = saved(
        &dir,
        "bomb.gz",
        &gzip(&[&bomb[..], &vec![0; 1 << 20]].concat()),
    );
    let unpacked = nothing(dir.path(), Io::Auto, &watch);
    let said = FitsFile::open(&path, &unpacked)
        .expect_err("refused")
        .to_string();
    assert!(
        said.contains("bomb.gz, unpacked, and what else") && said.contains("are free"),
        "{said}"
    );
    // A plan needs no data, and finds the frame too large by itself.
    let plan = Unpacked::new(dir.path(), Io::Auto, ByteSize(1 << 30), true, &watch);
    let file = FitsFile::open(&path, &plan).expect("opened");
    assert!(
        file.planes(0)
            .is_err_and(|fault| fault.contains("is cut short"))
    );
}

#[test]
fn a_file_is_unpacked_once_until_it_is_released_and_must_not_change_meanwhile() {
    let dir = folder();
    let watch = Watch::default();
    let path = saved(&dir, "a.gz", &gzip(&frame()));
    let unpacked = nothing(dir.path(), Io::Auto, &watch);
    let told = AtomicU64::new(0);
    let hear = |nbyte| {
        told.fetch_add(nbyte, Ordering::Relaxed);
    };
    let length = std::fs::metadata(&path).expect("there").len();
    for _ in 0..2 {
        unpacked.unpack(&path, &hear).expect("unpacked");
        assert_eq!(told.load(Ordering::Relaxed), length);
    }
    saved(&dir, "a.gz", &gzip(&image(&[], 8, &[3, 3])));
    let said = unpacked
        .unpack(&path, &hear)
        .expect_err("refused")
        .to_string();
    assert!(said.contains("was changed while it was read"), "{said}");
    unpacked.release(&path);
    assert_eq!(unpacked.files(), (0, 0));
    unpacked.unpack(&path, &hear).expect("unpacked");
    assert_eq!(unpacked.files(), (1, 5760));
}

#[test]
fn a_run_that_is_stopped_unpacks_no_further() {
    let dir = folder();
    let watch = Watch::default();
    let path = saved(&dir, "a.gz", &gzip(&frame()));
    watch.stop(15);
    let unpacked = nothing(dir.path(), Io::Auto, &watch);
    assert!(matches!(
        unpacked.unpack(&path, &|_| {}),
        Err(Error::Stopped(15))
    ));
}

#[test]
fn a_damaged_file_ends_in_a_message_or_in_the_bytes_that_were_packed() {
    let dir = folder();
    let watch = Watch::default();
    let frame = frame();
    let halves = frame.split_at(5000);
    let mut state = 7_u64;
    let mut draw = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    let [mut refused, mut right] = [0, 0];
    for packed in [
        gzip(&frame),
        [gzip(halves.0), gzip(halves.1)].concat(),
        bzip2(&frame),
    ] {
        for _ in 0..400 {
            let mut damaged = packed.clone();
            for _ in 0..=draw(3) {
                let at = draw(damaged.len());
                damaged[at] ^= 1 << draw(8);
            }
            let path = saved(&dir, "a.gz", &damaged);
            let unpacked = nothing(dir.path(), Io::Auto, &watch);
            let opened = FitsFile::open(&path, &unpacked);
            // A second member that is no longer known for one is junk, and the frame is cut short.
            let whole = |file: &FitsFile| file.length() == frame.len() as u64;
            let Some(file) = opened.ok().filter(whole) else {
                refused += 1;
                continue;
            };
            right += 1;
            let mut bytes = vec![0; frame.len()];
            let read = file.read_at(&mut bytes, 0).expect("read");
            assert!(read == frame.len() && bytes == frame);
        }
    }
    assert!(refused > 1000 && right > 10, "{refused} {right}");
}
