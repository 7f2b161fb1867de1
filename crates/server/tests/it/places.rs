//! `[geo] mmdb`: the operator's location file says where an address is, on pages that people read. The
//! proxy that says from where a request comes is the test.

use std::path::Path;

use hallpass_server::{Server, SettingsError, StartError};
use hallpass_testing::location_file::{LocationFile, Value};
use hallpass_testing::person::{CHALLENGE, REDIRECT_URI, VERIFIER};
use hallpass_testing::server::production_settings;
use hallpass_testing::{Answer, Person, TestServer};

use crate::accounts::{PASSWORD, code, fill_in, log_in};

/// Addresses of the file that the tests write.
const MUNICH: &str = "192.0.2.7";
const LAGOS: &str = "198.51.100.9";
const SPAIN: &str = "2001:db8::9";
/// One that it does not know.
const UNKNOWN: &str = "203.0.113.9";

const TRUSTED: &str = "trusted_proxies = [\"127.0.0.0/8\"]\n";

/// Settings that name a location file in a folder.
fn naming(file: &[u8], folder: &Path) -> String {
    let path = folder.join("places.mmdb");
    std::fs::write(&path, file).unwrap();
    format!("[geo]\nmmdb = \"{}\"\n", path.display())
}

/// A server with a location file, and with one account. The file is read at the start and may go then.
async fn server(file: &LocationFile, beginning: &str) -> TestServer {
    let folder = tempfile::tempdir().unwrap();
    let geo = naming(&file.bytes(), folder.path());
    let server = TestServer::production(&format!("{beginning}{geo}")).await;
    server.person_with_account("ada", PASSWORD).await;
    server
}

fn person(server: &TestServer, from: &str, language: &str) -> Person {
    let headers = [("x-forwarded-for", from), ("accept-language", language)];
    Person::sending(&server.url(""), &headers)
}

/// The page that shows who asks for a device's access, to somebody elsewhere.
async fn confirmation(server: &TestServer, device: &str, person: &Person) -> Answer {
    let request = server
        .http()
        .post(server.url("/oauth2/device_authorization"));
    let request = request.header("x-forwarded-for", device);
    let started = server.send(request.form(&[("client_id", "cli")])).await;
    let entry = person.open("/device").await;
    let code = started.member("user_code");
    let next = person.submit(&entry, &[("user_code", &code)]).await;
    let page = fill_in(person, &next, "ada", PASSWORD).await;
    assert!(page.body.contains("value=\"approve\""), "{}", page.body);
    page
}

fn shows(page: &Answer, piece: &str) -> bool {
    page.body.contains(piece)
}

#[track_caller]
fn assert_shows(page: &Answer, pieces: &[&str]) {
    for piece in pieces {
        assert!(shows(page, piece), "{piece}: {}", page.body);
    }
}

#[tokio::test]
async fn s_13_the_confirmation_shows_both_places_in_the_language_of_the_page() {
    let server = server(&LocationFile::example(), TRUSTED).await;
    for (language, pieces) in [
        (
            "en",
            [
                "about <bdi>Lagos, Nigeria</bdi>",
                "yours: about <bdi>Munich, Germany</bdi>",
            ],
        ),
        (
            "de",
            [
                "ungefähr <bdi>Lagos, Nigeria</bdi>",
                "Ihres: ungefähr <bdi>München, Deutschland</bdi>",
            ],
        ),
        (
            "fr",
            [
                "approximativement <bdi>Lagos, Nigéria</bdi>",
                "<bdi>Munich, Allemagne</bdi>",
            ],
        ),
        (
            "es",
            [
                "aproximadamente <bdi>Lagos, Nigeria</bdi>",
                "<bdi>Múnich, Alemania</bdi>",
            ],
        ),
    ] {
        let person = person(&server, MUNICH, language);
        let page = confirmation(&server, LAGOS, &person).await;
        assert_shows(&page, &pieces);
        assert_shows(&page, &[LAGOS, "class=\"note stop\""]);
        // The warning says it first, where the eye is.
        let warning = page.body.split("</div></div>").next().unwrap();
        assert!(warning.contains("<b><bdi>Lagos, Nig"), "{warning}");
    }
}

#[tokio::test]
async fn s_13_the_browsers_place_is_shown_where_it_is_to_be_compared() {
    let server = server(&LocationFile::example(), TRUSTED).await;
    let warned = "The request: about <b><bdi>Lagos, Nigeria</bdi></b>. You: about <b><bdi>Munich, Germany</bdi></b>.";
    for (device, browser, shown, not_shown) in [
        // Another network of the same family; of the other one; an address as two sockets name it.
        (
            LAGOS,
            MUNICH,
            &["about <bdi>Lagos, Nigeria", "yours: about", warned][..],
            &[][..],
        ),
        (
            SPAIN,
            MUNICH,
            &["about <bdi>Spain</bdi>", "yours: about <bdi>Munich"],
            &["The request: about"],
        ),
        (
            "::ffff:198.51.100.9",
            "::ffff:192.0.2.7",
            &[warned, "yours: about <bdi>Munich"],
            &[],
        ),
        // The same network has one place.
        (
            MUNICH,
            MUNICH,
            &["about <bdi>Munich, Germany"],
            &["yours: about"],
        ),
        // Beside nothing there is nothing to compare.
        (
            UNKNOWN,
            MUNICH,
            &[UNKNOWN],
            &["about <bdi>", "yours: about"],
        ),
        (
            "10.0.0.9",
            MUNICH,
            &["10.0.0.9"],
            &["about <bdi>", "yours: about"],
        ),
        (LAGOS, UNKNOWN, &["about <bdi>Lagos"], &["yours: about"]),
        (LAGOS, "10.0.0.9", &["about <bdi>Lagos"], &["yours: about"]),
    ] {
        let page = confirmation(&server, device, &person(&server, browser, "en")).await;
        assert_shows(&page, shown);
        for piece in not_shown {
            assert!(!shows(&page, piece), "{device} {browser}: {}", page.body);
        }
    }
}

#[tokio::test]
async fn s_270_a_header_of_nobody_we_trust_is_no_place() {
    let server = server(&LocationFile::example(), "").await;
    let page = confirmation(&server, LAGOS, &person(&server, MUNICH, "en")).await;
    for piece in ["Lagos", "Munich"] {
        assert!(!shows(&page, piece), "{}", page.body);
    }
}

/// Two networks of one city are two networks, and one network is one, wherever a file puts it.
#[tokio::test]
async fn s_249_s_270_places_decide_nothing() {
    let near = Value::place(&[("en", "Berlin")], &[("en", "Germany")]);
    let file = LocationFile::of_kind("X").with("192.0.2.0/24", near);
    let server = server(&file, TRUSTED).await;
    let ada = person(&server, MUNICH, "en");
    let page = confirmation(&server, "192.0.2.200", &ada).await;
    assert_shows(&page, &["Different from yours", "class=\"note stop\""]);
    // A warning with one place twice would say nothing.
    assert!(!shows(&page, "The request: about"), "{}", page.body);
    let told = server.audited_as("device.approved").await;
    assert!(told.is_empty());
    let approve = [("action", "approve"), ("confirm", "on")];
    person_presses(&ada, &page, &approve).await;
    assert!(
        server
            .has_audited(&["device.approved", "\"different\""])
            .await
    );
    assert!(!server.has_audited(&["Berlin"]).await);
    let same = person(&server, MUNICH, "en");
    let page = confirmation(&server, MUNICH, &same).await;
    assert_shows(&page, &["Same as yours", "about <bdi>Berlin, Germany"]);
}

async fn person_presses(person: &Person, page: &Answer, fields: &[(&str, &str)]) {
    let answer = person.submit(page, fields).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn s_275_the_warning_shows_both_places() {
    let server = server(&LocationFile::example(), TRUSTED).await;
    for (language, pieces) in [
        (
            "en",
            ["about <bdi>Munich, Germany", "about <bdi>Lagos, Nigeria"],
        ),
        (
            "de",
            [
                "ungefähr <bdi>München, Deutschland",
                "ungefähr <bdi>Lagos, Nigeria",
            ],
        ),
    ] {
        let request = server.http().post(server.url("/oauth2/par")).form(&[
            ("client_id", "cli"),
            ("redirect_uri", REDIRECT_URI),
            ("response_type", "code"),
            ("scope", "openid"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let pushed = server.send(request.header("x-forwarded-for", LAGOS)).await;
        let uri = pushed.member("request_uri");
        let path = format!("/oauth2/authorize?client_id=cli&request_uri={uri}");
        let person = person(&server, MUNICH, language);
        let page = fill_in(&person, &person.open(&path).await, "ada", PASSWORD).await;
        assert_shows(&page, &pieces);
        assert_shows(&page, &[MUNICH, LAGOS]);
    }
}

#[tokio::test]
async fn s_252_the_account_shows_where_its_sessions_and_sign_ins_came_from() {
    let server = server(&LocationFile::example(), TRUSTED).await;
    let wrong = log_in(&person(&server, LAGOS, "en"), "ada", "a wrong password").await;
    assert_eq!(wrong.status, 422);
    let ada = person(&server, MUNICH, "de");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "cli"),
        ("code", &code(&ada, "ada").await),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let request = server.http().post(server.url("/oauth2/token"));
    let request = request.header("x-forwarded-for", SPAIN).form(&form);
    assert_eq!(server.send(request).await.status, 200);
    let page = ada.open("/account").await;
    // The program, and the browser that it was signed in by: their networks.
    let sessions = [
        "von <bdi>2001:db8::/48</bdi>, ungefähr <bdi>Spanien</bdi>",
        "von <bdi>192.0.2.x</bdi>, ungefähr <bdi>München, Deutschland</bdi>",
    ];
    assert_shows(&page, &sessions);
    // The history has whole addresses.
    let tries = [
        "von <bdi>198.51.100.9</bdi>, ungefähr <bdi>Lagos, Nigeria</bdi>",
        "von <bdi>192.0.2.7</bdi>, ungefähr <bdi>München, Deutschland</bdi>",
    ];
    assert_shows(&page, &tries);
    assert_shows(&ada.open("/account/history").await, &tries);
}

#[tokio::test]
async fn without_a_file_addresses_are_bare() {
    let server = TestServer::production(TRUSTED).await;
    server.person_with_account("ada", PASSWORD).await;
    let ada = person(&server, MUNICH, "en");
    let page = confirmation(&server, LAGOS, &ada).await;
    assert_shows(&page, &[LAGOS]);
    assert!(!shows(&page, "about <bdi>"), "{}", page.body);
    let page = ada.open("/account").await;
    assert_shows(&page, &["from <bdi>192.0.2.x</bdi>"]);
    assert!(!shows(&page, "about"), "{}", page.body);
}

/// The operator has the file from somebody, who has it from somebody.
#[tokio::test]
async fn a_hostile_file_writes_nothing_into_a_page() {
    let script = "<script>alert(1)</script>\"'&";
    let turned = "\u{202e}elgooG\u{2066} {account} *you*\r\n<b>\u{1b}[2J";
    let long = "ab ".repeat(3_500);
    let file = LocationFile::of_kind("X")
        .with(
            "192.0.2.0/24",
            Value::place(&[("en", turned)], &[("en", script)]),
        )
        .with(
            "198.51.100.0/24",
            Value::place(&[("en", &long)], &[("en", &long.to_uppercase())]),
        );
    let server = server(&file, TRUSTED).await;
    let ada = person(&server, MUNICH, "en");
    let confirmation = confirmation(&server, LAGOS, &ada).await;
    let account = ada.open("/account").await;
    let history = ada.open("/account/history").await;
    for page in [&confirmation, &account, &history] {
        assert_eq!(page.status, 200);
        assert!(!shows(page, "<script>alert"), "{}", page.body);
        assert!(!shows(page, "<b>\u{1b}"), "{}", page.body);
        let is_hidden = |c| matches!(c, '\u{202e}' | '\u{2066}' | '\u{1b}' | '\r');
        assert!(!page.body.contains(is_hidden), "{}", page.body);
        let cut = "elgooG {account} *you*&#60;b&#62;[2J, &#60;script&#62;alert(1)";
        assert_shows(page, &[cut]);
    }
    let names: String = "ab ".repeat(22).chars().take(64).collect();
    let shown = format!("about <bdi>{names}…, {}…</bdi>", names.to_uppercase());
    assert_shows(&confirmation, &[&shown]);
    assert!(!confirmation.body.contains(&"ab ".repeat(23)));
}

/// Starts a server with `[geo]`; why it does not start.
async fn refusal(folder: &Path, geo: &str) -> SettingsError {
    let database = format!("sqlite://{}", folder.join("hallpass.db").display());
    let settings = production_settings(geo, folder, &database);
    let checked = settings.check_files().unwrap_err();
    match Server::start(settings).await {
        Err(StartError::Settings(error)) => {
            assert_eq!(error.to_string(), checked.to_string());
            error
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_that_is_of_no_use_stops_the_start_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let whole = LocationFile::example().bytes();
    let asn = Value::map([("autonomous_system_number", Value::U32(64_496))]);
    let asn = LocationFile::of_kind("GeoLite2-ASN").with("192.0.2.0/24", asn);
    let half = whole.len() / 2;
    let broken_off = whole.get(..half).unwrap().to_vec();
    // As if it was written over from the middle on, and reached its end again.
    let mut mixed = whole.clone();
    mixed.splice(half - 300..half, [0xff; 300]);
    let damaged = "is no whole file in the MaxMind DB format";
    for (bytes, problem, hint) in [
        (broken_off, damaged, "fetch it again"),
        (mixed, damaged, "fetch it again"),
        (Vec::new(), damaged, "fetch it again"),
        (b"<html>404</html>".to_vec(), damaged, "fetch it again"),
        (asn.bytes(), "its type is `GeoLite2-ASN`", "GeoLite2-City"),
    ] {
        let geo = naming(&bytes, folder.path());
        let error = refusal(folder.path(), &geo).await;
        let said = error.to_string();
        for piece in [
            "server.toml: `geo.mmdb` names `",
            "places.mmdb`, which",
            problem,
        ] {
            assert!(said.contains(piece), "{piece}: {said}");
        }
        assert!(error.hint().unwrap().contains(hint), "{said}");
        assert_eq!(error.exit_code(), 5);
    }
    for (path, problem) in [
        (folder.path().join("nowhere.mmdb"), "cannot be read"),
        (folder.path().to_owned(), "is no file"),
        ("/dev/null".into(), "is no file"),
    ] {
        let geo = format!("[geo]\nmmdb = \"{}\"\n", path.display());
        let error = refusal(folder.path(), &geo).await;
        assert!(error.to_string().contains(problem), "{error}");
        assert!(error.hint().unwrap().contains("leave `geo.mmdb` away"));
    }
}

#[tokio::test]
async fn the_path_starts_from_the_settings_and_an_empty_one_is_none() {
    let folder = tempfile::tempdir().unwrap();
    naming(&LocationFile::example().bytes(), folder.path());
    for (geo, file) in [
        ("[geo]\nmmdb = \"places.mmdb\"\n", Some("places.mmdb")),
        ("[geo]\nmmdb = \"\"\n", None),
        ("[geo]\n", None),
    ] {
        let settings = production_settings(geo, folder.path(), "sqlite:///tmp/x.db");
        settings.check_files().unwrap();
        assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
        let path = settings.geo.as_ref().map(|geo| geo.mmdb.clone());
        assert_eq!(path, file.map(|file| folder.path().join(file)));
        let effective = settings.effective();
        assert_eq!(
            effective.contains("places.mmdb"),
            file.is_some(),
            "{effective}"
        );
    }
}
