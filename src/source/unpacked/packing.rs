//! Files that are packed as a whole, told by their first bytes, and unpacked as a stream.

use std::fs::File;
use std::io::{self, BufRead, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;

/// Bytes of the packed file that are read together.
const READ: usize = 64 << 10;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Packing {
    Gzip,
    Bzip2,
}

impl Packing {
    /// How a file is packed that begins with these bytes; `None` if it is not, or not so that it is unpacked here.
    pub(in crate::source) fn of(first: &[u8]) -> Option<Self> {
        [Self::Gzip, Self::Bzip2]
            .into_iter()
            .find(|packing| first.starts_with(packing.magic()))
    }

    fn magic(self) -> &'static [u8] {
        match self {
            Self::Gzip => b"\x1f\x8b",
            Self::Bzip2 => b"BZh",
        }
    }

    /// Its name.
    pub(in crate::source) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
        }
    }

    /// Bytes that unpacking a stream takes: what is read and written together, and what the crate keeps.
    pub(in crate::source) fn nbyte(self) -> u64 {
        let own = match self {
            Self::Gzip => 64 << 10,
            // A block of 900 000 bytes, of four bytes each, and tables.
            Self::Bzip2 => 3800 << 10,
        };
        own + READ as u64
    }
}

/// A packed file while it is unpacked: its members one after another, up to what is none.
pub(super) struct Unpacking {
    packing: Packing,
    member: Member,
}

/// What is unpacked of a packed file.
enum Member {
    Gzip(Box<GzDecoder<Packed>>),
    Bzip2(BzDecoder<Packed>),
    /// Nothing more.
    None(Packed),
}

impl Unpacking {
    pub(super) fn new(file: File, packing: Packing) -> Self {
        let packed = Packed {
            file: Some(file),
            bytes: vec![0; READ],
            from: 0,
            to: 0,
            taken: 0,
            failed: false,
        };
        Self {
            packing,
            member: Member::new(packing, packed),
        }
    }

    /// Bytes of the packed file that were taken.
    pub(super) fn taken(&self) -> u64 {
        self.packed().taken
    }

    /// Whether it was reading that failed, not unpacking.
    pub(super) fn failed(&self) -> bool {
        self.packed().failed
    }

    fn packed(&self) -> &Packed {
        match &self.member {
            Member::Gzip(member) => member.get_ref(),
            Member::Bzip2(member) => member.get_ref(),
            Member::None(packed) => packed,
        }
    }
}

impl Member {
    fn new(packing: Packing, packed: Packed) -> Self {
        match packing {
            Packing::Gzip => Self::Gzip(Box::new(GzDecoder::new(packed))),
            Packing::Bzip2 => Self::Bzip2(BzDecoder::new(packed)),
        }
    }
}

impl Read for Unpacking {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let (read, packed) = match &mut self.member {
                Member::Gzip(member) => (member.read(into)?, member.get_mut()),
                Member::Bzip2(member) => (member.read(into)?, member.get_mut()),
                Member::None(_) => return Ok(0),
            };
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            // What is no member is junk behind the last, as the programs of these packings take it.
            let more = packed.begins_with(self.packing.magic())?;
            let packed = packed.leave();
            self.member = if more {
                Member::new(self.packing, packed)
            } else {
                Member::None(packed)
            };
        }
    }
}

/// The bytes of a packed file.
struct Packed {
    /// `None` once it is handed over.
    file: Option<File>,
    bytes: Vec<u8>,
    /// Which of them are not taken yet.
    from: usize,
    to: usize,
    taken: u64,
    failed: bool,
}

impl Packed {
    /// Hands itself over, and leaves nothing.
    fn leave(&mut self) -> Self {
        let nothing = Self {
            file: None,
            bytes: Vec::new(),
            from: 0,
            to: 0,
            taken: 0,
            failed: false,
        };
        std::mem::replace(self, nothing)
    }

    /// Whether the next bytes are these, at most a few.
    fn begins_with(&mut self, first: &[u8]) -> io::Result<bool> {
        while self.to - self.from < first.len() {
            self.bytes.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
            if self.more()? == 0 {
                return Ok(false);
            }
        }
        Ok(self.bytes[self.from..self.to].starts_with(first))
    }

    /// Reads more behind what is there; returns how much.
    fn more(&mut self) -> io::Result<usize> {
        let Some(file) = &mut self.file else {
            return Ok(0);
        };
        loop {
            match file.read(&mut self.bytes[self.to..]) {
                Ok(read) => {
                    self.to += read;
                    return Ok(read);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.failed = true;
                    return Err(e);
                }
            }
        }
    }
}

impl Read for Packed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Packed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
            self.more()?;
        }
        Ok(&self.bytes[self.from..self.to])
    }

    fn consume(&mut self, count: usize) {
        self.from += count;
        self.taken += count as u64;
    }
}
