//! Operators replace their location file every week, while `hallpass serve` runs: a new one counts from
//! SIGHUP on, and one that cannot be used leaves the old one.

use std::path::Path;

use hallpass_testing::Person;
use hallpass_testing::location_file::{LocationFile, Value};

use crate::production::{Database, PASSWORD, Production};

/// A file that puts the person's network there.
fn at(place: &str) -> Vec<u8> {
    let record = Value::place(&[("en", place)], &[("en", "Germany")]);
    let file = LocationFile::of_kind("GeoLite2-City");
    file.with("192.0.2.0/24", record).bytes()
}

/// Moves a new file to the place of the old one, as programs do that fetch one.
fn replace(server: &Production, bytes: &[u8]) {
    let new = server.home.path("new.mmdb");
    std::fs::write(&new, bytes).unwrap();
    std::fs::rename(&new, server.home.path("places.mmdb")).unwrap();
}

/// Sends SIGHUP; what the server says of it, up to a line with this in it.
async fn reload(server: &Production, until: &str) -> String {
    let heard = server.log().len();
    server.signal("HUP");
    server.wait_for_log(heard, until).await
}

async fn shows(person: &Person, place: &str) -> bool {
    let page = person.open("/account").await;
    assert_eq!(page.status, 200);
    page.body.contains(&format!("about <bdi>{place}, Germany"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_location_file_counts_from_the_reload_on() {
    let mut server = Production::prepare(Database::File, &["ada"]);
    let settings = server.settings();
    let trusted = "trusted_proxies = [\"127.0.0.0/8\", \"::1\"]\n";
    let with_file = format!("{trusted}{settings}[geo]\nmmdb = \"places.mmdb\"\n");
    server.configure(&with_file);
    replace(&server, &at("Munich"));
    server.start_again();
    assert!(server.log().contains("geo.loaded"), "{}", server.log());
    let person = Person::sending(&server.url, &[("x-forwarded-for", "192.0.2.7")]);
    let page = person.open("/login").await;
    let fields = [("username", "ada"), ("password", PASSWORD)];
    person.submit(&page, &fields).await;
    assert!(shows(&person, "Munich").await);

    // Whatever happens to the file, nobody looks at it before they are told.
    replace(&server, &at("Hamburg"));
    assert!(shows(&person, "Munich").await);
    std::fs::remove_file(server.home.path("places.mmdb")).unwrap();
    assert!(shows(&person, "Munich").await);
    replace(&server, &at("Hamburg"));
    let said = reload(&server, "config.loaded").await;
    assert!(
        said.contains("geo.loaded") && said.contains("GeoLite2-City"),
        "{said}"
    );
    assert!(shows(&person, "Hamburg").await);

    // A file that cannot be used: the old one stays, and the log says which and why.
    let whole = at("Berlin");
    let half: Vec<u8> = whole.iter().copied().take(whole.len() / 2).collect();
    let asn = Value::map([("autonomous_system_number", Value::U32(64_496))]);
    let asn = LocationFile::of_kind("GeoLite2-ASN").with("192.0.2.0/24", asn);
    let place = server.home.path("places.mmdb").display().to_string();
    for (bytes, problem) in [
        (half, "is no whole file in the MaxMind DB format"),
        (asn.bytes(), "its type is `GeoLite2-ASN`"),
    ] {
        replace(&server, &bytes);
        is_refused(&server, &place, problem).await;
        assert!(shows(&person, "Hamburg").await, "{problem}");
    }
    std::fs::remove_file(Path::new(&place)).unwrap();
    is_refused(&server, &place, "cannot be read").await;
    assert!(shows(&person, "Hamburg").await);

    // The next try counts, and without the setting addresses are bare.
    replace(&server, &whole);
    reload(&server, "config.loaded").await;
    assert!(shows(&person, "Berlin").await);
    server.configure(&format!("{trusted}{settings}"));
    reload(&server, "config.loaded").await;
    assert!(!shows(&person, "Berlin").await);
    server.signal("TERM");
    assert_eq!(server.end().code(), Some(0), "{}", server.log());
}

/// Tells the server, which says which file it cannot use and why.
async fn is_refused(server: &Production, file: &str, problem: &str) {
    let said = reload(server, "config.refused").await;
    let line = said.lines().find(|line| line.contains("config.refused"));
    let line = line.unwrap();
    for piece in ["geo.mmdb", file, problem, "the settings stay as they were"] {
        assert!(line.contains(piece), "{piece}: {line}");
    }
}

#[test]
fn config_check_reads_the_location_file_as_a_start_would() {
    let server = Production::prepare(Database::File, &[]);
    let settings = server.settings();
    server.configure(&format!("{settings}[geo]\nmmdb = \"places.mmdb\"\n"));
    let config = server.home.path("server.toml").display().to_string();
    let check = || {
        let words = ["admin", "config", "check", "--config", &config];
        let output = server.home.hallpass(&words).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said)
    };
    let (code, said) = check();
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("geo.mmdb") && said.contains("hint:"),
        "{said}"
    );
    replace(&server, &at("Munich"));
    assert_eq!(check().0, Some(0));
    replace(&server, b"<html>404</html>");
    let (code, said) = check();
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("fetch it again"), "{said}");
}
