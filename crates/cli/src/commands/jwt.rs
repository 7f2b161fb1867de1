//! `hallpass jwt decode`: what a JSON Web Token says, without a word on whether it is true.
//!
//! RFC 7519 §7.2 (taking a token apart), RFC 7515 §3.1 (compact serialization).

use std::io::{self, IsTerminal as _};

use hallpass_client::{Clock as _, Timestamp};
use hallpass_protocol::jose::base64url;
use hallpass_protocol::time::SystemClock;
use serde_json::{Map, Value, json};

use super::stdin;
use crate::args::JwtCommand;
use crate::commands::Context;
use crate::failure::Failure;
use crate::moment;
use crate::output::{Output, printable};

/// Prints header and claims.
pub(crate) fn run(command: &JwtCommand, context: &Context) -> Result<(), Failure> {
    let JwtCommand::Decode { source } = command;
    if source.as_deref().is_some_and(|source| source != "-") {
        return Err(
            Failure::usage("a token is not accepted on the command line (visible in ps)")
                .hint_to("pipe it: `hallpass token | hallpass jwt decode`"),
        );
    }
    if io::stdin().is_terminal() {
        context
            .output
            .note("Paste the token, then press Enter and Ctrl-D.");
    }
    let token = stdin::read_token(io::stdin(), "standard input")?;
    let Decoded { header, claims } = decode(token.expose())?;
    if context.output.is_json() {
        return Output::answer_json(&json!({
            "schema": "hallpass.jwt/1",
            "verified": false,
            "header": header,
            "claims": claims,
        }));
    }
    let paint = context.output.paint;
    let mut text = format!("{}\n{}\n", paint.bold("Header"), pretty(&header));
    text.extend([format!("{}\n{}\n", paint.bold("Claims"), pretty(&claims))]);
    let times = times(&claims, SystemClock.now());
    if !times.is_empty() {
        text.extend([format!("{}\n{times}", paint.bold("Times"))]);
    }
    text.push_str("Not verified: anybody could have written this.\n");
    Output::answer(&text)
}

/// What a token says.
struct Decoded {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

/// Takes a token apart. It is laxer than the check of a token: what is wrong should be seen.
fn decode(token: &str) -> Result<Decoded, Failure> {
    let parts: Vec<_> = token.split('.').collect();
    match parts.as_slice() {
        [header, payload, _signature] => Ok(Decoded {
            header: object(header, "header")?,
            claims: object(payload, "claims")?,
        }),
        [_, _, _, _, _] => Err(Failure::other("this token is encrypted (five parts)")
            .hint_to("only its receiver can read it")),
        _ => Err(Failure::other(format!(
            "this is no JSON Web Token: it has {} parts, not three",
            parts.len()
        ))
        .hint_to("an access token may be opaque; the server tells about it at its introspection endpoint")),
    }
}

fn object(part: &str, name: &str) -> Result<Map<String, Value>, Failure> {
    let bytes = base64url::decode(part).ok_or_else(|| {
        Failure::other(format!(
            "this is no JSON Web Token: its {name} part is not base64url"
        ))
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::other(format!(
            "this is no JSON Web Token: its {name} part is no JSON object"
        ))
        .caused_by(&error)
    })
}

fn pretty(members: &Map<String, Value>) -> String {
    // Writing a map of values into a string does not fail.
    printable(&serde_json::to_string_pretty(members).unwrap_or_default())
}

/// RFC 7519 §4.1.4 to §4.1.6 and OIDC Core §2: the points in time, in words.
fn times(claims: &Map<String, Value>, now: Timestamp) -> String {
    let mut text = String::new();
    for (name, past, future) in [
        ("auth_time", "signed in", "will have signed in"),
        ("iat", "issued", "issued"),
        ("nbf", "valid from", "not valid before"),
        ("exp", "expired", "expires"),
    ] {
        let Some(seconds) = claims.get(name).and_then(Value::as_f64) else {
            continue;
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a cast from float saturates"
        )]
        let at = Timestamp::from_unix_seconds(seconds as i64);
        let Some(shown) = moment::rfc3339(at) else {
            continue;
        };
        let word = if at > now { future } else { past };
        let when = moment::relative(at, now);
        text.extend([format!("  {name:<9}  {shown}  {word} {when}\n")]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!(
            "{}.{}.c2ln",
            base64url::encode(header),
            base64url::encode(claims)
        )
    }

    #[test]
    fn a_token_is_taken_apart_even_when_it_is_unsigned() {
        let Decoded { header, claims } =
            decode(&token(r#"{"alg":"none"}"#, r#"{"sub":"ada"}"#)).unwrap();
        assert_eq!(header["alg"], "none");
        assert_eq!(claims["sub"], "ada");
    }

    #[test]
    fn what_is_no_token_is_told_apart() {
        for (text, said) in [
            ("opaque", "1 parts"),
            ("a.b", "2 parts"),
            ("a.b.c.d.e", "encrypted"),
            ("%.e30.x", "header"),
            ("e30.W10.x", "claims"),
        ] {
            let failure = decode(text).err().unwrap().to_text("");
            assert!(failure.contains(said), "{text}: {failure}");
        }
    }

    #[test]
    fn times_are_said_in_words() {
        let Value::Object(claims) = json!({"iat": 940, "exp": 4600.5, "nbf": "soon"}) else {
            panic!("it is an object");
        };
        let text = times(&claims, Timestamp::from_unix_seconds(1000));
        assert_eq!(
            text,
            "  iat        1970-01-01T00:15:40Z  issued 60 s ago\n  exp        1970-01-01T01:16:40Z  expires in 60 min\n"
        );
    }
}
