//! What the command line understands, and how it says that it does not.

use crate::hallpass::Home;

#[test]
fn what_is_not_understood_exits_2_and_prints_no_answer() {
    let home = Home::new();
    for words in [
        &["frobnicate"][..],
        &["login", "--nonsense"],
        &["login", "--flow", "smoke-signals"],
        &["login", "--browser", "--device"],
        &["login", "--callback-port", "70000"],
        &["login", "--timeout", "soon"],
        &["token", "a", "-p", "b"],
        &["token", "../../etc"],
        &["token", "--header", "--json"],
        &["whoami", "--offline", "--userinfo"],
        &["completions", "tcsh"],
        &["exchange"],
        &["exchange", "--audience", ""],
        &["exchange", "--audience="],
        &["help", "nothing"],
        &["jwt", "decode", "eyJhbGciOiJub25lIn0.e30."],
    ] {
        let ran = home.run(words);
        assert_eq!(ran.code, 2, "{words:?}: {ran}");
        assert_eq!(ran.stdout, "", "{words:?}");
        let is_json = ran.stderr.starts_with('{');
        assert!(
            is_json || ran.stderr.starts_with("hallpass: "),
            "{words:?}: {ran}"
        );
        assert!(
            is_json || ran.stderr.contains("\n  hint: "),
            "{words:?}: {ran}"
        );
    }
}

#[test]
fn a_program_gets_a_usage_error_as_json() {
    let home = Home::new();
    for words in [
        &["login", "--nonsense", "--json"][..],
        &["-o", "json", "token", "a/b"],
    ] {
        assert_eq!(home.run(words).error()["error"]["code"], "usage");
    }
}

#[test]
fn a_misspelt_flag_is_guessed() {
    let ran = Home::new().run(&["login", "--isuer", "https://as.test"]);
    assert_eq!(
        ran.stderr,
        "hallpass: unexpected argument '--isuer' found\n  hint: did you mean `--issuer`?\n"
    );
}

#[test]
fn a_client_secret_on_the_command_line_is_refused() {
    let home = Home::new();
    for words in [
        &[
            "login",
            "--issuer",
            "https://as.test",
            "--client-id",
            "a",
            "--client-secret",
            "canary",
        ][..],
        &["login", "--client-secret=canary"],
        &["exchange", "--audience", "x", "--client-secret", "canary"],
    ] {
        let ran = home.run(words);
        assert_eq!(ran.code, 2, "{ran}");
        assert_eq!(
            ran.stderr,
            "hallpass: --client-secret is not accepted on the command line (visible in ps)\n  \
             hint: --client-secret-file, --client-secret-stdin\n"
        );
    }
}

#[test]
fn help_and_version_are_answers() {
    let home = Home::new();
    for words in [
        &["--help"][..],
        &["--version"],
        &["help"],
        &["help", "login"],
        &["help", "jwt", "decode"],
        &["login", "--help"],
    ] {
        let ran = home.run(words);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{words:?}: {ran}");
        assert!(
            !ran.stdout.is_empty() && !ran.stdout.contains('\u{1b}'),
            "{ran}"
        );
    }
}

#[test]
fn help_exit_codes_lists_every_code() {
    let ran = Home::new().run(&["help", "exit-codes"]);
    assert_eq!(ran.code, 0);
    let mut lines = ran.stdout.lines();
    for code in [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "126", "130",
    ] {
        let line = lines.next().unwrap_or_default();
        assert!(line.trim_start().starts_with(code), "{code}: {line}");
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn completions_know_commands_and_flags() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "pwsh"] {
        let ran = home.run(&["completions", shell]);
        assert_eq!(ran.code, 0, "{ran}");
        for word in ["login", "whoami", "callback-port", "min-validity"] {
            let is_shown = ran.stdout.contains(word);
            assert!(is_shown, "{shell}: {word}");
        }
        assert!(!ran.stdout.contains("--client-secret "), "{shell}");
    }
}

#[test]
fn serve_without_dev_needs_to_know_who_it_is() {
    let ran = Home::new().run(&["serve"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran}");
    assert!(ran.stderr.contains("`public_url` is missing"), "{ran}");
    // What belongs to dev mode does not slip into production.
    for flag in [
        &["--strict"][..],
        &["--port", "0"],
        &["--issuer-url", "http://x"],
    ] {
        let ran = Home::new().run(&[&["serve"], flag].concat());
        assert_eq!(ran.code, 2, "{flag:?}: {ran}");
    }
}
