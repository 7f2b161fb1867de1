//! `hallpass profile` and several accounts side by side.

use serde_json::json;

use crate::hallpass::{Home, Ran};
use crate::server::Server;
use crate::story::sign_in;

const ADD: [&str; 7] = [
    "profile",
    "add",
    "work",
    "--issuer",
    "https://as.test",
    "--client-id",
    "cli",
];

#[test]
fn a_profile_is_added_shown_chosen_and_removed() {
    let home = Home::new();
    let ran = home.run(
        &[
            &ADD[..],
            &["--scope", "openid", "--resource", "https://api.test"],
            &["--audience", "urn:a", "--audience", "urn:b"],
        ]
        .concat(),
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran}");
    assert_eq!(home.run(&ADD).code, 5, "it is there already");
    assert_eq!(
        home.run(&[
            "profile",
            "add",
            "b",
            "--issuer",
            "https://b.test",
            "--client-id",
            "x"
        ])
        .code,
        0
    );
    let list = home.run(&["profile", "list"]).stdout;
    assert_eq!(
        list,
        "  b     https://b.test  x  profiles.toml\n* work  https://as.test  cli  profiles.toml\n"
    );
    assert_eq!(home.run(&["profile", "default", "b"]).code, 0);
    assert_eq!(home.run(&["whoami", "--json"]).json()["profile"], "b");
    assert_eq!(home.run(&["profile", "remove", "b"]).code, 0);
    let ran = home.run(&["profile", "remove", "wrok"]);
    assert_eq!(ran.code, 5);
    assert!(ran.stderr.contains("did you mean `work`?"), "{ran}");
    // A name that is nearly one is guessed where a token is wanted, too.
    let ran = home.run(&["token", "wrok"]);
    assert!(
        ran.code == 5 && ran.stderr.contains("did you mean profile `work`?"),
        "{ran}"
    );
}

#[test]
fn a_profile_that_makes_no_sense_is_not_added() {
    let home = Home::new();
    for words in [
        &[
            "profile",
            "add",
            "a/b",
            "--issuer",
            "https://as.test",
            "--client-id",
            "c",
        ][..],
        &["profile", "add", "a"],
        &[
            "profile",
            "add",
            "a",
            "--issuer",
            "http://as.test",
            "--client-id",
            "c",
        ],
        &[
            "profile",
            "add",
            "a",
            "--issuer",
            "https://as.test",
            "--client-id",
            "c",
            "--resource",
            "x",
        ],
        &[
            "profile",
            "add",
            "x",
            "--issuer",
            "https://as.test",
            "--client-id",
            "c",
            "--audience",
            " ",
        ],
    ] {
        let ran = home.run(words);
        assert!(matches!(ran.code, 2 | 5), "{words:?}: {ran}");
    }
    assert_eq!(home.run(&["profile", "list"]).stdout, "no profiles\n");
}

#[test]
fn what_is_in_config_toml_is_the_persons_own() {
    let home = Home::new();
    home.write("config.toml", "default_profile = \"work\"\n[profile.work]\nissuer = \"https://a.test\"\nclient_id = \"c\"\n");
    for words in [&ADD[..], &["profile", "remove", "work"]] {
        let ran = home.run(words);
        assert_eq!(ran.code, 5, "{ran}");
        assert!(ran.stderr.contains("config.toml"), "{ran}");
    }
    home.run(&[
        "profile",
        "add",
        "b",
        "--issuer",
        "https://b.test",
        "--client-id",
        "x",
    ]);
    let ran = home.run(&["profile", "default", "b"]);
    assert!(
        ran.stderr.contains("write `default_profile = \"b\"` there"),
        "{ran}"
    );
}

#[test]
fn show_says_who_said_what() {
    let home = Home::new();
    home.write(
        "config.toml",
        "[defaults]\nmin_validity = \"2m\"\n[profile.work]\nissuer = \"https://a.test\"\nclient_id = \"c\"\nstore = \"file\"\n",
    );
    home.write(
        "sub/.hallpass.toml",
        "profile = \"work\"\nscopes = [\"openid\"]\n",
    );
    let mut command = home.command(&["profile", "show", "--origin", "--json", "--store", "memory"]);
    command
        .env("HALLPASS_CLIENT_ID", "other")
        .env("HALLPASS_FLOW", "device");
    let ran = Ran::from(command.current_dir(home.path("sub")).output().unwrap());
    let shown = ran.json();
    let config = home.path("config.toml").display().to_string();
    for (name, value, origin) in [
        ("issuer", json!("https://a.test"), config.clone()),
        (
            "client_id",
            json!("other"),
            "environment (HALLPASS_CLIENT_ID)".to_owned(),
        ),
        (
            "flow",
            json!("device"),
            "environment (HALLPASS_FLOW)".to_owned(),
        ),
        (
            "store",
            json!("memory"),
            "command line (--store)".to_owned(),
        ),
        (
            "scopes",
            json!(["openid"]),
            home.path("sub/.hallpass.toml").display().to_string(),
        ),
        ("min_validity", json!("2m"), format!("{config} [defaults]")),
        ("callback_path", json!("/callback"), "built in".to_owned()),
    ] {
        assert_eq!(shown["settings"][name], value, "{name}: {shown}");
        assert_eq!(shown["origins"][name], origin, "{name}: {shown}");
    }
}

#[test]
fn each_profile_is_an_account_of_its_own() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    for name in ["one", "two"] {
        let ran = sign_in(&home, &[name, "--issuer", &issuer, "--client-id", "cli"]);
        assert_eq!(ran.code, 0, "{ran}");
    }
    let (one, two) = (
        home.run(&["token", "one"]).stdout,
        home.run(&["token", "two"]).stdout,
    );
    assert_ne!(one, two);
    let all = home.run(&["whoami", "--all", "--json"]).json();
    let states: Vec<_> = all["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["state"])
        .collect();
    assert_eq!(states, ["valid", "valid"]);
    assert_eq!(home.run(&["logout", "one"]).code, 0);
    assert_eq!(home.run(&["token", "one"]).code, 4);
    assert_eq!(home.run(&["token", "two"]).stdout, two);

    // Somebody is signed in: the profile stays.
    assert_eq!(home.run(&["profile", "remove", "two"]).code, 5);
    let words = [
        "profile",
        "add",
        "two",
        "--issuer",
        "https://x.test",
        "--client-id",
        "x",
        "--force",
    ];
    assert_eq!(home.run(&words).code, 5);

    let text = home.run(&["logout", "two", "--everywhere"]).stderr;
    assert!(
        text.contains("other sessions: skipped, ") && text.contains("offers programs no way"),
        "{text}"
    );
    assert_eq!(home.run(&["whoami", "--all"]).code, 4);
}

#[test]
fn logout_of_all_ends_every_session_also_of_forgotten_profiles() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    for name in ["default", "gone", "kept"] {
        let ran = sign_in(&home, &[name, "--issuer", &issuer, "--client-id", "cli"]);
        assert_eq!(ran.code, 0, "{ran}");
    }
    let profiles = home.path("state/profiles.toml");
    let text = std::fs::read_to_string(&profiles)
        .unwrap()
        .replace("profile.gone", "profile.other");
    std::fs::write(&profiles, text).unwrap();
    let all = home.run(&["whoami", "--all", "--json"]).json();
    assert_eq!(all["other_sessions"][0]["profile"], "gone", "{all}");

    let out = home.run(&["logout", "--all", "--json"]).json();
    let done = out["profiles"].as_array().unwrap();
    assert_eq!(done.len(), 3, "{out}");
    for logout in done {
        let steps = logout["steps"].as_array().unwrap();
        assert!(steps.iter().all(|step| step["result"] == "ok"), "{logout}");
    }
    for name in ["default", "kept"] {
        assert_eq!(home.run(&["token", name]).code, 4);
    }
    assert_eq!(
        home.run(&["whoami", "--all", "--json"]).json()["other_sessions"],
        json!([])
    );
}

#[test]
fn settings_of_other_programs_come_without_secrets_and_commands() {
    let home = Home::new();
    let google = json!({"installed": {
        "client_id": "1.apps.test", "client_secret": "canary",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    }});
    home.write("client.json", google.to_string());
    let ran = home.run(&["profile", "import", "client.json"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr
            .contains("the client secret of `google` was left out"),
        "{ran}"
    );
    let kept = || std::fs::read_to_string(home.path("state/profiles.toml")).unwrap();
    assert!(kept().contains("https://accounts.google.com") && !kept().contains("canary"));

    let ran = home.run(&[
        "profile",
        "import",
        "client.json",
        "--with-secret",
        "--force",
    ]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        !kept().contains("canary") && kept().contains("secrets"),
        "{}",
        kept()
    );
    let secret = home.path("state/secrets/google");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "canary");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    let fragment = "[profile.x]\nissuer = \"https://x.test\"\nclient_id = \"x\"\nclient_secret = { cmd = [\"touch\", \"y\"] }\n";
    home.write("their.toml", fragment);
    let ran = home.run(&["profile", "import", "their.toml"]);
    assert_eq!(ran.code, 5, "{ran}");
    assert!(ran.stderr.contains("would run programs"), "{ran}");
    assert_eq!(
        home.run(&["profile", "import", "their.toml", "--allow-commands"])
            .code,
        0
    );
    let ran = home.run_with(&["profile", "import", "-"], "{\"users\": []}");
    assert_eq!(ran.code, 5, "{ran}");
}

#[cfg(unix)]
#[test]
fn c_80_a_browser_of_the_profile_is_started_without_a_shell() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let server = Server::start(&home);
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" >'{}.part'\nmv '{0}.part' '{0}'\n",
        home.path("opened").display()
    );
    home.write("browser", script);
    std::fs::set_permissions(home.path("browser"), PermissionsExt::from_mode(0o700)).unwrap();
    let config = format!(
        "[profile.default]\nissuer = \"{}\"\nclient_id = \"cli\"\nbrowser = [\"{}\", \"-P;touch x\", \"%u\"]\n",
        server.issuer(),
        home.path("browser").display()
    );
    home.write("config.toml", config);
    let mut command = home.command(&["login", "--browser", "--timeout", "1s"]);
    let ran = Ran::from(command.env("DISPLAY", ":0").output().unwrap());
    assert_eq!(ran.code, 6, "{ran}");
    let opened = std::fs::read_to_string(home.path("opened")).unwrap();
    let words: Vec<_> = opened.lines().collect();
    assert_eq!(words[0], "-P;touch x");
    assert!(words[1].starts_with("http") && words.len() == 2, "{opened}");
    assert!(!home.path("x").exists());
}

#[test]
fn a_trace_shows_the_exchange_without_secrets() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    home.write("secret", "canary-secret");
    let words = [
        "login",
        "robot",
        "--issuer",
        &issuer,
        "--client-id",
        "robot",
        "--flow",
        "client-credentials",
    ];
    let words = [
        &words[..],
        &["--client-secret-file", "secret", "--trace", "trace"],
    ]
    .concat();
    assert_eq!(home.run(&words).code, 0);
    let token = home.run(&["token", "robot", "--trace", "trace"]);
    let trace = std::fs::read_to_string(home.path("trace")).unwrap();
    assert!(
        !trace.contains("canary-secret") && !trace.contains(token.stdout.trim()),
        "{trace}"
    );
    let last: serde_json::Value = serde_json::from_str(trace.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["sent"]["grant_type"], &last["status"]),
        (&"client_credentials".into(), &200.into())
    );
}

#[test]
fn man_pages_are_written_for_every_command() {
    let home = Home::new();
    let ran = home.run(&["man", "pages"]);
    assert_eq!(ran.code, 0, "{ran}");
    for page in [
        "hallpass.1",
        "hallpass-login.1",
        "hallpass-profile-show.1",
        "hallpass-doctor.1",
    ] {
        let text = std::fs::read_to_string(home.path("pages").join(page)).unwrap();
        assert!(text.contains(".TH "), "{page}: {text}");
    }
}
