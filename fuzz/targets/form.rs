//! A form reads back as it is written, and no parameter is seen twice.
#![no_main]

use hallpass_protocol::form::{self, Form};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(form) = Form::parse(text) else {
        return;
    };
    assert_eq!(Form::parse(&form.encode()).as_ref(), Ok(&form), "{text:?}");
    for (name, value) in form.iter() {
        assert!(!value.is_empty(), "an empty value counts as left out");
        assert!(form.has(name) && form.all(name).any(|known| known == value));
        assert_eq!(form::decode(&form::encode(value)).as_deref(), Ok(value));
    }
    if form.refuse_repeats(&[]).is_ok() {
        assert!(form.iter().all(|(name, _)| form.one(name).is_ok()));
    }
});
