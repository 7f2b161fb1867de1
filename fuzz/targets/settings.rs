//! Any text as a configuration file is read, or refused with an error that says where.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use hallpass_server::{DevFlags, Settings};
use libfuzzer_sys::fuzz_target;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    std::env::temp_dir().join(format!("hallpass-fuzz-{}.toml", std::process::id()))
});

fuzz_target!(|text: &str| {
    std::fs::write(&*FILE, text).expect("the folder for temporary files can be written");
    for strict in [false, true] {
        let flags = DevFlags {
            config: Some(FILE.clone()),
            strict,
            ..DevFlags::default()
        };
        told(Settings::dev(&|_| None, flags));
    }
    let from_environment = |name: &str| (name == "JSON_CONFIG").then(|| text.to_owned());
    told(Settings::dev(&from_environment, DevFlags::default()));
});

fn told<T>(read: Result<T, hallpass_server::SettingsError>) {
    if let Err(error) = read {
        assert!(!error.to_string().trim().is_empty());
    }
}
