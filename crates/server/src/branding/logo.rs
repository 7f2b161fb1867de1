//! The operator's logo: a file that is read once, and judged by its content.
//!
//! PNG: <https://www.w3.org/TR/png-3/#5PNG-file-signature>, SVG as a document of its own:
//! <https://www.w3.org/TR/SVG2/conform.html#ConformingSVGFiles>

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use hyper::body::Bytes;

/// So large may a logo be: it is on every page.
const LARGEST: u64 = 256 * 1024;

/// A picture that browsers show.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    path: PathBuf,
    kind: Kind,
    bytes: Bytes,
}

/// What a logo is by its content; its name says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Scalable Vector Graphics.
    Svg,
    /// Portable Network Graphics.
    Png,
}

/// Why a file is no logo.
#[derive(Debug, thiserror::Error)]
pub enum LogoError {
    /// It is not there, or the server may not read it.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is a folder, a pipe or the like.
    #[error("is no regular file")]
    NoFile,
    /// It has more than so many bytes.
    #[error("is larger than {} KiB", LARGEST / 1024)]
    TooLarge,
    /// It is something else.
    #[error("is neither an SVG nor a PNG by its content")]
    OtherKind,
    /// It is an SVG that no browser shows.
    #[error("is no SVG that browsers show: {0}")]
    BrokenSvg(&'static str),
}

impl LogoError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => {
                "check the path, which starts from the folder of the settings, and its permissions"
            }
            Self::NoFile => "name the file itself",
            Self::TooLarge => "make it simpler or smaller: it is shown 40 pixels high",
            Self::OtherKind => "export it as SVG (UTF-8, not compressed) or as PNG",
            Self::BrokenSvg(_) => "export it as plain SVG",
        }
    }
}

impl Logo {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, LogoError> {
        // Opening a pipe would wait for somebody to write.
        if !std::fs::metadata(path)?.is_file() {
            return Err(LogoError::NoFile);
        }
        let mut bytes = Vec::new();
        File::open(path)?
            .take(LARGEST + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            return Err(LogoError::TooLarge);
        }
        Ok(Self {
            path: path.to_owned(),
            kind: kind(&bytes)?,
            bytes: bytes.into(),
        })
    }

    /// Where it was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its content.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl std::fmt::Debug for Logo {
    /// Leaves out the content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logo")
            .field("path", &self.path)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Kind {
    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
        }
    }

    /// How names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }
}

fn kind(bytes: &[u8]) -> Result<Kind, LogoError> {
    if bytes.starts_with(PNG) {
        return Ok(Kind::Png);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| LogoError::OtherKind)?;
    let root = root_element(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    let (name, attributes) = root
        .split_once(|c: char| c.is_ascii_whitespace())
        .unwrap_or((root.trim_end_matches('/'), ""));
    let (declaration, local) = match name.split_once(':') {
        Some((prefix, local)) => (format!("xmlns:{prefix}"), local),
        None => ("xmlns".to_owned(), name),
    };
    if local != "svg" {
        return Err(LogoError::OtherKind);
    }
    match attribute(attributes, &declaration) {
        Some(SVG) => Ok(Kind::Svg),
        Some(_) | None => Err(LogoError::BrokenSvg(
            "its first element has no `xmlns=\"http://www.w3.org/2000/svg\"`",
        )),
    }
}

/// What stands between `<` and `>` of the first element of an XML document.
fn root_element(document: &str) -> Result<&str, LogoError> {
    let mut rest = document;
    loop {
        rest = rest.trim_ascii_start();
        let end = if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<!DOCTYPE") {
            let (declaration, _) = rest.split_once('>').ok_or(LogoError::OtherKind)?;
            if declaration.contains('[') {
                // Its entities could be anything, and grow without end.
                return Err(LogoError::BrokenSvg(
                    "its DOCTYPE declares things of its own",
                ));
            }
            ">"
        } else {
            break;
        };
        (_, rest) = rest.split_once(end).ok_or(LogoError::OtherKind)?;
    }
    let element = rest.strip_prefix('<').ok_or(LogoError::OtherKind)?;
    let mut quote = None;
    let end = element.find(|c| match (c, quote) {
        ('>', None) => true,
        ('"' | '\'', None) => {
            quote = Some(c);
            false
        }
        (c, Some(open)) if c == open => {
            quote = None;
            false
        }
        _ => false,
    });
    end.and_then(|end| element.get(..end))
        .ok_or(LogoError::OtherKind)
}

/// The value of an attribute among the attributes of an element.
fn attribute<'a>(attributes: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = attributes;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_ascii_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = after.get(1..)?.split_once(quote)?;
        if name.trim_ascii() == wanted {
            return Some(value);
        }
        rest = after;
    }
}

/// The signature, and the head of the chunk that comes first.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const SVG: &str = "http://www.w3.org/2000/svg";

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"/>";

    fn judged(bytes: impl AsRef<[u8]>) -> Result<Kind, String> {
        kind(bytes.as_ref()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_content_says_what_a_picture_is() {
        for text in [
            PICTURE.to_owned(),
            format!(
                "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a > b -->\n{PICTURE}"
            ),
            format!("<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"x.dtd\">\n{PICTURE}"),
            "<svg\n\tid='a>b'\n xmlns = 'http://www.w3.org/2000/svg'></svg>".to_owned(),
            "<s:svg xmlns:s=\"http://www.w3.org/2000/svg\"></s:svg>".to_owned(),
            "<svg xmlns:x=\"a=b\" xmlns=\"http://www.w3.org/2000/svg\"></svg>".to_owned(),
            // It runs nowhere: see the headers that it is served with.
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>".to_owned(),
        ] {
            assert_eq!(judged(&text), Ok(Kind::Svg), "{text}");
        }
        assert_eq!(judged(PNG), Ok(Kind::Png));
    }

    #[test]
    fn what_is_no_picture_is_refused_whatever_its_name() {
        for bytes in [
            &b""[..],
            b"svg",
            b"<",
            b"<!--",
            b"<?xml",
            b"<!DOCTYPE html><html></html>",
            b"<html><svg xmlns=\"http://www.w3.org/2000/svg\"/></html>",
            b"<!-- <svg xmlns=\"http://www.w3.org/2000/svg\"> --><html></html>",
            b"<script>alert(1)</script>",
            b"<svgs xmlns=\"http://www.w3.org/2000/svg\"/>",
            b"<SVG xmlns=\"http://www.w3.org/2000/svg\"/>",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"",
            b"<svg a=\"xmlns='http://www.w3.org/2000/svg'>",
            b"GIF89a",
            b"\xff\xd8\xff\xe0JFIF",
            b"RIFF\0\0\0\0WEBPVP8 ",
            // The signature alone, and one that was sent as text.
            b"\x89PNG\r\n\x1a\n",
            b"\x89PNG\n\x1a\n\0\0\0\rIHDR",
            // Compressed, and UTF-16.
            b"\x1f\x8b\x08\0",
            b"\xff\xfe<\0s\0v\0g\0",
        ] {
            let said = judged(bytes);
            let words = "is neither an SVG nor a PNG by its content";
            assert_eq!(said, Err(words.to_owned()), "{bytes:?}");
        }
        for (text, words) in [
            ("<svg viewBox=\"0 0 1 1\"/>", "xmlns"),
            ("<svg/>", "xmlns"),
            ("<svg xmlns=\"http://www.w3.org/1999/xhtml\"/>", "xmlns"),
            ("<svg a=\"xmlns='http://www.w3.org/2000/svg'\"/>", "xmlns"),
            ("<s:svg xmlns=\"http://www.w3.org/2000/svg\"/>", "xmlns"),
            (
                "<!DOCTYPE svg [<!ENTITY a \"aaaa\">]><svg xmlns=\"http://www.w3.org/2000/svg\"/>",
                "DOCTYPE",
            ),
        ] {
            let said = judged(text).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_limit_and_only_if_it_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logo");
        let refusal = || Logo::read(&path).unwrap_err().to_string();
        assert!(refusal().starts_with("cannot be read: "));

        let mut bytes = PICTURE.as_bytes().to_vec();
        bytes.resize(usize::try_from(LARGEST).unwrap(), b' ');
        std::fs::write(&path, &bytes).unwrap();
        let logo = Logo::read(&path).unwrap();
        assert_eq!(logo.bytes(), &bytes);
        assert_eq!(logo.kind(), Kind::Svg);
        assert!(!format!("{logo:?}").contains("viewBox"));
        bytes.push(b' ');
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(refusal(), "is larger than 256 KiB");

        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(refusal(), "is no regular file");
        assert!(matches!(
            Logo::read(Path::new("/dev/zero")),
            Err(LogoError::NoFile)
        ));
    }
}
