//! What users type for their frames, expanded to files: a literal name, a folder, a list, `file[HDU]`, a pattern.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::header::printable;
use crate::recipe::Hdu;

/// Lists may name lists; so deep and no deeper.
const MAX_DEPTH: usize = 8;

/// A file, and the HDU of it that was named with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub path: PathBuf,
    pub hdu: Option<Hdu>,
}

/// The files that these names stand for, in order.
pub(crate) fn expand(names: &[String]) -> Result<Vec<Named>> {
    if names.is_empty() {
        return Err(Error::NoFrames("none was named".into()));
    }
    let mut found = Vec::new();
    for name in names {
        expand_one(name, Path::new(""), 0, &mut found)?;
    }
    Ok(found)
}

/// The file that a name which stands for one file means, with its HDU.
pub(super) fn single(path: &Path) -> Result<Named> {
    let plain = || Named {
        path: path.to_owned(),
        hdu: None,
    };
    let Some((stem, hdu)) = path.to_str().and_then(suffix) else {
        return Ok(plain());
    };
    let named = !exists(path)? && exists(Path::new(stem))?;
    Ok(if named {
        Named {
            path: stem.into(),
            hdu: Some(hdu),
        }
    } else {
        plain()
    })
}

/// Adds the files that one name stands for, relative to `base`.
fn expand_one(name: &str, base: &Path, depth: usize, found: &mut Vec<Named>) -> Result<()> {
    let path = base.join(name);
    if name.is_empty() {
        return Err(Error::NoFrames("one of the names is empty".into()));
    }
    if exists(&path)? {
        return file_or_folder(&path, None, found);
    }
    if let Some(list) = name.strip_prefix('@') {
        return expand_list(list, base, depth, found);
    }
    let suffixed = suffix(name);
    if let Some((stem, hdu)) = &suffixed {
        let path = base.join(stem);
        if exists(&path)? {
            return file_or_folder(&path, Some(hdu), found);
        }
    }
    let before = found.len();
    expand_pattern(name, base, None, found)?;
    if let Some((stem, hdu)) = &suffixed
        && found.len() == before
    {
        expand_pattern(stem, base, Some(hdu), found)?;
    }
    if found.len() > before {
        return Ok(());
    }
    let shown = printable(&path.to_string_lossy());
    Err(Error::NoFrames(match suffixed {
        _ if is_pattern(suffixed.as_ref().map_or(name, |(stem, _)| stem)) => {
            format!("nothing matches '{shown}'")
        }
        Some((stem, _)) => format!(
            "there is no file '{shown}', and no '{}' of which it could be an HDU",
            printable(stem)
        ),
        None => format!("there is no file '{shown}'"),
    }))
}

/// Whether something stands under this name; broken links do.
fn exists(path: &Path) -> Result<bool> {
    use io::ErrorKind as K;
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(e)
            if matches!(
                e.kind(),
                K::NotFound | K::NotADirectory | K::InvalidFilename | K::InvalidInput
            ) =>
        {
            Ok(false)
        }
        Err(e) => Err(Error::io(path, "cannot look at it", e)),
    }
}

/// Adds a file, or every FITS file directly in a folder by the bytes of its name.
fn file_or_folder(path: &Path, hdu: Option<&Hdu>, found: &mut Vec<Named>) -> Result<()> {
    if !path.is_dir() {
        found.push(Named {
            path: path.to_owned(),
            hdu: hdu.cloned(),
        });
        return Ok(());
    }
    let refused = |e| Error::io(path, "cannot list the folder", e);
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(refused)? {
        let file = entry.map_err(refused)?.path();
        if file
            .file_name()
            .is_some_and(|name| is_fits_name(name.as_bytes()))
            && !file.is_dir()
        {
            files.push(file);
        }
    }
    if files.is_empty() {
        let shown = printable(&path.to_string_lossy());
        return Err(Error::NoFrames(format!(
            "no FITS file (.fits, .fit, .fts) in the folder '{shown}'"
        )));
    }
    files.sort_unstable_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    found.extend(files.into_iter().map(|path| Named {
        path,
        hdu: hdu.cloned(),
    }));
    Ok(())
}

/// Whether a name in a folder is that of a FITS file, packed or not, and not hidden.
fn is_fits_name(name: &[u8]) -> bool {
    let ends = |name: &[u8], ending: &str| {
        let at = name.len().saturating_sub(ending.len());
        name[at..]
            .eq_ignore_ascii_case(ending.as_bytes())
            .then_some(at)
    };
    let packed = [".fz", ".gz", ".bz2"]
        .into_iter()
        .find_map(|ending| ends(name, ending));
    let stem = &name[..packed.unwrap_or(name.len())];
    !name.starts_with(b".")
        && [".fits", ".fit", ".fts"]
            .into_iter()
            .any(|ending| ends(stem, ending).is_some())
}

/// The name before an HDU suffix, and the HDU: `f.fits[2]`, `f.fits[SCI]`, `f.fits[SCI,2]`.
fn suffix(name: &str) -> Option<(&str, Hdu)> {
    let (stem, inner) = name.strip_suffix(']')?.rsplit_once('[')?;
    let named = |name: &str| {
        let name = name.trim();
        let plain = !name.is_empty() && !name.contains(['*', '?', ':', ',', ']']);
        plain.then(|| name.to_owned())
    };
    let hdu = match inner.split_once(',') {
        Some((name, version)) => Hdu::Name(named(name)?, Some(version.trim().parse().ok()?)),
        None => match inner.trim().parse() {
            Ok(number) => Hdu::Number(number),
            Err(_) => Hdu::Name(named(inner)?, None),
        },
    };
    (!stem.is_empty()).then_some((stem, hdu))
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// Adds what a pattern matches, by name; folders as if they had been named.
fn expand_pattern(
    pattern: &str,
    base: &Path,
    hdu: Option<&Hdu>,
    found: &mut Vec<Named>,
) -> Result<()> {
    if !is_pattern(pattern) {
        return Ok(());
    }
    let wrong = |expected: &str| Error::Value {
        what: "frames: the pattern",
        text: printable(pattern),
        expected: expected.to_owned(),
    };
    let Some(folder) = base.to_str() else {
        return Err(wrong("a list in a folder whose name is UTF-8"));
    };
    let whole = match folder {
        "" => pattern.to_owned(),
        _ if pattern.starts_with('/') => pattern.to_owned(),
        _ => format!("{}/{pattern}", glob::Pattern::escape(folder)),
    };
    let options = glob::MatchOptions {
        require_literal_leading_dot: true,
        ..Default::default()
    };
    for matched in glob::glob_with(&whole, options).map_err(|e| wrong(e.msg))? {
        let path = matched.map_err(|e| {
            let path = e.path().to_owned();
            Error::io(path, "cannot list the folder", e.into())
        })?;
        file_or_folder(&path, hdu, found)?;
    }
    Ok(())
}

/// Adds the frames of a list, one a line, `#` begins a comment; they are relative to the list.
fn expand_list(list: &str, base: &Path, depth: usize, found: &mut Vec<Named>) -> Result<()> {
    let path = base.join(list);
    let (shown, base) = match list {
        "-" => ("standard input".to_owned(), Path::new("")),
        _ => (
            printable(&path.to_string_lossy()),
            path.parent().unwrap_or(Path::new("")),
        ),
    };
    if depth == MAX_DEPTH {
        return Err(Error::NoFrames(format!(
            "the list '{shown}' stands in lists too deep; does one name itself?"
        )));
    }
    let text = match list {
        "-" => standard_input(),
        _ => fs::read_to_string(&path).map(Cow::Owned),
    };
    let text = text.map_err(|e| Error::io(shown.as_str(), "cannot read the list of frames", e))?;
    let before = found.len();
    for (line, name) in (1..).zip(text.lines().map(without_comment)) {
        if !name.is_empty() {
            expand_one(name, base, depth + 1, found).map_err(|e| match e {
                Error::NoFrames(fault) => {
                    Error::NoFrames(format!("{fault} (line {line} of {shown})"))
                }
                other => other,
            })?;
        }
    }
    if found.len() == before {
        return Err(Error::NoFrames(format!("{shown} names none")));
    }
    Ok(())
}

/// All of standard input; it comes once, but a run over every HDU asks for its frames again.
fn standard_input() -> io::Result<Cow<'static, str>> {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = if let Some(text) = TEXT.get() {
        text
    } else {
        let text = io::read_to_string(io::stdin().lock())?;
        TEXT.get_or_init(|| text)
    };
    Ok(Cow::Borrowed(text))
}

/// A line of a list up to a `#` that begins it or follows a blank: names may hold one.
fn without_comment(line: &str) -> &str {
    let comment = line
        .match_indices('#')
        .map(|(at, _)| at)
        .find(|&at| line[..at].ends_with([' ', '\t']) || at == 0);
    line[..comment.unwrap_or(line.len())].trim()
}

#[cfg(test)]
mod tests;
