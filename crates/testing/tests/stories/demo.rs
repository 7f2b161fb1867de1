//! `hallpass demo --yes`: the first thing that somebody runs.

use crate::home::Home;

#[test]
fn the_demo_shows_both_flows_and_no_secret() {
    let home = Home::new();
    let ran = home.runs(&["demo", "--yes"]);
    for expected in [
        "Device flow (RFC 8628)",
        "Browser flow (RFC 8252, PKCE)",
        "Both sign-ins ended with tokens",
    ] {
        assert!(ran.stdout.contains(expected), "{expected:?} in {ran}");
    }
    assert_eq!(ran.stdout.matches("Signed in as ada").count(), 2, "{ran}");
    // Eight characters and an ellipsis stand for a secret.
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    let is_secret = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    for name in [
        "access_token",
        "id_token",
        "refresh_token",
        "device_code",
        "code",
        "state",
        "nonce",
        "code_challenge",
        "code_verifier",
    ] {
        let mut seen = 0;
        for value in shown.split(&format!(" {name}=")).skip(1) {
            let length = value.find(|c| !is_secret(c)).unwrap();
            assert!(length <= 8, "{name}={}", value.get(..length).unwrap());
            seen += 1;
        }
        assert!(seen > 0, "{name} in {ran}");
    }
    let longest = shown.split(|c| !is_secret(c)).max_by_key(|word| word.len());
    assert!(longest.unwrap().len() < 30, "{longest:?}");
    assert!(home.sessions().is_empty());
}
