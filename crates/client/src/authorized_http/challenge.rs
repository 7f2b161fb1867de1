//! What an API says about the token that it wants: the `WWW-Authenticate` header.
//!
//! RFC 9110 §11.6.1: <https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1>

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// The challenges of an answer, in order. What is malformed is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Challenges(Vec<Challenge>);

/// One challenge: a scheme and its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenges {
    /// Reads them from the headers of an answer.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(WWW_AUTHENTICATE).iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        Self(texts.flat_map(parse).collect())
    }

    /// The challenge with this `error`, of the scheme `Bearer` or `DPoP`.
    pub(crate) fn with_error(&self, error: &str) -> Option<&Challenge> {
        self.0.iter().find(|challenge| {
            let is_ours = challenge.is("Bearer") || challenge.is("DPoP");
            is_ours && challenge.parameter("error") == Some(error)
        })
    }

    /// A parameter of the first challenge that has it, whatever its scheme.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find_map(|challenge| challenge.parameter(name))
    }
}

impl Challenge {
    /// Whether it is of this scheme; schemes have no case (RFC 9110 §11.1).
    pub(crate) fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The value of a parameter, without its quotes; names have no case.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut found = self.parameters.iter();
        let found = found.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads one header line, which may hold several challenges.
fn parse(line: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((word, after)) = token(rest) else {
            return found;
        };
        rest = match (after.trim_start().strip_prefix('='), found.last_mut()) {
            (Some(value), Some(challenge)) => {
                let Some((value, after)) = value_of(value.trim_start()) else {
                    return found;
                };
                challenge.parameters.push((word.to_owned(), value));
                after
            }
            (Some(_), None) => return found,
            (None, _) => {
                found.push(Challenge {
                    scheme: word.to_owned(),
                    parameters: Vec::new(),
                });
                without_token68(after)
            }
        };
    }
}

/// RFC 9110 §5.6.2.
fn token(text: &str) -> Option<(&str, &str)> {
    let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_tchar(c)).unwrap_or(text.len());
    text.split_at_checked(end)
        .filter(|(word, _)| !word.is_empty())
}

/// A token or a quoted string (RFC 9110 §5.6.4).
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        // Bare values with characters of URLs are seen in the field.
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(end)?;
        return Some((value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(chars.next()?),
            other => value.push(other),
        }
    }
}

/// Steps over the data of a scheme that has no parameters, such as `Negotiate YII=`.
fn without_token68(after: &str) -> &str {
    let data = after.trim_start_matches(' ');
    let is_data = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    let rest = data.trim_start_matches(is_data).trim_start_matches('=');
    let is_whole = rest.is_empty() || rest.trim_start().starts_with(',');
    if is_whole { rest } else { data }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn read(lines: &[&str]) -> Challenges {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(line).unwrap());
        }
        Challenges::of(&headers)
    }

    #[test]
    fn c_51_a_challenge_names_the_error_and_the_scope() {
        let line = r#"Bearer realm="a, scope=b", error="insufficient_scope", scope="x y""#;
        let found = read(&[line]);
        let challenge = found.with_error("insufficient_scope").unwrap();
        assert_eq!(challenge.parameter("scope"), Some("x y"));
        let bare = read(&["bearer error=invalid_token, x=y"]);
        assert!(bare.with_error("invalid_token").is_some());
        for line in [
            "Bearer",
            "Bearer error=\"open",
            "=x",
            "",
            "Basic error=invalid_token",
        ] {
            assert_eq!(read(&[line]).with_error("invalid_token"), None, "{line}");
        }
    }

    #[test]
    fn several_challenges_in_one_line_and_in_several_are_told_apart() {
        let found = read(&[
            r#"Negotiate YII=, Basic realm="a \"b\", error=x", DPoP algs="ES256 PS256", error="use_dpop_nonce""#,
            "Bearer resource_metadata=https://api.test/.well-known/oauth-protected-resource",
        ]);
        let challenge = found.with_error("use_dpop_nonce").unwrap();
        assert!(challenge.is("dpop") && !challenge.is("Bearer"));
        assert_eq!(challenge.parameter("ALGS"), Some("ES256 PS256"));
        assert_eq!(found.parameter("realm"), Some(r#"a "b", error=x"#));
        let place = "https://api.test/.well-known/oauth-protected-resource";
        assert_eq!(found.parameter("resource_metadata"), Some(place));
        let schemes: Vec<_> = found.0.iter().map(|it| it.scheme.as_str()).collect();
        assert_eq!(schemes, ["Negotiate", "Basic", "DPoP", "Bearer"]);
    }
}
