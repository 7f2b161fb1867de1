//! Lower-case hexadecimal, for identifiers that people see.

/// Writes bytes as hexadecimal digits.
pub fn encode(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0x0f));
    }
    text
}

/// Reads exactly `N` bytes from lower-case digits; any other spelling is `None`.
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let canonical = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != N * 2 || !text.bytes().all(canonical) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_spelling() {
        assert_eq!(encode(&[0, 255]), "00ff");
        assert_eq!(decode::<2>("00ff"), Some([0, 255]));
        for text in ["00fF", "0ff", "+0ff", "zzff", "00ff00", ""] {
            assert_eq!(decode::<2>(text), None, "{text}");
        }
    }
}
