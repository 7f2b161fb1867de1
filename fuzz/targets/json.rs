//! What servers answer and clients send as JSON: whatever it is, it is read or refused, and a
//! member that stands twice is refused.
#![no_main]

use hallpass_protocol::jose::json;
use hallpass_protocol::jose::{Jwk, JwkSet};
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::registration::ClientMetadata;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = serde_json::from_str::<Metadata>(text);
    let _ = serde_json::from_str::<ClientMetadata>(text);
    if let Ok(keys) = JwkSet::from_json(text) {
        for key in keys.keys() {
            let again = Jwk::from_json(&key.to_json()).expect("a key reads back");
            assert_eq!(again.thumbprint(), key.thumbprint());
        }
    }
    if let Ok(value) = json::parse(text.as_bytes()) {
        let lenient: serde_json::Value =
            serde_json::from_str(text).expect("strict is a part of lenient");
        assert_eq!(lenient, value);
    }
});
