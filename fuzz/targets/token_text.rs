//! No text that this issuer did not write is one of its tokens.
#![no_main]

use hallpass_issuer::tokens::one_time::Kind;
use hallpass_issuer::tokens::refresh_token::RefreshKeys;
use hallpass_protocol::{ClientId, Secret};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let client = ClientId::new("cli");
    let keys = RefreshKeys::new(1, &Secret::new([7; 32]));
    assert!(keys.read(text, "default", &client).is_none());
    let _ = keys.peek_authorization(text);
    if Kind::AuthorizationCode.read(text).is_some() {
        assert!(Kind::DeviceCode.read(text).is_none(), "one text, two kinds");
    }
});
