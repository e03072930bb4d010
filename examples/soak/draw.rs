//! Random numbers that are the same for a seed on every machine: SplitMix64.

/// A sequence of random numbers that its seed decides.
#[derive(Clone, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The sequence of this seed and this number of it.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let mut draw = Self(seed);
        Self(draw.bits() ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// The next 64 random bits. Source: Steele, Lea and Flood (2014), SplitMix64.
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in 0..1.
    pub(crate) fn uniform(&mut self) -> f64 {
        // The upper 53 bits are all that an f64 in 0..1 can hold.
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number below `end`, which is at least 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.bits() % end as u64).expect("below a usize")
    }

    /// Whether something happens that does in so many cases of a hundred.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub(crate) fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}
