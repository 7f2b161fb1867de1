//! Somebody names a provider instead of an issuer, on the command line and in a profile.

use hallpass_testing::provider::{Double, GitLab, Turn};

use crate::home::Home;

async fn gitlab() -> Double<GitLab> {
    let double = Double::start(GitLab::new).await;
    double.provider().interval = 1;
    double
}

#[tokio::test(flavor = "multi_thread")]
async fn q_29_a_provider_is_named_once_and_remembered() {
    let (double, home) = (gitlab().await, Home::new());
    double
        .provider()
        .device
        .will([Turn::Pending, Turn::Approved]);
    let name = format!("gitlab:{}", double.base);
    let known = ["--provider", &name, "--client-id", GitLab::CLIENT];
    let words = [&["login", "work"], &known[..], &["--flow", "device"]].concat();
    let login = home.runs(&words);
    assert!(login.stderr.contains("0A44L90H"), "{login}");
    // No metadata names the device endpoint; the provider's name does, and its scopes are asked for.
    let asked = &double.seen("/oauth/authorize_device")[0];
    assert_eq!(asked.field("scope"), "openid profile email");

    let whoami = home.runs(&["whoami", "work", "--json"]).json();
    assert_eq!(whoami["issuer"], double.base.as_str());
    assert_eq!(whoami["username"], "ada@example.com");
    assert_eq!(home.runs(&["token", "work"]).line(), "access-1");
    home.runs(&["logout", "work"]);
    let again = home.runs(&["login", "work", "--flow", "device"]);
    assert!(again.stderr.contains("0A44L90H"), "{again}");
    assert_eq!(home.runs(&["token", "work"]).line(), "access-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_names_a_provider_and_an_unknown_one_is_an_error_with_the_names() {
    let (double, home) = (gitlab().await, Home::new());
    let profile = format!(
        "version = 1\n[profile.work]\nprovider = \"gitlab:{}\"\nclient_id = \"{}\"\n",
        double.base,
        GitLab::CLIENT
    );
    home.write("config.toml", &profile);
    home.runs(&["login", "work", "--flow", "device"]);
    assert_eq!(home.runs(&["token", "work"]).line(), "access-1");

    let words = [
        "login",
        "--provider",
        "gitlub",
        "--client-id",
        "x",
        "--flow",
        "device",
    ];
    let ran = home.run(&words);
    assert_eq!(ran.code, Some(5), "{ran}");
    assert!(ran.stderr.contains("`gitlub` is no provider"), "{ran}");
    assert!(ran.stderr.contains("github, google, gitlab"), "{ran}");
}
