//! `hallpass serve` without `--dev`, and `hallpass admin`: the first start, a wrong key ring, a crash,
//! keys, copies.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::hallpass::{Home, Ran};

const SETTINGS: &str = r#"
public_url = "http://localhost:8443"
listen = "127.0.0.1:0"
[[client]]
id = "svc"
type = "confidential"
secret = "s3cret"
grants = ["client_credentials"]
scopes = ["a"]
"#;

pub(crate) fn home() -> Home {
    let home = Home::new();
    home.write("server.toml", SETTINGS);
    home
}

fn words<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let target = ["--config", "server.toml", "--database", "sqlite:x.db"];
    more.iter().copied().chain(target).collect()
}

pub(crate) fn admin(home: &Home, more: &[&str]) -> Ran {
    home.run(&words(&[&["admin"], more].concat()))
}

/// Starts a server and waits for its line.
pub(crate) fn serve(home: &Home) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
        .args(words(&["serve"]))
        .env_clear()
        .current_dir(home.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("Ready: http://localhost:"), "{line}");
    (child, line)
}

#[test]
fn a_first_start_makes_database_and_ring_and_a_crash_loses_neither() {
    let home = home();
    let (mut child, line) = serve(&home);
    assert!(
        line.trim_end().ends_with("issuer http://localhost:8443"),
        "{line}"
    );
    // A second server on the same file is refused.
    let second = home.run(&words(&["serve"]));
    assert_eq!(second.code, 5, "{second}");
    assert!(second.stderr.contains("x.db.lock"), "{second}");
    // A copy is made meanwhile.
    let copied = admin(&home, &["backup", "copy.db"]);
    assert_eq!(copied.code, 0, "{copied}");
    child.kill().unwrap();
    child.wait().unwrap();
    let keys = admin(&home, &["keys", "list", "--json"]);
    let before = keys.json();
    assert_eq!(before["keys"].as_array().unwrap().len(), 2, "{keys}");
    let (mut child, _) = serve(&home);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(admin(&home, &["keys", "list", "--json"]).json(), before);
}

#[cfg(unix)]
#[test]
fn a_ring_that_is_readable_missing_or_another_stops_the_start() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = home();
    assert_eq!(admin(&home, &["keys", "list"]).code, 0);
    let ring = home.path("keyring.toml");
    let mode = std::fs::metadata(&ring).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&ring, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = home.run(&words(&["serve"]));
    assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran}");
    assert!(
        ran.stderr.contains("keyring.toml`: its mode is 0644"),
        "{ran}"
    );
    assert!(
        ran.stderr.contains("hint: run `chmod 600 keyring.toml`"),
        "{ran}"
    );

    std::fs::remove_file(&ring).unwrap();
    let ran = home.run(&words(&["serve"]));
    assert_eq!(ran.code, 5, "{ran}");
    assert!(ran.stderr.contains("is missing") && !ring.exists(), "{ran}");

    assert_eq!(
        home.run(&["admin", "keys", "new-ring", "keyring.toml"])
            .code,
        0
    );
    let again = home.run(&["admin", "keys", "new-ring", "keyring.toml"]);
    assert_eq!(again.code, 5, "nothing is overwritten: {again}");
    let ran = home.run(&words(&["serve"]));
    assert_eq!(ran.code, 5, "{ran}");
    assert!(
        ran.stderr.contains("key 1 of the key ring is another one"),
        "{ran}"
    );
}

#[test]
fn keys_are_rotated_revoked_and_sealed_again() {
    let home = home();
    let (mut child, _) = serve(&home);
    child.kill().unwrap();
    child.wait().unwrap();
    let states = |ran: &Ran| {
        let json = ran.json();
        let keys = json["keys"].as_array().unwrap().iter();
        let mut states: Vec<_> = keys
            .map(|key| key["state"].as_str().unwrap().to_owned())
            .collect();
        states.sort();
        states
    };
    let rotated = admin(&home, &["keys", "rotate", "--json"]);
    assert_eq!(
        states(&rotated),
        ["active", "active", "next", "next"],
        "{rotated}"
    );
    let json = rotated.json();
    let keys = json["keys"].as_array().unwrap();
    let active = keys.iter().find(|key| key["state"] == "active").unwrap();
    let kid = active["kid"].as_str().unwrap();
    let unknown = admin(&home, &["keys", "rotate", "--now", "--revoke", "nobody"]);
    assert_eq!(unknown.code, 2, "{unknown}");
    assert_eq!(
        states(&admin(&home, &["keys", "list", "--json"])),
        ["active", "active", "next", "next"]
    );
    let now = admin(
        &home,
        &["keys", "rotate", "--now", "--revoke", kid, "--json"],
    );
    assert_eq!(states(&now), ["active", "active", "retiring"], "{now}");
    assert!(!now.stdout.contains(kid), "{now}");
    let ring = home.path("keyring.toml");
    std::fs::rename(&ring, home.path("old.toml")).unwrap();
    let made = home.run(&[
        "admin",
        "keys",
        "new-ring",
        "keyring.toml",
        "--from",
        "old.toml",
    ]);
    assert_eq!(made.code, 0, "{made}");
    let sealed = admin(&home, &["keys", "reencrypt", "--json"]);
    assert_eq!(
        (
            sealed.json()["resealed"].as_u64(),
            sealed.json()["first"].as_u64()
        ),
        (Some(4), Some(2)),
        "{sealed}"
    );
    assert_eq!(sealed.json()["others"][0]["id"], 1, "{sealed}");
    // The old key alone does not open the database any more.
    std::fs::rename(home.path("old.toml"), &ring).unwrap();
    let ran = home.run(&words(&["serve"]));
    assert!(ran.code == 5 && ran.stderr.contains("needs key 2"), "{ran}");
}

#[test]
fn a_copy_comes_back_only_when_it_is_said_what_becomes_of_the_sign_ins() {
    let home = home();
    assert_eq!(admin(&home, &["migrate", "up"]).code, 0);
    assert_eq!(admin(&home, &["backup", "copy.db"]).code, 0);
    let taken = admin(&home, &["backup", "copy.db"]);
    assert_eq!(taken.code, 5, "{taken}");
    let silent = admin(&home, &["restore", "copy.db"]);
    assert_eq!(silent.code, 2, "{silent}");
    let both = admin(
        &home,
        &["restore", "copy.db", "--end-sessions", "--keep-sessions"],
    );
    assert_eq!(both.code, 2, "{both}");
    for flag in ["--end-sessions", "--keep-sessions"] {
        let restored = admin(&home, &["restore", "copy.db", flag]);
        assert_eq!(restored.code, 0, "{restored}");
        assert!(
            restored.stderr.contains("x.db.before-restore"),
            "{restored}"
        );
    }
    let none = admin(&home, &["restore", "absent.db", "--end-sessions"]);
    assert_eq!(none.code, 5, "{none}");
}

#[test]
fn s_269_an_audit_file_is_replayed_only_over_sign_ins_that_are_kept() {
    let home = home();
    assert_eq!(admin(&home, &["migrate", "up"]).code, 0);
    assert_eq!(admin(&home, &["backup", "copy.db"]).code, 0);
    let replay = |flag, file| admin(&home, &["restore", "copy.db", flag, "--replay-audit", file]);
    let ended = replay("--end-sessions", "audit.jsonl");
    assert_eq!(ended.code, 2, "{ended}");
    let absent = replay("--keep-sessions", "absent.jsonl");
    assert_eq!(absent.code, 5, "{absent}");
    assert!(absent.stderr.contains("absent.jsonl"), "{absent}");
    // A wrong file leaves the database as it is.
    let wrong = replay("--keep-sessions", "server.toml");
    assert!(wrong.stderr.contains("holds no audit events"), "{wrong}");
    assert!(!home.path("x.db.before-restore").exists());
}

#[test]
fn the_tables_and_the_settings_are_shown() {
    let home = home();
    let plan = admin(&home, &["migrate", "plan"]);
    assert!(
        plan.stdout
            .starts_with("there are no tables yet\n   1  Facts about the database"),
        "{plan}"
    );
    assert!(!home.path("x.db").exists());
    assert_eq!(admin(&home, &["migrate", "up"]).code, 0);
    let status = admin(&home, &["migrate", "status"]);
    assert!(status.stdout.contains("nothing is to be done"), "{status}");
    let check = admin(&home, &["config", "check"]);
    assert_eq!((check.code, check.stdout.as_str()), (0, ""), "{check}");
    let shown = admin(&home, &["config", "show", "--effective"]);
    assert!(
        shown.stdout.contains("access = \"10m\"") && !shown.stdout.contains("s3cret"),
        "{shown}"
    );
    home.write(
        "server.toml",
        format!("{SETTINGS}\n[ttl]\nacces = \"1m\"\n"),
    );
    let wrong = admin(&home, &["config", "check"]);
    assert_eq!(wrong.code, 5, "{wrong}");
    assert!(
        wrong.stderr.contains("unknown key `ttl.acces`") && wrong.stderr.contains("`access`"),
        "{wrong}"
    );
}

#[test]
fn an_account_is_shown_with_its_second_factors_and_they_are_reset() {
    let home = home();
    let create = words(&["admin", "user", "create", "ada", "--password-stdin"]);
    let made = home.run_with(&create, "engines of analysis\n");
    assert_eq!(made.code, 0, "{made}");
    let shown = admin(&home, &["user", "show", "ADA"]);
    assert_eq!(shown.code, 0, "{shown}");
    for line in [
        "authenticator app    none",
        "passkeys             0",
        "status               active",
    ] {
        assert!(shown.stdout.contains(line), "{shown}");
    }
    let json = admin(&home, &["user", "show", "ada", "--json"]).json();
    assert_eq!(json["schema"], "hallpass.admin.user/1");
    assert_eq!(json["username"], "ada");
    assert!(json["second_factors"]["totp"].is_null());
    assert_eq!(json["second_factors"]["recovery_codes_left"], 0);
    let reset = admin(&home, &["user", "reset-mfa", "ada"]);
    assert_eq!(reset.code, 0, "{reset}");
    assert!(
        reset.stderr.contains("removed the second factors"),
        "{reset}"
    );
    for command in ["show", "reset-mfa"] {
        let unknown = admin(&home, &["user", command, "nobody"]);
        assert_eq!(unknown.code, 2, "{unknown}");
        assert!(
            unknown.stderr.contains("hallpass admin user list"),
            "{unknown}"
        );
    }
}

#[test]
fn nobody_is_invited_where_registration_is_off() {
    let home = home();
    let off = format!("{SETTINGS}\n[login]\nregistration = \"off\"\n");
    home.write("server.toml", off);
    let invitations = [
        ["user", "invite", "ada", "--print-link"],
        ["user", "invite", "ada", "--email=ada@example.com"],
    ];
    for invitation in &invitations {
        let refused = admin(&home, invitation);
        assert_eq!(refused.code, 5, "{refused}");
        assert_eq!(refused.stdout, "");
        for words in ["`login.registration` is `off`", "--password-stdin"] {
            assert!(refused.stderr.contains(words), "{refused}");
        }
    }
    let listed = admin(&home, &["user", "list"]);
    assert_eq!(listed.stdout, "no accounts\n", "none was left behind");
    let create = words(&["admin", "user", "create", "ada", "--password-stdin"]);
    let made = home.run_with(&create, "engines of analysis\n");
    assert_eq!(made.code, 0, "{made}");
    // Without a word of it people are invited.
    home.write("server.toml", SETTINGS);
    let invited = admin(&home, &["user", "invite", "grace", "--print-link"]);
    assert_eq!(invited.code, 0, "{invited}");
    assert!(
        invited.stdout.contains("/login/password?link=hpl_"),
        "{invited}"
    );
    let shown = admin(&home, &["config", "show", "--effective"]);
    assert!(
        shown.stdout.contains("registration = \"invite\""),
        "{shown}"
    );
}

#[test]
fn branding_is_checked_shown_and_in_the_schema() {
    let home = home();
    let with = |branding: &str| {
        let toml = format!("{SETTINGS}\n[branding]\n{branding}\n");
        home.write("server.toml", toml);
        admin(&home, &["config", "check"])
    };
    for (branding, words) in [
        ("accent = \"red;}body{\"", "which is no color"),
        ("logo = \"logo.svg\"", "cannot be read"),
    ] {
        let refused = with(branding);
        assert_eq!(refused.code, 5, "{refused}");
        let said = &refused.stderr;
        assert!(said.contains(words) && said.contains("hint: "), "{refused}");
    }
    home.write("logo.svg", "<!doctype html><title>no picture</title>");
    let refused = with("logo = \"logo.svg\"");
    assert!(
        refused.stderr.contains("neither an SVG nor a PNG"),
        "{refused}"
    );
    home.write("logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    let good = with("logo = \"logo.svg\"\naccent = \"#FFE100\"");
    assert_eq!((good.code, good.stdout.as_str()), (0, ""), "{good}");
    let shown = admin(&home, &["config", "show", "--effective"]);
    assert!(shown.stdout.contains("accent = \"#ffe100\""), "{shown}");
    assert!(shown.stdout.contains("/logo.svg\""), "{shown}");
    let schema = admin(&home, &["config", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema.stdout).unwrap();
    for key in ["accent", "logo"] {
        let property = &schema["properties"]["branding"]["properties"][key];
        assert_eq!(property["type"], "string", "{key}");
    }
}
