//! One answer, read as far as a measurement needs it.

/// An answer of the server.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether the server closes the connection after it.
    pub(crate) closes: bool,
    pub(crate) body: String,
}

impl Answer {
    /// Reads an answer once all of it is there; `ended` says that nothing more will come.
    pub(crate) fn read(bytes: &[u8], ended: bool) -> Option<Self> {
        let head_length = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let (head, body) = bytes.split_at(head_length);
        let head = std::str::from_utf8(head).ok()?;
        let mut lines = head.split("\r\n");
        let status_line = lines.next()?;
        let status: u16 = status_line.split(' ').nth(1)?.parse().ok()?;
        let (mut length, mut chunked, mut closes) =
            (None, false, status_line.starts_with("HTTP/1.0"));
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse::<usize>().ok();
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.eq_ignore_ascii_case("chunked");
            } else if name.eq_ignore_ascii_case("connection") {
                closes = value.eq_ignore_ascii_case("close");
            }
        }
        let body = if chunked {
            unchunk(body)?
        } else {
            match length {
                Some(length) => body.get(..length)?.to_vec(),
                None if matches!(status, 204 | 304) => Vec::new(),
                None if ended => body.to_vec(),
                None => return None,
            }
        };
        let body = String::from_utf8(body).ok()?;
        Some(Self {
            status,
            closes: closes || ended,
            body,
        })
    }

    /// The text of a JSON member. The answers are flat, and the values measured have no escapes.
    pub(crate) fn member(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("\"{name}\""))?;
        let rest = rest.trim_start().strip_prefix(':')?.trim_start();
        let (value, _) = rest.strip_prefix('"')?.split_once('"')?;
        Some(value.to_owned())
    }
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = bytes.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(bytes.get(..line)?).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        bytes = bytes.get(line + 2..)?;
        body.extend_from_slice(bytes.get(..size)?);
        bytes = bytes.get(size..)?.strip_prefix(b"\r\n")?;
        if size == 0 {
            return Some(body);
        }
    }
}
