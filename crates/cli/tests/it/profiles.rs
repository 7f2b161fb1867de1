//! The files of profiles: read, never lost.

use std::fs;

use crate::hallpass::Home;

#[test]
fn a_damaged_file_of_profiles_is_moved_aside_and_named() {
    let home = Home::new();
    home.write("state/profiles.toml", "[profile.work\nissuer = ");
    let ran = home.run(&["whoami"]);
    assert_eq!(ran.code, 9, "{ran}");
    let path = home.path("state/profiles.toml");
    let (path, said) = (path.display().to_string(), ran.stderr.clone());
    assert!(
        said.contains(&format!(
            "{path} was damaged and has been moved to {path}.corrupt-"
        )),
        "{said}"
    );
    let moved: Vec<_> = fs::read_dir(home.path("state"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(".corrupt-"))
        .collect();
    assert_eq!(
        fs::read_to_string(&moved[0]).unwrap(),
        "[profile.work\nissuer = "
    );
    // The next command starts anew.
    assert_eq!(home.run(&["whoami"]).code, 4);
}

#[test]
fn a_slip_in_the_config_is_named_by_its_line_and_stays() {
    let home = Home::new();
    home.write(
        "config.toml",
        "version = 1\n[profile.work]\nissuer = https://as.test\n",
    );
    let ran = home.run(&["whoami"]);
    assert_eq!(ran.code, 5, "{ran}");
    assert!(
        ran.stderr
            .contains("cannot be understood (line 3, column 10)"),
        "{ran}"
    );
    assert!(home.path("config.toml").exists());
}

#[test]
fn a_config_that_is_no_text_is_moved_aside_and_named() {
    let home = Home::new();
    home.write("config.toml", [0u8, 159, 146, 150]);
    let ran = home.run(&["whoami", "--json"]);
    assert_eq!(ran.code, 9, "{ran}");
    let message = ran.error()["error"]["message"].to_string();
    assert!(
        message.contains("config.toml was damaged and has been moved to"),
        "{message}"
    );
    assert!(!home.path("config.toml").exists());
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let home = Home::new();
    for file in ["config.toml", "state/profiles.toml"] {
        home.write(file, "version = 2\n");
        let ran = home.run(&["whoami"]);
        assert_eq!(ran.code, 5, "{ran}");
        assert!(home.path(file).exists());
        fs::remove_file(home.path(file)).unwrap();
    }
}

#[test]
fn a_flag_goes_before_a_variable_before_the_profile() {
    let home = Home::new();
    home.write(
        "config.toml",
        "default_profile = \"a\"\n[profile.a]\nissuer = \"https://a.test\"\nclient_id = \"a\"\n[profile.b]\n",
    );
    let chosen = |words: &[&str], variable: &str| {
        let mut command = home.command(words);
        let output = command.env("HALLPASS_PROFILE", variable).output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (json["profile"].clone(), json["chosen_by"].clone())
    };
    let whoami = ["whoami", "--json"];
    assert_eq!(chosen(&whoami, ""), ("a".into(), "config.toml".into()));
    assert_eq!(
        chosen(&whoami, "b"),
        ("b".into(), "HALLPASS_PROFILE".into())
    );
    assert_eq!(
        chosen(&["whoami", "--json", "c"], "b"),
        ("c".into(), "command line".into())
    );
    assert_eq!(
        chosen(&["-p", "c", "whoami", "--json"], "b"),
        ("c".into(), "command line".into())
    );
}

#[test]
fn a_damaged_session_is_moved_aside_and_named() {
    let home = Home::new();
    home.write(
        "config.toml",
        "[profile.default]\nissuer = \"http://127.0.0.1:1/x\"\nclient_id = \"cli\"\n",
    );
    // The first run makes the folders as the store wants them.
    home.run(&["logout", "--local"]);
    let store = hallpass_client::FileStore::in_state_dir(home.path("state"));
    let key = hallpass_client::SessionKey::new("http://127.0.0.1:1/x", "cli");
    let _lock = hallpass_client::TokenStore::try_lock(&store, &key).unwrap();
    let lock = fs::read_dir(home.path("state/sessions")).unwrap();
    let lock = lock
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "lock"));
    let session = lock.unwrap().with_extension("json");
    fs::write(&session, "{").unwrap();
    #[cfg(unix)]
    fs::set_permissions(
        &session,
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let ran = home.run(&["token"]);
    assert_eq!(ran.code, 9, "{ran}");
    let said = format!("{} was damaged and has been moved to", session.display());
    assert!(ran.stderr.contains(&said), "{ran}");
    assert!(!session.exists());
}
