//! Whose token another program gets, and whether: what holds for each of them. The programs themselves ask
//! in the stories of `hallpass-testing`.

use std::fs;

use serde_json::{Value, json};

use crate::hallpass::{Home, Ran};
use crate::server::Server;
use crate::story::{sign_in, sign_in_as_told};

const HOSTS: &str = r#"
[profile.work.helpers]
git = ["https://git.example.com", "https://git.example.com:8443"]
docker = ["https://registry.example.com", "https://registry.example.com:5000"]
kubectl = ["https://k8s.example.com:6443"]
json = ["https://cache.example.com"]
"#;
pub(crate) const GIT: &str = "protocol=https\nhost=git.example.com\n\n";

/// Somebody whose tokens are bound to nothing, and whose profile serves [`HOSTS`].
pub(crate) fn signed_in() -> (Home, Server, String) {
    let home = Home::new();
    let server = Server::start(&home);
    home.write("config.toml", HOSTS);
    let issuer = server.issuer();
    let ran = sign_in(&home, &["work", "--issuer", &issuer, "--client-id", "cli"]);
    assert_eq!(ran.code, 0, "{ran}");
    let token = home.run(&["token"]).stdout.trim().to_owned();
    (home, server, token)
}

pub(crate) fn git(home: &Home, operation: &str, stdin: &str) -> Ran {
    home.run_with(&["credential", "git", operation], stdin)
}

pub(crate) fn says_nothing(ran: &Ran, about: &str) {
    let said = (ran.code, ran.stdout.as_str(), ran.stderr.as_str());
    assert_eq!(said, (0, "", ""), "{about:?}");
}

pub(crate) fn password(ran: &Ran) -> &str {
    let mut lines = ran.stdout.lines();
    let found = lines.find_map(|line| line.strip_prefix("password="));
    found.unwrap_or_else(|| panic!("no password: {ran}"))
}

pub(crate) fn cluster(version: &str, server: &str) -> Value {
    json!({
        "apiVersion": format!("client.authentication.k8s.io/{version}"),
        "kind": "ExecCredential",
        "spec": {"interactive": false, "cluster": {"server": server, "certificate-authority-data": "eA=="}},
    })
}

pub(crate) fn kubectl(home: &Home, words: &[&str], info: &Value) -> Ran {
    let mut command = home.command(&[&["credential", "kubectl"], words].concat());
    command.env("KUBERNETES_EXEC_INFO", info.to_string());
    Ran::from(command.output().unwrap())
}

#[test]
fn a_session_that_is_gone_is_one_line_and_no_browser() {
    let (home, _server, _) = signed_in();
    home.run(&["logout"]);
    home.write("browser", "#!/bin/sh\ntouch opened\n");
    let path = home.path("browser");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let line = |host: &str| {
        format!(
            "hallpass: sign-in required for {host}; run `hallpass login work` (helpers do not open a browser)\n"
        )
    };
    // With and without the permission: nobody is here.
    for config in [
        HOSTS.to_owned(),
        format!("[profile.work]\nhelpers_may_prompt = true\n{HOSTS}"),
    ] {
        home.write("config.toml", config);
        let mut command = home.command(&["credential", "git", "get"]);
        let output = command
            .env("BROWSER", &path)
            .env("DISPLAY", ":0")
            .write_stdin(GIT)
            .output();
        let ran = Ran::from(output.unwrap());
        assert_eq!((ran.code, ran.stdout.as_str()), (4, "quit=1\n"), "{ran}");
        assert_eq!(ran.stderr, line("git.example.com"));
        assert!(!home.path("opened").exists());
    }
    let ran = home.run_with(
        &["credential", "docker", "get"],
        "registry.example.com:5000",
    );
    assert_eq!(
        (ran.code, ran.stdout),
        (1, line("registry.example.com:5000"))
    );
    let ran = home.run_with(
        &["credential", "json", "get"],
        r#"{"uri":"https://cache.example.com"}"#,
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""));
    assert_eq!(ran.stderr, line("cache.example.com"));
    let ran = kubectl(&home, &[], &cluster("v1", "https://k8s.example.com:6443"));
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""));
    assert_eq!(ran.stderr, line("k8s.example.com:6443"));
}

#[test]
fn c_39_a_bound_token_is_not_handed_to_a_program_that_cannot_use_it() {
    let home = Home::new();
    let server = Server::start(&home);
    home.write("config.toml", HOSTS);
    let issuer = server.issuer();
    let ran = sign_in_as_told(&home, &["work", "--issuer", &issuer, "--client-id", "cli"]);
    assert_eq!(ran.code, 0, "{ran}");
    let ran = git(&home, "get", GIT);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran}");
    assert_eq!(
        ran.stderr,
        "hallpass: the token for git.example.com is bound to a key of this machine (DPoP), which git cannot use\n  \
         hint: `hallpass login work --no-dpop --force` brings one that is not bound\n"
    );
    // An ID token is bound to nothing.
    let ran = kubectl(&home, &[], &cluster("v1", "https://k8s.example.com:6443"));
    assert_eq!(ran.code, 0, "{ran}");
    let words = ["--token-type", "access"];
    let ran = kubectl(
        &home,
        &words,
        &cluster("v1", "https://k8s.example.com:6443"),
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran}");
}

#[test]
fn c_81_helpers_leave_the_token_of_the_environment_alone_unless_it_is_for_the_host() {
    let (home, _server, session) = signed_in();
    let asked = |host: &str, places: &str| {
        let mut command = home.command(&["credential", "git", "get"]);
        command
            .env("HALLPASS_TOKEN", "given-token")
            .env("HALLPASS_TOKEN_FOR", places);
        let question = format!("protocol=https\nhost={host}\n\n");
        let ran = Ran::from(command.write_stdin(question).output().unwrap());
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
        let line = ran
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix("password="));
        line.unwrap_or_default().to_owned()
    };
    for (host, places, token) in [
        ("git.example.com", "", "given-token"),
        ("other.test", "", ""),
        ("other.test", "https://other.test", "given-token"),
        (
            "other.test",
            "https://a.test, https://other.test/x",
            "given-token",
        ),
        ("other.test:8443", "https://other.test", ""),
        ("other.test.evil.test", "https://other.test", ""),
        // It is for another place: here the session counts.
        ("git.example.com", "https://other.test", session.as_str()),
    ] {
        assert_eq!(asked(host, places), token, "{host} {places}");
    }
    let mut command = home.command(&["credential", "git", "erase"]);
    command.env("HALLPASS_TOKEN", "given-token");
    says_nothing(
        &Ran::from(command.write_stdin(GIT).output().unwrap()),
        "erase",
    );
    assert_eq!(password(&git(&home, "get", GIT)), session);
}

#[test]
fn a_name_of_its_own_is_the_helper() {
    let (home, _server, token) = signed_in();
    let program = env!("CARGO_BIN_EXE_hallpass");
    let called = |name: &str, words: &[&str], stdin: &str| {
        let link = home.path(name);
        std::os::unix::fs::symlink(program, &link).unwrap();
        let mut command = assert_cmd::Command::new(link);
        command
            .args(words)
            .env_clear()
            .env("HALLPASS_HOME", home.path(""));
        let info = cluster("v1", "https://k8s.example.com:6443").to_string();
        command.env("KUBERNETES_EXEC_INFO", info);
        let ran = Ran::from(command.write_stdin(stdin).output().unwrap());
        assert_eq!(ran.code, 0, "{ran}");
        ran.stdout
    };
    let question = r#"{"uri":"https://cache.example.com"}"#;
    for (name, words, stdin) in [
        ("git-credential-hallpass", &["get"][..], GIT),
        (
            "docker-credential-hallpass",
            &["get"],
            "registry.example.com",
        ),
        ("bazel-credential-hallpass", &["get"], question),
        ("kubectl-hallpass", &["--token-type", "access"], ""),
    ] {
        let said = called(name, words, stdin);
        assert!(said.contains(&token), "{name}: {said}");
    }
}

#[test]
fn c_79_and_c_82_what_surrounds_a_helper_does_not_move_it() {
    let (home, _server, token) = signed_in();
    // A repository that wants to be another profile, with another server.
    home.write(
        ".hallpass.toml",
        "profile = \"work\"\nissuer = \"https://evil.test\"\nscopes = [\"admin\"]\n",
    );
    let ran = git(&home, "get", GIT);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    assert_eq!(password(&ran), token);
    home.run(&["profile", "trust", "."]);
    assert_eq!(password(&git(&home, "get", GIT)), token);
    // Another profile of the shell's does not hide the one that serves the host.
    let asked = |name: &str, value: &str, words: &[&str]| {
        let mut command = home.command(&[&["credential", "git", "get"], words].concat());
        Ran::from(command.env(name, value).write_stdin(GIT).output().unwrap())
    };
    assert_eq!(password(&asked("HALLPASS_PROFILE", "other", &[])), token);
    // A word in git's own settings does.
    says_nothing(&asked("X", "", &["-p", "other"]), "-p");
    let ran = asked("HALLPASS_ISSUER", "https://evil.test", &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran}");
}

#[test]
fn two_profiles_for_one_host_need_a_word() {
    let (home, _server, token) = signed_in();
    home.write(
        "config.toml",
        format!("{HOSTS}[profile.spare]\nissuer = \"https://as.test\"\nclient_id = \"c\"\n[profile.spare.helpers]\n\
                 git = [\"https://git.example.com\"]\n"),
    );
    let ran = git(&home, "get", GIT);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran}");
    assert!(
        ran.stderr
            .contains("several profiles serve https://git.example.com: spare, work"),
        "{ran}"
    );
    let ran = home.run_with(&["credential", "git", "get", "-p", "work"], GIT);
    assert_eq!(password(&ran), token);
    let mut command = home.command(&["credential", "git", "get"]);
    let output = command
        .env("HALLPASS_PROFILE", "work")
        .write_stdin(GIT)
        .output();
    assert_eq!(password(&Ran::from(output.unwrap())), token);
}

#[test]
fn a_program_that_signs_in_as_itself_helps_too() {
    let home = Home::new();
    let server = Server::start(&home);
    home.write("secret", "s3cret\n");
    home.write(
        "config.toml",
        format!("[profile.robot]\nissuer = \"{}\"\nclient_id = \"robot\"\nflow = \"client-credentials\"\ndpop = \"off\"\n\
                 client_secret = {{ file = \"secret\" }}\nhelpers = {{ git = [\"https://git.example.com\"] }}\n", server.issuer()),
    );
    let ran = git(&home, "get", GIT);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!password(&ran).is_empty());
}
