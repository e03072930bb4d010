//! The checksums of an HDU: ones'-complement sums of its big-endian words, and their text (FITS standard, appendix J). A digest, for what
//! is to be told from anything else.

use xxhash_rust::xxh3::Xxh3;

/// A number that tells these bytes from others: the same on every machine and with every version.
pub(crate) fn digest<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> u64 {
    let mut digest = Xxh3::new();
    for piece in pieces {
        digest.update(piece);
    }
    digest.digest()
}

/// A ones'-complement sum of 32-bit words, fed in pieces of any length, at any place, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum(u32);

impl Sum {
    /// Adds `bytes` that stand `offset` bytes after the beginning of what is summed.
    pub(crate) fn add(&mut self, offset: u64, bytes: &[u8]) {
        // A piece may begin inside a word: its first bytes then stand in the lower places of that word.
        let phase = (offset % 4) as usize;
        let head = (4 - phase) % 4;
        let (head, rest) = bytes.split_at(head.min(bytes.len()));
        let mut total = word(phase, head);
        // 2³² words of 32 bits fill 64: no piece of memory is that long.
        let (words, tail) = rest.as_chunks::<4>();
        total += words.chunks(TOGETHER).map(of_words).sum::<u64>();
        total += word(0, tail);
        self.fold(total);
    }

    /// Adds another sum.
    pub(crate) fn join(&mut self, other: Self) {
        self.fold(u64::from(other.0));
    }

    fn fold(&mut self, total: u64) {
        let mut sum = u128::from(total) + u128::from(self.0);
        while sum > u128::from(u32::MAX) {
            sum = (sum & u128::from(u32::MAX)) + (sum >> 32);
        }
        self.0 = u32::try_from(sum).expect("folded to 32 bits");
    }

    /// A sum that was told as a number.
    pub(crate) fn from_value(value: u32) -> Self {
        Self(value)
    }

    /// The sum as a number: the value of DATASUM.
    pub(crate) fn value(self) -> u32 {
        self.0
    }

    /// The 16 characters of CHECKSUM that bring the sum of an HDU to zero, where this is its sum with sixteen zeros
    /// in their place.
    pub(crate) fn text(self) -> String {
        let mut text = [0; 16];
        for (place, byte) in (!self.0).to_be_bytes().into_iter().enumerate() {
            for (quarter, character) in quarters(byte).into_iter().enumerate() {
                // The value of a card begins one byte before a word does, hence the turn by one.
                text[(4 * quarter + place + 1) % 16] = character;
            }
        }
        text.iter().map(|&byte| char::from(byte)).collect()
    }
}

/// Words whose bytes are summed by their places in 16 bits each.
const TOGETHER: usize = 256;

/// The sum of [`TOGETHER`] words at most. Bytes are summed two places at a time, which needs no turning of bytes: vector code on every
/// machine.
fn of_words(words: &[[u8; 4]]) -> u64 {
    const PLACES: u32 = 0x00ff_00ff;
    let (mut even, mut odd) = (0_u32, 0_u32);
    for word in words {
        let word = u32::from_le_bytes(*word);
        even += word & PLACES;
        odd += (word >> 8) & PLACES;
    }
    let [first, second, third, fourth] =
        [even & 0xffff, odd & 0xffff, even >> 16, odd >> 16].map(u64::from);
    (first << 24) + (second << 16) + (third << 8) + fourth
}

/// The word that holds up to four bytes from place `phase` on, and zeros.
fn word(phase: usize, bytes: &[u8]) -> u64 {
    let mut word = [0; 4];
    word[phase..phase + bytes.len()].copy_from_slice(bytes);
    u64::from(u32::from_be_bytes(word))
}

/// Four letters or digits whose distances from '0' add up to `byte`.
fn quarters(byte: u8) -> [u8; 4] {
    let quarter = byte / 4 + b'0';
    let mut four = [quarter + byte % 4, quarter, quarter, quarter];
    while !four.iter().all(u8::is_ascii_alphanumeric) {
        for pair in four.chunks_exact_mut(2) {
            if !pair.iter().all(u8::is_ascii_alphanumeric) {
                pair[0] += 1;
                pair[1] -= 1;
            }
        }
    }
    four
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(bytes: &[u8]) -> Sum {
        let mut sum = Sum::default();
        sum.add(0, bytes);
        sum
    }

    #[test]
    fn a_digest_does_not_depend_on_the_pieces() {
        // As the reference implementation has it.
        assert_eq!(digest([&b""[..]]), 0x2D06_8005_38D3_94C2);
        assert_eq!(digest([&b"ab"[..], b"c"]), digest([&b"abc"[..]]));
        assert_ne!(digest([&b"abc"[..]]), digest([&b"acb"[..]]));
    }

    #[test]
    fn carries_go_round() {
        assert_eq!(sum(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2]).value(), 2);
        assert_eq!(sum(&[1, 2, 3, 4, 5]).value(), 0x0602_0304);
        assert_eq!(sum(&[]).value(), 0);
    }

    #[test]
    fn the_largest_words_carry_into_no_neighbour() {
        for nword in [1, TOGETHER, TOGETHER + 1, 4 * TOGETHER] {
            let bytes = vec![0xff; 4 * nword];
            assert_eq!(sum(&bytes).value(), u32::MAX, "{nword}");
            let words = bytes.as_chunks::<4>().0;
            let once = &words[..nword.min(TOGETHER)];
            assert_eq!(of_words(once), once.len() as u64 * u64::from(u32::MAX));
        }
    }

    #[test]
    fn the_text_of_a_checksum_is_that_of_the_standard() {
        // The example of appendix J.
        let mut example = Sum::default();
        example.fold(868_229_149);
        assert_eq!(example.text(), "hcHjjc9ghcEghc9g");
    }

    proptest! {
        #[test]
        fn pieces_in_any_order_have_the_sum_of_the_whole(
            bytes in prop::collection::vec(any::<u8>(), 0..3000),
            cuts in prop::collection::vec(0..3000_usize, 0..6),
        ) {
            let mut ends: Vec<usize> = cuts.iter().map(|&cut| cut.min(bytes.len())).collect();
            ends.extend([0, bytes.len()]);
            ends.sort_unstable();
            let mut pieces = Sum::default();
            for pair in ends.windows(2).rev() {
                pieces.add(pair[0] as u64, &bytes[pair[0]..pair[1]]);
            }
            prop_assert_eq!(pieces, sum(&bytes));
        }

        #[test]
        fn the_text_brings_the_sum_to_minus_zero(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
            let mut whole = sum(&bytes);
            whole.add(11, b"0000000000000000");
            let text = whole.text();
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric()));
            let mut whole = sum(&bytes);
            whole.add(11, text.as_bytes());
            prop_assert_eq!(whole.value(), u32::MAX);
        }
    }
}
