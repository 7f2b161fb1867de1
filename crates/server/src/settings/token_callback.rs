//! The token callbacks of dev mode, as they are configured: what tokens say, by request.
//!
//! Contract: "Mapping rules" of `docs/dev-mode.md`.

use std::time::Duration;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use serde_json::{Map, Value};

/// What the tokens of one issuer say.
#[derive(Clone, Debug)]
pub struct TokenCallback {
    /// The issuer's path.
    pub issuer_id: String,
    /// How long its tokens live.
    pub token_expiry: Duration,
    /// The first that matches a request decides.
    pub mappings: Vec<RequestMapping>,
}

/// One condition on a request, and the claims of its tokens.
#[derive(Clone, Debug)]
pub struct RequestMapping {
    /// The parameter to look at; `client_id` and `subject` exist without being sent.
    pub request_param: String,
    /// The value that it must have.
    wanted: Wanted,
    /// `typ` of the tokens.
    pub typ: Option<String>,
    /// The claims, with `${name}` templates.
    pub claims: Map<String, Value>,
}

/// What a parameter's value is compared with.
#[derive(Clone, Debug)]
enum Wanted {
    /// `*`: any value.
    Any,
    /// This text, or what the pattern matches from end to end.
    Text(String, Option<Regex>),
}

impl RequestMapping {
    /// Reads `match`: `*`, an exact value or a regular expression. An invalid expression can still
    /// match as text; the log says that it is invalid.
    pub fn new(
        request_param: impl Into<String>,
        wanted: &str,
        typ: Option<String>,
        claims: Map<String, Value>,
    ) -> Self {
        Self {
            request_param: request_param.into(),
            wanted: Wanted::parse(wanted),
            typ,
            claims,
        }
    }

    /// Whether the parameter may have this value.
    pub(crate) fn accepts(&self, value: &str) -> bool {
        self.wanted.accepts(value)
    }
}

impl Wanted {
    fn parse(text: &str) -> Self {
        if text == "*" {
            return Self::Any;
        }
        let pattern = compile(text)
            .map_err(|error| tracing::warn!(pattern = text, %error, "the `match` of a request mapping is no regular expression"))
            .ok();
        Self::Text(text.to_owned(), pattern)
    }

    /// Whether a value is the wanted one.
    fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Text(text, pattern) => {
                text == value
                    || pattern
                        .as_ref()
                        .is_some_and(|pattern| pattern.is_match(value))
            }
        }
    }
}

/// `\d`, `\w` and `\b` mean ASCII, as on the JVM.
fn compile(pattern: &str) -> Result<Regex, Box<regex_automata::meta::BuildError>> {
    let mut builder = Regex::builder();
    builder.syntax(syntax::Config::new().unicode(false).utf8(false));
    // Alone first: `a)|(b` is an expression only between our brackets.
    builder.build(pattern).map_err(Box::new)?;
    builder
        .build(&format!(r"\A(?:{pattern})\z"))
        .map_err(Box::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(wanted: &str, value: &str) -> bool {
        Wanted::parse(wanted).accepts(value)
    }

    #[test]
    fn a_match_is_any_exact_or_a_full_regular_expression() {
        for (wanted, value) in [
            ("*", "anything"),
            ("abc", "abc"),
            ("a.*z", "abcz"),
            ("a|ab", "ab"),
            (r"client-\d+", "client-42"),
            ("(?i)ADA", "ada"),
            ("a+b", "a+b"),
            ("é", "é"),
            (".*", "é"),
            ("[", "["),
        ] {
            assert!(accepts(wanted, value), "{wanted} {value}");
        }
        for (wanted, value) in [
            ("abc", "abcd"),
            ("b", "abc"),
            ("a|b", "ab"),
            (r"\d", "٣"),
            ("^b$", "a\nb"),
            ("[", "x"),
            ("a)|(b", "b"),
            ("", "a"),
        ] {
            assert!(!accepts(wanted, value), "{wanted} {value}");
        }
    }
}
