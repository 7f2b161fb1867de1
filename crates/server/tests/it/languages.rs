//! Pages and mails in the language of whoever reads them: OIDC Core §3.1.2.1 (`ui_locales`), RFC 9110
//! §12.5.4, and what hostile headers, cookies and forms come to.

use hallpass_server::accounts::{NewAccount, Role};
use hallpass_testing::person::{CHALLENGE, Form, REDIRECT_URI, forms};
use hallpass_testing::{Answer, Person, TestServer};

use crate::accounts::{PASSWORD, is_in, log_in};

const SIGN_IN: [(&str, &str); 4] = [
    ("en", "Sign in to "),
    ("de", " anmelden</h1>"),
    ("fr", "Se connecter à "),
    ("es", "Iniciar sesión en "),
];

/// The language of a page, as its text, its markup and its header say.
fn language(answer: &Answer) -> &'static str {
    let is_of = |(tag, words): &&(&str, &str)| {
        answer.body.contains(&format!("<html lang=\"{tag}\"")) && answer.body.contains(words)
    };
    let found = SIGN_IN.iter().find(is_of);
    let (tag, _) = found.unwrap_or_else(|| panic!("no language: {}", answer.body));
    assert_eq!(answer.header("content-language"), *tag);
    assert_eq!(answer.header("vary"), "Accept-Language, Cookie");
    tag
}

async fn ask(server: &TestServer, path: &str, accepts: &str) -> Answer {
    let request = server.http().get(server.url(path));
    server
        .send(request.header("accept-language", accepts))
        .await
}

/// Presses a language at the foot of a page that was opened at `path`.
async fn choose(person: &Person, path: &str, tag: &str) -> Answer {
    let switch = Form {
        action: path.to_owned(),
        ..Form::default()
    };
    person.submit_form(&switch, &[("language", tag)]).await
}

fn authorization(extra: &str) -> String {
    format!(
        "/oauth2/authorize?response_type=code&client_id=cli&scope=openid&state=s&redirect_uri={}\
         &code_challenge={CHALLENGE}&code_challenge_method=S256{extra}",
        REDIRECT_URI.replace(':', "%3A").replace('/', "%2F")
    )
}

#[tokio::test]
async fn a_page_comes_in_the_language_that_the_browser_asks_for() {
    let server = TestServer::production("").await;
    for (accepts, expected) in [
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("fr", "fr"),
        ("es-419, *;q=0.1", "es"),
        ("zh-Hant, ja;q=0.9", "en"),
        ("*", "en"),
        ("de;q=nan, fr;q=0.2", "fr"),
    ] {
        let page = ask(&server, "/login", accepts).await;
        assert_eq!(language(&page), expected, "{accepts}");
    }
    assert_eq!(language(&server.get("/login").await), "en");
}

#[tokio::test]
async fn the_operator_names_the_language_for_everybody_else() {
    let server = TestServer::production("[branding]\nlanguage = \"fr\"").await;
    for (accepts, expected) in [
        ("ja", "fr"),
        ("*", "fr"),
        ("de;q=0.5, *;q=0.6", "fr"),
        ("de", "de"),
    ] {
        let page = ask(&server, "/login", accepts).await;
        assert_eq!(language(&page), expected, "{accepts}");
    }
}

#[tokio::test]
async fn a_client_asks_for_a_language_and_unknown_ones_are_skipped() {
    let server = TestServer::production("").await;
    for (wanted, expected) in [
        ("fr-CA+fr+en", "fr"),
        ("tlh+x-klingon+de", "de"),
        ("zh-Hant", "es"),
        ("%3Cscript%3Ealert(1)%3C%2Fscript%3E", "es"),
    ] {
        let page = ask(
            &server,
            &authorization(&format!("&ui_locales={wanted}")),
            "es",
        )
        .await;
        assert_eq!(language(&page), expected, "{wanted}");
        assert!(!page.body.contains("<script>"), "{wanted}");
    }
    // A parameter that stands twice is none; the refusal is a page like any other.
    let twice = authorization("&ui_locales=fr&ui_locales=de");
    let page = ask(&server, &twice, "es").await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("<html lang=\"es\">"));
    let metadata = server.get("/.well-known/openid-configuration").await.json();
    assert_eq!(
        metadata["ui_locales_supported"],
        serde_json::json!(["en", "de", "fr", "es"])
    );
}

#[tokio::test]
async fn a_pushed_request_brings_its_language_and_the_person_may_choose_another() {
    let server = TestServer::production("").await;
    let pushed = [
        ("client_id", "cli"),
        ("response_type", "code"),
        ("scope", "openid"),
        ("redirect_uri", REDIRECT_URI),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("ui_locales", "fr"),
    ];
    let answer = server.post("/oauth2/par", &pushed).await;
    let uri = answer.member("request_uri").replace(':', "%3A");
    let path = format!("/oauth2/authorize?client_id=cli&request_uri={uri}");
    let person = server.person_with_account("ada", PASSWORD).await;
    assert_eq!(language(&person.open(&path).await), "fr");
    let page = choose(&person, &path, "de").await;
    assert_eq!(language(&page), "de");
    // It stays so on the pages that follow.
    let wrong = [("username", "ada"), ("password", "wrong password")];
    let page = person.submit(&page, &wrong).await;
    assert_eq!(page.status, 422);
    assert_eq!(language(&page), "de");
    assert!(page.body.contains("gehören nicht zusammen"));
}

#[tokio::test]
async fn a_choice_is_kept_in_a_cookie_and_leads_back_to_the_page() {
    let server = TestServer::production("").await;
    let person = server.person();
    let path = authorization("&ui_locales=es");
    assert_eq!(language(&person.open(&path).await), "es");
    let page = choose(&person, &path, "de").await;
    assert_eq!(language(&page), "de");
    assert!(page.body.contains("state=s"), "the request is the same one");
    assert_eq!(person.cookies()["__Host-hp_l"], "de");
    assert_eq!(language(&person.open("/login").await), "de");
    // Where the address of a page shows none, the account is shown.
    let page = choose(&person, "/account/sessions", "fr").await;
    assert_eq!(language(&page), "fr");
    assert_eq!(forms(&page.body)[0].action, "/account");
}

#[tokio::test]
async fn what_is_no_choice_changes_nothing() {
    let server = TestServer::production("").await;
    let post = |fields: &'static [(&'static str, &'static str)]| {
        let request = server.http().post(server.url("/login"));
        request.form(fields)
    };
    for fields in [
        &[("language", "xx")][..],
        &[("language", "de-DE")],
        &[("language", "de\r\nset-cookie: a=b")],
        &[("language", "de"), ("language", "fr")],
        &[("language", "de"), ("username", "ada")],
        &[("language", "")],
    ] {
        let answer = server.send(post(fields)).await;
        assert_ne!(answer.status, 303, "{fields:?}");
        let cookies = answer.headers.get_all("set-cookie").iter();
        let text: String = cookies.map(|value| value.to_str().unwrap()).collect();
        assert!(!text.contains("hp_l"), "{fields:?}: {text}");
    }
    let foreign = post(&[("language", "de")]).header("sec-fetch-site", "cross-site");
    assert_ne!(server.send(foreign).await.status, 303);
    // A redirect that leaves the server is never made of what was asked for.
    for path in [
        "//evil.test/login",
        "/login?//evil.test",
        "/\\evil.test/login",
    ] {
        let request = server.http().post(server.url(path));
        let answer = server.send(request.form(&[("language", "de")])).await;
        if answer.status == 303 {
            assert!(answer.header("location").starts_with("/login"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_cookie_that_is_none_of_ours_is_not_looked_at() {
    let server = TestServer::production("").await;
    for value in ["xx", "DE", "de-DE", "\"><script>", "", "de fr"] {
        let request = server.http().get(server.url("/login"));
        let request = request.header("cookie", format!("__Host-hp_l={value}"));
        let page = server.send(request.header("accept-language", "fr")).await;
        assert_eq!(language(&page), "fr", "{value}");
        assert!(!page.body.contains("<script>"), "{value}");
    }
    let request = server.http().get(server.url("/login"));
    let page = server
        .send(request.header("cookie", "__Host-hp_l=de"))
        .await;
    assert_eq!(language(&page), "de");
}

#[tokio::test]
async fn s_140_a_long_list_of_languages_costs_no_more_than_a_short_one() {
    let server = TestServer::production("").await;
    let long = format!("de,{}", "x-a;q=0.1,".repeat(300));
    assert_eq!(language(&ask(&server, "/login", &long).await), "de");
    let huge = "fr,".repeat(350_000);
    // More than a connection takes: it is refused before anything is looked at.
    let request = server.http().get(server.url("/login"));
    let sent = request.header("accept-language", huge).send().await;
    if let Ok(answer) = sent {
        assert_eq!(answer.status(), 431);
    }
    assert_eq!(
        language(&server.get("/login").await),
        "en",
        "it still answers"
    );
}

#[tokio::test]
async fn machines_are_answered_in_english_whatever_they_accept() {
    let server = TestServer::production("").await;
    let form = [
        ("grant_type", "nonsense"),
        ("client_id", "cli"),
        ("ui_locales", "de"),
    ];
    let request = server.http().post(server.url("/oauth2/token"));
    let request = request.header("accept-language", "de").form(&form);
    let answer = server.send(request).await;
    assert_eq!(answer.json()["error"], "unsupported_grant_type");
    assert!(answer.headers.get("content-language").is_none());
    assert!(!answer.body.contains("nicht"), "{}", answer.body);
}

#[tokio::test]
async fn every_page_of_an_account_speaks_the_language_of_its_person() {
    let server = TestServer::production("").await;
    for (tag, words) in [
        (
            "de",
            [
                "Ihr Konto",
                "Anmeldeverlauf",
                "Passwort ändern",
                "Ihr Konto löschen?",
            ],
        ),
        (
            "fr",
            [
                "Votre compte",
                "Historique des connexions",
                "Changer le mot de passe",
                "Supprimer votre compte",
            ],
        ),
        (
            "es",
            [
                "Su cuenta",
                "Historial de inicios de sesión",
                "Cambiar la contraseña",
                "¿Eliminar su cuenta?",
            ],
        ),
    ] {
        let person = server.person_with_account(tag, PASSWORD).await;
        assert!(is_in(&log_in(&person, tag, PASSWORD).await));
        choose(&person, "/account", tag).await;
        let pages = ["", "/history", "/password", "/delete"];
        for (path, heading) in pages.into_iter().zip(words) {
            let page = person.open(&format!("/account{path}")).await;
            assert_eq!(page.status, 200, "{path}");
            assert!(
                page.body.contains(&format!("<html lang=\"{tag}\">")),
                "{path}"
            );
            assert!(
                page.body.contains(&format!("<h1>{heading}")),
                "{tag} {path}"
            );
        }
        // The choice is noted with the account, for mails.
        let account = server.accounts().find(tag).await.unwrap();
        assert_eq!(account.locale.as_deref(), Some(tag));
    }
}

#[tokio::test]
async fn the_consent_page_leads_to_the_account_where_there_is_one() {
    let server = TestServer::production_asking("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    let page = person.open(&authorization("&ui_locales=de")).await;
    assert!(page.body.contains("Ihr Konto verwenden?"), "{}", page.body);
    assert!(page.body.contains("<a href=\"/account\">Ihrem Konto</a>"));
}

/// A `sendmail` that keeps each mail as a file.
#[cfg(unix)]
pub(crate) fn mailbox() -> (tempfile::TempDir, String) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("sendmail");
    let kept = folder.path().join("kept");
    std::fs::create_dir(&kept).unwrap();
    let script = format!(
        "#!/bin/sh\nf=$(mktemp -p {0} .XXXXXX)\ncat > \"$f\" && mv \"$f\" {0}/mail-$$\n",
        kept.display()
    );
    std::fs::write(&program, script).unwrap();
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, mode).unwrap();
    let toml = format!(
        "[branding]\nname = \"Example\"\nlanguage = \"es\"\n[email]\ntransport = \"sendmail\"\n\
         from = \"id@example.com\"\ncommand = \"{}\"\n",
        program.display()
    );
    (folder, toml)
}

/// The next mail that arrives, decoded as far as its words need.
#[cfg(unix)]
pub(crate) async fn next_mail(folder: &tempfile::TempDir) -> String {
    let kept = folder.path().join("kept");
    for _ in 0..500 {
        for entry in std::fs::read_dir(&kept).unwrap() {
            let path = entry.unwrap().path();
            if path
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("mail-")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                std::fs::remove_file(path).unwrap();
                return text.replace("=\r\n", "").replace("=\n", "");
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no mail");
}

#[cfg(unix)]
#[tokio::test]
async fn a_mail_comes_in_the_language_of_the_account_then_of_the_page_then_of_the_server() {
    let (folder, toml) = mailbox();
    let server = TestServer::production(&toml).await;
    let new = |name: &str, locale: Option<&str>| NewAccount {
        username: name.to_owned(),
        email: Some(format!("{name}@example.com")),
        display_name: None,
        role: Role::User,
        locale: locale.map(str::to_owned),
    };
    let accounts = server.accounts();
    accounts.invite(new("ada", None)).await.unwrap();
    let mail = next_mail(&folder).await;
    assert!(
        mail.contains("<html lang=3D\"es\">"),
        "the server's: {mail}"
    );
    accounts.invite(new("grace", Some("fr"))).await.unwrap();
    let mail = next_mail(&folder).await;
    assert!(mail.contains("Subject: Votre compte Example"), "{mail}");
    assert!(
        mail.contains("<html lang=3D\"fr\">"),
        "the account's: {mail}"
    );
    for (name, expected) in [("ada", "de"), ("grace", "fr")] {
        let person = server.person();
        choose(&person, "/login/recover", "de").await;
        let page = person.open("/login/recover").await;
        let sent = person.submit(&page, &[("username", name)]).await;
        assert!(sent.body.contains("Sehen Sie in Ihre E-Mails"), "{name}");
        assert!(!sent.body.contains("name=\"language\""), "{name}");
        let mail = next_mail(&folder).await;
        let mark = format!("<html lang=3D\"{expected}\">");
        assert!(mail.contains(&mark), "{name}: {mail}");
    }
}

#[tokio::test]
async fn the_page_without_a_switch_has_none_and_the_others_one() {
    let server = TestServer::production("").await;
    let has_switch = |page: &Answer| page.body.contains("<form class=\"languages\"");
    assert!(has_switch(&server.get("/login").await));
    assert!(has_switch(&server.get("/device").await));
    assert!(has_switch(
        &server.get(&authorization("&response_type=x")).await
    ));
    let lost = server.get("/nowhere").await;
    assert_eq!(lost.status, 404);
    assert!(!has_switch(&lost));
    // It is a form of its own: nothing of the page's goes along.
    let page = server.get("/login").await;
    let forms = forms(&page.body);
    let switch = forms.iter().find(|form| form.action.is_empty());
    assert_eq!(switch.map(|form| form.hidden.len()), Some(0));
}
