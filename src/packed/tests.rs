//! Tiles come apart as they were packed, and whatever bytes come, they are pixels or a fault.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn pixels(bitpix: Bitpix, ncol: usize) -> Pixels {
    Pixels {
        bitpix,
        quantised: None,
        ncol,
    }
}

fn unpack(codec: Codec, packed: &[u8], pixels: &Pixels, npixel: usize) -> Result<Vec<u8>, Fault> {
    let mut out = vec![0x55; npixel * pixels.bitpix.nbyte()];
    codec.unpack(packed, pixels, &mut Room::default(), &mut out)?;
    Ok(out)
}

/// Bits that are written one after another.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    count: usize,
}

impl Written {
    fn bits(&mut self, number: u64, count: u32) {
        for bit in (0..count).rev() {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("pushed");
            *last |= u8::from(number >> bit & 1 == 1) << (7 - self.count % 8);
            self.count += 1;
        }
    }
}

/// Packs numbers of so many bits as RICE_1 does; each block with the next of these numbers of plain bits, or as it is.
fn rice(numbers: &[i64], width: u32, block: usize, plain: &[Option<u32>]) -> Vec<u8> {
    let (nsplit, all) = match width {
        8 => (3, 7),
        16 => (4, 15),
        _ => (5, 26),
    };
    let mask = (1_u64 << width) - 1;
    let mut written = Written::default();
    let mut last = numbers[0].cast_unsigned() & mask;
    written.bits(last, width);
    for (block, plain) in numbers.chunks(block).zip(plain.iter().cycle()) {
        let codes = block.iter().map(|number| {
            let number = number.cast_unsigned() & mask;
            let difference = number.wrapping_sub(last) & mask;
            last = number;
            let negative = difference >> (width - 1) == 1;
            (difference << 1 ^ if negative { mask } else { 0 }) & mask
        });
        let codes: Vec<u64> = codes.collect();
        // Long runs of zeros would be longer than anything.
        let fitting = plain.filter(|plain| codes.iter().all(|code| code >> plain < 300));
        match fitting {
            _ if codes.iter().all(|code| *code == 0) => written.bits(0, nsplit),
            Some(plain) => {
                written.bits(u64::from(plain) + 1, nsplit);
                for code in codes {
                    let high = u32::try_from(code >> plain).expect("checked");
                    for _ in 0..high {
                        written.bits(0, 1);
                    }
                    written.bits(1, 1);
                    written.bits(code & ((1 << plain) - 1), plain);
                }
            }
            None => {
                written.bits(all, nsplit);
                for code in codes {
                    written.bits(code, width);
                }
            }
        }
    }
    written.bytes
}

proptest! {
    #[test]
    fn rice_comes_back(
        numbers in prop::collection::vec(prop_oneof![4 => -20_i64..20, 1 => -32768_i64..32768], 1..400),
        flat in 0_usize..60, block in 1_usize..50, plain in prop::collection::vec(prop::option::of(0_u32..12), 1..9),
    ) {
        let mut numbers = numbers;
        numbers.extend(vec![7; flat]);
        for (bitpix, nbyte) in [(Bitpix::I16, 2), (Bitpix::I32, 4)] {
            let codec = Codec::Rice { block, nbyte };
            let packed = rice(&numbers, 8 * u32::try_from(nbyte).expect("small"), block, &plain);
            let got = unpack(codec, &packed, &pixels(bitpix, numbers.len()), numbers.len());
            let want: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()[8 - nbyte..].to_vec()).collect();
            prop_assert_eq!(got, Ok(want));
            for end in 0..packed.len() {
                let got = unpack(codec, &packed[..end], &pixels(bitpix, numbers.len()), numbers.len());
                // What is cut off may be zeros that fill the last byte.
                prop_assert!(got.is_err() || end + 1 == packed.len(), "{end} of {}", packed.len());
            }
        }
        let bytes: Vec<i64> = numbers.iter().map(|number| number.rem_euclid(256)).collect();
        let packed = rice(&bytes, 8, block, &plain.iter().map(|plain| plain.filter(|plain| *plain < 6)).collect::<Vec<_>>());
        let got = unpack(Codec::Rice { block, nbyte: 1 }, &packed, &pixels(Bitpix::U8, bytes.len()), bytes.len());
        let want: Vec<u8> = bytes.iter().map(|byte| u8::try_from(*byte).expect("a byte")).collect();
        prop_assert_eq!(got, Ok(want));
    }

    #[test]
    fn any_bytes_are_pixels_or_a_fault(
        bytes in prop::collection::vec(any::<u8>(), 0..300), nrow in 1_usize..20, ncol in 1_usize..20,
        block in 1_usize..70, of_codec in 0_usize..5,
    ) {
        let quantised = Quantised { dither: Dither::KeepingZero, scale: 0.5, zero: 1.0, blank: Some(3), seed: 9_999 };
        for bitpix in [Bitpix::U8, Bitpix::I16, Bitpix::I32, Bitpix::I64, Bitpix::F32, Bitpix::F64] {
            let is_float = matches!(bitpix, Bitpix::F32 | Bitpix::F64);
            let pixels = Pixels { bitpix, quantised: is_float.then_some(quantised), ncol };
            for codec in [
                Codec::Rice { block, nbyte: 1 }, Codec::Rice { block, nbyte: 2 }, Codec::Rice { block, nbyte: 4 },
                Codec::Gzip, Codec::GzipShuffled, Codec::Plio { shifted: true }, Codec::Hcompress { smooth: true },
                Codec::None,
            ] {
                let _ = unpack(codec, &bytes, &pixels, nrow * ncol);
                // As far as the shape, an HCOMPRESS tile is one.
                let mut tile = vec![0xdd, 0x99];
                for number in [nrow, ncol, of_codec] {
                    tile.extend(u32::try_from(number).expect("small").to_be_bytes());
                }
                tile.extend(&bytes);
                let _ = unpack(codec, &tile, &pixels, nrow * ncol);
                let mut gzipped = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
                gzipped.extend(&bytes);
                let size = u32::try_from(nrow * ncol * bitpix.nbyte()).expect("small");
                gzipped.extend(size.to_le_bytes());
                let _ = unpack(codec, &gzipped, &pixels, nrow * ncol);
            }
        }
    }
}

#[test]
fn a_code_of_more_zeros_than_a_window_has_bits_is_read() {
    let mut written = Written::default();
    written.bits(0, 32);
    // No plain bits, and 200 zeros.
    written.bits(1, 5);
    for _ in 0..200 {
        written.bits(0, 1);
    }
    written.bits(1, 1);
    let codec = Codec::Rice {
        block: 32,
        nbyte: 4,
    };
    let got = unpack(codec, &written.bytes, &pixels(Bitpix::I32, 1), 1);
    assert_eq!(got, Ok(100_i32.to_be_bytes().to_vec()));
}

#[test]
fn zeros_to_the_end_of_a_tile_are_a_fault_however_many_there_are() {
    let codec = Codec::Rice {
        block: 32,
        nbyte: 4,
    };
    for nbyte in 5..60 {
        let mut packed = vec![0; nbyte];
        // No plain bits.
        packed[4] = 1 << 3;
        let got = unpack(codec, &packed, &pixels(Bitpix::I32, 1), 1);
        assert_eq!(got, Err(Fault("ends before its pixels do")), "{nbyte}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).expect("written");
    packer.finish().expect("finished")
}

#[test]
fn gzipped_numbers_of_another_width_become_pixels_if_they_fit() {
    let wide: Vec<u8> = [1_i32, -2, 300]
        .iter()
        .flat_map(|n| n.to_be_bytes())
        .collect();
    let narrow = |bitpix, bytes: &[u8]| unpack(Codec::Gzip, &gzip(bytes), &pixels(bitpix, 3), 3);
    let want: Vec<u8> = [1_i16, -2, 300]
        .iter()
        .flat_map(|n| n.to_be_bytes())
        .collect();
    assert_eq!(narrow(Bitpix::I16, &wide), Ok(want));
    assert!(narrow(Bitpix::U8, &wide).is_err());
    assert!(narrow(Bitpix::I32, &wide[1..]).is_err());
    let mut damaged = gzip(&wide);
    let at = damaged.len() - 6;
    damaged[at] ^= 1;
    let said = unpack(Codec::Gzip, &damaged, &pixels(Bitpix::I32, 3), 3);
    assert_eq!(said, Err(Fault("is damaged: its checksum does not agree")));
}

#[test]
fn plio_runs_are_read() {
    // High value 3 + 2·4096, a run of 2 of it, 3 zeros, 2 zeros and then it, one of 5 more.
    let words: [i16; 11] = [0, 7, -100, 11, 0, 0, 0, (1 << 12) + 3, 2, (4 << 12) + 2, 3];
    let more: [i16; 2] = [(5 << 12) + 3, (6 << 12) + 5];
    let mut words = [&words[..], &more].concat();
    words[3] = i16::try_from(words.len()).expect("few");
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    let got = unpack(
        Codec::Plio { shifted: false },
        &bytes,
        &pixels(Bitpix::I32, 12),
        12,
    );
    let got = got.map(|bytes| {
        bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| i32::from_be_bytes(*b))
            .collect::<Vec<_>>()
    });
    let high = 3 + 2 * 4096;
    assert_eq!(
        got,
        Ok(vec![high, high, 0, 0, 0, 0, 0, high, high + 5, 0, 0, 0])
    );
}

#[test]
fn dithers_take_the_numbers_that_everybody_takes() {
    let quantised = |dither, seed| Quantised {
        dither,
        scale: 2.0,
        zero: 10.0,
        blank: Some(-9),
        seed,
    };
    let floats = |quantised: Quantised| {
        let pixels = Pixels {
            bitpix: Bitpix::F64,
            quantised: Some(quantised),
            ncol: 3,
        };
        let numbers = [4_i32, -9, -2_147_483_646];
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
        let got = unpack(Codec::Gzip, &gzip(&bytes), &pixels, 3).expect("unpacked");
        let (got, _) = got.as_chunks();
        got.iter()
            .map(|bytes| f64::from_be_bytes(*bytes))
            .collect::<Vec<_>>()
    };
    let none = floats(quantised(Dither::None, 0));
    assert_eq!(none[0].to_bits(), 18.0_f64.to_bits());
    assert!(none[1].is_nan());
    // The first random number is 16807/2147483647: the tile begins with the 0th.
    let first = f64::from(16_807.0_f32 / 2_147_483_647.0);
    let one = floats(quantised(Dither::Subtractive, 0));
    assert_eq!(
        one[0].to_bits(),
        ((4.0 - first + 0.5) * 2.0 + 10.0).to_bits()
    );
    assert!(one[2] < -4e9);
    assert_eq!(
        floats(quantised(Dither::KeepingZero, 0))[2].to_bits(),
        0.0_f64.to_bits()
    );
    assert_eq!(Quantised::seed(0, 1), 0);
    assert_eq!(Quantised::seed(20_003, 9_999), 1);
}
