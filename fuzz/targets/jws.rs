//! Nothing that was not signed is ever verified, as a JWT, a DPoP proof or a client assertion.
#![no_main]

use std::sync::LazyLock;

use hallpass_protocol::Timestamp;
use hallpass_protocol::client_assertion;
use hallpass_protocol::dpop::{self, ProofPolicy};

use hallpass_protocol::jose::{Algorithm, JwkSet, SigningKey, TypRule, Unverified, sign_compact};
use libfuzzer_sys::fuzz_target;
use url::Url;

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::Es256, "k").expect("a key"));
static URL: LazyLock<Url> = LazyLock::new(|| Url::parse("https://id.test/token").expect("a URL"));

fuzz_target!(|text: &str| {
    let keys = JwkSet::new([KEY.public_jwk()]);
    if let Ok(unverified) = Unverified::parse(text) {
        let _ = unverified.peek::<serde_json::Value>();
        assert!(
            unverified
                .verify(&keys, &[Algorithm::Es256], TypRule::AbsentOr(&[]))
                .is_err()
        );
    }
    let _ = client_assertion::named_client(text);
    // Anybody can sign a proof, by their own key: it is read or refused.
    let policy = ProofPolicy::new("POST", &URL, Timestamp::from_unix_seconds(0));
    let _ = dpop::check(text, &policy);

    let genuine = sign_compact(&KEY, "test", text.as_bytes()).expect("a signature");
    let Ok(unverified) = Unverified::parse(&genuine) else {
        assert!(genuine.len() > Unverified::LONGEST);
        return;
    };
    let verified = unverified
        .verify(&keys, &[Algorithm::Es256], TypRule::Exactly("test"))
        .expect("what was signed is verified");
    assert_eq!(verified.payload(), text.as_bytes());
});
