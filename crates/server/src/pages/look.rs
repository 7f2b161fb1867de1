//! How the pages look to the people of one operator: the built-in files, or those with the accent and
//! the logo of `[branding]`.
//!
//! For operators: "Branding" in `docs/server.md`.

use hyper::body::Bytes;

use super::assets::{self, Asset, FAVICON};
use crate::branding::{Accent, Logo};

/// The stylesheet and the mark; one of each for all pages.
#[derive(Debug)]
pub struct Look {
    stylesheet: Asset,
    mark: Asset,
    has_logo: bool,
}

impl Look {
    /// What follows from the settings.
    pub fn new(accent: Option<&Accent>, logo: Option<&Logo>) -> Self {
        Self {
            stylesheet: accent.map_or_else(|| assets::STYLESHEET.clone(), stylesheet),
            mark: match (logo, accent) {
                (Some(logo), _) => picture(logo),
                (None, Some(accent)) => tinted_mark(accent),
                (None, None) => assets::MARK.clone(),
            },
            has_logo: logo.is_some(),
        }
    }

    /// The stylesheet.
    pub fn stylesheet(&self) -> &Asset {
        &self.stylesheet
    }

    /// The picture at the head of every card, which is the favicon too.
    pub fn mark(&self) -> &Asset {
        &self.mark
    }

    /// Whether that picture is the operator's own, and as wide as it likes.
    pub fn has_logo(&self) -> bool {
        self.has_logo
    }

    /// Finds the file at a path, `/favicon.ico` included.
    ///
    /// A page that another node made, or this one before its settings were read again, names the same
    /// file by another content. It gets the one that is there, for this once: a sign-in without a
    /// style would frighten people.
    pub fn find(&self, path: &str) -> Option<&Asset> {
        let scripts = [&*assets::FORM_POST_SCRIPT, &*assets::PASSKEY_SCRIPT];
        let own = [&self.stylesheet, &self.mark];
        let mut all = own.into_iter().chain(scripts);
        if path == FAVICON {
            return Some(&self.mark);
        }
        all.find(|asset| asset.path == path)
            .or_else(|| match hashed(path)? {
                (STYLE, "css") => Some(&self.stylesheet),
                (MARK | LOGO, "svg" | "png") => Some(&self.mark),
                _ => None,
            })
    }
}

impl Default for Look {
    /// The built-in files.
    fn default() -> Self {
        Self::new(None, None)
    }
}

/// The name and the extension of `/static/{name}-{hash}.{extension}`.
fn hashed(path: &str) -> Option<(&str, &str)> {
    let (rest, extension) = path.strip_prefix("/static/")?.rsplit_once('.')?;
    let (name, hash) = rest.rsplit_once('-')?;
    let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some((name, extension))
}

/// The built-in stylesheet, and after it the colors that win over its own.
fn stylesheet(accent: &Accent) -> Asset {
    let mut css = assets::STYLESHEET.body.to_vec();
    css.extend_from_slice(accent.properties().as_bytes());
    Asset::new((STYLE, "css"), assets::STYLESHEET.content_type, css.into())
}

/// The built-in mark in the colors of the main button. Pictures do not see the stylesheet of their
/// page, so the colors are inside.
fn tinted_mark(accent: &Accent) -> Asset {
    let drawn = String::from_utf8_lossy(&assets::MARK.body);
    let drawn = drawn
        .replace("\"#2457d6\"", "\"var(--accent)\"")
        .replace("\"#fff\"", "\"var(--on-accent)\"");
    let (head, rest) = drawn.split_once('>').unwrap_or((&drawn, ""));
    let tinted = format!("{head}><style>{}</style>{rest}", accent.properties());
    Asset::picture(
        (MARK, "svg"),
        assets::MARK.content_type,
        Bytes::from(tinted),
    )
}

fn picture(logo: &Logo) -> Asset {
    let kind = logo.kind();
    Asset::picture(
        (LOGO, kind.extension()),
        kind.content_type(),
        logo.bytes().clone(),
    )
}

const STYLE: &str = "hallpass";
const MARK: &str = "mark";
const LOGO: &str = "logo";

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;
    use crate::pages::assets::STYLESHEET;

    fn accent(text: &str) -> Accent {
        text.parse().unwrap()
    }

    fn text(asset: &Asset) -> &str {
        str::from_utf8(&asset.body).unwrap()
    }

    #[test]
    fn without_branding_the_files_are_the_built_in_ones() {
        let look = Look::default();
        let css = include_bytes!("../../assets/style.css");
        assert_eq!(look.stylesheet().body, &css[..]);
        assert_eq!(
            look.mark().body,
            &include_bytes!("../../assets/mark.svg")[..]
        );
        assert!(!look.has_logo());
    }

    #[test]
    fn a_path_names_its_content() {
        let look = Look::default();
        let found = look.find(&STYLESHEET.path).unwrap();
        assert_eq!(found.content_type, "text/css; charset=utf-8");
        assert_eq!(hashed(&found.path), Some(("hallpass", "css")));
        let other = Look::new(Some(&accent("#ffe100")), None);
        assert_ne!(other.stylesheet().path, found.path);
        assert_ne!(other.mark().path, look.mark().path);
        for path in [
            "/static/hallpass.css",
            "/static/hallpass-.css",
            "/static/hallpass-0123456789abcde.css",
            "/static/hallpass-0123456789abcdeg.css",
            "/static/hallpass-0123456789abcdef.js",
            "/static/passkey-0123456789abcdef.js",
            "/static/style-0123456789abcdef.css",
            "/static/x/mark-0123456789abcdef.svg",
            "/static/logo.svg",
            "/static/../Cargo.toml",
            "/static/../logo-0123456789abcdef.svg",
            "/static/server-0123456789abcdef.toml",
        ] {
            assert!(look.find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn only_the_name_of_the_content_is_kept_for_good() {
        let look = Look::default();
        let cache = |path: &str| {
            let response = look.find(path).unwrap().response(path);
            response.headers()[header::CACHE_CONTROL]
                .to_str()
                .unwrap()
                .to_owned()
        };
        let for_good = "public, max-age=31536000, immutable";
        assert_eq!(cache(&look.mark().path), for_good);
        assert_eq!(cache(&look.stylesheet().path), for_good);
        assert_eq!(cache("/favicon.ico"), "public, max-age=3600");
        // Another content's name must not stick to this content.
        for path in ["hallpass-0123456789abcdef.css", "logo-0123456789abcdef.png"] {
            assert_eq!(cache(&format!("/static/{path}")), "no-store", "{path}");
        }
    }

    #[test]
    fn an_accent_adds_colors_and_changes_nothing_else() {
        let accent = accent("#ffe100");
        let look = Look::new(Some(&accent), None);
        let css = text(look.stylesheet());
        let added = css
            .strip_prefix(include_str!("../../assets/style.css"))
            .unwrap();
        assert_eq!(added, accent.properties());
        assert!(!css.contains("url(") && !css.contains("@import"));
    }

    #[test]
    fn the_mark_takes_the_accent_and_keeps_its_shape() {
        let plain = text(&assets::MARK);
        let accent = accent("#ffe100");
        let look = Look::new(Some(&accent), None);
        let tinted = text(look.mark());
        for color in ["#2457d6", "#fff\""] {
            assert!(plain.contains(color) && !tinted.contains(color), "{tinted}");
        }
        assert_eq!(tinted.matches("var(--accent)").count(), 1);
        assert_eq!(tinted.matches("var(--on-accent)").count(), 2);
        assert!(tinted.contains(&accent.properties()));
        assert_eq!(
            tinted.matches("<path ").count(),
            plain.matches("<path ").count()
        );
        assert!(tinted.starts_with("<svg ") && tinted.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn a_logo_is_the_mark_and_the_favicon_and_runs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("any-name.png");
        let drawn = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
        std::fs::write(&file, drawn).unwrap();
        let logo = Logo::read(&file).unwrap();
        let look = Look::new(Some(&accent("#ffe100")), Some(&logo));
        assert!(look.has_logo());
        assert_eq!(text(look.mark()), drawn);
        assert_eq!(hashed(&look.mark().path), Some(("logo", "svg")));
        assert_eq!(look.find("/favicon.ico").unwrap().path, look.mark().path);
        let response = look.mark().response(&look.mark().path);
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str();
        let policy: Vec<&str> = policy.unwrap().split("; ").collect();
        assert_eq!(
            policy,
            [
                "default-src 'none'",
                "style-src 'unsafe-inline'",
                "sandbox",
                "frame-ancestors 'none'"
            ]
        );
    }

    #[test]
    fn one_template_draws_the_mark_and_the_others_include_it() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let mut included = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let is_own = path.ends_with("mark.html");
            assert_eq!(
                text.contains("<img class=\"mark"),
                is_own,
                "{}",
                path.display()
            );
            included += usize::from(text.contains("include \"mark.html\""));
        }
        assert!(included >= 5, "{included}");
    }
}
