//! Runs every command of `docs/credential-helpers.md`, in its order, and reads its `config.toml`.

use serde_json::json;

use crate::credential_helpers::{goes, is_installed, program};
use crate::home::{Home, Ran};

const PAGE: &str = include_str!("../../../../docs/credential-helpers.md");

/// The blocks of one language.
fn blocks(language: &str) -> Vec<&'static str> {
    let blocks = PAGE.split("```").skip(1).step_by(2);
    let blocks = blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'));
    blocks.collect()
}

#[test]
fn every_command_of_the_page_runs_and_what_it_wrote_is_gone_at_the_end() {
    let home = Home::new();
    home.write(
        "config.toml",
        "[profile.work]\nissuer = \"https://as.test\"\nclient_id = \"c\"\n",
    );
    home.write(".gitconfig", "[user]\n\tname = Ada\n");
    let has_kubectl = is_installed(&home, "kubectl", &["version", "--client"]);
    if has_kubectl {
        let server = "--server=https://k8s.test:6443";
        goes(&home, "kubectl", &["config", "set-cluster", "one", server]);
        goes(
            &home,
            "kubectl",
            &["config", "set-context", "dev", "--cluster=one"],
        );
    }
    let mut count = 0;
    for command in blocks("sh").into_iter().flat_map(str::lines) {
        if command.contains(" kubectl ") && !has_kubectl {
            continue;
        }
        let ran: Ran = program(&home, "sh", &["-c", command])
            .output()
            .unwrap()
            .into();
        assert_eq!(ran.code, Some(0), "{command}: {ran}");
        count += 1;
    }
    assert!(count >= 9, "commands are missing: {count}");
    let left = std::fs::read_to_string(home.path(".gitconfig")).unwrap();
    assert_eq!(left, "[user]\n\tname = Ada\n");
    let profiles = std::fs::read_to_string(home.path("state/profiles.toml")).unwrap();
    assert!(!profiles.contains("helpers"), "{profiles}");
    let names = std::fs::read_dir(home.path("bin")).unwrap();
    assert_eq!(names.count(), 1, "only `hallpass` itself");
}

#[test]
fn the_settings_of_the_page_are_read() {
    let home = Home::new();
    let [config] = blocks("toml")[..] else {
        panic!("the page shows one config.toml");
    };
    home.write("config.toml", config);
    let shown = home.runs(&["profile", "show", "work", "--json"]).json();
    let helpers = &shown["settings"]["helpers"];
    assert_eq!(
        helpers["docker"],
        json!(["https://registry.example.com:5000"])
    );
    assert_eq!(helpers.as_object().unwrap().len(), 4);
}
