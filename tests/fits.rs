//! FITS files byte by byte: images written from cards and big-endian numbers, headers read card by card.
//!
//! Not by the code under test, so that anything odd can be written and nothing is taken on trust.

use std::fs;
use std::path::Path;

/// One HDU with an image, to be written.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    bitpix: i32,
    axes: Vec<usize>,
    cards: Vec<String>,
    data: Vec<u8>,
}

impl Image {
    /// An image of these axes (NAXIS1 first) whose stored numbers are these.
    pub(crate) fn new(bitpix: i32, axes: &[usize], stored: &[f64]) -> Self {
        assert_eq!(
            axes.iter().product::<usize>(),
            stored.len(),
            "one number a pixel"
        );
        let data = stored
            .iter()
            .flat_map(|&number| big_endian(bitpix, number))
            .collect();
        Self {
            bitpix,
            axes: axes.to_vec(),
            cards: Vec::new(),
            data,
        }
    }

    /// The same from text, in which integers of 64 bits keep all their digits.
    pub(crate) fn from_text(bitpix: i32, axes: &[usize], stored: &str) -> Self {
        let bytes = stored.split_whitespace().flat_map(|number| match bitpix {
            64 => number.parse::<i64>().unwrap().to_be_bytes().to_vec(),
            _ => big_endian(bitpix, number.parse().unwrap()),
        });
        Self {
            bitpix,
            axes: axes.to_vec(),
            cards: Vec::new(),
            data: bytes.collect(),
        }
    }

    /// A row of float32 pixels.
    pub(crate) fn row(pixels: &[f64]) -> Self {
        Self::new(-32, &[pixels.len(), 1], pixels)
    }

    /// A frame of uint16 pixels, as cameras write them.
    pub(crate) fn uint16(axes: &[usize], pixels: &[u16]) -> Self {
        let stored: Vec<f64> = pixels
            .iter()
            .map(|&pixel| f64::from(pixel) - 32768.0)
            .collect();
        Self::new(16, axes, &stored)
            .card("BZERO   =                32768")
            .card("BSCALE  =                    1")
    }

    /// With one more card.
    pub(crate) fn card(mut self, card: impl Into<String>) -> Self {
        self.cards.push(card.into());
        self
    }

    /// With EXTNAME.
    pub(crate) fn named(self, extname: &str) -> Self {
        self.card(format!("EXTNAME = '{extname:<8}'"))
    }

    /// The bytes of the image as a primary HDU.
    pub(crate) fn primary(&self) -> Vec<u8> {
        self.hdu("SIMPLE  =                    T", &[])
    }

    /// The bytes of the image as an extension.
    pub(crate) fn extension(&self) -> Vec<u8> {
        self.hdu(
            "XTENSION= 'IMAGE   '",
            &[
                "PCOUNT  =                    0",
                "GCOUNT  =                    1",
            ],
        )
    }

    /// Writes the image alone to a file.
    pub(crate) fn write(&self, path: impl AsRef<Path>) {
        fs::write(path, self.primary()).unwrap();
    }

    /// Writes the image, and others as extensions behind it.
    pub(crate) fn write_with(&self, extensions: &[Self], path: impl AsRef<Path>) {
        let behind = extensions.iter().flat_map(Self::extension);
        fs::write(
            path,
            self.primary()
                .into_iter()
                .chain(behind)
                .collect::<Vec<u8>>(),
        )
        .unwrap();
    }

    fn hdu(&self, first: &str, after_axes: &[&str]) -> Vec<u8> {
        let mut cards = vec![
            first.to_owned(),
            format!("BITPIX  = {:>20}", self.bitpix),
            format!("NAXIS   = {:>20}", self.axes.len()),
        ];
        let axes = self.axes.iter().enumerate();
        cards.extend(
            axes.map(|(n, length)| format!("{:<8}= {length:>20}", format!("NAXIS{}", n + 1))),
        );
        cards.extend(after_axes.iter().map(ToString::to_string));
        cards.extend(self.cards.iter().cloned());
        let mut bytes = header(&cards);
        bytes.extend(&self.data);
        bytes.resize(bytes.len().next_multiple_of(2880), 0);
        bytes
    }
}

/// A primary HDU without pixels.
pub(crate) fn empty_primary(cards: &[&str]) -> Vec<u8> {
    let own = [
        "SIMPLE  =                    T",
        "BITPIX  =                    8",
        "NAXIS   =                    0",
    ];
    header(
        &own.iter()
            .chain(cards)
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
    )
}

/// The bytes of a header: these cards, END, and what fills its last block.
pub(crate) fn header(cards: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for card in cards.iter().map(String::as_str).chain(["END"]) {
        // Cut by bytes, so that cards with odd characters keep their length.
        let mut card = card.as_bytes().to_vec();
        card.resize(80, b' ');
        bytes.extend(card);
    }
    bytes.resize(bytes.len().next_multiple_of(2880), b' ');
    bytes
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests store what fits"
)]
fn big_endian(bitpix: i32, number: f64) -> Vec<u8> {
    match bitpix {
        8 => vec![number as u8],
        16 => (number as i16).to_be_bytes().to_vec(),
        32 => (number as i32).to_be_bytes().to_vec(),
        64 => (number as i64).to_be_bytes().to_vec(),
        -32 => (number as f32).to_be_bytes().to_vec(),
        -64 => number.to_be_bytes().to_vec(),
        other => panic!("BITPIX {other}"),
    }
}

/// The cards of one HDU.
#[derive(Clone, Debug)]
pub(crate) struct Header(pub(crate) Vec<String>);

impl Header {
    /// The value of a keyword as it stands in its card, without quotes; `None` where there is none.
    pub(crate) fn value(&self, keyword: &str) -> Option<String> {
        let card = self
            .0
            .iter()
            .find(|card| card[..8].trim_end() == keyword && card[8..].starts_with('='))?;
        let value = card[9..].trim_start();
        Some(match value.strip_prefix('\'') {
            Some(text) => text.split('\'').next().unwrap_or("").trim_end().to_owned(),
            None => value.split('/').next().unwrap_or("").trim().to_owned(),
        })
    }

    /// The value of a keyword as a number.
    pub(crate) fn number(&self, keyword: &str) -> f64 {
        let value = self
            .value(keyword)
            .unwrap_or_else(|| panic!("{keyword} in {:#?}", self.0));
        value
            .parse()
            .unwrap_or_else(|_| panic!("{keyword} = {value}"))
    }

    /// What all HISTORY cards say, one after another.
    pub(crate) fn history(&self) -> String {
        let lines = self
            .0
            .iter()
            .filter_map(|card| card.strip_prefix("HISTORY "));
        lines.map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}

/// Walks over the HDUs of a file.
pub(crate) fn headers(bytes: &[u8]) -> Vec<Header> {
    let mut headers = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let cards: Vec<String> = bytes[at..]
            .chunks(80)
            .map(|card| String::from_utf8_lossy(card).into_owned())
            .take_while(|card| card.trim_end() != "END")
            .collect();
        at += ((cards.len() + 1) * 80).next_multiple_of(2880);
        let header = Header(cards);
        let length = |keyword: &str| {
            header
                .value(keyword)
                .map_or(0, |value| value.parse::<i64>().unwrap())
        };
        let naxis = length("NAXIS");
        let npixel: i64 = (1..=naxis).map(|n| length(&format!("NAXIS{n}"))).product();
        let nbyte = if naxis == 0 {
            0
        } else {
            // What a table points to stands behind it.
            (npixel + length("PCOUNT")) * (length("BITPIX").abs() / 8)
        };
        at += usize::try_from(nbyte).unwrap().next_multiple_of(2880);
        headers.push(header);
    }
    headers
}
