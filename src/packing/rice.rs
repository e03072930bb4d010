//! RICE_1: differences of neighbours, each block of them with as many plain low bits as serves it best.
//!
//! Source: CFITSIO, `fits_rcomp`, whose bytes these are; Rice, Yeh and Miller 1993. Differences wrap around, so that the lowest and the
//! highest number may stand side by side.

/// Numbers of a block.
pub(crate) const BLOCK: usize = 32;

/// Packs numbers of `WIDTH` bits: 8 (without sign), 16 or 32.
pub(super) fn pack<const WIDTH: u32>(numbers: &[i32], packed: &mut Vec<u8>) {
    // Bits that say how many low bits are plain, and from how many on all are.
    let (nsplit, all_plain) = match WIDTH {
        8 => (3, 6),
        16 => (4, 14),
        _ => (5, 25),
    };
    let Some(&first) = numbers.first() else {
        return;
    };
    let mut bits = Bits::new(packed);
    bits.put(low::<WIDTH>(first), WIDTH);
    let mut last = first;
    let mut codes = [0; BLOCK];
    for block in numbers.chunks(BLOCK) {
        let codes = &mut codes[..block.len()];
        let mut sum = 0;
        for (code, &number) in codes.iter_mut().zip(block) {
            *code = code_of::<WIDTH>(number.wrapping_sub(last));
            sum += u64::from(*code);
            last = number;
        }
        if sum == 0 {
            bits.put(0, nsplit);
            continue;
        }
        let nplain = plain_bits(sum, block.len() as u64);
        if nplain >= all_plain {
            bits.put(all_plain + 1, nsplit);
            for &code in &*codes {
                bits.put(code, WIDTH);
            }
        } else {
            bits.put(nplain + 1, nsplit);
            for &code in &*codes {
                bits.split(code, nplain);
            }
        }
    }
    bits.end();
}

/// How many low bits are plain, where so many codes have this sum: about as many as half their mean has.
fn plain_bits(sum: u64, count: u64) -> u32 {
    let mean = sum.saturating_sub(count / 2 + 1) / count;
    u64::BITS - (mean >> 1).leading_zeros()
}

/// The code of a difference: 0, −1, 1, −2, 2 and so on, counted from 0.
#[inline(always)]
fn code_of<const WIDTH: u32>(difference: i32) -> u32 {
    let unused = 32 - WIDTH;
    let difference = difference << unused >> unused;
    low::<WIDTH>((difference << 1) ^ (difference >> 31))
}

/// The low bits of a number.
#[inline(always)]
fn low<const WIDTH: u32>(number: i32) -> u32 {
    number.cast_unsigned() & (u32::MAX >> (32 - WIDTH))
}

/// Bits on their way into bytes, the highest first.
struct Bits<'p> {
    packed: &'p mut Vec<u8>,
    /// The last bits, at most 31 of them between calls.
    held: u64,
    count: u32,
}

impl<'p> Bits<'p> {
    fn new(packed: &'p mut Vec<u8>) -> Self {
        Self {
            packed,
            held: 0,
            count: 0,
        }
    }

    /// Puts the `nbit` low bits of a number, at most 32; its others are zeros.
    #[inline(always)]
    fn put(&mut self, bits: u32, nbit: u32) {
        self.held = self.held << nbit | u64::from(bits);
        self.count += nbit;
        if self.count >= 32 {
            self.count -= 32;
            #[expect(clippy::cast_possible_truncation, reason = "the bits above are out")]
            let word = (self.held >> self.count) as u32;
            self.packed.extend_from_slice(&word.to_be_bytes());
        }
    }

    /// Puts a code: its high bits as so many zeros and a one, its `nplain` low bits as they are.
    #[inline(always)]
    fn split(&mut self, code: u32, nplain: u32) {
        let mut nzero = code >> nplain;
        let plain = code & ((1 << nplain) - 1);
        if nzero + 1 + nplain <= 32 {
            self.put(1 << nplain | plain, nzero + 1 + nplain);
            return;
        }
        while nzero >= 31 {
            self.put(0, 31);
            nzero -= 31;
        }
        self.put(1, nzero + 1);
        self.put(plain, nplain);
    }

    /// Fills the last byte with zeros.
    fn end(self) {
        let nbyte = self.count.div_ceil(8) as usize;
        // Fewer than 32: no shift by all bits of the word.
        let rest = self.held << (63 - self.count) << 1;
        self.packed.extend_from_slice(&rest.to_be_bytes()[..nbyte]);
    }
}
