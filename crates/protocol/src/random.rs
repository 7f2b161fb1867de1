//! Randomness as an argument: the operating system's for real use, a repeatable one for tests.

/// A source of random bytes. What calls it for secrets must be given [`SystemRandom`].
pub trait Random: Send + Sync + std::fmt::Debug {
    /// Fills the buffer with random bytes.
    fn fill(&self, out: &mut [u8]);
}

/// The operating system's cryptographic generator, asked directly: aws-lc's own needs tens of
/// milliseconds of processor jitter before its first byte, which a start would wait for.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::expect_used,
        reason = "a program without randomness must not go on"
    )]
    fn fill(&self, out: &mut [u8]) {
        getrandom::fill(out).expect("the operating system gives random bytes");
    }
}

/// Draws an array of random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut out = [0; N];
    random.fill(&mut out);
    out
}
