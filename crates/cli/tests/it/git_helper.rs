//! What git is answered, byte by byte. git 2.46 is not there in the stories: its form is tested here alone.

use crate::credential_helpers::{GIT, git, password, says_nothing, signed_in};
use crate::hallpass::Home;

#[test]
fn git_gets_a_token_in_the_form_that_it_and_the_host_know() {
    let (home, _server, token) = signed_in();
    let end = home.run(&["token", "--json"]).json()["expires_at"].clone();
    let end: jiff::Timestamp = end.as_str().unwrap().parse().unwrap();
    let end = end.as_second();
    let older = format!("username=oauth2\npassword={token}\npassword_expiry_utc={end}\n");
    let newer = format!(
        "capability[]=authtype\nauthtype=Bearer\ncredential={token}\nephemeral=1\npassword_expiry_utc={end}\n"
    );
    for (question, answer) in [
        ("protocol=https\nhost=git.example.com\n", &older),
        (
            "protocol=https\nhost=git.example.com:443\npath=ada/x.git\nusername=ada\n\n",
            &older,
        ),
        ("protocol=https\nhost=Git.Example.COM:8443\n\n", &older),
        (
            "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=git.example.com\n\n",
            &newer,
        ),
        (
            "capability[]=authtype\nprotocol=https\nhost=git.example.com\nwwwauth[]=Basic realm=\"x\"\n\n",
            &older,
        ),
    ] {
        let ran = git(&home, "get", question);
        let said = (ran.code, ran.stdout.as_str(), ran.stderr.as_str());
        assert_eq!(said, (0, answer.as_str(), ""), "{question}");
    }
    // Refreshed in time, as everywhere.
    home.run(&["token", "--refresh"]);
    assert_ne!(password(&git(&home, "get", GIT)), token);
}

#[test]
fn c_76_and_a_111_a_host_that_is_not_ours_gets_nothing() {
    let (home, server, _) = signed_in();
    let before = server.requests("token").len();
    for host in [
        "git.example.com.evil.test",
        "evil.test",
        "example.com",
        "a.git.example.com",
        "git.example.com:80",
        "git.example.com:8080",
        "git.example.com:0443",
        "git.example.com:",
        "git.example.com.",
        ".git.example.com",
        "git.example.com@evil.test",
        "evil.test@git.example.com",
        "ada:x@git.example.com",
        "git.example.com/evil",
        "git.example.com#evil.test",
        "git.example.com\\evil.test",
        "a%0ahost=git.example.com",
        "git%2eexample.com",
        "git.example.com%00",
        "git.example.com\0",
        "git.example.com\r",
        "git.example.com\rhost=evil.test",
        "evil.test\nhost=git.example.com",
        "git.example.com\nhost=git.example.com",
        "git.example.com\nurl=https://evil.test",
        "git.example.com ",
        "*.example.com",
        "git.ex\u{430}mple.com",
        "\u{ff47}it.example.com",
        // Ours, but docker's.
        "registry.example.com",
        "",
    ] {
        let question = format!("protocol=https\nhost={host}\n\n");
        says_nothing(&git(&home, "get", &question), host);
        says_nothing(&git(&home, "erase", &question), host);
    }
    for question in [
        "protocol=http\nhost=git.example.com\n\n",
        "protocol=ssh\nhost=git.example.com\n\n",
        "protocol=HTTPS\nhost=git.example.com\n\n",
        "protocol=http\nprotocol=https\nhost=git.example.com\n\n",
        "host=git.example.com\n\n",
        "protocol=https\n\n",
        "url=https://git.example.com\n\n",
        "protocol=https\r\nhost=git.example.com\r\n\r\n",
        "protocol=https\nhost=git.example.com\nnonsense\n",
        "\nprotocol=https\nhost=git.example.com\n",
        "",
    ] {
        says_nothing(&git(&home, "get", question), question);
    }
    let long = format!(
        "protocol=https\nhost=git.example.com\npath={}\n",
        "x".repeat(2_000_000)
    );
    says_nothing(&git(&home, "get", &long), "a long path");
    let long = format!(
        "protocol=https\nhost={}git.example.com\n",
        "a.".repeat(50_000)
    );
    says_nothing(&git(&home, "get", &long), "a long host");
    assert_eq!(server.requests("token").len(), before);
}

#[test]
fn c_76_a_rule_for_addresses_is_no_word_about_helpers() {
    let home = Home::new();
    home.write(
        "config.toml",
        "[profile.work]\nissuer = \"https://as.test\"\nclient_id = \"c\"\nresource = [\"https://git.example.com\"]\n\
         [[match]]\nurl = \"https://*.example.com/**\"\nprofile = \"work\"\n",
    );
    says_nothing(&git(&home, "get", GIT), "a rule");
}

#[test]
fn what_git_does_with_a_token_costs_the_token_only() {
    let (home, _server, token) = signed_in();
    let refused = |token: &str| {
        format!(
            "{}password={token}\n\n",
            GIT.trim_end_matches('\n').to_owned() + "\n"
        )
    };
    says_nothing(&git(&home, "store", &refused("typed-by-hand")), "store");
    says_nothing(&git(&home, "frobnicate", GIT), "a word of a later git");
    says_nothing(&git(&home, "erase", &refused("an-older-one")), "erase");
    assert_eq!(password(&git(&home, "get", GIT)), token);

    says_nothing(&git(&home, "erase", &refused(&token)), "erase");
    let next = git(&home, "get", GIT);
    assert_ne!(password(&next), token, "{next}");
    let whoami = home.run(&["whoami", "--json"]).json();
    assert_eq!(whoami["state"], "valid");

    // The newer form, and `git credential reject` by hand, which names no token.
    let newer = format!(
        "capability[]=authtype\nauthtype=Bearer\ncredential={}\n{GIT}",
        password(&next)
    );
    says_nothing(&git(&home, "erase", &newer), "erase");
    let third = git(&home, "get", GIT);
    assert_ne!(password(&third), password(&next));
    says_nothing(&git(&home, "erase", GIT), "erase");
    assert_ne!(password(&git(&home, "get", GIT)), password(&third));
}
