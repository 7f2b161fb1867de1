//! `hallpass serve --dev`: starts, says that it is ready, stops, or says why it does not start.

use crate::hallpass::Home;
use crate::server::Server;

#[test]
fn the_ready_line_names_url_issuer_and_a_login_command() {
    let home = Home::new();
    let server = Server::start(&home);
    let url = server.ready["url"].as_str().unwrap();
    assert!(url.starts_with("http://localhost:"), "{url}");
    assert_eq!(server.issuer(), format!("{url}/default"));
    let command = server.ready["login"].as_str().unwrap();
    let words = format!("hallpass login --issuer {url}/default --client-id my-cli");
    assert_eq!(command, words);
}

#[cfg(unix)]
#[test]
fn sigterm_ends_it_with_0() {
    let home = Home::new();
    assert_eq!(Server::start(&home).terminate(), Some(0));
}

#[test]
fn a_port_in_use_is_one_sentence_and_a_hint() {
    let home = Home::new();
    let server = Server::start(&home);
    let ran = home.run(&["serve", "--dev", "--port", &server.port()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran}");
    assert!(
        ran.stderr.starts_with("hallpass: cannot listen on "),
        "{ran}"
    );
    assert!(ran.stderr.contains("in use\n  hint: "), "{ran}");
    assert_eq!(ran.stderr.lines().count(), 2, "{ran}");
}

#[test]
fn a_bad_or_unreadable_config_is_a_configuration_error() {
    let home = Home::new();
    home.write("bad.json", "{\"interactiveLogin\": ");
    home.write("bad.toml", "[server\n");
    home.write("config.yaml", "a: b\n");
    for file in ["bad.json", "bad.toml", "config.yaml", "absent.json", "."] {
        let ran = home.run(&["serve", "--dev", "--port", "0", "--config", file]);
        assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{file}: {ran}");
        assert!(ran.stderr.starts_with("hallpass: "), "{file}: {ran}");
        assert!(ran.stderr.contains("\n  hint: "), "{file}: {ran}");
        let ran = home.run(&["serve", "--dev", "--json", "--config", file]);
        assert_eq!(ran.error()["error"]["code"], "config");
    }
}

#[test]
fn a_database_and_dev_mode_exclude_each_other() {
    let ran = Home::new().run(&["serve", "--dev", "--port", "0", "--database", "sqlite:x.db"]);
    assert_eq!(ran.code, 5, "{ran}");
}
