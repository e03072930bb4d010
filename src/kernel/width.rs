//! How wide the vectors of this machine are, found out at run time.

use std::fmt;

use fearless_simd::{Level, Simd, dispatch};

/// A set of vector instructions that this machine has. Results do not depend on it, only speed does.
#[derive(Clone, Copy, Debug)]
pub struct Width(pub(super) Level);

impl Width {
    /// The widest of this machine: the one to use.
    pub fn widest() -> Self {
        Self(Level::new())
    }

    /// Runs plain loops compiled for these vectors; the closure must be `#[inline(always)]`, or it is not.
    #[inline(always)]
    pub fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        dispatch!(self.0, simd => simd.vectorize(work))
    }

    /// Whether [`f64::mul_add`] is one instruction here, in loops compiled by [`Width::vectorize`]; elsewhere it is a call.
    #[inline(always)]
    pub fn fuses(self) -> bool {
        match self.0 {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Avx512(_) | Level::Avx2(_) => true,
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) => true,
            _ => false,
        }
    }

    /// Every width that this machine can run, narrowest first: for tests and benches.
    pub fn available() -> Vec<Self> {
        let widest = Level::new();
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        let found = [
            widest.as_sse2().map(Level::Sse2),
            widest.as_sse4_2().map(Level::Sse4_2),
            widest.as_avx2().map(Level::Avx2),
            widest.as_avx512().map(Level::Avx512),
        ];
        #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
        let found = [Some(widest)];
        let found: Vec<Self> = found.into_iter().flatten().map(Self).collect();
        if found.is_empty() {
            vec![Self(widest)]
        } else {
            found
        }
    }
}

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Avx512(_) => "AVX-512",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Avx2(_) => "AVX2",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Sse4_2(_) => "SSE4.2",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Sse2(_) => "SSE2",
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) => "NEON",
            _ => "scalar",
        })
    }
}
