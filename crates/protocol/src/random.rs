//! Randomness as an argument: the operating system's for real use, a repeatable one for tests.

use crate::Timestamp;

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

/// Draws a `UUIDv7`: 48 bits of time and 74 random bits, so that what is made together sorts together
/// (RFC 9562 §5.7).
pub fn uuid_v7(now: Timestamp, random: &dyn Random) -> [u8; 16] {
    let mut uuid = bytes(random);
    let [_, _, time @ ..] = now.unix_millis().to_be_bytes();
    uuid[..6].copy_from_slice(&time);
    uuid[6] = (uuid[6] & 0x0f) | 0x70;
    uuid[8] = (uuid[8] & 0x3f) | 0x80;
    uuid
}

/// Draws an array of random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut out = [0; N];
    random.fill(&mut out);
    out
}
