//! Who may sign in, and with what.

use super::*;

#[test]
fn anybody_may_make_an_account_only_where_mail_and_passwords_are() {
    const MAIL: &str = "email = { transport = \"sendmail\", from = \"a@b.test\" }";
    for (toml, wanted) in [
        (String::new(), AccountRegistration::Invite),
        (
            "login.registration = \"off\"".to_owned(),
            AccountRegistration::Off,
        ),
        (
            "login.registration = \"invite\"".to_owned(),
            AccountRegistration::Invite,
        ),
        (
            format!("login.registration = \"open\"\n{MAIL}"),
            AccountRegistration::Open,
        ),
    ] {
        let settings = read(&format!("{toml}\n{LEAST}"), &[]).unwrap();
        assert_eq!(settings.login.registration, wanted, "{toml}");
        let is_open = wanted == AccountRegistration::Open;
        assert_eq!(settings.is_open_to_newcomers(), is_open, "{toml}");
        assert!(settings.effective().contains(&format!(
            "registration = \"{}\"",
            format!("{wanted:?}").to_lowercase()
        )));
    }
    for (toml, problem, hint) in [
        (
            "login.registration = \"open\"".to_owned(),
            "`login.registration` is `open`, and no mail leaves this server",
            "set up `[email]`",
        ),
        (
            "login.registration = \"open\"\nemail.transport = \"log\"".to_owned(),
            "`login.registration` is `open`, and no mail leaves this server",
            "set up `[email]`",
        ),
        (
            format!("login = {{ registration = \"open\", password = false }}\n{MAIL}"),
            "`login.password` is `false`",
            "write `password = true`",
        ),
    ] {
        let error = read(&format!("{toml}\n{LEAST}"), &[]).unwrap_err();
        assert!(error.to_string().contains(problem), "{toml}: {error}");
        assert!(error.hint().unwrap().contains(hint), "{toml}: {error}");
    }
    let error = read(&format!("login.registration = \"everybody\"\n{LEAST}"), &[]).unwrap_err();
    let words = "expected one of `off`, `invite`, `open`";
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn a_second_factor_is_required_only_where_one_is_taken() {
    use hallpass_issuer::factors::required::RequireMfa;
    for (login, wanted) in [
        ("", RequireMfa::Admins),
        ("login.require_mfa = \"off\"", RequireMfa::Off),
        ("login.require_mfa = \"all\"", RequireMfa::All),
        ("login = { totp = false, passkey = false }", RequireMfa::Off),
        (
            "login = { totp = false, require_mfa = \"all\" }",
            RequireMfa::All,
        ),
    ] {
        let settings = read(&format!("{login}\n{LEAST}"), &[]).unwrap();
        assert_eq!(settings.login.require_mfa, wanted, "{login}");
    }
    for (login, words) in [
        (
            "login = { totp = false, passkey = false, require_mfa = \"all\" }",
            "every one of them is switched off",
        ),
        (
            "login.require_mfa = \"some\"",
            "expected one of `off`, `admins`, `all`",
        ),
        ("login.require_mfaa = \"all\"", "require_mfa"),
    ] {
        let error = read(&format!("{login}\n{LEAST}"), &[])
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn passkeys_are_on_where_they_can_be() {
    for (url, login, id) in [
        ("https://id.example.com", "", Some("id.example.com")),
        (
            "https://id.example.com",
            "login.passkey = true",
            Some("id.example.com"),
        ),
        ("https://id.example.com", "login.passkey = false", None),
        ("http://localhost:8443", "", Some("localhost")),
        ("http://127.0.0.1:8443", "", None),
        ("https://192.0.2.7", "", None),
    ] {
        let toml = format!("public_url = \"{url}\"\ntls.mode = \"off\"\n{login}");
        let settings = read(&toml, &[]).unwrap();
        let found = settings.passkeys.as_ref().map(|found| found.id.as_str());
        assert_eq!(found, id, "{url} {login}");
    }
}

#[test]
fn a_list_of_passwords_is_read_and_a_useless_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let toml = format!("{LEAST}login.password_blocklist_file = \"list.txt\"\n");
    let settings = || read_in(folder.path(), &toml, &[], None);
    let list = folder.path().join("list.txt");
    let text = settings().unwrap_err().to_string();
    assert!(
        text.contains("list.txt") && text.contains("cannot be read"),
        "{text}"
    );
    for useless in ["", "\n\n", "secret\n123456\n"] {
        std::fs::write(&list, useless).unwrap();
        let error = settings().unwrap_err();
        assert!(
            error.to_string().contains("without a password of 12"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("one password in each line"));
    }
    std::fs::write(&list, "secret\ncorrect horse battery\n").unwrap();
    let settings = settings().unwrap();
    assert!(
        settings
            .password_blocklist
            .contains("correct horse battery")
    );
    let shown = settings.effective();
    assert!(
        shown.contains("list.txt") && !shown.contains("horse"),
        "{shown}"
    );
}
