//! The flags of a printed token, and how it is written: alone, as a header, for curl; a bound one with its
//! proof.
//!
//! RFC 9449 §7.1: <https://www.rfc-editor.org/rfc/rfc9449#section-7.1>; row C-39.

use std::time::Duration;

use clap::Args;
use hallpass_protocol::{Secret, Timestamp};
use url::Url;

use super::values::{parse_method, parse_span, parse_url};
use crate::error::Error;
use crate::tokens::{AccessToken, TokenType};

/// `auth token`: which token is printed, and how.
///
/// ```no_run
/// # async fn example(session: hallpass_client::Session) -> Result<(), hallpass_client::Error> {
/// use clap::Parser;
/// use hallpass_client::Timestamp;
/// use hallpass_client::clap::TokenArgs;
/// # fn now() -> Timestamp { Timestamp::from_unix_seconds(0) }
///
/// #[derive(Parser)]
/// struct PrintToken {
///     #[command(flatten)]
///     print: TokenArgs,
/// }
///
/// let args = PrintToken::parse_from(["acme", "--header"]).print;
/// let token = session.access_token_for(args.min_validity.unwrap_or_default()).await?;
/// println!("{}", args.text(&token, now())?.expose());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Args)]
#[group(skip)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct TokenArgs {
    /// Print the whole header line, for curl's `-H @-`; with `--url` also the proof of a bound token
    #[arg(long)]
    pub header: bool,
    /// Print what `curl --config -` reads: the request of `--method` and `--url` with its headers
    #[arg(long, requires = "url", conflicts_with = "header")]
    pub curl: bool,
    /// Print a token that is bound to this machine's key (DPoP) without its proof
    #[arg(long)]
    pub allow_bound: bool,
    /// The address of the request that a proof is for (RFC 9449)
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    pub url: Option<Url>,
    /// The method of that request
    #[arg(long, value_name = "METHOD", default_value = "GET", value_parser = parse_method)]
    pub method: String,
    /// The nonce that the API asked for in `DPoP-Nonce`
    #[arg(long, value_name = "NONCE")]
    pub nonce: Option<String>,
    /// Refresh whatever the token's age
    #[arg(long)]
    pub refresh: bool,
    /// The token must stay good at least this long
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub min_validity: Option<Duration>,
}

/// As without a flag.
impl Default for TokenArgs {
    fn default() -> Self {
        Self {
            header: false,
            curl: false,
            allow_bound: false,
            url: None,
            method: "GET".to_owned(),
            nonce: None,
            refresh: false,
            min_validity: None,
        }
    }
}

impl TokenArgs {
    /// The flag that asks for more than the token, and so excludes JSON.
    pub fn text_flag(&self) -> Option<&'static str> {
        match (self.header, self.curl) {
            (true, _) => Some("--header"),
            (_, true) => Some("--curl"),
            _ => None,
        }
    }

    /// Whether a bound token would be printed without its proof and without anybody having asked for that:
    /// alone it is of no use (row C-39).
    pub fn leaves_alone(&self, token: &AccessToken) -> bool {
        let is_bound = *token.token_type() == TokenType::Dpop;
        let has_proof = self.text_flag().is_some() && self.url.is_some();
        is_bound && !has_proof && !self.allow_bound
    }

    /// What is printed of a token, without a line break at its end. `now` is what the proof says about when
    /// it was made.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] for a bound token alone, unless `--allow-bound` says that it is wanted,
    /// and the errors of [`AccessToken::authorization_header`] and [`AccessToken::dpop_proof`].
    pub fn text(&self, token: &AccessToken, now: Timestamp) -> Result<Secret<String>, Error> {
        let header = token.authorization_header()?;
        if self.leaves_alone(token) {
            let text = "the token is bound to a key of this machine (DPoP): alone it opens nothing";
            return Err(Error::config(text).hint_to(
                "add --header --url URL or --curl --url URL for one with its proof, or --allow-bound to print it alone",
            ));
        }
        if self.text_flag().is_none() {
            return Ok(Secret::from(token.expose()));
        }
        Ok(self.headers(&header, self.proof(token, now)?.as_ref()))
    }

    /// What is printed of a token that no session keeps and no key is bound to (RFC 6750 §2.1).
    pub fn bearer_text(&self, token: &Secret<String>) -> Secret<String> {
        if self.text_flag().is_none() {
            return token.clone();
        }
        let header = Secret::new(format!("Bearer {}", token.expose()));
        self.headers(&header, None)
    }

    /// The proof for the request of `--method` and `--url`; `None` without an address, and for a token that
    /// is not bound.
    ///
    /// # Errors
    ///
    /// Those of [`AccessToken::dpop_proof`].
    pub fn proof(
        &self,
        token: &AccessToken,
        now: Timestamp,
    ) -> Result<Option<Secret<String>>, Error> {
        let Some(url) = &self.url else {
            return Ok(None);
        };
        token.dpop_proof(&self.method, url, self.nonce.as_deref(), now)
    }

    fn headers(
        &self,
        authorization: &Secret<String>,
        proof: Option<&Secret<String>>,
    ) -> Secret<String> {
        let headers = [("Authorization", Some(authorization)), ("DPoP", proof)];
        let headers = headers
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}: {}", value?.expose())));
        let lines: Vec<String> = if self.curl {
            let url = self.url.as_ref().map_or("", Url::as_str);
            let request = [("request", self.method.as_str()), ("url", url)];
            let request = request.map(|(name, value)| format!("{name} = {}", quoted(value)));
            let headers = headers.map(|line| format!("header = {}", quoted(&line)));
            request.into_iter().chain(headers).collect()
        } else {
            headers.collect()
        };
        Secret::new(lines.join("\n"))
    }
}

/// As curl's configuration reads it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        token: TokenArgs,
    }

    fn bearer(words: &[&str]) -> String {
        let words = std::iter::once(&"acme").chain(words);
        let args = Program::try_parse_from(words).unwrap().token;
        let text = args.bearer_text(&Secret::from(r#"a"b\c"#));
        text.expose().to_owned()
    }

    #[test]
    fn a_token_is_written_alone_as_a_header_or_for_curl() {
        assert_eq!(bearer(&[]), r#"a"b\c"#);
        assert_eq!(bearer(&["--header"]), r#"Authorization: Bearer a"b\c"#);
        let words = ["--curl", "--url", "https://api.test/me", "--method", "post"];
        assert_eq!(
            bearer(&words),
            "request = \"POST\"\nurl = \"https://api.test/me\"\n\
             header = \"Authorization: Bearer a\\\"b\\\\c\""
        );
    }
}
