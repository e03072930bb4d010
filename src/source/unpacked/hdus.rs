//! The HDUs of a FITS file that streams by: where each stands, and how large it will be.
//!
//! Only what says how large data are is looked at. What follows the last HDU is junk, and is not kept.

use crate::header::Header;
use crate::source::first_bytes::recognise;
use crate::sys::Place;

/// A block of a FITS file.
pub(super) const BLOCK: usize = 2880;
/// Cards that say how large data are, of one header: more than this are not meant to be read.
const MAX_CARDS: usize = 1200;
/// Bytes of a header: more than this are not meant to be read.
const MAX_HEADER: u64 = 64 << 20;

/// What a piece of the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A block of a header.
    Header,
    /// Data, or their padding.
    Data,
    /// Behind the last HDU.
    Junk,
}

/// What is known while a file streams by.
#[derive(Debug, Default)]
pub(super) struct Hdus {
    /// Those that began so far.
    pub(super) places: Vec<Place>,
    /// Bytes that were taken.
    at: u64,
    state: State,
    block: Vec<u8>,
    /// The cards of the present header that say how large its data are.
    cards: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a header that began at this byte; its first block may be junk.
    Header(u64),
    /// In data that end at this byte.
    Data(u64),
    Junk,
}

impl Default for State {
    fn default() -> Self {
        Self::Header(0)
    }
}

/// Where a piece of the stream belongs.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub(super) part: Part,
    pub(super) bytes: &'a [u8],
    /// The byte of the file at which it begins.
    pub(super) start: u64,
    /// Bytes of data, with their padding, that follow at once: told with the last block of each header.
    pub(super) promised: u64,
}

impl Hdus {
    /// Takes the next bytes of the file, and hands them on in pieces.
    pub(super) fn take<E: From<String>>(
        &mut self,
        mut bytes: &[u8],
        mut hand: impl FnMut(&Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while !bytes.is_empty() {
            match self.state {
                State::Header(begin) => {
                    let count = bytes.len().min(BLOCK - self.block.len());
                    self.block.extend_from_slice(&bytes[..count]);
                    bytes = &bytes[count..];
                    if self.block.len() == BLOCK {
                        self.block(begin, &mut hand)?;
                    }
                }
                State::Data(end) => {
                    let left = usize::try_from(end - self.at).unwrap_or(usize::MAX);
                    let (piece, rest) = bytes.split_at(bytes.len().min(left));
                    self.hand(Part::Data, piece, 0, &mut hand)?;
                    bytes = rest;
                    if self.at == end {
                        self.state = State::Header(end);
                    }
                }
                State::Junk => {
                    self.hand(Part::Junk, bytes, 0, &mut hand)?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Takes what is left at the end of the file: a header that breaks off is kept, for what reads it says so.
    pub(super) fn end<E: From<String>>(
        &mut self,
        mut hand: impl FnMut(&Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let block = std::mem::take(&mut self.block);
        let inside = matches!(self.state, State::Header(begin) if begin < self.at || begin == 0);
        if self.at == 0 {
            is_fits(&block)?;
        }
        if !block.is_empty() && (inside || block.starts_with(b"XTENSION")) {
            self.hand(Part::Header, &block, 0, &mut hand)?;
        }
        Ok(())
    }

    fn hand<E>(
        &mut self,
        part: Part,
        bytes: &[u8],
        promised: u64,
        hand: &mut impl FnMut(&Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        hand(&Piece {
            part,
            bytes,
            start: self.at,
            promised,
        })?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Takes a whole block of a header, or of junk.
    fn block<E: From<String>>(
        &mut self,
        begin: u64,
        hand: &mut impl FnMut(&Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let block = std::mem::take(&mut self.block);
        if begin == self.at && begin > 0 && !block.starts_with(b"XTENSION") {
            self.state = State::Junk;
            return self.hand(Part::Junk, &block, 0, hand);
        }
        if self.at == 0 {
            is_fits(&block)?;
        }
        let ended = self.read_cards(&block)?;
        if self.at - begin > MAX_HEADER {
            return Err(E::from("its header is too long to be one".into()));
        }
        let mut promised = 0;
        if ended {
            let header = Header::from_bytes(&std::mem::take(&mut self.cards));
            let start = self.at + BLOCK as u64;
            let size = data_nbyte(&header).and_then(|size| size.checked_next_multiple_of(2880));
            let end = size.and_then(|size| start.checked_add(size));
            self.places.push(Place {
                header: begin,
                start,
                end: end.unwrap_or(start),
            });
            // Of what cannot be told nothing is kept but the header, which says why.
            self.state = end.map_or(State::Junk, State::Data);
            if end == Some(start) {
                self.state = State::Header(start);
            }
            promised = size.unwrap_or(0);
        }
        self.hand(Part::Header, &block, promised, hand)?;
        self.block = block;
        self.block.clear();
        Ok(())
    }

    /// Keeps the cards of a block that say how large the data are; returns whether the header ends in it.
    fn read_cards<E: From<String>>(&mut self, block: &[u8]) -> Result<bool, E> {
        for card in block.as_chunks::<80>().0 {
            let keyword = card[..8].trim_ascii_end();
            if card.starts_with(b"END     ") {
                return Ok(true);
            }
            let counts = matches!(
                keyword,
                b"BITPIX" | b"PCOUNT" | b"GCOUNT" | b"GROUPS" | b"XTENSION"
            );
            if counts || keyword.starts_with(b"NAXIS") {
                if self.cards.len() >= MAX_CARDS * 80 {
                    return Err(E::from("its header has too many cards on its axes".into()));
                }
                self.cards.extend_from_slice(card);
            }
        }
        Ok(false)
    }
}

/// Refuses what does not begin as FITS does.
fn is_fits(first: &[u8]) -> Result<(), String> {
    recognise(first).map_err(|fault| format!("unpacks to something that {fault}"))
}

/// Bytes of the data behind a header, without padding; `None` where it does not say.
fn data_nbyte(header: &Header) -> Option<u64> {
    let number = |keyword: &str| u64::try_from(header.integer(keyword)?).ok();
    let or = |keyword: &str, otherwise| {
        if header.contains(keyword) {
            number(keyword)
        } else {
            Some(otherwise)
        }
    };
    let naxis = number("NAXIS").filter(|naxis| *naxis <= 999)?;
    let nbyte = match header.integer("BITPIX")? {
        8 => 1,
        16 => 2,
        32 | -32 => 4,
        64 | -64 => 8,
        _ => return None,
    };
    if naxis == 0 {
        return Some(0);
    }
    let grouped = header.says_true("GROUPS") && number("NAXIS1") == Some(0);
    let mut npixel = 1_u64;
    for n in (if grouped { 2 } else { 1 })..=naxis {
        npixel = npixel.checked_mul(number(&format!("NAXIS{n}"))?)?;
    }
    // In a primary HDU that is no random groups, these two mean nothing.
    if grouped || header.contains("XTENSION") {
        npixel = npixel.checked_add(or("PCOUNT", 0)?)?;
        npixel = npixel.checked_mul(or("GCOUNT", 1)?)?;
    }
    npixel.checked_mul(nbyte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sample::{card, extension, image, table};

    /// The HDUs of a file that comes in pieces of so many bytes, and what is kept of it.
    fn walked(bytes: &[u8], size: usize) -> (Vec<(u64, u64)>, Vec<u8>) {
        let mut hdus = Hdus::default();
        let mut kept = Vec::new();
        let mut hand = |piece: &Piece<'_>| {
            if piece.part != Part::Junk {
                assert_eq!(piece.start, kept.len() as u64);
                kept.extend_from_slice(piece.bytes);
            }
            Ok::<(), String>(())
        };
        for bytes in bytes.chunks(size) {
            hdus.take(bytes, &mut hand).expect("taken");
        }
        hdus.end(&mut hand).expect("ended");
        let places = hdus.places.iter().map(|place| (place.header, place.start));
        (places.collect(), kept)
    }

    #[test]
    fn every_hdu_is_found_and_junk_behind_them_is_not_kept() {
        let whole = [
            image(&[], 8, &[]),
            extension(&[], 16, &[50, 40]),
            table(&[]),
            extension(&[card("EXTNAME", "'LAST'")], -64, &[3]),
        ]
        .concat();
        let junk = [&whole[..], &[b'#'; 5000]].concat();
        for size in [1, 79, 2880, 4096, 100_000] {
            let (places, kept) = walked(&junk, size);
            assert_eq!(
                places,
                [(0, 2880), (2880, 5760), (11520, 14400), (14400, 17280)],
                "{size}"
            );
            assert!(kept == whole, "{size}");
        }
    }

    #[test]
    fn a_file_that_breaks_off_is_kept_as_far_as_it_goes() {
        let whole = [image(&[], 16, &[50, 40]), extension(&[], 8, &[4, 4])].concat();
        for length in [100, 2880, 4000, 8640, 8640 + 80, 8640 + 2880, 8640 + 2890] {
            let (_, kept) = walked(&whole[..length], 777);
            assert_eq!(kept.len(), length);
        }
        let (places, kept) = walked(&image(&[], 99, &[50, 40]), 777);
        assert_eq!((places, kept.len()), (vec![(0, 2880)], 2880));
    }
}
