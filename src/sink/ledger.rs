//! The ledger of a folder of outputs: which of them a run has finished, and of what, so that the next run of the same recipe leaves those
//! out.
//!
//! Each is entered before it is given its name, and nothing waits for the disk. What is entered is believed only where the output is still
//! the file that was entered, and its checksums hold: then it is on the disk as it was written, whatever happened meanwhile.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::name::{FLAGS, remove};
use crate::checksum::Sum;
use crate::error::{Error, Result};

/// Bytes that are read at a time where an output is checked.
const PIECE: usize = 64 << 10;

/// What is entered of an output.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    /// Its name in the folder.
    output: String,
    /// The number by which the system knows the file.
    inode: u64,
    length: u64,
    /// What tells the files that it was made of from others.
    made_of: u64,
}

/// The ledger of the outputs of one recipe in a folder.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    /// Open from the first entry on.
    file: Mutex<Option<File>>,
    earlier: HashMap<String, Entry>,
}

/// How far an output was brought by an earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is known of it.
    Unknown,
    /// It is whole, and made of the same files.
    Finished,
    /// It is whole, and made of files that have changed since.
    Outdated,
    /// An earlier run made it, but the disk has not got all of it.
    Broken,
}

impl Ledger {
    /// The ledger of the recipe with this digest: what earlier runs have entered, or afresh.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where it is there and cannot be read, or not be removed.
    pub(crate) fn open(folder: &Path, recipe: u64, resume: bool) -> Result<Self> {
        let path = folder.join(format!(".ccdstream-{recipe:016x}.state"));
        let refused = |source| Error::io(&path, "cannot open", source);
        let earlier = if resume {
            read(&path).map_err(refused)?
        } else {
            remove(&path).map_err(refused)?;
            HashMap::new()
        };
        Ok(Self {
            path,
            file: Mutex::new(None),
            earlier,
        })
    }

    /// How many outputs earlier runs have entered.
    pub(crate) fn count(&self) -> usize {
        self.earlier.len()
    }

    /// How far an earlier run brought an output, where it is now to be made of files with this digest.
    pub(crate) fn standing(&self, output: &Path, made_of: u64) -> Standing {
        let Some(entry) = self.earlier.get(&name(output)) else {
            return Standing::Unknown;
        };
        match File::open(output).and_then(|file| Ok((file.metadata()?, file))) {
            Ok((about, _)) if about.ino() != entry.inode => Standing::Unknown,
            Ok((about, file)) => {
                if about.len() != entry.length || !is_whole(file).unwrap_or(false) {
                    Standing::Broken
                } else if entry.made_of == made_of {
                    Standing::Finished
                } else {
                    Standing::Outdated
                }
            }
            Err(_) => Standing::Unknown,
        }
    }

    /// Enters an output that is about to get its name. Where that is refused, the output is made again by a run that goes on.
    pub(super) fn enter(&self, output: &Path, file: &File, made_of: u64) {
        let entered = file.metadata().and_then(|about| {
            let mut line = serde_json::to_vec(&Entry {
                output: name(output),
                inode: about.ino(),
                length: about.len(),
                made_of,
            })?;
            line.push(b'\n');
            let mut ledger = self
                .file
                .lock()
                .map_err(|_| io::Error::other("another thread has failed"))?;
            match &mut *ledger {
                Some(ledger) => ledger.write_all(&line),
                none => none.insert(options().open(&self.path)?).write_all(&line),
            }
        });
        if let Err(refused) = entered {
            tracing::info!("{}: {refused}", self.path.display());
        }
    }

    /// Removes the ledger, when everything is done.
    pub(crate) fn close(&self) {
        // One that cannot be removed is read or replaced by the next run.
        let _ = remove(&self.path);
    }
}

fn name(output: &Path) -> String {
    let name = output.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Lines go to the end, whoever writes.
fn options() -> OpenOptions {
    let mut options = File::options();
    options
        .append(true)
        .create(true)
        .mode(0o666)
        .custom_flags(FLAGS);
    options
}

/// The entries of a ledger, the last of each output; a line that does not read is that of a run that was killed.
fn read(path: &Path) -> io::Result<HashMap<String, Entry>> {
    let file = match File::options().read(true).custom_flags(FLAGS).open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(HashMap::new()),
        file => file?,
    };
    let mut entries = HashMap::new();
    for line in BufReader::new(file).split(b'\n') {
        if let Ok(entry) = serde_json::from_slice::<Entry>(&line?) {
            entries.insert(entry.output.clone(), entry);
        }
    }
    Ok(entries)
}

/// Whether the checksums of a file hold: those of its HDUs make the sum of all of it minus zero.
fn is_whole(mut file: File) -> io::Result<bool> {
    let (mut sum, mut piece, mut at) = (Sum::default(), vec![0; PIECE], 0);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(sum.value() == u32::MAX),
            Ok(length) => {
                sum.add(at, &piece[..length]);
                at += length as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::PixelType;
    use crate::shape::Shape;
    use crate::sink::{FitsSink, HduSpec, Pixels};
    use std::fs;

    /// A small image, entered and given its name.
    fn entered(ledger: &Ledger, path: &Path, made_of: u64) {
        let shape = Shape { nrow: 2, ncol: 3 };
        let pixels = Some(Pixels {
            dtype: PixelType::U8,
            shape,
            blank: None,
        });
        let mut sink = FitsSink::create(path, true).expect("a file");
        let spec = HduSpec {
            extname: None,
            extver: None,
            pixels,
            cards: Vec::new(),
        };
        sink.add(&spec).expect("an image");
        sink.write(0, &shape.area(), &[1, 2, 3, 4, 5, 6])
            .expect("pixels");
        sink.finish_entered(ledger, made_of).expect("a whole file");
    }

    #[test]
    fn an_output_is_finished_while_it_is_what_was_entered() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.fits");
        let ledger = |resume| Ledger::open(folder.path(), 7, resume).expect("a ledger");
        let standing = |made_of| ledger(true).standing(&path, made_of);
        assert_eq!(standing(1), Standing::Unknown);
        entered(&ledger(true), &path, 1);
        assert_eq!(
            (standing(1), standing(2)),
            (Standing::Finished, Standing::Outdated)
        );
        assert_eq!(ledger(true).count(), 1);
        // Another recipe has another ledger.
        let other = Ledger::open(folder.path(), 8, true).expect("a ledger");
        assert_eq!(other.standing(&path, 1), Standing::Unknown);

        // In its place: another file has another number.
        let mut bytes = fs::read(&path).expect("a file");
        bytes[2880] ^= 1;
        fs::write(&path, &bytes).expect("written");
        assert_eq!(standing(1), Standing::Broken);
        fs::write(&path, vec![0; bytes.len()]).expect("written");
        assert_eq!(standing(1), Standing::Broken);
        fs::rename(&path, folder.path().join("b.fits")).expect("renamed");
        fs::write(&path, &bytes).expect("written");
        assert_eq!(standing(1), Standing::Unknown);

        ledger(false);
        assert_eq!(standing(1), Standing::Unknown);
    }

    #[test]
    fn half_a_line_is_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.fits");
        let ledger = Ledger::open(folder.path(), 7, true).expect("a ledger");
        entered(&ledger, &path, 1);
        let mut file = options().open(&ledger.path).expect("a ledger");
        file.write_all(b"{\"output\":\"b.fi").expect("written");
        let again = Ledger::open(folder.path(), 7, true).expect("a ledger");
        assert_eq!(again.standing(&path, 1), Standing::Finished);
        again.close();
        assert!(!again.path.exists());
    }
}
