//! What a file is, by its first bytes.

/// Says what a file is that does not begin as FITS does, and what would help.
pub(super) fn recognise(first: &[u8]) -> Result<(), String> {
    const PACKED: [(&[u8], &str, &str); 7] = [
        (b"\x1f\x8b", "gzip", "gunzip"),
        (b"BZh", "bzip2", "bunzip2"),
        (b"\x1f\x9d", "compress", "gunzip"),
        (b"\xfd7zXZ", "xz", "unxz"),
        (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
        (b"PK\x03\x04", "zip", "unzip"),
        (b"\x04\x22\x4d\x18", "lz4", "unlz4"),
    ];
    if first.starts_with(b"SIMPLE  =") {
        return Ok(());
    }
    if let Some((_, by, unpack)) = PACKED.iter().find(|(magic, ..)| first.starts_with(magic)) {
        return Err(format!(
            "is compressed with {by}, which is not read here; unpack it with {unpack} first"
        ));
    }
    let text = std::str::from_utf8(first)
        .ok()
        .or_else(|| first.utf8_chunks().next().map(|chunk| chunk.valid()));
    let is_text = |text: &str| {
        text.len() + 4 > first.len()
            && !text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace())
    };
    Err(match first {
        [] => "is empty: 0 bytes".into(),
        _ if first.starts_with(b"version https://git-lfs") => {
            "is a git-LFS pointer, not the frame itself; fetch it with git lfs pull".into()
        }
        _ if first.starts_with(b"XTENSION") => {
            "begins with an extension: its primary HDU is missing".into()
        }
        _ if text.is_some_and(is_text) => "is text, not FITS".into(),
        _ => "is not FITS: it does not begin with SIMPLE  =".into(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::source::file::FitsFile;
    use crate::source::sample::{folder, saved, unpacked};

    fn fault(path: &Path) -> String {
        FitsFile::open(path, unpacked())
            .expect_err("it is refused")
            .to_string()
    }

    #[test]
    fn a_file_that_is_not_fits_is_told_for_what_it_is() {
        let dir = folder();
        for (bytes, said) in [
            (&b""[..], "is empty: 0 bytes"),
            (b"\x1f\x8b\x08\0\0", "what gzip packed ends early"),
            (b"BZh91AY", "what bzip2 packed ends early"),
            (
                b"\xfd7zXZ\0",
                "compressed with xz, which is not read here; unpack it with unxz first",
            ),
            (b"\x28\xb5\x2f\xfd1", "compressed with zstd"),
            (
                b"version https://git-lfs.github.com/spec/v1\noid",
                "git-LFS pointer",
            ),
            (b"XTENSION= 'IMAGE   '", "primary HDU is missing"),
            (b"Dear observer,\n", "is text, not FITS"),
            (b"\x89PNG\r\n\x1a\n\0\0\0", "is not FITS"),
            (b"SIMPLE IS BEAUTIFUL", "is text"),
        ] {
            let path = saved(&dir, "odd.fits", bytes);
            assert!(fault(&path).contains(said), "{}", fault(&path));
        }
        assert!(fault(dir.path()).contains("is a folder"));
        assert!(fault(&dir.path().join("lost.fits")).contains("cannot open"));
        assert!(fault(Path::new("/dev/null")).contains("no regular file"));
    }
}
