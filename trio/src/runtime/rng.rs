//! A small random generator, for shuffling batches reproducibly. Not for secrets.

/// SplitMix64.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Shuffles that many items by exchanging two at a time.
    pub(crate) fn shuffle(&mut self, count: usize, swap: impl Fn(usize, usize)) {
        for last in (1..count).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            swap(last, other);
        }
    }
}
