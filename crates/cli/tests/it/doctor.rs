//! `hallpass doctor`: it tries things, says what to do, and its report can be shown to others.

use serde_json::Value;

use crate::hallpass::Home;
use crate::server::Server;
use crate::story::sign_in;

fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["id"] == id);
    found.unwrap_or_else(|| panic!("no {id}: {report:#}"))
}

#[test]
fn c_49_where_all_is_well_it_says_so_and_its_report_holds_nothing_secret() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    let ran = sign_in(&home, &["--issuer", &issuer, "--client-id", "cli"]);
    assert_eq!(ran.code, 0, "{ran}");
    let token = home.run(&["token"]).stdout;
    let mut command = home.command(&["doctor", "--json", "--report", "report.json"]);
    command
        .env("HALLPASS_LOG", "canary-value")
        .env("HTTPS_PROXY", "")
        .env("HOME", home.path(""));
    let ran = crate::hallpass::Ran::from(command.output().unwrap());
    let report = ran.json();
    assert_eq!((ran.code, &report["ok"]), (0, &true.into()), "{report:#}");
    for id in [
        "config",
        "permissions",
        "profile",
        "store",
        "lock",
        "session",
        "server",
        "clock.skew",
        "loopback.ipv4",
        "server.device",
    ] {
        assert_eq!(check(&report, id)["status"], "pass", "{id}: {report:#}");
    }
    assert!(
        report["variables"]
            .as_array()
            .unwrap()
            .contains(&"HALLPASS_LOG".into())
    );
    let written = std::fs::read_to_string(home.path("report.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), report);
    let secrets = [
        token.trim(),
        "canary-value",
        home.path("").to_str().unwrap().trim_end_matches('/'),
    ]
    .map(str::to_owned);
    for secret in secrets {
        assert!(!written.contains(&secret), "{secret}: {written}");
    }
    // It leaves no session behind, and the one that was there as it was.
    assert_eq!(home.run(&["token"]).stdout, token);
    let all = home.run(&["whoami", "--all", "--json"]).json();
    assert_eq!(all["other_sessions"].as_array().unwrap().len(), 0, "{all}");
}

#[test]
fn what_is_broken_is_named_with_what_to_do() {
    let home = Home::new();
    home.write(
        "config.toml",
        "[profile.default]\nissuer = \"http://127.0.0.1:1/x\"\nclient_id = \"c\"\n",
    );
    let ran = home.run(&["doctor", "--json"]);
    assert_eq!(ran.code, 1, "{ran}");
    let server = check(&ran.json(), "server").clone();
    assert_eq!(server["status"], "fail");
    assert!(
        server["value"].as_str().unwrap().contains("cannot reach"),
        "{server}"
    );

    home.write("config.toml", "[profile.default]\nisuer = \"x\"\n");
    let ran = home.run(&["doctor", "--json"]);
    let config = check(&ran.json(), "config").clone();
    assert_eq!(
        (ran.code, &config["status"]),
        (1, &"fail".into()),
        "{config}"
    );
    assert_eq!(config["hint"], "did you mean `issuer`?");
}

#[cfg(unix)]
#[test]
fn permissions_that_are_too_wide_are_mended_when_asked() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.write("config.toml", "[profile.default]\n");
    let mode =
        |mode| std::fs::set_permissions(home.path("config.toml"), PermissionsExt::from_mode(mode));
    mode(0o666).unwrap();
    let ran = home.run(&["doctor", "--json"]);
    let found = check(&ran.json(), "permissions").clone();
    assert_eq!((ran.code, &found["status"]), (1, &"fail".into()), "{found}");
    assert_eq!(found["hint"], "run `hallpass doctor --fix`");
    assert_eq!(home.run(&["doctor", "--fix"]).code, 0);
    let mended = std::fs::metadata(home.path("config.toml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mended & 0o777, 0o644);
    assert_eq!(
        check(&home.run(&["doctor", "--json"]).json(), "permissions")["status"],
        "pass"
    );
}
