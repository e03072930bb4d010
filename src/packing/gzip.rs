//! GZIP_1 and GZIP_2: the bytes of a tile, gzipped, as they are or shuffled.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// How hard to look for what repeats. Noise hardly repeats: more gains nothing (0.484 for 0.486 of a row of float32), and 1, which is twice
/// as fast, spares the codes that fit the bytes: 0.64.
const LEVEL: u32 = 2;

/// Begins a member: deflated, no name, no time, of no system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Gzips one tile after another.
#[derive(Debug)]
pub(super) struct Deflater {
    deflate: Compress,
    shuffled: Vec<u8>,
}

impl Default for Deflater {
    fn default() -> Self {
        Self {
            deflate: Compress::new(Compression::new(LEVEL), false),
            shuffled: Vec::new(),
        }
    }
}

impl Deflater {
    /// Bytes that the crate keeps: its windows and tables.
    pub(super) const NBYTE: usize = 400 << 10;

    /// Appends a member that holds these bytes.
    pub(super) fn gzip(&mut self, bytes: &[u8], packed: &mut Vec<u8>) {
        packed.extend_from_slice(&HEADER);
        self.deflate.reset();
        loop {
            let read = usize::try_from(self.deflate.total_in()).expect("no more than there is");
            // As a rule that is enough for all of it.
            packed.reserve(bytes.len() - read + 64);
            let status = self
                .deflate
                .compress_vec(&bytes[read..], packed, FlushCompress::Finish);
            match status {
                Ok(Status::StreamEnd) => break,
                Ok(Status::Ok | Status::BufError) => {}
                Err(_) => unreachable!("deflating has no way to fail but a wrong call"),
            }
        }
        let mut crc = Crc::new();
        crc.update(bytes);
        packed.extend_from_slice(&crc.sum().to_le_bytes());
        // The length, as far as it goes into 32 bits.
        packed.extend_from_slice(&crc.amount().to_le_bytes());
    }

    /// The same for numbers of so many bytes: first the first byte of each, then the second of each, and so on.
    pub(super) fn gzip_shuffled(&mut self, bytes: &[u8], width: usize, packed: &mut Vec<u8>) {
        let mut shuffled = std::mem::take(&mut self.shuffled);
        shuffled.clear();
        for place in 0..width {
            shuffled.extend(bytes.iter().skip(place).step_by(width));
        }
        self.gzip(&shuffled, packed);
        self.shuffled = shuffled;
    }
}
