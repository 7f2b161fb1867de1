//! The page that a browser shows when it comes back: static, without script and outside resources.
//!
//! RFC 9700 §4.2: <https://www.rfc-editor.org/rfc/rfc9700#section-4.2>; row C-19.

use hallpass_protocol::jose::base64url;
use hallpass_protocol::random::{self, SystemRandom};

/// A page with a heading and a sentence.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    heading: &'static str,
    text: String,
    nonce: String,
}

impl Page {
    /// The sign-in worked.
    pub(crate) fn signed_in() -> Self {
        Self::new(
            "Signed in",
            "You can close this page and go back to the terminal.",
        )
    }

    /// The sign-in failed, and why.
    pub(crate) fn failed(why: &str) -> Self {
        let why = crate::clean::text(why);
        Self::new(
            "Not signed in",
            &format!("{why}. You can close this page; the terminal says more."),
        )
    }

    /// The program asks something before it keeps the sign-in.
    pub(crate) fn asks() -> Self {
        Self::new(
            "One question",
            "Somebody else was signed in before. Go back to the terminal and answer there.",
        )
    }

    pub(crate) fn foreign() -> Self {
        Self::new(
            "Not this sign-in",
            "This answer does not belong to the sign-in that is waiting here.",
        )
    }

    pub(crate) fn not_found() -> Self {
        Self::new(
            "Nothing here",
            "A program on this machine waits here for the answer to a sign-in.",
        )
    }

    pub(crate) fn moved() -> Self {
        Self::new("One moment", "The program is finishing the sign-in.")
    }

    /// On the way to the server's own page.
    pub(crate) fn signing_out() -> Self {
        Self::new("One moment", "The server's page for signing out opens.")
    }

    fn new(heading: &'static str, text: &str) -> Self {
        let nonce = base64url::encode(random::bytes::<16>(&SystemRandom));
        Self {
            heading,
            text: text.to_owned(),
            nonce,
        }
    }

    /// Nothing is loaded and no script runs.
    pub(crate) fn content_security_policy(&self) -> String {
        format!(
            "default-src 'none'; style-src 'nonce-{}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            self.nonce
        )
    }

    pub(crate) fn html(&self) -> String {
        let Self {
            heading,
            text,
            nonce,
        } = self;
        let text = escape(text);
        format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>{heading}</title>\
             <style nonce=\"{nonce}\">body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;\
             margin:20vh auto;padding:0 1rem}}h1{{font-size:1.6rem}}p{{overflow-wrap:anywhere}}</style>\
             <main><h1>{heading}</h1><p>{text}</p></main></html>\n"
        )
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_19_error_text_is_escaped_and_nothing_is_loaded() {
        let page = Page::failed("<script>alert('1')</script>\u{202e}");
        let html = page.html();
        assert!(
            html.contains("&lt;script&gt;alert(&#39;1&#39;)") && !html.contains("<script"),
            "{html}"
        );
        assert!(
            !html.contains("http") && !html.contains('\u{202e}'),
            "{html}"
        );
        assert!(
            page.content_security_policy()
                .starts_with("default-src 'none'")
        );
    }
}
