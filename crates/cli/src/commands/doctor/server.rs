//! Whether the server is there, what it offers, and whether the clocks agree.

use std::time::Duration;

use hallpass_client::reqwest::header::DATE;
use hallpass_client::reqwest::{Method, Request};
use hallpass_client::{Clock as _, HttpTransport, Metadata};
use hallpass_protocol::time::SystemClock;
use jiff::fmt::rfc2822::DateTimeParser;

use super::check::Check;
use crate::failure::Failure;
use crate::profile::Profile;

/// Asks for the metadata, as every sign-in does first.
pub(super) async fn look(profile: &Profile) -> Vec<Check> {
    if !profile.is_known() {
        return vec![Check::skip("server", "no server yet")];
    }
    let metadata = match fetch(profile).await {
        Ok(metadata) => metadata,
        Err(failure) => {
            let check = Check::fail("server", failure.to_text("").trim().replace('\n', ";"));
            return vec![match failure.hint() {
                Some(hint) => check.hint(hint),
                None => check,
            }];
        }
    };
    let issuer = profile.settings.issuer.clone().unwrap_or_default();
    let mut checks = vec![Check::pass("server", issuer.as_str())];
    let skew = match profile.transport() {
        Ok(transport) => skew(&issuer, &transport).await,
        Err(_) => None,
    };
    checks.push(match skew {
        None => Check::skip("clock.skew", "the server does not tell the time"),
        Some(ahead) => clock(ahead),
    });
    checks.extend(offers(&metadata));
    checks
}

async fn fetch(profile: &Profile) -> Result<std::sync::Arc<Metadata>, Failure> {
    let client = profile.client_without_secret()?.build()?;
    Ok(client.metadata().await?)
}

fn offers(metadata: &Metadata) -> Vec<Check> {
    let offer = |id, is_there, without: &'static str| {
        if is_there {
            Check::pass(id, "offered")
        } else {
            Check::warn(id, without)
        }
    };
    let methods = &metadata.code_challenge_methods_supported;
    vec![
        offer(
            "server.browser",
            metadata.authorization_endpoint.is_some(),
            "not offered: no sign-in by browser",
        ),
        offer(
            "server.device",
            metadata.device_authorization_endpoint.is_some(),
            "not offered: no sign-in with a code from another device",
        ),
        offer(
            "server.revocation",
            metadata.revocation_endpoint.is_some(),
            "not offered: tokens stay good after `logout` until they expire",
        ),
        // RFC 8414 §2: without the list the server may still know PKCE; it ignores what it does not.
        offer(
            "server.pkce",
            methods.iter().any(|method| method == "S256"),
            "S256 is not listed; it is sent all the same",
        ),
    ]
}

fn clock(ahead_millis: i64) -> Check {
    #[expect(
        clippy::cast_precision_loss,
        reason = "for people, to a tenth of a second"
    )]
    let value = format!("{:+.1}s", -ahead_millis as f64 / 1000.0);
    match ahead_millis.abs() {
        0..=5000 => Check::pass("clock.skew", value),
        5001..=60_000 => Check::warn("clock.skew", value).hint("enable NTP"),
        _ => Check::fail("clock.skew", value).hint("set this machine's clock; enable NTP"),
    }
}

/// How far the server's clock is ahead, by its `Date` header, in milliseconds. The header has whole
/// seconds, and the answer took time to come: half of that is taken off.
async fn skew(issuer: &str, transport: &dyn HttpTransport) -> Option<i64> {
    let url = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let mut request = Request::new(Method::GET, url.parse().ok()?);
    *request.timeout_mut() = Some(DEADLINE);
    let asked = SystemClock.now().unix_millis();
    let answer = transport.send(request).await.ok()?;
    let answered = SystemClock.now().unix_millis();
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    let date = DateTimeParser::new()
        .parse_timestamp(date)
        .ok()?
        .as_millisecond()
        + 500;
    Some(date - i64::midpoint(asked, answered))
}

const DEADLINE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::check::Status;

    #[test]
    fn a_clock_that_is_minutes_off_is_broken_and_says_by_how_much() {
        assert_eq!(clock(300).status, Status::Pass);
        let slow = clock(7200);
        assert_eq!(
            (slow.status, slow.value.as_deref()),
            (Status::Warn, Some("-7.2s"))
        );
        assert_eq!(clock(-92_000).status, Status::Fail);
    }
}
