//! `.hallpass.toml`: a file that comes with a repository, and what it may not do.

use serde_json::Value;

use crate::hallpass::{Home, Ran};

const CONFIG: &str = r#"
    default_profile = "home"
    [profile.home]
    issuer = "https://home.test"
    client_id = "cli"
    [profile.work]
    issuer = "https://work.test"
    client_id = "cli"
    scopes = ["openid", "api:read", "api:write"]
    [profile.prod]
    issuer = "https://prod.test"
    client_id = "cli"
    explicit = true
"#;

/// Runs `profile show` in the folder `repo/src`, below the file.
fn shown(home: &Home, file: &str) -> (Value, String) {
    home.write("config.toml", CONFIG);
    home.write("repo/.hallpass.toml", file);
    std::fs::create_dir_all(home.path("repo/src")).unwrap();
    let ran = in_repo(home, &["profile", "show"]);
    let json = in_repo(home, &["profile", "show", "--json"]).json();
    (json, ran.stderr)
}

fn in_repo(home: &Home, words: &[&str]) -> Ran {
    let mut command = home.command(words);
    Ran::from(command.current_dir(home.path("repo/src")).output().unwrap())
}

#[test]
fn it_chooses_a_profile_and_narrows_its_scopes() {
    let (shown, said) = shown(
        &Home::new(),
        "profile = \"work\"\nscopes = [\"api:read\"]\n",
    );
    assert_eq!(shown["name"], "work");
    assert!(
        shown["chosen_by"]
            .as_str()
            .unwrap()
            .starts_with("directory file "),
        "{shown}"
    );
    assert_eq!(shown["settings"]["scopes"], serde_json::json!(["api:read"]));
    assert_eq!(said, "");
}

#[test]
fn a_flag_and_a_variable_go_before_it() {
    let home = Home::new();
    shown(&home, "profile = \"work\"\nscopes = [\"api:read\"]\n");
    let named = in_repo(&home, &["profile", "show", "home", "--json"]).json();
    assert_eq!(
        (&named["name"], &named["chosen_by"]),
        (&"home".into(), &"command line".into())
    );
    // Its scopes are about the profile that it names.
    assert_eq!(named["settings"]["scopes"][0], "openid");
}

#[test]
fn c_79_and_a_112_a_hostile_repository_gets_neither_more_scopes_nor_an_explicit_profile() {
    let (shown, said) = shown(&Home::new(), "profile = \"prod\"\nscopes = [\"admin\"]\n");
    assert_eq!(shown["name"], "home");
    assert_eq!(
        shown["settings"]["scopes"].as_array().unwrap().len(),
        3,
        "{shown}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.starts_with("! ignored ") && said.contains("profile `prod` is chosen by hand only"),
        "{said}"
    );

    let (shown, said) = self::shown(
        &Home::new(),
        "profile = \"work\"\nscopes = [\"admin\", \"api:read\"]\n",
    );
    assert_eq!(shown["settings"]["scopes"], serde_json::json!(["api:read"]));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("`admin`, which profile `work` does not ask for"),
        "{said}"
    );
}

#[test]
fn c_79_what_cannot_be_used_is_one_line_and_the_command_goes_on() {
    for (file, reason) in [
        ("profile = \"nobody\"", "there is no profile `nobody`"),
        ("profile = \"../x\"", "is no name for a profile"),
        ("profile = ", "line 1"),
        ("client_secret = \"x\"", "unknown key `client_secret`"),
        ("flow = \"device\"", "unknown key `flow`"),
    ] {
        let (shown, said) = shown(&Home::new(), file);
        assert_eq!(shown["name"], "home", "{file}");
        assert_eq!(said.lines().count(), 1, "{file}: {said}");
        assert!(said.contains(reason), "{file}: {said}");
    }
}

#[test]
fn c_79_a_server_of_its_own_counts_only_while_the_file_is_as_it_was_trusted() {
    let home = Home::new();
    let file = "profile = \"theirs\"\nissuer = \"https://theirs.test\"\nclient_id = \"x\"\n";
    let (before, said) = shown(&home, file);
    assert_eq!(before["name"], "home");
    assert!(said.contains("there is no profile `theirs`"), "{said}");

    let trusted = home.run(&["profile", "trust", "repo"]);
    assert_eq!(trusted.code, 0, "{trusted}");
    assert!(
        trusted.stderr.contains("issuer: https://theirs.test"),
        "{trusted}"
    );
    let (after, said) = shown(&home, file);
    assert_eq!(
        (&after["name"], &after["settings"]["issuer"]),
        (&"theirs".into(), &"https://theirs.test".into())
    );
    assert_eq!(said, "");

    // Another content, though it differs by a letter only, is not what was trusted.
    let (changed, _) = shown(&home, &file.replace("theirs.test", "theirs2.test"));
    assert_eq!(changed["name"], "home");
    // The same content at another place neither.
    home.write("other/.hallpass.toml", file);
    let other = Ran::from(
        home.command(&["profile", "show", "--json"])
            .current_dir(home.path("other"))
            .output()
            .unwrap(),
    );
    assert_eq!(other.json()["name"], "home");

    shown(&home, file);
    assert_eq!(home.run(&["profile", "trust", "repo", "--undo"]).code, 0);
    assert_eq!(shown(&home, file).0["name"], "home");
}

#[test]
fn c_82_a_trusted_file_does_not_move_a_profile_to_another_server() {
    let home = Home::new();
    let file = "profile = \"work\"\nissuer = \"https://evil.test\"\nclient_id = \"cli\"\n";
    let (shown, said) = shown(&home, file);
    assert_eq!(shown["settings"]["issuer"], "https://work.test");
    assert!(said.contains("until `hallpass profile trust "), "{said}");
    assert_eq!(home.run(&["profile", "trust", "repo"]).code, 0);
    let ran = in_repo(&home, &["token"]);
    assert_eq!(ran.code, 5, "{ran}");
    assert!(
        ran.stderr
            .contains("names another server for profile `work`"),
        "{ran}"
    );
}

/// Only the system's first user can give files away.
#[cfg(unix)]
#[test]
fn c_79_a_file_of_another_user_is_ignored() {
    let home = Home::new();
    home.write("config.toml", CONFIG);
    home.write("repo/.hallpass.toml", "profile = \"work\"\n");
    std::fs::create_dir_all(home.path("repo/src")).unwrap();
    let given = std::os::unix::fs::chown(home.path("repo/.hallpass.toml"), Some(12345), None);
    if given.is_err() {
        return;
    }
    let ran = in_repo(&home, &["profile", "show"]);
    assert!(
        ran.stdout.starts_with("profile") && ran.stdout.contains("home"),
        "{ran}"
    );
    assert!(ran.stderr.contains("it belongs to another user"), "{ran}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran}");
}
