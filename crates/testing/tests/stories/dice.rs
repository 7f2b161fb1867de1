//! Chance that can be repeated: whoever knows the seed has the same run again, as far as the machine
//! lets them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Dice with a seed.
#[derive(Debug)]
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Other dice, which follow from these.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.next())
    }

    /// A number below `end`.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.next() % end
    }

    /// `SplitMix64`: small, and good enough for who is to be killed.
    fn next(&self) -> u64 {
        let step = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(step, Ordering::SeqCst).wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
