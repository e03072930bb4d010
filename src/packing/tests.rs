//! What is packed comes back; the same pixels are the same bytes.

use std::io::Read;

use proptest::prelude::*;

use super::rice;
use super::*;

/// Takes numbers of `WIDTH` bits apart again, bit by bit.
fn unpacked<const WIDTH: u32>(packed: &[u8], count: usize) -> Vec<i32> {
    let mut at = 0;
    let mut take = |nbit: u32| {
        (0..nbit).fold(0_u32, |bits, _| {
            let bit = packed[at / 8] >> (7 - at % 8) & 1;
            at += 1;
            bits << 1 | u32::from(bit)
        })
    };
    let nsplit = [3, 4, 5][(WIDTH / 16) as usize];
    let mask = u32::MAX >> (32 - WIDTH);
    let mut last = take(WIDTH);
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let split = take(nsplit);
        for _ in 0..BLOCK.min(count - numbers.len()) {
            let code = if split == 0 {
                0
            } else if split == [7, 15, 26][(WIDTH / 16) as usize] {
                take(WIDTH)
            } else {
                let mut high = 0;
                while take(1) == 0 {
                    high += 1;
                }
                high << (split - 1) | take(split - 1)
            };
            let difference = (code >> 1) ^ (code & 1).wrapping_neg();
            last = last.wrapping_add(difference) & mask;
            let unused = 32 - WIDTH;
            let signed = (last << unused).cast_signed() >> unused;
            numbers.push(if WIDTH == 8 {
                last.cast_signed()
            } else {
                signed
            });
        }
    }
    numbers
}

#[track_caller]
fn come_back<const WIDTH: u32>(numbers: &[i32]) -> usize {
    let mut packed = Vec::new();
    rice::pack::<WIDTH>(numbers, &mut packed);
    assert_eq!(unpacked::<WIDTH>(&packed, numbers.len()), numbers);
    packed.len()
}

#[test]
fn numbers_at_the_ends_of_their_range_stand_side_by_side() {
    come_back::<32>(&[i32::MIN, i32::MAX, 0, i32::MIN, -1, i32::MAX, i32::MAX]);
    come_back::<16>(&[-32768, 32767, 0, -32768, -1]);
    come_back::<8>(&[0, 255, 128, 127, 1]);
    for width in 1..100 {
        assert_eq!(
            come_back::<16>(&vec![-7; width]),
            2 + width.div_ceil(32).div_ceil(2)
        );
    }
}

#[test]
fn what_does_not_pack_grows_little() {
    let mut number = 1_u32;
    let mut next = || {
        number = number.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (number ^ number >> 13).cast_signed()
    };
    let numbers: Vec<i32> = (0..10_000).map(|_| next()).collect();
    assert!(come_back::<32>(&numbers) < 40_000 + 40_000 / 50);
    // One number that is far off, in a block of small ones.
    let mut numbers = vec![3; 64];
    numbers[40] = i32::MAX;
    assert!(come_back::<32>(&numbers) < 64 * 4);
}

fn gunzipped(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_end(&mut bytes)
        .expect("a member");
    bytes
}

#[test]
fn gzip_puts_the_bytes_of_one_place_together() {
    let form = Form::of(Compression::new(Codec::Gzip), PixelType::F32);
    let mut packer = Packer::new(form, PixelType::F32);
    let stored: Vec<u8> = (0..40).collect();
    for _ in 0..2 {
        let mut packed = Vec::new();
        assert_eq!(packer.pack(0, &stored, &mut packed), Tile::Lossless);
        let bytes = gunzipped(&packed);
        assert_eq!((bytes[1], bytes[9], bytes[10]), (4, 36, 1));
    }
    let mut packed = Vec::new();
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1])
        .collect();
    Packer::new(form, PixelType::U8).pack(0, &noise, &mut packed);
    assert_eq!(gunzipped(&packed), noise);
}

/// Floats that are packed and come back, and the step between them.
fn rounded(tile: usize, values: &[f64]) -> Option<(Vec<f64>, f64)> {
    let stored: Vec<u8> = values.iter().flat_map(|v| v.to_be_bytes()).collect();
    let form = Form::of(Compression::new(Codec::Rice), PixelType::F64);
    let mut packer = Packer::new(form, PixelType::F64);
    let mut packed = Vec::new();
    let Tile::Quantised { scale, zero } = packer.pack(tile, &stored, &mut packed) else {
        assert_eq!(gunzipped(&packed), stored);
        return None;
    };
    let numbers = unpacked::<32>(&packed, values.len());
    assert_eq!(packer.numbers, numbers);
    let back = numbers.iter().map(|&number| {
        if number == BLANK {
            f64::NAN
        } else {
            f64::from(number) * scale + zero
        }
    });
    Some((back.collect(), scale))
}

fn noisy(number: usize) -> f64 {
    let hash = (number as f64 * 12.9898).sin() * 43_758.545_3;
    1000.0 + 20.0 * (hash - hash.floor())
}

#[test]
fn floats_come_back_within_a_step_and_absent_ones_stay_absent() {
    let values: Vec<f64> = (0..500).map(noisy).collect();
    let (back, step) = rounded(12_345, &values).expect("there is noise");
    // The noise of evenly spread numbers is their span over the root of 12.
    assert!(
        (0.5..2.0).contains(&(step * 4.0 / (20.0 / 12_f64.sqrt()))),
        "{step}"
    );
    let holed: Vec<f64> = (0..500)
        .map(|n| if n % 7 == 0 { f64::NAN } else { noisy(n) })
        .collect();
    let (holed_back, _) = rounded(3, &holed).expect("there is noise");
    for (was, is) in values
        .iter()
        .zip(&back)
        .chain(holed.iter().zip(&holed_back))
    {
        // The dither, which a reader takes away, is half a step at most.
        assert!(
            (was - is).abs() <= step * 1.01 || was.is_nan() && is.is_nan(),
            "{was} {is}"
        );
    }
    let (nothing, _) = rounded(0, &[f64::NAN; 20]).expect("nothing needs no steps");
    assert!(nothing.iter().all(|value| value.is_nan()));
}

#[test]
fn floats_without_noise_or_end_are_kept_to_the_bit() {
    let mut far: Vec<f64> = (0..100).map(noisy).collect();
    assert!(rounded(0, &far).is_some());
    far[50] = 1e30;
    assert_eq!(rounded(0, &far), None);
    far[50] = f64::INFINITY;
    assert_eq!(rounded(0, &far), None);
    assert_eq!(rounded(0, &[5.0; 100]), None);
    assert_eq!(rounded(0, &[1.0, 2.0, 3.0]), None);
    assert_eq!(rounded(0, &[f64::NEG_INFINITY, f64::INFINITY, 3.0]), None);
}

proptest! {
    #[test]
    fn any_numbers_come_back(numbers in prop::collection::vec(any::<i32>(), 1..200), shift in 0_u32..32) {
        let small: Vec<i32> = numbers.iter().map(|number| number >> shift).collect();
        come_back::<32>(&small);
        #[expect(clippy::cast_possible_truncation, reason = "any 16 bits do")]
        come_back::<16>(&small.iter().map(|&number| i32::from(number as i16)).collect::<Vec<_>>());
        come_back::<8>(&small.iter().map(|&number| number & 255).collect::<Vec<_>>());
    }
}
