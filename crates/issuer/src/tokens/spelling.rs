//! How secrets are spelled: a prefix that scanners find, base62 of a fixed length, and a CRC-32
//! that tells a mistyped or invented one without any look-up.

/// The digits, in the order of ASCII.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK_LENGTH: usize = 6;

/// Writes bytes after a prefix; the length depends on the number of bytes alone.
pub(super) fn spell(prefix: &str, bytes: &[u8]) -> String {
    let mut text = prefix.to_owned();
    text.push_str(&base62(bytes, length_for(bytes.len())));
    let check = crc32(text.as_bytes()).to_be_bytes();
    text.push_str(&base62(&check, CHECK_LENGTH));
    text
}

/// Reads the one canonical spelling of `N` bytes; everything else is `None`.
pub(super) fn read<const N: usize>(prefix: &str, text: &str) -> Option<[u8; N]> {
    let digits = text.strip_prefix(prefix)?;
    if !digits.is_ascii() || digits.len() != length_for(N) + CHECK_LENGTH {
        return None;
    }
    let mut bytes = [0_u8; N];
    for digit in digits.bytes().take(length_for(N)) {
        let mut carry = u32::try_from(DIGITS.iter().position(|known| *known == digit)?).ok()?;
        for byte in bytes.iter_mut().rev() {
            let value = u32::from(*byte) * 62 + carry;
            *byte = u8::try_from(value & 0xff).ok()?;
            carry = value >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    // One spelling only: what does not come out the same was written by nobody here.
    (spell(prefix, &bytes) == text).then_some(bytes)
}

/// The digits that any number of that many bytes fits in: 32 → 43, 53 → 72.
const fn length_for(bytes: usize) -> usize {
    // log2(62) = 5.954196…
    (bytes * 8 * 1_000_000).div_ceil(5_954_196)
}

fn base62(bytes: &[u8], length: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = Vec::with_capacity(length);
    for _ in 0..length {
        let mut rest = 0_u32;
        for byte in &mut number {
            let value = (rest << 8) | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        digits.push(DIGITS.get(rest as usize).copied().map_or('0', char::from));
    }
    digits.iter().rev().collect()
}

/// CRC-32 as in IEEE 802.3 (reflected, polynomial 0xEDB88320).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
        crc
    })
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
