//! `hallpass setup`: what is written, shown before, written once, and taken back. The settings are those of
//! the real git and docker; kubectl's are in the stories of `hallpass-testing`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use serde_json::json;

use crate::hallpass::{Home, Ran};
use crate::schemas::holds;

const CONFIG: &str = "[profile.work]\nissuer = \"https://as.test\"\nclient_id = \"c\"\n";
const KEY: &str = "credential.https://git.example.com.helper";

/// A home with `hallpass` on the path, as `cargo install` leaves it.
fn home() -> Home {
    let home = Home::new();
    home.write("config.toml", CONFIG);
    fs::create_dir(home.path("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_hallpass"), home.path("bin/hallpass")).unwrap();
    home
}

fn run(home: &Home, words: &[&str]) -> Ran {
    let mut command = home.command(words);
    let path = format!("{}:/usr/bin:/bin", home.path("bin").display());
    command
        .env("PATH", path)
        .env("HOME", home.path(""))
        .env("GIT_CONFIG_NOSYSTEM", "1");
    Ran::from(command.output().unwrap())
}

fn goes(home: &Home, words: &[&str]) -> Ran {
    let ran = run(home, words);
    assert_eq!(ran.code, 0, "{words:?}: {ran}");
    ran
}

fn read(home: &Home, file: &str) -> String {
    fs::read_to_string(home.path(file)).unwrap_or_default()
}

/// The values of git's setting, as git reads them.
fn helpers(home: &Home) -> Vec<String> {
    let mut command = Command::new("git");
    command
        .args(["config", "--global", "--null", "--get-all", KEY])
        .env("HOME", home.path(""));
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn git_is_told_once_and_untold() {
    let home = home();
    let own = "[user]\n\tname = Ada\n[credential]\n\thelper = store\n";
    home.write(".gitconfig", own);
    let words = ["setup", "git", "git.example.com", "-p", "work"];
    let ours = format!("!{} credential git", home.path("bin/hallpass").display());

    let shown = goes(&home, &[&words[..], &["--dry-run"]].concat());
    let expected = format!(
        "{} [profile.work]\n  + helpers.git = \"https://git.example.com\"\n\
         git config --global\n  + {KEY} = \n  + {KEY} = {ours}\n",
        home.path("state/profiles.toml").display()
    );
    assert_eq!(shown.stdout, expected);
    assert_eq!(read(&home, ".gitconfig"), own);
    assert!(!home.path("state/profiles.toml").exists());

    let done = goes(&home, &words);
    assert_eq!(done.stdout, "", "{done}");
    assert!(done.stderr.starts_with(&expected), "{done}");
    assert!(
        done.stderr
            .contains("git asks hallpass for https://git.example.com (profile \"work\")")
    );
    assert!(
        done.stderr
            .contains("nobody is signed in yet: run `hallpass login work`")
    );
    assert_eq!(helpers(&home), ["", &ours]);
    assert!(read(&home, ".gitconfig").starts_with(own));
    let show = goes(&home, &["profile", "show", "work", "--json"]).json();
    assert_eq!(
        show["settings"]["helpers"],
        json!({"git": ["https://git.example.com"]})
    );

    // Again, and by other names of the same host.
    let before = (
        read(&home, ".gitconfig"),
        read(&home, "state/profiles.toml"),
    );
    for host in [
        "git.example.com",
        "https://GIT.example.com/",
        "git.example.com:443",
    ] {
        let again = goes(&home, &["setup", "git", host, "-p", "work"]);
        assert!(again.stderr.contains("already"), "{again}");
    }
    assert_eq!(
        goes(&home, &[&words[..], &["--dry-run"]].concat()).stdout,
        "nothing to write\n"
    );
    assert_eq!(
        (
            read(&home, ".gitconfig"),
            read(&home, "state/profiles.toml")
        ),
        before
    );

    let undo = ["setup", "git", "git.example.com", "--undo"];
    let shown = goes(&home, &[&undo[..], &["--dry-run"]].concat());
    assert!(
        shown.stdout.contains(&format!("  - {KEY} = {ours}\n")),
        "{shown}"
    );
    assert_eq!(
        (
            read(&home, ".gitconfig"),
            read(&home, "state/profiles.toml")
        ),
        before
    );
    goes(&home, &undo);
    assert_eq!(read(&home, ".gitconfig"), own);
    let show = goes(&home, &["profile", "show", "work", "--json"]).json();
    assert_eq!(show["settings"]["helpers"], json!(null));
    assert!(goes(&home, &undo).stderr.contains("does not ask"));
}

#[test]
fn what_somebody_else_wrote_stays() {
    let home = home();
    let words = ["setup", "git", "git.example.com", "-p", "work"];
    home.write(
        ".gitconfig",
        "[credential \"https://git.example.com\"]\n\thelper = !gh auth git-credential\n",
    );
    let before = read(&home, ".gitconfig");
    let ran = run(&home, &words);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran}");
    assert!(
        ran.stderr.contains("git asks `!gh auth git-credential`"),
        "{ran}"
    );
    assert!(ran.stderr.contains(&format!("--unset-all {KEY}")), "{ran}");
    assert_eq!(read(&home, ".gitconfig"), before);
    assert!(!home.path("state/profiles.toml").exists());

    // Ours of an older place gives way; what somebody adds to ours stays at the end.
    home.write(
        ".gitconfig",
        "[credential \"https://git.example.com\"]\n\thelper = !/old/hallpass credential git\n",
    );
    goes(&home, &words);
    assert_eq!(helpers(&home).len(), 2);
    let added = Command::new("git")
        .args(["config", "--global", "--add", KEY, "cache"])
        .env("HOME", home.path(""))
        .status();
    assert!(added.unwrap().success());
    goes(&home, &["setup", "git", "git.example.com", "--undo"]);
    assert_eq!(helpers(&home), ["", "cache"]);
}

#[test]
fn a_host_belongs_to_one_profile_that_is_known() {
    let home = home();
    home.write(
        "config.toml",
        format!("{CONFIG}[profile.spare]\nissuer = \"https://as.test\"\nclient_id = \"d\"\n"),
    );
    goes(&home, &["setup", "git", "git.example.com", "-p", "work"]);
    let ran = run(&home, &["setup", "git", "git.example.com", "-p", "spare"]);
    assert_eq!(ran.code, 5, "{ran}");
    assert!(
        ran.stderr
            .contains("profile `work` serves https://git.example.com already"),
        "{ran}"
    );
    assert!(ran.stderr.contains("--undo -p work"), "{ran}");
    for (words, code) in [
        (&["setup", "git", "git.example.com", "-p", "nobody"][..], 5),
        (&["setup", "git", "http://git.example.com", "-p", "work"], 2),
        (&["setup", "git", "git.example.com/ada", "-p", "work"], 2),
        (&["setup", "git", "*.example.com", "-p", "work"], 2),
        (&["setup", "git", "a@git.example.com", "-p", "work"], 2),
        (&["setup", "git"], 2),
        (&["setup", "svn", "git.example.com"], 2),
    ] {
        let ran = run(&home, words);
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (code, ""),
            "{words:?}: {ran}"
        );
    }
}

#[test]
fn helpers_in_the_person_s_own_file_are_theirs_to_change() {
    let home = home();
    home.write(
        "config.toml",
        format!("{CONFIG}helpers = {{ git = [\"https://git.example.com\"] }}\n"),
    );
    let config = home.path("config.toml").display().to_string();
    goes(&home, &["setup", "git", "git.example.com", "-p", "work"]);
    assert!(!home.path("state/profiles.toml").exists());
    let ran = run(&home, &["setup", "git", "other.example.com", "-p", "work"]);
    assert_eq!(ran.code, 5, "{ran}");
    assert!(
        ran.stderr
            .contains(&format!("`helpers` of profile `work` is in {config}")),
        "{ran}"
    );
    assert!(
        ran.stderr
            .contains("add \"https://other.example.com\" to helpers.git there"),
        "{ran}"
    );
    let ran = run(&home, &["setup", "git", "git.example.com", "--undo"]);
    assert_eq!(ran.code, 5, "{ran}");
    assert_eq!(helpers(&home).len(), 2);
}

#[test]
fn docker_s_file_keeps_everything_else_and_gets_a_name_to_call() {
    let home = home();
    let own = json!({"auths": {"a.test": {"auth": "eDp5"}}, "credHelpers": {"gcr.io": "gcloud"}, "psFormat": "x"});
    home.write("dotfiles/docker.json", own.to_string());
    fs::set_permissions(
        home.path("dotfiles/docker.json"),
        fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    fs::create_dir(home.path(".docker")).unwrap();
    symlink(
        home.path("dotfiles/docker.json"),
        home.path(".docker/config.json"),
    )
    .unwrap();
    let config =
        || serde_json::from_str::<serde_json::Value>(&read(&home, ".docker/config.json")).unwrap();
    let link = home.path("bin/docker-credential-hallpass");

    let words = ["setup", "docker", "r.example.com:5000", "-p", "work"];
    goes(&home, &[&words[..], &["--dry-run"]].concat());
    assert_eq!(config(), own);
    assert!(!link.exists());
    for _ in 0..2 {
        goes(&home, &words);
        let mut expected = own.clone();
        expected["credHelpers"]["r.example.com:5000"] = json!("hallpass");
        assert_eq!(config(), expected);
    }
    assert_eq!(fs::read_link(&link).unwrap(), home.path("bin/hallpass"));
    // The file behind the link was written, and who may read it is as before.
    assert!(
        fs::symlink_metadata(home.path(".docker/config.json"))
            .unwrap()
            .is_symlink()
    );
    let mode = fs::metadata(home.path("dotfiles/docker.json"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);

    goes(&home, &["setup", "docker", "s.example.com", "-p", "work"]);
    goes(&home, &["setup", "docker", "r.example.com:5000", "--undo"]);
    assert!(link.exists(), "the other registry needs it");
    goes(&home, &["setup", "docker", "s.example.com", "--undo"]);
    assert!(!link.exists());
    assert_eq!(config(), own);

    let ran = run(&home, &["setup", "docker", "gcr.io", "-p", "work"]);
    assert_eq!(ran.code, 5, "{ran}");
    assert!(
        ran.stderr.contains("docker asks \"gcloud\" for gcr.io"),
        "{ran}"
    );
    home.write("dotfiles/docker.json", "{ not json");
    let ran = run(&home, &words);
    assert_eq!(ran.code, 5, "{ran}");
    assert_eq!(read(&home, "dotfiles/docker.json"), "{ not json");
}

#[test]
fn another_program_s_name_is_not_taken() {
    let home = home();
    home.write("bin/docker-credential-hallpass", "#!/bin/sh\n");
    let ran = run(&home, &["setup", "docker", "r.example.com", "-p", "work"]);
    assert_eq!(ran.code, 5, "{ran}");
    assert!(ran.stderr.contains("is another program"), "{ran}");
    assert_eq!(read(&home, "bin/docker-credential-hallpass"), "#!/bin/sh\n");
    assert!(!home.path(".docker/config.json").exists());
    // Where no folder of the path can have the name, nothing is written.
    fs::remove_file(home.path("bin/docker-credential-hallpass")).unwrap();
    let mut command = home.command(&["setup", "docker", "r.example.com", "-p", "work"]);
    command.env("PATH", "/nowhere").env("HOME", home.path(""));
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, 5, "{ran}");
    assert!(
        ran.stderr
            .contains("no folder of PATH can have `docker-credential-hallpass`"),
        "{ran}"
    );
}

#[test]
fn bazel_gets_a_name_and_the_person_the_line_to_add() {
    let home = home();
    let link = home.path("bin/bazel-credential-hallpass");
    let json = goes(
        &home,
        &["setup", "json", "cache.example.com", "-p", "work", "--json"],
    )
    .json();
    holds("setup", &json);
    assert_eq!(
        (&json["helper"], &json["dry_run"]),
        (&"json".into(), &false.into())
    );
    let says =
        "add to .bazelrc: common --credential_helper=cache.example.com=bazel-credential-hallpass";
    assert_eq!(json["notes"][1], says);
    assert!(link.exists());
    goes(&home, &["setup", "bazel", "cache.example.com", "--undo"]);
    assert!(!link.exists());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let home = home();
    let mut command = home.command(&["setup", "git", "git.example.com", "-p", "work"]);
    let path = home.path("bin");
    let ran = Ran::from(
        command
            .env("PATH", path)
            .env("HOME", home.path(""))
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, 5, "{ran}");
    assert_eq!(
        ran.stderr,
        "hallpass: git is not installed\n  hint: install git, or put it on PATH\n"
    );
    assert!(!home.path("state/profiles.toml").exists());
}

#[test]
fn a_file_from_elsewhere_says_nothing_about_hosts() {
    let home = Home::new();
    home.write(
        "theirs.toml",
        format!("{CONFIG}helpers = {{ git = [\"https://evil.test\"] }}\n"),
    );
    goes(&home, &["profile", "import", "theirs.toml"]);
    let kept = read(&home, "state/profiles.toml");
    assert!(
        kept.contains("https://as.test") && !kept.contains("evil.test"),
        "{kept}"
    );
}
