//! Whatever a person types is a code in its one spelling, or none.
#![no_main]

use hallpass_protocol::user_code::UserCode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(code) = UserCode::from_input(text) {
        assert!(matches!(code.letters().len(), 8 | 10));
        assert!(
            code.letters()
                .bytes()
                .all(|letter| letter.is_ascii_uppercase())
        );
        let shown = code.to_string();
        assert_eq!(UserCode::from_input(&shown).as_ref(), Some(&code));
        assert_eq!(
            UserCode::from_input(&shown.to_lowercase()).as_ref(),
            Some(&code)
        );
    }
});
