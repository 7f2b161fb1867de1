//! How secrets are spelled: a prefix that scanners find, base62 of a fixed length, and a CRC-32
//! that tells a mistyped or invented one without any look-up.

/// The digits, in the order of ASCII.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK_LENGTH: usize = 6;

/// So many digits are one step of the long division: 62^5 fits in 32 bits, and its division by a
/// constant is a multiplication.
const STEP: usize = 5;
const STEP_VALUE: u64 = 62_u64.pow(5);

/// Writes bytes after a prefix; the length depends on the number of bytes alone.
pub(super) fn spell(prefix: &str, bytes: &[u8]) -> String {
    let digits = length_for(bytes.len());
    let mut text = String::with_capacity(prefix.len() + digits + CHECK_LENGTH);
    text.push_str(prefix);
    push_base62(&mut text, bytes, digits);
    let check = crc32(text.as_bytes()).to_be_bytes();
    push_base62(&mut text, &check, CHECK_LENGTH);
    text
}

/// Reads the one canonical spelling of `N` bytes; everything else is `None`.
pub(super) fn read<const N: usize>(prefix: &str, text: &str) -> Option<[u8; N]> {
    let digits = text.strip_prefix(prefix)?.as_bytes();
    if digits.len() != length_for(N) + CHECK_LENGTH {
        return None;
    }
    let (number, check) = digits.split_at_checked(length_for(N))?;
    let bytes = from_base62::<N>(number)?;
    let spelled = text.as_bytes().get(..text.len() - CHECK_LENGTH)?;
    // A length is one spelling only: a number has no other digits, and the check none beside it.
    let check = u32::from_be_bytes(from_base62::<4>(check)?);
    (check == crc32(spelled)).then_some(bytes)
}

/// The digits that any number of that many bytes fits in: 32 → 43, 53 → 72.
const fn length_for(bytes: usize) -> usize {
    // log2(62) = 5.954196…
    (bytes * 8 * 1_000_000).div_ceil(5_954_196)
}

/// Long division, five digits at a time from the right.
fn push_base62(text: &mut String, bytes: &[u8], length: usize) {
    let mut number = limbs(bytes);
    let mut digits = Vec::with_capacity(length + STEP);
    while digits.len() < length {
        let mut rest = 0_u64;
        for limb in &mut number {
            let value = (rest << 32) | u64::from(*limb);
            // The rest is less than the divisor, so that the quotient fits.
            *limb = u32::try_from(value / STEP_VALUE).unwrap_or(u32::MAX);
            rest = value % STEP_VALUE;
        }
        for _ in 0..STEP {
            let digit = usize::try_from(rest % 62).unwrap_or(0);
            digits.push(DIGITS.get(digit).copied().unwrap_or(b'0'));
            rest /= 62;
        }
    }
    digits.truncate(length);
    text.extend(digits.iter().rev().copied().map(char::from));
}

/// The number that digits spell, when it fits in `N` bytes.
fn from_base62<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut number = limbs(&[0; N]);
    for step in digits.chunks(STEP) {
        let (mut carry, mut scale) = (0_u64, 1_u64);
        for digit in step {
            carry = carry * 62 + u64::from(value_of(*digit)?);
            scale *= 62;
        }
        for limb in number.iter_mut().rev() {
            let value = u64::from(*limb) * scale + carry;
            *limb = u32::try_from(value & u64::from(u32::MAX)).ok()?;
            carry = value >> 32;
        }
        if carry != 0 {
            return None;
        }
    }
    let mut bytes = [0; N];
    let mut digits = number.iter().rev().flat_map(|limb| limb.to_le_bytes());
    for (byte, digit) in bytes.iter_mut().rev().zip(&mut digits) {
        *byte = digit;
    }
    digits.all(|beyond| beyond == 0).then_some(bytes)
}

fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'Z' => Some(digit - b'A' + 10),
        b'a'..=b'z' => Some(digit - b'a' + 36),
        _ => None,
    }
}

/// A big-endian number in steps of 32 bits, the largest first.
fn limbs(bytes: &[u8]) -> Vec<u32> {
    let chunks = bytes.rchunks(4).rev();
    chunks
        .map(|chunk| {
            chunk
                .iter()
                .fold(0, |limb, byte| (limb << 8) | u32::from(*byte))
        })
        .collect()
}

/// CRC-32 as in IEEE 802.3 (reflected, polynomial 0xEDB88320).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        let step = CRC_OF_BYTE.get(usize::from(low ^ byte));
        (crc >> 8) ^ step.copied().unwrap_or(0)
    })
}

static CRC_OF_BYTE: [u32; 256] = crc_of_byte();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "computed by the compiler, which would refuse a place beyond the table"
)]
const fn crc_of_byte() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_crc() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn lengths_are_fixed() {
        assert_eq!(spell("hpd_", &[0; 32]).len(), 4 + 43 + 6);
        assert_eq!(spell("hpd_", &[255; 32]).len(), 4 + 43 + 6);
        assert_eq!(spell("hpr_", &[255; 53]).len(), 82);
    }

    /// Python's integers say the same: `int.from_bytes(…)` divided by 62, and `zlib.crc32`.
    #[test]
    fn the_spelling_of_known_bytes() {
        let counted: Vec<u8> = (1..=53).collect();
        for (prefix, bytes, text) in [
            (
                "hpd_",
                &[0; 32][..],
                "hpd_000000000000000000000000000000000000000000023tQkG",
            ),
            (
                "hpd_",
                &[255; 32][..],
                "hpd_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp140qTzA",
            ),
            (
                "hpr_",
                &counted[..],
                "hpr_00a2owcc8t0OQNUBCT811G44mi8SP791cbWUXEa5a3MGBCDEhpHuVRUHsfqygF07W8EPYme52cZZft",
            ),
            (
                "hpc_",
                &counted[..32],
                "hpc_0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno0TBivV",
            ),
        ] {
            assert_eq!(spell(prefix, bytes), text);
        }
    }

    #[test]
    fn only_the_canonical_spelling_is_read() {
        let text = spell("hpc_", &[7; 32]);
        assert_eq!(read::<32>("hpc_", &text), Some([7; 32]));
        assert_eq!(read::<32>("hpd_", &text), None);
        assert_eq!(read::<32>("hpc_", text.get(1..).unwrap()), None);
        for index in 4..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[index] = if changed[index] == b'0' { b'1' } else { b'0' };
            assert_eq!(
                read::<32>("hpc_", std::str::from_utf8(&changed).unwrap()),
                None,
                "{index}"
            );
        }
        assert_eq!(read::<32>("hpc_", &format!("hpc_{}", "z".repeat(49))), None);
    }
}
