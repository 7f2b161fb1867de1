//! How `hallpass token` writes a token: alone, as a header, for curl; a bound one with its proof.
//!
//! RFC 9449 §7.1: <https://www.rfc-editor.org/rfc/rfc9449#section-7.1>; row C-39.

use hallpass_client::{AccessToken, Clock as _, Secret, TokenType};
use hallpass_protocol::time::SystemClock;
use serde_json::json;
use url::Url;

use crate::args::{TokenArgs, TokenChoice};
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::Output;

/// How a token is written.
pub(super) struct Form {
    shape: Shape,
    method: String,
    /// The request that a proof is for.
    url: Option<Url>,
    nonce: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Alone,
    Header,
    Curl,
}

impl Form {
    pub(super) fn find(args: &TokenArgs) -> Result<Self, Failure> {
        let url = match args.url.as_deref() {
            None => None,
            Some(text) => Some(parse(text)?),
        };
        if args.token_type == TokenChoice::DpopProof && url.is_none() {
            return Err(Failure::usage("a proof is for one request")
                .hint_to("name it: --method GET --url URL"));
        }
        let shape = match (args.header, args.curl) {
            (true, _) => Shape::Header,
            (false, true) => Shape::Curl,
            (false, false) => Shape::Alone,
        };
        Ok(Self {
            shape,
            method: args.method.clone(),
            url,
            nonce: args.nonce.clone(),
        })
    }

    /// Prints a token of a session. One that is bound to a key is of no use without a proof, and is
    /// printed without one only when that is what is asked for.
    pub(super) fn print(&self, token: &AccessToken, allow_bound: bool) -> Result<(), Failure> {
        let header = token.authorization_header()?;
        let is_bound = *token.token_type() == TokenType::Dpop;
        let proof = match self.shape {
            Shape::Alone => None,
            Shape::Header | Shape::Curl => self.proof(token)?,
        };
        if is_bound && proof.is_none() && !allow_bound {
            return Err(alone());
        }
        match self.shape {
            Shape::Alone => Output::answer(token.expose()),
            _ => self.print_headers(&header, proof.as_ref()),
        }
    }

    /// Prints a token that is known to be of nobody's key.
    pub(super) fn print_bearer(&self, token: &str) -> Result<(), Failure> {
        match self.shape {
            Shape::Alone => Output::answer(token),
            _ => self.print_headers(&Secret::new(format!("Bearer {token}")), None),
        }
    }

    /// Prints a proof and nothing else.
    pub(super) fn print_proof(
        &self,
        token: &AccessToken,
        context: &Context,
    ) -> Result<(), Failure> {
        let Some(proof) = self.proof(token)? else {
            return Err(
                Failure::config("the tokens of this session are not bound to a key")
                    .hint_to("send them as they are, or sign in with --dpop --force"),
            );
        };
        if context.output.is_json() {
            return Output::answer_json(&json!({
                "schema": "hallpass.dpop-proof/1",
                "proof": proof.expose(),
                "method": self.method,
                "url": self.url.as_ref().map(Url::as_str),
                "dpop_jkt": token.dpop_jkt()?,
            }));
        }
        Output::answer(proof.expose())
    }

    fn proof(&self, token: &AccessToken) -> Result<Option<Secret<String>>, Failure> {
        let Some(url) = &self.url else {
            return Ok(None);
        };
        let nonce = self.nonce.as_deref();
        Ok(token.dpop_proof(&self.method, url, nonce, SystemClock.now())?)
    }

    fn print_headers(
        &self,
        authorization: &Secret<String>,
        proof: Option<&Secret<String>>,
    ) -> Result<(), Failure> {
        let headers = [("Authorization", Some(authorization)), ("DPoP", proof)];
        let headers = headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let lines: Vec<_> = if self.shape == Shape::Curl {
            let url = self.url.as_ref().map_or("", Url::as_str);
            let request = [
                format!("request = {}", quoted(&self.method)),
                format!("url = {}", quoted(url)),
            ];
            let headers = headers.map(|(name, value)| {
                format!(
                    "header = {}",
                    quoted(&format!("{name}: {}", value.expose()))
                )
            });
            request.into_iter().chain(headers).collect()
        } else {
            let line =
                |(name, value): (&str, &Secret<String>)| format!("{name}: {}", value.expose());
            headers.map(line).collect()
        };
        Output::answer(&lines.join("\n"))
    }
}

/// Row C-39: whoever gets a bound token must know it.
fn alone() -> Failure {
    Failure::config("the token is bound to a key of this machine (DPoP): alone it is of no use").hint_to(
        "`hallpass request METHOD URL` sends it; --header --url URL and --curl --url URL print it with its proof; \
         --allow-bound prints it alone; `hallpass login --no-dpop --force` brings one that is not bound",
    )
}

fn parse(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    url.ok_or_else(|| {
        let shown = hallpass_client::clean::text(text);
        Failure::usage(format!("`{shown}` is no address of a request"))
            .hint_to("name it in full, such as https://api.example.com/me")
    })
}

/// As curl's configuration reads it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curl_reads_a_quoted_value() {
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
    }

    #[test]
    fn a_proof_is_for_an_address_of_the_web() {
        assert!(parse("https://api.test/me?x=1").is_ok());
        for text in ["api.test/me", "file:///etc/passwd", "javascript:1", ""] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
